"""Notebook views of stores and corpora: live where a kernel runs, pictures and tables elsewhere."""

from lashgraph.widgets.browser import CorpusBrowser, corpus
from lashgraph.widgets.explorer import Explorer, explore
from lashgraph.widgets.reachability_view import ReachabilityView, reachability
from lashgraph.widgets.simulation import Simulation, simulate

__all__ = [
    "CorpusBrowser",
    "Explorer",
    "ReachabilityView",
    "Simulation",
    "corpus",
    "explore",
    "reachability",
    "simulate",
]
