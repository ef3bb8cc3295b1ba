"""The session graph in memory."""

from lashgraph.tree.family import FamilySession, SessionFamily
from lashgraph.tree.frames import AgentFrames
from lashgraph.tree.graph import SessionGraph
from lashgraph.tree.loaded import LoadedSession
from lashgraph.tree.paths import PathDiff
from lashgraph.tree.sketch import sketch
from lashgraph.tree.steps import Step
from lashgraph.tree.transcript import Transcript

__all__ = [
    "AgentFrames",
    "FamilySession",
    "LoadedSession",
    "PathDiff",
    "SessionFamily",
    "SessionGraph",
    "Step",
    "Transcript",
    "sketch",
]
