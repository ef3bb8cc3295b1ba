"""Graphs of bare nodes, to try a question on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from lashgraph.format.node import as_nodes
from lashgraph.tree.graph import SessionGraph

_START = datetime(2026, 1, 1, tzinfo=UTC)


def sketch(parents: Mapping[str, str | None], leaf: str | None = None) -> SessionGraph:
    """A graph of plugin nodes with these parents, a second apart from 2026-01-01.

    Parameters
    ----------
    parents : mapping of str to str or None
        The parent of each node, in load order. Parents that are no key are missing.
    leaf : str, optional
        Where the active path ends.

    Returns
    -------
    SessionGraph

    Examples
    --------
    >>> sketch({"a": None, "b": "a"}, leaf="b").active_path()
    ['a', 'b']
    """
    nodes = []
    for number, (name, parent) in enumerate(parents.items()):
        node = {
            "node_id": name,
            "timestamp": (_START + timedelta(seconds=number)).isoformat(),
            "kind": "plugin",
            "plugin_type": "sketch",
            "body": None,
        }
        nodes.append(node if parent is None else {**node, "parent_node_id": parent})
    return SessionGraph(as_nodes(nodes), leaf)
