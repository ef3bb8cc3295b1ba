"""A session as the runtime loads it."""

from __future__ import annotations

from dataclasses import dataclass

from lashgraph.format.checkpoint import Checkpoint
from lashgraph.format.head import AgentFrame, SessionConfig
from lashgraph.format.usage import UsageDelta
from lashgraph.tree.graph import SessionGraph


@dataclass(frozen=True)
class LoadedSession:
    """A session as the runtime loads it: head, graph, checkpoint and ledger together."""

    session_id: str
    head_revision: int
    config: SessionConfig
    agent_frames: list[AgentFrame]
    current_agent_frame_id: str
    graph: SessionGraph
    checkpoint_ref: str | None
    checkpoint: Checkpoint | None
    token_ledger: list[UsageDelta]
