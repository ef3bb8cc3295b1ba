"""Sessions that the whole runtime wrote: every answer about them is the runtime's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from recorded import (
    Json,
    blob_hashes,
    check,
    folder_state,
    read_json,
    rows,
    sha256,
    shown,
    shown_batch,
    shown_checkpoint,
    shown_report,
    without_nulls,
)
from stores import recorded_params, stem, unpack

import lashgraph
from lashgraph import GcPolicy
from lashgraph.format.html import escape, visible
from lashgraph.testing import oracle
from lashgraph.tree.messages import message_text

FAR_FUTURE_MS = 2**53


class Recorded(NamedTuple):
    """A session's file, a copy of the test's own, and what the runtime said of it."""

    name: str
    path: Path
    expected: Json

    def check(self, expected: Json, got: Json, where: str) -> None:
        """Fail, naming the session, if two JSON values differ."""
        check(expected, got, self.name, where)


@pytest.fixture(params=recorded_params("sessions/*.db.gz"))
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Recorded:
    gz: Path = request.param
    folder = tmp_path / "sessions"
    folder.mkdir()
    answers = gz.with_name(f"{gz.name.removesuffix('.db.gz')}.expected.json.gz")
    return Recorded(stem(gz), unpack(gz, folder), read_json(answers))


# The graph


def test_nodes_load_in_the_runtimes_order(session: Recorded) -> None:
    with lashgraph.open(session.path) as store:
        ids = store.load_session_graph().ids
        full = store.load_session(scope="full")
    session.check(session.expected["load_session_graph"], ids, "load_session_graph")
    session.check(session.expected["load_session_graph"], full.graph.ids, "load_session")


def test_active_paths_lead_from_the_head_and_from_every_leaf(session: Recorded) -> None:
    expected = session.expected
    with lashgraph.open(session.path) as store:
        active, tree = store.load_active_path(), store.tree()
        loaded = store.load_session(scope="active")
        assert active.leaf == tree.leaf == expected["leaf_node_id"]
        session.check(expected["active_path"], active.ids, "load_active_path")
        session.check(expected["active_path"], loaded.graph.ids, "load_session")
        session.check(expected["active_path"], tree.active_path(), "tree")
        for leaf, path in expected["active_path_per_leaf"].items():
            session.check(path, store.load_active_path(leaf).ids, f"load_active_path({leaf})")
            session.check(path, tree.active_path(leaf), f"tree, leaf {leaf}")
    parents = {node.parent_node_id for node in tree.nodes}
    assert set(tree.ids) - parents == set(expected["active_path_per_leaf"])


def test_nodes_of_the_active_path_hold_what_the_runtime_read(session: Recorded) -> None:
    with lashgraph.open(session.path) as store:
        nodes = store.load_active_path().nodes
    got = [node_summary(shown(node)) for node in nodes]
    expected = [without_text(node) for node in session.expected["active_path_nodes"]]
    session.check(expected, got, "active_path_nodes")


def node_summary(node: Json) -> Json:
    """A node's JSON in the recorded form."""
    message = node.get("event", {}).get("Conversation")
    return {
        "node_id": node["node_id"],
        "parent": node.get("parent_node_id"),
        "agent_frame_id": node.get("agent_frame_id"),
        "plugin": node.get("plugin_type"),
        "message": message
        and {
            "id": message["id"],
            "role": message["role"],
            "origin": message.get("origin"),
            "parts": [part_summary(part) for part in message["parts"]],
        },
    }


def part_summary(part: Json) -> Json:
    named = ("id", "kind", "prune_state", "tool_call_id", "tool_name")
    return {
        **{name: part.get(name) for name in named},
        "content": text_summary(part["content"]),
        "has_attachment": "attachment" in part,
    }


def text_summary(text: str) -> Json:
    """A text as it is, or beyond 300 characters its measures."""
    if len(text) <= 300:
        return text
    encoded = text.encode()
    measures = {"chars": len(text), "bytes": len(encoded), "head": text[:80]}
    return {**measures, "sha256": sha256(encoded)}


def without_text(node: Json) -> Json:
    """A recorded node without the message's joined text, which is the read model's."""
    message = node["message"]
    if message is None:
        return node
    return {**node, "message": {key: message[key] for key in ("id", "role", "origin", "parts")}}


def test_the_message_tree_is_that_of_the_runtimes_picker(session: Recorded) -> None:
    with lashgraph.open(session.path) as store:
        tree = store.tree()
    frame = tree.message_tree()
    columns = ["depth", "node_id", "parent_node_id", "role", "active"]
    got = frame[columns].astype(object).where(frame[columns].notna(), None).values.tolist()
    expected = session.expected["message_tree_flat__depth_id_parent_role_active"]
    session.check(expected, got, "message_tree")
    on_path = set(session.expected["active_path"])
    assert frame["on_active_path"].tolist() == [name in on_path for name in frame["node_id"]]
    edges = {(parent, name) for _, name, parent, _, _ in expected if parent is not None}
    assert set(tree.to_networkx("messages").edges) == edges


