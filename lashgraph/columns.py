"""Columns of frames, declared as data, and the frames made of them: the same when empty."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from lashgraph.errors import UnknownColumnError

TIME = "datetime64[ns, UTC]"
NO_TIME = int(np.iinfo(np.int64).min)
"""What stands for a text that is no time; pandas calls it NaT."""

_TEXT = pd.StringDtype(na_value=np.nan)
"""What pandas means by "str"; to name it by its name costs a search each time."""

_MOST_MS = 9_223_372_036_854
_INTEGERS = {"Int64": (-(1 << 63), (1 << 63) - 1), "UInt64": (0, (1 << 64) - 1)}
"""What whole numbers that may be missing can hold; others are missing."""


@dataclass(frozen=True)
class Column:
    """A column: name, dtype, meaning, and for a closed set its categories."""

    name: str
    dtype: str
    meaning: str
    categories: tuple[str, ...] = ()


def text(name: str, meaning: str) -> Column:
    """A text, missing where there is none."""
    return Column(name, "str", meaning)


def count(name: str, meaning: str) -> Column:
    """A whole number that every row has."""
    return Column(name, "int64", meaning)


def maybe(name: str, meaning: str) -> Column:
    """A whole number that may be missing."""
    return Column(name, "Int64", meaning)


def maybe_large(name: str, meaning: str) -> Column:
    """A whole number of 64 bits without a sign that may be missing."""
    return Column(name, "UInt64", meaning)


def number(name: str, meaning: str) -> Column:
    """A number, NaN where there is none."""
    return Column(name, "float64", meaning)


def flag(name: str, meaning: str) -> Column:
    """True or false."""
    return Column(name, "bool", meaning)


def maybe_flag(name: str, meaning: str) -> Column:
    """True, false, or missing where it was not looked at."""
    return Column(name, "boolean", meaning)


def time(name: str, meaning: str) -> Column:
    """A time in UTC, NaT where there is none."""
    return Column(name, TIME, meaning)


def closed(name: str, meaning: str, *categories: str) -> Column:
    """One of a closed set, missing where none fits."""
    return Column(name, "category", meaning, categories)


@dataclass(frozen=True)
class FrameSchema:
    """The columns of a frame, in order; each frame begins with path and session_id."""

    name: str
    about: str
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, name: str, about: str, *columns: Column) -> Self:
        """A schema of these columns behind the two that all frames have."""
        first = (text("path", "the file"), text("session_id", "the session the row belongs to"))
        return cls(name, about, (*first, *columns))

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]

    def described(self) -> pd.DataFrame:
        """The columns as a frame: column, dtype, meaning."""
        return pd.DataFrame(
            {
                "column": pd.array(self.names, dtype="str"),
                "dtype": pd.array([column.dtype for column in self.columns], dtype="str"),
                "meaning": pd.array([column.meaning for column in self.columns], dtype="str"),
            }
        )

    def categories(self, name: str) -> tuple[str, ...]:
        """The closed set of a column."""
        return next(column.categories for column in self.columns if column.name == name)

    def chosen(self, names: Iterable[str] | None) -> tuple[Column, ...]:
        """The columns of these names, in their order; all of them if none are given.

        Raises
        ------
        UnknownColumnError
            There is no such column.
        """
        if names is None:
            return self.columns
        if isinstance(names, (str, bytes)) or not isinstance(names, Iterable):
            kind = "text" if isinstance(names, str) else type(names).__name__
            raise UnknownColumnError(f"columns is a list of names, not the {kind} {names!r}")
        known = {column.name: column for column in self.columns}
        wanted = list(
            dict.fromkeys(name if isinstance(name, str) else repr(name) for name in names)
        )
        for name in wanted:
            if name not in known:
                close = difflib.get_close_matches(name, known, 1)
                meant = f"; did you mean {close[0]!r}?" if close else ""
                raise UnknownColumnError(
                    f"no column {name!r} in {self.name}(){meant} It has: {', '.join(known)}"
                )
        return tuple(known[name] for name in wanted)

    def build(
        self,
        data: Mapping[str, Any],
        rows: int,
        path: str,
        session_id: str,
        columns: Sequence[Column] | None = None,
    ) -> pd.DataFrame:
        """Make a frame from columns of equal length; what `data` lacks of the schema is an error.

        Parameters
        ----------
        data : mapping of str to sequence or callable
            Values by column, or a function that makes them, called only for a chosen column. Path
            and session_id are filled in where they are not among them.
        rows : int
            Number of rows.
        columns : sequence of Column, optional
            As `chosen` gives them; all of them if not given.
        """
        made = {}
        constants = {"path": path, "session_id": session_id}
        for column in self.columns if columns is None else columns:
            if column.name in constants and column.name not in data:
                values: Any = _constant(constants[column.name], rows)
            else:
                values = data[column.name]
            made[column.name] = series(column, values() if callable(values) else values)
        frame = pd.DataFrame(made, index=pd.RangeIndex(rows), copy=False)
        if not made:
            frame.columns = pd.Index([], dtype="str")
        return frame


def _constant(value: str, rows: int) -> Any:
    return _texts([value]).take(pa.array(np.zeros(rows, np.int32)))


def series(column: Column, values: Any) -> Any:
    """Values as pandas holds a column of its dtype."""
    dtype: Any = column.dtype
    if dtype == "category":
        names = list(column.categories)
        if isinstance(values, np.ndarray) and values.dtype.kind == "i":
            return pd.Categorical.from_codes(values, dtype=pd.CategoricalDtype(names))
        return pd.Categorical(values, categories=names)
    if dtype == TIME:
        return times(values).array
    if dtype == "str":
        array = values if isinstance(values, (pa.Array, pa.ChunkedArray)) else _texts(values)
        return pd.array(array, dtype=_TEXT)
    if dtype in _INTEGERS and isinstance(values, (list, tuple)):
        low, high = _INTEGERS[dtype]
        values = [v if v is None or low <= v <= high else None for v in values]
    return pd.array(values, dtype=dtype)


def _texts(values: Sequence[Any]) -> Any:
    try:
        return pa.array(values, pa.large_string(), from_pandas=True)
    except (UnicodeEncodeError, pa.ArrowInvalid):
        clean = [
            None if value is None else str(value).encode("utf-8", "replace").decode()
            for value in values
        ]
        return pa.array(clean, pa.large_string())


def times(values: Sequence[Any]) -> pd.DatetimeIndex:
    """Times from ISO texts, or from milliseconds since 1970; what is no time is NaT."""
    if isinstance(next((value for value in values if value is not None), None), int):
        stamps = np.array([_of_milliseconds(value) for value in values], np.int64)
    else:
        stamps = nanoseconds(values)
    return pd.DatetimeIndex(stamps.view("datetime64[ns]"), tz="UTC")


def _of_milliseconds(value: Any) -> int:
    within = type(value) is int and -_MOST_MS <= value <= _MOST_MS
    return value * 1_000_000 if within else NO_TIME


def nanoseconds(texts: Sequence[str | None]) -> NDArray[np.int64]:
    """ISO texts as nanoseconds since 1970, UTC; `NO_TIME` for no time and for one out of range.

    Halves are looked at by themselves until the texts that are not as the runtime writes them
    stand alone.
    """
    array = _texts(texts)
    stamps = np.full(len(texts), NO_TIME, np.int64)
    waiting = [(0, len(texts))]
    while waiting:
        start, end = waiting.pop()
        try:
            parsed = array.slice(start, end - start).cast(pa.timestamp("ns", "UTC"))
            stamps[start:end] = parsed.cast(pa.int64()).fill_null(NO_TIME).to_numpy()
        except pa.ArrowInvalid:
            if end - start > 1:
                middle = (start + end) // 2
                waiting += [(start, middle), (middle, end)]
            else:
                stamps[start] = _odd_stamp(array[start].as_py())
    return stamps


def _odd_stamp(text: str) -> int:
    if not text[:1].isdigit():
        return NO_TIME  # pandas takes "now" and "today" for times
    try:
        stamp = pd.to_datetime(text, format="ISO8601", utc=True)
        return int(stamp.as_unit("ns").value)
    except (ValueError, OverflowError):
        return NO_TIME
