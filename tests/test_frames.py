"""Frames: declared columns also when empty, and the values of a slow and obvious computation."""

from __future__ import annotations

import json
import sqlite3
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from recorded import rows
from stores import recorded_params, unpack
from test_writing import commit, node

import lashgraph as lg
from lashgraph import errors
from lashgraph.frames import SCHEMAS
from lashgraph.store import compare

HEALTHY = "damaged/healthy.db.gz"
Recorded = Callable[[str], Path]
FRAMES = [name for name in SCHEMAS if name not in ("retention", "why", "gc_reports")]
"""All but those of one policy, one blob, one sweep, which have tests of their own."""
ELSEWHERE: dict[str, Callable[[lg.Store], pd.DataFrame]] = {
    "findings": lambda store: store.check(),
    "simulation": lambda store: store.simulate_gc(),
    "branches": lambda store: store.tree().branches(),
    "message_tree": lambda store: store.tree().message_tree(),
    "comparison": lambda store: compare(store, store).frame(),
    "roots": lambda store: store.reachability().roots(),
    "reached": lambda store: store.reachability().blobs(),
    "retained": lambda store: store.reachability().retained(),
    "freed": lambda store: freed_by_each(store.reachability()),
}
"""Frames that no method of Store is named after."""


def freed_by_each(reach: lg.Reachability) -> pd.DataFrame:
    return reach.freed_by([[key] for key in reach.roots()["ref"].unique()])


def frame_of(store: lg.Store, name: str) -> pd.DataFrame:
    if name in ELSEWHERE:
        return ELSEWHERE[name](store)
    frame: pd.DataFrame = getattr(store, name)()
    return frame


def check_schema(name: str, frame: pd.DataFrame) -> None:
    declared = lg.schema(name)
    assert list(frame.columns) == declared["column"].tolist()
    assert list(frame.columns[:2]) == ["path", "session_id"]
    assert [str(dtype) for dtype in frame.dtypes] == declared["dtype"].tolist()
    assert isinstance(frame.index, pd.RangeIndex)
    for column in SCHEMAS[name].columns:
        if column.categories:
            assert tuple(frame[column.name].cat.categories) == column.categories


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_keeps_its_columns_when_empty(name: str) -> None:
    with lg.open(":memory:") as store:
        frame = frame_of(store, name)
    assert len(frame) == (1 if name == "sessions" else 0)
    check_schema(name, frame)


@pytest.mark.parametrize("name", FRAMES)
def test_frames_of_two_stores_can_be_concatenated(name: str, recorded: Recorded) -> None:
    frames = []
    for gz in (
        "sessions/std-tools-366bbb0a4d808158.db.gz",
        "damaged/turn-result-not-json.db.gz",
        "damaged/node-not-json.db.gz",
    ):
        with lg.open(recorded(gz)) as store, warnings.catch_warnings():
            warnings.simplefilter("ignore", errors.DamagedDataWarning)
            frames.append(frame_of(store, name))
    for frame in frames:
        check_schema(name, frame)
        assert frame["path"].nunique() <= 1
    with lg.open(":memory:") as store:
        frames.append(frame_of(store, name))
    check_schema(name, pd.concat(frames, ignore_index=True))


