"""Writing: one transaction each; what fails leaves the old state and says why."""

from __future__ import annotations

import inspect
import sqlite3
import threading
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from processes import run_script
from recorded import blob_hashes, final_tables, folder_state, rows

import lashgraph as lg
from lashgraph import GcPolicy, StoreOptions, errors
from lashgraph.store.writing import WritingStore

HEALTHY = "damaged/healthy.db.gz"
Recorded = Callable[[str], Path]
CONFIG = {"provider_id": "p", "model": {"id": "m", "limits": {"context_window_tokens": 1}}}
STAMP = {"session_id": "s", "turn_id": "t", "turn_commit_hash": "h"}


def node(node_id: str, parent: str | None = None, **more: Any) -> dict[str, Any]:
    made = {
        "node_id": node_id,
        "timestamp": "2026-01-01T00:00:00+00:00",
        "kind": "plugin",
        "plugin_type": "note",
        "body": {},
        **more,
    }
    return made if parent is None else {**made, "parent_node_id": parent}


def commit(**more: Any) -> dict[str, Any]:
    made = {
        "session_id": "s",
        "config": CONFIG,
        "graph": {"Unchanged": {"leaf_node_id": None}},
        "checkpoint": {"turn_state": {"turn_index": 1}},
    }
    return made | more


ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "append_session_graph_nodes": ([node("new")],),
    "replace_session_graph": ([node("new")],),
    "tombstone_nodes": (["n1"],),
    "vacuum": (),
    "compact": (),
    "put_blob": (b"x",),
    "put_artifact_blob": ({"kind": "GenericBlob"}, b"x"),
    "put_checkpoint": ({},),
    "put_module_artifact": ("lashlang:v1:x", b"{}"),
    "save_head": ({"session_id": "s", "config": CONFIG},),
    "save_meta": ({"session_id": "s", "session_name": "n", "created_at": "", "model": "m"},),
    "append_usage_deltas": ([{"source": "turn", "model": "m", "usage": {}}],),
    "commit_runtime_state": (commit(),),
    "enqueue_work": (
        {"session_id": "s", "delivery_policy": "d", "slot_policy": "s", "merge_key": "never"},
    ),
    "record_attachment_intent": ("a", "s", "file:a"),
    "commit_attachments": ("s", ["a"]),
    "forget_attachment": ("a",),
    "gc_unreachable": (),
}
WRITES = [
    name
    for name, method in inspect.getmembers(WritingStore, inspect.isfunction)
    if not name.startswith("_") and name in vars(WritingStore)
] + ["gc_unreachable"]


@pytest.mark.parametrize("name", WRITES)
def test_every_write_is_refused_by_a_store_opened_for_reading(
    name: str, recorded: Recorded
) -> None:
    path = recorded(HEALTHY)
    before = folder_state(path.parent)
    with lg.open(path) as store:
        with pytest.raises(errors.ReadOnlyStoreError, match="mode='rw'") as caught:
            getattr(store, name)(*ARGUMENTS[name])
        assert caught.value.operation == name
        with pytest.raises(errors.ReadOnlyStoreError):
            store.sweep(store.plan_gc())
    assert folder_state(path.parent) == before


