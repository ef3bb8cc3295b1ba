"""One store written anew, row by row, with what its columns do not keep replaced."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lashgraph.format import CURRENT
from lashgraph.format.blob import unwrap
from lashgraph.format.lines import decode_rows
from lashgraph.redact.contents import redacted_stored
from lashgraph.redact.json_text import NoJsonError, keeps_text, loose, with_tail
from lashgraph.redact.replacer import Replacer
from lashgraph.redact.shapes import Shape
from lashgraph.redact.tables import TABLES, Content, Document, Table
from lashgraph.sqlite import place, schema
from lashgraph.sqlite.connect import connect, raw_text

_DAMAGED = "surrogateescape"


@dataclass
class Written:
    """What was written of a store.

    Attributes
    ----------
    rows : Counter of str
        Rows by table.
    unreadable_nodes, unreadable_blobs : int
        Those that could not be read: filler that cannot be read either stands for them.
    resized : int
        Cells that take more or fewer bytes than before.
    """

    rows: Counter[str] = field(default_factory=Counter)
    unreadable_nodes: int = 0
    unreadable_blobs: int = 0
    resized: int = 0


def write_redacted(source: sqlite3.Connection, target: Path, replace: Replacer) -> Written:
    """Write a new store with the replacements of a run in the place of what another says.

    Parameters
    ----------
    source : Connection
        A snapshot of the other; tables and columns that lash does not have are left out.
    target : Path
        The new file.
    """
    told = Written()
    uri = place.uri(str(target), mode="rwc")
    with closing(connect(uri, busy_timeout=0)) as made:
        for setting in ("page_size = 4096", "synchronous = OFF", "journal_mode = MEMORY"):
            made.execute(f"PRAGMA {setting}").fetchone()
        schema.create(made, str(target), CURRENT)
        made.execute("BEGIN IMMEDIATE")
        with raw_text(source):
            for table in TABLES:
                for names, marks, values in _rows(source, table, replace, told):
                    made.execute(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", values)
                    told.rows[table.name] += 1
        made.execute("COMMIT")
        for setting in ("synchronous = FULL", "journal_mode = WAL"):
            made.execute(f"PRAGMA {setting}").fetchone()
    return told


def _rows(
    source: sqlite3.Connection, table: Table, replace: Replacer, told: Written
) -> Iterator[tuple[str, str, list[Any]]]:
    """The new rows of a table: names of the columns, places of the values, values."""
    columns = [*table.columns]
    number = [] if table.counts_rows else ["rowid"]
    chosen = ", ".join([*number, *(f"{name}, typeof({name})" for name in columns)])
    names = ", ".join([*number, *columns])
    for row in source.execute(f"SELECT {chosen} FROM {table.name} ORDER BY rowid"):
        cells = row[len(number) :]
        values: list[Any] = list(row[: len(number)])
        marks = ["?"] * len(number)
        for name, cell, kind in zip(columns, cells[::2], cells[1::2], strict=True):
            value = _value(table.columns[name], cell, replace)
            if isinstance(value, bytes) and len(value) != len(cell):
                told.resized += 1
            marks.append("CAST(? AS TEXT)" if kind == b"text" else "?")
            values.append(value)
            _count_unreadable(table.columns[name], table.name, cell, told)
        yield names, ", ".join(marks), values


def _value(column: Shape | Document | Content, cell: Any, replace: Replacer) -> Any:
    """What stands for a cell, in the cell's storage class."""
    if isinstance(cell, bytes):
        if isinstance(column, Content):
            return redacted_stored(cell, replace)
        text = cell.decode("utf-8", _DAMAGED)
        made = _document(text, column.shape, replace) if isinstance(column, Document) else None
        if made is None:
            kept = isinstance(column, Shape) and keeps_text(text, column)
            made = text if kept else replace.text(text)
        return made.encode("utf-8", _DAMAGED)
    if cell is None or (isinstance(column, Shape) and column.numbers):
        return cell
    if isinstance(cell, int):
        return int(replace.integer(str(cell)))
    return float(replace.real(repr(cell)))


def _document(text: str, shape: Shape, replace: Replacer) -> str:
    """What stands for a column of JSON: where it is none, filler that is none either."""
    try:
        return with_tail(text, shape, replace)
    except NoJsonError:
        return loose(text, replace)


def _count_unreadable(
    column: Shape | Document | Content, table: str, cell: Any, told: Written
) -> None:
    if not isinstance(cell, bytes):
        return
    if isinstance(column, Content):
        told.unreadable_blobs += bool(unwrap(cell).damage)
    elif isinstance(column, Document) and table == "graph_nodes":
        told.unreadable_nodes += bool(decode_rows([cell])[1])
