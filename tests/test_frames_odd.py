"""Frames of what may be anything: cells of the wrong type, JSON that is none, endless texts."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import msgpack
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stores import find, unpack
from test_frames_asked import FRAMES
from test_writing import commit, node

import lashgraph as lg
from lashgraph import errors
from lashgraph.errors import DamagedDataWarning

Recorded = Callable[[str], Path]
TOOLS = "sessions/std-tools-366bbb0a4d808158.db.gz"
HOSTILE_CELLS: list[Any] = [
    b"\xff\x00\xfe",
    b"",
    "",
    "many",
    "nul \x00 inside",
    "1e999",
    1.5,
    float("inf"),
    -1,
    0,
    (1 << 63) - 1,
    -(1 << 63),
    None,
    "[" * 200 + "]" * 200,
    "[" * 100_000,
    '{"a": ' * 100_000,
    '"\\ud800"',
    "{}",
    "[]",
    "null",
    '{"session_id": 5}',
]
HOSTILE_JSON: list[Any] = [
    None,
    True,
    0,
    -1,
    1 << 62,
    1 << 64,
    -(1 << 70),
    1e300,
    "",
    "\ud800",
    "\x00\x1b[2J",
    [],
    [1],
    {},
    {"type": "turn"},
    {"id": 5},
    "9999-01-01T00:00:00+00:00",
]


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with rows in every table."""
    path = unpack(find(TOOLS), tmp_path_factory.mktemp("rich"))
    with lg.open(path, "rw") as store:
        store.put_module_artifact("lashlang:v1:x", b"{}")
        store.commit_attachments("std-tools", ["orphan-attachment-0001"])
        store.vacuum()
    return path


def tables_of(connection: sqlite3.Connection) -> dict[str, list[str]]:
    names = [
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    ]
    return {
        name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")] for name in names
    }


def check_frames(path: Path) -> None:
    """Each frame of a store is a frame of its schema, or an error of our own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedDataWarning)
        try:
            store = lg.open(path)
        except errors.LashgraphError:
            return
        with store:
            for name in FRAMES:
                options = {"verify": True, "content_bytes": True} if name == "blobs" else {}
                try:
                    frame = getattr(store, name)(**options)
                except errors.LashgraphError:
                    continue
                dtypes = [str(dtype) for dtype in frame.dtypes]
                assert dtypes == lg.schema(name)["dtype"].tolist(), name


def damaged_copy(rich: Path, place: str, sql: str, values: tuple[Any, ...]) -> Path | None:
    """A copy with one row changed; None where SQLite refuses the value."""
    path = Path(place) / "odd.db"
    path.write_bytes(rich.read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        try:
            connection.execute(sql, values)
        except (sqlite3.IntegrityError, OverflowError, UnicodeEncodeError):
            return None
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_hostile_cells(rich: Path, data: st.DataObject) -> None:
    with closing(sqlite3.connect(rich)) as connection:
        tables = tables_of(connection)
    table = data.draw(st.sampled_from(sorted(tables)))
    column = data.draw(st.sampled_from(tables[table]))
    value = data.draw(st.sampled_from(HOSTILE_CELLS))
    sql = f"UPDATE {table} SET {column} = ? WHERE rowid = (SELECT min(rowid) FROM {table})"
    with tempfile.TemporaryDirectory() as place:
        path = damaged_copy(rich, place, sql, (value,))
        if path is not None:
            check_frames(path)


JSON_CELLS = [
    ("session_head", "head_json"),
    ("session_meta", "relation_json"),
    ("runtime_turn_commits", "result_json"),
    ("graph_nodes", "node_json"),
    ("queued_work_batches", "merge_key_json"),
    ("queued_work_items", "payload_json"),
]


def paths_into(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container inside a JSON value, with a key or index of it."""
    keys = (
        list(value)
        if isinstance(value, dict)
        else range(len(value) if isinstance(value, list) else 0)
    )
    for key in keys:
        yield value, key
        yield from paths_into(value[key])


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_json_with_a_hostile_value_somewhere(rich: Path, data: st.DataObject) -> None:
    table, column = data.draw(st.sampled_from(JSON_CELLS))
    with closing(sqlite3.connect(rich)) as connection:
        rows = connection.execute(f"SELECT rowid, {column} FROM {table}").fetchall()
    rowid, text = data.draw(st.sampled_from(rows))
    value = json.loads(text)
    places = list(paths_into(value))
    if places:
        container, key = data.draw(st.sampled_from(places))
        container[key] = data.draw(st.sampled_from(HOSTILE_JSON))
    with tempfile.TemporaryDirectory() as place:
        sql = f"UPDATE {table} SET {column} = ? WHERE rowid = ?"
        path = damaged_copy(rich, place, sql, (json.dumps(value), rowid))
        if path is not None:
            check_frames(path)