def test_the_transcript_is_the_runtimes_read_model(session: Recorded) -> None:
    expected = session.expected["read_model_full_graph"]
    with lashgraph.open(session.path) as store:
        transcript = store.tree().transcript()
        turn_state = store.load_session().checkpoint.turn_state
    got = {
        "messages": [message_summary(message) for message in transcript.messages],
        "active_event_count": transcript.active_event_count,
        "token_usage": shown(turn_state.token_usage),
        "turn_index": turn_state.turn_index,
    }
    session.check(expected, got, "read_model")
    assert session.expected["read_model_active_path"] == "same as read_model_full_graph"


def message_summary(message: Any) -> Json:
    """A message in the form of the read model."""
    parts = shown(message)["parts"]
    return {
        "id": message.id,
        "role": message.role,
        "origin": shown(message.origin),
        "parts": [part_summary(part) for part in parts],
        "text": text_summary(message_text(message)),
    }


def test_every_form_of_a_transcript_holds_all_that_was_said(session: Recorded) -> None:
    with lashgraph.open(session.path) as store:
        tree = store.tree()
    for leaf in session.expected["active_path_per_leaf"]:
        transcript = tree.transcript(leaf, every_frame=True)
        said = [part.content for each in transcript.messages for part in each.parts]
        said += [step.code for step in transcript.steps]
        said += [step.final_output for step in transcript.steps if step.final_output is not None]
        page, document = transcript.html(), transcript.markdown()
        for text in said:
            assert escape(text) in page
            assert visible(text) in document
        entries = json.loads(transcript.json())["entries"]
        assert len(entries) == len(transcript.messages) + len(transcript.steps)
        records = transcript.chat()
        calls = [call["id"] for record in records for call in record.get("tool_calls", ())]
        results = [record["tool_call_id"] for record in records if record["role"] == "tool"]
        assert sorted(calls) == sorted(results)


# Head, metadata, checkpoint, blobs


def test_head_metadata_and_ledger_are_the_runtimes(session: Recorded) -> None:
    expected = session.expected
    with lashgraph.open(session.path) as store:
        loaded = store.load_session()
        session.check(expected["session_head_meta"], shown(store.load_head()), "head")
        meta = without_nulls(shown(store.load_meta()))
        session.check(without_nulls(expected["session_meta"]), meta, "meta")
        session.check(expected["token_ledger"], shown(store.token_ledger()), "token_ledger")
        picker = without_nulls(shown(store.picker_info()))
    session.check(without_nulls(expected["load_picker_info"]), picker, "picker")
    session.check(expected["token_ledger"], shown(loaded.token_ledger), "load_session")
    assert loaded.checkpoint_ref == expected["checkpoint_ref"]


def test_the_checkpoint_decodes_to_what_the_runtime_read(session: Recorded) -> None:
    expected = without_nulls(session.expected["checkpoint"])
    with lashgraph.open(session.path) as store:
        checkpoint = store.get_checkpoint(session.expected["checkpoint_ref"])
        loaded = store.load_session().checkpoint
    session.check(expected, checkpoint_summary(checkpoint), "get_checkpoint")
    session.check(expected, checkpoint_summary(loaded), "load_session")


def checkpoint_summary(checkpoint: Any) -> Json:
    """A checkpoint in the recorded form: plugins in a row, artifacts by size, state as text."""
    if checkpoint is None:
        return None
    made = without_nulls(shown_checkpoint(checkpoint)) or {}
    state = made.pop("execution_state", None)
    if state is not None:
        made["execution_state_text"] = text_summary(bytes(state).decode())
    snapshot = made.pop("plugin_snapshot", None)
    if snapshot is not None:
        made["plugin_snapshot_plugins"] = [
            {
                "id": name,
                "meta": plugin["meta"],
                "artifacts": [
                    {"name": artifact["name"], "len": len(artifact["data"])}
                    for artifact in plugin["artifacts"]
                ],
            }
            for name, plugin in snapshot["plugins"].items()
        ]
    return made


def test_every_blob_decodes_to_the_recorded_content(session: Recorded) -> None:
    got = {}
    with lashgraph.open(session.path) as store:
        for key in session.expected["blobs_before_gc"]:
            content = store.get_blob(key)
            assert sha256(content) == key
            got[key] = {"decoded_len": len(content), "decoded_head_hex": content[:24].hex()}
    session.check(session.expected["blob_info"], got, "blob_info")


# The queue and the attachments


def test_queue_and_attachments_are_the_runtimes(session: Recorded) -> None:
    expected = session.expected
    with lashgraph.open(session.path) as store:
        batches = store.list_queued_work(expected["session_head_meta"]["session_id"])
        attachments = store.list_uncommitted_attachments(FAR_FUTURE_MS)
    queued = [shown_batch(batch) for batch in batches]
    session.check(expected["queued_work"], queued, "queued_work")
    pending = [batch.batch_id for batch in batches]
    session.check(expected["pending_queued_work"], pending, "pending_queued_work")
    listed = [
        {
            "id": attachment.attachment_id,
            "session_id": attachment.session_id,
            "uri": attachment.canonical_uri,
            "intent_at": attachment.intent_at_ms,
            "committed_at": attachment.committed_at_ms,
        }
        for attachment in attachments
    ]
    session.check(expected["uncommitted_attachments"], listed, "uncommitted_attachments")


