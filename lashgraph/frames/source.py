"""What a frame is made of, and what its builder gives."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import pandas as pd

from lashgraph.columns import FrameSchema

T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """A snapshot of a store.

    Attributes
    ----------
    connection : sqlite3.Connection
        With an open read transaction.
    path, session_id : str
        What the rows' first two columns say.
    progress : bool
        Whether a bar shows how far the reading is.
    """

    connection: sqlite3.Connection
    path: str
    session_id: str
    progress: bool = False

    def shown(self, items: Sequence[T], unit: str) -> Iterable[T]:
        """The items, with a bar if one is wanted."""
        if not self.progress:
            return items
        from tqdm.auto import tqdm

        bar: Iterable[T] = tqdm(items, unit=unit)
        return bar


class RowDamage(NamedTuple):
    """A row that could not be read: where it stands, and why."""

    table: str
    key: str
    reason: str


class Table(NamedTuple):
    """Columns of equal length, or functions that make them, and what could not be read."""

    columns: Mapping[str, Any]
    rows: int
    damages: list[RowDamage]


Builder = Callable[[Source, frozenset[str]], Table]
"""Makes a table; the set says which columns are wanted, others may be left out."""


class Made(NamedTuple):
    """A frame, and what could not be read for it."""

    frame: pd.DataFrame
    damages: list[RowDamage]


def make(
    schema: FrameSchema, build: Builder, source: Source, columns: Iterable[str] | None = None
) -> Made:
    """Make a frame of a snapshot.

    Parameters
    ----------
    columns : iterable of str, optional
        The columns wanted, in this order; all of them if not given.

    Raises
    ------
    UnknownColumnError
        There is no such column.
    """
    chosen = schema.chosen(columns)
    table = build(source, frozenset(column.name for column in chosen))
    frame = schema.build(table.columns, table.rows, source.path, source.session_id, chosen)
    return Made(frame, table.damages)
