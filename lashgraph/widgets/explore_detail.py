"""All that is shown of one node: its facts, and its texts piece by piece."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from lashgraph.format.html import visible
from lashgraph.format.node import Message, Node, Part
from lashgraph.tree import SessionGraph
from lashgraph.tree.entries import Entry, author_of, shown_content
from lashgraph.tree.rendered import Block, blocks
from lashgraph.tree.steps import step_of
from lashgraph.widgets.explore_outline import Outline

MOST = 20_000
"""Characters of a text that are sent at once; the rest when it is asked for."""

_WAY = 400
"""Nodes on the way up or down that are searched for the other half of a tool call."""

_JSON = 400_000
_NOT_PLAIN = re.compile(r"[^\n\x20-\x7e]")


def detail(graph: SessionGraph, outline: Outline, node_id: str) -> dict[str, Any]:
    """The facts and texts of a node, as the browser gets them; long texts without their ends."""
    at = outline.at(node_id)
    node = graph.nodes[at]
    return {
        "id": node_id,
        "title": _title(node),
        "who": author_of(node),
        "facts": [[name, visible(str(value))] for name, value in _facts(graph, outline, at)],
        "parent": node.parent_node_id if outline.parents[at] >= 0 else None,
        "pieces": [
            {
                "label": visible(block.label),
                "text": visible(block.text[:MOST]),
                "length": len(block.text),
                "cut": len(block.text) > MOST,
                "aside": block.is_aside,
                "plain": not block.label,
                "other": other,
            }
            for block, other in pieces(graph, outline, node_id)
        ],
    }


def pieces(graph: SessionGraph, outline: Outline, node_id: str) -> list[tuple[Block, str | None]]:
    """The texts of a node, each with the node that it is of, if that is another."""
    at = outline.at(node_id)
    node = graph.nodes[at]
    if node.message is not None:
        return list(_of_message(graph, outline, at, node.message))
    step = step_of(node)
    if step is not None:
        return [(block, None) for block in blocks(Entry(node, None, step))]
    return [(Block("payload" if node.kind == "event" else "body", _body(node)), None)]


def _title(node: Node) -> str:
    if node.message is not None:
        return visible(Entry(node, node.message, None).speaker)
    step = step_of(node)
    if step is not None:
        return "Step" if step.iteration is None else f"Step {step.iteration}"
    what = "Plugin entry" if node.event is None else "Event of"
    return visible(f"{what if node.invocation is None else 'Call of'} {node.held_by}")


def _facts(graph: SessionGraph, outline: Outline, at: int) -> Iterator[tuple[str, Any]]:
    node = graph.nodes[at]
    yield "node", node.node_id
    yield "time", node.timestamp
    yield "parent", _parent(graph, outline, at)
    depth = graph.depth(node.node_id)
    yield "depth", f"{depth:,}" if depth >= 0 else "none: its path runs in a circle"
    yield "branch", graph.branch_of(node.node_id)
    children = graph.children(node.node_id)
    yield "children", f"{len(children):,}" if children else "none: it is a leaf"
    if node.agent_frame_id is not None:
        yield "agent frame", node.agent_frame_id
    if node.message is not None:
        yield "message", node.message.id
    if node.caused_by is not None:
        named = msgspec.to_builtins(node.caused_by)
        yield "caused by", ", ".join(f"{key} {value}" for key, value in named.items())


def _parent(graph: SessionGraph, outline: Outline, at: int) -> str:
    named = graph.nodes[at].parent_node_id
    if named is None:
        return "none: it is a root"
    if outline.parents[at] >= 0:
        return named
    return f"{named} (on a cycle)" if named in graph else f"{named} (not in the graph)"


def _body(node: Node) -> str:
    return pretty(bytes(node.held_json))


def _of_message(
    graph: SessionGraph, outline: Outline, at: int, message: Message
) -> Iterator[tuple[Block, str | None]]:
    node = graph.nodes[at]
    for part in message.parts:
        alone = msgspec.structs.replace(message, parts=[part])
        for block in blocks(Entry(node, alone, None)):
            shown = block._replace(is_aside=block.is_aside and part.kind == "Reasoning")
            yield shown._replace(text=_arguments(part, shown.text)), None
        if part.kind in ("ToolCall", "ToolResult"):
            yield from _other_half(graph, outline, at, part)


def _arguments(part: Part, text: str) -> str:
    return pretty(text.encode()) if part.kind == "ToolCall" else text


def _other_half(
    graph: SessionGraph, outline: Outline, at: int, part: Part
) -> Iterator[tuple[Block, str | None]]:
    """The result of a call on the line that goes on below it, the call of a result above it."""
    wanted = "ToolResult" if part.kind == "ToolCall" else "ToolCall"
    way = outline.rest(at) if wanted == "ToolResult" else _above(outline, at)
    for place in way[:_WAY]:
        message = graph.nodes[place].message
        for other in message.parts if message is not None else ():
            if other.kind == wanted and other.tool_call_id == part.tool_call_id:
                name = part.tool_name or other.tool_name or "the tool"
                what = f"what {name} answered" if wanted == "ToolResult" else f"asked of {name}"
                text = _arguments(other, shown_content(other))
                yield Block(what, text), graph.nodes[place].node_id
                return
    if wanted == "ToolResult":
        yield Block("no result on this path", ""), None


def _above(outline: Outline, at: int) -> list[int]:
    way: list[int] = []
    above = int(outline.parents[at])
    while above >= 0 and len(way) < _WAY:
        way.append(above)
        above = int(outline.parents[above])
    return way


def harmless(json: str) -> str:
    """JSON in which characters that act instead of being seen are escaped; it means the same."""
    return _NOT_PLAIN.sub(_escaped, json)


def _escaped(found: re.Match[str]) -> str:
    one = found[0]
    return one if visible(one) == one else f"\\u{ord(one):04x}"


def pretty(text: bytes) -> str:
    """JSON with its lines broken, its numbers and texts as they are; another text as it is."""
    shown = text[:_JSON]
    if len(text) == len(shown):
        with contextlib.suppress(msgspec.DecodeError, RecursionError):
            shown = msgspec.json.format(text, indent=2)
    return shown.decode(errors="replace")
