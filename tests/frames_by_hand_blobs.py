"""Frames of what keeps blobs alive by hand: blobs, refs, checkpoints, turns; see `frames_by_hand`.

What a collection keeps is told from outside, by the set of hashes that each policy keeps.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import zlib
from collections.abc import Set
from typing import Any, NamedTuple

import msgpack
from frames_by_hand import (
    Columns,
    Graph,
    Json,
    Row,
    columns_of,
    head_of,
    listed_frames,
    milliseconds,
    session_id,
    table,
)

TOKENS = ["input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens"]
TOKEN_COLUMNS = {
    "input_tokens": "input_tokens",
    "cache_read_tokens": "cached_input_tokens",
    "output_tokens": "output_tokens",
    "reasoning_tokens": "reasoning_tokens",
}
"""Columns of the frames, and under which name schema version 3 has them; it has no others."""
CHILDREN = ["tool_state_ref", "plugin_snapshot_ref", "execution_state_ref"]
KINDS = [
    "GenericBlob",
    "CheckpointManifest",
    "ToolState",
    "PluginSessionSnapshot",
    "ExecutionStateSnapshot",
    "LashlangModule",
]
_HASH = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


class Kept(NamedTuple):
    """The hashes that each policy's collection leaves in the store."""

    safe: Set[str]
    runtime: Set[str]


# Blobs


class Blob(NamedTuple):
    """A blob as it stands, what its envelope says, and the content if it can be decoded."""

    hash: str
    stored: bytes
    kind: str
    compression: str | None
    content: bytes | None


def all_blobs(connection: sqlite3.Connection) -> list[Blob]:
    """All blobs in the order of the table."""
    return [_blob(*row) for row in connection.execute("SELECT hash, content FROM blobs")]


def _blob(key: str, stored: bytes) -> Blob:
    unpacker = msgpack.Unpacker(raw=False, strict_map_key=False)
    unpacker.feed(stored)
    try:
        value = unpacker.unpack()
    except (ValueError, msgpack.UnpackException):
        return Blob(key, stored, "raw", None, stored)
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], list):
        value = {
            "descriptor": {"kind": value[0][0]},
            "compression": value[1],
            "content": value[2],
        }
    if not isinstance(value, dict) or not value.keys() & {"descriptor", "content"}:
        return Blob(key, stored, "raw", None, stored)
    try:
        kind, compression = value["descriptor"]["kind"], value["compression"]
        content = bytes(value["content"])
        if kind not in KINDS or compression not in ("None", "Zlib"):
            raise ValueError(kind, compression)
    except (ValueError, TypeError, KeyError):
        return Blob(key, stored, "damaged", None, None)
    try:
        whole = zlib.decompress(content) if compression == "Zlib" else content
    except zlib.error:
        whole = None
    return Blob(key, stored, kind, compression, whole)


def manifest_of(blob: Blob | None) -> Json:
    """A manifest, or None where it cannot be read."""
    if blob is None or blob.content is None:
        return None
    try:
        value = msgpack.unpackb(blob.content, raw=False, object_pairs_hook=_no_repeats)
    except (ValueError, msgpack.UnpackException):
        return None
    if isinstance(value, list):
        value = dict(zip(["turn_state", *CHILDREN[:2], "", CHILDREN[2]], value, strict=False))
    if not isinstance(value, dict):
        return None
    children = [value.get(name) for name in CHILDREN]
    return value if all(child is None or isinstance(child, str) for child in children) else None


def _no_repeats(pairs: list[tuple[Any, Json]]) -> Json:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def manifests(connection: sqlite3.Connection) -> list[Blob]:
    """Blobs that are manifests by their envelope, or because the head names them as one."""
    named = head_of(connection).get("checkpoint_ref")
    return [
        blob
        for blob in all_blobs(connection)
        if blob.kind == "CheckpointManifest"
        or (blob.hash == named and blob.kind == "raw" and manifest_of(blob) is not None)
    ]


