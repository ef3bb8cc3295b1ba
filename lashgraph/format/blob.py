"""Blobs: content under the SHA-256 of its bytes, stored raw or in an envelope."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from lashgraph.errors import DamagedBlobError, InvalidRecordError
from lashgraph.format import packed
from lashgraph.format.limits import ReadLimits
from lashgraph.format.strict import Invalid, Pairs, Record, build

BlobKind = Literal[
    "GenericBlob",
    "CheckpointManifest",
    "ToolState",
    "PluginSessionSnapshot",
    "ExecutionStateSnapshot",
    "LashlangModule",
]
StoredKind = Literal[
    "GenericBlob",
    "CheckpointManifest",
    "ToolState",
    "PluginSessionSnapshot",
    "ExecutionStateSnapshot",
    "LashlangModule",
    "ProcessExecutionEnv",
    "CheckpointComponent",
]
"""Kinds that some release writes: the last but one from alpha.66 on, the last in catalogues."""

Hint = Literal["Compressible", "InlinePreferred", "LargePayload"]
BlobProfile = Literal["balanced", "compact", "lowlatency"]

ZLIB_FROM: dict[BlobProfile, int | None] = {"balanced": 4096, "compact": 1024, "lowlatency": None}
"""Length in bytes from which a profile compresses content hinted Compressible; None: never."""

PREFIX = 128
"""As many bytes of a stored blob as show its kind and compression."""


class Descriptor(Record, frozen=True):
    """What a blob is and how it may be kept."""

    kind: BlobKind
    hints: list[Hint] = []


class StoredDescriptor(Record, frozen=True):
    """A descriptor as any release may have written it."""

    kind: StoredKind
    hints: list[Hint] = []


class Envelope(Record, frozen=True):
    """A stored blob with its descriptor."""

    descriptor: StoredDescriptor
    compression: Literal["None", "Zlib"]
    content: bytes


MANIFEST = Descriptor(kind="CheckpointManifest", hints=["Compressible"])
TOOL_STATE = Descriptor(kind="ToolState", hints=["Compressible", "LargePayload"])
PLUGIN_SNAPSHOT = Descriptor(kind="PluginSessionSnapshot", hints=["Compressible", "LargePayload"])
EXECUTION_STATE = Descriptor(kind="ExecutionStateSnapshot", hints=["Compressible", "LargePayload"])
MODULE = Descriptor(kind="LashlangModule", hints=["Compressible", "LargePayload"])


class StoredBlob(NamedTuple):
    """A blob as it was read.

    Attributes
    ----------
    kind : str
        The descriptor's kind, ``"raw"`` without an envelope, ``"damaged"`` where it is unreadable.
    compression : str
        ``"None"``, ``"Zlib"``, or empty where there is no readable envelope.
    content : bytes
        The decoded content; of a raw or damaged blob the stored bytes, as the runtime answers.
    damage : str
        Why the envelope is unreadable; empty otherwise.
    """

    kind: str
    compression: str
    content: bytes
    damage: str


def content_hash(content: bytes) -> str:
    """The key of a content: its SHA-256 in lowercase hex."""
    return hashlib.sha256(content).hexdigest()


def hash_matches(key: str, stored: bytes, content: bytes) -> bool:
    """Whether a blob's key is the hash of its decoded content, or of its stored bytes."""
    return key in (content_hash(content), content_hash(stored))


def as_descriptor(descriptor: Descriptor | Mapping[str, Any]) -> Descriptor:
    """Take a descriptor, or a mapping of the same shape."""
    if isinstance(descriptor, Descriptor):
        return descriptor
    try:
        return msgspec.convert(descriptor, Descriptor)
    except ValueError as error:
        raise InvalidRecordError(f"no blob descriptor: {error}") from None


def wrap(descriptor: Descriptor, content: bytes, profile: BlobProfile) -> bytes:
    """The bytes to store for a content: an envelope, compressed where the profile says so."""
    threshold = ZLIB_FROM[profile]
    squeeze = (
        threshold is not None and len(content) >= threshold and "Compressible" in descriptor.hints
    )
    body = zlib.compress(content) if squeeze else content
    head = packed.pack(
        {
            "descriptor": msgspec.to_builtins(descriptor),
            "compression": "Zlib" if squeeze else "None",
        }
    )
    return b"\x83" + head[1:] + b"\xa7content" + packed.pack_octets(body)


