"""One finding of a check, and how a part of a check survives a file that SQLite cannot read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lashgraph.check.codes import Code
from lashgraph.check.declared import CODES
from lashgraph.sqlite.integrity import is_damage


class CheckFinding(NamedTuple):
    """Something that a check found.

    Attributes
    ----------
    code : str
        What kind of finding it is; a key of `CODES`.
    table : str
        Table of the row.
    key : str
        Key of the row; empty where the finding is about the table or the file.
    what : str
        What is wrong with this row.
    """

    code: str
    table: str
    key: str
    what: str

    @property
    def about(self) -> Code:
        """What its code declares."""
        return CODES[self.code]


def guarded(table: str, part: Iterable[CheckFinding]) -> Iterator[CheckFinding]:
    """The findings of a part; where SQLite fails to read the table, that is the last of them.

    A lock is no damage: its error passes through. Python's sqlite3 raises UnicodeDecodeError where
    SQLite's message quotes bytes of the file.
    """
    try:
        yield from part
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if not is_damage(error):
            raise
        yield unreadable(table, "", error)


def unreadable(table: str, key: str, error: Exception) -> CheckFinding:
    """The finding that a row cannot be read, or with an empty key a table."""
    rest = "" if key else "; what follows it was not checked"
    return CheckFinding("sqlite-unreadable", table, key, f"it cannot be read: {error}{rest}")
