"""Fixtures of all tests."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import stores
from hypothesis import settings

EXAMPLES = "LASHGRAPH_EXAMPLES"
"""How many examples each property test tries, where it names no number of its own; default 50."""

collect_ignore = ["e2e"]
"""The browser tests have a run of their own, ``pytest tests/e2e``: see its conftest."""

settings.register_profile(
    "lashgraph",
    parent=settings.default,
    deadline=None,
    max_examples=int(os.environ.get(EXAMPLES, "50")),
)
settings.load_profile("lashgraph")


@pytest.fixture(scope="session")
def store_roots() -> list[Path]:
    """The folders that hold recorded stores."""
    return stores.store_roots()


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[[str], Path]:
    """Unpack a recorded file by its name below a root, such as ``damaged/healthy.db.gz``."""

    def unpacked(name: str) -> Path:
        return stores.unpack(stores.find(name), tmp_path)

    return unpacked


@pytest.fixture(autouse=True)
def every_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that leaves an SQLite connection open."""
    made: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def noted(*args: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*args, **options)
        made.append(connection)
        return connection

    monkeypatch.setattr(sqlite3, "connect", noted)
    yield
    left_open = [connection for connection in made if is_open(connection)]
    for connection in left_open:
        connection.close()
    assert not left_open, f"the test left {len(left_open)} SQLite connections open"


def is_open(connection: sqlite3.Connection) -> bool:
    """Whether a connection can still be used from this thread."""
    try:
        connection.execute("SELECT 1").close()
    except sqlite3.ProgrammingError:
        return False
    return True
