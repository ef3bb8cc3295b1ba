"""Frames of the session and of what stands beside its graph, by hand; see `frames_by_hand`."""

from __future__ import annotations

import json
import sqlite3

from frames_by_hand import (
    Columns,
    Graph,
    Parsed,
    cause_of,
    columns_of,
    head_of,
    listed_frames,
    message_of,
    milliseconds,
    nanoseconds,
    table,
)
from frames_by_hand_blobs import TOKEN_COLUMNS, Kept, all_blobs, all_turns


def agent_frames(connection: sqlite3.Connection) -> Columns:
    """The frame of agent frames."""
    head = head_of(connection)
    present = {blob.hash for blob in all_blobs(connection)}
    made = []
    for position, frame in enumerate(listed_frames(head)):
        assignment = frame.get("assignment") or {}
        policy = assignment.get("policy") or {}
        state = frame.get("execution_state_ref")
        made.append(
            {
                "ref": f"agent_frame:{frame.get('frame_id')}",
                "frame_id": frame.get("frame_id"),
                "position": position,
                "frame_session_id": frame.get("session_id"),
                "previous_frame_id": frame.get("previous_frame_id"),
                "status": frame.get("status", "active"),
                "is_current": frame.get("frame_id") == head.get("current_agent_frame_id"),
                "reason": frame.get("reason", "initial"),
                **cause_of(frame.get("caused_by")),
                "created_at": nanoseconds(frame.get("created_at")),
                "model": (policy.get("model") or {}).get("id"),
                "provider_id": policy.get("provider_id"),
                "autonomous": policy.get("autonomous"),
                "max_turns": policy.get("max_turns"),
                "plugin_source": assignment.get("plugin_source"),
                "assignment": Parsed(assignment) if assignment else None,
                "execution_state_ref": state,
                "execution_state_present": state in present,
            }
        )
    return columns_of(
        made,
        "ref frame_id position frame_session_id previous_frame_id status is_current reason "
        "caused_by_type caused_by_session_id caused_by_id created_at model provider_id "
        "autonomous max_turns plugin_source assignment execution_state_ref "
        "execution_state_present",
    )


def sessions(connection: sqlite3.Connection, kept: Kept) -> Columns:
    """The frame of one row, without the sizes of files and the number of problems."""
    meta = (table(connection, "SELECT * FROM session_meta") or [{}])[0]
    head = head_of(connection)
    config = head.get("config") or {}
    relation = json.loads(meta.get("relation_json") or "null") or {"kind": "root"}
    graph = Graph(connection)
    living = [row for row in graph.rows if not row["tombstoned"]]
    said = [message for row in living if row["node"] and (message := message_of(row["node"]))]
    times = [nanoseconds(row["node"]["timestamp"]) for row in living if row["node"]]
    known = [stamp for stamp in times if stamp is not None]
    usage_rows = table(connection, "SELECT * FROM usage_deltas")
    stored = all_blobs(connection)
    made = {
        "name": meta.get("session_name"),
        "created_at": _created(meta.get("created_at")),
        "model": (config.get("model") or {}).get("id") or meta.get("model"),
        "provider_id": config.get("provider_id"),
        "cwd": meta.get("cwd"),
        "relation": relation["kind"],
        "parent_session_id": relation.get("parent_session_id"),
        **cause_of(relation.get("caused_by")),
        "head_revision": (
            table(connection, "SELECT head_revision AS it FROM session_head") or [{"it": None}]
        )[0]["it"],
        "leaf_node_id": head.get("leaf_node_id"),
        "n_nodes": len(graph.rows),
        "n_tombstoned": len(graph.rows) - len(living),
        "n_messages": len(said),
        "n_tool_calls": sum(p["kind"] == "ToolCall" for message in said for p in message["parts"]),
        "n_turns": len(all_turns(connection)),
        "n_branches": len({graph.branch(row["node_id"]) for row in living}),
        "n_agent_frames": len(head.get("agent_frames") or []),
        "first_at": min(known, default=None),
        "last_at": max(known, default=None),
        **{name: sum(row[stored] for row in usage_rows) for name, stored in TOKEN_COLUMNS.items()},
        "accounting": "v1",
        "releases": "alpha.35 to alpha.65",
        "n_blobs": len(stored),
        "blob_bytes": sum(len(blob.stored) for blob in stored),
        "reclaimable_bytes": sum(len(blob.stored) for blob in stored if blob.hash not in kept.safe),
        "schema_version": connection.execute("PRAGMA user_version").fetchone()[0],
    }
    return columns_of(
        [made],
        "name created_at model provider_id cwd relation parent_session_id caused_by_type "
        "caused_by_session_id caused_by_id head_revision leaf_node_id n_nodes n_tombstoned "
        "n_messages n_tool_calls n_turns n_branches n_agent_frames first_at last_at "
        "input_tokens cache_read_tokens cache_write_tokens output_tokens reasoning_tokens "
        "accounting n_blobs blob_bytes reclaimable_bytes schema_version releases",
    )


def _created(stored: str | None) -> int | None:
    if stored is not None and stored.startswith("unix:"):
        return int(stored.removeprefix("unix:")) * 10**9
    return nanoseconds(stored)


def usage(connection: sqlite3.Connection) -> Columns:
    """The frame of token usage."""
    rows = table(connection, "SELECT * FROM usage_deltas ORDER BY seq")
    for row in rows:
        row["cache_read_tokens"] = row["cached_input_tokens"]
        row["accounting"] = "v1"
        row["in_ledger"] = any(
            row[name] for name in ("input_tokens", "output_tokens", "reasoning_tokens")
        )
    return columns_of(
        rows,
        "seq source model input_tokens cache_read_tokens cache_write_tokens output_tokens "
        "reasoning_tokens accounting in_ledger",
    )


def attachments(connection: sqlite3.Connection) -> Columns:
    """The frame of attachments."""
    rows = table(connection, "SELECT * FROM attachment_manifest ORDER BY rowid")
    for row in rows:
        row["intent_at"] = milliseconds(row["intent_at_ms"])
        row["committed_at"] = milliseconds(row["committed_at_ms"])
        row["committed"] = row["committed_at_ms"] is not None
    return columns_of(
        rows,
        "session_id attachment_id canonical_uri intent_at committed_at committed",
    )


def queued_work(connection: sqlite3.Connection) -> Columns:
    """The frame of the queue."""
    rows = table(connection, "SELECT * FROM queued_work_batches ORDER BY enqueue_seq")
    items = table(connection, "SELECT * FROM queued_work_items ORDER BY item_index")
    for row in rows:
        payloads = [
            json.loads(item["payload_json"])
            for item in items
            if item["batch_id"] == row["batch_id"]
        ]
        row |= {"n_items": len(payloads), "payloads": Parsed(payloads)}
        row["merge_key"] = Parsed(json.loads(row["merge_key_json"]))
        row["available_at"] = milliseconds(row["available_at_ms"])
        row["enqueued_at"] = milliseconds(row["enqueued_at_ms"])
    return columns_of(
        rows,
        "session_id batch_id enqueue_seq source_key delivery_policy slot_policy merge_key "
        "available_at enqueued_at claim_id claim_owner_id n_items payloads",
    )
