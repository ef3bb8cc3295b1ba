"""Files of a batch collection under way, in this process or at workers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import closing, contextmanager
from typing import Any
from uuid import uuid4

from lashgraph.corpus.chunks import Piece
from lashgraph.corpus.gcrows import Swept
from lashgraph.corpus.journal import Journal
from lashgraph.corpus.lanes import How, Lanes
from lashgraph.corpus.spread import Done, Spread
from lashgraph.corpus.sweeping import SweepJob, Task, sweep_file
from lashgraph.errors import LashgraphError
from lashgraph.sqlite import place
from lashgraph.sqlite.place import PlaceState

STAGE = "sweep"


class Run:
    """Tasks under way; what is done of them is noted as it comes.

    Attributes
    ----------
    settled : dict of int to Swept
        What became of the tasks so far, by their positions.
    """

    def __init__(
        self, lanes: Lanes | None, job: SweepJob, tasks: Sequence[Task], log: Journal
    ) -> None:
        self.settled: dict[int, Swept] = {}
        self._lanes = lanes
        self._job = job
        self._tasks = tasks
        self._log = log
        self._under_way: dict[int, Future[Swept]] = {}

    def go(self, bar: Any) -> None:
        """Work on all tasks.

        Raises
        ------
        KeyboardInterrupt
            After what was under way has ended; the message says what was done.
        """
        found = self._each()
        try:
            for piece, swept, error in found:
                at = piece.start
                self._settle(at, swept or self._lost(at, error))
                bar.update(1)
        except KeyboardInterrupt:
            found.close()
            self._drain()
            raise KeyboardInterrupt(
                f"sweep(): stopped after {len(self.settled):,} of {len(self._tasks):,} files; "
                "each was swept as a whole or not at all, and a new plan has the others"
            ) from None

    def _each(self) -> Any:
        if self._lanes is None:
            return self._one_by_one()
        pieces = [Piece(at, at + 1) for at in range(len(self._tasks))]
        return Spread(self._lanes, self._start).results(pieces)

    def _one_by_one(self) -> Iterator[Done[Swept]]:
        for at, task in enumerate(self._tasks):
            self._log.begin(task.row.path)
            yield Done(Piece(at, at + 1), self._job(task))

    def _start(self, lanes: Lanes, piece: Piece) -> Future[Swept]:
        task = self._tasks[piece.start]
        self._log.begin(task.row.path)
        # Dask takes a call like an earlier one for the same, and answers it from memory
        future = lanes.submit(sweep_file, self._job, task, uuid4().hex)
        self._under_way[piece.start] = future
        return future

    def _lost(self, at: int, error: Exception | None) -> Swept:
        path = self._tasks[at].row.path
        died = LashgraphError(f"{path}: the worker that swept it died: {error}", path=path)
        return Swept.failed(self._tasks[at].row, died)._replace(error=type(error).__name__)

    def _settle(self, at: int, swept: Swept) -> None:
        self.settled[at] = swept
        self._under_way.pop(at, None)
        self._log.end(self._tasks[at].row, swept, state_at(swept.path))

    def _drain(self) -> None:
        """Wait for what cannot be called back any more, and note it."""
        wait(self._under_way.values())
        for at, future in sorted(self._under_way.items()):
            if not future.cancelled() and future.exception() is None:
                self._settle(at, future.result())


def state_at(path: str) -> PlaceState | None:
    """The state of a file and its log; None where it cannot be had."""
    try:
        return place.place_state(os.path.realpath(path))
    except (LashgraphError, OSError):
        return None


@contextmanager
def bar_of(how: How, files: int) -> Iterator[Any]:
    """A bar that grows file by file; one that is not shown where none is wanted."""
    if not how.progress:
        yield _NoBar()
        return
    from tqdm.auto import tqdm

    with closing(tqdm(total=files, unit="file", desc=STAGE)) as bar:
        yield bar


class _NoBar:
    """A bar that is not shown."""

    def update(self, files: int) -> None:
        """Nothing."""
