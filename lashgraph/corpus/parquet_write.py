"""What a worker does for an export: read a file once, and write a part for each frame."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from lashgraph.columns import FrameSchema, count, flag, text
from lashgraph.corpus.notes import Failure
from lashgraph.corpus.parquet_format import OF_FILES, write_table
from lashgraph.corpus.parquet_place import digest
from lashgraph.corpus.reader import Reader
from lashgraph.corpus.tasks import OF_THE_FILE, without_the_file
from lashgraph.corpus.transport import arrow_schema, to_arrow
from lashgraph.errors import StoreChangedError
from lashgraph.store import Store

STAGE = "to_parquet"
"""Stage of a file that failed as a whole while it was exported."""

WRITTEN = FrameSchema.of(
    STAGE,
    "one row for each frame of each session file",
    text("frame", "the frame"),
    flag("exported", "whether its rows are there"),
    count("rows", "how many there are"),
    text("file", "the part that has them; none where there are no rows"),
    text("error", "type of what went wrong"),
    text("message", "what went wrong"),
    flag("partly", "whether the rest was read"),
)


class Written(NamedTuple):
    """A row of `WRITTEN`."""

    path: str
    session_id: str | None
    frame: str
    exported: bool
    rows: int
    file: str | None
    error: str | None
    message: str | None
    partly: bool

    @property
    def failure(self) -> Failure | None:
        """What errors() says of it."""
        if self.error is None:
            return None
        stage, message = OF_FILES[self.frame].name, self.message or ""
        return Failure(self.path, stage, self.error, message, self.partly, self.session_id)


class _Gathered:
    """The rows of one frame, session by session; if a session fails, the file does."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tables: list[pa.Table] = []
        self.failure: Failure | None = None

    @property
    def is_whole(self) -> bool:
        """Whether no session failed."""
        return self.failure is None or self.failure.partly

    def add(self, reader: Reader) -> None:
        """Ask a session; what belongs to the file is told by its first alone."""
        if not self.is_whole or (self.tables and self.name in OF_THE_FILE):
            return
        ask: Callable[[Store], pd.DataFrame] = getattr(Store, self.name)
        stage = OF_FILES[self.name].name
        reader.damages = []
        try:
            table = to_arrow(OF_FILES[self.name].columns, ask(reader))
            damage = reader.damage(stage)
        except StoreChangedError:
            raise
        except Exception as error:
            # whatever a broken file brings about ends with this frame, never with the run
            self.failure = Failure.of(reader.path, stage, error)
            return
        self.tables.append(without_the_file(table) if self.tables else table)
        self.failure = self.failure or damage

    def table(self) -> pa.Table:
        """All rows."""
        return pa.concat_tables(
            [arrow_schema(OF_FILES[self.name].columns).empty_table(), *self.tables]
        )


@dataclass(frozen=True)
class Write:
    """Writes the parts of one file; picklable.

    Attributes
    ----------
    folder : str
        The export.
    frames : tuple of str
        Which frames.
    made_with : str
        Digest of all that rows depend on besides the file.
    """

    folder: str
    frames: tuple[str, ...]
    made_with: str

    def __call__(self, reader: Reader) -> pd.DataFrame:
        """Write those of a file that holds one session, each before the next is asked for."""
        gathered = (self._asked(name, reader) for name in self.frames)
        return self._write(gathered, reader.path, reader.fingerprint)

    def of_file(self, readers: Iterable[Reader]) -> pd.DataFrame:
        """Write them, each session's rows of one snapshot; what a frame fails at is a row."""
        gathered = [_Gathered(name) for name in self.frames]
        path = fingerprint = ""
        for reader in readers:
            path, fingerprint = reader.path, reader.fingerprint
            for one in gathered:
                one.add(reader)
        return self._write(gathered, path, fingerprint)

    def _asked(self, name: str, reader: Reader) -> _Gathered:
        gathered = _Gathered(name)
        gathered.add(reader)
        return gathered

    def _write(self, gathered: Iterable[_Gathered], path: str, fingerprint: str) -> pd.DataFrame:
        file = f"part-{digest(path, fingerprint, self.made_with)}.parquet"
        return written_frame(self._written(one, path, file) for one in gathered)

    def _written(self, gathered: _Gathered, path: str, file: str) -> Written:
        name, failure = gathered.name, gathered.failure
        made = Written(path, None, name, False, 0, None, None, None, False)
        if gathered.is_whole:
            table = gathered.table()
            if len(table):
                write_table(os.path.join(self.folder, name, file), name, table)
            rows = len(table)
            made = made._replace(exported=True, rows=rows, file=file if rows else None)
        if failure is None:
            return made
        return made._replace(
            session_id=failure.session_id,
            error=failure.error,
            message=failure.message,
            partly=failure.partly,
        )


def written_frame(rows: Iterable[Written]) -> pd.DataFrame:
    """Rows as they travel."""
    found = list(rows)
    columns = zip(*found, strict=True) if found else ([] for _ in WRITTEN.columns)
    data: dict[str, Sequence[Any]] = dict(zip(WRITTEN.names, map(list, columns), strict=True))
    return WRITTEN.build(data, len(found), "", "")


def written_rows(frame: pd.DataFrame) -> list[Written]:
    """Rows that travelled."""
    plain = frame.astype(object)
    plain = plain.where(plain.notna(), None)
    return [Written(*record) for record in plain.itertuples(index=False, name=None)]
