"""Schemas: the columns of every frame, declared as data, empty or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

TIME = "datetime64[ns, UTC]"


@dataclass(frozen=True)
class Column:
    """A column: name, dtype, meaning, and for a closed set its categories."""

    name: str
    dtype: str
    meaning: str
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class FrameSchema:
    """The columns of a frame, in order; each begins with path and session_id."""

    name: str
    about: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]

    def build(self, data: Mapping[str, Any], rows: int, path: str, session_id: str) -> pd.DataFrame:
        """Make a frame from columns of equal length; what `data` lacks of the schema is an error.

        Parameters
        ----------
        data : mapping of str to sequence
            Values by column, without path and session_id.
        rows : int
            Number of rows.
        """
        made = {}
        for column in self.columns:
            if column.name == "path":
                values: Any = _constant(path, rows)
            elif column.name == "session_id" and "session_id" not in data:
                values = _constant(session_id, rows)
            else:
                values = data[column.name]
            made[column.name] = _series(column, values)
        return pd.DataFrame(made, columns=self.names, copy=False)


def _constant(value: str, rows: int) -> Any:
    return pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(rows, np.int32)), pa.array([value], pa.large_string())
    ).cast(pa.large_string())


def _series(column: Column, values: Any) -> Any:
    dtype: Any = column.dtype
    if dtype == "category":
        names = list(column.categories)
        if isinstance(values, np.ndarray) and values.dtype.kind == "i":
            return pd.Categorical.from_codes(values, dtype=pd.CategoricalDtype(names))
        return pd.Categorical(values, categories=names)
    if dtype == TIME:
        return _times(values)
    if dtype == "str":
        array = values if isinstance(values, pa.Array) else _texts(values)
        return pd.Series(pd.array(array, dtype="str"))
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


def _times(values: Any) -> Any:
    """Times from ISO texts, or from milliseconds since 1970; what is no time is NaT."""
    if len(values) and isinstance(next((v for v in values if v is not None), None), int):
        stamps = pd.to_datetime(pd.array(values, dtype="Int64"), unit="ms", utc=True)
        return pd.Series(stamps).dt.as_unit("ns")
    texts = _texts(values)
    try:
        parsed = texts.cast(pa.timestamp("ns", "UTC"))
        return pd.Series(pd.DatetimeIndex(parsed.to_numpy(zero_copy_only=False), tz="UTC"))
    except pa.ArrowInvalid:
        stamps = pd.to_datetime(
            pd.Series(values, dtype="str"), format="ISO8601", utc=True, errors="coerce"
        )
        return stamps.dt.as_unit("ns")