@pytest.mark.parametrize("name", WRITES)
def test_every_write_works_on_a_store_opened_for_writing(name: str, recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    before = final_tables(path), rows(path, "SELECT * FROM queued_work_batches")
    with lg.open(path, "rw") as store:
        getattr(store, name)(*ARGUMENTS[name])
    after = final_tables(path), rows(path, "SELECT * FROM queued_work_batches")
    changes_nothing = {"vacuum", "compact", "commit_attachments", "forget_attachment"}
    assert (after == before) == (name in changes_nothing)


DEEP: Any = []
for _ in range(2000):
    DEEP = [DEEP]
DRAFT = {"session_id": "s", "delivery_policy": "d", "slot_policy": "s", "merge_key": "never"}
INVALID: dict[str, tuple[str, tuple[Any, ...]]] = {
    "node without kind": ("append_session_graph_nodes", ([{"node_id": "x"}],)),
    "node that is a text": ("append_session_graph_nodes", ("n1",)),
    "half a surrogate": ("append_session_graph_nodes", ([node("x\ud800")],)),
    "not a number": ("append_session_graph_nodes", ([node("x", body=float("nan"))],)),
    "an object of no JSON": ("append_session_graph_nodes", ([node("x", body=object())],)),
    "unknown role": (
        "replace_session_graph",
        (
            [
                {
                    **node("x"),
                    "kind": "event",
                    "event": {"Conversation": {"id": "x", "role": "Cook", "parts": []}},
                }
            ],
        ),
    ),
    "ids as one text": ("tombstone_nodes", ("n1",)),
    "an id that is a number": ("tombstone_nodes", ([1],)),
    "content that is a text": ("put_blob", ("text",)),
    "unknown kind of blob": ("put_artifact_blob", ({"kind": "Poem"}, b"x")),
    "unknown hint": ("put_artifact_blob", ({"kind": "GenericBlob", "hints": ["Soft"]}, b"x")),
    "checkpoint without turn index": ("put_checkpoint", ({"turn_state": {}},)),
    "checkpoint that is a list": ("put_checkpoint", ([1],)),
    "head without config": ("save_head", ({"session_id": "s"},)),
    "meta without a name": ("save_meta", ({"session_id": "s"},)),
    "usage of no source": ("append_usage_deltas", ([{"model": "m"}],)),
    "too many tokens": (
        "append_usage_deltas",
        ([{"source": "t", "model": "m", "usage": {"input_tokens": 1 << 70}}],),
    ),
    "commit of no graph": ("commit_runtime_state", (commit(graph={}),)),
    "commit of two graphs": (
        "commit_runtime_state",
        (commit(graph={"Unchanged": {}, "Append": {"nodes": []}}),),
    ),
    "commit of a node without kind": (
        "commit_runtime_state",
        (commit(graph={"Append": {"nodes": [{"node_id": "x"}]}}),),
    ),
    "queued work of no session": ("enqueue_work", ({"delivery_policy": "d"},)),
    "nodes that are none": ("append_session_graph_nodes", (None,)),
    "a node that is a deep list": ("replace_session_graph", ([DEEP],)),
    "ids that are a number": ("tombstone_nodes", (5,)),
    "a kind with half a surrogate": ("put_artifact_blob", ({"kind": "\ud800"}, b"x")),
    "usage that is none": ("append_usage_deltas", (None,)),
    "usage of half a surrogate": ("append_usage_deltas", ("\ud800",)),
    "a commit of nodes that are a number": (
        "commit_runtime_state",
        (commit(graph={"Append": {"nodes": 5}}),),
    ),
    "a payload that is an object": (
        "put_checkpoint",
        ({"turn_state": {"turn_index": 1, "protocol_turn_options": {"payload": object()}}},),
    ),
    "a payload that holds bytes": (
        "put_checkpoint",
        ({"turn_state": {"turn_index": 1, "protocol_turn_options": {"payload": [b"x"]}}},),
    ),
    "a negative revision": ("commit_runtime_state", (commit(expected_head_revision=-1),)),
    "queued work that is an object": ("enqueue_work", (DRAFT | {"merge_key": object()},)),
    "queued work that is no number": ("enqueue_work", (DRAFT | {"payloads": [float("nan")]},)),
    "an attachment at no time": ("record_attachment_intent", ("a", "s", "file:a", "soon")),
    "a policy that is a text": ("gc_unreachable", ("safe",)),
    "a plan that is a policy": ("sweep", (GcPolicy.safe(),)),
    "a leaf that is a list": ("load_active_path", (["n1"],)),
    "an attachment without an id": ("record_attachment_intent", (None, "s", "file:a")),
}


@pytest.mark.parametrize("what", INVALID)
def test_what_is_no_record_is_refused_and_changes_nothing(what: str, recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    name, arguments = INVALID[what]
    before = final_tables(path)
    with lg.open(path, "rw") as store, pytest.raises(errors.InvalidRecordError):
        getattr(store, name)(*arguments)
    assert final_tables(path) == before


def nested(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


def test_json_is_as_deep_as_the_runtime_reads_it() -> None:
    with lg.open(":memory:") as store:
        store.append_session_graph_nodes([node("deep", body=nested(126))])
        assert store.tree()["deep"].body == nested(126)
        for levels in (127, 200, 100_000):
            with pytest.raises(errors.InvalidRecordError):
                store.append_session_graph_nodes([node("deeper", body=nested(levels))])


# The graph


def test_a_known_id_leaves_the_graph_as_it_was(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    before = final_tables(path)
    with lg.open(path, "rw") as store:
        for nodes in ([node("new"), node("n1")], [node("new"), node("new")]):
            with pytest.raises(errors.DuplicateNodeError) as caught:
                store.append_session_graph_nodes(nodes)
            assert caught.value.node_id == nodes[1]["node_id"]
        with pytest.raises(errors.DuplicateNodeError):
            store.replace_session_graph([node("new"), node("new")])
        with pytest.raises(errors.DuplicateNodeError):
            store.commit_runtime_state(commit(graph={"Append": {"nodes": [node("n1")]}}))
        assert final_tables(path) == before
        assert store.tombstone_nodes(["n1", "unknown"]) == 1
        with pytest.raises(errors.DuplicateNodeError, match="vacuum"):
            store.append_session_graph_nodes([node("n1")])
        assert store.vacuum() == 1
        store.append_session_graph_nodes([node("n1")])


def test_an_empty_append_needs_no_lock(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    with (
        lg.open(path, "rw", StoreOptions(busy_timeout=0)) as store,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        store.append_session_graph_nodes([])
        with pytest.raises(errors.StoreLockedError):
            store.append_session_graph_nodes([node("new")])
        other.execute("ROLLBACK")


# Commits


def test_commits_are_checked_against_head_session_and_turn() -> None:
    with lg.open(":memory:") as store:
        first = store.commit_runtime_state(commit(turn_commit=STAMP, expected_head_revision=0))
        assert (first.head_revision, first.replayed) == (1, False)
        again = store.commit_runtime_state(commit(turn_commit=STAMP, expected_head_revision=0))
        assert (again.head_revision, again.replayed) == (1, True)
        assert len(store.turns()) == 1
        with pytest.raises(errors.HeadRevisionConflictError) as moved:
            store.commit_runtime_state(commit(expected_head_revision=0))
        assert (moved.value.expected, moved.value.actual) == (0, 1)
        with pytest.raises(errors.SessionBindingError) as bound:
            store.commit_runtime_state(commit(session_id="other"))
        assert (bound.value.bound_to, bound.value.session_id) == ("s", "other")
        with pytest.raises(errors.TurnCommitConflictError, match="another hash"):
            store.commit_runtime_state(commit(turn_commit={**STAMP, "turn_commit_hash": "x"}))
        with pytest.raises(errors.TurnCommitConflictError):
            store.commit_runtime_state(commit(turn_commit={**STAMP, "session_id": "other"}))
        with pytest.raises(errors.NotSupportedError, match="queue claims"):
            store.commit_runtime_state(commit(completed_queue_claims=[{"batch_id": "b"}]))
        head = store.load_head()
        assert head is not None
        assert head.head_revision == 1


def test_records_that_were_read_can_be_committed_again(recorded: Recorded) -> None:
    with lg.open(recorded("sessions/std-tools-366bbb0a4d808158.db.gz")) as source:
        session = source.load_session()
    assert session is not None
    with lg.open(":memory:", options=StoreOptions(blob_profile="balanced")) as store:
        graph = {"nodes": session.graph.nodes, "leaf_node_id": session.graph.leaf}
        result = store.commit_runtime_state(
            {
                "session_id": session.session_id,
                "config": session.config,
                "agent_frames": session.agent_frames,
                "current_agent_frame_id": session.current_agent_frame_id,
                "graph": {"Append": graph},
                "checkpoint": session.checkpoint,
            }
        )
        again = store.load_session()
    assert again is not None
    assert result.checkpoint_ref == session.checkpoint_ref
    assert again.checkpoint == session.checkpoint
    assert again.agent_frames == session.agent_frames
    assert again.graph.nodes == session.graph.nodes


def test_a_commit_onto_an_unreadable_head_is_refused(recorded: Recorded) -> None:
    path = recorded("damaged/head-not-json.db.gz")
    before = final_tables_without_head(path)
    with lg.open(path, "rw") as store, pytest.raises(errors.DamagedHeadError, match="head_json"):
        store.commit_runtime_state(commit())
    assert final_tables_without_head(path) == before


def final_tables_without_head(path: Path) -> Any:
    return [
        rows(path, f"SELECT * FROM {name}") for name in ("blobs", "graph_nodes", "session_head")
    ]


def test_a_head_saved_with_its_graph_starts_anew(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    with lg.open(path, "rw") as store:
        head = store.load_head()
        assert head is not None
        store.save_head(head)
        assert store.load_head() == head
        store.save_head(head, [node("only")])
        saved = store.load_head()
        assert saved is not None
        assert (saved.head_revision, saved.graph_node_count) == (0, 1)
        assert store.load_session_graph().ids == ["only"]


# Automatic collection


def test_a_collection_comes_by_itself_after_so_many_commits() -> None:
    options = StoreOptions(gc_policy=GcPolicy.safe(auto_run_every_commits=3))
    with lg.open(":memory:", options=options) as store:
        outcomes = [store.commit_runtime_state(commit()).auto_gc for _ in range(2)]
        store.put_blob(b"garbage")
        outcomes += [store.commit_runtime_state(commit()).auto_gc for _ in range(4)]
        assert [outcome is not None for outcome in outcomes] == [False, False, True] * 2
        assert outcomes[2] is not None
        assert outcomes[2].report is not None
        assert outcomes[2].report.deleted_blob_count == 1
        store.enqueue_work(*ARGUMENTS["enqueue_work"])
        assert store.commit_runtime_state(commit()).auto_gc is None
        assert store.commit_runtime_state(commit()).auto_gc is not None


@pytest.mark.parametrize("interval", [None, 0])
def test_without_an_interval_it_never_comes(interval: int | None) -> None:
    policy = GcPolicy.safe(auto_run_every_commits=interval)
    with lg.open(":memory:", options=StoreOptions(gc_policy=policy)) as store:
        assert all(store.commit_runtime_state(commit()).auto_gc is None for _ in range(5))


def test_a_refused_automatic_collection_leaves_the_commit_standing(recorded: Recorded) -> None:
    path = recorded("damaged/turn-result-not-json.db.gz")
    policy = GcPolicy.safe(auto_run_every_commits=1, keep_turns=2)
    with lg.open(path, "rw", StoreOptions(gc_policy=policy)) as store:
        with pytest.warns(errors.AutoGcWarning, match="the commit stands"):
            result = store.commit_runtime_state(commit())
        assert result.auto_gc is not None
        assert isinstance(result.auto_gc.error, errors.DamagedStoreError)
        head = store.load_head()
        assert head is not None
        assert head.head_revision == result.head_revision


# Compacting, crashes, several writers


def test_compacting_shrinks_the_file_and_loses_nothing(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    with lg.open(path, "rw") as store:
        keys = [store.put_blob(bytes([n]) * 50_000) for n in range(20)]
        before = final_tables(path)
        size = store.compact()
        assert final_tables(path) == before
        assert size.file_bytes_after == path.stat().st_size
        store.gc_unreachable(GcPolicy.safe(keep=[]))
        assert not blob_hashes(path) & set(keys)
        shrunk = store.compact()
        assert shrunk.file_bytes_after < shrunk.file_bytes_before - 900_000
        assert store.compact().file_bytes_before == shrunk.file_bytes_after


def test_a_writer_that_dies_leaves_the_old_state(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    before = final_tables(path)
    script = (
        "import os, sys, lashgraph as lg\n"
        "from lashgraph.sqlite import nodes\n"
        "store = lg.open(sys.argv[1], 'rw')\n"
        "with store._database.transaction('x') as connection:\n"
        "    connection.execute('DELETE FROM blobs')\n"
        "    nodes.replace(connection, [])\n"
        "    os._exit(9)\n"
    )
    assert run_script(script, str(path)).returncode == 9
    assert final_tables(path) == before
    with lg.open(path, "rw") as store:
        store.put_blob(b"goes on")


def test_threads_and_stores_write_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "shared.db"
    with lg.open(path, "create") as one, lg.open(path, "rw") as two:

        def write(store: lg.Store, name: str) -> None:
            for number in range(25):
                store.append_session_graph_nodes([node(f"{name}{number}")])

        threads = [
            threading.Thread(target=write, args=(store, name))
            for store, name in ((one, "a"), (one, "b"), (two, "c"), (two, "d"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expected = {f"{name}{number}" for name in "abcd" for number in range(25)}
        assert set(one.load_session_graph().ids) == expected


def test_no_write_while_a_snapshot_is_held(recorded: Recorded) -> None:
    with lg.open(recorded(HEALTHY), "rw") as store:
        with store.snapshot(), pytest.raises(errors.ReadOnlyStoreError, match="snapshot"):
            store.put_blob(b"x")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            store.put_blob(b"x")
