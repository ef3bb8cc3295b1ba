"""What a worker does: read some files one by one, whatever becomes of each."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import pandas as pd
import pyarrow as pa

from lashgraph.columns import Column
from lashgraph.corpus.discovery import log_size
from lashgraph.corpus.notes import OPENING, Failure, LeftOut, Note, Read
from lashgraph.corpus.reader import Reader
from lashgraph.corpus.transport import Parcel, arrow_schema, to_arrow
from lashgraph.errors import (
    EmptyFileError,
    NotASessionStoreError,
    StoreChangedError,
    WhichSessionError,
)
from lashgraph.format.dialects import SIBLING_TABLES
from lashgraph.store import StoreOptions

Ask = Callable[[Reader], pd.DataFrame]
"""What is asked of each session; has to be picklable."""

_ATTEMPTS = 3

OF_THE_FILE = frozenset({"blobs", "refs", "checkpoints", "plan_gc"})
"""Questions about a file: of one that holds many sessions its first session answers them."""

_FILE_FIGURES = frozenset({"n_blobs", "blob_bytes", "reclaimable_bytes", "file_bytes", "wal_bytes"})
"""Columns of sessions() that are of the file."""


@runtime_checkable
class AskOfFile(Protocol):
    """A question that all sessions of a file answer together."""

    def of_file(self, readers: Iterable[Reader]) -> pd.DataFrame:
        """The answer, by readers of each session, of which one at a time is open."""
        ...


class Gathered(NamedTuple):
    """What some files gave: their rows in one table, and a note of each file."""

    parcel: Parcel
    notes: list[Note]


@dataclass(frozen=True)
class Job:
    """A question to ask of every session; picklable.

    Attributes
    ----------
    stage : str
        Name of the frame that is asked for.
    ask : callable or None
        Gives a frame with at least these columns; None asks only whether the file is a session.
    columns : tuple of Column
        The columns wanted.
    options : StoreOptions
        How files are opened.
    """

    stage: str
    ask: Ask | None
    columns: tuple[Column, ...]
    options: StoreOptions

    def __call__(self, paths: Sequence[str]) -> Gathered:
        """Ask it of some files. Nothing that is wrong with one of them is raised."""
        tables: list[pa.Table] = []
        notes: list[Note] = []
        for path in paths:
            note, table = self._read(path)
            notes.append(note)
            if table is not None:
                tables.append(table)
        whole = pa.concat_tables([arrow_schema(self.columns).empty_table(), *tables])
        return Gathered(Parcel(whole.combine_chunks()), notes)

    def _read(self, path: str) -> tuple[Note, pa.Table | None]:
        for attempt in range(_ATTEMPTS):
            try:
                return self._read_once(path)
            except StoreChangedError as error:
                if attempt == _ATTEMPTS - 1:
                    return Failure.of(path, self.stage, error), None
        raise AssertionError("unreachable")

    def _read_once(self, path: str) -> tuple[Note, pa.Table | None]:
        try:
            reader = Reader(path, self.options)
        except StoreChangedError:
            raise
        except WhichSessionError as error:
            return self._of_many(path, error)
        except NotASessionStoreError as error:
            table = next((table for table in error.tables if table in SIBLING_TABLES), "")
            reason = "sibling" if table else "other-database"
            return LeftOut(path, reason, _what(error), table), None
        except EmptyFileError as error:
            if log_size(path):  # a session may stand in its log alone
                return Failure.of(path, OPENING, error), None
            return LeftOut(path, "empty", _what(error)), None
        except Exception as error:
            return Failure.of(path, OPENING, error), None
        with reader:
            try:
                return self._asked(reader)
            except StoreChangedError:
                raise
            except Exception as error:
                # whatever a broken file brings about ends with this file, never with the run
                return Failure.of(path, self.stage, error), None

    def _asked(self, reader: Reader) -> tuple[Note, pa.Table | None]:
        with reader.snapshot():
            fingerprint = reader.fingerprint
            if reader.keeps_artifacts_only():
                return LeftOut(reader.path, "artifacts", "lash's artifacts: modules alone"), None
            session_ids = (reader.session_id,)
            if self.ask is None:
                return Read(reader.path, session_ids, 0, fingerprint), None
            frame = self.ask(reader)
        table = to_arrow(self.columns, frame)
        damage = reader.damage(self.stage)
        return Read(reader.path, session_ids, len(frame), fingerprint, damage), table

    def _of_many(self, path: str, error: WhichSessionError) -> tuple[Note, pa.Table | None]:
        """Ask it of each session of a file that holds many; of the file itself only once."""
        if isinstance(self.ask, AskOfFile):
            return self._of_file(path, error.session_ids, self.ask)
        asked = error.session_ids[:1] if self.stage in OF_THE_FILE else error.session_ids
        tables: list[pa.Table] = []
        notes: list[Read] = []
        for session_id in asked:
            try:
                with Reader(path, self.options, session_id) as reader:
                    note, table = self._asked(reader)
            except StoreChangedError:
                raise
            except Exception as broken:
                return Failure.of(path, self.stage, broken), None
            if not isinstance(note, Read):
                return note, None
            notes.append(note)
            if table is not None:
                tables.append(without_the_file(table) if tables else table)
        read = Read(
            path,
            error.session_ids,
            sum(note.rows for note in notes),
            _the_one({note.fingerprint for note in notes}, path),
            next((note.damage for note in notes if note.damage is not None), None),
        )
        return read, pa.concat_tables(tables) if tables else None

    def _of_file(
        self, path: str, session_ids: tuple[str, ...], ask: AskOfFile
    ) -> tuple[Note, pa.Table | None]:
        fingerprints: set[str] = set()

        def readers() -> Generator[Reader, None, None]:
            for session_id in session_ids:
                with Reader(path, self.options, session_id) as reader, reader.snapshot():
                    fingerprints.add(reader.fingerprint)
                    _the_one(fingerprints, path)
                    yield reader

        with closing(readers()) as opened:
            try:
                frame = ask.of_file(opened)
            except StoreChangedError:
                raise
            except Exception as broken:
                return Failure.of(path, self.stage, broken), None
        read = Read(path, session_ids, len(frame), _the_one(fingerprints, path))
        return read, to_arrow(self.columns, frame)


def read_files(job: Job, paths: Sequence[str], _attempt: str) -> Gathered:
    """What a worker is called with; no attempt is like another."""
    return job(paths)


def _the_one(fingerprints: set[str], path: str) -> str:
    """The fingerprint of a file that was opened several times.

    Raises
    ------
    StoreChangedError
        There are several.
    """
    if len(fingerprints) > 1:
        raise StoreChangedError(f"{path}: the file changed while it was read", path=path)
    return "".join(fingerprints)


def without_the_file(table: pa.Table) -> pa.Table:
    """A table whose figures of the file are nothing, since another row has them."""
    for name in _FILE_FIGURES & {*table.column_names}:
        at = table.schema.get_field_index(name)
        field = table.schema.field(at)
        nothing = pa.array([0] * len(table), field.type)
        table = table.set_column(at, field, nothing)
    return table


def _what(error: NotASessionStoreError | EmptyFileError) -> str:
    return error.message.removeprefix(f"{error.path}: ")
