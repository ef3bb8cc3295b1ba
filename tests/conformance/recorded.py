"""What the conformance tests share: recorded answers, ours in the same form, the comparison."""

from __future__ import annotations

import gzip
import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgpack
import msgspec

Json = Any

CLOCK_FIELDS = ("batch_id", "enqueued_at_ms", "available_at_ms")
"""Fields of a queued batch that come from the clock, left out of the transcripts."""


# Recorded files


def read_json(path: Path) -> Json:
    """A JSON file, packed or not."""
    return json.loads(
        gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    )


def read_lines(path: Path) -> list[Json]:
    """A packed file of JSON lines."""
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


# Comparison


def difference(expected: Json, got: Json, where: str = "result") -> str | None:
    """The first place where two JSON values differ, or None.

    Order of keys does not count; the kind of a number does: 1, 1.0 and true are three values.
    """
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in expected:
            if key not in got:
                return f"{where}.{key}: expected {short(expected[key])}, got no such key"
        for key in got:
            if key not in expected:
                return f"{where}.{key}: expected no such key, got {short(got[key])}"
        found = (difference(expected[key], got[key], f"{where}.{key}") for key in expected)
    elif isinstance(expected, list) and isinstance(got, list):
        if len(expected) != len(got):
            return (
                f"{where}: expected {len(expected)} items {short(expected)}, "
                f"got {len(got)} items {short(got)}"
            )
        found = (
            difference(one, other, f"{where}[{index}]")
            for index, (one, other) in enumerate(zip(expected, got, strict=True))
        )
    elif type(expected) is type(got) and expected == got:
        return None
    else:
        return f"{where}: expected {short(expected)}, got {short(got)}"
    return next((text for text in found if text is not None), None)


def check(expected: Json, got: Json, context: str, where: str = "result") -> None:
    """Fail, saying where, if two JSON values differ."""
    text = difference(expected, got, where)
    if text is not None:
        raise AssertionError(f"{context}: {text}")


def short(value: Any, limit: int = 240) -> str:
    """A value as text of bounded length."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 20]}… ({len(text)} characters)"


def without_nulls(value: Mapping[str, Json] | None) -> dict[str, Json] | None:
    """A record whose absent optional fields are absent, not null, at its own level only."""
    if value is None:
        return None
    return {key: item for key, item in value.items() if item is not None}


# Our answers as JSON


def shown(record: Any) -> Json:
    """A record, or a list of them, as the JSON it encodes to."""
    return json.loads(msgspec.json.encode(record))


def shown_checkpoint(checkpoint: Any) -> Json:
    """A checkpoint as JSON, its bytes as arrays of integers."""
    return _bytes_as_arrays(msgspec.to_builtins(checkpoint, builtin_types=(bytes,)))


def _bytes_as_arrays(value: Any) -> Json:
    if isinstance(value, dict):
        return {key: _bytes_as_arrays(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_bytes_as_arrays(item) for item in value]
    return list(value) if isinstance(value, bytes) else value


def shown_session(session: Any) -> Json:
    """A loaded session in the form of the transcripts: nodes and agent frames by id."""
    if session is None:
        return None
    return {
        "session_id": session.session_id,
        "head_revision": session.head_revision,
        "config": shown(session.config),
        "agent_frames": [frame.frame_id for frame in session.agent_frames],
        "current_agent_frame_id": session.current_agent_frame_id,
        "graph": {"ids": session.graph.ids, "leaf": session.graph.leaf},
        "checkpoint_ref": session.checkpoint_ref,
        "checkpoint": without_nulls(
            None if session.checkpoint is None else shown_checkpoint(session.checkpoint)
        ),
        "token_ledger": shown(session.token_ledger),
    }


def shown_batch(batch: Any, *, clock: bool = True) -> Json:
    """A queued batch as JSON, without an absent source_key, with or without what the clock made."""
    made = without_nulls(shown(batch)) or {}
    return {key: item for key, item in made.items() if clock or key not in CLOCK_FIELDS}


def shown_report(report: Any) -> Json:
    """The runtime's three figures of a collection."""
    names = ("root_count", "retained_blob_count", "deleted_blob_count")
    return {name: getattr(report, name) for name in names}


# Files as they are, read without lashgraph


