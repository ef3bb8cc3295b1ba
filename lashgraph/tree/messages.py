"""The tree of messages: nodes that are none stand aside, as in the runtime's session picker."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lashgraph.format.node import Message
from lashgraph.tree.base import NodeGraph
from lashgraph.tree.columns import MESSAGE_TREE, tree_frame
from lashgraph.tree.forest import ROOT, measure, without_cycles
from lashgraph.tree.tour import tour

SPOKEN = ("Text", "Prose", "Code", "Output", "Error")
"""Kinds of parts that are a message's own words."""

_SHOWN = 80


def message_text(message: Message) -> str:
    """What a message says: no reasoning, tool calls and results; parts joined by a blank line."""
    texts = [part.content for part in message.parts if part.kind in SPOKEN]
    return "\n\n".join(text for text in texts if text)


class MessageTree(NamedTuple):
    """Messages, parents before children, siblings by their timestamps' text.

    Attributes
    ----------
    at : list of int
        Positions of the messages' nodes in the graph.
    parents : list of int
        Position of the nearest ancestor that is a message; -1 without one.
    depths : list of int
        Messages above each.
    """

    at: list[int]
    parents: list[int]
    depths: list[int]


def message_tree(graph: NodeGraph) -> MessageTree:
    """The messages of a graph as a tree of their own; a cycle ends the way up."""
    messages = [at for at, node in enumerate(graph.nodes) if node.message is not None]
    above = _nearest_message(graph, messages)
    by_time = sorted(messages, key=lambda at: graph.nodes[at].timestamp)
    place = np.full(len(graph), ROOT, np.int64)
    place[by_time] = np.arange(len(by_time))
    over = above[by_time]
    forest = measure(np.where(over >= 0, place[over], ROOT))
    order = tour(forest).order
    at = np.array(by_time, np.int64)[order]
    return MessageTree(at.tolist(), above[at].tolist(), forest.depths[order].tolist())


def _nearest_message(graph: NodeGraph, messages: list[int]) -> NDArray[np.int64]:
    """For each row the position of the nearest message above it, or -1."""
    is_message = np.zeros(len(graph), np.bool_)
    is_message[messages] = True
    forest = without_cycles(graph._forest)
    parents = forest.parents.tolist()
    chosen = is_message.tolist()
    above = [ROOT] * len(graph)
    for node in np.argsort(forest.depths, kind="stable").tolist():
        parent = parents[node]
        if parent >= 0:
            above[node] = parent if chosen[parent] else above[parent]
    return np.array(above, np.int64)


def message_frame(graph: NodeGraph) -> pd.DataFrame:
    """One row for each message of the tree."""
    tree = message_tree(graph)
    nodes = [graph.nodes[at] for at in tree.at]
    messages = [node.message for node in nodes if node.message is not None]
    active = graph._active()
    on_path = [graph.nodes[at].message for at in np.flatnonzero(active)]
    marked = {message.id for message in on_path if message is not None}
    return tree_frame(
        MESSAGE_TREE,
        {
            "node_id": [node.node_id for node in nodes],
            "parent_node_id": [None if at < 0 else graph.nodes[at].node_id for at in tree.parents],
            "depth": tree.depths,
            "message_id": [message.id for message in messages],
            "role": [message.role for message in messages],
            "timestamp": [node.timestamp for node in nodes],
            "active": [node.node_id in marked for node in nodes],
            "on_active_path": active[tree.at].tolist(),
            "text": [_beginning(message) for message in messages],
        },
        rows=len(nodes),
        path=graph.file,
        session_id=graph.session_id,
    )


def _beginning(message: Message) -> str:
    """The first line of what a message says, without reading the rest."""
    contents = (part.content for part in message.parts if part.kind in SPOKEN)
    return first_line(next(filter(None, contents), ""))


def first_line(text: str) -> str:
    """The beginning of a text as one line."""
    line = " ".join(text[: 4 * _SHOWN].split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
