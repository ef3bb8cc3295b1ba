"""Which database is this: a session store of a version that is supported, or something else."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from lashgraph.errors import (
    EmptyFileError,
    MissingTableError,
    NotASessionStoreError,
    UnsafeSchemaError,
    UnsupportedSchemaError,
)
from lashgraph.format.dialect import CORE_TABLES, DIALECTS, SIBLING_TABLES, Dialect


def recognise(connection: sqlite3.Connection, path: str, *, complete: bool) -> Dialect:
    """Tell the dialect of an open database by its tables, then by its version.

    Parameters
    ----------
    complete : bool
        Whether every table of the version must be there. A writer makes missing ones again.

    Raises
    ------
    EmptyFileError, NotASessionStoreError, UnsupportedSchemaError, MissingTableError
    """
    tables = {
        str(name)
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    _check_core(path, tables, version)
    dialect = DIALECTS.get(version)
    if dialect is None:
        newest = max(DIALECTS)
        advice = "a newer lashgraph may read it" if version > newest else "it is not read"
        raise UnsupportedSchemaError(
            f"{path}: session schema version {version}; supported: "
            f"{', '.join(map(str, sorted(DIALECTS)))}; {advice}",
            path=path,
            version=version,
        )
    missing = _missing(connection, dialect.tables, tables)
    if not complete:
        missing = [name for name in missing if "." in name]
    if missing:
        raise MissingTableError(
            f"{path}: a session store that lacks {', '.join(missing)}; missing tables that hold "
            "no blobs, nodes or head are made again by mode='rw'",
            path=path,
            missing=tuple(missing),
        )
    return dialect


def _check_core(path: str, tables: set[str], version: int) -> None:
    absent = [name for name in CORE_TABLES if name not in tables]
    if not absent:
        return
    if len(absent) < len(CORE_TABLES):
        raise MissingTableError(
            f"{path}: a session store that lost {', '.join(absent)}; restore it from a backup",
            path=path,
            missing=tuple(absent),
        )
    if not tables and version == 0:
        raise EmptyFileError(f"{path}: an SQLite database without tables", path=path)
    for table, what in SIBLING_TABLES.items():
        if table in tables:
            raise NotASessionStoreError(
                f"{path}: {what}, which stands beside session stores", path=path, tables=(table,)
            )
    shown = tuple(sorted(tables))[:8]
    raise NotASessionStoreError(
        f"{path}: an SQLite database of another application (tables: {', '.join(shown)})",
        path=path,
        tables=shown,
    )


def _missing(
    connection: sqlite3.Connection, wanted: Mapping[str, tuple[str, ...]], tables: set[str]
) -> list[str]:
    missing = []
    for table, columns in wanted.items():
        if table not in tables:
            missing.append(table)
            continue
        there = {row[1] for row in connection.execute(f"PRAGMA table_xinfo({table})")}
        missing.extend(f"{table}.{column}" for column in columns if column not in there)
    return missing


def check_safe(connection: sqlite3.Connection, path: str) -> None:
    """Refuse to write where the schema itself would act.

    Raises
    ------
    UnsafeSchemaError
        There are triggers or views, or a table is virtual.
    """
    unsafe = [
        f"{kind} {name}"
        for kind, name in connection.execute(
            "SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view') "
            "OR (type = 'table' AND sql LIKE 'CREATE VIRTUAL%') ORDER BY type, name"
        )
    ]
    if unsafe:
        raise UnsafeSchemaError(
            f"{path}: no write to a file that brings {', '.join(unsafe[:8])}: lash makes none, and "
            "they could act on every write; mode='r' reads the file",
            path=path,
            objects=tuple(unsafe),
        )