def test_a_frame_says_what_it_was_made_of(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    with lg.open(path) as store:
        first, second = store.nodes().attrs, store.nodes().attrs
    assert first == second
    assert first["lashgraph"]["version"] == lg.__version__
    assert first["lashgraph"]["policy"] == "safe"
    with lg.open(path, "rw") as store:
        store.put_blob(b"changes the file")
        assert store.nodes().attrs["lashgraph"]["fingerprint"] != first["lashgraph"]["fingerprint"]


def test_a_frame_can_be_kept_as_parquet(recorded: Recorded, tmp_path: Path) -> None:
    with lg.open(recorded(HEALTHY)) as store:
        frame = store.nodes()
    frame.to_parquet(tmp_path / "nodes.parquet")
    again = pd.read_parquet(tmp_path / "nodes.parquet")
    pd.testing.assert_frame_equal(again, frame)


def test_an_unknown_frame_is_named() -> None:
    with pytest.raises(errors.UnknownColumnError, match="nodes"):
        lg.schema("noodles")


# Against the raw rows


def plain_nodes(path: Path) -> dict[str, list[Any]]:
    """The columns of nodes() by hand."""
    records = [
        {"seq": seq, "dead": bool(dead), "text": text, **json.loads(text)}
        for seq, text, dead in rows(path, "SELECT seq, node_json, tombstoned FROM graph_nodes")
    ]
    living = {record["node_id"]: record for record in records if not record["dead"]}
    known = {record["node_id"] for record in records}
    head = json.loads(rows(path, "SELECT head_json FROM session_head")[0][0])

    def up(record: dict[str, Any]) -> dict[str, Any] | None:
        return living.get(record.get("parent_node_id", ""))

    def depth(record: dict[str, Any]) -> int:
        steps = 0
        while (record := up(record)) is not None:  # type: ignore[assignment]
            steps += 1
        return steps

    active = set()
    at = living.get(head.get("leaf_node_id", ""))
    while at is not None:
        active.add(at["node_id"])
        at = up(at)

    def status(record: dict[str, Any]) -> str:
        parent = record.get("parent_node_id")
        if parent is None:
            return "root"
        return "present" if parent in living else "tombstoned" if parent in known else "missing"

    def kind(record: dict[str, Any]) -> str:
        if record["kind"] == "plugin":
            return "plugin"
        return "message" if "Conversation" in record["event"] else "protocol"

    children = [record.get("parent_node_id") for record in living.values()]
    n_children = [children.count(record["node_id"]) for record in records]
    return {
        "node_id": [record["node_id"] for record in records],
        "seq": [record["seq"] for record in records],
        "parent_node_id": [record.get("parent_node_id") for record in records],
        "parent_status": [status(record) for record in records],
        "depth": [depth(record) for record in records],
        "n_children": n_children,
        "on_active_path": [record["node_id"] in active for record in records],
        "is_leaf": [count == 0 for count in n_children],
        "agent_frame_id": [record.get("agent_frame_id") for record in records],
        "timestamp": [pd.Timestamp(record["timestamp"]) for record in records],
        "kind": [kind(record) for record in records],
        "role": [record.get("event", {}).get("Conversation", {}).get("role") for record in records],
        "plugin_type": [record.get("plugin_type") for record in records],
        "caused_by_type": [record.get("caused_by", {}).get("type") for record in records],
        "caused_by_session_id": [
            record.get("caused_by", {}).get("session_id") for record in records
        ],
        "tombstoned": [record["dead"] for record in records],
        "json_bytes": [len(record["text"].encode()) for record in records],
    }


@pytest.mark.parametrize("gz", recorded_params("sessions/*.db.gz"))
def test_nodes_are_the_raw_rows_column_by_column(gz: Path, tmp_path: Path) -> None:
    path = unpack(gz, tmp_path)
    with lg.open(path) as store:
        frame = store.nodes()
    for name, expected in plain_nodes(path).items():
        got = [None if pd.isna(value) else value for value in frame[name]]
        assert got == expected, name


@pytest.mark.parametrize("gz", recorded_params("sessions/*.db.gz"))
def test_blobs_refs_turns_and_usage_are_those_of_the_tables(gz: Path, tmp_path: Path) -> None:
    path = unpack(gz, tmp_path)
    with lg.open(path) as store:
        blobs, refs, turns, usage = store.blobs(), store.refs(), store.turns(), store.usage()
        sized, sessions = store.blobs(content_bytes=True), store.sessions().iloc[0]
        plans = {name: store.plan_gc(lg.GcPolicy(name)) for name in ("safe", "runtime")}
        contents = {key: store.get_blob(key) for key in blobs["hash"]}
    assert blobs[["hash", "stored_bytes"]].to_numpy().tolist() == rows(
        path, "SELECT hash, length(content) FROM blobs"
    )
    assert blobs["content_bytes"].isna().all()
    assert sized["content_bytes"].tolist() == [len(contents[key] or b"") for key in sized["hash"]]
    for name, plan in plans.items():
        assert set(blobs.loc[~blobs[f"reachable_{name}"], "hash"]) == set(plan.doomed_hashes)
    counts = refs.groupby("blob_hash").size()
    assert blobs["n_refs"].tolist() == [counts.get(key, 0) for key in blobs["hash"]]
    assert refs["target_present"].tolist() == refs["blob_hash"].isin(blobs["hash"]).tolist()
    assert (refs["dangling"] == ~refs["target_present"]).all()
    assert refs.loc[refs["source_kind"] == "artifact", "blob_hash"].tolist() == [
        row[0] for row in rows(path, "SELECT blob_ref FROM artifact_refs ORDER BY artifact_ref")
    ]
    results = {
        turn: json.loads(text)
        for turn, text in rows(path, "SELECT turn_id, result_json FROM runtime_turn_commits")
    }
    assert set(turns["turn_id"]) == set(results)
    assert turns["head_revision"].is_monotonic_increasing
    for turn in turns.itertuples():
        result = results[turn.turn_id]
        assert turn.checkpoint_ref == result["checkpoint_ref"]
        assert turn.tool_state_ref == result["manifest"].get("tool_state_ref")
        assert turn.turn_index == result["manifest"]["turn_state"]["turn_index"]
    assert usage.iloc[:, 2:].to_numpy().tolist() == rows(path, "SELECT * FROM usage_deltas")
    assert sessions["file_bytes"] == path.stat().st_size
    assert sessions["blob_bytes"] == blobs["stored_bytes"].sum()
    assert sessions["reclaimable_bytes"] == plans["safe"].deleted_bytes
    assert sessions["output_tokens"] == usage["output_tokens"].sum()


@pytest.mark.parametrize("gz", recorded_params("sessions/*.db.gz"))
def test_history_adds_up(gz: Path, tmp_path: Path) -> None:
    with lg.open(unpack(gz, tmp_path)) as store:
        history, turns = store.history(), store.turns()
    assert history["turn_id"].tolist() == turns["turn_id"].tolist()
    known = history["live_bytes"] + history["garbage_bytes"]
    assert known.tolist() == history["new_bytes"].cumsum().tolist()
    assert (history[["new_bytes", "live_bytes", "garbage_bytes"]] >= 0).all(axis=None)


# Odd rows


def test_odd_rows_are_rows_of_the_frame_and_problems(tmp_path: Path) -> None:
    path = tmp_path / "odd.db"
    with lg.open(path, "create") as store:
        store.append_session_graph_nodes([node("fine", body="\x00\x1b[2J 🦀")])
        store.commit_runtime_state(commit())
    fine = json.dumps(node("x"))
    odd: list[tuple[Any, Any]] = [
        ("blob", fine.replace('"x"', '"blob"').encode()),
        ("half", fine.replace('"x"', '"half"').replace("{}", '"\\ud800"')),
        ("twice", fine.replace('"x"', '"twice"').replace("{", '{"kind": "plugin", ', 1)),
        ("tool", json.dumps({**node("tool"), "kind": "event", "event": {"Tool": {}}})),
        (b"\xff\xfe", "not JSON"),
        ("number", 17),
        ("bytes", sqlite3.Binary(b"\xff")),
    ]
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany(
            "INSERT INTO graph_nodes (node_id, node_json) VALUES (CAST(? AS TEXT), ?)", odd
        )
        connection.commit()
    with lg.open(path) as store:
        with pytest.warns(errors.DamagedDataWarning, match="7 of the rows of graph_nodes"):
            frame = store.nodes()
        with pytest.raises(errors.DamagedNodeError) as caught:
            store.nodes(strict=True)
        with pytest.warns(errors.DamagedDataWarning):
            assert store.load_session_graph().ids == ["fine"]
        problems = store.problems()
    assert caught.value.key == "blob"
    check_schema("nodes", frame)
    assert frame["kind"].tolist() == ["plugin"] + ["unreadable"] * 7
    assert frame["timestamp"].isna().tolist() == [False] + [True] * 7
    assert frame["node_id"].tolist()[5] == "\ufffd\ufffd"
    assert problems["key"].tolist() == frame["node_id"].tolist()[1:]


def test_times_keep_their_nine_digits_and_bad_ones_are_missing() -> None:
    times = ["2026-01-01T00:00:00.123456789+00:00", "2026-01-01T02:00:00+02:00", "yesterday", ""]
    with lg.open(":memory:") as store:
        store.append_session_graph_nodes(
            [node(f"n{i}", timestamp=text) for i, text in enumerate(times)]
        )
        stamps = store.nodes()["timestamp"]
    assert str(stamps.dtype) == "datetime64[ns, UTC]"
    assert stamps[0].value == np.datetime64("2026-01-01T00:00:00.123456789", "ns").astype(int)
    assert stamps[1] == pd.Timestamp("2026-01-01T00:00:00Z")
    assert stamps.isna().tolist() == [False, False, True, True]
