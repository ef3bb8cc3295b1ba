"""Pictures: matplotlib figures, made without pyplot."""

from lashgraph.plot.retention import retention
from lashgraph.plot.tree import session_tree

__all__ = ["retention", "session_tree"]
