"""What a worker does for an export: read a session once, and write a part for each frame."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from lashgraph.columns import FrameSchema, count, flag, text
from lashgraph.corpus.notes import Failure
from lashgraph.corpus.parquet_format import OF_FILES, write_part
from lashgraph.corpus.parquet_place import digest
from lashgraph.corpus.reader import Reader
from lashgraph.errors import StoreChangedError, UnwritablePathError
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
        session_id = self.session_id if self.partly else None
        stage = OF_FILES[self.frame].name
        return Failure(self.path, stage, self.error, self.message or "", self.partly, session_id)


@dataclass(frozen=True)
class Write:
    """Writes the parts of one session; picklable.

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
        """Write them, all of one snapshot; what a frame fails at is a row."""
        return written_frame(self._written(reader, name) for name in self.frames)

    def _written(self, reader: Reader, name: str) -> Written:
        ask: Callable[[Store], pd.DataFrame] = getattr(Store, name)
        stage = OF_FILES[name].name
        failed = Written(reader.path, reader.session_id, name, False, 0, None, None, None, False)
        reader.damages = []
        try:
            frame = ask(reader)
            damage = reader.damage(stage)
            file = f"part-{digest(reader.path, reader.fingerprint, self.made_with)}.parquet"
            if len(frame):
                write_part(os.path.join(self.folder, name, file), name, frame)
        except (StoreChangedError, UnwritablePathError):
            raise
        except Exception as error:
            # whatever a broken file brings about ends with this frame, never with the run
            failure = Failure.of(reader.path, stage, error)
            return failed._replace(error=failure.error, message=failure.message)
        made = failed._replace(exported=True, rows=len(frame), file=file if len(frame) else None)
        if damage is None:
            return made
        return made._replace(error=damage.error, message=damage.message, partly=True)


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
