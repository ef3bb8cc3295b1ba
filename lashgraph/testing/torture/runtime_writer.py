"""The runtime's writer a second time: bare SQL in its own transactions, and none of this package.

Each turn is what lash 0.1.0-alpha.39 writes: a checkpoint with its manifest, the usage, the nodes,
the head with the next revision, the record of the turn.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from typing import Any

import msgpack

_BUSY_TIMEOUT_MS = 15_000
_STATE = {"kind": "ExecutionStateSnapshot", "hints": ["Compressible", "LargePayload"]}
_MANIFEST = {"kind": "CheckpointManifest", "hints": ["Compressible"]}


def connect(path: str) -> sqlite3.Connection:
    """A connection with the settings that the runtime gives each of its own."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def write_turn(connection: sqlite3.Connection, writer: str, number: int) -> dict[str, Any]:
    """One turn in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        text, column = connection.execute(
            "SELECT head_json, head_revision FROM session_head WHERE singleton = 1"
        ).fetchone()
        head = json.loads(text)
        revision = column + 1
        state = json.dumps({"writer": writer, "turn": number, "x": "x" * 900}).encode()
        state_ref = _put(connection, _STATE, msgpack.packb(list(state)))
        usage = {
            "input_tokens": 10,
            "output_tokens": 1,
            "cached_input_tokens": 0,
            "reasoning_tokens": 0,
        }
        turn_state = {
            "turn_index": number,
            "token_usage": usage,
            "protocol_turn_options": {"payload": {}},
        }
        packed = msgpack.packb({"turn_state": turn_state, "execution_state_ref": state_ref})
        checkpoint_ref = _put(connection, _MANIFEST, packed)
        connection.execute(
            "INSERT INTO usage_deltas (source, model, input_tokens, output_tokens, "
            "cached_input_tokens, reasoning_tokens) VALUES ('turn', ?, 10, 1, 0, 0)",
            (writer,),
        )
        nodes = [_node(f"{writer}-{number}-{part}") for part in range(2)]
        connection.executemany(
            "INSERT INTO graph_nodes (node_id, node_json) VALUES (?, ?)",
            [(node["node_id"], json.dumps(node, separators=(",", ":"))) for node in nodes],
        )
        (count,) = connection.execute(
            "SELECT count(*) FROM graph_nodes WHERE tombstoned = 0"
        ).fetchone()
        head |= {
            "head_revision": revision,
            "checkpoint_ref": checkpoint_ref,
            "leaf_node_id": nodes[-1]["node_id"],
            "graph_node_count": count,
        }
        connection.execute(
            "INSERT OR REPLACE INTO session_head (singleton, session_id, head_json, "
            "head_revision) VALUES (1, ?, ?, ?)",
            (head["session_id"], json.dumps(head, separators=(",", ":")), revision),
        )
        turn_id = f"{writer}-{number}"
        result = {
            "head_revision": revision,
            "checkpoint_ref": checkpoint_ref,
            "manifest": {"turn_state": turn_state, "execution_state_ref": state_ref},
        }
        connection.execute(
            "INSERT INTO runtime_turn_commits (session_id, turn_id, turn_commit_hash, "
            "result_json, committed_at_ms) VALUES (?, ?, ?, ?, ?)",
            (
                head["session_id"],
                turn_id,
                hashlib.sha256(turn_id.encode()).hexdigest(),
                json.dumps(result, separators=(",", ":")),
                time.time_ns() // 1_000_000,
            ),
        )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return {"turn_id": turn_id, "nodes": [node["node_id"] for node in nodes], "revision": revision}


def _put(connection: sqlite3.Connection, descriptor: dict[str, Any], content: bytes) -> str:
    """A blob in its envelope, unless its key is there."""
    key = hashlib.sha256(content).hexdigest()
    envelope = {"descriptor": descriptor, "compression": "None", "content": list(content)}
    connection.execute(
        "INSERT OR IGNORE INTO blobs (hash, content) VALUES (?, ?)", (key, msgpack.packb(envelope))
    )
    return key


def _node(node_id: str) -> dict[str, Any]:
    return {
        "node_id": node_id,
        "timestamp": "2026-05-05T00:00:00.000000000+00:00",
        "kind": "plugin",
        "plugin_type": "torture",
        "body": {"of": node_id},
    }