# Frames


def test_frames_have_a_row_for_each_row_of_the_file(session: Recorded) -> None:
    expected = session.expected["summary"]
    with lashgraph.open(session.path) as store:
        got = {
            "graph_rows": len(store.nodes()),
            "blobs": len(store.blobs()),
            "turn_commits": len(store.turns()),
            "usage_deltas": len(store.usage()),
        }
        assert set(store.blobs()["hash"]) == set(session.expected["blobs_before_gc"])
        assert len(store.sessions()) == 1
    session.check({name: expected[name] for name in got}, got, "summary")


def test_a_session_of_the_runtime_has_no_problems(session: Recorded) -> None:
    with lashgraph.open(session.path) as store:
        problems = store.problems()
    assert problems.empty, problems.to_string()


# Garbage collection


def test_collection_and_vacuum_do_what_the_runtime_did(session: Recorded) -> None:
    expected = session.expected
    assert blob_hashes(session.path) == set(expected["blobs_before_gc"])
    with lashgraph.open(session.path, mode="rw") as store:
        first = store.gc_unreachable(GcPolicy.runtime())
        session.check(expected["gc_report"], shown_report(first), "gc_report")
        assert blob_hashes(session.path) == set(expected["blobs_after_gc"])
        second = store.gc_unreachable(GcPolicy.runtime())
        session.check(expected["gc_report_second_run"], shown_report(second), "second run")
        assert store.vacuum() == expected["vacuum_removed_node_count"]
        assert len(store.load_session_graph().ids) == expected["active_path_after_gc"]
        checkpoint = store.get_checkpoint(expected["checkpoint_ref"])
        assert (checkpoint is not None) == expected["checkpoint_loads_after_gc"]
        kept = without_nulls(expected["checkpoint"])
        session.check(kept, checkpoint_summary(checkpoint), "checkpoint after gc")
    count = rows(session.path, "SELECT count(*) FROM graph_nodes")[0][0]
    assert count == expected["graph_rows_after_vacuum"]
    integrity = rows(session.path, "PRAGMA integrity_check")[0][0]
    assert integrity == expected["integrity_check_after_gc_vacuum"]


@pytest.mark.parametrize(
    "policy", [GcPolicy.runtime(), GcPolicy.safe(), GcPolicy.safe(keep_turns=3)], ids=repr
)
def test_a_dry_run_names_what_the_oracle_names(session: Recorded, policy: GcPolicy) -> None:
    with lashgraph.open(session.path) as store:
        plan = store.plan_gc(policy)
    judged = oracle.judge(session.path, policy=policy.name, keep_turns=policy.keep_turns)
    assert (judged.verdict, set(judged.doomed)) == ("sweep", set(plan.doomed_hashes))
    if policy.name == "runtime":
        survivors = set(session.expected["blobs_before_gc"]) - set(plan.doomed_hashes)
        assert survivors == set(session.expected["blobs_after_gc"])
        session.check(session.expected["gc_report"], shown_report(plan), "plan")


# Reading leaves no trace


def test_reading_everything_leaves_the_folder_as_it_was(session: Recorded) -> None:
    before = folder_state(session.path.parent)
    with lashgraph.open(session.path) as store:
        read_everything(store, session.expected)
        assert folder_state(session.path.parent) == before
    assert folder_state(session.path.parent) == before


def read_everything(store: Any, expected: Json) -> None:
    """Call every method that reads."""
    session_id = expected["session_head_meta"]["session_id"]
    store.load_session_graph()
    store.load_active_path()
    for leaf in expected["active_path_per_leaf"]:
        store.load_active_path(leaf)
        store.load_node(leaf)
    store.load_session(scope="full")
    store.load_session(scope="active")
    store.load_head()
    store.load_meta()
    store.load_usage_deltas()
    store.token_ledger()
    store.picker_info()
    store.list_queued_work(session_id)
    store.list_uncommitted_attachments(FAR_FUTURE_MS)
    store.get_blob(expected["checkpoint_ref"])
    store.get_checkpoint(expected["checkpoint_ref"])
    store.get_module_artifact("lashlang:v1:sha256:of-no-module")
    for graph in (store.tree(), store.tree(tombstoned=True)):
        graph.active_path()
        graph.branches()
        graph.message_tree()
        graph.transcript().html()
        for level in ("nodes", "messages", "branches"):
            graph.to_networkx(level)
    for policy in (GcPolicy.runtime(), GcPolicy.safe(keep_turns=2)):
        store.reachability(policy).to_networkx()
        plan = store.plan_gc(policy)
        plan.doomed()
        plan.kept()
    with store.snapshot():
        for frame in ("nodes", "blobs", "refs", "turns", "usage", "sessions", "problems"):
            getattr(store, frame)()
