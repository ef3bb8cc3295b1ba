"""What the caller gives, looked at before anything is drawn."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lashgraph.errors import InvalidRecordError, UnknownColumnError
from lashgraph.format.arguments import shown

T = TypeVar("T")


def as_frame(frame: object, name: str, *columns: str) -> pd.DataFrame:
    """A frame that has these columns.

    Parameters
    ----------
    name : str
        Name of the argument.

    Raises
    ------
    InvalidRecordError
        It is no DataFrame.
    UnknownColumnError
        It lacks a column.
    """
    if not isinstance(frame, pd.DataFrame):
        raise InvalidRecordError(f"{name} is a DataFrame, not {shown(frame)}")
    missing = [column for column in columns if column not in frame]
    if missing:
        raise UnknownColumnError(
            f"{name} lacks the columns {', '.join(missing)}; it has: "
            f"{', '.join(map(str, frame.columns)) or 'none'}"
        )
    return frame


def as_kind(value: object, kind: type[T], name: str, made_by: str) -> T:
    """A value of our own.

    Raises
    ------
    InvalidRecordError
        It is another thing.
    """
    if not isinstance(value, kind):
        raise InvalidRecordError(
            f"{name} is a {kind.__name__} as {made_by} makes it, not {shown(value)}"
        )
    return value


def numbers(frame: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """A column as numbers, NaN where there is none.

    Raises
    ------
    InvalidRecordError
        The column holds other things.
    """
    try:
        return frame[column].to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InvalidRecordError(f"column {column!r} holds no numbers: {error}") from None


def texts(frame: pd.DataFrame, column: str, missing: str = "") -> list[str]:
    """A column as texts that pandas can hold: halves of surrogate pairs are spelled out."""
    values = frame[column]
    return [
        missing if lost else str(one).encode("utf-8", "backslashreplace").decode()
        for one, lost in zip(values, values.isna(), strict=True)
    ]


def days(frame: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """A column of times as days since 1970, as matplotlib counts them; NaN where there is none.

    Raises
    ------
    InvalidRecordError
        The column holds no times.
    """
    values = frame[column]
    if not len(values) or values.isna().all():
        return np.full(len(values), np.nan)
    try:
        stamps = pd.to_datetime(values, utc=True).to_numpy("datetime64[ns]")
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidRecordError(f"column {column!r} holds no times: {error}") from None
    found = stamps.view(np.int64) / 86_400e9
    found[np.isnat(stamps)] = np.nan
    return found
