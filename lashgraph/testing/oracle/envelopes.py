"""MessagePack that a store holds: the envelope of a blob, the manifest of a checkpoint."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgpack

from lashgraph.testing.oracle.shapes import (
    Pairs,
    Shape,
    Struct,
    Unreadable,
    anything,
    array,
    field_name,
    integer,
    maybe,
    natural,
    octets,
    one_of,
    struct,
    text,
    want,
)

CHILDREN = ("tool_state_ref", "plugin_snapshot_ref", "execution_state_ref")
"""The fields of a manifest that name blobs."""

_FIELDS = ["descriptor", "compression", "content"]
_KIND = one_of(
    "GenericBlob",
    "CheckpointManifest",
    "ToolState",
    "PluginSessionSnapshot",
    "ExecutionStateSnapshot",
    "LashlangModule",
    numbered=True,
)
_HINT = one_of("Compressible", "InlinePreferred", "LargePayload", numbered=True)
_COMPRESSION = one_of("None", "Zlib", numbered=True)
_ENVELOPE = struct(
    {
        "descriptor": struct({"kind": _KIND, "hints": array(_HINT)}, required="kind"),
        "compression": _COMPRESSION,
        "content": octets,
    },
    required="descriptor compression content",
)
_USAGE = dict.fromkeys(
    ["input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens"], integer
)
_PROMPT_USAGE = dict.fromkeys(
    [
        "prompt_context_tokens",
        "input_tokens",
        "cached_input_tokens",
        "context_budget_tokens",
    ],
    natural,
)
_TURN_STATE = struct(
    {
        "turn_index": natural,
        "token_usage": struct(dict(_USAGE)),
        "last_prompt_usage": maybe(struct(dict(_PROMPT_USAGE))),
        "protocol_turn_options": struct({"payload": anything}),
    },
    required="turn_index",
)
MANIFEST = struct(
    {
        "turn_state": maybe(_TURN_STATE),
        "tool_state_ref": maybe(text),
        "plugin_snapshot_ref": maybe(text),
        "plugin_snapshot_revision": maybe(natural),
        "execution_state_ref": maybe(text),
    }
)
"""The shape of a manifest, in a blob and in the record of a turn."""


class Manifest(NamedTuple):
    """A manifest, and what makes the safe policy refuse it.

    Attributes
    ----------
    children : list of str
        The blobs that it names.
    matches : bool
        Whether its key is the hash of its bytes.
    unknown : list
        Fields that this version does not declare.
    """

    children: list[str]
    matches: bool
    unknown: list[Any]


def read_manifest(key: str, stored: bytes) -> Manifest:
    """Read the blob under a key as a manifest."""
    try:
        content = _content(stored)
        fields: Struct = MANIFEST(_unpack(content))
    except RecursionError:
        raise Unreadable("nested too deep") from None
    return Manifest(
        children_of(fields),
        key in (hashlib.sha256(stored).hexdigest(), hashlib.sha256(content).hexdigest()),
        fields.unknown,
    )


def children_of(manifest: Struct) -> list[str]:
    """The blobs that a manifest names."""
    return [manifest[name] for name in CHILDREN if manifest.get(name) is not None]


def says_manifest(stored: bytes) -> bool:
    """Whether an envelope, be the rest of it sound or not, names a manifest as its kind."""
    parts = list(_envelope_parts(stored))
    return _looks_like_an_envelope(parts) and any(
        _read(kind, _KIND) == "CheckpointManifest"
        for name, _, descriptor in parts
        if name == "descriptor"
        for kind in _kinds(descriptor)
    )


def _content(stored: bytes) -> bytes:
    """The decoded content; stored bytes that are no envelope at all stand for themselves."""
    try:
        envelope = _ENVELOPE(_unpack(stored))
        content: bytes = envelope["content"]
        return _inflated(content) if envelope["compression"] == "Zlib" else content
    except Unreadable:
        if _looks_like_an_envelope(list(_envelope_parts(stored))):
            raise
        return stored


def _inflated(content: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(content)
    except zlib.error as error:
        raise Unreadable(str(error)) from None
    want(inflater.eof, "the zlib stream is cut")
    return inflated


# MessagePack


def _unpacker(data: bytes) -> Any:
    unpacker = msgpack.Unpacker(
        raw=False,
        unicode_errors="surrogateescape",
        strict_map_key=False,
        object_pairs_hook=Pairs,
        max_buffer_size=max(len(data), 1),
        max_str_len=len(data),
        max_bin_len=len(data),
        max_array_len=len(data),
        max_map_len=len(data),
    )
    unpacker.feed(data)
    return unpacker


def _unpack(data: bytes) -> Any:
    """The first value; what follows it is ignored."""
    try:
        return _unpacker(data).unpack()
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise Unreadable(f"not MessagePack: {error}") from None


# Envelopes that cannot be read


def _envelope_parts(stored: bytes) -> Iterator[tuple[str | int, Any, Any]]:
    """Field, key (None by position) and value of a struct, up to where it is cut or corrupt."""
    first = stored[0] if stored else 0
    unpacker = _unpacker(stored)
    try:
        if 0x80 <= first <= 0x8F or first in (0xDE, 0xDF):
            for _ in range(unpacker.read_map_header()):
                key, item = unpacker.unpack(), unpacker.unpack()
                if isinstance(key, (str, bytes)) or (type(key) is int and key >= 0):
                    yield field_name(key, _FIELDS), key, item
        elif 0x90 <= first <= 0x9F or first in (0xDC, 0xDD):
            for name in _FIELDS[: unpacker.read_array_header()]:
                yield name, None, unpacker.unpack()
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException):
        return


def _looks_like_an_envelope(parts: list[tuple[str | int, Any, Any]]) -> bool:
    """By the name of a field, or, where fields are counted, by the compression in its place.

    A manifest may be counted, too: its second field is a hash.
    """
    for name, key, item in parts:
        counted = key is None or isinstance(key, int)
        if counted and name == "compression" and _read(item, _COMPRESSION):
            return True
        if not counted and name in ("descriptor", "content"):
            return True
    return False


def _kinds(descriptor: Any) -> list[Any]:
    """What stands in a descriptor as its kind, twice if it does."""
    if isinstance(descriptor, Pairs):
        zero = [item for key, item in descriptor if type(key) is int and key == 0]
        return zero + [item for key, item in descriptor if key in ("kind", b"kind")]
    return descriptor[:1] if isinstance(descriptor, list) else []


def _read(value: Any, shape: Shape) -> Any:
    try:
        return shape(value)
    except Unreadable:
        return None
