"""Which database is this: a session store of a version that is supported, or something else."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Collection, Iterable, Mapping

from lashgraph.errors import (
    EmptyFileError,
    MissingTableError,
    NotASessionStoreError,
    UnsupportedSchemaError,
    WhichSessionError,
)
from lashgraph.format.dialect import Columns, Dialect, Evidence
from lashgraph.format.dialects import (
    CORE_TABLES,
    CURRENT,
    DIALECTS,
    SIBLING_TABLES,
    VERSIONS,
    told,
)
from lashgraph.sqlite import heads
from lashgraph.sqlite.connect import text_of
from lashgraph.sqlite.trust import check_readable, columns_by_table


def recognise(
    connection: sqlite3.Connection, path: str, *, complete: bool, allow_unknown: bool = False
) -> Dialect:
    """Tell the dialect of an open database by its tables, its version, and what stands in it.

    Parameters
    ----------
    complete : bool
        Whether every table of the dialect must be there. A writer makes those of version 3 again.
    allow_unknown : bool
        Whether a version that is not known is read as far as the nearest known form reads it.

    Raises
    ------
    EmptyFileError, NotASessionStoreError, UnsupportedSchemaError, MissingTableError,
    UnsafeSchemaError
    """
    columns = columns_by_table(connection)
    tables = frozenset(columns)
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    _check_core(path, tables, version)
    read = {name: columns[name] for name in CURRENT.tables if name in columns}
    check_readable(connection, path, read)
    evidence = Evidence(
        tables,
        head=lambda: _first(connection, tables, _HEAD, "session_head"),
        result=lambda: _first(connection, tables, _RESULT, "runtime_turn_commits"),
    )
    dialect = told(version, evidence)
    if dialect is None:
        if allow_unknown:
            return _nearest(path, version, evidence, columns)
        newest = max(VERSIONS)
        advice = "a newer lashgraph may read it" if version > newest else "no release wrote it"
        raise UnsupportedSchemaError(
            f"{path}: session schema version {version}; supported: "
            f"{', '.join(map(str, VERSIONS))}; {advice}; mode='r' with "
            "StoreOptions(allow_unknown=True) reads what can be read of it",
            path=path,
            version=version,
        )
    missing = _missing(dialect.tables, columns)
    if not complete and dialect.ddl:
        missing = [name for name in missing if "." in name]
    if missing:
        again = (
            "; missing tables that hold no blobs, nodes or head are made again by mode='rw'"
            if dialect.ddl
            else "; restore it from a backup"
        )
        raise MissingTableError(
            f"{path}: a session store of {dialect.name} that lacks {', '.join(missing)}{again}",
            path=path,
            missing=tuple(missing),
        )
    return dialect


def of_session(
    connection: sqlite3.Connection,
    dialect: Dialect,
    path: str,
    session_id: str | None,
    *,
    whole: bool = False,
) -> Dialect:
    """The dialect for one session of the file.

    Parameters
    ----------
    whole : bool
        Whether the file as a whole is asked, so that any of its sessions will do.

    Raises
    ------
    WhichSessionError
        The file holds many and none is named, or the one that is named is not there.
    """
    if dialect.sessions:
        there = tuple(text_of(name) for (name,) in connection.execute(dialect.sessions))
        if session_id in there:
            return dialect.of_session(session_id)
        if whole:
            return dialect.of_session(there[0] if there else "")
        advice = "open_corpus(path) reads all of them"
    elif session_id is None or whole:
        return dialect
    else:
        there = (heads.session_id(connection),)
        if session_id in there:
            return dialect
        advice = "it holds one session only"
    what = "holds many sessions" if session_id is None else f"holds no session {session_id!r}"
    shown = ", ".join(map(repr, there[:8])) + (", ..." if len(there) > 8 else "")
    raise WhichSessionError(
        f"{path}: {what}; name one with session_id=...: {shown or 'there is none'}; {advice}",
        path=path,
        session_ids=there,
    )


_HEAD = "SELECT CAST(head_json AS BLOB) FROM session_head LIMIT 1"
_RESULT = (
    "SELECT CAST(result_json AS BLOB) FROM runtime_turn_commits "
    "ORDER BY committed_at_ms DESC, rowid DESC LIMIT 1"
)


def _first(
    connection: sqlite3.Connection, tables: Collection[str], statement: str, table: str
) -> bytes | None:
    """The one cell that a statement gives; None where the table or the row is not there."""
    if table not in tables:
        return None
    try:
        row = connection.execute(statement).fetchone()
    except sqlite3.OperationalError:
        return None  # without that column it is no table of ours, and shows nothing
    return row[0] if row else None


def _nearest(path: str, version: int, evidence: Evidence, there: Mapping[str, set[str]]) -> Dialect:
    """The known form whose tables differ least from an unknown file's, of equal ones the newest.

    What the file has not reads as absent: tables as empty ones, columns as null.

    Raises
    ------
    UnsupportedSchemaError
        Not even head, nodes and blobs are there as any known release has them.
    """
    able = [
        known
        for known in reversed(DIALECTS)
        if told(known.version, evidence) is known
        and not any(_missing_columns(known.tables[core], there[core]) for core in CORE_TABLES)
    ]
    if able:
        nearest = min(able, key=lambda known: _distance(known, there))
        return _as_far_as_it_goes(nearest, version, there)
    raise UnsupportedSchemaError(
        f"{path}: session schema version {version}, whose head, nodes or blobs have other columns "
        "than any known release; nothing of it can be read",
        path=path,
        version=version,
    )


def _distance(known: Dialect, there: Mapping[str, set[str]]) -> int:
    """How many tables and columns one has and the other has not."""
    shared = known.tables.keys() & there.keys()
    columns = sum(len(there[table] ^ {*known.tables[table]}) for table in shared)
    return columns + len(known.tables.keys() ^ there.keys())


def _as_far_as_it_goes(known: Dialect, version: int, there: Mapping[str, set[str]]) -> Dialect:
    """A known form with the version and the tables of an unknown file; it is only read."""
    views = {
        table: select for table, select in known.views.items() if not _lacks(known, table, there)
    }
    for table in known.tables.keys() & there.keys():
        lacking = _missing_columns(known.tables[table], there[table])
        if lacking:
            wanted = known.tables[table]
            if table in known.views:
                wanted = CURRENT.tables.get(table, wanted)
            columns = [name if name in there[table] else f"NULL AS {name}" for name in wanted]
            views[table] = f"SELECT rowid AS rowid, {', '.join(columns)} FROM main.{table}"
    return dataclasses.replace(
        known,
        version=version,
        releases=f"unknown; read as version {known.version}, {known.releases}",
        tables={name: known.tables[name] for name in known.tables if name in there},
        views=views,
        ddl=(),
        sweeps=False,
        writes=False,
        proof="what this version keeps alive is not known",
        is_known=False,
    )


def _lacks(known: Dialect, table: str, there: Mapping[str, set[str]]) -> bool:
    return bool(_missing_columns(known.tables[table], there.get(table, set())))


def _check_core(path: str, tables: Collection[str], version: int) -> None:
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


def _missing(wanted: Columns, there: Mapping[str, set[str]]) -> list[str]:
    missing = []
    for table, columns in wanted.items():
        if table not in there:
            missing.append(table)
            continue
        lacking = _missing_columns(columns, there[table])
        missing.extend(f"{table}.{column}" for column in lacking)
    return missing


def _missing_columns(wanted: Iterable[str], there: Collection[str]) -> list[str]:
    return [column for column in wanted if column not in there]
