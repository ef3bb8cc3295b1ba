"""Stores of every released schema version: each reads as the release that wrote it read it."""

from __future__ import annotations

import re
import sqlite3
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
from recorded import (
    Json,
    blob_hashes,
    check,
    folder_state,
    read_json,
    rows,
    shown,
    shown_batch,
    shown_checkpoint,
    shown_report,
    without_nulls,
)
from stores import recorded_params, unpack

import lashgraph as lg
from lashgraph import errors
from lashgraph.frames.catalogue import SCHEMAS

CATALOGUE = "v38"
TURSO = range(25, 35)
"""Releases that wrote with the Turso engine."""

FIRST_WITH_INPUTS = 75
FIRST_WITH_CACHE = 79
NAME = re.compile(r"v(\d+)-alpha(\d+)(\.child)?")
RELEASES = re.compile(r"alpha\.(\d+)(?: to alpha\.(\d+))?")


class Recorded(NamedTuple):
    """A store, a copy of the test's own, and what its release said of it."""

    name: str
    path: Path
    expected: Json

    def check(self, expected: Json, got: Json, where: str) -> None:
        """Fail, naming the store, if two JSON values differ."""
        check(expected, got, self.name, where)

    @property
    def release(self) -> int:
        """The number of the alpha that wrote it."""
        found = NAME.fullmatch(self.name)
        assert found is not None, self.name
        return int(found[2])


def is_of_one_session(param: Any) -> bool:
    path = param.values[0]
    return path is None or not path.name.startswith(CATALOGUE)


@pytest.fixture(
    params=[
        pytest.param(
            *one.values, id=one.values[0].name[:-6] if one.values[0] else one.id, marks=one.marks
        )
        for one in recorded_params("versions/*.db.gz")
        if is_of_one_session(one)
    ]
)
def recording(request: pytest.FixtureRequest, tmp_path: Path) -> Recorded:
    gz: Path = request.param
    folder = tmp_path / "versions"
    folder.mkdir()
    answers = gz.with_name(f"{gz.name.removesuffix('.db.gz')}.expected.json.gz")
    return Recorded(gz.name.removesuffix(".db.gz"), unpack(gz, folder), read_json(answers))


def test_a_store_is_recognised_by_the_release_that_wrote_it(recording: Recorded) -> None:
    with lg.open(recording.path) as store:
        row = store.sessions().iloc[0]
    assert row["schema_version"] == recording.expected["user_version"]
    found = RELEASES.fullmatch(row["releases"])
    assert found is not None
    assert int(found[1]) <= recording.release <= int(found[2] or found[1])


def test_the_graph_loads_as_its_release_loads_it(recording: Recorded) -> None:
    before = folder_state(recording.path.parent)
    with lg.open(recording.path) as store:
        session = store.load_session()
        assert session is not None
        ids, path = store.load_session_graph().ids, store.load_active_path()
        by_sql, in_memory = path.ids, store.tree().active_path()
        nodes = [store.load_node(node_id) for node_id in ids]
        assert not len(store.problems())
    recording.check(recording.expected["load_session_graph_ids"], ids, "load_session_graph")
    recording.check(recording.expected["load_session_graph_ids"], session.graph.ids, "load_session")
    recording.check(recording.expected["active_path_ids"], by_sql, "load_active_path")
    recording.check(recording.expected["active_path_ids"], in_memory, "tree")
    assert path.leaf == recording.expected["leaf_node_id"]
    recording.check(recording.expected["nodes"], shown(nodes), "nodes")
    assert folder_state(recording.path.parent) == before


def test_the_head_is_what_its_release_answers(recording: Recorded) -> None:
    with lg.open(recording.path) as store:
        head, session = shown(store.load_head()), store.load_session()
    assert session is not None
    for name, value in recording.expected["head_meta"].items():
        recording.check(value, head.get(name), f"head.{name}")
    told = recording.expected["head"]
    recording.check(told["config"], shown(session.config), "config")
    frames = [frame.frame_id for frame in session.agent_frames]
    recording.check(told["agent_frames"] or [], frames, "agent_frames")
    assert session.current_agent_frame_id == (told["current_agent_frame_id"] or "")
    assert (session.session_id, session.head_revision, session.checkpoint_ref) == (
        told["session_id"],
        told["head_revision"],
        told["checkpoint_ref"],
    )


