"""The proof: no word of any input stands in an output, be it in its rows or in its raw bytes."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lashgraph.redact.filler import USUAL
from lashgraph.redact.pieces import Piece, pieces
from lashgraph.redact.words import OWN_WORDS, SIGNS, is_own, words_in

_WINDOW = 8
_BLOCK = 1 << 20
_SHORT = 128
_SHORTEST_HEX = 16
_HEX = frozenset("0123456789abcdef" + SIGNS.decode())
_OWN_TEXT = b"\n".join(sorted(OWN_WORDS))


class Words:
    """The words of all inputs of a run."""

    def __init__(self) -> None:
        self.found: set[bytes] = set()
        self._known: set[bytes] = set()

    def add(self, told: Iterable[Piece]) -> None:
        """Take the words of a store; those that the format itself writes are no secret."""
        for piece in _first_of_each(told, self._known):
            for word in words_in(piece.said):
                if word not in self.found and not is_own(word):
                    self.found.add(word)


@dataclass(frozen=True)
class Leak:
    """Where a word of an input was found in an output.

    Attributes
    ----------
    table, column : str
        The column, or empty for the bytes of the file.
    row : int
        Number of the row, or position in the file.
    word : str
        What was found.
    """

    table: str
    column: str
    row: int
    word: str

    def __str__(self) -> str:
        place = f"{self.table}.{self.column}, row {self.row}" if self.table else f"byte {self.row}"
        return f"{self.word!r} ({place})"


def leaks(
    connection: sqlite3.Connection, path: Path, secret: set[bytes], kept: Iterable[str]
) -> Iterator[Leak]:
    """Search a store for words, by its rows and by the bytes of its file.

    Parameters
    ----------
    secret : set of bytes
        The words.
    kept : iterable of str
        What may stand in the copy all the same: counts, and the keys of blobs that did not change.
    """
    allowed = {word.encode() for word in kept}
    search = Search(word for word in secret if word not in allowed and _stands_out(word))
    for told in _by_size(_first_of_each(pieces(connection), set())):
        for piece in told:
            for word in words_in(piece.said):
                if word in secret and word not in allowed:
                    yield Leak(piece.table, piece.column, piece.rowid, _shown(word))
        starts = list(accumulate((len(piece.said) + 1 for piece in told), initial=0))
        for position, word in search.found_in(b"\n".join(piece.said for piece in told)):
            piece = told[bisect_right(starts, position) - 1]
            yield Leak(piece.table, piece.column, piece.rowid, _shown(word))
    for position, word in search.found_in(path.read_bytes()):
        yield Leak("", "", position, _shown(word))


def _shown(word: bytes) -> str:
    return word.decode("utf-8", "replace")


def _stands_out(word: bytes) -> bool:
    """Whether a word cannot stand in a copy by chance, as a part of a filler, hash or own word."""
    characters = set(_shown(word))
    shortest = _SHORTEST_HEX if characters <= _HEX else _WINDOW
    return len(word) >= shortest and not characters <= USUAL and word not in _OWN_TEXT


def _first_of_each(told: Iterable[Piece], known: set[bytes]) -> Iterator[Piece]:
    """Pieces without those that say what a short one said before."""
    for piece in told:
        if len(piece.said) > _SHORT:
            yield piece
        elif piece.said not in known:
            known.add(piece.said)
            yield piece


def _by_size(told: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Pieces, as many at a time as are worth a search."""
    waiting: list[Piece] = []
    size = 0
    for piece in told:
        waiting.append(piece)
        size += len(piece.said)
        if size > _BLOCK:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting


class Search:
    """A search for many byte strings of at least eight bytes, in one pass over others.

    Each is looked for by its first eight bytes, as a number.

    Examples
    --------
    >>> list(Search([b"haystack", b"pitchfork"]).found_in(b"a needle in a haystack"))
    [(14, b'haystack')]
    """

    def __init__(self, wanted: Iterable[bytes]) -> None:
        self._by_start: dict[bytes, list[bytes]] = {}
        for word in wanted:
            self._by_start.setdefault(word[:_WINDOW], []).append(word)
        self._starts = np.unique(np.frombuffer(b"".join(self._by_start), "<u8"))

    def found_in(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Position and string, wherever one stands."""
        if not self._by_start:
            return
        for offset in range(0, len(data), _BLOCK):
            block = data[offset : offset + _BLOCK + _WINDOW - 1]
            for place in _places(block, self._starts):
                at = offset + int(place)
                for word in self._by_start[data[at : at + _WINDOW]]:
                    if data.startswith(word, at):
                        yield at, word


def _places(block: bytes, starts: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Where eight bytes stand that are among some, in ascending order."""
    if len(block) < _WINDOW:
        return np.array([], np.int64)
    places = []
    for shift in range(_WINDOW):
        numbers = np.frombuffer(block, "<u8", (len(block) - shift) // _WINDOW, shift)
        at = np.minimum(np.searchsorted(starts, numbers), len(starts) - 1)
        places.append(np.flatnonzero(starts[at] == numbers) * _WINDOW + shift)
    return np.sort(np.concatenate(places))
