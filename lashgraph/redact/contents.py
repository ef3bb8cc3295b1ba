"""Contents of blobs: what replaces one, stored as it was stored and in as many bytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import product

from lashgraph.format.blob import unwrap
from lashgraph.redact import shapes
from lashgraph.redact.json_text import NoJsonError, rewritten
from lashgraph.redact.packed_bytes import NotPackedError, Octets, Rewriting, pack
from lashgraph.redact.replacer import Replacer
from lashgraph.redact.shapes import Shape

_COLLECTION = (*range(0x80, 0xA0), *range(0xDC, 0xE0))
_MANY = 1 << 16
_STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_FIXED)


def redacted_stored(stored: bytes, replace: Replacer) -> bytes:
    """What stands for the stored bytes of a blob.

    An envelope keeps its descriptor and compression, and one that cannot be read stays so. A
    compressed content whose replacement compresses better is filled up behind the stream, where
    lash and this package look no further; only where it compresses worse are the bytes more.
    """
    blob = unwrap(stored)
    if blob.kind == "raw":
        return redacted_content(blob.content, "raw", replace)
    if not blob.damage:
        make = _compressed if blob.compression == "Zlib" else _plain
        kind = blob.kind
        content = redacted_content(blob.content, kind, replace)
        return Rewriting(stored, replace, lambda octets: make(octets, content)).whole(
            shapes.ENVELOPE
        )

    def filled(octets: Octets) -> bytes:
        return pack(octets, replace.octets(octets.data, _inflates))

    return Rewriting(stored, replace, filled).as_far_as_readable(shapes.ENVELOPE)


def redacted_content(content: bytes, kind: str, replace: Replacer) -> bytes:
    """What stands for a content, as long as it."""
    shape = shapes.BLOB_STATES.get(kind)
    if shape is not None:
        return _packed(content, shape, replace)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        if content[0] in _COLLECTION:
            return _packed(content, shapes.MANIFEST, replace)
        return replace.octets(content)
    return redacted_text(text, shapes.MODULE, replace).encode()


def redacted_text(text: str, shape: Shape, replace: Replacer) -> str:
    """What stands for a text that may be JSON of a shape."""
    if text[:1] in ("{", "["):
        try:
            return rewritten(text, shape, replace)
        except NoJsonError:
            pass
    return replace.text(text)


def _packed(content: bytes, shape: Shape, replace: Replacer) -> bytes:
    """A content of MessagePack, or filler where it is none."""

    def inner(octets: Octets) -> bytes:
        try:
            text = octets.data.decode()
        except UnicodeDecodeError:
            return pack(octets, replace.octets(octets.data) if octets.data else b"")
        return pack(octets, redacted_text(text, shapes.EXECUTION_STATE, replace).encode())

    try:
        return Rewriting(content, replace, inner).whole(shape)
    except NotPackedError:
        return replace.octets(content) if content else content


def _plain(octets: Octets, content: bytes) -> bytes:
    return pack(octets, content)


def _compressed(octets: Octets, content: bytes) -> bytes:
    """A content compressed, in as many bytes as its place took, if it can be."""
    best = zlib.compress(content)
    if len(pack(octets, best)) > octets.written:
        best = min(_compressions(content), key=lambda stream: len(pack(octets, stream)))
    missing = octets.written - len(pack(octets, best))
    for filling in (missing, missing - 1, missing - 2):
        made = pack(octets, best + bytes(max(filling, 0)))
        if len(made) == octets.written:
            return made
    return pack(octets, best)


def _compressions(content: bytes) -> Iterator[bytes]:
    """The streams that zlib can make of a content; a cut moves all bits behind it."""
    settings = ((9, 8),) if len(content) > _MANY else product(range(3, 10), (8, 9))
    cuts = (None, 0, len(content) // 3, len(content) // 2)
    for (level, memory), strategy, cut in product(settings, _STRATEGIES, cuts):
        deflater = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS, memory, strategy)
        start = b""
        if cut is not None:
            start = deflater.compress(content[:cut]) + deflater.flush(zlib.Z_PARTIAL_FLUSH)
        yield start + deflater.compress(content[cut or 0 :]) + deflater.flush()


def _inflates(data: bytes) -> bool:
    try:
        zlib.decompress(data)
    except zlib.error:
        return False
    return True
