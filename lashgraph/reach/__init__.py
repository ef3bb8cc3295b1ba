"""What keeps what alive: policies, roots, and the one mark."""

from lashgraph.reach.mark import Mark, mark
from lashgraph.reach.policy import GcPolicy
from lashgraph.reach.reachability import Reachability
from lashgraph.reach.refs import Ref, collect_refs

__all__ = ["GcPolicy", "Mark", "Reachability", "Ref", "collect_refs", "mark"]
