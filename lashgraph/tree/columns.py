"""Frames of the session tree: their columns, declared as data, empty or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from lashgraph.tree.times import TIME, as_times
from lashgraph.version import __version__


class TreeColumn(NamedTuple):
    """A column: name, dtype, meaning, and for a closed set its categories."""

    name: str
    dtype: str
    meaning: str
    categories: tuple[str, ...] = ()


_FIRST = (
    TreeColumn("path", "str", "the file; empty for a graph that came from none"),
    TreeColumn("session_id", "str", "the session that the row belongs to"),
)

BRANCHES = (
    *_FIRST,
    TreeColumn("branch_id", "str", "id of its first node"),
    TreeColumn(
        "start",
        "category",
        "why it starts there: at a root, below a parent that is not here, at a fork, on a cycle",
        ("root", "missing", "fork", "cycle"),
    ),
    TreeColumn("fork_node_id", "str", "the node it leaves from; missing at a root"),
    TreeColumn("parent_branch_id", "str", "the branch of that node"),
    TreeColumn("last_node_id", "str", "id of its last node"),
    TreeColumn("is_leaf", "bool", "whether it ends in a leaf, else in a fork or a cycle"),
    TreeColumn("depth", "Int64", "depth of its first node; missing where that leads into a cycle"),
    TreeColumn("n_nodes", "int64", "nodes of the branch"),
    TreeColumn("n_messages", "int64", "messages among them"),
    TreeColumn("n_on_active_path", "int64", "how many of its nodes the active path passes"),
    TreeColumn("first_at", TIME, "when its first node was made"),
    TreeColumn("last_at", TIME, "when its last node was made"),
)

MESSAGE_TREE = (
    *_FIRST,
    TreeColumn("node_id", "str", "the message's node"),
    TreeColumn("parent_node_id", "str", "the nearest ancestor that is a message"),
    TreeColumn("depth", "int64", "messages above it"),
    TreeColumn("message_id", "str", "the message's own id"),
    TreeColumn("role", "category", "role", ("User", "Assistant", "System", "Event")),
    TreeColumn("timestamp", TIME, "when it was made"),
    TreeColumn(
        "active",
        "bool",
        "the runtime's mark: whether its NODE id is among the MESSAGE ids of the active path",
    ),
    TreeColumn("on_active_path", "bool", "whether the active path passes here"),
    TreeColumn("text", "str", "the beginning of its text, one line"),
)


def tree_frame(
    name: str,
    columns: tuple[TreeColumn, ...],
    data: Mapping[str, Any],
    *,
    rows: int,
    path: str,
    session_id: str,
) -> pd.DataFrame:
    """Make a frame of declared columns from columns of equal length."""
    values = {"path": [path] * rows, "session_id": [session_id] * rows, **data}
    frame = pd.DataFrame(
        {column.name: _series(column, values[column.name]) for column in columns}, copy=False
    )
    frame.attrs["lashgraph"] = {"frame": name, "version": __version__}
    return frame


def _series(column: TreeColumn, values: Any) -> Any:
    if column.dtype == "category":
        return pd.Categorical(values, categories=list(column.categories))
    if column.dtype == TIME:
        return pd.Series(as_times(values))
    return pd.array(values, dtype=column.dtype)