def unwrap(stored: bytes, limit: int = ReadLimits.content_bytes) -> StoredBlob:
    """Read stored bytes as the runtime does, and say where that reading is a fallback.

    Parameters
    ----------
    limit : int
        Bytes of the longest content to inflate to; a longer one counts as damaged.
    """
    if not _may_be_envelope(stored):
        return StoredBlob("raw", "", stored, "")
    try:
        tree = _parse(stored)
    except packed.PackedError as error:
        damage = f"the envelope is cut or corrupt: {error}" if _names_envelope(stored) else ""
        return StoredBlob("damaged" if damage else "raw", "", stored, damage)
    try:
        envelope = build(tree, Envelope, packed=True)
        return StoredBlob(
            envelope.descriptor.kind, envelope.compression, _inflate(envelope, limit), ""
        )
    except Invalid as error:
        looks = isinstance(tree, Pairs) and any(
            key in ("descriptor", "content", b"descriptor", b"content") for key, _ in tree
        )
        return StoredBlob("damaged" if looks else "raw", "", stored, str(error) if looks else "")


def unwrap_or_raise(key: str, stored: bytes, limit: int = ReadLimits.content_bytes) -> StoredBlob:
    """Read stored bytes; a damaged envelope is an error.

    Bytes that were stored raw, and only look like an envelope, are what their key says they are.
    """
    blob = unwrap(stored, limit)
    if blob.damage and content_hash(stored) == key:
        return StoredBlob("raw", "", stored, "")
    if blob.damage:
        raise DamagedBlobError(
            f"blob {key}: {blob.damage}; the stored bytes are left as they are",
            table="blobs",
            key=key,
        )
    return blob


def peek(prefix: bytes) -> tuple[str, str] | None:
    """Kind and compression by the first bytes of a stored blob.

    Returns
    -------
    tuple or None
        None where the prefix does not tell; `unwrap` of all bytes does.
    """
    if not _may_be_envelope(prefix):
        return "raw", ""
    unpacker = packed.new_unpacker(1 << 32)
    unpacker.feed(prefix)
    try:
        if unpacker.read_map_header() != 3 or packed.read_value(unpacker) != "descriptor":
            return None
        descriptor = build(packed.read_value(unpacker), StoredDescriptor, packed=True)
        if packed.read_value(unpacker) != "compression":
            return None
        compression = packed.read_value(unpacker)
        if compression not in ("None", "Zlib") or packed.read_value(unpacker) != "content":
            return None
    except (packed.PackedError, Invalid, ValueError, EOFError):
        return None
    except Exception as error:
        if type(error).__module__.startswith("msgpack"):
            return None
        raise
    return descriptor.kind, compression


def _may_be_envelope(stored: bytes) -> bool:
    """A struct is written as a map or as an array; no other first byte starts one."""
    return bool(stored) and (0x80 <= stored[0] <= 0x9F or 0xDC <= stored[0] <= 0xDF)


def _names_envelope(stored: bytes) -> bool:
    head = stored[:64]
    return stored[0] & 0xF0 == 0x80 and (b"descriptor" in head or b"content" in head)


def _parse(stored: bytes) -> Any:
    quick = stored.find(b"\xa7content", 0, 256)
    if stored[0] == 0x83 and quick > 0:
        body = packed.octets_at(stored, quick + 8) if quick + 8 < len(stored) else None
        if body is not None:
            try:
                tree = packed.unpack(b"\x83" + stored[1:quick] + b"\xa7content\x90")
            except packed.PackedError:
                tree = None
            if isinstance(tree, Pairs) and len(tree) == 3 and tree[2][0] == "content":
                tree[2] = ("content", body)
                return tree
    return packed.unpack(stored)


def _inflate(envelope: Envelope, limit: int) -> bytes:
    if envelope.compression == "None":
        return envelope.content
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(envelope.content, limit)
    except zlib.error as error:
        raise Invalid(f"the zlib stream is corrupt: {error}") from None
    if not inflater.eof:
        over = len(content) >= limit
        raise Invalid(
            f"the content is above {limit:,} bytes (ReadLimits.content_bytes)"
            if over
            else "the zlib stream is cut"
        )
    return content
