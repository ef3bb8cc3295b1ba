"""The table of token usage."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from lashgraph.format.usage import TokenUsage, UsageDelta

_COLUMNS = "source, model, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens"


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
    """All usage entries with their numbers, in the order they were recorded."""
    return [
        (
            seq,
            UsageDelta(
                source=source,
                model=model,
                usage=TokenUsage(
                    input_tokens=tokens[0],
                    output_tokens=tokens[1],
                    cached_input_tokens=tokens[2],
                    reasoning_tokens=tokens[3],
                ),
            ),
        )
        for seq, source, model, *tokens in connection.execute(
            f"SELECT seq, {_COLUMNS} FROM usage_deltas ORDER BY seq"
        )
    ]


def load(connection: sqlite3.Connection) -> list[UsageDelta]:
    """All usage entries in the order they were recorded."""
    return [delta for _, delta in load_rows(connection)]