def blobs(connection: sqlite3.Connection, kept: Kept) -> Columns:
    """The frame of blobs, as with content_bytes and verify."""
    named = [row["blob_hash"] for row in ref_rows(connection, kept)]
    found = [(turn["turn_id"], turn_names(turn)) for turn in readable_turns(connection)]
    following = [*[turn_id for turn_id, _ in found[1:]], None]
    made = []
    for blob in all_blobs(connection):
        places = [at for at, (_, names) in enumerate(found) if blob.hash in names]
        naming = [found[at][0] for at in places]
        hashes = {hashlib.sha256(data).hexdigest() for data in (blob.stored, blob.content or b"")}
        made.append(
            {
                "hash": blob.hash,
                "kind": blob.kind,
                "compression": blob.compression or "",
                "stored_bytes": len(blob.stored),
                "content_bytes": None if blob.content is None else len(blob.content),
                "reachable_safe": blob.hash in kept.safe,
                "reachable_runtime": blob.hash in kept.runtime,
                "n_refs": named.count(blob.hash),
                "first_turn_id": naming[0] if naming else None,
                "last_turn_id": naming[-1] if naming else None,
                "garbage_turn_id": following[places[-1]] if naming else None,
                "hash_ok": blob.hash in hashes,
            }
        )
    return columns_of(
        made,
        "hash kind compression stored_bytes content_bytes reachable_safe reachable_runtime "
        "n_refs first_turn_id last_turn_id garbage_turn_id hash_ok",
    )


# Turns


def all_turns(connection: sqlite3.Connection) -> list[Row]:
    """Recorded turns in order, unreadable ones first, each with its result."""
    found = table(connection, "SELECT * FROM runtime_turn_commits ORDER BY rowid")
    for row in found:
        try:
            row["result"] = json.loads(row["result_json"])
        except ValueError:
            row["result"] = None
        row["key"] = f"turn:{row['turn_id']}"
        if row["session_id"] != session_id(connection):
            row["key"] += f"@{row['session_id']}"
    return sorted(
        found,
        key=lambda row: (
            row["result"]["head_revision"] if row["result"] else -1,
            row["committed_at_ms"],
        ),
    )


def readable_turns(connection: sqlite3.Connection) -> list[Row]:
    return [turn for turn in all_turns(connection) if turn["result"] is not None]


def turn_fields(turn: Row) -> list[tuple[str, str]]:
    """Fields of a turn's record that name blobs."""
    result = turn["result"]
    if result is None:
        return []
    named = [("checkpoint_ref", result["checkpoint_ref"])]
    children = [(name, result["manifest"].get(name)) for name in CHILDREN]
    return named + [(name, key) for name, key in children if key is not None]


def turn_names(turn: Row) -> set[str]:
    return {key for _, key in turn_fields(turn)}


def turns(connection: sqlite3.Connection) -> Columns:
    """The frame of turns."""
    sizes = {blob.hash: len(blob.stored) for blob in all_blobs(connection)}
    found = all_turns(connection)
    made = []
    earlier: set[str] = set()
    for position, turn in enumerate(found):
        row = {
            "session_id": turn["session_id"],
            "ref": turn["key"],
            "turn_id": turn["turn_id"],
            "position": position,
            "committed_at": milliseconds(turn["committed_at_ms"]),
            "checkpoint_present": False,
        }
        row["new_blob_bytes"] = sum(sizes.get(key, 0) for key in turn_names(turn) - earlier)
        earlier |= turn_names(turn)
        if turn["result"] is not None:
            row |= dict(turn_fields(turn))
            row["head_revision"] = turn["result"]["head_revision"]
            row["checkpoint_present"] = turn["result"]["checkpoint_ref"] in sizes
            state = _state(turn)
            if state:
                row["turn_index"] = state["turn_index"]
                row["accounting"] = "v1"
                for name, stored in TOKEN_COLUMNS.items():
                    row[name] = state["token_usage"][stored]
                    row[f"cumulative_{name}"] = sum(
                        _state(one).get("token_usage", {}).get(stored, 0)
                        for one in found[: position + 1]
                    )
        made.append(row)
    return columns_of(
        made,
        "session_id ref turn_id position committed_at head_revision checkpoint_ref "
        "tool_state_ref plugin_snapshot_ref execution_state_ref turn_index input_tokens "
        "cache_read_tokens cache_write_tokens output_tokens reasoning_tokens accounting "
        "cumulative_input_tokens cumulative_cache_read_tokens cumulative_cache_write_tokens "
        "cumulative_output_tokens cumulative_reasoning_tokens "
        "new_blob_bytes checkpoint_present",
    )


