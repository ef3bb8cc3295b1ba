"""What all blobs are, by their first bytes, in bulk."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from lashgraph.format.blob import PREFIX, peek
from lashgraph.sqlite import blobs
from lashgraph.sqlite.blobs import BlobRow

_SMALL = 4_000
"""Bytes up to which a blob is read whole: cheaper than opening it by itself."""

_BODY = b"\xa7content"


def of_all(connection: sqlite3.Connection, rows: Sequence[BlobRow]) -> list[str]:
    """Kind of each blob, as `blobs.kinds` tells it.

    Envelopes of one kind begin with the same bytes, so that few of them need to be parsed.

    Parameters
    ----------
    rows : sequence of BlobRow
        All rows of the table that have a text key, as `blobs.sizes` gives them.
    """
    prefixes = dict(
        connection.execute(
            f"SELECT rowid, substr(CAST(content AS BLOB), 1, {PREFIX}) FROM blobs "
            "WHERE length(content) <= ?",
            (_SMALL,),
        )
    )
    known: dict[bytes, str] = {}
    found = []
    for row in rows:
        prefix = prefixes.get(row.rowid)
        kind = None if prefix is None else _told(prefix, known)
        found.append(next(blobs.kinds(connection, [row.rowid]))[0] if kind is None else kind)
    return found


def _told(prefix: bytes, known: dict[bytes, str]) -> str | None:
    """The kind that a prefix tells; of an envelope all that stands before the body does."""
    end = prefix.find(_BODY)
    if end < 0:
        told = peek(prefix)
        return None if told is None else told[0]
    head = prefix[: end + len(_BODY)]
    if head not in known:
        told = peek(head)
        if told is None:
            told = peek(prefix)
            return None if told is None else told[0]
        known[head] = told[0]
    return known[head]
