"""What can be asked of a frame: columns, tombstoned, strict, progress; and what comes of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_writing import node

import lashgraph as lg
from lashgraph import errors
from lashgraph.frames import SCHEMAS
from lashgraph.store.framing import FramingStore

Recorded = Callable[[str], Path]
TOOLS = "sessions/std-tools-366bbb0a4d808158.db.gz"
NODES_DAMAGED = "damaged/node-not-json.db.gz"
TURN_DAMAGED = "damaged/turn-result-not-json.db.gz"
FRAMES = [
    name
    for name, method in inspect.getmembers(FramingStore, inspect.isfunction)
    if name in SCHEMAS and "columns" in inspect.signature(method).parameters
]


def with_option(option: str) -> list[str]:
    """The frames that take an option."""
    return [
        name
        for name in FRAMES
        if option in inspect.signature(getattr(FramingStore, name)).parameters
    ]


def test_every_frame_of_a_store_takes_columns() -> None:
    names = (
        "sessions nodes messages parts tool_calls events steps agent_frames blobs refs checkpoints "
        "turns history usage attachments queued_work pending_inputs problems"
    )
    assert sorted(FRAMES) == sorted(names.split())


@pytest.mark.parametrize("name", FRAMES)
def test_chosen_columns_are_those_of_the_whole_frame(name: str, recorded: Recorded) -> None:
    with lg.open(recorded(TOOLS)) as store:
        frame_of: Callable[..., pd.DataFrame] = getattr(store, name)
        whole = frame_of()
        names = list(whole.columns)

        @settings(deadline=None, max_examples=12)
        @given(st.lists(st.sampled_from(names), unique=True))
        def check(some: list[str]) -> None:
            expected = whole[some]
            if name == "blobs":
                asked = {"content_bytes", "hash_ok"} & set(some)
                expected = frame_of(content_bytes=True, verify=True)[some] if asked else expected
            pd.testing.assert_frame_equal(frame_of(columns=some), expected)

        check()
        for one in names:
            assert frame_of(columns=[one]).columns.tolist() == [one]
        assert frame_of(columns=iter(names[::-1])).columns.tolist() == names[::-1]
        assert frame_of(columns=[names[2], names[2]]).columns.tolist() == [names[2]]
        assert frame_of(columns=[]).shape == (len(whole), 0)


@pytest.mark.parametrize("name", FRAMES)
def test_a_column_that_is_not_there_is_named(name: str) -> None:
    with lg.open(":memory:") as store:
        frame_of = getattr(store, name)
        with pytest.raises(errors.UnknownColumnError, match="did you mean 'session_id'"):
            frame_of(columns=["sesion_id"])
        with pytest.raises(errors.UnknownColumnError, match="not the text 'path'"):
            frame_of(columns="path")
        for nonsense in (5, b"path", True):
            with pytest.raises(errors.UnknownColumnError, match="list of names"):
                frame_of(columns=nonsense)
        for nonsense in ([5], [None], [["path"]]):
            with pytest.raises(errors.UnknownColumnError, match="no column"):
                frame_of(columns=nonsense)


def test_what_is_not_asked_for_is_not_read(recorded: Recorded) -> None:
    """Token sums need the ledger, and a name does not: its damage is not met then."""
    path = recorded(TURN_DAMAGED)
    with lg.open(path, "rw") as store, store._database.transaction("damage") as connection:
        connection.execute(
            "INSERT INTO usage_deltas (source, model, input_tokens, output_tokens, "
            "cached_input_tokens, reasoning_tokens) VALUES ('turn', 'm', 'many', 1, 1, 1)"
        )
    with lg.open(path) as store:
        assert len(store.sessions(columns=["name", "n_nodes"])) == 1
        with pytest.warns(errors.DamagedDataWarning, match=r"usage_deltas.*'many'"):
            assert store.sessions()["input_tokens"].isna().all()


@pytest.mark.parametrize("name", with_option("tombstoned"))
def test_tombstoned_nodes_are_left_out_unless_asked_for(name: str) -> None:
    def message(node_id: str, parent: str | None = None) -> dict[str, Any]:
        parts = [
            {"id": "p", "kind": "ToolCall", "content": "{}", "prune_state": "Intact"},
            {"id": "q", "kind": "ToolResult", "content": "", "prune_state": "Intact"},
        ]
        spoken = {"Conversation": {"id": node_id, "role": "User", "parts": parts}}
        made = node(node_id, parent, kind="event", event=spoken)
        return {key: made[key] for key in made if key not in ("plugin_type", "body")}

    entry = {"code": "c", "output": [], "protocol_iteration": 0, "reasoning": ""}
    step = {"Protocol": {"plugin_id": "p", "payload": {"RlmTrajectoryEntry": entry}}}
    steps = [node(key, kind="event", event=step) for key in ("s1", "s2")]
    for made in steps:
        del made["plugin_type"], made["body"]
    with lg.open(":memory:") as store:
        store.append_session_graph_nodes([message("m1"), message("m2", "m1"), *steps])
        store.tombstone_nodes(["m1", "s2"])
        living, all_of_them = getattr(store, name)(), getattr(store, name)(tombstoned=True)
        store.tombstone_nodes(["m2", "s1"])
        none, dead = getattr(store, name)(), getattr(store, name)(tombstoned=True)
    assert len(all_of_them) == 2 * len(living) > 0
    assert len(none) == 0
    assert len(dead) == len(all_of_them)
    if "tombstoned" in living:
        assert not living["tombstoned"].any()
        assert all_of_them["tombstoned"].sum() == len(living)
        assert dead["tombstoned"].all()
    assert [str(dtype) for dtype in none.dtypes] == lg.schema(name)["dtype"].tolist()


def test_a_store_of_tombstones_only(recorded: Recorded) -> None:
    path = recorded(TOOLS)
    with lg.open(path, "rw") as store:
        store.tombstone_nodes(store.nodes()["node_id"].tolist())
        nodes, row = store.nodes(), store.sessions().iloc[0]
        n_calls = len(store.tool_calls(tombstoned=True))
    assert nodes["tombstoned"].all()
    assert not nodes["on_active_path"].any()
    assert nodes["is_leaf"].all()
    assert nodes["branch_id"].isna().all()
    assert nodes["depth"].tolist() == [0] * len(nodes)
    assert set(nodes["parent_status"]) == {"root", "tombstoned"}
    assert (row["n_nodes"], row["n_tombstoned"]) == (len(nodes), len(nodes))
    assert (row["n_messages"], row["n_tool_calls"], row["n_branches"]) == (0, 0, 0)
    assert pd.isna(row["first_at"])
    assert n_calls > 0


@pytest.mark.parametrize("name", with_option("strict"))
def test_strict_raises_where_there_is_damage(name: str, recorded: Recorded) -> None:
    of_turns, of_head = {"turns", "history"}, {"agent_frames"}
    if name in ("checkpoints", "usage"):
        path = recorded("damaged/manifest-zlib-corrupt.db.gz")
        with lg.open(path, "rw") as store, store._database.transaction("damage") as connection:
            connection.execute("INSERT INTO usage_deltas VALUES (9, 'turn', 'm', x'00', 1, 1, 1)")
    elif name in of_turns | of_head:
        path = recorded(TURN_DAMAGED if name in of_turns else "damaged/head-not-json.db.gz")
    else:
        path = recorded(NODES_DAMAGED)
    with lg.open(path) as store:
        with pytest.raises(errors.DamagedDataError, match="problems") as caught:
            getattr(store, name)(strict=True)
        with pytest.warns(errors.DamagedDataWarning, match="problems") as told:
            getattr(store, name)()
        assert caught.value.key in store.problems()["key"].tolist()
    assert str(path) in str(caught.value)
    assert caught.value.path == str(path)
    assert [warning.filename for warning in told] == [__file__]
    with lg.open(recorded("damaged/healthy.db.gz")) as store:
        assert getattr(store, name)(strict=True).equals(getattr(store, name)())


@pytest.mark.parametrize("name", with_option("progress"))
def test_a_bar_is_shown_on_stderr_if_wanted(
    name: str, recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"verify": True} if name == "blobs" else {}
    with lg.open(recorded(TOOLS)) as store:
        quiet = getattr(store, name)(**options)
        assert capsys.readouterr() == ("", "")
        shown = getattr(store, name)(progress=True, **options)
    out, err = capsys.readouterr()
    assert out == ""
    assert "100%" in err
    pd.testing.assert_frame_equal(shown, quiet)
