"""Changing bytes at random: what a bad disk does to pages, and a stranger to values."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

_TELLING = (
    b"\x00",
    b"\xff",
    b"\x80",
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\x00\x10\x00\x00",
    b"\xdb\x7f\xff\xff\xff",
    b"null",
    b"[[[[",
    b"}",
    b'"',
    b"\\ud800",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"checkpoint_ref",
)
"""Pieces that parsers stumble over."""

_CELLS = (
    ("blobs", "content"),
    ("blobs", "hash"),
    ("graph_nodes", "node_json"),
    ("graph_nodes", "node_id"),
    ("session_head", "head_json"),
    ("session_meta", "relation_json"),
    ("runtime_turn_commits", "result_json"),
    ("artifact_refs", "blob_ref"),
)
_PAGE = 4096


def changed(data: bytes, chance: random.Random) -> bytes:
    """The data with one to four changes: bits, pieces put in, taken out, doubled, cut off."""
    made = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(made) + 1)
        length = chance.choice([1, 2, 4, 16, 64])
        way = chance.randrange(6)
        if way == 0 and at < len(made):
            made[at] ^= 1 << chance.randrange(8)
        elif way == 1:
            made[at : at + length] = chance.randbytes(length)
        elif way == 2:
            made[at:at] = chance.choice(_TELLING)
        elif way == 3:
            del made[at : at + length]
        elif way == 4:
            made[at:at] = made[at : at + length]
        elif chance.randrange(4) == 0:
            del made[at:]
    return bytes(made)


def change_pages(path: Path, chance: random.Random) -> None:
    """Flip bits all over a file, or put one page in the place of another."""
    made = bytearray(path.read_bytes())
    if chance.randrange(4) == 0:
        pages = len(made) // _PAGE
        one, other = (chance.randrange(pages) * _PAGE for _ in range(2))
        made[one : one + _PAGE] = made[other : other + _PAGE]
    for _ in range(chance.choice([1, 1, 4, 64])):
        made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)
    path.write_bytes(made)


def change_cells(path: Path, chance: random.Random) -> None:
    """Change one or two values of a store, each of which keeps its storage class."""
    with closing(sqlite3.connect(path)) as connection:
        for _ in range(chance.randint(1, 2)):
            table, column = chance.choice(_CELLS)
            rows = connection.execute(
                f"SELECT rowid, typeof({column}), CAST({column} AS BLOB) FROM {table} "
                f"WHERE {column} IS NOT NULL"
            ).fetchall()
            if not rows:
                continue
            rowid, kind, data = chance.choice(rows)
            connection.execute(
                f"UPDATE OR IGNORE {table} SET {column} = CAST(? AS {kind}) WHERE rowid = ?",
                (changed(data, chance), rowid),
            )
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
