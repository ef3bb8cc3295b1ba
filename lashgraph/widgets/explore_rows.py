"""What a row of the session's tree says: who, when, and the first words."""

from __future__ import annotations

from typing import Any

from lashgraph.format.html import visible
from lashgraph.format.node import Node
from lashgraph.tree import SessionGraph
from lashgraph.tree.entries import Entry, author_of
from lashgraph.tree.messages import first_line
from lashgraph.tree.steps import step_of
from lashgraph.widgets.explore_outline import Outline

_TOOLS = 3
_NAME = 40
_BODY = 240
_MORE = "…"


def label(node: Node) -> str:
    """The first words of a node, on one line."""
    words = _words(node)
    return visible(first_line(words))


def _words(node: Node) -> str:
    if node.message is not None:
        entry = Entry(node, node.message, None)
        return entry.words or f"({node.message.role}, nothing said)"
    step = step_of(node)
    if step is not None:
        return Entry(node, None, step).words or step.error or "(step without code)"
    return f"{node.held_by} {bytes(node.held_json)[:_BODY].decode(errors='replace')}"


def tools(node: Node) -> list[str]:
    """Names of the tools that a message calls, or gives results of; few, cut, each once."""
    if node.message is None:
        return []
    named = dict.fromkeys(
        part.tool_name or "tool"
        for part in node.message.parts
        if part.kind in ("ToolCall", "ToolResult")
    )
    cut = [visible(name if len(name) <= _NAME else name[: _NAME - 1] + _MORE) for name in named]
    more = [f"+{len(cut) - _TOOLS}"] if len(cut) > _TOOLS else []
    return cut[:_TOOLS] + more


def clock(timestamp: str) -> str:
    """The time of day of a timestamp; its end where it has another form."""
    return visible(timestamp[11:19] if timestamp[10:11] == "T" else timestamp[-8:])


def row(graph: SessionGraph, outline: Outline, leaf: str | None, at: int) -> dict[str, Any]:
    """One row, as the browser gets it."""
    node = graph.nodes[at]
    number, of = outline.standing(at)
    return {
        "id": node.node_id,
        "level": outline.level(at),
        "number": number,
        "of": of,
        "open": outline.is_open(at) if outline.can_open(at) else None,
        "nodes": outline.count(at),
        "who": author_of(node),
        "name": "step" if step_of(node) is not None else author_of(node),
        "text": label(node),
        "tools": tools(node),
        "time": clock(node.timestamp),
        "fork": outline.is_fork(at),
        "path": bool(outline.on_path[at]),
        "leaf": node.node_id == leaf,
    }
