"""Opening: each bad input has an error of its own, and nothing in the folder changes."""

from __future__ import annotations

import contextlib
import os
import pickle
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from recorded import folder_state
from stores import recorded_files, unpack

import lashgraph as lg
from lashgraph import errors
from lashgraph.format import CURRENT

HEALTHY = "damaged/healthy.db.gz"
Recorded = Callable[[str], Path]


def run_sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def not_sqlite(folder: Path) -> Path:
    path = folder / "notes.db"
    path.write_text("Dear diary, this is no database at all.\n" * 40)
    return path


def zero_bytes(folder: Path) -> Path:
    path = folder / "empty.db"
    path.touch()
    return path


def other_application(folder: Path) -> Path:
    path = folder / "photos.db"
    run_sql(path, "CREATE TABLE photos (id INTEGER PRIMARY KEY, image BLOB)")
    return path


def a_folder(folder: Path) -> Path:
    path = folder / "folder.db"
    path.mkdir()
    return path


def changed_store(*statements: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "store.db"
        lg.open(path, "create").close()
        run_sql(path, *statements)
        return path

    return make


BAD: dict[str, tuple[Callable[[Path], Path], type[errors.LashgraphError], str]] = {
    "missing": (lambda folder: folder / "no.db", errors.StoreNotFoundError, "no such file"),
    "missing-folder": (
        lambda folder: folder / "no" / "no.db",
        errors.StoreNotFoundError,
        "no such file",
    ),
    "folder": (a_folder, errors.NotAFileError, "a folder"),
    "not-sqlite": (not_sqlite, errors.NotSQLiteError, "not an SQLite database"),
    "zero-bytes": (zero_bytes, errors.EmptyFileError, "mode='create'"),
    "other-application": (other_application, errors.NotASessionStoreError, "photos"),
    "newer-version": (
        changed_store("PRAGMA user_version = 99"),
        errors.UnsupportedSchemaError,
        "version 99",
    ),
    "version-zero": (
        changed_store("PRAGMA user_version = 0"),
        errors.UnsupportedSchemaError,
        "version 0",
    ),
    "no-blobs": (changed_store("DROP TABLE blobs"), errors.MissingTableError, "blobs"),
    "no-column": (
        changed_store("ALTER TABLE graph_nodes DROP COLUMN tombstoned"),
        errors.MissingTableError,
        "graph_nodes.tombstoned",
    ),
}


def calls(store: lg.Store) -> list[Callable[[], Any]]:
    """Reads that answer of the head, the ledger, the turns and the queue."""
    return [
        store.load_head,
        store.load_session,
        store.load_active_path,
        store.token_ledger,
        store.load_usage_deltas,
        store.usage,
        store.turns,
        store.history,
        store.refs,
        store.blobs,
        store.nodes,
        store.problems,
        store.plan_gc,
        store.list_queued_work,
        store.list_uncommitted_attachments,
    ]


ROWS = (
    "INSERT INTO usage_deltas VALUES (7, 'turn', 'm', 1, 2, 3, 4)",
    "INSERT INTO attachment_manifest VALUES ('a', 's', 'file:a', 5, NULL)",
    "INSERT INTO queued_work_batches (batch_id, session_id, source_key, delivery_policy, "
    "slot_policy, merge_key_json, available_at_ms, enqueued_at_ms) "
    "VALUES ('b', 's', 'k', 'd', 's', '1', 1, 1)",
)


@pytest.mark.parametrize("value", ["X'fffe'", "CAST(X'fffe' AS TEXT)", "'x'", "1.5", "-1", "''"])
@pytest.mark.parametrize(
    "cell",
    [
        "usage_deltas.source",
        "usage_deltas.input_tokens",
        "runtime_turn_commits.turn_id",
        "runtime_turn_commits.result_json",
        "runtime_turn_commits.committed_at_ms",
        "session_head.head_json",
        "session_head.head_revision",
        "graph_nodes.node_id",
        "graph_nodes.node_json",
        "blobs.content",
        "artifact_refs.artifact_ref",
        "artifact_refs.blob_ref",
        "queued_work_batches.batch_id",
        "attachment_manifest.intent_at_ms",
    ],
)
@pytest.mark.filterwarnings("ignore::lashgraph.errors.DamagedDataWarning")
def test_a_cell_of_another_kind_brings_only_errors_of_ours(
    cell: str, value: str, recorded: Recorded
) -> None:
    path = recorded(HEALTHY)
    table, column = cell.split(".")
    run_sql(path, *ROWS, f"UPDATE {table} SET {column} = {value} WHERE rowid = "
            f"(SELECT min(rowid) FROM {table})")  # fmt: skip
    before = path.read_bytes()
    with lg.open(path) as store:
        for call in calls(store):
            with contextlib.suppress(errors.LashgraphError):
                call()
    assert path.read_bytes() == before
    with lg.open(path, "rw") as store:
        draft = {"session_id": "s", "source_key": "k", "merge_key": 1}
        assert store.enqueue_work(draft | {"delivery_policy": "d", "slot_policy": "s"})
        with contextlib.suppress(errors.LashgraphError):
            store.gc_unreachable()


def test_a_usage_entry_that_counts_no_tokens_is_named(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    run_sql(path, *ROWS, "UPDATE usage_deltas SET output_tokens = 'many'")
    with lg.open(path) as store:
        for call in (store.token_ledger, store.load_session):
            with pytest.raises(errors.DamagedDataError, match="output_tokens is 'many'") as caught:
                call()
            assert (caught.value.table, caught.value.key) == ("usage_deltas", "7")
            assert str(path) in str(caught.value)
        for frame in (store.usage, store.sessions):
            with pytest.warns(errors.DamagedDataWarning, match="output_tokens is 'many'"):
                frame()
        with pytest.raises(errors.DamagedDataError, match="output_tokens is 'many'"):
            store.usage(strict=True)


def test_a_revision_that_is_no_count_makes_the_head_unreadable(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    run_sql(path, "UPDATE session_head SET head_revision = 'three'")
    with lg.open(path) as store:
        with pytest.raises(errors.DamagedHeadError, match="head_revision"):
            store.load_head()
        assert store.plan_gc().kept_blob_count == 5


@pytest.mark.parametrize("length", [100, 5000])
def test_a_file_that_is_cut_short_says_what_to_do(length: int, recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    os.truncate(path, length)
    with pytest.raises(errors.DatabaseError, match="restore it from a backup"):
        lg.open(path)
    assert path.stat().st_size == length


@pytest.mark.parametrize("mode", ["r", "rw", "create"])
def test_a_path_that_no_file_can_have_is_an_error_of_ours(mode: Any, tmp_path: Path) -> None:
    loop, beyond = tmp_path / "loop.db", tmp_path / "a.db" / "b.db"
    loop.symlink_to(loop)
    (tmp_path / "a.db").touch()
    for path in (loop, beyond, tmp_path / ("x" * 300), Path("/dev/null")):
        with pytest.raises(errors.OpenError) as caught:
            lg.open(path, mode)
        assert str(path) in str(caught.value)
    for bad in (5, None, "a\0b.db", "\ud800.db"):
        with pytest.raises(errors.InvalidRecordError, match="path"):
            lg.open(bad, mode)  # type: ignore[arg-type]


def test_a_file_of_the_turso_engine_is_not_written(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    with path.open("r+b") as file:
        file.seek(18)
        file.write(b"\xff\xff")
    with pytest.raises(errors.NotSQLiteError, match=r"Turso.*mode='r' reads it"):
        lg.open(path, "rw")


@pytest.mark.parametrize("mode", ["r", "rw"])
@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_has_its_own_error_and_stays_as_it_is(
    name: str, mode: Any, tmp_path: Path
) -> None:
    make, cls, words = BAD[name]
    path = make(tmp_path)
    before = {p.name: p.is_file() and p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(errors.LashgraphError) as caught:
        lg.open(path, mode)
    assert type(caught.value) is cls
    assert caught.value.path == str(path)  # type: ignore[attr-defined]
    assert str(path) in str(caught.value)
    assert words in str(caught.value)
    assert {p.name: p.is_file() and p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", recorded_files("sessions/siblings/*.db.gz"))
def test_siblings_of_sessions_are_told_apart(name: str, tmp_path: Path) -> None:
    path = unpack(recorded_files("sessions/siblings/*.db.gz")[name], tmp_path)
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        own = "session_head" in tables and bool(
            connection.execute("SELECT 1 FROM session_head").fetchone()
        )
    if "session_head" not in tables:
        with pytest.raises(errors.NotASessionStoreError, match="lash's"):
            lg.open(path)
    else:
        with lg.open(path) as store:
            assert (store.load_head() is not None) == own


def test_a_table_without_a_head_or_nodes_is_made_again_by_a_writer(tmp_path: Path) -> None:
    path = changed_store("DROP TABLE usage_deltas", "DROP INDEX idx_queued_work_ready")(tmp_path)
    with pytest.raises(errors.MissingTableError, match="usage_deltas"):
        lg.open(path)
    with lg.open(path, "rw") as store:
        store.append_usage_deltas([{"source": "turn", "model": "m", "usage": {"input_tokens": 3}}])
    with lg.open(path) as store:
        assert store.token_ledger()[0].usage.input_tokens == 3


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER DELETE ON blobs BEGIN DELETE FROM graph_nodes; END",
        "CREATE VIEW v AS SELECT * FROM blobs",
    ],
)
def test_a_schema_that_acts_by_itself_is_read_but_never_written(
    statement: str, tmp_path: Path
) -> None:
    path = changed_store(statement)(tmp_path)
    with lg.open(path) as store:
        assert store.nodes().empty
    before = path.read_bytes()
    with pytest.raises(errors.UnsafeSchemaError, match=r"trigger t|view v"):
        lg.open(path, "rw")
    assert path.read_bytes() == before


def test_a_locked_file_says_so_after_the_waiting_time(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    with lg.open(path, "rw", lg.StoreOptions(busy_timeout=0.05)) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(errors.StoreLockedError, match="busy_timeout"):
                store.put_blob(b"never stored")
            other.execute("ROLLBACK")
        assert store.put_blob(b"stored now") in set(store.blobs()["hash"])


def test_create_makes_a_store_of_nothing_or_of_an_empty_file(tmp_path: Path) -> None:
    for path in (tmp_path / "new.db", zero_bytes(tmp_path)):
        with lg.open(path, "create") as store:
            store.put_blob(b"x")
        with closing(sqlite3.connect(path)) as plain:
            assert plain.execute("PRAGMA user_version").fetchone() == (CURRENT.version,)
            assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_create_leaves_what_is_there(recorded: Recorded, tmp_path: Path) -> None:
    path = recorded(HEALTHY)
    text = not_sqlite(tmp_path)
    before = path.read_bytes(), text.read_bytes()
    with pytest.raises(errors.StoreExistsError):
        lg.open(path, "create")
    with pytest.raises(errors.NotSQLiteError):
        lg.open(text, "create")
    with pytest.raises(errors.StoreNotFoundError):
        lg.open(tmp_path / "no" / "new.db", "create")
    assert (path.read_bytes(), text.read_bytes()) == before


def test_many_may_create_or_open_at_once(tmp_path: Path) -> None:
    path, opened, refused = tmp_path / "race.db", [], []

    def race(mode: Any) -> None:
        try:
            with lg.open(path, mode) as store:
                opened.append(store.put_blob(mode.encode()))
        except (errors.StoreExistsError, errors.StoreNotFoundError, errors.EmptyFileError) as error:
            refused.append(error)

    threads = [threading.Thread(target=race, args=("create",)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 1
    assert len(refused) == 5


@pytest.mark.parametrize("name", ["a?b.db", "a#b.db", "100%25.db", "two words.db", "naïve-日本.db"])
def test_any_file_name_works(name: str, recorded: Recorded, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(recorded(HEALTHY).read_bytes())
    with lg.open(path, "rw") as store:
        key = store.put_blob(b"here")
    with lg.open(path) as store:
        assert store.get_blob(key) == b"here"
    assert not (tmp_path / name.partition("?")[0]).with_suffix("").exists()


def test_home_is_expanded(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    path = recorded(HEALTHY)
    monkeypatch.setenv("HOME", str(path.parent))
    with lg.open("~/healthy.db") as store:
        assert store.session_id == "s"


def test_another_file_at_the_path_is_noticed(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    for mode in ("r", "rw"):
        with lg.open(path, mode) as store:  # type: ignore[arg-type]
            copy = path.with_suffix(".new")
            copy.write_bytes(path.read_bytes())
            copy.replace(path)
            with pytest.raises(errors.StoreReplacedError, match="open it again"):
                store.nodes()
    with lg.open(path, "rw") as store:
        copy.write_bytes(path.read_bytes())
        copy.replace(path)
        with pytest.raises(errors.StoreReplacedError):
            store.put_blob(b"lost otherwise")


@pytest.mark.parametrize("mode", ["r", "rw"])
def test_a_file_made_anew_at_the_path_is_noticed(mode: Any, recorded: Recorded) -> None:
    """File systems give the number of a file that was removed to the next one."""
    path = recorded(HEALTHY)
    content = path.read_bytes()
    with lg.open(path, mode) as store:
        path.unlink()
        path.write_bytes(content)
        with pytest.raises(errors.StoreReplacedError, match="open it again"):
            store.nodes()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="descriptors are not listed")
def test_a_closed_store_holds_no_descriptor(recorded: Recorded, tmp_path: Path) -> None:
    path, text = recorded(HEALTHY), not_sqlite(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    for mode in ("r", "rw"):
        with lg.open(path, mode) as store:  # type: ignore[arg-type]
            store.nodes()
        with pytest.raises(errors.NotSQLiteError):
            lg.open(text, mode)  # type: ignore[arg-type]
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_closed_store_says_so(recorded: Recorded) -> None:
    store = lg.open(recorded(HEALTHY))
    store.close()
    store.close()
    assert store.closed
    with pytest.raises(errors.StoreClosedError):
        store.nodes()


@pytest.mark.parametrize(
    "options",
    [
        {"blob_profile": "tiny"},
        {"gc_policy": "safe"},
        {"busy_timeout": -1},
        {"busy_timeout": "long"},
        {"blob_profile": []},
        {"clock": 5},
    ],
)
def test_bad_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidRecordError):
        lg.StoreOptions(**options)


def test_an_unknown_mode_is_refused(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    before = folder_state(path.parent)
    with pytest.raises(errors.InvalidRecordError, match="'r', 'rw', 'create'"):
        lg.open(path, "w")  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidRecordError, match="StoreOptions"):
        lg.open(path, "rw", {"busy_timeout": 1})  # type: ignore[arg-type]
    for make in (lambda: lg.StoreDirectory(5), lambda: lg.StoreDirectory(".").open(5)):  # type: ignore[arg-type]
        with pytest.raises(errors.InvalidRecordError):
            make()
    assert folder_state(path.parent) == before


def test_errors_keep_their_facts_when_pickled(tmp_path: Path) -> None:
    with pytest.raises(errors.UnsupportedSchemaError) as caught:
        lg.open(BAD["newer-version"][0](tmp_path))
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again)) == (type(caught.value), str(caught.value))
    assert (again.version, again.path) == (99, str(tmp_path / "store.db"))


def test_a_directory_names_makes_lists_and_deletes_sessions(tmp_path: Path) -> None:
    place = lg.StoreDirectory(tmp_path / "new" / "sessions")
    with pytest.raises(errors.StoreNotFoundError):
        place.list()
    long_id = "agent/" + "x" * 100
    for session_id in ("one", long_id, "///"):
        with place.create(session_id) as store:
            store.save_meta(
                {"session_id": session_id, "session_name": "", "created_at": "", "model": ""}
            )
    assert place.path_for_session("///").name.startswith("session-")
    assert len(place.path_for_session(long_id).name) == 80 + 1 + 16 + 3
    not_sqlite(place.folder)
    other_application(place.folder)
    assert set(place.list()) == {"one", long_id, "///"}
    with pytest.raises(errors.StoreExistsError):
        place.create("one")
    with place.open("one") as store:
        assert store.session_id == "one"
    assert place.delete("one")
    assert not place.delete("one")
    assert set(place.list()) == {long_id, "///"}
    with pytest.raises(errors.StoreNotFoundError):
        place.open("one")
