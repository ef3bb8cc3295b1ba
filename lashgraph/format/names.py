"""Rows of JSON that may name a blob, found without decoding the others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

ARCHIVE_KEY = b"archive_hash"
HASH_DIGITS = 64
_HASH_RUN = re.compile(rb"[0-9a-f]{%d,}" % HASH_DIGITS)
_ESCAPED_ASCII = re.compile(rb"\\u00[2-7]")
_ESCAPE = int.from_bytes(b"\\u", "little")
_STRIDE = 8
_IS_HEX = np.zeros(256, np.bool_)
_IS_HEX[list(b"0123456789abcdef")] = True


def rows_that_may_name(rows: Sequence[bytes]) -> list[int]:
    """Positions of rows that hold the key ``archive_hash`` or 64 hex digits in a run.

    A run of 64 covers eight neighbours among every eighth byte, so looking at those finds each run
    and few other places. A row that spells a letter as an escape is delivered too.
    """
    joined = b"\n".join(rows)
    data = np.frombuffer(joined, np.uint8)
    seen = _IS_HEX[data[::_STRIDE]]
    for width in (1, 2, 4):
        seen = seen[:-width] & seen[width:] if len(seen) > width else seen[:0]
    places = [np.flatnonzero(seen) * _STRIDE, _found(joined, ARCHIVE_KEY)]
    if has_escape(joined):
        starts = [match.start() for match in _ESCAPED_ASCII.finditer(joined)]
        places.append(np.array(starts, np.int64))
    everywhere = np.concatenate(places)
    if not len(everywhere):
        return []
    ends = np.cumsum(np.fromiter(map(len, rows), np.int64, len(rows)) + 1)
    hit: list[int] = np.unique(np.searchsorted(ends, everywhere, side="right")).tolist()
    return hit


def _found(text: bytes, wanted: bytes) -> NDArray[np.int64]:
    places = []
    at = text.find(wanted)
    while at >= 0:
        places.append(at)
        at = text.find(wanted, at + 1)
    return np.array(places, np.int64)


def has_escape(text: bytes) -> bool:
    """Whether a backslash with a ``u`` behind it stands anywhere in a text."""
    length = len(text)
    for start in (0, 1):
        if length > start + 1:
            pairs = np.frombuffer(text, "<u2", (length - start) // 2, start)
            if (pairs == _ESCAPE).any():
                return True
    return False


def hashes_in(text: bytes) -> Iterator[str]:
    """Every 64 hex digits that stand in a text."""
    for run in _HASH_RUN.findall(text):
        for start in range(len(run) - HASH_DIGITS + 1):
            yield run[start : start + HASH_DIGITS].decode()
