"""Pages of a database: how many there are, how many are free, and the file written anew."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from lashgraph.sqlite.connect import any_length, as_it_stands


class Pages(NamedTuple):
    """The pages of a database as one connection sees them.

    Attributes
    ----------
    page_size : int
        Bytes of a page.
    page_count : int
        Pages of the file, once its log is folded in.
    freelist_count : int
        Those of them that are free.
    auto_vacuum : int
        0: the file never shrinks by itself; 1: free pages go at each commit; 2: when asked.
    """

    page_size: int
    page_count: int
    freelist_count: int
    auto_vacuum: int

    @property
    def in_use(self) -> int:
        """Pages that are not free."""
        return self.page_count - self.freelist_count

    @property
    def file_bytes(self) -> int:
        """Bytes of the database file, once its log is folded in."""
        return self.page_count * self.page_size

    @property
    def free_bytes(self) -> int:
        """Bytes of the free pages, which a compaction gives back."""
        return self.freelist_count * self.page_size


def measure(connection: sqlite3.Connection) -> Pages:
    """The pages of a database; auto_vacuum's mode 1 frees pages only at the commit."""
    return Pages(
        *(
            int(connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_size", "page_count", "freelist_count", "auto_vacuum")
        )
    )


def write_anew(connection: sqlite3.Connection) -> None:
    """Write a database without free pages (SQLite's VACUUM); outside a transaction."""
    with any_length(connection), as_it_stands(connection):
        connection.execute("VACUUM")


def trees(connection: sqlite3.Connection) -> int:
    """How many tables and indexes have pages of their own, the schema's table included."""
    found = connection.execute("SELECT count(*) FROM sqlite_master WHERE rootpage > 0")
    return int(found.fetchone()[0]) + 1


def node_bytes(connection: sqlite3.Connection) -> int:
    """Bytes of the JSON of all nodes, tombstoned ones too."""
    found = connection.execute("SELECT sum(length(CAST(node_json AS BLOB))) FROM graph_nodes")
    return int(found.fetchone()[0] or 0)
