"""Frames: each entity of a store as a pandas DataFrame with a declared schema."""

from lashgraph.frames.agent_frames import agent_frames_table
from lashgraph.frames.blobs import blobs_table
from lashgraph.frames.calls import tool_calls_table
from lashgraph.frames.catalogue import SCHEMAS
from lashgraph.frames.checkpoints import checkpoints_table
from lashgraph.frames.events import events_table, steps_table
from lashgraph.frames.history import history_table, simulation_table
from lashgraph.frames.messages import messages_table, parts_table
from lashgraph.frames.nodes import nodes_table
from lashgraph.frames.problems import findings_table, problems_table
from lashgraph.frames.refs import refs_table
from lashgraph.frames.sessions import sessions_table
from lashgraph.frames.source import Builder, RowDamage, Source, make
from lashgraph.frames.turns import turns_table, usage_table
from lashgraph.frames.work import attachments_table, pending_inputs_table, queued_work_table

__all__ = [
    "SCHEMAS",
    "Builder",
    "RowDamage",
    "Source",
    "agent_frames_table",
    "attachments_table",
    "blobs_table",
    "checkpoints_table",
    "events_table",
    "findings_table",
    "history_table",
    "make",
    "messages_table",
    "nodes_table",
    "parts_table",
    "pending_inputs_table",
    "problems_table",
    "queued_work_table",
    "refs_table",
    "sessions_table",
    "simulation_table",
    "steps_table",
    "tool_calls_table",
    "turns_table",
    "usage_table",
]
