"""Comparing two stores, by their paths or as they are open."""

from __future__ import annotations

import os
import sqlite3

from lashgraph.comparison import Comparison, Contents, compare_contents, read_contents
from lashgraph.store.opening import open as open_store
from lashgraph.store.store import Store


def compare(a: str | os.PathLike[str] | Store, b: str | os.PathLike[str] | Store) -> Comparison:
    """What one store has more, less or otherwise than another.

    Every row counts but none of the pages: two stores are the same if each node, blob, turn, usage
    entry and piece of work is, byte by byte, and the head and all refs say the same.

    Parameters
    ----------
    a, b : str, path or Store
        Two session files, or open stores. What only ``b`` holds was added.

    Returns
    -------
    Comparison

    Raises
    ------
    OpenError
        A path cannot be opened as a session store.

    Examples
    --------
    >>> import lashgraph as lg
    >>> from lashgraph.store.comparing import compare
    >>> with lg.open(":memory:") as a, lg.open(":memory:") as b:
    ...     _ = a.put_blob(b"only in a")
    ...     compare(a, b).summary(), compare(a, a).is_same
    ('1 blob lost', True)
    """
    return compare_contents(_contents(a), _contents(b))


def _contents(where: str | os.PathLike[str] | Store) -> Contents:
    if not isinstance(where, Store):
        with open_store(where) as store:
            return _contents(store)

    def read(connection: sqlite3.Connection) -> Contents:
        return read_contents(connection, where.path)

    return where._database.read(read)
