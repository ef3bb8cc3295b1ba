"""Conditions on sessions: which columns they need, and which rows meet them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lashgraph import frames
from lashgraph.errors import InvalidRecordError, UnknownColumnError
from lashgraph.format.arguments import as_list, as_text, shown
from lashgraph.tree.times import bound

Time = str | datetime | date | np.datetime64
Where = str | Callable[[pd.DataFrame], Any]
RELATIONS = ("root", "child", "handoff", "fork")


@dataclass(frozen=True)
class Condition:
    """A condition on rows of sessions().

    Attributes
    ----------
    columns : tuple of str or None
        What it looks at; None for all columns.
    test : callable
        Says for each row whether it is met.
    """

    columns: tuple[str, ...] | None
    test: Callable[[pd.DataFrame], Any]

    def met(self, sessions: pd.DataFrame) -> NDArray[np.bool_]:
        """Which rows meet it; a missing answer is no.

        Raises
        ------
        InvalidRecordError
            The test of the caller does not give a true or false for each row.
        """
        answer = self.test(sessions)
        found = list(answer) if isinstance(answer, Iterable) else []
        values = [False if value is pd.NA or value is None else value for value in found]
        plain = all(isinstance(value, (bool, np.bool_)) for value in values)
        if len(values) != len(sessions) or not plain:
            raise InvalidRecordError(
                f"the filter gives {len(values)} values for {len(sessions)} sessions, or others "
                "than True and False; it takes the frame sessions() and gives one for each row"
            )
        return np.array(values, np.bool_)


def conditions(
    where: Where | None,
    *,
    model: str | Sequence[str] | None,
    cwd: str | None,
    relation: str | None,
    min_bytes: int | None,
    max_bytes: int | None,
    since: Time | None,
    until: Time | None,
) -> list[Condition]:
    """The conditions of ``Corpus.filter``, all of which have to be met.

    Raises
    ------
    InvalidRecordError
        One of them is not of its kind.
    """
    made: list[Condition] = []
    if model is not None:
        made.append(_model(model))
    if cwd is not None:
        made.append(_below(as_text(cwd, "cwd")))
    if relation is not None:
        if relation not in RELATIONS:
            raise InvalidRecordError(f"relation {shown(relation)}; known: {', '.join(RELATIONS)}")
        made.append(Condition(("relation",), lambda found: found["relation"] == relation))
    made += _sizes(min_bytes, max_bytes)
    made += _times(since, until)
    if isinstance(where, str):
        made.append(_query(where))
    elif callable(where):
        made.append(Condition(None, where))
    elif where is not None:
        raise InvalidRecordError(f"where is a query or a function, not {shown(where)}")
    return made


def needed(made: Sequence[Condition]) -> list[str] | None:
    """The columns that conditions look at; None for all of them."""
    found: list[str] = []
    for condition in made:
        if condition.columns is None:
            return None
        found += condition.columns
    return list(dict.fromkeys(found))


def _model(model: str | Sequence[str]) -> Condition:
    named = as_list([model] if isinstance(model, str) else model, "model", "names")
    matches = re.compile("|".join(fnmatch.translate(as_text(one, "model")) for one in named)).match

    def test(found: pd.DataFrame) -> list[bool]:
        return [isinstance(one, str) and matches(one) is not None for one in found["model"]]

    return Condition(("model",), test if named else lambda found: [False] * len(found))


def _below(folder: str) -> Condition:
    whole = folder.rstrip("/\\") or folder
    inside = (whole.rstrip("/\\") + "/", whole.rstrip("/\\") + "\\")

    def test(found: pd.DataFrame) -> list[bool]:
        return [
            isinstance(one, str) and (one == whole or one.startswith(inside))
            for one in found["cwd"]
        ]

    return Condition(("cwd",), test)


def _sizes(least: int | None, most: int | None) -> list[Condition]:
    for name, value in {"min_bytes": least, "max_bytes": most}.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise InvalidRecordError(f"{name} is a number of bytes, not {shown(value)}")

    def test(found: pd.DataFrame) -> Any:
        sizes = found["file_bytes"] + found["wal_bytes"]
        return (sizes >= (least or 0)) & ((sizes <= most) if most is not None else True)

    asked = least is not None or most is not None
    return [Condition(("file_bytes", "wal_bytes"), test)] if asked else []


def _times(since: Time | None, until: Time | None) -> list[Condition]:
    first, last = bound(since, "since"), bound(until, "until")
    made = []
    if first is not None:
        start = pd.Timestamp(first, unit="ns", tz="UTC")
        made.append(Condition(("last_at",), lambda found: found["last_at"] >= start))
    if last is not None:
        end = pd.Timestamp(last, unit="ns", tz="UTC")
        made.append(Condition(("first_at",), lambda found: found["first_at"] <= end))
    return made


def _query(text: str) -> Condition:
    """A query of pandas; of sessions() only the columns that it may name are read."""
    names = frames.SCHEMAS["sessions"].names
    named = tuple(name for name in names if re.search(rf"\b{name}\b", text))

    def test(found: pd.DataFrame) -> NDArray[np.bool_]:
        try:
            chosen = found.query(text, engine="python")
        except pd.errors.UndefinedVariableError as error:
            raise UnknownColumnError(f"filter {text!r}: {error}; sessions() has: {names}") from None
        except Exception as error:
            # whatever pandas makes of it, the query is what has to be mended
            raise InvalidRecordError(f"filter {text!r}: {error}") from error
        return np.asarray(found.index.isin(chosen.index))

    return Condition(named, test)
