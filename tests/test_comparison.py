"""Comparing two stores: every row counts, and none of the pages."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from recorded import folder_state
from stores import recorded_params, unpack
from test_forecast import in_form
from test_frames import check_schema
from test_writing import commit, node

import lashgraph as lg
from lashgraph import errors
from lashgraph.comparison.contents import ENTITIES
from lashgraph.store import compare

Recorded = Callable[[str], Path]


@pytest.fixture
def pair(recorded: Recorded, tmp_path: Path) -> tuple[Path, Path]:
    """A store and a copy of it."""
    path = recorded("damaged/healthy.db.gz")
    other = tmp_path / "other.db"
    other.write_bytes(path.read_bytes())
    return path, other


def change(path: Path, sql: str, *values: Any) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(sql, values)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.mark.parametrize("gz", recorded_params("damaged/*.db.gz"))
def test_a_copy_is_the_same_whatever_its_pages(gz: Path, tmp_path: Path) -> None:
    path = unpack(gz, tmp_path)
    other = tmp_path / "other.db"
    other.write_bytes(path.read_bytes())
    in_form(other, 16384, 1)
    found = compare(path, other)
    assert found.is_same
    assert found.summary() == "the same"
    check_schema("comparison", found.frame())


def test_comparing_leaves_no_trace(pair: tuple[Path, Path]) -> None:
    before = folder_state(pair[0].parent)
    compare(*pair)
    assert folder_state(pair[0].parent) == before


CHANGES = [
    ("DELETE FROM graph_nodes WHERE seq = 2", ("node", "lost", "t2-n"), ()),
    ("UPDATE graph_nodes SET tombstoned = 1 WHERE seq = 2", ("node", "changed"), ("tombstoned",)),
    (
        "UPDATE graph_nodes SET node_json = node_json || ' ' WHERE seq = 2",
        ("node", "changed"),
        ("node_json",),
    ),
    ("UPDATE graph_nodes SET seq = 99 WHERE seq = 2", ("node", "changed"), ("seq",)),
    (
        "UPDATE graph_nodes SET node_json = CAST(node_json AS BLOB) WHERE seq = 2",
        ("node", "changed"),
        ("node_json",),
    ),
    ("INSERT INTO blobs VALUES ('new', x'00')", ("blob", "added", "new"), ()),
    ("INSERT INTO blobs VALUES (x'616263', x'00')", ("blob", "added"), ()),
    ("INSERT INTO blobs VALUES (NULL, x'00')", ("blob", "added"), ()),
    (
        "UPDATE blobs SET content = content || x'00' WHERE rowid = 1",
        ("blob", "changed"),
        ("content",),
    ),
    (
        "UPDATE blobs SET content = CAST(content AS TEXT) WHERE rowid = 1",
        ("blob", "changed"),
        ("content",),
    ),
    ("INSERT INTO artifact_refs VALUES ('m', 'x')", ("ref", "added", "artifact:m"), ()),
    (
        "UPDATE runtime_turn_commits SET committed_at_ms = 1.5 WHERE turn_id = 't2'",
        ("turn", "changed", "s:t2"),
        ("committed_at_ms",),
    ),
    ("INSERT INTO usage_deltas VALUES (77, 's', 'm', 1, 1, 1, 1)", ("usage", "added", "77"), ()),
    (
        "INSERT INTO attachment_manifest VALUES ('a', 's', 'u', 1, NULL)",
        ("attachment", "added", "a"),
        (),
    ),
    (
        "INSERT INTO queued_work_items VALUES ('b', 3, 'i', '{}')",
        ("work", "added", "queued_work_items b:3"),
        (),
    ),
    ("UPDATE session_head SET head_json = 'gone'", ("ref", "lost", "head"), ()),
]


@pytest.mark.parametrize(("sql", "expected", "columns"), CHANGES, ids=lambda value: str(value)[:40])
def test_every_change_is_seen(
    sql: str, expected: tuple[str, ...], columns: tuple[str, ...], pair: tuple[Path, Path]
) -> None:
    change(pair[1], sql)
    found, back = compare(*pair), compare(*reversed(pair))
    [one] = [d for d in found.differences if d.entity == expected[0]]
    assert one[1] == expected[1]
    assert one.columns == columns
    if len(expected) == 3 and expected[0] != "node":
        assert one.key == expected[2]
    opposite = {"added": "lost", "lost": "added", "changed": "changed"}
    assert [(d.entity, opposite[d.change], d.key) for d in back.differences] == [
        (d.entity, d.change, d.key) for d in found.differences
    ]
    assert not found.is_same
    frame = found.frame()
    check_schema("comparison", frame)
    assert len(frame) == len(found.differences)


def test_the_head_is_told_field_by_field(pair: tuple[Path, Path]) -> None:
    change(
        pair[1],
        "UPDATE session_head SET head_json = json_set(head_json, '$.leaf_node_id', 'n9'), "
        "head_revision = 12",
    )
    found = compare(*pair)
    rows = found.frame().set_index("key")
    assert found.changed("head") == ("column head_revision", "leaf_node_id")
    assert rows.loc["leaf_node_id", "after"] == "n9"
    assert rows.loc["column head_revision", "after"] == "12"
    assert found.summary() == "head changed: column head_revision, leaf_node_id"


def test_a_head_that_says_the_same_otherwise(pair: tuple[Path, Path]) -> None:
    with lg.open(pair[0]) as store:
        text = store._database.read(
            lambda c: c.execute("SELECT head_json FROM session_head").fetchone()[0]
        )
    change(pair[1], "UPDATE session_head SET head_json = ?", json.dumps(json.loads(text), indent=1))
    assert compare(*pair).changed() == ("head_json",)


def test_refs_are_told_with_what_they_name(pair: tuple[Path, Path]) -> None:
    with lg.open(pair[0]) as store:
        old = store.load_head().checkpoint_ref  # type: ignore[union-attr]
    with lg.open(pair[1], "rw") as store:
        new = store.commit_runtime_state(
            commit(
                turn_commit={"session_id": "s", "turn_id": "t9", "turn_commit_hash": "h"},
            )
        ).checkpoint_ref
    found = compare(*pair)
    rows = found.frame().query("entity == 'ref'").set_index("key")
    assert rows.loc["head", ["change", "before", "after"]].tolist() == ["changed", old, new]
    assert rows.loc["turn:t9", ["change", "after"]].tolist() == ["added", new]
    assert found.added("turn") == ("s:t9",)
    assert len(found.added()) == len(frame_of(found, "added"))
    assert "1 turn added" in repr(found)


def frame_of(found: Any, change: str) -> Any:
    return found.frame().query(f"change == {change!r}")


def test_open_stores_and_paths_can_be_mixed(pair: tuple[Path, Path]) -> None:
    with lg.open(pair[1], "rw") as store:
        store.append_session_graph_nodes([node("new")])
        assert compare(pair[0], store).added("node") == ("new",)
        assert compare(str(pair[0]), store).added() == ("new",)
        with lg.open(":memory:") as empty:
            found = compare(empty, store)
    assert found.lost() == ()
    assert {one.entity for one in found.differences} < set(ENTITIES)


def test_what_is_no_store_is_told(pair: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(errors.StoreNotFoundError):
        compare(pair[0], tmp_path / "none.db")
    with pytest.raises(errors.InvalidRecordError):
        compare(pair[0], 7)  # type: ignore[arg-type]
