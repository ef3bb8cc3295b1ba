"""Times of nodes as nanoseconds since 1970, UTC, and the bounds of a span of time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from lashgraph.columns import NO_TIME
from lashgraph.errors import InvalidRecordError

_FIRST, _LAST = int(pd.Timestamp.min.value), int(pd.Timestamp.max.value)


def as_nanoseconds(texts: Sequence[str]) -> NDArray[np.int64]:
    """Timestamps of nodes; times that nanoseconds cannot hold stand at the end of the range."""
    try:
        parsed = pa.array(texts, pa.large_string()).cast(pa.timestamp("ns", "UTC"))
        return np.asarray(parsed.cast(pa.int64()), np.int64)
    except (pa.ArrowInvalid, UnicodeEncodeError):
        return np.array([_one(text) for text in texts], np.int64)


def _one(text: str) -> int:
    try:
        return _nanoseconds(pd.Timestamp(text))
    except (ValueError, OverflowError):
        return NO_TIME


def _nanoseconds(stamp: Any) -> int:
    if stamp is pd.NaT:
        return NO_TIME
    try:
        utc = stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")
        return int(utc.as_unit("ns").value)
    except (pd.errors.OutOfBoundsDatetime, OverflowError):
        return _FIRST if stamp.year < 1970 else _LAST


def bound(value: str | datetime | date | np.datetime64 | None, name: str) -> int | None:
    """A bound in nanoseconds; without an offset it is UTC; None is no bound.

    Raises
    ------
    InvalidRecordError
        It is no time.
    """
    if value is None:
        return None
    if isinstance(value, (str, date, np.datetime64)):
        try:
            found = _nanoseconds(pd.Timestamp(value))
        except (ValueError, OverflowError):
            found = NO_TIME
        if found != NO_TIME:
            return found
    raise InvalidRecordError(
        f"{name}={value!r} is no time; take a text such as '2026-01-31T12:00:00', a datetime or a "
        "pandas Timestamp"
    )
