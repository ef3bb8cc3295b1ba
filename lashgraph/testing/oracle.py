"""A second, naive mark and sweep that shares no code with the package, to test it against.

It is written from the description of the format alone: whole tables in memory, plain sets, one
recursive walk, no care for speed. It reads with the standard library and ``msgpack`` only.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack

_KINDS = [
    "GenericBlob",
    "CheckpointManifest",
    "ToolState",
    "PluginSessionSnapshot",
    "ExecutionStateSnapshot",
    "LashlangModule",
]
_HINTS = ["Compressible", "InlinePreferred", "LargePayload"]
_MANIFEST_FIELDS = [
    "turn_state",
    "tool_state_ref",
    "plugin_snapshot_ref",
    "plugin_snapshot_revision",
    "execution_state_ref",
]
_CHILDREN = ("tool_state_ref", "plugin_snapshot_ref", "execution_state_ref")


class Refusal(Exception):  # noqa: N818 - it ends a judgement, it is no failure
    """Damage that could hide a root."""


class _Unreadable(Exception):  # noqa: N818
    """A value that is not what its place asks for."""


@dataclass(frozen=True)
class Verdict:
    """What a collection should do with a store.

    Attributes
    ----------
    verdict : {"sweep", "refuse"}
        Whether it may run.
    doomed, kept : frozenset of str
        Hashes of blobs to delete and to keep; both empty on ``"refuse"``.
    root_count, retained_blob_count : int
        As the runtime's report counts them; 0 on ``"refuse"``.
    reasons : tuple of str
        Why it may not run.
    """

    verdict: str
    doomed: frozenset[str]
    kept: frozenset[str]
    root_count: int
    retained_blob_count: int
    reasons: tuple[str, ...]


def judge(
    store: str | os.PathLike[str] | sqlite3.Connection, policy: str = "safe", keep_turns: int = 0
) -> Verdict:
    """Say what a collection should do with a session store.

    Parameters
    ----------
    store : path or sqlite3.Connection
        A file is copied first and left as it is.
    policy : {"safe", "runtime"}
        Which roots count.
    keep_turns : int
        Keep the checkpoints of the latest turns.

    Returns
    -------
    Verdict

    Raises
    ------
    ValueError
        There is no such policy.

    Examples
    --------
    >>> import lashgraph as lg, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "one.db"
    >>> with lg.open(path, mode="create") as made:
    ...     key = made.put_blob(b"nobody names this")
    >>> judge(path).doomed == {key}
    True
    """
    if policy not in ("safe", "runtime"):
        raise ValueError(f"policy {policy!r}; known: 'safe', 'runtime'")
    if isinstance(store, sqlite3.Connection):
        return _judge(_Tables(store), policy == "safe", keep_turns)
    folder = tempfile.mkdtemp()
    try:
        copy = Path(folder) / "store.db"
        shutil.copyfile(store, copy)
        log = Path(f"{os.fspath(store)}-wal")
        if log.exists():
            shutil.copyfile(log, f"{copy}-wal")
        connection = sqlite3.connect(copy)
        try:
            return _judge(_Tables(connection), policy == "safe", keep_turns)
        finally:
            connection.close()
    finally:
        shutil.rmtree(folder)


class _Tables:
    """The tables that matter, whole and in memory."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        def rows(sql: str) -> list[tuple[Any, ...]]:
            return connection.execute(sql).fetchall()

        self.blobs: dict[str, bytes] = dict(rows("SELECT hash, CAST(content AS BLOB) FROM blobs"))
        heads = rows("SELECT CAST(head_json AS BLOB) FROM session_head")
        self.head: bytes | None = heads[0][0] if heads else None
        self.artifacts = rows("SELECT artifact_ref, blob_ref FROM artifact_refs ORDER BY 1")
        self.turns = rows("SELECT turn_id, CAST(result_json AS BLOB) FROM runtime_turn_commits")
        self.nodes = rows(
            "SELECT CAST(node_json AS BLOB), typeof(node_json) FROM graph_nodes "
            "WHERE tombstoned = 0"
        )
        self.any_node = rows("SELECT count(*) FROM graph_nodes")[0][0] > 0


