"""Everything that a store says, piece by piece, read without a thought of what is replaced."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

from lashgraph.format import packed
from lashgraph.format.blob import unwrap
from lashgraph.format.strict import Pairs
from lashgraph.redact.tables import TABLES
from lashgraph.sqlite.connect import raw_text

_NO_ASCII = re.compile(rb"[\x80-\xff]+")


class Piece(NamedTuple):
    """Bytes that a store holds, and where: as they are stored, or decoded."""

    table: str
    column: str
    rowid: int
    said: bytes


def pieces(connection: sqlite3.Connection) -> Iterator[Piece]:
    """Every text and every content of lash's tables, the contents decoded too."""
    with raw_text(connection):
        for table in TABLES:
            found = connection.execute(f"SELECT rowid, * FROM {table.name}")
            columns = [column for column, *_ in found.description]
            for rowid, *cells in found:
                for column, cell in zip(columns[1:], cells, strict=True):
                    for said in _decoded(cell):
                        yield Piece(table.name, column, rowid, said)


def _decoded(cell: Any) -> Iterator[bytes]:
    """What a cell says: the cell itself, the content of a blob, what stands inside of that."""
    if isinstance(cell, (int, float, type(None))):
        return
    blob = unwrap(cell)
    yield from _told(blob.content)
    if blob.content is not cell:
        yield from _inside(packed.unpack(cell), octets=False)


def _told(data: bytes) -> Iterator[bytes]:
    """A text as it is; the texts of MessagePack; of what is neither the ASCII."""
    try:
        data.decode()
        yield data
        return
    except UnicodeDecodeError:
        pass
    unpacker = packed.new_unpacker(len(data))
    unpacker.feed(data)
    try:
        yield from _inside(packed.read_value(unpacker))
        rest = data[unpacker.tell() :]
    except packed.PackedError:
        rest = data
    yield _NO_ASCII.sub(b" ", rest)


def _inside(value: Any, *, octets: bool = True) -> Iterator[bytes]:
    """Texts in a MessagePack value, and in the bytes in it, those written as integers too."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Pairs):
            waiting += [each for pair in one for each in pair]
        elif isinstance(one, list):
            if set(map(type, one)) == {int} and min(one) >= 0 and max(one) < 256:
                yield from _told(bytes(one)) if octets else ()
            else:
                waiting += one
        elif isinstance(one, str):
            yield from _told(one.encode("utf-8", "surrogateescape"))
        elif isinstance(one, bytes) and octets:
            yield from _told(one)
