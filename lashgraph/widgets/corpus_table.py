"""The sessions of a corpus as a table: what cells show, which rows there are, in which order."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lashgraph.corpus.families import NEEDED as FAMILY_COLUMNS
from lashgraph.corpus.schemas import ERRORS
from lashgraph.errors import InvalidRecordError, UnknownColumnError
from lashgraph.format.arguments import shown
from lashgraph.format.html import visible
from lashgraph.format.sizes import bytes_text
from lashgraph.frames import SCHEMAS

Kind = Literal["text", "count", "bytes", "time"]
_CUT = 120


@dataclass(frozen=True)
class Column:
    """A column of the table: of which column of sessions(), and how it is shown."""

    name: str
    title: str
    kind: Kind
    meaning: str


COLUMNS = (
    Column("session_id", "session", "text", "the session; of a file that failed its name"),
    Column("model", "model", "text", "model in use"),
    Column("relation", "relation", "text", "root or child of another session"),
    Column("n_nodes", "nodes", "count", "nodes of the session graph"),
    Column("n_turns", "turns", "count", "recorded turns"),
    Column("n_tool_calls", "calls", "count", "tool calls"),
    Column("file_bytes", "file", "bytes", "size of the database file"),
    Column("blob_bytes", "blobs", "bytes", "stored bytes of all blobs"),
    Column("reclaimable_bytes", "garbage", "bytes", "stored bytes that a collection would free"),
    Column("last_at", "last", "time", "the latest time of a living node, UTC"),
    Column("n_problems", "problems", "count", "rows of problems()"),
)
NAMED = {column.name: column for column in COLUMNS}
NEEDED = tuple(dict.fromkeys(("path", "name", "cwd", "parent_session_id", *NAMED, *FAMILY_COLUMNS)))
"""Columns of sessions() that the table and the picture take."""

_UNITS = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
_NUMBER = r"(\d[\d,]*(?:\.\d+)?)\s*([kmg]?)b?"
_BOUND = re.compile(rf"(>=|<=|>|<|=|)\s*{_NUMBER}", re.IGNORECASE)
_SPAN = re.compile(rf"{_NUMBER}\s*\.\.\s*{_NUMBER}", re.IGNORECASE)
_TESTS: dict[str, Callable[[Any, float], Any]] = {
    ">=": np.greater_equal,
    "<=": np.less_equal,
    ">": np.greater,
    "<": np.less,
    "=": np.equal,
    "": np.equal,
}


class Table:
    """Sessions, and files that could not be read.

    Parameters
    ----------
    sessions : DataFrame
        The columns `NEEDED` of ``corpus.sessions()``.
    errors : DataFrame
        ``corpus.errors()``.
    """

    def __init__(self, sessions: pd.DataFrame, errors: pd.DataFrame) -> None:
        told: dict[str, list[str]] = {}
        for path, stage, kind, message in errors[["path", "stage", "error", "message"]].values:
            told.setdefault(str(path), []).append(f"{stage}: {kind}: {message}")
        read = [str(path) for path in sessions["path"]]
        self.sessions = sessions
        self.n_read = len(read)
        self.paths = [*read, *sorted(set(told) - set(read))]
        self.errors = ["\n".join(told.get(path, ())) for path in self.paths]
        self._place = {path: at for at, path in enumerate(self.paths)}

    def __len__(self) -> int:
        return len(self.paths)

    def at(self, path: object) -> int:
        """The row of a file.

        Raises
        ------
        InvalidRecordError
            It is none of the table.
        """
        found = self._place.get(path) if isinstance(path, str) else None
        if found is None:
            raise InvalidRecordError(
                f"{shown(path)}: no file of this corpus; its sessions() lists them"
            )
        return found

    def is_read(self, at: int) -> bool:
        """Whether a row is a session, and not a file that could not be read."""
        return at < self.n_read

    def row(self, at: int) -> dict[str, Any]:
        """A row as the browser gets it."""
        return {
            "id": self.paths[at],
            "cells": [self._cells[column.name][at] for column in COLUMNS],
            "error": visible(self.errors[at]),
            "read": self.is_read(at),
        }

    def facts(self, at: int) -> list[list[str]]:
        """What is told of a selected file beside its row."""
        facts = [["file", self.paths[at]]]
        if self.is_read(at):
            for name, title in (("name", "name"), ("parent_session_id", "parent"), ("cwd", "in")):
                value = self.sessions[name].iloc[at]
                if not pd.isna(value):
                    facts.append([title, str(value)])
        return [[name, visible(value)] for name, value in facts]

    @classmethod
    def empty(cls) -> Self:
        """A table without rows."""
        made = [
            schema.build(dict.fromkeys(schema.names, ()), 0, "", "")
            for schema in (SCHEMAS["sessions"], ERRORS)
        ]
        return cls(*made)

    @cached_property
    def _cells(self) -> dict[str, list[str]]:
        """The texts of all cells; of a file that failed the first says its name."""
        cells = {}
        rest = len(self) - self.n_read
        for column in COLUMNS:
            values = self.sessions[column.name]
            missing = values.isna().tolist()
            write = _WRITERS[column.kind]
            cells[column.name] = [
                "" if lost else write(value)
                for value, lost in zip(values.tolist(), missing, strict=True)
            ] + [""] * rest
        cells["session_id"] = [
            text or visible(os.path.basename(path))
            for text, path in zip(cells["session_id"], self.paths, strict=True)
        ]
        return cells

    @cached_property
    def _texts(self) -> list[str]:
        """What a query looks at in each row."""
        names = [self._padded(self.sessions[name]) for name in ("name", "cwd", "parent_session_id")]
        cells = [self._cells[column.name] for column in COLUMNS if column.kind == "text"]
        rows = zip(self.paths, self.errors, *names, *cells, strict=True)
        return ["\n".join(row).casefold() for row in rows]

    def _padded(self, values: pd.Series[Any]) -> list[str]:
        return [*values.fillna("").astype(str), *[""] * (len(self) - self.n_read)]

    def _numbers(self, column: Column) -> NDArray[np.float64]:
        values = self.sessions[column.name]
        if column.kind == "time":
            found = values.to_numpy("datetime64[ns]").astype(np.float64)
            found[values.isna().to_numpy()] = np.nan
        else:
            found = values.to_numpy(np.float64, na_value=np.nan)
        return np.append(found, np.full(len(self) - self.n_read, np.nan))

    # Which rows, in which order

    def order(
        self, query: str, filters: Mapping[str, str], sort: str, *, descending: bool
    ) -> list[int]:
        """The rows that pass, sorted; what is missing comes last, equal rows by their paths.

        Raises
        ------
        UnknownColumnError
            There is no such column.
        InvalidRecordError
            A filter cannot be read.
        """
        passed = np.ones(len(self), np.bool_)
        folded = query.strip().casefold()
        if folded:
            passed &= np.array([folded in text for text in self._texts], np.bool_)
        for name, text in filters.items():
            if text.strip():
                passed &= self._passes(column_named(name), text.strip())
        rows: list[int] = self._sorted(column_named(sort), descending=descending).tolist()
        keep = passed.tolist()
        return [at for at in rows if keep[at]]

    def _passes(self, column: Column, text: str) -> NDArray[np.bool_]:
        if column.kind in ("text", "time"):
            folded = text.casefold()
            return np.array([folded in cell.casefold() for cell in self._cells[column.name]])
        low, high, test = _condition(column, text)
        numbers = self._numbers(column)
        if test is not None:
            return np.asarray(_TESTS[test](numbers, low), np.bool_)
        return (numbers >= low) & (numbers <= high)

    def _sorted(self, column: Column, *, descending: bool) -> NDArray[np.int64]:
        by_path = np.argsort(np.array(self.paths, object), kind="stable")
        if column.kind == "text":
            cells = [cell.casefold() for cell in self._cells[column.name]]
            ranks = {text: rank for rank, text in enumerate(sorted(set(cells)), 1)}
            keys = np.array([ranks[cell] if cell else np.nan for cell in cells], np.float64)
        else:
            keys = self._numbers(column)
        keys = (-keys if descending else keys)[by_path]
        return by_path[np.argsort(keys, kind="stable")]


def column_named(name: str) -> Column:
    """A column by its name.

    Raises
    ------
    UnknownColumnError
        There is none.
    """
    if name not in NAMED:
        raise UnknownColumnError(f"no column {shown(name)} here; known: {', '.join(NAMED)}")
    return NAMED[name]


def _condition(column: Column, text: str) -> tuple[float, float, str | None]:
    """Bounds, and the comparison with the first where there is but one."""
    span = _SPAN.fullmatch(text)
    if span is not None:
        return _number(span[1], span[2]), _number(span[3], span[4]), None
    bound = _BOUND.fullmatch(text)
    if bound is None:
        raise InvalidRecordError(
            f"filter {shown(text)} of {column.title}: write 3, >= 3, < 2 MB or 1..5"
        )
    number = _number(bound[2], bound[3])
    return number, number, bound[1]


def _number(digits: str, unit: str) -> float:
    return float(digits.replace(",", "")) * _UNITS[unit.lower()]


def _write_text(value: object) -> str:
    text = visible(" ".join(str(value).split()))
    return text if len(text) <= _CUT else text[: _CUT - 1] + "…"


_WRITERS: dict[Kind, Callable[[Any], str]] = {
    "text": _write_text,
    "count": lambda value: f"{int(value):,}",
    "bytes": lambda value: bytes_text(int(value)),
    "time": lambda value: f"{value:%Y-%m-%d %H:%M}",
}


def bars(values: Sequence[float], width: int = 12) -> list[str]:
    """Numbers as bars of letters, the largest as wide as that.

    Examples
    --------
    >>> bars([4, 2, 0], 4)
    ['████', '██', '']
    """
    most = max([*values, 1])
    return ["█" * round(width * value / most) for value in values]
