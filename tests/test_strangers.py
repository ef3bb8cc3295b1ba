"""Files that a stranger made: schemas that act, values that swell, sizes that lie."""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import msgpack
import pytest

import lashgraph as lg
from lashgraph import errors
from lashgraph.format import packed
from lashgraph.format.limits import ReadLimits
from lashgraph.testing.builders import SessionBuilder

pytestmark = pytest.mark.filterwarnings("ignore::lashgraph.errors.DamagedDataWarning")

GARBAGE = 5
"""Blobs of the session below that nothing keeps: three, and two of the first checkpoint."""


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """A session of two turns with a checkpoint and garbage."""
    path = tmp_path / "session.db"
    with SessionBuilder(path, "s", seed=1) as made:
        made.turn("Why?", "Because.")
        made.remember(2_000)
        made.turn("How?", "So.")
        made.garbage(3, 500)
    return path


def change(path: Path, *statements: str | tuple[str, tuple[Any, ...]]) -> None:
    """Run statements that a schema would not allow to anybody else."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            connection.execute(*([statement] if isinstance(statement, str) else statement))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def made_again(table: str, columns: str, copied: str, end: str = "") -> tuple[str, ...]:
    """Statements that put another table of the same name in the place of one."""
    return (
        f"CREATE TABLE other ({columns}){end}",
        copied,
        f"DROP TABLE {table}",
        f"ALTER TABLE other RENAME TO {table}",
    )


BLOBS = "INSERT INTO other (hash, content) SELECT hash, content FROM blobs"

UNREADABLE = {
    "virtual": (
        "ALTER TABLE graph_nodes RENAME TO hidden",
        "CREATE VIRTUAL TABLE graph_nodes USING fts5(seq, node_id, node_json, tombstoned)",
    ),
    "a view that never ends": (
        "ALTER TABLE graph_nodes RENAME TO hidden",
        "CREATE VIEW graph_nodes AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
        " SELECT x AS seq, 'n' || x AS node_id, '{}' AS node_json, 0 AS tombstoned FROM n",
    ),
    "a computed column": made_again(
        "blobs",
        "hash TEXT PRIMARY KEY, raw BLOB, content BLOB GENERATED ALWAYS AS (zeroblob(900000000))",
        "INSERT INTO other (hash, raw) SELECT hash, content FROM blobs",
    ),
    "a column named rowid": made_again(
        "blobs",
        "rowid TEXT, hash TEXT PRIMARY KEY, content BLOB NOT NULL",
        "INSERT INTO other SELECT 'the same for all', hash, content FROM blobs",
    ),
    "no row numbers": made_again(
        "blobs", "hash TEXT PRIMARY KEY, content BLOB NOT NULL", BLOBS, " WITHOUT ROWID"
    ),
}

UNWRITABLE = {
    "trigger t": ("CREATE TRIGGER t AFTER DELETE ON blobs BEGIN DELETE FROM graph_nodes; END",),
    "view v": ("CREATE VIEW v AS SELECT * FROM blobs",),
    "table hidden": (
        "CREATE VIRTUAL TABLE hidden USING fts5(a)",
        "UPDATE sqlite_master SET sql = 'CREATE/**/VIRTUAL TABLE hidden USING fts5(a)' "
        "WHERE name = 'hidden'",
    ),
    "a collation in table blobs": made_again(
        "blobs", "hash TEXT PRIMARY KEY COLLATE NOCASE, content BLOB NOT NULL", BLOBS
    ),
    "a constraint in table blobs": made_again(
        "blobs",
        "hash TEXT PRIMARY KEY, content BLOB NOT NULL CHECK (length(hex(zeroblob(9))) > 0)",
        BLOBS,
    ),
    "a computed default in table blobs": made_again(
        "blobs",
        "hash TEXT PRIMARY KEY, content BLOB NOT NULL, x DEFAULT (hex(zeroblob(9)))",
        BLOBS,
    ),
    "an expression in index sneaky": ("CREATE INDEX sneaky ON blobs (length(hex(zeroblob(9))))",),
    "foreign key of graph_nodes to blobs": made_again(
        "graph_nodes",
        "seq INTEGER PRIMARY KEY, node_id TEXT NOT NULL UNIQUE, node_json TEXT NOT NULL, "
        "tombstoned INTEGER NOT NULL DEFAULT 0, b TEXT REFERENCES blobs(hash) ON DELETE CASCADE",
        "INSERT INTO other SELECT seq, node_id, node_json, tombstoned, "
        "(SELECT max(hash) FROM blobs) FROM graph_nodes",
    ),
}


@pytest.mark.parametrize("mode", ["r", "rw"])
@pytest.mark.parametrize("what", UNREADABLE)
def test_a_table_that_is_not_as_lash_makes_it_is_not_read(
    what: str, mode: Any, session: Path
) -> None:
    change(session, *UNREADABLE[what])
    before = session.read_bytes()
    with pytest.raises(errors.OpenError, match=r"session\.db: .*(graph_nodes|blobs)"):
        lg.open(session, mode)
    assert session.read_bytes() == before


@pytest.mark.parametrize("what", UNWRITABLE)
def test_a_schema_that_acts_or_compares_by_itself_is_read_and_never_written(
    what: str, session: Path
) -> None:
    with lg.open(session) as store:
        healthy = store.nodes().node_id.tolist()
    change(session, *UNWRITABLE[what])
    before = session.read_bytes()
    with pytest.raises(errors.UnsafeSchemaError) as caught:
        lg.open(session, "rw")
    assert what in caught.value.objects
    with lg.open(session) as store:
        assert store.nodes().node_id.tolist() == healthy
        assert store.plan_gc().deleted_blob_count == GARBAGE
        codes = set(store.check().code)
    assert "schema-acts" in codes
    assert session.read_bytes() == before


def test_texts_in_another_encoding_are_told(tmp_path: Path) -> None:
    path = tmp_path / "wide.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA encoding = 'UTF-16le'")
        for table in ("session_head", "graph_nodes", "blobs"):
            connection.execute(f"CREATE TABLE {table} (hash)")
        connection.execute("PRAGMA user_version = 3")
    with pytest.raises(errors.UnsafeSchemaError, match=r"wide\.db: its texts are in UTF-16le"):
        lg.open(path)


def head_of(path: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(path)) as connection:
        found = json.loads(connection.execute("SELECT head_json FROM session_head").fetchone()[0])
    assert isinstance(found, dict)
    return found


def bomb(kind: str, size: int) -> bytes:
    """An envelope of few bytes whose content is zeros without end."""
    return msgpack.packb(
        {
            "descriptor": {"kind": kind, "hints": ["Compressible"]},
            "compression": "Zlib",
            "content": list(zlib.compress(bytes(size), 9)),
        }
    )


SMALL = lg.StoreOptions(read_limits=ReadLimits(value_bytes=1 << 20, content_bytes=1 << 20))


def test_a_live_manifest_that_inflates_without_end_is_refused(session: Path) -> None:
    live = head_of(session)["checkpoint_ref"]
    content = bomb("CheckpointManifest", 20 << 20)
    change(session, ("UPDATE blobs SET content = ? WHERE hash = ?", (content, live)))
    with lg.open(session, "rw", options=SMALL) as store:
        with pytest.raises(errors.DamagedStoreError, match=r"above 1,048,576 bytes"):
            store.plan_gc()
        with pytest.raises(errors.DamagedStoreError):
            store.gc_unreachable(policy=lg.GcPolicy.runtime())
        with pytest.raises(errors.DamagedBlobError, match=r"ReadLimits\.content_bytes"):
            store.get_blob(live)
        assert (store.blobs().hash == live).sum() == 1


def test_a_dead_blob_that_inflates_without_end_hinders_nothing(session: Path) -> None:
    change(session, ("INSERT INTO blobs VALUES (?, ?)", ("ab" * 32, bomb("ToolState", 20 << 20))))
    with lg.open(session, "rw", options=SMALL) as store:
        assert "ab" * 32 in set(store.plan_gc().doomed().hash)
        assert store.gc_unreachable().deleted_blob_count == GARBAGE + 1


def test_a_value_beyond_the_limit_is_an_error_that_says_how_to_read_it(session: Path) -> None:
    size = "json_set(node_json, '$.long', hex(zeroblob(600000)))"
    change(session, f"UPDATE graph_nodes SET node_json = {size} WHERE seq = 1")
    with (
        lg.open(session, options=SMALL) as store,
        pytest.raises(errors.TooLargeError, match=r"session\.db: .*value_bytes=\.\.\."),
    ):
        store.nodes()
    with lg.open(session) as store:
        assert len(store.nodes()) == store.nodes().node_id.nunique()


def test_a_blob_beyond_the_limit_is_weighed_deleted_and_moved(session: Path) -> None:
    change(session, "INSERT INTO blobs VALUES ('long', zeroblob(3000000))")
    with lg.open(session, "rw", options=SMALL) as store:
        assert store.blobs().set_index("hash").stored_bytes["long"] == 3_000_000
        store.compact()  # moves it
        plan = store.plan_gc()
        assert plan.forecast().file_bytes_after_compact < 3_000_000
        assert "long" in set(plan.doomed().hash)
        store.sweep(plan, accept_unusual=True)
        assert "long" not in set(store.blobs().hash)
        with pytest.raises(errors.TooLargeError):
            store.put_blob(bytes(2 << 20))


@pytest.mark.parametrize(
    "head",
    [
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xdb\x7f\xff\xff\xff",
        b"\xc6\x7f\xff\xff\xff",
        b"\x91" * 100_000,
    ],
    ids=["array", "map", "text", "bytes", "depth"],
)
def test_lengths_that_lie_take_no_memory(head: bytes, session: Path) -> None:
    live = head_of(session)["checkpoint_ref"]
    start = msgpack.packb({"descriptor": {"kind": "CheckpointManifest"}, "compression": "None"})
    content = b"\x83" + start[1:] + b"\xa7content" + head
    change(session, ("UPDATE blobs SET content = ? WHERE hash = ?", (content, live)))
    with lg.open(session) as store, pytest.raises(errors.DamagedStoreError, match=live):
        store.plan_gc()


def test_a_record_of_nothing_but_brackets_is_unreadable(
    session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "MAX_CONTAINERS", 1_000)
    live = head_of(session)["checkpoint_ref"]
    content = b"\xdc\x00\x01\xdd" + (1_008).to_bytes(4, "big")
    content += b"\x90" * (1_008)
    blob = msgpack.packb(
        {
            "descriptor": {"kind": "CheckpointManifest", "hints": []},
            "compression": "Zlib",
            "content": list(zlib.compress(content)),
        }
    )
    change(session, ("UPDATE blobs SET content = ? WHERE hash = ?", (blob, live)))
    with lg.open(session) as store, pytest.raises(errors.DamagedStoreError, match="lists and maps"):
        store.plan_gc()


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize(
    "cell", ["session_head.head_json", "graph_nodes.node_json", "runtime_turn_commits.result_json"]
)
def test_json_of_any_depth_brings_errors_of_ours_only(
    cell: str, opening: str, session: Path
) -> None:
    table, column = cell.split(".")
    text = '{"config":' + opening * 100_000
    change(session, (f"UPDATE {table} SET {column} = ?", (text,)))
    with lg.open(session) as store:
        assert table in set(store.problems().table)
        try:
            assert store.plan_gc(keep_turns=1).deleted_blob_count <= GARBAGE
        except errors.DamagedStoreError:
            assert table != "graph_nodes"


@pytest.mark.parametrize("number", [1 << 31, (1 << 63) - 1, -1, -(1 << 63)])
def test_counts_of_any_size_bring_errors_of_ours_only(number: int, session: Path) -> None:
    change(
        session,
        f"UPDATE runtime_turn_commits SET committed_at_ms = {number}",
        f"UPDATE usage_deltas SET input_tokens = {number}, output_tokens = {number}",
        f"UPDATE graph_nodes SET seq = {number} WHERE seq = (SELECT max(seq) FROM graph_nodes)",
        f"UPDATE session_head SET head_revision = {number}",
    )
    with lg.open(session) as store:
        frames = [store.sessions, store.turns, store.usage, store.nodes, store.history]
        for call in [*frames, store.token_ledger, store.load_head, store.plan_gc, store.problems]:
            try:
                call()
            except errors.LashgraphError as error:
                assert "session.db" in str(error)


ODD_IDS = ["../../x", "/etc/passwd", "a\0b", "..", "con", "x" * 5_000, "\ud7ff\U0010ffff"]


@pytest.mark.parametrize("odd", ODD_IDS, ids=ascii)
def test_ids_that_look_like_paths_name_no_file(odd: str, session: Path, tmp_path: Path) -> None:
    head = head_of(session) | {"session_id": odd}
    change(
        session,
        ("UPDATE session_head SET session_id = ?, head_json = ?", (odd, json.dumps(head))),
        ("UPDATE session_meta SET session_id = ?, session_name = ?", (odd, odd)),
    )
    places = {name: tmp_path / name for name in ("backups", "parquet")}
    for place in places.values():
        place.mkdir()
    around = set(os.listdir(tmp_path))
    with lg.open(session, "rw") as store:
        assert store.sessions().session_id.tolist() == [odd]
        report = store.sweep(store.plan_gc(), backup=places["backups"])
        assert report.deleted_blob_count == GARBAGE
    with lg.open_corpus(session) as corpus:
        corpus.to_parquet(places["parquet"])
    assert {n for n in os.listdir(tmp_path) if not n.startswith("session.db-")} == around
    assert list(places["backups"].iterdir())
    assert list(places["parquet"].iterdir())


def test_a_log_of_another_file_shows_what_sqlite_makes_of_it(session: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t AS SELECT randomblob(50000) AS x")
        connection.commit()
        log = Path(f"{other}-wal").read_bytes()
    Path(f"{session}-wal").write_bytes(log)
    before = session.read_bytes()
    with pytest.raises(errors.NotASessionStoreError, match=r"session\.db: .*tables: t"):
        lg.open(session)
    assert session.read_bytes() == before
    assert Path(f"{session}-wal").read_bytes() == log


def test_a_schema_whose_damage_cannot_even_be_told_in_utf_8(session: Path) -> None:
    change(session, "UPDATE sqlite_master SET name = CAST(x'8361' AS TEXT), sql = 'x'")
    with pytest.raises(errors.DatabaseError, match=r"session\.db: the database is damaged"):
        lg.open(session)
