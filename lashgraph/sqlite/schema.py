"""The schema of a file: made for a new one, completed where an old one lacks a table."""

from __future__ import annotations

import sqlite3

from lashgraph.errors import StoreExistsError
from lashgraph.format.dialect import Dialect
from lashgraph.sqlite.connect import immediate


def check_new(connection: sqlite3.Connection, path: str) -> None:
    """See that a database is empty.

    Raises
    ------
    StoreExistsError
        It has tables or a version.
    """
    objects = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if objects or version:
        raise StoreExistsError(
            f"{path}: a database stands there already; mode='rw' opens it", path=path
        )


def create(connection: sqlite3.Connection, path: str, dialect: Dialect) -> None:
    """Give an empty database tables, indexes and version in one transaction.

    Raises
    ------
    StoreExistsError
        Another was quicker.
    """
    with immediate(connection):
        check_new(connection, path)
        for statement in dialect.ddl:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {dialect.version}")


def complete(connection: sqlite3.Connection, dialect: Dialect) -> None:
    """Make missing tables and indexes again, as the runtime does on opening."""
    wanted = set(dialect.tables)
    there = {n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    indexes = sum("CREATE INDEX" in statement for statement in dialect.ddl)
    found = connection.execute(
        "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    ).fetchone()[0]
    if wanted <= there and found >= indexes:
        return
    with immediate(connection):
        for statement in dialect.ddl:
            connection.execute(statement)