def _judge(tables: _Tables, safe: bool, keep_turns: int) -> Verdict:
    marker = _Marker(tables, safe)
    try:
        marker.run(keep_turns)
    except Refusal as refusal:
        return Verdict("refuse", frozenset(), frozenset(), 0, 0, (str(refusal),))
    present = set(tables.blobs)
    return Verdict(
        "sweep",
        frozenset(present - marker.live),
        frozenset(present & marker.live),
        marker.root_count,
        len(marker.live),
        (),
    )


class _Marker:
    def __init__(self, tables: _Tables, safe: bool) -> None:
        self.tables = tables
        self.safe = safe
        self.live: set[str] = set()
        self.root_count = 0

    def run(self, keep_turns: int) -> None:
        head = self.head()
        checkpoint = head.get("checkpoint_ref")
        if self.safe:
            lost = not checkpoint and bool(self.tables.turns)
            if lost or (self.tables.head is None and self.tables.any_node):
                raise Refusal("the head, or its checkpoint, was lost")
        if checkpoint is not None:
            self.root(checkpoint)
            self.follow(checkpoint, must_exist=self.safe)
        for _, target in self.tables.artifacts:
            self.root(target)
            if self.safe and self.is_manifest(target):
                self.follow(target, must_exist=False)
        if self.safe:
            for frame in _as_list(head.get("agent_frames")):
                state = frame.get("execution_state_ref") if isinstance(frame, dict) else None
                if isinstance(state, str):
                    self.root(state)
            for name in self.named_by_nodes():
                self.root(name)
        if keep_turns:
            self.keep_turns(keep_turns)

    def root(self, name: str) -> None:
        self.root_count += 1
        self.live.add(name)

    def head(self) -> dict[str, Any]:
        if self.tables.head is None:
            return {}
        try:
            head = json.loads(self.tables.head.decode())
        except ValueError:
            raise Refusal("the head is not JSON") from None
        if not isinstance(head, dict) or "config" not in head:
            raise Refusal("the head has no config")
        if not isinstance(head.get("checkpoint_ref"), (str, type(None))):
            raise Refusal("the head's checkpoint_ref is no text")
        return head

    def is_manifest(self, key: str) -> bool:
        stored = self.tables.blobs.get(key)
        if stored is None:
            return False
        try:
            return bool(_envelope(stored)["kind"] == "CheckpointManifest")
        except (_Unreadable, TypeError):
            return False

    def follow(self, key: str, *, must_exist: bool) -> None:
        stored = self.tables.blobs.get(key)
        if stored is None:
            if must_exist:
                raise Refusal(f"manifest {key} is missing")
            return
        try:
            content = _content(stored)
            manifest, unknown = _manifest(content)
        except _Unreadable as error:
            raise Refusal(f"manifest {key}: {error}") from None
        if self.safe:
            hashes = {hashlib.sha256(data).hexdigest() for data in (stored, content)}
            if key not in hashes:
                raise Refusal(f"manifest {key} was altered")
            if unknown:
                raise Refusal(f"manifest {key} has fields of a newer version")
        self.live.update(manifest[name] for name in _CHILDREN if manifest.get(name) is not None)

    def keep_turns(self, count: int) -> None:
        results = []
        for turn_id, text in self.tables.turns:
            try:
                result = json.loads(text)
                results.append((result["head_revision"], result))
                assert isinstance(result["checkpoint_ref"], str)
                assert isinstance(result["manifest"], dict)
            except (ValueError, KeyError, TypeError, AssertionError):
                raise Refusal(f"turn {turn_id} cannot be read") from None
        results.sort(key=lambda pair: int(pair[0]))
        for _, result in results[-count:]:
            self.root(result["checkpoint_ref"])
            for name in _CHILDREN:
                if result["manifest"].get(name) is not None:
                    self.root(result["manifest"][name])
            self.follow(result["checkpoint_ref"], must_exist=False)

    def named_by_nodes(self) -> Iterator[str]:
        for text, storage in self.tables.nodes:
            node = _node(text) if storage == "text" else None
            if node is not None:
                yield from _under(node, "archive_hash")
                continue
            for key in self.tables.blobs:
                if key.encode() in text and re.fullmatch("[0-9a-f]{64}", key):
                    yield key


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _under(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == name and isinstance(item, str):
                yield item
            yield from _under(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _under(item, name)


# Nodes: readable or not


def _node(text: bytes) -> dict[str, Any] | None:
    """A node that the runtime reads, else None."""
    try:
        node = json.loads(text.decode(), object_pairs_hook=_no_repeats, parse_constant=_none_such)
        _check_node(node)
    except (ValueError, _Unreadable, RecursionError):
        return None
    return {**node}


class _Repeated(dict[str, Any]):
    """An object in which a key stands twice: free-form JSON may, a record may not."""


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    return made if len(made) == len(pairs) else _Repeated(pairs)


def _none_such(name: str) -> Any:
    raise ValueError(name)


def _check_node(node: Any) -> None:
    if _depth(node) > 127 or any("\ud800" <= c <= "\udfff" for s in _strings(node) for c in s):
        raise _Unreadable("too deep, or half a surrogate pair")
    _texts(node, "node_id timestamp kind", "parent_node_id agent_frame_id")
    if node.get("caused_by") is not None:
        _check_cause(node["caused_by"])
    if node["kind"] == "plugin":
        _texts(node, "plugin_type")
        _want("body" in node)
    else:
        _want(node["kind"] == "event" and isinstance(node.get("event"), dict))
        _want(list(node["event"]) in (["Conversation"], ["Protocol"]))
        if "Protocol" in node["event"]:
            _texts(node["event"]["Protocol"], "plugin_id")
            _want("payload" in node["event"]["Protocol"])
        else:
            _check_message(node["event"]["Conversation"])


def _check_message(message: Any) -> None:
    _texts(message, "id role")
    _want(message["role"] in ("User", "Assistant", "System", "Event"))
    _want(isinstance(message.get("parts"), list))
    for part in message["parts"]:
        _texts(part, "id kind content", "tool_call_id tool_name")
        kinds = [
            "Text",
            "Image",
            "Code",
            "Output",
            "Error",
            "Prose",
            "ToolCall",
            "ToolResult",
            "Reasoning",
        ]
        _want(part["kind"] in kinds)
        _check_prune_state(part.get("prune_state"))
        if part.get("attachment") is not None:
            reference = part["attachment"]["reference"]
            _texts(reference, "id", "label")
            _want(reference["media_type"]["kind"] == "image")
            _want(reference["media_type"]["type"] in ("png", "jpeg", "gif", "webp", "bmp"))
            _want(type(reference.get("byte_len")) is int)
    if message.get("origin") is not None:
        origin = message["origin"]
        _texts(origin, "kind")
        _want(origin["kind"] in ("plugin", "process"))
        if origin["kind"] == "plugin":
            _texts(origin, "plugin_id")
        else:
            _texts(origin, "process_id event_type", "wake_id")
            _want(type(origin.get("sequence")) is int)


def _check_prune_state(state: Any) -> None:
    if state in ("Intact", "Cleared"):
        return
    _want(isinstance(state, dict) and list(state) in (["Deleted"], ["Summarized"]))
    (inner,) = state.values()
    _texts(inner, "archive_hash " + ("breadcrumb" if "Deleted" in state else "summary"))


_CAUSES = {
    "turn": "session_id turn_id",
    "effect": "session_id effect_id",
    "tool_call": "session_id call_id",
    "process": "process_id",
    "process_event": "process_id",
    "host_event": "occurrence_id",
    "session_node": "session_id node_id",
}


def _check_cause(cause: Any) -> None:
    _texts(cause, "type")
    _want(cause["type"] in _CAUSES)
    _texts(cause, _CAUSES[cause["type"]])
    _want(cause["type"] != "process_event" or type(cause.get("sequence")) is int)


def _texts(record: Any, required: str, optional: str = "") -> None:
    _want(isinstance(record, dict) and not isinstance(record, _Repeated))
    for name in required.split():
        _want(isinstance(record.get(name), str))
    for name in optional.split():
        _want(isinstance(record.get(name), (str, type(None))))


def _want(true: bool) -> None:
    if not true:
        raise _Unreadable("not the shape of a node")


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


# Envelopes and manifests


def _unpack(data: bytes) -> Any:
    unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, object_pairs_hook=_Map)
    unpacker.feed(data)
    try:
        return unpacker.unpack()
    except (ValueError, msgpack.UnpackException) as error:
        raise _Unreadable(f"not msgpack: {error}") from None


class _Map(list[tuple[Any, Any]]):
    """A map as pairs, so that a repeated field shows."""


def _fields(value: Any, names: list[str]) -> tuple[dict[str, Any], list[Any]]:
    """A struct written as a map or as an array, and the keys that it does not declare."""
    if isinstance(value, _Map):
        found: dict[str, Any] = {}
        unknown = []
        for key, item in value:
            name = key.decode("utf-8", "replace") if isinstance(key, bytes) else key
            name = names[name] if type(name) is int and 0 <= name < len(names) else name
            if name not in names:
                unknown.append(name)
            elif name in found:
                raise _Unreadable(f"field {name} stands twice")
            else:
                found[name] = item
        return found, unknown
    if isinstance(value, list):
        if len(value) > len(names):
            raise _Unreadable("too many elements")
        return dict(zip(names, value, strict=False)), []
    raise _Unreadable("not a struct")


def _one_of(value: Any, names: list[str]) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if type(value) is int and 0 <= value < len(names):
        return names[value]
    if value not in names:
        raise _Unreadable(f"unknown variant {value!r}")
    return str(value)


def _envelope(stored: bytes) -> dict[str, Any]:
    outer, _ = _fields(_unpack(stored), ["descriptor", "compression", "content"])
    if len(outer) < 3:
        raise _Unreadable("a field of the envelope is missing")
    descriptor, _ = _fields(outer["descriptor"], ["kind", "hints"])
    if "kind" not in descriptor:
        raise _Unreadable("the kind is missing")
    for hint in descriptor.get("hints", []):
        _one_of(hint, _HINTS)
    kind = _one_of(descriptor["kind"], _KINDS)
    compression = _one_of(outer["compression"], ["None", "Zlib"])
    try:
        content = (
            outer["content"] if isinstance(outer["content"], bytes) else bytes([*outer["content"]])
        )
        if compression == "Zlib":
            inflater = zlib.decompressobj()
            content = inflater.decompress(content)
            if not inflater.eof:
                raise _Unreadable("the stream is cut")
    except (TypeError, ValueError, zlib.error) as error:
        raise _Unreadable(str(error)) from None
    return {"kind": kind, "content": content}


def _content(stored: bytes) -> bytes:
    """The decoded content; stored bytes that are no envelope stand for themselves."""
    try:
        return bytes(_envelope(stored)["content"])
    except _Unreadable:
        if any(word in stored[:64] for word in (b"descriptor", b"content")):
            raise
        return stored


def _manifest(content: bytes) -> tuple[dict[str, Any], list[Any]]:
    fields, unknown = _fields(_unpack(content), _MANIFEST_FIELDS)
    for name in _CHILDREN:
        value = fields.get(name)
        fields[name] = value.decode() if isinstance(value, bytes) else value
        if not isinstance(fields[name], (str, type(None))):
            raise _Unreadable(f"{name} is no text")
    return fields, unknown