def _state(turn: Row) -> Json:
    return ((turn["result"] or {}).get("manifest") or {}).get("turn_state") or {}


def history(connection: sqlite3.Connection) -> Columns:
    """The frame of live and garbage bytes."""
    sizes = {blob.hash: len(blob.stored) for blob in all_blobs(connection)}
    made = []
    known: set[str] = set()
    before: set[str] = set()
    for position, turn in enumerate(readable_turns(connection)):
        live = turn_names(turn) & sizes.keys()
        new, garbage = live - known, known - live
        by_field = dict.fromkeys(["checkpoint_ref", *CHILDREN], 0)
        told: set[str] = set()
        for field, key in turn_fields(turn):
            if key in new - told:
                by_field[field] += sizes[key]
                told.add(key)
        gone, before = before - live, live
        known |= live
        made.append(
            {
                "session_id": turn["session_id"],
                "ref": turn["key"],
                "turn_id": turn["turn_id"],
                "position": position,
                "committed_at": milliseconds(turn["committed_at_ms"]),
                "new_bytes": sum(sizes[key] for key in new),
                "new_manifest_bytes": by_field["checkpoint_ref"],
                "new_tool_state_bytes": by_field["tool_state_ref"],
                "new_plugin_snapshot_bytes": by_field["plugin_snapshot_ref"],
                "new_execution_state_bytes": by_field["execution_state_ref"],
                "became_garbage_bytes": sum(sizes[key] for key in gone),
                "live_bytes": sum(sizes[key] for key in live),
                "garbage_bytes": sum(sizes[key] for key in garbage),
                "n_live": len(live),
                "n_garbage": len(garbage),
            }
        )
    return columns_of(
        made,
        "session_id ref turn_id position committed_at new_bytes new_manifest_bytes "
        "new_tool_state_bytes new_plugin_snapshot_bytes new_execution_state_bytes live_bytes "
        "garbage_bytes became_garbage_bytes n_live n_garbage",
    )


# Refs and checkpoints


def ref_rows(connection: sqlite3.Connection, kept: Kept) -> list[Row]:
    """Every place that names a blob."""
    stored = all_blobs(connection)
    present = {blob.hash for blob in stored}
    made: list[Row] = []

    def add(source: tuple[str, str, str], field: str, key: Any, roots: str = "") -> None:
        if isinstance(key, str):
            ref, kind, source_id = source
            made.append(
                {
                    "ref": ref,
                    "source_kind": kind,
                    "source_id": source_id,
                    "field": field,
                    "blob_hash": key,
                    "is_root_safe": "safe" in roots,
                    "is_root_runtime": "runtime" in roots,
                    "target_present": key in present,
                    "dangling": key not in present,
                    "dangling_after_gc": key not in present or key not in kept.safe,
                }
            )

    head = head_of(connection)
    head = head if "config" in head else {}
    both = "safe runtime"
    add(
        ("head", "head", session_id(connection)), "checkpoint_ref", head.get("checkpoint_ref"), both
    )
    for frame in listed_frames(head):
        name, state = frame.get("frame_id"), frame.get("execution_state_ref")
        add((f"agent_frame:{name}", "agent_frame", name), "execution_state_ref", state, "safe")
    named = [row["blob_hash"] for row in made]
    for key, place in _odd_hashes(head_of(connection), "$").items():
        if key in present and key not in named:
            source = (f"head_text:{key}", "head_text", session_id(connection))
            add(source, place, key, "safe")
    for row in table(connection, "SELECT * FROM artifact_refs ORDER BY artifact_ref"):
        name = row["artifact_ref"]
        add((f"artifact:{name}", "artifact", name), "blob_ref", row["blob_ref"], both)
    for turn in readable_turns(connection):
        for field, key in turn_fields(turn):
            add((turn["key"], "turn_commit", turn["turn_id"]), field, key)
    graph = Graph(connection)
    for row in graph.rows:
        if row["tombstoned"]:
            continue
        name = f"archive:{row['node_id']}"
        if row["node"] is None:
            for key in dict.fromkeys(_HASH.findall(row["node_json"])):
                if key in present:
                    add((name, "unreadable_node", row["node_id"]), "node_json", key, "safe")
        else:
            for key in _archives(row["node"]):
                add((name, "archive", row["node_id"]), "archive_hash", key, "safe")
    for blob in manifests(connection):
        for field in CHILDREN:
            child = (manifest_of(blob) or {}).get(field)
            add((f"manifest:{blob.hash}", "manifest", blob.hash), field, child)
    return made


