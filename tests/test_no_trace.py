"""Reading leaves the folder as it was, and sees what is committed, wherever it stands."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from processes import Program
from recorded import folder_state

import lashgraph as lg
from lashgraph import errors

HEALTHY = "damaged/healthy.db.gz"
Recorded = Callable[[str], Path]


def read_all(path: Path) -> list[str]:
    """Read a store by several calls; return its blob hashes."""
    with lg.open(path) as store:
        store.nodes()
        store.load_session()
        store.plan_gc()
        with store.snapshot():
            store.refs()
        return sorted(store.blobs()["hash"])


def without_lock_table(state: dict[str, tuple[int, int, str]]) -> dict[str, tuple[int, int, str]]:
    return {name: facts for name, facts in state.items() if not name.endswith("-shm")}


@pytest.fixture
def writer(recorded: Recorded) -> Iterator[tuple[Path, str]]:
    """A store with a committed blob that stands in the log only, its writer still open."""
    path = recorded(HEALTHY)
    with lg.open(path, "rw") as store:
        key = store.put_blob(b"committed, but only in the log")
        assert (path.parent / "healthy.db-wal").stat().st_size > 0
        yield path, key


def test_a_file_without_a_log(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    before = folder_state(path.parent)
    assert len(read_all(path)) == 13
    assert folder_state(path.parent) == before


def test_a_file_whose_log_has_a_lock_table(writer: tuple[Path, str]) -> None:
    path, key = writer
    before = folder_state(path.parent)
    assert key in read_all(path)
    assert without_lock_table(folder_state(path.parent)) == without_lock_table(before)
    assert set(folder_state(path.parent)) == set(before)


def test_a_file_whose_log_has_no_lock_table(writer: tuple[Path, str], tmp_path: Path) -> None:
    path, key = writer
    folder = tmp_path / "left over"
    folder.mkdir()
    for name in ("healthy.db", "healthy.db-wal"):
        shutil.copy2(path.parent / name, folder / name)
    before = folder_state(folder)
    assert key in read_all(folder / "healthy.db")
    assert folder_state(folder) == before


def test_a_link_leads_to_the_log_of_the_file_itself(
    writer: tuple[Path, str], tmp_path: Path
) -> None:
    path, key = writer
    link = tmp_path / "elsewhere"
    link.mkdir()
    (link / "link.db").symlink_to(path)
    assert key in read_all(link / "link.db")
    assert [entry.name for entry in link.iterdir()] == ["link.db"]


def test_an_unfinished_transaction_is_undone_in_a_copy_only(recorded: Recorded) -> None:
    """A rollback journal that a crashed writer left: the file holds half a transaction."""
    path = recorded(HEALTHY)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    script = (
        "import os, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('PRAGMA cache_size = 1')\n"
        "c.execute('BEGIN IMMEDIATE')\n"
        "c.execute('DELETE FROM blobs')\n"
        "c.execute('INSERT INTO blobs VALUES (?, ?)', ('half', os.urandom(400_000)))\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    assert Path(f"{path}-journal").stat().st_size > 0
    before = folder_state(path.parent)
    hashes = read_all(path)
    assert len(hashes) == 13
    assert "half" not in hashes
    assert folder_state(path.parent) == before


def test_a_folder_that_cannot_be_written(writer: tuple[Path, str], tmp_path: Path) -> None:
    path, key = writer
    folder = tmp_path / "fixed"
    folder.mkdir()
    for name in ("healthy.db", "healthy.db-wal"):
        shutil.copy2(path.parent / name, folder / name)
    for entry in folder.iterdir():
        entry.chmod(0o444)
    folder.chmod(0o555)
    before = folder_state(folder)
    try:
        assert key in read_all(folder / "healthy.db")
        assert folder_state(folder) == before
        if os.geteuid() != 0:
            with pytest.raises(errors.UnwritablePathError):
                lg.open(folder / "healthy.db", "rw")
    finally:
        folder.chmod(0o755)


WRITER = """
import sys, lashgraph as lg
node = {"timestamp": "2026-01-01T00:00:00+00:00", "kind": "plugin", "plugin_type": "n", "body": 0}
with lg.open(sys.argv[1], "rw") as store:
    print("ready", flush=True)
    for number in range(400):
        store.commit_runtime_state({
            "session_id": "s",
            "config": {"provider_id": "p",
                       "model": {"id": "m", "limits": {"context_window_tokens": 1}}},
            "graph": {"Append": {"nodes": [{"node_id": f"new{number}", **node}],
                                 "leaf_node_id": f"new{number}"}},
            "checkpoint": {"turn_state": {"turn_index": number}},
        })
"""


def test_a_writer_at_work_is_read_consistently(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    seen = set()
    writer = Program(WRITER, str(path))
    while writer.is_running and writer.printed != "ready\n":
        time.sleep(0.001)
    with lg.open(path) as store:
        while writer.is_running:
            try:
                session = store.load_session()
            except errors.StoreChangedError:
                continue
            assert session is not None
            assert session.checkpoint is not None
            count, turn = len(session.graph), session.checkpoint.turn_state
            if session.graph.leaf == f"new{count - 4}":
                assert turn is not None
                assert turn.turn_index == count - 4
            seen.add(count)
        session = store.load_session()
        assert session is not None
        assert (len(session.graph), session.graph.leaf) == (403, "new399")
    assert writer.end().returncode == 0
    assert len(seen) > 3


def test_a_snapshot_holds_one_state_while_a_writer_goes_on(writer: tuple[Path, str]) -> None:
    path, _ = writer
    with lg.open(path) as reader, reader.snapshot():
        before = len(reader.blobs())
        with lg.open(path, "rw") as store:
            store.put_blob(b"one more")
        assert len(reader.blobs()) == before
    with lg.open(path) as reader:
        assert len(reader.blobs()) == before + 1


def cut_and_read(store: lg.Store) -> None:
    os.truncate(store.path, 4096)
    store.blobs()


def test_pages_torn_under_a_held_snapshot_are_a_change_and_no_damage(recorded: Recorded) -> None:
    with lg.open(recorded(HEALTHY)) as store:
        again = pytest.raises(errors.StoreChangedError, match="read again")
        with again, store.snapshot():
            cut_and_read(store)


OPEN_AND_CLOSE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM blobs").fetchone()
connection.close()
"""


@pytest.mark.parametrize("log_is_empty", [False, True])
def test_reading_beside_a_writer_of_the_same_process_leaves_its_locks(
    writer: tuple[Path, str], log_is_empty: bool
) -> None:
    """Closing a descriptor drops a process's locks: another would then remove the log."""
    path, key = writer
    if log_is_empty:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    log = path.parent / "healthy.db-wal"
    for _ in range(2):
        assert key in read_all(path)
    subprocess.run([sys.executable, "-c", OPEN_AND_CLOSE, str(path)], check=True)
    assert log.exists(), "the other process was the last to hold the file, as it thought"
