"""Frames: each entity of a store as a pandas DataFrame with a declared schema."""

from lashgraph.frames.blobs import blobs_frame
from lashgraph.frames.declared import SCHEMAS, schema
from lashgraph.frames.ledger import history_frame, turns_frame, usage_frame
from lashgraph.frames.nodes import nodes_frame
from lashgraph.frames.problems import findings_frame, problems_frame
from lashgraph.frames.refs import refs_frame
from lashgraph.frames.schema import Column, FrameSchema
from lashgraph.frames.sessions import sessions_frame

__all__ = [
    "SCHEMAS",
    "Column",
    "FrameSchema",
    "blobs_frame",
    "findings_frame",
    "history_frame",
    "nodes_frame",
    "problems_frame",
    "refs_frame",
    "schema",
    "sessions_frame",
    "turns_frame",
    "usage_frame",
]
