"""A run over the files of a corpus: what every call that reads them comes down to."""

from __future__ import annotations

import hashlib
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple
from uuid import uuid4

import pandas as pd
import pyarrow as pa

from lashgraph.columns import FrameSchema
from lashgraph.corpus.chunks import Piece, cut
from lashgraph.corpus.discovery import CorpusFile
from lashgraph.corpus.lanes import How, Lanes, Workers
from lashgraph.corpus.ledger import Failures, Shared, no_database, state_of
from lashgraph.corpus.notes import Failure, Note, Read
from lashgraph.corpus.spread import Done, Spread
from lashgraph.corpus.tasks import Ask, Gathered, Job, read_files
from lashgraph.corpus.transport import Parcel, arrow_schema, to_frame
from lashgraph.errors import DamagedDataWarning
from lashgraph.sqlite.place import PlaceState
from lashgraph.version import __version__

Columns = Sequence[str] | None

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_IN_PROCESS = 8 << 20
"""Bytes of a piece in this process: large enough to join small tables, small enough for a bar."""


class Outcome(NamedTuple):
    """What a run gave: rows in tables, and the sessions and failures, all in order of path."""

    tables: list[pa.Table]
    read: list[Read]
    failures: list[Failure]


class RunningCorpus:
    """Files, and runs over them.

    Parameters
    ----------
    shared : Shared
        What it shares with other choices from the same files.
    failures : sequence of Failure
        What failed before.
    """

    def __init__(self, shared: Shared, failures: Sequence[Failure] = ()) -> None:
        self._shared = shared
        self._failures = Failures(failures)

    def _files(self, how: How) -> list[CorpusFile]:
        """The files that may be sessions of this corpus."""
        raise NotImplementedError

    def _frame(
        self,
        schema: FrameSchema,
        ask: Ask,
        columns: Columns,
        *,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """The frames that all sessions give, as one."""
        chosen = schema.chosen(columns)
        job = Job(schema.name, ask, chosen, self._shared.sent)
        outcome = self._run(job, How(executor, progress))
        if strict and outcome.failures:
            raise outcome.failures[0].raised()
        frame = to_frame(chosen, outcome.tables, sum(note.rows for note in outcome.read))
        self._finish(frame, schema.name, outcome)
        return frame

    def _finish(self, frame: pd.DataFrame, name: str, outcome: Outcome, **facts: Any) -> None:
        """Say what a frame was made of, and warn of what is not in it."""
        content = "\n".join(note.fingerprint for note in outcome.read)
        frame.attrs["lashgraph"] = {
            "frame": name,
            "version": __version__,
            "fingerprint": hashlib.sha256(content.encode()).hexdigest()[:16],
            "policy": self._shared.options.gc_policy.name,
            "files": len(outcome.read),
            "errors": len(outcome.failures),
            **facts,
        }
        if outcome.failures:
            warn_of(outcome.failures, name)

    def _run(self, job: Job, how: How) -> Outcome:
        with self._shared.lock:
            return self._run_over(self._files(how), job, how)

    def _run_over(self, files: Sequence[CorpusFile], job: Job, how: How) -> Outcome:
        """Ask all of these files, and note what became of each."""
        lanes = self._shared.lanes(how.executor)
        asked: list[CorpusFile] = []
        states: list[PlaceState | None] = []
        notes: list[Note] = []
        for file in files:
            state = state_of(file)
            failure = no_database(file, state)
            self._failures.forget(file.path, job.stage)
            if failure is None:
                asked.append(file)
                states.append(state)
            else:
                notes.append(failure)
        tables: dict[Piece, pa.Table] = {}
        found: dict[Piece, list[Note]] = {}
        done, bar = 0, _bar(how, len(asked), job.stage)
        try:
            for piece, result, error in _results(job, asked, lanes):
                gathered = result or _lost(job, asked[piece.start], error)
                tables[piece] = gathered.parcel.table
                found[piece] = gathered.notes
                done += piece.n_files
                bar.update(piece.n_files)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"{job.stage}(): stopped after {done:,} of {len(asked):,} files; nothing was "
                "written"
            ) from None
        finally:
            bar.close()
        order = sorted(found)
        for piece in order:
            for position, note in zip(range(*piece), found[piece], strict=True):
                if not isinstance(note, Failure):
                    self._shared.learn(asked[position], states[position], note)
                notes.append(note)
        return self._settle([tables[piece] for piece in order], notes)

    def _settle(self, tables: list[pa.Table], notes: list[Note]) -> Outcome:
        read = [note for note in notes if isinstance(note, Read)]
        failures = [note for note in notes if isinstance(note, Failure)]
        failures += [note.damage for note in read if note.damage is not None]
        failures.sort(key=lambda failure: (failure.path, failure.stage))
        self._failures.add(failures)
        return Outcome(tables, read, failures)


def warn_of(failures: Sequence[Failure], name: str) -> None:
    """Warn of files that could not be read, or in part only."""
    first = failures[0]
    warnings.warn(
        f"{name}(): {len(failures)} files could not be read, or in part only ({first.path}: "
        f"{first.error}); corpus.errors() lists them",
        DamagedDataWarning,
        stacklevel=_caller(),
    )


def _caller() -> int:
    """The stack level of the first caller outside this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    return level


def _results(
    job: Job, files: Sequence[CorpusFile], lanes: Lanes | None
) -> Iterator[Done[Gathered]]:
    paths = [file.path for file in files]
    weights = [file.weight for file in files]
    if lanes is None:
        for piece in cut(weights, 1, most=_IN_PROCESS):
            yield Done(piece, job(paths[piece.start : piece.end]))
        return

    def start(where: Lanes, piece: Piece) -> Future[Gathered]:
        # Dask takes a call like an earlier one for the same, and answers it from memory
        return where.submit(read_files, job, paths[piece.start : piece.end], uuid4().hex)

    spread = Spread(lanes, start).results(cut(weights, lanes.width))
    yield from spread


def _lost(job: Job, file: CorpusFile, error: Exception | None) -> Gathered:
    name = type(error).__name__
    message = f"{file.path}: the worker that read it died: {error}"
    note = Failure(file.path, job.stage, name, message)
    return Gathered(Parcel(arrow_schema(job.columns).empty_table()), [note])


class _NoBar:
    """A bar that is not shown."""

    def update(self, files: int) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def _bar(how: How, files: int, stage: str) -> Any:
    if not how.progress:
        return _NoBar()
    from tqdm.auto import tqdm

    return tqdm(total=files, unit="file", desc=stage)
