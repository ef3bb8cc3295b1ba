"""Frames of tool calls, events and steps by hand; see `frames_by_hand`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

from frames_by_hand import (
    Columns,
    Graph,
    Json,
    Parsed,
    Row,
    columns_of,
    message_of,
    on_circles,
    place_of,
)

FAILED = "[Tool execution failed]"


class Place(NamedTuple):
    """A part of a message: its row and where it stands in it."""

    node_id: str
    part: int


class Calls:
    """Calls and results as a frame lists them, and the paths between them."""

    def __init__(self, connection: sqlite3.Connection, *, tombstoned: bool) -> None:
        self.graph = Graph(connection)
        self.rows = self.graph.listed(tombstoned=tombstoned)
        self.parts: dict[Place, Json] = {}
        self.of_node: dict[str, list[Place]] = {}
        for row in self.rows:
            message = message_of(row["node"]) or {"parts": []}
            for index, part in enumerate(message["parts"]):
                place = Place(row["node_id"], index)
                self.parts[place] = part
                self.of_node.setdefault(place.node_id, []).append(place)
        self.shown = {
            row["node_id"] for row in self.graph.rows if tombstoned or not row["tombstoned"]
        }
        self.on_circle = on_circles(self.shown, self.parent)
        self.call_by_result = {place: self.call_of(place) for place in self.of_kind("ToolResult")}

    def of_kind(self, kind: str) -> list[Place]:
        return [place for place, part in self.parts.items() if part["kind"] == kind]

    def parent(self, node_id: str) -> str | None:
        named = self.graph.parent_name(node_id)
        return named if named in self.shown else None

    def above(self, place: Place) -> Iterator[Place]:
        """All parts on the way up to the root, the nearest first; a circle is no way up."""
        for index in reversed(range(place.part)):
            yield Place(place.node_id, index)
        current: str | None = place.node_id
        while current is not None and current not in self.on_circle:
            current = self.parent(current)
            yield from reversed(self.of_node.get(current or "", []))

    def call_of(self, result: Place) -> Place | None:
        """The nearest call above a result that has its id."""
        wanted = self.parts[result].get("tool_call_id")
        for place in self.above(result):
            part = self.parts[place]
            named = part.get("tool_call_id")
            if part["kind"] == "ToolCall" and named == wanted and named is not None:
                return place
        return None

    def answer(self, call: Place) -> tuple[Place | None, bool]:
        """The result that a call's row shows, and whether another is on one path with it."""
        found = [place for place, over in self.call_by_result.items() if over == call]
        if not found:
            return None, False
        active = [place for place in found if place.node_id in self.graph.active]
        first = (active or found)[0]
        on_path = [
            place
            for place in found
            if place == first or place in self.above(first) or first in self.above(place)
        ]
        return min(on_path, key=lambda place: len(list(self.above(place)))), len(on_path) > 1


def tool_calls(connection: sqlite3.Connection, *, tombstoned: bool = False) -> Columns:
    """The frame of tool calls."""
    calls = Calls(connection, tombstoned=tombstoned)
    made = []
    for place in calls.of_kind("ToolCall"):
        result, several = calls.answer(place)
        part = calls.parts[place]
        row = {**_named(calls, place), "call_node_id": place.node_id, "args": part["content"]}
        row |= {"called_at": _at(calls, place), "args_valid_json": _is_json(part["content"])}
        row |= {"status": "no_result"} if result is None else _result(calls, result)
        if result is not None and row["called_at"] is not None and row["result_at"] is not None:
            row["seconds"] = (row["result_at"] - row["called_at"]) / 1e9
        made.append(row | ({"status": "duplicate_result"} if several else {}))
    for place in calls.call_by_result:
        if calls.call_by_result[place] is None:
            row = _named(calls, place) | _result(calls, place)
            made.append(row | {"status": "orphan_result"})
    return columns_of(
        made,
        "call_id tool_name call_node_id result_node_id status called_at result_at seconds "
        "on_active_path args_valid_json args result",
    )


def _named(calls: Calls, place: Place) -> Row:
    part = calls.parts[place]
    return {
        "call_id": part.get("tool_call_id"),
        "tool_name": part.get("tool_name"),
        "on_active_path": place.node_id in calls.graph.active,
    }


def _result(calls: Calls, place: Place) -> Row:
    content = calls.parts[place]["content"]
    return {
        "result_node_id": place.node_id,
        "result_at": _at(calls, place),
        "result": content,
        "status": "error" if content.startswith(FAILED) else "ok",
    }


def _at(calls: Calls, place: Place) -> Any:
    return place_of(calls.graph, calls.graph.by_id[place.node_id])["timestamp"]


def _is_json(text: str) -> bool:
    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True


def events(connection: sqlite3.Connection, *, tombstoned: bool = False) -> Columns:
    """The frame of events."""
    graph = Graph(connection)
    made = []
    for row in graph.listed(tombstoned=tombstoned):
        node = row["node"]
        if message_of(node) is not None:
            continue
        if node["kind"] == "plugin":
            about = {"kind": "plugin", "type": node["plugin_type"], "body": Parsed(node["body"])}
        else:
            protocol = node["event"]["Protocol"]
            payload = protocol["payload"]
            first = next(iter(payload), None) if isinstance(payload, dict) else None
            about = {
                "kind": "protocol",
                "plugin_id": protocol["plugin_id"],
                "type": first,
                "body": Parsed(payload),
            }
        made.append(place_of(graph, row) | about)
    return columns_of(
        made,
        "node_id kind plugin_id type timestamp agent_frame_id on_active_path tombstoned body",
    )


def steps(connection: sqlite3.Connection, *, tombstoned: bool = False) -> Columns:
    """The frame of steps."""
    graph = Graph(connection)
    made = []
    for row in graph.listed(tombstoned=tombstoned):
        payload = row["node"].get("event", {}).get("Protocol", {}).get("payload")
        entry = payload.get("RlmTrajectoryEntry") if isinstance(payload, dict) else None
        if not isinstance(entry, dict):
            continue
        final = entry.get("final_output")
        made.append(
            {
                **place_of(graph, row),
                "iteration": entry["protocol_iteration"],
                "code": entry["code"],
                "output": "\n".join(entry["output"]),
                "error": entry.get("error"),
                "final_output": final if isinstance(final, str) or final is None else Parsed(final),
                "reasoning": entry.get("reasoning", ""),
            }
        )
    return columns_of(
        made,
        "node_id iteration timestamp agent_frame_id on_active_path tombstoned code output error "
        "final_output reasoning",
    )
