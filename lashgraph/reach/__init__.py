"""What keeps what alive: policies, roots, and the one mark."""

from lashgraph.reach.mark import Finding, Mark, mark
from lashgraph.reach.policy import GcPolicy
from lashgraph.reach.reachability import Reachability
from lashgraph.reach.refs import Ref, collect_refs, node_refs

__all__ = [
    "Finding",
    "GcPolicy",
    "Mark",
    "Reachability",
    "Ref",
    "collect_refs",
    "mark",
    "node_refs",
]
