"""Envelopes that cannot be read whole: whether bytes are one, and what kind it names.

A struct may be written by names, or counted: as an array, or with numbers for keys. Counted, an
envelope and a manifest look alike but for the second field: a compression in one, a hash in the
other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import msgpack

from lashgraph.format import packed
from lashgraph.format.blob import BlobKind
from lashgraph.format.strict import Invalid, Pairs, build

_FIELDS = ("descriptor", "compression", "content")
_DESCRIPTOR_FIELDS = ("kind", "hints")
_COMPRESSION = Literal["None", "Zlib"]


class _Part(NamedTuple):
    """A field of a struct: what it is called, whether it is counted, its value."""

    name: str
    counted: bool
    value: Any


def is_envelope(stored: bytes) -> bool:
    """Whether stored bytes are an envelope, be it sound, damaged or cut short."""
    return _is_envelope(list(_parts_of(stored)))


def names_manifest(stored: bytes) -> bool:
    """Whether stored bytes are an envelope, sound or not, of the kind CheckpointManifest."""
    parts = list(_parts_of(stored))
    return _is_envelope(parts) and any(
        part.name == "kind" and _read(part.value, BlobKind) == "CheckpointManifest"
        for outer in parts
        if outer.name == "descriptor"
        for part in _fields(outer.value, _DESCRIPTOR_FIELDS)
    )


def _is_envelope(parts: list[_Part]) -> bool:
    return any(
        part.name == "compression" and _read(part.value, _COMPRESSION) is not None
        if part.counted
        else part.name in ("descriptor", "content")
        for part in parts
    )


def _read(value: Any, names: Any) -> str | None:
    """One of some names, however it is written; None where the value is none of them."""
    try:
        name: str = build(value, names, packed=True)
    except Invalid:
        return None
    return name


def _parts_of(stored: bytes) -> Iterator[_Part]:
    """The fields of a stored struct, up to where it is cut or corrupt."""
    if not stored:
        return
    unpacker = packed.new_unpacker(len(stored))
    unpacker.feed(stored)
    try:
        if stored[0] & 0xF0 == 0x80 or stored[0] in (0xDE, 0xDF):
            for _ in range(unpacker.read_map_header()):
                pair = packed.read_value(unpacker), packed.read_value(unpacker)
                yield from _fields(Pairs([pair]), _FIELDS)
        elif stored[0] & 0xF0 == 0x90 or stored[0] in (0xDC, 0xDD):
            for name in _FIELDS[: unpacker.read_array_header()]:
                yield _Part(name, True, packed.read_value(unpacker))
    except (packed.PackedError, msgpack.UnpackException):
        return


def _fields(value: Any, names: tuple[str, ...]) -> Iterator[_Part]:
    """The known fields of a parsed struct, repeated ones too."""
    if not isinstance(value, Pairs):
        if isinstance(value, list):
            yield from (_Part(name, True, item) for name, item in zip(names, value, strict=False))
        return
    for key, item in value:
        if type(key) is int and 0 <= key < len(names):
            yield _Part(names[key], True, item)
        elif isinstance(key, (str, bytes)):
            name = key if isinstance(key, str) else key.decode("utf-8", "replace")
            if name in names:
                yield _Part(name, False, item)
