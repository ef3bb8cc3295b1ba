"""Rarer damage than `lashgraph.testing.damage` does: odd cells, odd envelopes, odd spellings."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import msgpack

from lashgraph.errors import NotSupportedError
from lashgraph.testing.damage import DAMAGES, damage

_NODE = "INSERT INTO graph_nodes (node_id, node_json) VALUES (hex(randomblob(8)), {})"
_PLUGIN = '\'{"node_id":"x","timestamp":"t","kind":"plugin","plugin_type":"p","body":\''
_KEY = "'\"' || :key || '\"'"
_MORE = {
    "nothing": "SELECT 1",
    "artifact": "INSERT OR REPLACE INTO artifact_refs VALUES ('a', :key)",
    "artifact-live-manifest": "INSERT OR REPLACE INTO artifact_refs VALUES ('b', :live)",
    "artifact-of-nothing": "INSERT OR REPLACE INTO artifact_refs VALUES ('c', 'no such blob')",
    "artifact-not-text": "INSERT OR REPLACE INTO artifact_refs VALUES ('d', CAST(:key AS BLOB))",
    "key-not-text": "UPDATE blobs SET hash = CAST(hash AS BLOB) WHERE hash = :key",
    "key-null": "UPDATE blobs SET hash = NULL WHERE hash = :key",
    "blob-gone": "DELETE FROM blobs WHERE hash = :key",
    "blob-empty": "UPDATE blobs SET content = x'' WHERE hash = :key",
    "blob-cut": "UPDATE blobs SET content = substr(content, 1, length(content) - 1) "
    "WHERE hash = :key",
    "blob-altered": "UPDATE blobs SET content = CAST(content || x'00' AS BLOB) WHERE hash = :key",
    "blob-of-new-compression": "UPDATE blobs SET content = "
    "CAST(replace(content, 'compression', 'compressing') AS BLOB) WHERE hash = :key",
    "head-not-text": "UPDATE session_head SET head_json = CAST(head_json AS BLOB)",
    "head-no-config": "UPDATE session_head SET head_json = json_remove(head_json, '$.config')",
    "head-newer": "UPDATE session_head SET head_json = json_set(head_json, '$.config.model.x', 1)",
    "head-number": "UPDATE session_head SET head_json = json_set(head_json, '$.checkpoint_ref', 1)",
    "head-names-blob": "UPDATE session_head SET head_json = "
    "json_set(head_json, '$.checkpoint_ref', :key)",
    "head-two-checkpoints": "UPDATE session_head SET head_json = "
    f"'{{\"checkpoint_ref\":' || {_KEY} || ',' || substr(head_json, 2)",
    "head-null-and-text": "UPDATE session_head SET head_json = "
    "'{\"checkpoint_ref\":null,' || substr(head_json, 2)",
    "frames-object": "UPDATE session_head SET head_json = json_set(head_json, '$.agent_frames', "
    "json_object('execution_state_ref', :key))",
    "frames-odd": "UPDATE session_head SET head_json = json_set(head_json, '$.agent_frames', "
    "json_array(1, json_object('execution_state_ref', json_array(:key, 2))))",
    "frames-twice": 'UPDATE session_head SET head_json = \'{"agent_frames":['
    f"{{\"execution_state_ref\":' || {_KEY} || '}}],' || substr(head_json, 2)",
    "node-names-blob": _NODE.format(f"{_PLUGIN} || '{{\"archive_hash\":' || {_KEY} || '}}}}'"),
    "node-names-two": _NODE.format(
        f'{_PLUGIN} || \'{{"archive_hash":\' || {_KEY} || \',"archive_hash":""}}}}\''
    ),
    "node-mentions-blob": _NODE.format(f"{_PLUGIN} || {_KEY} || '}}'"),
    "node-cut": _NODE.format(f"{_PLUGIN} || {_KEY}"),
    "node-escaped": _NODE.format(
        "'{' || replace(replace(:key, 'a', '\\u0061'), '7', '\\u0037') || '\\u00'"
    ),
    "node-repeated": _NODE.format(f'{_PLUGIN} || {_KEY} || \',"kind":"plugin"}}\''),
    "node-of-bytes": "UPDATE graph_nodes SET node_json = CAST(node_json AS BLOB)",
    "nodes-gone": "DELETE FROM graph_nodes",
    "nodes-tombstoned": "UPDATE graph_nodes SET tombstoned = 1",
    "turns-gone": "DELETE FROM runtime_turn_commits",
    "turns-tie": "UPDATE runtime_turn_commits SET result_json = "
    "json_set(result_json, '$.head_revision', 1), committed_at_ms = 1 - rowid",
    "turn-names-blob": "UPDATE runtime_turn_commits SET result_json = "
    "json_set(result_json, '$.checkpoint_ref', :key, '$.manifest.tool_state_ref', 'gone') "
    "WHERE rowid = 1",
    "turn-odd-manifest": "UPDATE runtime_turn_commits SET result_json = "
    "json_set(result_json, '$.manifest', json_object('turn_state', 1)) WHERE rowid = 1",
}
ENVELOPES = [
    [["CheckpointManifest"], "Zlib", zlib.compress(b"cut")[:6]],
    [[1], "Zlib", b"x"],
    [[2], "None", [1, 2, 999]],
    {0: {0: 1}, 1: "Zlib", 2: b""},
    {0: {"turn_index": 1}, 1: "a tool state", 4: "an execution state"},
    {"descriptor": {"kind": "CheckpointManifest"}, "compression": "Brotli", "content": b""},
    {"content": b"\x80", "compression": 0, "descriptor": {"kind": {1: None}}},
    {"content": b"\x80", "compression": 0, "descriptor": {"kind": 1, "hints": None}},
    {b"content": b"\x80", b"compression": {"None": None}, b"descriptor": {b"kind": 1}},
    {"tool_state_ref": b"\xff"},
    {"turn_state": {"token_usage": {}}},
]
"""Sound and unsound ones, and bare manifests."""
ODD = ["live-envelope", "artifact-envelope", "live-envelope-cut", "artifact-envelope-cut"]
_REWRITTEN = ["manifest-counted", "manifest-array", "manifest-newer", "manifest-twice"]
KINDS = (*DAMAGES, *_MORE, *ODD, *_REWRITTEN)
"""Every kind of damage by its name."""


def harm(path: Path, kind: str, pick: int) -> None:
    """One damage, to the blob that a number picks; none where there is nothing to damage."""
    if kind in DAMAGES:
        with contextlib.suppress(NotSupportedError):
            damage(path, kind)
        return
    with closing(sqlite3.connect(path)) as connection, contextlib.suppress(sqlite3.Error):
        keys = [key for (key,) in connection.execute("SELECT hash FROM blobs ORDER BY hash")]
        values = {"key": keys[pick % len(keys)] if keys else "", "live": _live_manifest(connection)}
        if kind in _MORE:
            connection.execute(_MORE[kind], values)
        elif kind in ODD:
            packed = msgpack.packb(ENVELOPES[pick % len(ENVELOPES)])
            content = packed[: -1 if kind.endswith("cut") else None]
            target = values["live"] if kind.startswith("live") else values["key"]
            connection.execute("INSERT OR REPLACE INTO blobs VALUES (?, ?)", (target, content))
            if target == values["key"]:
                connection.execute(_MORE["artifact"], values)
        else:
            _rewrite(connection, kind, values["live"])
        connection.commit()


def _live_manifest(connection: sqlite3.Connection) -> str:
    try:
        sql = "SELECT json_extract(head_json, '$.checkpoint_ref') FROM session_head"
        (key,) = connection.execute(sql).fetchone()
    except (sqlite3.Error, TypeError):
        return ""
    return str(key)


def _rewrite(connection: sqlite3.Connection, kind: str, key: str) -> None:
    """The live manifest in another form, under the hash of its new bytes."""
    row = connection.execute("SELECT content FROM blobs WHERE hash = ?", (key,)).fetchone()
    try:
        envelope = msgpack.unpackb(row[0])
        content = bytes(envelope["content"])
        squeezed = envelope["compression"] == "Zlib"
        fields = msgpack.unpackb(zlib.decompress(content) if squeezed else content)
        fields = dict(fields.items())
    except (AttributeError, TypeError, KeyError, ValueError, zlib.error):
        return
    names = ["turn_state", "tool_state_ref", "plugin_snapshot_ref", "", "execution_state_ref"]
    by_position: dict[Any, Any] = {names.index(n): fields[n] for n in names if n in fields}
    forms = {
        "manifest-counted": msgpack.packb(by_position),
        "manifest-array": msgpack.packb([by_position.get(n) for n in range(5)]),
        "manifest-newer": msgpack.packb(fields | {"newer_ref": "x"}),
        "manifest-twice": msgpack.packb(fields | {4: "again", b"execution_state_ref": "more"}),
    }
    content = forms[kind]
    renamed = hashlib.sha256(content).hexdigest()
    whole = msgpack.packb({0: ["CheckpointManifest"], b"compression": 0, "content": content})
    connection.execute("DELETE FROM blobs WHERE hash = ?", (key,))
    connection.execute("INSERT OR REPLACE INTO blobs VALUES (?, ?)", (renamed, whole))
    connection.execute(
        "UPDATE session_head SET head_json = replace(head_json, ?, ?)", (key, renamed)
    )
