"""How the files of a run are cut into pieces of work: by bytes, in order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

_EACH = 64 << 10
_LEAST, _MOST = 1 << 20, 32 << 20
_PIECES_EACH = 16
_PARTS = 8


class Piece(NamedTuple):
    """Some files that follow each other: from one position to before another."""

    start: int
    end: int

    @property
    def n_files(self) -> int:
        """How many files."""
        return self.end - self.start

    def split(self) -> list[Piece]:
        """The same in up to eight smaller pieces."""
        parts = min(self.n_files, _PARTS)
        bounds = [self.start + self.n_files * part // parts for part in range(parts + 1)]
        return [Piece(*bound) for bound in pairwise(bounds)]


def cut(weights: Sequence[int], workers: int, most: int = _MOST) -> list[Piece]:
    """Pieces of about the same weight, sixteen for each worker unless they would be too large.

    Parameters
    ----------
    weights : sequence of int
        Bytes of each file; opening one costs about as much as reading 64 KiB.
    workers : int
        How many work at once.
    most : int
        Bytes that a piece is at most, unless one file has more.

    Examples
    --------
    >>> cut([1 << 20, 1 << 20, 5 << 20, 10], workers=1)
    [Piece(start=0, end=1), Piece(start=1, end=2), Piece(start=2, end=3), Piece(start=3, end=4)]
    """
    total = sum(weights) + _EACH * len(weights)
    limit = min(max(total // (workers * _PIECES_EACH), _LEAST), most)
    pieces: list[Piece] = []
    start, held = 0, 0
    for position, weight in enumerate(weights):
        if held and held + weight + _EACH > limit:
            pieces.append(Piece(start, position))
            start, held = position, 0
        held += weight + _EACH
    if start < len(weights):
        pieces.append(Piece(start, len(weights)))
    return pieces
