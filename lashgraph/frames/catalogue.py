"""All frames of a store: their schemas by name."""

from __future__ import annotations

from lashgraph.columns import FrameSchema
from lashgraph.comparison import COMPARISON
from lashgraph.frames.agent_frames import AGENT_FRAMES
from lashgraph.frames.blobs import BLOBS
from lashgraph.frames.calls import TOOL_CALLS
from lashgraph.frames.checkpoints import CHECKPOINTS
from lashgraph.frames.events import EVENTS, STEPS
from lashgraph.frames.history import HISTORY, SIMULATION
from lashgraph.frames.messages import MESSAGES, PARTS
from lashgraph.frames.nodes import NODES
from lashgraph.frames.problems import FINDINGS, PROBLEMS
from lashgraph.frames.refs import REFS
from lashgraph.frames.sessions import SESSIONS
from lashgraph.frames.turns import TURNS, USAGE
from lashgraph.frames.work import ATTACHMENTS, PENDING_INPUTS, QUEUED_WORK
from lashgraph.gc import REPORTS
from lashgraph.gc.retention import RETENTION
from lashgraph.reach.columns import FREED, REACHED, RETAINED, ROOTS, WHY
from lashgraph.tree.columns import BRANCHES, MESSAGE_TREE

SCHEMAS: dict[str, FrameSchema] = {
    made.name: made
    for made in (
        SESSIONS,
        NODES,
        MESSAGES,
        PARTS,
        TOOL_CALLS,
        EVENTS,
        STEPS,
        AGENT_FRAMES,
        BLOBS,
        REFS,
        CHECKPOINTS,
        TURNS,
        HISTORY,
        SIMULATION,
        USAGE,
        ATTACHMENTS,
        QUEUED_WORK,
        PENDING_INPUTS,
        PROBLEMS,
        FINDINGS,
        RETENTION,
        REPORTS,
        COMPARISON,
        BRANCHES,
        MESSAGE_TREE,
        ROOTS,
        REACHED,
        RETAINED,
        FREED,
        WHY,
    )
}
