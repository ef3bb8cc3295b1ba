"""The session graph in memory."""

from lashgraph.tree.graph import LoadedSession, SessionGraph

__all__ = ["LoadedSession", "SessionGraph"]
