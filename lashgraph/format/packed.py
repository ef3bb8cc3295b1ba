"""MessagePack as the runtime writes and reads it.

Written: integers in the shortest form (unsigned where they are not negative), floats always of
eight bytes, byte strings as arrays of integers. Read: maps or arrays for structs, binary or numbers
for keys, and whatever follows the value is ignored.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

import msgpack
import numpy as np

from lashgraph.format.limits import MAX_CONTAINERS
from lashgraph.format.strict import Pairs

T = TypeVar("T")

_MARK = 0xCC
_BIN_AS_ARRAY_BELOW = 0x80


class PackedError(ValueError):
    """The bytes are not MessagePack."""


def unpack(data: bytes | memoryview) -> Any:
    """Read the first value; maps come as `Pairs`.

    Raises
    ------
    PackedError
        The bytes end too early or are no MessagePack.
    """
    unpacker = new_unpacker(len(data))
    unpacker.feed(data)
    return read_value(unpacker)


def new_unpacker(size: int) -> msgpack.Unpacker:
    """An unpacker whose every length is bounded by the bytes there are.

    Text that is not UTF-8 comes with surrogates: it is an error only where a text is kept.
    """
    room = MAX_CONTAINERS

    def take(made: T) -> T:
        nonlocal room
        room -= 1
        if room < 0:
            raise PackedError(f"more than {MAX_CONTAINERS:,} lists and maps")
        return made

    return msgpack.Unpacker(
        None,
        raw=False,
        unicode_errors="surrogateescape",
        strict_map_key=False,
        object_pairs_hook=lambda pairs: take(Pairs(pairs)),
        list_hook=take,
        max_buffer_size=max(size, 1),
        max_str_len=size,
        max_bin_len=size,
        max_array_len=size,
        max_map_len=size,
    )


def read_value(unpacker: msgpack.Unpacker) -> Any:
    """The next value of an unpacker."""
    try:
        return unpacker.unpack()
    except (msgpack.UnpackException, ValueError, RecursionError, TypeError) as error:
        raise PackedError(f"not MessagePack: {error or type(error).__name__}") from None


def pack(value: Any) -> bytes:
    """Write a value; bytes become arrays of integers."""
    return cast("bytes", msgpack.packb(_arrays(value), use_bin_type=True))


def _arrays(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _arrays(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_arrays(item) for item in value]
    if isinstance(value, bytes):
        return list(value)
    if type(value) is int and not -(1 << 63) <= value < 1 << 64:
        return float(value)
    return value


def pack_octets(data: bytes) -> bytes:
    """Write bytes as an array of integers: one byte below 128, two above."""
    octets = np.frombuffer(data, np.uint8)
    high = octets >= _BIN_AS_ARRAY_BELOW
    ends = np.arange(1, len(octets) + 1) + np.cumsum(high)
    out = np.full(int(ends[-1]) if len(octets) else 0, _MARK, np.uint8)
    out[ends - 1] = octets
    return _array_header(len(octets)) + out.tobytes()


def _array_header(length: int) -> bytes:
    if length < 16:
        return bytes([0x90 | length])
    if length < 1 << 16:
        return b"\xdc" + length.to_bytes(2, "big")
    return b"\xdd" + length.to_bytes(4, "big")


def octets_at(data: bytes | memoryview, position: int) -> bytes | None:
    """Read an array of integers in the form that `pack_octets` writes.

    Bytes of 128 and above stand behind a marker, so that they come in runs of even length: a
    running count drops the markers without looking at each element.

    Returns
    -------
    bytes or None
        None where the array is in any other form; `unpack` reads those, more slowly.
    """
    head = data[position]
    if head & 0xF0 == 0x90:
        length, start = head & 0x0F, position + 1
    elif head in (0xDC, 0xDD):
        width = 2 if head == 0xDC else 4
        start = position + 1 + width
        length = int.from_bytes(data[position + 1 : start], "big")
    else:
        return None
    if start > len(data):
        return None
    rest = np.frombuffer(data, np.uint8)[start : start + 2 * length]
    high = rest >> 7
    markers = (np.cumsum(high, dtype=np.uint8) & high).astype(bool)
    kept = np.flatnonzero(~markers)[:length]
    if len(kept) < length:
        return None
    end = int(kept[-1]) + 1 if length else 0
    dropped = rest[:end][markers[:end]]
    if end - len(dropped) != length or not (dropped == _MARK).all():
        return None
    if not high[1:end][markers[: end - 1]].all():
        return None
    return rest[kept].tobytes()