@settings(deadline=None, max_examples=15)
@given(st.data())
def test_a_manifest_with_a_hostile_value_somewhere(rich: Path, data: st.DataObject) -> None:
    with lg.open(rich) as store:
        hashes = store.checkpoints()["checkpoint_ref"].tolist()
        key = data.draw(st.sampled_from(hashes))
        value = msgpack.unpackb(store.get_blob(key), raw=False)
    container, field = data.draw(st.sampled_from(list(paths_into(value))))
    container[field] = data.draw(st.sampled_from([v for v in HOSTILE_JSON if v not in ("\ud800",)]))
    with tempfile.TemporaryDirectory() as place, suppress(OverflowError):
        sql = "UPDATE blobs SET content = ? WHERE hash = ?"
        path = damaged_copy(rich, place, sql, (msgpack.packb(value), key))
        if path is not None:
            check_frames(path)


# Single oddities, and what is told of them


def insert_nodes(path: Path, rows: list[tuple[Any, Any]]) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany("INSERT INTO graph_nodes (node_id, node_json) VALUES (?, ?)", rows)
        connection.commit()


def message(node_id: str, *contents: str) -> dict[str, Any]:
    parts = [
        {"id": f"p{at}", "kind": "Text", "content": content, "prune_state": "Intact"}
        for at, content in enumerate(contents)
    ]
    spoken = {"Conversation": {"id": node_id, "role": "User", "parts": parts}}
    made = node(node_id, kind="event", event=spoken)
    return {key: made[key] for key in made if key not in ("plugin_type", "body")}


def test_odd_rows_are_rows_of_the_frame_and_problems(tmp_path: Path) -> None:
    path = tmp_path / "odd.db"
    with lg.open(path, "create") as store:
        store.append_session_graph_nodes([node("fine", body="\x00\x1b[2J 🦀")])
        store.commit_runtime_state(commit())
    fine = json.dumps(node("x"))
    insert_nodes(
        path,
        [
            ("blob", fine.replace('"x"', '"blob"').encode()),
            ("half", fine.replace('"x"', '"half"').replace("{}", '"\\ud800"')),
            ("twice", fine.replace('"x"', '"twice"').replace("{", '{"kind": "plugin", ', 1)),
            ("tool", json.dumps({**node("tool"), "kind": "event", "event": {"Tool": {}}})),
            ("number", 17),
            ("bytes", b"\xff"),
            ("deep", fine.replace('"x"', '"deep"').replace("{}", "[" * 126 + "]" * 126)),
            ("endless", fine.replace("{}", "[" * 100_000)),
            ("", "{"),
        ],
    )
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO graph_nodes (node_id, node_json) VALUES (CAST(x'fffe' AS TEXT), '')"
        )
        connection.commit()
    with lg.open(path) as store:
        with pytest.warns(DamagedDataWarning, match="9 of the rows of graph_nodes"):
            frame = store.nodes()
        with pytest.raises(errors.DamagedNodeError) as caught:
            store.nodes(strict=True)
        with pytest.warns(DamagedDataWarning):
            assert store.load_session_graph().ids == ["fine", "deep"]
        with pytest.warns(DamagedDataWarning):
            events = store.events()
        problems = store.problems()
    assert caught.value.key == "blob"
    unreadable = [name not in ("fine", "deep") for name in frame["node_id"]]
    kinds = ["unreadable" if odd else "plugin" for odd in unreadable]
    assert frame["kind"].tolist() == kinds
    assert frame["parent_status"].tolist() == [
        "unreadable" if odd else "root" for odd in unreadable
    ]
    assert frame["timestamp"].isna().tolist() == unreadable
    assert frame["node_id"].tolist()[-1] == "\ufffd\ufffd"
    assert problems["key"].tolist() == frame["node_id"][unreadable].tolist()
    assert json.loads(events["body"][0]) == "\x00\x1b[2J 🦀"


def test_texts_are_kept_whole(tmp_path: Path) -> None:
    texts = ["\x00", "nul \x00 inside", "\x1b[31mred\r\n", "\u2028\u202e", "🦀" * 3, " \t\n", ""]
    long = "ä" * 10_000_000
    with lg.open(tmp_path / "texts.db", "create") as store:
        store.append_session_graph_nodes([message("short", *texts), message("long", long)])
        messages, parts = store.messages(), store.parts()
    assert parts["content"].tolist() == [*texts, long]
    assert parts["n_chars"].tolist() == [*map(len, texts), len(long)]
    assert messages["text"].tolist() == ["\n\n".join(texts[:5]), long]
    assert messages["n_chars"].tolist() == [sum(map(len, texts)), len(long)]


