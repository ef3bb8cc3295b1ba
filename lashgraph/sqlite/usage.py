"""The table of token usage."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, NamedTuple

from lashgraph.errors import DamagedDataError
from lashgraph.format.arguments import shown
from lashgraph.format.usage import UsageDelta
from lashgraph.sqlite.connect import dialect_of

_NAMES = ("source", "model")


def append(connection: sqlite3.Connection, deltas: Iterable[UsageDelta]) -> None:
    """Insert usage entries at the end."""
    connection.executemany(
        "INSERT INTO usage_deltas (source, model, input_tokens, output_tokens, "
        "cached_input_tokens, reasoning_tokens) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                delta.source,
                delta.model,
                delta.usage.input_tokens,
                delta.usage.output_tokens,
                delta.usage.cached_input_tokens,
                delta.usage.reasoning_tokens,
            )
            for delta in deltas
        ],
    )


class UsageRows(NamedTuple):
    """Usage entries with their numbers, and of rows that are none the number and why."""

    entries: list[tuple[int, UsageDelta]]
    odd: list[tuple[str, str]]


def read_rows(connection: sqlite3.Connection) -> UsageRows:
    """All usage entries, in the order they were recorded."""
    found = UsageRows([], [])
    records = dialect_of(connection).records
    columns = (*_NAMES, *records.usage.__struct_fields__)
    rows = connection.execute(f"SELECT seq, {', '.join(columns)} FROM usage_deltas ORDER BY seq")
    for seq, *row in rows:
        cells = dict(zip(columns, row, strict=True))
        wrong = _wrong(cells) if isinstance(seq, int) else "the row has no number"
        if wrong:
            found.odd.append((str(seq), wrong))
        else:
            source, model = cells.pop("source"), cells.pop("model")
            usage = records.usage(**cells)
            found.entries.append((seq, records.delta(source=source, model=model, usage=usage)))
    return found


def _wrong(cells: dict[str, Any]) -> str:
    """What is no count of tokens, or no name; empty if the row is an entry."""
    for name, cell in cells.items():
        kind = str if name in _NAMES else int
        if type(cell) is not kind:
            meant = "a text" if kind is str else "a number of tokens"
            return f"{name} is {shown(cell)}, not {meant}"
    return ""


def load(connection: sqlite3.Connection) -> list[UsageDelta]:
    """All usage entries in the order they were recorded.

    Raises
    ------
    DamagedDataError
        An entry holds what is no count of tokens; the runtime loads none then, either.
    """
    found = read_rows(connection)
    for key, wrong in found.odd:
        raise DamagedDataError(
            f"usage_deltas {key}: {wrong}; the sums of tokens cannot be told until that row is put "
            "right in a copy",
            table="usage_deltas",
            key=key,
        )
    return [delta for _, delta in found.entries]
