"""Stores of every released schema version: each reads as the release that wrote it read it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from recorded import (
    Json,
    check,
    folder_state,
    read_json,
    shown,
    shown_batch,
    shown_checkpoint,
    without_nulls,
)
from stores import recorded_params, unpack

import lashgraph as lg

CATALOGUE = "v38"
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
