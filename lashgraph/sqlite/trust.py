"""What a file's schema may do by itself, and what of it is not to be trusted.

lash's own tables are plain: columns that are stored, row numbers, binary comparison, no triggers.
A stranger's file can look the same and act otherwise, so that a name means another row, a column
costs gigabytes to compute, or a delete takes rows with it that nobody chose.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping

from lashgraph.errors import UnsafeSchemaError
from lashgraph.sqlite.connect import text_of

_CHECKS = frozenset(
    {
        "singleton = 1",
        "(owner_kind is null) = (owner_id is null)",
        "owner_kind in ('turn', 'process')",
        "phase in ('condemned', 'deleting')",
        "generation >= 0",
        "fork_generation >= 0",
    }
)
"""The constraints that some release of lash writes, in lower case."""

_CASCADES = frozenset(
    {
        ("queued_work_items", "queued_work_batches"),
        ("checkpoint_blob_refs", "blobs"),
        ("session_meta_fork_inheritance_processes", "session_meta"),
        ("session_meta_fork_pending_observer_processes", "session_meta"),
        ("session_meta_observer_intent_processes", "session_meta"),
    }
)
"""Child and parent of the foreign keys that some release of lash writes."""

_ROW_NUMBER_NAMES = frozenset({"rowid", "oid", "_rowid_"})


def columns_by_table(connection: sqlite3.Connection) -> dict[str, set[str]]:
    """The columns that each table stores.

    Virtual tables, which have no pages of their own, are left out, and so are computed columns.
    """
    found: dict[str, set[str]] = {}
    for table, column, hidden in connection.execute(
        "SELECT m.name, x.name, x.hidden FROM main.sqlite_master AS m, "
        "pragma_table_xinfo(m.name, 'main') AS x WHERE m.type = 'table' AND m.rootpage > 0"
    ):
        columns = found.setdefault(text_of(table), set())
        if not hidden:
            columns.add(text_of(column))
    return found


def check_readable(
    connection: sqlite3.Connection, path: str, tables: Mapping[str, Collection[str]]
) -> None:
    """Refuse a file whose rows cannot be told apart as in any that lash wrote.

    Parameters
    ----------
    tables : mapping of str to collection of str
        Tables that are there and will be read, with their columns.

    Raises
    ------
    UnsafeSchemaError
        A table has no row numbers or hides them, or texts are not in UTF-8.
    """
    encoding = connection.execute("PRAGMA encoding").fetchone()[0]
    if encoding != "UTF-8":
        raise UnsafeSchemaError(
            f"{path}: its texts are in {encoding}; lash writes UTF-8, so that another program made "
            "this file; it is not read",
            path=path,
            objects=(f"encoding {encoding}",),
        )
    shadowed = {
        name for name, held in tables.items() if _ROW_NUMBER_NAMES & {*map(str.lower, held)}
    }
    odd = tuple(f"table {name}" for name in sorted(shadowed | _without_numbers(connection, tables)))
    if odd:
        raise UnsafeSchemaError(
            f"{path}: {', '.join(odd)} has no row numbers, or hides them behind a column; no "
            "release of lash writes that, and a row could be taken for another; it is not read",
            path=path,
            objects=odd,
        )


def _without_numbers(connection: sqlite3.Connection, tables: Iterable[str]) -> set[str]:
    """The tables that were made without row numbers; mostly none, so all are tried at once."""
    asked = {name: f'SELECT rowid FROM main."{name}" WHERE 0' for name in tables}
    try:
        connection.execute(" UNION ALL ".join(asked.values()))
    except sqlite3.OperationalError:
        if len(asked) == 1:
            return set(asked)
        return set().union(*(_without_numbers(connection, [name]) for name in asked))
    return set()


def check_writable(connection: sqlite3.Connection, path: str) -> None:
    """Refuse to write where the schema itself would act, or compare in a way of its own.

    Raises
    ------
    UnsafeSchemaError
        There are triggers, views, virtual tables, computed columns or defaults, constraints,
        collations, indexes of expressions or foreign keys that lash does not make.
    """
    unsafe = sorted({*_acting(connection), *_cascading(connection)})
    if unsafe:
        raise UnsafeSchemaError(
            f"{path}: no write to a file that brings {', '.join(unsafe[:8])}: lash makes none, and "
            "they could act on every write; mode='r' reads the file",
            path=path,
            objects=tuple(unsafe),
        )


def _acting(connection: sqlite3.Connection) -> Iterator[str]:
    for kind, name, page, statement in connection.execute(
        "SELECT type, name, rootpage, sql FROM main.sqlite_master ORDER BY type, name"
    ):
        if kind not in ("table", "index") or not page:
            yield f"{kind} {name}"
        elif statement is not None:
            yield from (f"{what} in {kind} {name}" for what in _odd_words(kind, text_of(statement)))


def _odd_words(kind: str, statement: str) -> Iterator[str]:
    """What a statement that makes a table or an index holds beside what lash's own do."""
    if re.search(r"\bcollate\b", statement, re.IGNORECASE):
        yield "a collation"
    if kind == "index":
        if statement.count("(") > 1:
            yield "an expression"
        return
    if re.search(r"\bgenerated\b|\bas\s*\(", statement, re.IGNORECASE):
        yield "a computed column"
    if re.search(r"\bdefault\s*\(", statement, re.IGNORECASE):
        yield "a computed default"
    if not _CHECKS.issuperset(_constraints(statement)):
        yield "a constraint"


def _constraints(statement: str) -> Iterator[str]:
    """What stands in the parentheses of each CHECK; strings in it are not looked into."""
    for found in re.finditer(r"\bcheck\s*\(", statement, re.IGNORECASE):
        depth, end = 1, found.end()
        while depth and end < len(statement):
            depth += (statement[end] == "(") - (statement[end] == ")")
            end += 1
        yield " ".join(statement[found.end() : end - 1].lower().split())


def _cascading(connection: sqlite3.Connection) -> Iterator[str]:
    for child, parent in connection.execute(
        'SELECT m.name, f."table" FROM main.sqlite_master AS m, pragma_foreign_key_list(m.name) '
        "AS f WHERE m.type = 'table'"
    ):
        if (child, parent) not in _CASCADES:
            yield f"foreign key of {child} to {parent}"