def test_metadata_picker_and_ledger_are_what_its_release_answers(recording: Recorded) -> None:
    expected = recording.expected
    with lg.open(recording.path) as store:
        meta, picker = shown(store.load_meta()), shown(store.picker_info())
        ledger, deltas = shown(store.token_ledger()), shown(store.load_usage_deltas())
    recording.check(without_nulls(expected["session_meta"]), without_nulls(meta), "session_meta")
    recording.check(without_nulls(expected["picker"]), without_nulls(picker), "picker")
    recording.check(expected["token_ledger"], ledger, "token_ledger")
    recording.check(expected["usage_deltas"], deltas, "usage_deltas")


def test_the_checkpoint_is_what_its_release_answers(recording: Recorded) -> None:
    ref = recording.expected["head"]["checkpoint_ref"]
    with lg.open(recording.path) as store:
        checkpoint = shown_checkpoint(store.get_checkpoint(ref))
    told = without_nulls(recording.expected["checkpoint"])
    recording.check(told, without_nulls(checkpoint), "checkpoint")


def test_queued_work_and_attachments_are_what_its_release_answers(recording: Recorded) -> None:
    with lg.open(recording.path) as store:
        queued = [shown_batch(batch) for batch in store.list_queued_work()]
        waiting = [one.attachment_id for one in store.list_uncommitted_attachments()]
    told = [without_nulls(batch) for batch in recording.expected["queued_work"]]
    recording.check(told, queued, "queued_work")
    recording.check(recording.expected["uncommitted_attachments"], waiting, "attachments")


def test_its_collection_is_planned_as_it_ran(recording: Recorded) -> None:
    expected = recording.expected
    with lg.open(recording.path) as store:
        before = set(store.blobs()["hash"])
        plan = store.plan_gc(lg.GcPolicy.runtime())
        safe = store.plan_gc()
    recording.check(sorted(expected["blob_hashes_before"]), sorted(before), "blobs")
    after = before - set(plan.doomed_hashes)
    recording.check(sorted(expected["blob_hashes_after"]), sorted(after), "after")
    kept = set(after)
    if expected["head"]["agent_frames"]:
        kept |= {expected["frame_execution_state_ref"]} & before
    assert set(safe.doomed_hashes) <= set(plan.doomed_hashes)
    assert not set(safe.doomed_hashes) & kept


def test_its_collection_sweeps_as_it_ran(recording: Recorded, tmp_path: Path) -> None:
    expected = recording.expected
    if recording.release in TURSO:
        with pytest.raises(errors.NotSQLiteError, match="Turso"):
            lg.open(recording.path, "rw")
        with lg.open(recording.path) as store, pytest.raises(errors.ReadOnlyStoreError):
            store.gc_unreachable(lg.GcPolicy.runtime())
        return
    with lg.open(recording.path, "rw") as store:
        plan = store.plan_gc(lg.GcPolicy.runtime())
        assert not plan.refusal
        forecast = store.forecast(plan)
        report = store.sweep(plan, backup=tmp_path / "backups", compact=True)
        again = store.gc_unreachable(lg.GcPolicy.runtime())
        ref = expected["head"]["checkpoint_ref"]
        checkpoint = shown_checkpoint(store.get_checkpoint(ref))
        frame = expected["frame_execution_state_ref"]
        survives = frame is not None and store.get_blob(frame) is not None
    recording.check(expected["gc_report"], shown_report(report), "gc_report")
    assert again.deleted_blob_count == 0
    recording.check(sorted(expected["blob_hashes_after"]), sorted(blob_hashes(recording.path)), "")
    recording.check(without_nulls(expected["checkpoint"]), without_nulls(checkpoint), "checkpoint")
    assert survives == bool(expected["frame_execution_state_ref_survives_gc"])
    assert forecast.exact
    assert forecast.file_bytes_after_compact == recording.path.stat().st_size
    assert report.backup is not None
    restored = tmp_path / "restored.db"
    lg.restore(report.backup, to=restored)
    recording.check(sorted(expected["blob_hashes_before"]), sorted(blob_hashes(restored)), "")


