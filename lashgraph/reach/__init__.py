"""What keeps what alive: policies, roots, and the one mark."""

from lashgraph.reach.chains import Chain, Step
from lashgraph.reach.facts import gather
from lashgraph.reach.head_text import head_text_refs
from lashgraph.reach.mark import Finding, Mark, mark
from lashgraph.reach.policy import GcPolicy
from lashgraph.reach.reachability import Reachability
from lashgraph.reach.refs import Ref, collect_refs, node_refs
from lashgraph.reach.why import Superseding, Why

__all__ = [
    "Chain",
    "Finding",
    "GcPolicy",
    "Mark",
    "Reachability",
    "Ref",
    "Step",
    "Superseding",
    "Why",
    "collect_refs",
    "gather",
    "head_text_refs",
    "mark",
    "node_refs",
]