def refs(connection: sqlite3.Connection, kept: Kept) -> Columns:
    """The frame of refs."""
    return columns_of(
        ref_rows(connection, kept),
        "ref source_kind source_id field blob_hash is_root_safe is_root_runtime target_present "
        "dangling dangling_after_gc",
    )


def _odd_hashes(value: Json, place: str) -> dict[str, str]:
    """Hashes in a head's values, and the first place of each; no recorded head has one in a key."""
    inside: dict[str, Json] = {}
    if isinstance(value, dict):
        inside = {f"{place}.{name}": item for name, item in value.items()}
    elif isinstance(value, list):
        inside = {f"{place}[{at}]": item for at, item in enumerate(value)}
    found = dict.fromkeys(_HASH.findall(value), place) if isinstance(value, str) else {}
    for below, item in inside.items():
        found = {
            **found,
            **{key: at for key, at in _odd_hashes(item, below).items() if key not in found},
        }
    return found


def _archives(value: Json) -> list[str]:
    if isinstance(value, list):
        return [key for item in value for key in _archives(item)]
    found = []
    for name, item in value.items() if isinstance(value, dict) else ():
        found += [item] if name == "archive_hash" and isinstance(item, str) else _archives(item)
    return found


def checkpoints(connection: sqlite3.Connection, kept: Kept) -> Columns:
    """The frame of checkpoints."""
    present = {blob.hash for blob in all_blobs(connection)}
    found = readable_turns(connection)
    made = []
    for blob in manifests(connection):
        naming = [
            turn["turn_id"] for turn in found if turn["result"]["checkpoint_ref"] == blob.hash
        ]
        manifest = manifest_of(blob)
        children = {name: (manifest or {}).get(name) for name in CHILDREN}
        state = (manifest or {}).get("turn_state") or {}
        row = {
            "checkpoint_ref": blob.hash,
            "readable": manifest is not None,
            "is_head": blob.hash == _head_checkpoint(connection),
            "n_turns": len(naming),
            "first_turn_id": naming[0] if naming else None,
            "last_turn_id": naming[-1] if naming else None,
            **children,
            "n_children_missing": sum(
                key is not None and key not in present for key in children.values()
            ),
            "plugin_snapshot_revision": (manifest or {}).get("plugin_snapshot_revision"),
            "reachable_safe": blob.hash in kept.safe,
            "reachable_runtime": blob.hash in kept.runtime,
            "stored_bytes": len(blob.stored),
            "turn_index": state.get("turn_index"),
            "accounting": "v1" if state else None,
            **{
                name: (state.get("token_usage") or dict.fromkeys(TOKENS, 0))[stored]
                for name, stored in TOKEN_COLUMNS.items()
                if state
            },
        }
        prompt = state.get("last_prompt_usage") or {}
        for name in ("prompt_context_tokens", "context_budget_tokens"):
            row[name] = prompt.get(name)
        made.append(row)
    return columns_of(
        made,
        "checkpoint_ref readable is_head n_turns first_turn_id last_turn_id turn_index "
        "input_tokens cache_read_tokens cache_write_tokens output_tokens reasoning_tokens "
        "accounting prompt_context_tokens context_budget_tokens tool_state_ref "
        "plugin_snapshot_ref plugin_snapshot_revision "
        "execution_state_ref n_children_missing reachable_safe reachable_runtime stored_bytes",
    )


def _head_checkpoint(connection: sqlite3.Connection) -> Any:
    head = head_of(connection)
    return head.get("checkpoint_ref") if "config" in head else None
