"""Frames: declared columns also when empty, what they say of themselves, and how they agree.

Their values are tested in ``test_frames_by_hand``, what can be asked of them in
``test_frames_asked``, and what is odd in ``test_frames_odd``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from stores import recorded_params, unpack

import lashgraph as lg
from lashgraph import errors
from lashgraph.frames import SCHEMAS, document
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
        "damaged/head-not-json.db.gz",
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


def test_the_page_about_frames_is_made_of_the_declared_columns() -> None:
    page = (Path(__file__).parents[1] / "docs" / "frames.md").read_text()
    assert page == document.markdown(), "python -m lashgraph.frames.document > docs/frames.md"
    assert set(document.CALLS) <= set(SCHEMAS)
    for name in set(SCHEMAS) - set(document.CALLS):
        assert callable(getattr(lg.Store, name)), name


def test_every_column_says_what_it_means() -> None:
    for name, schema in SCHEMAS.items():
        assert len(set(schema.names)) == len(schema.names), name
        for column in schema.columns:
            assert column.meaning, f"{name}.{column.name}"
            assert column.meaning[-1] not in ".;,", f"{name}.{column.name}"
            assert (column.dtype == "category") == bool(column.categories)


# Frames of one store, against each other


@pytest.mark.parametrize("gz", recorded_params("sessions/*.db.gz"))
def test_frames_of_a_session_agree(gz: Path, tmp_path: Path) -> None:
    path = unpack(gz, tmp_path)
    with lg.open(path) as store:
        blobs, nodes, usage = store.blobs(), store.nodes(), store.usage()
        row, calls = store.sessions().iloc[0], store.tool_calls()
        plans = {name: store.plan_gc(lg.GcPolicy(name)) for name in ("safe", "runtime")}
        branches, n_problems = store.tree().branches(), len(store.problems())
    for name, plan in plans.items():
        assert set(blobs.loc[~blobs[f"reachable_{name}"], "hash"]) == set(plan.doomed_hashes)
    assert row["file_bytes"] == path.stat().st_size
    assert row["wal_bytes"] == 0
    assert row["freelist_bytes"] % 4096 == 0
    assert row["blob_bytes"] == blobs["stored_bytes"].sum()
    assert row["reclaimable_bytes"] == plans["safe"].deleted_bytes
    assert row["output_tokens"] == usage["output_tokens"].sum()
    assert row["n_problems"] == n_problems
    assert row["n_branches"] == len(branches) == nodes["branch_id"].nunique()
    assert row["n_tool_calls"] == calls["call_node_id"].notna().sum()
    assert nodes["branch_id"].dropna().value_counts().to_dict() == dict(
        zip(branches["branch_id"], branches["n_nodes"], strict=True)
    )


@pytest.mark.parametrize("gz", recorded_params("sessions/*.db.gz"))
def test_history_adds_up(gz: Path, tmp_path: Path) -> None:
    with lg.open(unpack(gz, tmp_path)) as store:
        history, turns = store.history(), store.turns()
    assert history["turn_id"].tolist() == turns["turn_id"].tolist()
    known = history["live_bytes"] + history["garbage_bytes"]
    assert known.tolist() == history["new_bytes"].cumsum().tolist()
    assert (history[["new_bytes", "live_bytes", "garbage_bytes"]] >= 0).all(axis=None)
