"""Frames of the session graph by hand: raw rows, raw JSON, plain loops, nothing of the package.

Each function gives a frame as lists by column. None is a missing value, a time is in nanoseconds
since 1970, and `Parsed` holds what a column of JSON text must parse to. Written from the meanings
that ``lashgraph.schema`` states, with no care for speed.
"""

from __future__ import annotations

import calendar
import json
import re
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

Json = Any
Columns = dict[str, list[Any]]
Row = dict[str, Any]

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))"
)
_CAUSE_IDS = {
    "turn": "turn_id",
    "effect": "effect_id",
    "tool_call": "call_id",
    "process": "process_id",
    "process_event": "process_id",
    "host_event": "occurrence_id",
    "session_node": "node_id",
}


@dataclass(frozen=True)
class Parsed:
    """The value that a text of JSON stands for."""

    value: Json


def nanoseconds(text: str | None) -> int | None:
    """A time as the files write it; None where it is none, or beyond 64 bits."""
    found = _TIME.fullmatch(text or "")
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    stamp = calendar.timegm((year, month, day, hour, minute, second)) * 10**9
    stamp += int((found[7] or "").ljust(9, "0"))
    if found[8]:
        away = (int(found[9]) * 60 + int(found[10])) * 60 * 10**9
        stamp += away if found[8] == "-" else -away
    return stamp if abs(stamp) < 1 << 63 else None


def milliseconds(value: int | None) -> int | None:
    """A time of the tables as nanoseconds."""
    return None if value is None else value * 10**6


def columns_of(rows: list[Row], names: str) -> Columns:
    """Rows turned into columns of these names; a row that says nothing of a column misses it."""
    return {name: [row.get(name) for row in rows] for name in names.split()}


def table(connection: sqlite3.Connection, sql: str) -> list[Row]:
    """The rows of a query, by column."""
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def head_of(connection: sqlite3.Connection) -> Json:
    """The head's JSON; an empty object where there is none to read."""
    for row in table(connection, "SELECT head_json FROM session_head"):
        try:
            head = json.loads(row["head_json"])
        except ValueError:
            return {}
        return head if isinstance(head, dict) else {}
    return {}


def session_id(connection: sqlite3.Connection) -> str:
    """The session of a store."""
    named = head_of(connection).get("session_id")
    rows = table(connection, "SELECT session_id FROM session_head")
    rows += table(connection, "SELECT session_id FROM session_meta")
    return str(named if named is not None else rows[0]["session_id"] if rows else "")


def listed_frames(head: Json) -> list[Json]:
    """The agent frames of a head, as far as they are objects."""
    listed = head.get("agent_frames") or []
    return [frame for frame in listed if isinstance(frame, dict)]


def cause_of(cause: Json, prefix: str = "") -> Row:
    """The three columns of a cause."""
    if cause is None:
        return {}
    return {
        f"{prefix}caused_by_type": cause["type"],
        f"{prefix}caused_by_session_id": cause.get("session_id"),
        f"{prefix}caused_by_id": cause[_CAUSE_IDS[cause["type"]]],
    }


