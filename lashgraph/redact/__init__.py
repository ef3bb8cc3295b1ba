"""Copies of stores that can be shared: the graph, the sizes and the times, not what was said."""

from lashgraph.redact.report import REDACTED, RedactionReport
from lashgraph.redact.run import redact

__all__ = ["REDACTED", "RedactionReport", "redact"]
