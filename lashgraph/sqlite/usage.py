"""The table of token usage."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from lashgraph.errors import DamagedDataError
from lashgraph.format.usage import TokenUsage, UsageDelta

_TYPES = {
    "source": str,
    "model": str,
    "input_tokens": int,
    "output_tokens": int,
    "cached_input_tokens": int,
    "reasoning_tokens": int,
}
_COLUMNS = ", ".join(_TYPES)


def append(connection: sqlite3.Connection, deltas: Iterable[UsageDelta]) -> None:
    """Insert usage entries at the end."""
    connection.executemany(
        f"INSERT INTO usage_deltas ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
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


def load_rows(connection: sqlite3.Connection) -> list[tuple[int, UsageDelta]]:
    """All usage entries with their numbers, in the order they were recorded.

    Raises
    ------
    DamagedDataError
        An entry holds what is no count of tokens; the runtime loads none then, either.
    """
    rows = connection.execute(f"SELECT seq, {_COLUMNS} FROM usage_deltas ORDER BY seq")
    return [(seq, _delta(seq, dict(zip(_TYPES, cells, strict=True)))) for seq, *cells in rows]


def _delta(seq: int, cells: dict[str, Any]) -> UsageDelta:
    for name, kind in _TYPES.items():
        if type(cells[name]) is not kind:
            raise DamagedDataError(
                f"usage_deltas {seq}: {name} is {cells[name]!r}, not "
                f"{'a text' if kind is str else 'a number of tokens'}; the sums of tokens cannot "
                "be told until that row is put right in a copy",
                table="usage_deltas",
                key=str(seq),
            )
    source, model = cells.pop("source"), cells.pop("model")
    return UsageDelta(source=source, model=model, usage=TokenUsage(**cells))


def load(connection: sqlite3.Connection) -> list[UsageDelta]:
    """All usage entries in the order they were recorded."""
    return [delta for _, delta in load_rows(connection)]
