"""Every frame, column by column, against a slow and obvious computation from the raw rows."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import frames_by_hand as graph_by_hand
import frames_by_hand_blobs as blobs_by_hand
import frames_by_hand_calls as calls_by_hand
import frames_by_hand_tables as tables_by_hand
import pandas as pd
import pytest
from frames_by_hand import Columns, Parsed
from frames_by_hand_blobs import Kept
from hypothesis import example, given, settings
from hypothesis import strategies as st
from recorded import plain
from stores import recorded_params, unpack

import lashgraph as lg
from lashgraph.errors import DamagedDataWarning
from lashgraph.testing import oracle, strategies
from lashgraph.testing.corpus import build_corpus

NODE_FRAMES: dict[str, Callable[..., Columns]] = {
    "messages": graph_by_hand.messages,
    "parts": graph_by_hand.parts,
    "tool_calls": calls_by_hand.tool_calls,
    "events": calls_by_hand.events,
    "steps": calls_by_hand.steps,
}
PLAIN_FRAMES: dict[str, Callable[..., Columns]] = {
    "nodes": graph_by_hand.nodes,
    "agent_frames": tables_by_hand.agent_frames,
    "turns": blobs_by_hand.turns,
    "history": blobs_by_hand.history,
    "usage": tables_by_hand.usage,
    "attachments": tables_by_hand.attachments,
    "queued_work": tables_by_hand.queued_work,
}
KEPT_FRAMES: dict[str, Callable[..., Columns]] = {
    "sessions": tables_by_hand.sessions,
    "blobs": blobs_by_hand.blobs,
    "refs": blobs_by_hand.refs,
    "checkpoints": blobs_by_hand.checkpoints,
}
ALL_FRAMES = [*PLAIN_FRAMES, *KEPT_FRAMES, *NODE_FRAMES]
ELSEWHERE = {"path", "session_id", "file_bytes", "wal_bytes", "freelist_bytes", "n_problems"}
"""Columns that are compared by `test_the_columns_of_files` and `compare` itself."""


def cells(series: pd.Series[Any]) -> list[Any]:
    """A column as plain values: None where missing, times in nanoseconds since 1970."""
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return [None if pd.isna(cell) else cell.value for cell in series]
    return [None if pd.isna(cell) else cell for cell in series.tolist()]


def compare(frame: pd.DataFrame, expected: Columns, name: str) -> None:
    """Each declared column, cell by cell."""
    declared = set(frame.columns) - ELSEWHERE
    assert declared == expected.keys() - ELSEWHERE, name
    for column in declared:
        got = cells(frame[column])
        for at, wanted in enumerate(expected[column]):
            if isinstance(wanted, Parsed) and at < len(got):
                got[at] = None if got[at] is None else Parsed(json.loads(got[at]))
        assert got == expected[column], f"{name}.{column}"


def kept_by(path: Path) -> Kept:
    """What the independent oracle keeps; all of it where a collection is refused."""
    found = []
    for policy in ("safe", "runtime"):
        verdict = oracle.judge(path, policy)
        refused = verdict.verdict == "refuse"
        with plain(path) as connection:
            there = {row[0] for row in connection.execute("SELECT hash FROM blobs")}
        found.append(there if refused else set(verdict.kept))
    return Kept(*found)


def check_all(path: Path) -> None:
    """Compare all frames of a store."""
    kept = kept_by(path)
    with (
        plain(path) as raw,
        lg.open(path) as store,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", DamagedDataWarning)
        session = graph_by_hand.session_id(raw)
        made: dict[str, tuple[pd.DataFrame, Columns]] = {}
        for name, by_hand in PLAIN_FRAMES.items():
            made[name] = getattr(store, name)(), by_hand(raw)
        for name, by_hand in KEPT_FRAMES.items():
            options = {"content_bytes": True, "verify": True} if name == "blobs" else {}
            made[name] = getattr(store, name)(**options), by_hand(raw, kept)
        for name, by_hand in NODE_FRAMES.items():
            for dead in (False, True):
                frame = getattr(store, name)(tombstoned=dead)
                made[f"{name}(tombstoned={dead})"] = frame, by_hand(raw, tombstoned=dead)
    for name, (frame, expected) in made.items():
        compare(frame, expected, name)
        assert set(frame["path"]) <= {str(path)}
        if "session_id" not in expected:
            assert set(frame["session_id"]) <= {session}
        else:
            assert frame["session_id"].tolist() == expected["session_id"]


@pytest.mark.parametrize("gz", recorded_params("sessions/*.db.gz"))
def test_frames_of_recorded_sessions(gz: Path, tmp_path: Path) -> None:
    check_all(unpack(gz, tmp_path))


@pytest.mark.parametrize("gz", recorded_params("damaged/*.db.gz"))
def test_frames_of_damaged_stores(gz: Path, tmp_path: Path) -> None:
    check_all(unpack(gz, tmp_path))


def test_frames_of_built_stores(tmp_path: Path) -> None:
    for path in build_corpus(tmp_path):
        check_all(path)


# Stores drawn at random


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def stores() -> st.SearchStrategy[dict[str, Any]]:
    """What is to be written into a store, in all of its tables."""
    count = st.integers(-5, 1 << 40)
    return st.fixed_dictionaries(
        {
            "commits": st.lists(strategies.commits(), min_size=1, max_size=3),
            "origins": st.lists(origins(), min_size=1, max_size=3),
            "causes": st.lists(causes(), min_size=1, max_size=3),
            "dead": st.sets(st.integers(0, 7), max_size=3),
            "leaf": st.sampled_from([None, "n0", "n3", "n7", "nowhere"]),
            "usage": st.lists(st.tuples(count, count, count, count), max_size=3),
            "work": st.lists(st.lists(strategies.json_values(), max_size=2), max_size=3),
            "attachments": st.lists(st.none() | st.integers(0, 1 << 42), max_size=3),
            "modules": st.lists(st.binary(max_size=9), max_size=2),
            "relation": st.none() | causes(),
        }
    )


def causes() -> st.SearchStrategy[dict[str, Any]]:
    """Causes of every type."""
    made = [
        {"type": "turn", "session_id": "s", "turn_id": "t"},
        {"type": "effect", "session_id": "s", "turn_id": "t", "effect_id": "e"},
        {"type": "effect", "session_id": "s", "effect_id": "e"},
        {"type": "tool_call", "session_id": "s", "call_id": "c"},
        {"type": "process", "process_id": "p"},
        {"type": "process_event", "process_id": "p", "sequence": 3},
        {"type": "host_event", "occurrence_id": "o"},
        {"type": "session_node", "session_id": "s", "node_id": "n"},
    ]
    return st.sampled_from(made)


@st.composite
def origins(draw: st.DrawFn) -> dict[str, Any]:
    """Origins of both kinds, with and without what is optional."""
    if draw(st.booleans()):
        made: dict[str, Any] = {"kind": "plugin", "plugin_id": draw(strategies.texts(4))}
        return made | draw(st.sampled_from([{}, {"transient": True}, {"transient": False}]))
    made = {"kind": "process", "process_id": "p", "event_type": "e", "sequence": 7}
    made |= draw(st.sampled_from([{}, {"wake_id": "w"}]))
    return made | {"caused_by": draw(causes())} if draw(st.booleans()) else made


def write(path: Path, drawn: dict[str, Any]) -> None:
    """Make a store of it."""
    with lg.open(path, "create") as store:
        for number, commit in enumerate(drawn["commits"]):
            for at, node in enumerate(commit["graph"]["ReplaceFull"]["nodes"]):
                node["caused_by"] = drawn["causes"][at % len(drawn["causes"])]
                if "Conversation" in node.get("event", {}) and at % 2:
                    origin = drawn["origins"][at % len(drawn["origins"])]
                    node["event"]["Conversation"]["origin"] = origin
            commit["graph"]["ReplaceFull"]["leaf_node_id"] = drawn["leaf"]
            stamp = {"session_id": "s", "turn_id": f"t{number}", "turn_commit_hash": "h"}
            store.commit_runtime_state(commit | {"turn_commit": stamp})
        store.tombstone_nodes([f"n{number}" for number in drawn["dead"]])
        store.append_usage_deltas(
            [
                {
                    "source": "turn",
                    "model": "m",
                    "usage": dict(zip(blobs_by_hand.TOKENS, counts, strict=True)),
                }
                for counts in drawn["usage"]
            ]
        )
        for number, payloads in enumerate(drawn["work"]):
            policies = {"delivery_policy": "d", "slot_policy": "s", "merge_key": {"n": number}}
            draft = {"session_id": f"s{number % 2}", "payloads": payloads, **policies}
            store.enqueue_work(draft | ({"source_key": "k"} if number else {}))
        for number, at in enumerate(drawn["attachments"]):
            store.record_attachment_intent(f"a{number}", "s", f"file:{number}", at)
            if number % 2:
                store.commit_attachments("s", [f"a{number}"])
        for number, content in enumerate(drawn["modules"]):
            store.put_module_artifact(f"lashlang:v1:{number}", content)
        relation = {"kind": "child", "parent_session_id": "p", "caused_by": drawn["relation"]}
        about = {"session_id": "s", "session_name": "a name", "created_at": "unix:1795443724"}
        store.save_meta(
            about | {"model": "m", "relation": relation if drawn["relation"] else {"kind": "root"}}
        )


@settings(deadline=None, max_examples=25)
@given(stores())
def test_frames_of_stores_drawn_at_random(drawn: dict[str, Any]) -> None:
    with folder() as place:
        write(place / "drawn.db", drawn)
        check_all(place / "drawn.db")


# Tool calls: each result belongs to the nearest call of its id above it


CALL, RESULT = "ToolCall", "ToolResult"


def spoken(parts: list[tuple[str, str | None]], parent: str | None) -> dict[str, Any]:
    """A message of calls and results, each with the id that it names."""
    made = [
        {
            "id": f"p{index}",
            "kind": kind,
            "content": calls_by_hand.FAILED if index == 2 else f"[{index}]",
            "prune_state": "Intact",
            **({} if call_id is None else {"tool_call_id": call_id}),
        }
        for index, (kind, call_id) in enumerate(parts)
    ]
    node = {
        "timestamp": f"2026-01-01T00:00:0{len(parts)}+00:00",
        "kind": "event",
        "event": {"Conversation": {"id": "m", "role": "User", "parts": made}},
    }
    return node if parent is None else {**node, "parent_node_id": parent}


Drawn = list[tuple[list[tuple[str, str | None]], int | None, bool]]
"""Messages: their parts, the number of the parent, whether they are tombstoned."""


def drawn_calls() -> st.SearchStrategy[Drawn]:
    part = st.tuples(st.sampled_from([CALL, RESULT]), st.sampled_from(["a", "a", "b", None]))
    parent = st.none() | st.integers(0, 9)
    dead = st.sampled_from([False, False, False, True])
    return st.lists(st.tuples(st.lists(part, max_size=3), parent, dead), max_size=9)


def write_calls(path: Path, drawn: Drawn, leaf: int | None) -> None:
    head = {"session_id": "s", "config": {"provider_id": "p", "model": MODEL}}
    with lg.open(path, "create") as store:
        store.save_head(head | ({} if leaf is None else {"leaf_node_id": f"n{leaf}"}))
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany(
            "INSERT INTO graph_nodes (node_id, node_json, tombstoned) VALUES (?, ?, ?)",
            [
                (
                    f"n{number}",
                    json.dumps(
                        {"node_id": f"n{number}"}
                        | spoken(parts, None if parent is None else f"n{parent}")
                    ),
                    dead,
                )
                for number, (parts, parent, dead) in enumerate(drawn)
            ],
        )
        connection.commit()


MODEL = {"id": "m", "limits": {"context_window_tokens": 1}}
ON_TWO_BRANCHES: Drawn = [
    ([], None, False),
    ([(CALL, "a")], 0, False),
    ([(CALL, "a")], 0, False),
    ([(RESULT, "a")], 2, False),
    ([(RESULT, "a")], 1, False),
]
TWO_CALLS_ON_ONE_PATH: Drawn = [
    ([(CALL, "a")], None, False),
    ([(RESULT, "a"), (CALL, "a")], 0, False),
    ([(RESULT, "a")], 1, False),
]
TWO_RESULTS_ON_ONE_PATH: Drawn = [
    ([(CALL, "a")], None, False),
    ([(RESULT, "a")], 0, False),
    ([(RESULT, "a")], 1, False),
]
THE_UPPER_LOADED_LATER: Drawn = [
    ([(CALL, "a")], None, False),
    ([(RESULT, "a")], 2, False),
    ([(RESULT, "a")], 0, False),
]
RESULTS_ON_TWO_BRANCHES: Drawn = [
    ([(CALL, "a")], None, False),
    ([(RESULT, "a")], 0, False),
    ([(RESULT, "a")], 0, False),
]
IN_ONE_MESSAGE: Drawn = [([(RESULT, "a"), (CALL, "a"), (RESULT, "a")], None, False)]
TOMBSTONED_CALL: Drawn = [([(CALL, "a")], None, True), ([(RESULT, "a")], 0, False)]
TOMBSTONED_BETWEEN: Drawn = [
    ([(CALL, "a")], None, False),
    ([], 0, True),
    ([(RESULT, "a")], 1, False),
]
ON_A_CIRCLE: Drawn = [([(CALL, "a")], 1, False), ([(RESULT, "a")], 0, False)]


@settings(deadline=None, max_examples=100)
@given(drawn_calls(), st.none() | st.integers(0, 9))
@example(ON_TWO_BRANCHES, 4)
@example(TWO_CALLS_ON_ONE_PATH, None)
@example(TWO_RESULTS_ON_ONE_PATH, None)
@example(THE_UPPER_LOADED_LATER, None)
@example(RESULTS_ON_TWO_BRANCHES, 2)
@example(IN_ONE_MESSAGE, None)
@example(TOMBSTONED_CALL, None)
@example(TOMBSTONED_BETWEEN, 2)
@example(ON_A_CIRCLE, 0)
def test_calls_are_paired_along_the_path(drawn: Drawn, leaf: int | None) -> None:
    with folder() as place:
        path = place / "calls.db"
        write_calls(path, drawn, leaf)
        with lg.open(path) as store, plain(path) as raw:
            for dead in (False, True):
                expected = calls_by_hand.tool_calls(raw, tombstoned=dead)
                compare(store.tool_calls(tombstoned=dead), expected, f"tombstoned={dead}")


@pytest.mark.parametrize(
    ("drawn", "leaf", "expected"),
    [
        (ON_TWO_BRANCHES, None, ["n1 n4 ok", "n2 n3 ok"]),
        (TWO_CALLS_ON_ONE_PATH, None, ["n0 n1 ok", "n1 n2 ok"]),
        (TWO_RESULTS_ON_ONE_PATH, None, ["n0 n1 duplicate_result"]),
        (THE_UPPER_LOADED_LATER, None, ["n0 n2 duplicate_result"]),
        (RESULTS_ON_TWO_BRANCHES, None, ["n0 n1 ok"]),
        (RESULTS_ON_TWO_BRANCHES, 2, ["n0 n2 ok"]),
        (IN_ONE_MESSAGE, None, ["n0 n0 error", "None n0 orphan_result"]),
        (TOMBSTONED_CALL, None, ["None n1 orphan_result"]),
        (TOMBSTONED_BETWEEN, None, ["n0 None no_result", "None n2 orphan_result"]),
        (ON_A_CIRCLE, None, ["n0 None no_result", "None n1 orphan_result"]),
    ],
)
def test_calls_in_plain_words(
    drawn: Drawn, leaf: int | None, expected: list[str], tmp_path: Path
) -> None:
    write_calls(tmp_path / "calls.db", drawn, leaf)
    with lg.open(tmp_path / "calls.db") as store:
        frame = store.tool_calls(columns=["call_node_id", "result_node_id", "status"])
        with_dead = store.tool_calls(tombstoned=True)
    rows = zip(*(cells(frame[name]) for name in frame), strict=True)
    assert [" ".join(map(str, row)) for row in rows] == expected
    if drawn in (TOMBSTONED_CALL, TOMBSTONED_BETWEEN):
        assert with_dead["status"].tolist() == ["ok"]


@pytest.mark.parametrize("shape", ["chain", "fan", "heap"])
def test_many_calls_of_one_id_are_no_quadratic_work(shape: str, tmp_path: Path) -> None:
    count = 20_000
    drawn: Drawn = [([(CALL, "a")], None, False)]
    for number in range(1, count):
        parent = 0 if shape == "fan" else number - 1
        is_call = number < count // 2 if shape == "heap" else number % 2
        drawn.append(([(CALL if is_call else RESULT, "a")], parent, False))
    write_calls(tmp_path / "many.db", drawn, None)
    with lg.open(tmp_path / "many.db") as store:
        statuses = store.tool_calls(columns=["status"])["status"].value_counts()
    expected = {
        "chain": {"ok": count // 2 - 1, "no_result": 2},
        "fan": {"ok": 1, "no_result": count // 2},
        "heap": {"duplicate_result": 1, "no_result": count // 2 - 1},
    }
    assert statuses[statuses > 0].to_dict() == expected[shape]
