"""Frames as tables of a page: numbers to the right, long ones cut where it is said."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pandas as pd

from lashgraph.format.html import Markup, element
from lashgraph.format.sizes import counted
from lashgraph.plot.scales import seconds_short

ROWS = 20
"""Rows of a table that are shown one by one."""

_MOST_LETTERS = 240
NOTHING = "—"
"""What stands where a value is missing."""


class Col(NamedTuple):
    """A column of a table.

    Attributes
    ----------
    name : str
        Of the frame's column.
    head : str
        What stands above it, with the unit.
    shown : callable
        Makes a cell's content of a value that is there.
    is_number : bool
        Whether it stands to the right.
    adds_up : bool
        Whether the sum over rows means something.
    """

    name: str
    head: str
    shown: Callable[[Any], object]
    is_number: bool = False
    adds_up: bool = False


def words(name: str, head: str) -> Col:
    """A column of texts from a store."""
    return Col(name, head, text)


def names(name: str, head: str) -> Col:
    """A column of ids, hashes and paths."""
    return Col(name, head, lambda value: element("code", text(value)))


def paths(head: str, folder: str) -> Col:
    """The column path, as seen from a folder."""
    return Col("path", head, lambda path: element("code", text(os.path.relpath(path, folder))))


def sums(name: str, head: str) -> Col:
    """A column of counts, of which the table shows the sum."""
    return Col(name, head, number, is_number=True, adds_up=True)


def counts(name: str, head: str) -> Col:
    """A column of counts whose sum means nothing."""
    return Col(name, head, number, is_number=True)


def token_sums() -> list[Col]:
    """The columns of token counts, of which the table shows the sums."""
    return [sums(name, f"{head} (tokens)") for name, head in _TOKENS.items()]


_TOKENS = {
    "input_tokens": "input",
    "cache_read_tokens": "of it from a cache",
    "cache_write_tokens": "of it to a cache",
    "output_tokens": "output",
    "reasoning_tokens": "reasoning",
}


def seconds(name: str, head: str) -> Col:
    """A column of spans of time, each with its unit."""
    return Col(name, head, seconds_short, is_number=True)


def times(name: str, head: str) -> Col:
    """A column of points in time, UTC."""
    return Col(name, f"{head} (UTC)", moment)


def text(value: object) -> Markup:
    """A text from a store within a line: its direction ends with it, and a long one is cut."""
    told = " ".join(str(value)[: 4 * _MOST_LETTERS].split())
    cut = f"{told[:_MOST_LETTERS]}…" if len(told) > _MOST_LETTERS else told
    return element("bdi", cut)


def number(value: Any) -> str:
    """A whole number."""
    return f"{int(value):,}"


def moment(value: pd.Timestamp) -> Markup:
    """A point in time, to the second, UTC."""
    return element("time", f"{value:%Y-%m-%d %H:%M:%S}", datetime=f"{value:%Y-%m-%dT%H:%M:%SZ}")


def table(
    caption: Markup, frame: pd.DataFrame, columns: Sequence[Col], *, unit: str, most: int = ROWS
) -> Markup:
    """A frame's first rows as a table; the others as one row, and below all their sum.

    Parameters
    ----------
    unit : str
        What a row is, in the singular.
    most : int
        Rows that are shown one by one.
    """
    shown = frame if len(frame) <= most + 1 else frame.head(most)
    head = element("tr", *(_cell("th", col, col.head, scope="col") for col in columns))
    body = [
        element("tr", *(_cell("td", col, _shown(col, row[col.name])) for col in columns))
        for row in shown[[col.name for col in columns]].to_dict("records")
    ]
    rest = frame.iloc[len(shown) :]
    if len(rest):
        body.append(_sum_row(f"{counted(len(rest), f'more {unit}')}", rest, columns))
    parts = [element("caption", caption), element("thead", head), element("tbody", *body)]
    if len(frame) > 1 and any(col.adds_up for col in columns):
        parts.append(element("tfoot", _sum_row("all", frame, columns)))
    return element("table", *parts)


def _sum_row(name: str, frame: pd.DataFrame, columns: Sequence[Col]) -> Markup:
    """What rows come to where they add up; the name stands in the first column."""
    others = columns[1:]
    cells = [
        _cell("td", col, _shown(col, frame[col.name].sum(min_count=1)) if col.adds_up else "")
        for col in others
    ]
    return element("tr", element("th", name, scope="row"), *cells, class_="sum")


def _shown(col: Col, value: Any) -> object:
    return NOTHING if pd.isna(value) else col.shown(value)


def _cell(tag: str, col: Col, content: object, **attributes: object) -> Markup:
    if col.is_number:
        attributes["class_"] = "number"
    return element(tag, content, **attributes)