def test_a_vacuum_deletes_what_its_release_deletes(recording: Recorded) -> None:
    if recording.release in TURSO:
        pytest.skip("SQLite does not write files of the Turso engine")
    inputs = "SELECT state FROM pending_turn_inputs"
    has_inputs = recording.release >= FIRST_WITH_INPUTS
    if has_inputs:
        with closing(sqlite3.connect(recording.path)) as connection:
            for state in ("cancelled", "completed", "deferred_next_turn"):
                connection.execute(
                    "INSERT INTO pending_turn_inputs (input_id, session_id, ingress_json, state, "
                    "input_json, enqueued_at_ms) VALUES (?, 's', '{}', ?, '{}', 0)",
                    (f"test-{state}", state),
                )
            connection.commit()
            before = sorted(state for (state,) in connection.execute(inputs))
            assert {"cancelled", "completed"} < set(before)
    with lg.open(recording.path, "rw") as store:
        removed = store.vacuum()
        ids = store.load_session_graph().ids
        assert store.vacuum() == 0
    assert removed == recording.expected["vacuum"]["removed_node_count"]
    recording.check(recording.expected["load_session_graph_ids_after_vacuum"], ids, "vacuum")
    if has_inputs:
        left = sorted(row[0] for row in rows(recording.path, inputs))
        assert left == [state for state in before if state not in ("cancelled", "completed")]


def test_only_version_3_is_written(recording: Recorded) -> None:
    if recording.release in TURSO:
        pytest.skip("SQLite does not write files of the Turso engine")
    node = {
        "node_id": "new",
        "timestamp": "2026-01-01T00:00:00+00:00",
        "kind": "plugin",
        "plugin_type": "note",
        "body": 1,
    }
    writes = {
        "append_session_graph_nodes": lambda store: store.append_session_graph_nodes([node]),
        "put_blob": lambda store: store.put_blob(b"new"),
        "save_meta": lambda store: store.save_meta(store.load_meta()),
        "tombstone_nodes": lambda store: store.tombstone_nodes(["n01"]),
    }
    version = recording.expected["user_version"]
    with lg.open(recording.path, "rw") as store:
        for name, write in writes.items():
            if version == 3:
                write(store)
                continue
            with pytest.raises(errors.VersionNotWrittenError, match=f"{name}.*version {version} "):
                write(store)
        assert (store.load_node("new") is not None) == (version == 3)


def test_every_frame_and_picture_is_made(recording: Recorded) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with lg.open(recording.path) as store, store.snapshot():
            for name in sorted(SCHEMAS):
                make = getattr(store, name, None)
                if make is not None and name not in ("simulation", "why", "freed", "reached"):
                    frame = make()
                    assert list(frame.columns) == SCHEMAS[name].names, name
            found = store.check("full")
            graph, plan = store.tree(), store.plan_gc()
            reach = store.reachability()
            assert set(store.blobs()["hash"]) - set(plan.doomed_hashes) <= reach.live
            assert len(graph.transcript().markdown()) > 0
            drawn = lg.plot.session_tree(graph)
            told = lg.plot.timeline(store.turns(), store.tool_calls(), store.usage())
    assert drawn.get_title(loc="left")
    assert told.get_title(loc="left")
    grave = found[found["severity"] == "error"]
    assert not len(grave), grave["what"].tolist()
    assert "usage-below-checkpoint" not in set(found["code"])


def test_usage_means_the_same_of_every_release(recording: Recorded) -> None:
    with lg.open(recording.path) as store:
        usage, session = store.usage(), store.sessions().iloc[0]
    cached = recording.release >= FIRST_WITH_CACHE
    for row, told in zip(usage.itertuples(), recording.expected["usage_deltas"], strict=True):
        stored = told["usage"]
        if cached:
            read, written = stored["cache_read_input_tokens"], stored["cache_write_input_tokens"]
            assert row.input_tokens == stored["input_tokens"] + read + written
            assert (row.cache_read_tokens, row.cache_write_tokens) == (read, written)
            assert row.reasoning_tokens == stored["reasoning_output_tokens"]
        else:
            assert row.input_tokens == stored["input_tokens"]
            assert row.cache_read_tokens == stored["cached_input_tokens"]
            assert pd.isna(row.cache_write_tokens)
            assert row.reasoning_tokens == stored["reasoning_tokens"]
        assert row.output_tokens == stored["output_tokens"]
        assert row.accounting == ("v7" if cached else "v1")
    counted = {(row.source, row.model) for row in usage[usage["in_ledger"]].itertuples()}
    ledger = {(one["source"], one["model"]) for one in recording.expected["token_ledger"]}
    assert counted == ledger
    assert session["input_tokens"] == usage["input_tokens"].sum()
    assert session["accounting"] == ("v7" if cached else "v1")