@contextmanager
def plain(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of SQLite's own that only reads; a file without a log is left as it is."""
    log = path.with_name(path.name + "-wal")
    immutable = "" if log.exists() and log.stat().st_size else "&immutable=1"
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro{immutable}", uri=True)
    try:
        yield connection
    finally:
        connection.close()


def rows(path: Path, sql: str) -> list[list[Any]]:
    """The rows of a query."""
    with plain(path) as connection:
        return [list(row) for row in connection.execute(sql)]


def blob_hashes(path: Path) -> set[str]:
    """The keys of the blobs in a file."""
    return {row[0] for row in rows(path, "SELECT hash FROM blobs")}


def described_blobs(path: Path) -> dict[str, Json]:
    """Each blob as the transcripts describe it: its envelope, and the hash of the stored bytes.

    Compressors differ, so of a compressed blob the decoded content must hash to its key.
    """
    described = {}
    for key, stored in rows(path, "SELECT hash, content FROM blobs"):
        described[key] = _described(key, stored)
    return described


def _described(key: str, stored: bytes) -> Json:
    envelope = _envelope(stored)
    if envelope is None:
        return {"raw": True, "stored_sha256": sha256(stored)}
    descriptor, compression = envelope["descriptor"], envelope["compression"]
    shape = {
        "kind": descriptor["kind"],
        "hints": descriptor.get("hints", []),
        "compression": compression,
    }
    if compression != "Zlib":
        return {**shape, "stored_sha256": sha256(stored)}
    decoded = zlib.decompress(bytes(envelope["content"]))
    if sha256(decoded) != key:
        return {**shape, "decoded_sha256": sha256(decoded)}
    return shape


def _envelope(stored: bytes) -> dict[str, Any] | None:
    try:
        value = msgpack.unpackb(stored, raw=False, strict_map_key=False)
    except (ValueError, msgpack.UnpackException):
        return None
    is_envelope = isinstance(value, dict) and {"descriptor", "compression", "content"} <= set(value)
    return value if is_envelope else None


def sha256(data: bytes) -> str:
    """Hash as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def final_tables(path: Path) -> dict[str, Json]:
    """All that a transcript's last line records of a file, JSON columns decoded."""
    tables = {
        "graph_nodes": "SELECT seq, node_id, tombstoned, node_json FROM graph_nodes ORDER BY seq",
        "session_head": "SELECT session_id, head_json, head_revision FROM session_head",
        "session_meta": (
            "SELECT session_id, session_name, created_at, model, cwd, relation_json "
            "FROM session_meta"
        ),
        "usage_deltas": (
            "SELECT seq, source, model, input_tokens, output_tokens, cached_input_tokens, "
            "reasoning_tokens FROM usage_deltas ORDER BY seq"
        ),
        "runtime_turn_commits": (
            "SELECT session_id, turn_id, turn_commit_hash, result_json "
            "FROM runtime_turn_commits ORDER BY session_id, turn_id"
        ),
        "artifact_refs": "SELECT artifact_ref, blob_ref FROM artifact_refs ORDER BY artifact_ref",
        "attachment_manifest": (
            "SELECT attachment_id, session_id, canonical_uri, intent_at_ms, "
            "committed_at_ms IS NOT NULL FROM attachment_manifest ORDER BY attachment_id"
        ),
    }
    found: dict[str, Json] = {name: rows(path, sql) for name, sql in tables.items()}
    found["blobs"] = described_blobs(path)
    found["integrity_check"] = rows(path, "PRAGMA integrity_check")[0][0]
    return decoded_tables(found)


JSON_COLUMNS = {
    "graph_nodes": 3,
    "session_head": 1,
    "session_meta": 5,
    "runtime_turn_commits": 3,
}


def decoded_tables(tables: dict[str, Json]) -> dict[str, Json]:
    """The tables with their JSON columns decoded."""
    decoded = dict(tables)
    for name, column in JSON_COLUMNS.items():
        decoded[name] = [_with_json(row, column) for row in tables[name]]
    return decoded


def _with_json(row: list[Any], column: int) -> list[Any]:
    text = row[column]
    return [*row[:column], None if text is None else json.loads(text), *row[column + 1 :]]


def folder_state(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Size, modification time and hash of each file in a folder."""
    return {
        path.name: (path.stat().st_size, path.stat().st_mtime_ns, sha256(path.read_bytes()))
        for path in sorted(folder.iterdir())
    }