class Graph:
    """The rows of the graph, and walks along it by their ids."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.rows = table(connection, "SELECT * FROM graph_nodes ORDER BY seq")
        self.by_id: dict[str, Row] = {}
        self.children: dict[str, list[str]] = {}
        for row in self.rows:
            row["node"] = _readable(row["node_json"])
            self.by_id[row["node_id"]] = row
            if not row["tombstoned"] and row["node"] is not None:
                named = row["node"].get("parent_node_id")
                self.children.setdefault(named, []).append(row["node_id"])
        self.leaf = head_of(connection).get("leaf_node_id")
        self.active = set(self.path(self.leaf))
        self.on_circle = on_circles(self.by_id, self.parent)

    def is_alive(self, node_id: str | None) -> bool:
        return node_id in self.by_id and not self.by_id[node_id]["tombstoned"]

    def parent_name(self, node_id: str) -> str | None:
        node = self.by_id[node_id]["node"]
        return None if node is None else node.get("parent_node_id")

    def parent(self, node_id: str) -> str | None:
        """The living row that a row names as its parent."""
        named = self.parent_name(node_id)
        return named if self.is_alive(named) else None

    def path(self, node_id: str | None) -> list[str]:
        """The path from a living row upwards; it ends where a row would be met again."""
        found: dict[str, None] = {}
        current = node_id if self.is_alive(node_id) else None
        while current is not None and current not in found:
            found[current] = None
            current = self.parent(current)
        return list(found)

    def depth(self, node_id: str) -> int | None:
        """Steps to where the path ends; None where it runs in a circle."""
        steps = 0
        current: str | None = node_id
        while (current := self.parent(str(current))) is not None:
            steps += 1
            if steps > len(self.rows):
                return None
        return steps

    def branch(self, node_id: str) -> str:
        """The first row of a run without a fork; each row on a circle is one by itself."""
        current = node_id
        while current not in self.on_circle:
            above = self.parent(current)
            if above is None or len(self.children[above]) > 1:
                break
            current = above
        return current

    def listed(self, *, tombstoned: bool) -> list[Row]:
        """The readable rows that a frame is made from."""
        return [
            row
            for row in self.rows
            if row["node"] is not None and (tombstoned or not row["tombstoned"])
        ]


def on_circles(ids: Iterable[str], parent: Callable[[str], str | None]) -> set[str]:
    """The ids that a walk upwards comes back to."""
    found: set[str] = set()
    walked: set[str] = set()
    for node_id in ids:
        path: list[str] = []
        here: set[str] = set()
        current: str | None = node_id
        while current is not None and current not in here and current not in walked:
            path.append(current)
            here.add(current)
            current = parent(current)
        if current is not None and current in here:
            found.update(path[path.index(current) :])
        walked |= here
    return found


def _readable(text: str) -> Json:
    """A node, or None for JSON that is cut or lacks what a node has."""
    try:
        node = json.loads(text)
    except ValueError:
        return None
    if not isinstance(node, dict) or not {"node_id", "timestamp", "kind"} <= node.keys():
        return None
    return node


def message_of(node: Json) -> Json:
    """The message of a node, or None."""
    return node["event"].get("Conversation") if node["kind"] == "event" else None


# Frames


def nodes(connection: sqlite3.Connection) -> Columns:
    """The frame of nodes."""
    graph = Graph(connection)
    made = []
    for row in graph.rows:
        key, node = row["node_id"], row["node"]
        children = len(graph.children.get(key, []))
        made.append(
            {
                "node_id": key,
                "seq": row["seq"],
                "parent_node_id": graph.parent_name(key),
                "parent_status": _parent_status(graph, key),
                "depth": graph.depth(key),
                "n_children": children,
                "on_active_path": key in graph.active,
                "is_leaf": children == 0,
                "branch_id": None if row["tombstoned"] else graph.branch(key),
                "kind": "unreadable",
                "tombstoned": bool(row["tombstoned"]),
                "json_bytes": len(row["node_json"].encode()),
            }
        )
        if node is not None:
            message = message_of(node)
            made[-1] |= {
                "agent_frame_id": node.get("agent_frame_id"),
                "timestamp": nanoseconds(node["timestamp"]),
                "kind": "plugin"
                if node["kind"] == "plugin"
                else "protocol"
                if message is None
                else "message",
                "role": None if message is None else message["role"],
                "plugin_type": node.get("plugin_type"),
                **cause_of(node.get("caused_by")),
            }
    return columns_of(
        made,
        "node_id seq parent_node_id parent_status depth n_children on_active_path is_leaf "
        "branch_id agent_frame_id timestamp kind role plugin_type caused_by_type "
        "caused_by_session_id caused_by_id tombstoned json_bytes",
    )


def _parent_status(graph: Graph, key: str) -> str:
    if graph.by_id[key]["node"] is None:
        return "unreadable"
    named = graph.parent_name(key)
    if named is None:
        return "root"
    if named not in graph.by_id:
        return "missing"
    if graph.by_id[named]["tombstoned"]:
        return "tombstoned"
    return "cycle" if key in graph.on_circle else "present"


def place_of(graph: Graph, row: Row) -> Row:
    """What all frames made from nodes say of the node."""
    return {
        "node_id": row["node_id"],
        "timestamp": nanoseconds(row["node"]["timestamp"]),
        "agent_frame_id": row["node"].get("agent_frame_id"),
        "on_active_path": row["node_id"] in graph.active,
        "tombstoned": bool(row["tombstoned"]),
    }


def messages(connection: sqlite3.Connection, *, tombstoned: bool = False) -> Columns:
    """The frame of messages."""
    graph = Graph(connection)
    made: list[Row] = []
    for row in graph.listed(tombstoned=tombstoned):
        message = message_of(row["node"])
        if message is None:
            continue
        parts, origin = message["parts"], message.get("origin") or {}
        kinds = [part["kind"] for part in parts]
        aloud = [
            part["content"]
            for part in parts
            if part["kind"] not in ("ToolCall", "Reasoning", "Image") and part["content"].strip()
        ]
        made.append(
            {
                **place_of(graph, row),
                "message_id": message["id"],
                "position": len(made),
                "role": message["role"],
                "author": _author(message, kinds),
                "origin_kind": origin.get("kind"),
                "origin_plugin_id": origin.get("plugin_id"),
                "origin_process_id": origin.get("process_id"),
                "origin_event_type": origin.get("event_type"),
                "origin_sequence": origin.get("sequence"),
                "origin_wake_id": origin.get("wake_id"),
                **cause_of(origin.get("caused_by"), "origin_"),
                "transient": origin.get("transient", False),
                "n_parts": len(parts),
                "n_chars": sum(len(part["content"]) for part in parts),
                "n_tool_calls": kinds.count("ToolCall"),
                "has_reasoning": "Reasoning" in kinds,
                "has_attachment": any(part.get("attachment") for part in parts),
                "text": "\n\n".join(aloud),
            }
        )
    return columns_of(
        made,
        "node_id message_id position role author origin_kind origin_plugin_id origin_process_id "
        "origin_event_type origin_sequence origin_wake_id origin_caused_by_type "
        "origin_caused_by_session_id origin_caused_by_id transient timestamp agent_frame_id "
        "n_parts n_chars n_tool_calls has_reasoning has_attachment on_active_path tombstoned "
        "text",
    )


def _author(message: Json, kinds: list[str]) -> str | None:
    if message.get("origin"):
        return str(message["origin"]["kind"])
    if message["role"] == "Assistant":
        return "model"
    if message["role"] == "User":
        return "tool" if "ToolResult" in kinds else "human"
    return None


def parts(connection: sqlite3.Connection, *, tombstoned: bool = False) -> Columns:
    """The frame of parts."""
    graph = Graph(connection)
    made = []
    for row in graph.listed(tombstoned=tombstoned):
        message = message_of(row["node"])
        for index, part in enumerate([] if message is None else message["parts"]):
            state = part["prune_state"]
            name = state if isinstance(state, str) else next(iter(state))
            reference = (part.get("attachment") or {}).get("reference") or {}
            media = reference.get("media_type")
            made.append(
                {
                    **place_of(graph, row),
                    "part_id": part["id"],
                    "part_index": index,
                    "kind": part["kind"],
                    "tool_call_id": part.get("tool_call_id"),
                    "tool_name": part.get("tool_name"),
                    "prune_state": name,
                    "archive_hash": None if state == name else state[name]["archive_hash"],
                    "attachment_id": reference.get("id"),
                    "media_type": f"{media['kind']}/{media['type']}" if media else None,
                    "n_chars": len(part["content"]),
                    "content": part["content"],
                }
            )
    return columns_of(
        made,
        "node_id part_id part_index kind tool_call_id tool_name prune_state archive_hash "
        "attachment_id media_type on_active_path tombstoned n_chars content",
    )