def test_cells_of_the_queue_and_of_attachments_that_hold_no_time(tmp_path: Path) -> None:
    path = tmp_path / "cells.db"
    draft = {"session_id": "s", "delivery_policy": "d", "slot_policy": "s", "merge_key": "never"}
    with lg.open(path, "create") as store:
        store.commit_runtime_state(commit())
        for number in range(3):
            store.enqueue_work(draft | {"payloads": [number], "available_at_ms": 1_000})
            store.record_attachment_intent(f"a{number}", "s", "file:a", 2_000)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            UPDATE queued_work_batches SET available_at_ms = 'soon' WHERE enqueue_seq = 1;
            UPDATE queued_work_batches SET available_at_ms = 9223372036854775807
                WHERE enqueue_seq = 2;
            UPDATE queued_work_items SET payload_json = '1, 2' WHERE payload_json = '1';
            UPDATE attachment_manifest SET committed_at_ms = 'once' WHERE attachment_id = 'a0';
            UPDATE attachment_manifest SET intent_at_ms = -9223372036854775808
                WHERE attachment_id = 'a1';
            UPDATE attachment_manifest SET canonical_uri = x'ff00' WHERE attachment_id = 'a2';
            """
        )
    with lg.open(path) as store:
        work, attachments, problems = store.queued_work(), store.attachments(), store.problems()
    at_once = pd.Timestamp("1970-01-01T00:00:01Z")
    assert work["available_at"].isna().tolist() == [True, True, False]
    assert work["available_at"][2] == at_once
    assert [json.loads(payloads) for payloads in work["payloads"]] == [[0], ["1, 2"], [2]]
    assert attachments["committed"].tolist() == [True, False, False]
    assert attachments["committed_at"].isna().all()
    assert attachments["intent_at"].isna().tolist() == [False, True, False]
    assert attachments["canonical_uri"].tolist() == ["file:a", "file:a", "\ufffd\x00"]
    assert problems["table"].tolist() == ["queued_work_items"]


def test_usage_that_is_none_is_left_out_and_told(tmp_path: Path) -> None:
    path = tmp_path / "usage.db"
    most = (1 << 63) - 1
    with lg.open(path, "create") as store:
        store.commit_runtime_state(commit())
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany(
            "INSERT INTO usage_deltas (source, model, input_tokens, output_tokens, "
            "cached_input_tokens, reasoning_tokens) VALUES ('turn', ?, ?, 1, -1, 0)",
            [("m", most), ("m", "many"), (b"\xff", 1), ("m", 1.5), ("m", -5), ("m", most)],
        )
        connection.commit()
    with lg.open(path) as store:
        with pytest.warns(DamagedDataWarning, match="3 of the rows of usage_deltas"):
            usage = store.usage()
        with pytest.warns(DamagedDataWarning, match="3 of the rows of usage_deltas"):
            sessions = store.sessions()
        problems = store.problems()
    assert usage["seq"].tolist() == [1, 5, 6]
    assert usage["input_tokens"].tolist() == [most, -5, most]
    assert sessions["input_tokens"].isna().all()
    assert {"2", "3", "4"} < set(problems["key"])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM usage_deltas WHERE seq IN (2, 3, 4)")
        connection.commit()
    with lg.open(path) as store:
        row = store.sessions().iloc[0]
    assert pd.isna(row["input_tokens"])
    assert (row["output_tokens"], row["cache_read_tokens"]) == (3, -3)


def test_a_head_that_lists_no_agent_frames_is_told(recorded: Recorded) -> None:
    path = recorded(TOOLS)
    frame = {"frame_id": 5, "status": "paused", "assignment": [], "caused_by": 5}
    policy = {"max_turns": 1 << 70, "autonomous": "no", "model": 5}
    other = {"assignment": {"policy": policy, "deep": None}, "created_at": "9999-01-01T00:00:00Z"}
    for listed in ({}, "none", [1, frame, None, other]):
        with closing(sqlite3.connect(path)) as connection:
            (head,) = connection.execute("SELECT head_json FROM session_head").fetchone()
            changed = json.loads(head) | {"agent_frames": listed}
            text = json.dumps(changed).replace('"deep": null', f'"deep": {"[" * 500}{"]" * 500}')
            connection.execute("UPDATE session_head SET head_json = ?", (text,))
            connection.commit()
        with lg.open(path) as store:
            with pytest.warns(DamagedDataWarning, match="session_head"):
                frames = store.agent_frames()
            assert "head_json" in store.problems()["key"].tolist()
    assert frames["position"].tolist() == [1, 3]
    assert frames["ref"].tolist() == ["agent_frame:1", "agent_frame:3"]
    assert frames["assignment"].isna().tolist() == [False, True]
    assert frames["status"].isna().tolist() == [True, False]
    missing = ["max_turns", "autonomous", "model", "provider_id", "caused_by_id", "created_at"]
    assert frames[missing].isna().all(axis=None)


def test_a_session_named_by_half_a_surrogate(recorded: Recorded) -> None:
    path = recorded("damaged/healthy.db.gz")
    with closing(sqlite3.connect(path)) as connection:
        (head,) = connection.execute("SELECT head_json FROM session_head").fetchone()
        text = json.dumps(json.loads(head) | {"session_id": "\ud800"})
        connection.execute("UPDATE session_head SET head_json = ?", (text,))
        connection.commit()
    with lg.open(path) as store:
        assert set(store.nodes()["session_id"]) == {"s"}
        assert len(store.problems()) > 0


@pytest.mark.parametrize("revision", [0, (1 << 63) + 1, (1 << 64) - 1])
def test_revisions_of_snapshots_have_64_bits(revision: int) -> None:
    with lg.open(":memory:") as store:
        store.put_checkpoint({"plugin_snapshot_revision": revision})
        found = store.checkpoints()["plugin_snapshot_revision"]
    assert found.tolist() == [revision]
