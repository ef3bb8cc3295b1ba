"""``lashgraph tree``: the session tree as text."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.text import Text

from lashgraph.cli.drawing import Item, draw
from lashgraph.cli.names import NodeNames
from lashgraph.cli.output import Output, records, visible
from lashgraph.cli.passages import line
from lashgraph.errors import DamagedDataWarning
from lashgraph.format.node import Node
from lashgraph.format.sizes import counted
from lashgraph.store import Store
from lashgraph.store import open as open_store
from lashgraph.tree import SessionGraph
from lashgraph.tree.messages import first_line, message_text

DONE = 0
DAMAGED = 1
_NOTES = {"missing": " (below a parent that is missing)", "cycle": " (on a cycle)"}
_ASKED = 200
"""Nodes of a branch that are asked for its first words."""


def run_tree(path: Path, leaf: str | None, out: Output, *, messages: bool, lines: int) -> int:
    """Print the session tree; 1 if nodes of it cannot be read."""
    with open_store(path) as store:
        graph = load_tree(store, leaf)
    if messages:
        draw_messages(graph, out, lines)
    else:
        draw_tree(graph, out, lines)
    if out.as_json:
        rows = graph.message_tree() if messages else graph.branches()
        out.json(
            {
                "path": graph.file,
                "session_id": graph.session_id,
                "leaf_node_id": graph.leaf,
                "n_nodes": len(graph),
                "n_on_active_path": len(graph.active_path()),
                "n_unreadable": len(graph.unreadable),
                ("messages" if messages else "branches"): records(
                    rows.drop(columns=["path", "session_id"])
                ),
            }
        )
    return DAMAGED if graph.unreadable else DONE


def load_tree(store: Store, leaf: str | None) -> SessionGraph:
    """The session tree, with a leaf of which the beginning is enough."""
    with store.snapshot():
        graph = store.tree()
        if leaf is None:
            return graph
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DamagedDataWarning)  # told at the first reading
            return store.tree(NodeNames(graph.ids).find(leaf))


def draw_tree(graph: SessionGraph, out: Output, lines: int = 0) -> None:
    """Draw a line for each branch, at most so many if a number is given."""
    branches = graph.branches()
    out.say(_summary(graph, counted(len(branches), "branch", "branches")), style="bold")
    firsts, lasts = branches["branch_id"].tolist(), branches["last_node_id"].tolist()
    sizes, starts = branches["n_nodes"].tolist(), branches["start"].tolist()
    names = NodeNames(graph.ids)
    leaf = graph.leaf if graph.leaf in graph else None
    leaf_branch = None if leaf is None else graph.branch_of(leaf)

    def label(at: int) -> Text:
        text = Text(f"{counted(sizes[at], 'node')} to {visible(names.short(lasts[at]))}")
        if leaf is not None and firsts[at] == leaf_branch:
            within = "" if leaf == lasts[at] else f" {visible(names.short(leaf))} among them"
            text.append(f" (leaf{within})")
        text.append(_NOTES.get(starts[at], ""))
        return text.append(f"  {visible(_first_words(graph, firsts[at], sizes[at]))}")

    parents = [
        parent if start == "fork" else None
        for parent, start in zip(branches["parent_branch_id"].tolist(), starts, strict=True)
    ]
    on_path = (branches["n_on_active_path"] > 0).tolist()
    _draw(items_of(firsts, parents, sizes, on_path), label, out, lines)


def draw_messages(graph: SessionGraph, out: Output, lines: int = 0) -> None:
    """Draw a line for each message, as the runtime's session picker has them."""
    tree = graph.message_tree()
    out.say(_summary(graph, counted(len(tree), "message")), style="bold")
    ids, roles, texts = (tree[name].tolist() for name in ("node_id", "role", "text"))
    times = tree["timestamp"].dt.strftime("%Y-%m-%d %H:%M").fillna("no time").tolist()
    names = NodeNames(ids)

    def label(at: int) -> Text:
        text = Text(f"{roles[at]}  {visible(names.short(ids[at]))}  {times[at]}")
        text.append(" (leaf)" if ids[at] == graph.leaf else "")
        return text.append(f"  {visible(texts[at])}")

    on_path = tree["on_active_path"].tolist()
    items = items_of(ids, tree["parent_node_id"].tolist(), [1] * len(ids), on_path)
    _draw(items, label, out, lines)


class Rows(NamedTuple):
    """Rows in an order in which parents stand before their children."""

    order: list[int]
    items: list[Item]


def items_of(
    ids: Sequence[str],
    parents: Sequence[object],
    weights: Sequence[int],
    on_path: Sequence[bool],
) -> Rows:
    """Rows as items to draw; a parent that is no id of theirs is none."""
    place = {name: at for at, name in enumerate(ids)}
    children: list[list[int]] = [[] for _ in ids]
    order: list[int] = []
    above = [place.get(parent, -1) if isinstance(parent, str) else -1 for parent in parents]
    for at, parent in enumerate(above):
        (order if parent < 0 else children[parent]).append(at)
    for at in order:  # grows meanwhile, by the children of those that it has
        order += children[at]
    where = {at: new for new, at in enumerate(order)}
    return Rows(order, [Item(where.get(above[at], -1), weights[at], on_path[at]) for at in order])


def _draw(rows: Rows, label: Callable[[int], Text], out: Output, lines: int) -> None:
    for number, drawn in enumerate(draw(rows.items)):
        if lines and number == lines:
            left = f"… {len(rows.items) - lines:,} more lines; --lines 0 draws all"
            line(out, Text(left, style="dim"))
            break
        text = Text(f"{drawn.lines} ").append_text(label(rows.order[drawn.at]))
        if rows.items[drawn.at].on_path:
            text.stylize("bold")
        line(out, text)


def _summary(graph: SessionGraph, parts: str) -> str:
    leaf = ""
    if graph.leaf is None:
        leaf = "; no leaf"
    elif graph.leaf not in graph:
        leaf = f"; the leaf {graph.leaf} is not among them"
    lost = f", {len(graph.unreadable):,} unreadable" if graph.unreadable else ""
    return (
        f"session {graph.session_id or '?'}: {counted(len(graph), 'node')}{lost}, {parts}, "
        f"{len(graph.active_path()):,} on the active path{leaf}"
    )


def _first_words(graph: SessionGraph, node_id: str, size: int) -> str:
    """What the first message of a branch says; without messages, what its first node is."""
    first = graph[node_id]
    for _ in range(min(size, _ASKED)):
        node = graph[node_id]
        words = "" if node.message is None else first_line(message_text(node.message))
        if node.message is not None and words:
            return f"{node.message.role}: {words}"
        below = graph.children(node_id)
        if not below:
            break
        node_id = below[0]
    return node_kind(first)


def node_kind(node: Node) -> str:
    """What a node is, in a word or two."""
    if node.message is not None:
        return f"{node.message.role} message"
    if node.event is not None and node.event.protocol is not None:
        return f"protocol event of {node.event.protocol.plugin_id}"
    if node.invocation is not None:
        return f"call of {node.invocation.tool}"
    return f"plugin entry {node.plugin_type}"
