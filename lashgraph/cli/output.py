"""What the commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDEST = 28


class Output:
    """Where a command prints; text from a store is printed as it is, never as markup."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console(soft_wrap=as_json, highlight=False)

    def say(self, text: str = "", style: str | None = None) -> None:
        """A line for people; nothing where JSON is wanted."""
        if not self.as_json:
            self.console.print(Text(visible(text), style=style or ""), soft_wrap=True)

    def heading(self, text: str) -> None:
        """A heading for people."""
        self.say()
        self.say(text, style="bold")

    def json(self, value: Any) -> None:
        """One JSON value, where JSON is wanted."""
        if self.as_json:
            print(json.dumps(value, ensure_ascii=True, indent=2, default=str))

    def frame(self, frame: pd.DataFrame, columns: Sequence[str], rows: int = 5) -> None:
        """The head of a frame as a table."""
        if self.as_json:
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in columns:
            table.add_column(name, justify="right" if _is_number(frame[name]) else "left")
        for record in frame.head(rows)[list(columns)].itertuples(index=False):
            table.add_row(*(Text(_cell(value)) for value in record))
        self.console.print(table)
        if len(frame) > rows:
            self.say(f"… {len(frame):,} rows", style="dim")

    def facts(self, facts: dict[str, str]) -> None:
        """Names and values in two columns."""
        if self.as_json:
            return
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(style="dim")
        table.add_column()
        for name, value in facts.items():
            table.add_row(name, Text(visible(value)))
        self.console.print(table)


class _Visible(dict[int, int]):
    """For `str.translate`: what a terminal would obey becomes the replacement character."""

    def __missing__(self, code: int) -> int:
        character = chr(code)
        shows = character.isprintable() or unicodedata.category(character) == "Zs"
        self[code] = code if shows or character in _HARMLESS else ord("\N{REPLACEMENT CHARACTER}")
        return self[code]


_HARMLESS = "\n\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
_VISIBLE = _Visible()


def visible(text: str) -> str:
    """A text without control characters, which could move a terminal's cursor."""
    return text if text.isprintable() else text.translate(_VISIBLE)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame's rows as JSON values; what is missing is null, times are ISO text."""
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", date_format="iso"))
    return rows


def _is_number(column: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype) and column.dtype != bool


def _cell(value: Any) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return visible(text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…")
