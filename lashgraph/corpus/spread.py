"""Pieces of work spread over workers, some of which may die."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from typing import Generic, NamedTuple, TypeVar

from lashgraph.corpus.chunks import Piece
from lashgraph.corpus.lanes import Lanes

T = TypeVar("T")


class Done(NamedTuple, Generic[T]):
    """A piece of work and what it gave; a single file that cost a worker its life gives none."""

    piece: Piece
    result: T | None
    error: Exception | None = None


class Spread(Generic[T]):
    """Work on pieces, in any order.

    A piece whose worker died is suspect, and so is all that was under way beside it in the same
    pool. Suspects are tried again one at a time; one that kills again is tried in smaller pieces,
    down to the file that does it. All others are not touched by that.

    Parameters
    ----------
    lanes : Lanes
        Where work is done.
    start : callable
        Hands over a piece.
    """

    def __init__(self, lanes: Lanes, start: Callable[[Lanes, Piece], Future[T]]) -> None:
        self._lanes = lanes
        self._start = start
        self._waiting: deque[Piece] = deque()
        self._suspects: deque[Piece] = deque()
        self._running: dict[Future[T], Piece] = {}
        self._replaced = False

    def results(self, pieces: Iterable[Piece]) -> Iterator[Done[T]]:
        """What the pieces give, as they are done."""
        self._waiting.extend(pieces)
        try:
            while self._waiting or self._suspects or self._running:
                alone = self._hand_over()
                yield from self._settle(alone=alone)
        finally:
            # broken off: by an interrupt, or by whoever asked
            if self._running:
                for future in self._running:
                    future.cancel()
                self._lanes.stop()
            if self._replaced:
                self._lanes.stop()

    def _hand_over(self) -> bool:
        """Give out work; says whether it is one suspect alone."""
        if self._suspects and not self._running:
            self._submit(self._suspects.popleft())
            return True
        while self._waiting and not self._suspects and len(self._running) < self._lanes.ahead:
            self._submit(self._waiting.popleft())
        return False

    def _submit(self, piece: Piece) -> None:
        try:
            future = self._start(self._lanes, piece)
        except BrokenExecutor:
            if self._running:  # they are lost as well, and found to be so when they are settled
                self._suspects.append(piece)
                return
            self._renew()
            future = self._start(self._lanes, piece)
        self._running[future] = piece

    def _settle(self, *, alone: bool) -> Iterator[Done[T]]:
        finished, _ = wait(self._running, return_when=FIRST_COMPLETED)
        if any(isinstance(_error(future), BrokenExecutor) for future in finished):
            finished, _ = wait(self._running)  # the pool is gone, and all of them with it
            self._renew()
        lost: list[tuple[Piece, Exception]] = []
        for future in sorted(finished, key=lambda one: self._running[one]):
            piece = self._running.pop(future)
            error = _error(future)
            if error is None:
                yield Done(piece, future.result())
            elif isinstance(error, Exception):
                lost.append((piece, error))
            else:
                raise error
        for piece, error in lost:
            if not alone:
                self._suspects.append(piece)
            elif piece.n_files == 1:
                yield Done(piece, None, error)
            else:
                self._suspects.extendleft(reversed(piece.split()))

    def _renew(self) -> None:
        renewed = self._lanes.renew()
        self._replaced = self._replaced or renewed is not self._lanes
        self._lanes = renewed


def _error(future: Future[T]) -> BaseException | None:
    """What a future failed with; a cancelled one fails like a lost one."""
    return BrokenExecutor("it was cancelled") if future.cancelled() else future.exception()
