"""Frames of the session tree: their columns, declared as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from lashgraph.columns import FrameSchema, closed, count, flag, maybe, text, time
from lashgraph.version import __version__

BRANCHES = FrameSchema.of(
    "branches",
    "every branch of the session tree: a run of nodes without a fork, as long as it can be",
    text("branch_id", "id of its first node"),
    closed(
        "start",
        "why it starts there: at a root, below a parent that is not here, at a fork, on a cycle",
        "root",
        "missing",
        "fork",
        "cycle",
    ),
    text("fork_node_id", "the node it leaves from; missing at a root"),
    text("parent_branch_id", "the branch of that node"),
    text("last_node_id", "id of its last node"),
    flag("is_leaf", "whether it ends in a leaf, else in a fork or a cycle"),
    maybe("depth", "depth of its first node; missing where that leads into a cycle"),
    count("n_nodes", "nodes of the branch"),
    count("n_messages", "messages among them"),
    count("n_on_active_path", "how many of its nodes the active path passes"),
    time("first_at", "when its first node was made"),
    time("last_at", "when its last node was made"),
)

MESSAGE_TREE = FrameSchema.of(
    "message_tree",
    "every message, parents before children, as the runtime's picker shows them",
    text("node_id", "the message's node"),
    text("parent_node_id", "the nearest ancestor that is a message"),
    count("depth", "messages above it"),
    text("message_id", "the message's own id"),
    closed("role", "role", "User", "Assistant", "System", "Event"),
    time("timestamp", "when it was made"),
    flag(
        "active",
        "the runtime's mark: whether its NODE id is among the MESSAGE ids of the active path",
    ),
    flag("on_active_path", "whether the active path passes here"),
    text("text", "the beginning of its text, one line"),
)


def tree_frame(
    schema: FrameSchema, data: Mapping[str, Any], *, rows: int, path: str, session_id: str
) -> pd.DataFrame:
    """Make a frame of a session graph from columns of equal length."""
    frame = schema.build(data, rows, path, session_id)
    frame.attrs["lashgraph"] = {"frame": schema.name, "version": __version__}
    return frame
