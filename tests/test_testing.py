"""What is shipped for tests: builders, damage, strategies, the oracle."""

from __future__ import annotations

import shutil
import sqlite3
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from recorded import rows, shown

import lashgraph as lg
from lashgraph import errors
from lashgraph.testing import oracle, strategies
from lashgraph.testing.builders import SessionBuilder
from lashgraph.testing.corpus import build_corpus
from lashgraph.testing.damage import DAMAGES, damage
from lashgraph.testing.folder import build_folder
from lashgraph.testing.large import build_deep_path, build_large_blobs, build_large_graph


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return build_corpus(tmp_path_factory.mktemp("corpus"))


def dumped(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        lines = list(connection.iterdump())
    return [line for line in lines if "queued_work" not in line]


def test_the_same_seed_makes_the_same_sessions(corpus: list[Path], tmp_path: Path) -> None:
    again, other = build_corpus(tmp_path / "again"), build_corpus(tmp_path / "other", seed=1)
    assert [path.name for path in again] == [path.name for path in corpus]
    assert [dumped(path) for path in again] == [dumped(path) for path in corpus]
    assert dumped(other[0]) != dumped(corpus[0])


def test_the_corpus_has_what_the_package_is_about(corpus: list[Path]) -> None:
    with lg.open(corpus[0]) as store:
        nodes, blobs, refs = store.nodes(), store.blobs(), store.refs()
        plan, reach = store.plan_gc(), store.reachability()
    assert nodes["tombstoned"].any()
    assert (nodes.loc[~nodes["tombstoned"], "n_children"] > 1).any()
    assert nodes["agent_frame_id"].nunique() == 3
    damaged_or_shared = {"head_text", "unreadable_node", "anchor"}
    assert set(refs["source_kind"].cat.categories) - damaged_or_shared <= set(refs["source_kind"])
    assert plan.deleted_bytes > plan.kept_bytes
    assert blobs["kind"].nunique() == 7
    assert not reach.dangling
    sessions = []
    for path in corpus:
        with lg.open(path) as store:
            sessions.append(store.sessions().iloc[0])
            assert store.problems().empty
            for policy in (lg.GcPolicy.safe(keep_turns=2), lg.GcPolicy.runtime()):
                judged = oracle.judge(path, policy.name, policy.keep_turns)
                assert judged.doomed == set(store.plan_gc(policy).doomed_hashes)
    children = [row for row in sessions if row["relation"] == "child"]
    assert {row["parent_session_id"] for row in children} <= {row["session_id"] for row in sessions}
    kinds = [store_kinds(path) for path in corpus]
    assert any("protocol" in found for found in kinds)
    assert any("plugin" in found for found in kinds)


def store_kinds(path: Path) -> set[str]:
    with lg.open(path) as store:
        return set(store.nodes()["kind"])


@pytest.mark.parametrize("kind", DAMAGES)
def test_each_damage_is_noticed(kind: str, corpus: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    shutil.copyfile(corpus[0], path)
    damage(path, kind)
    with lg.open(path) as store:
        problems = store.problems()
        assert len(problems) >= 1
        policy = lg.GcPolicy.safe(keep_turns=1)
        try:
            verdict = ("sweep", frozenset(store.plan_gc(policy).doomed_hashes))
        except errors.DamagedStoreError:
            verdict = ("refuse", frozenset())
    judged = oracle.judge(path, keep_turns=1)
    assert (judged.verdict, judged.doomed) == verdict
    assert (verdict[0] == "sweep") == kind.startswith("node")


def test_damage_says_what_it_cannot_do(tmp_path: Path) -> None:
    lg.open(tmp_path / "new.db", "create").close()
    with pytest.raises(errors.InvalidRecordError, match="head-not-json"):
        damage(tmp_path / "new.db", "spilled-coffee")
    with pytest.raises(errors.NotSupportedError):
        damage(tmp_path / "new.db", "node-cycle")


def test_damage_to_what_is_damaged_is_done_or_changes_nothing(
    corpus: list[Path], tmp_path: Path
) -> None:
    path = tmp_path / "damaged.db"
    shutil.copyfile(corpus[0], path)
    damage(path, "node-not-json")
    damage(path, "node-cycle")
    damage(path, "head-not-json")
    before = dumped(path)
    with pytest.raises(errors.NotSupportedError, match="manifest-cut"):
        damage(path, "manifest-cut")
    assert dumped(path) == before


def test_large_stores_are_sound(tmp_path: Path) -> None:
    build_large_graph(tmp_path / "graph.db", nodes=700)
    build_large_blobs(tmp_path / "blobs.db", blobs=100, live=10, total_bytes=90_000, nodes=50)
    leaf = build_deep_path(tmp_path / "deep.db", depth=300)
    with lg.open(tmp_path / "graph.db") as store:
        assert store.problems().empty
        assert (store.nodes()["n_children"] > 1).any()
    with lg.open(tmp_path / "blobs.db") as store:
        assert (store.plan_gc().deleted_blob_count, len(store.nodes())) == (90, 50)
    with lg.open(tmp_path / "deep.db") as store:
        assert len(store.load_active_path(leaf)) == 300


def test_a_builder_knows_its_nodes(tmp_path: Path) -> None:
    with SessionBuilder(tmp_path / "one.db", "one") as session:
        session.turn("a", "b")
        with pytest.raises(errors.UnknownNodeError):
            session.branch_from("nowhere")


# Properties, over generated records


@given(strategies.graphs())
def test_nodes_read_back_as_they_were_written(graph: list[Any]) -> None:
    with lg.open(":memory:") as store:
        store.append_session_graph_nodes(graph)
        loaded = store.load_session_graph()
        frame = store.nodes()
    assert [shown(node) for node in loaded] == graph
    assert frame["node_id"].tolist() == [node["node_id"] for node in graph]


@given(strategies.checkpoints())
def test_checkpoints_read_back_and_hash_the_same(checkpoint: Any) -> None:
    with lg.open(":memory:") as store:
        first = store.put_checkpoint(checkpoint)
        read = store.get_checkpoint(first.checkpoint_ref)
        assert read is not None
        assert store.put_checkpoint(read) == first
    shown_again = {key: value for key, value in read.to_json().items() if key in checkpoint}
    if "turn_state" in checkpoint:
        state = shown_again.pop("turn_state")
        assert state["turn_index"] == checkpoint["turn_state"]["turn_index"]
        assert state["protocol_turn_options"] == checkpoint["turn_state"]["protocol_turn_options"]
    assert shown_again == {k: v for k, v in checkpoint.items() if k != "turn_state"}


def test_large_graphs_are_in_the_runtimes_own_form(tmp_path: Path) -> None:
    build_large_graph(tmp_path / "graph.db", nodes=50)
    stored = [text for (text,) in rows(tmp_path / "graph.db", "SELECT node_json FROM graph_nodes")]
    with lg.open(tmp_path / "graph.db") as store, lg.open(":memory:") as other:
        other.append_session_graph_nodes(store.load_session_graph())
        with other._database.exclusive("read") as connection:
            again = [t for (t,) in connection.execute("SELECT node_json FROM graph_nodes")]
    assert again == stored


def test_a_folder_of_many_stores_some_of_them_damaged(tmp_path: Path) -> None:
    made = build_folder(tmp_path / "one", files=24, damaged=3)
    again = build_folder(tmp_path / "again", files=24, damaged=3)
    other = build_folder(tmp_path / "other", files=12, damaged=0, seed=1)
    assert [dumped(path) for path in made] == [dumped(path) for path in again]
    assert all(dumped(a) != dumped(b) for a, b in zip(made, other, strict=False))
    with lg.open_corpus(tmp_path / "one") as corpus, warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.DamagedDataWarning)
        families, checked = corpus.families(), corpus.check()
        shared, calls, steps = corpus.shared_blobs(), corpus.tool_calls(), corpus.steps()
    assert len(made) == 24 == (families["status"] != "missing").sum()
    assert checked.query("severity == 'error'")["path"].nunique() == 3
    assert set(families["status"]) == {"root", "child", "orphan", "missing"}
    assert families["depth"].max() == 2
    assert shared["extra_bytes"].max() > 100_000
    assert set(calls["status"]) >= {"ok", "error"}
    assert len(steps)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    for files, damaged in ((-1, 0), (2, 3), (True, 0)):
        with pytest.raises(errors.InvalidRecordError):
            build_folder(tmp_path / "none", files=files, damaged=damaged)
    assert build_folder(tmp_path / "empty", files=0, damaged=0) == []
