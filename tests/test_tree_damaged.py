"""The session tree of damaged stores: every question is answered, no cycle followed round."""

from __future__ import annotations

from pathlib import Path

import pytest
from stores import find, recorded_params, unpack

import lashgraph as lg
from lashgraph import SessionGraph
from lashgraph.testing.builders import SessionBuilder

pytestmark = pytest.mark.filterwarnings("ignore::lashgraph.errors.DamagedDataWarning")


def tree_of(path: Path) -> SessionGraph:
    with lg.open(path) as store:
        return store.tree()


@pytest.mark.parametrize("gz", recorded_params("damaged/*.db.gz"))
def test_every_question_is_answered(gz: Path, tmp_path: Path) -> None:
    tree = tree_of(unpack(gz, tmp_path))
    everyone = tree.ids
    for name in everyone:
        assert tree.active_path(name)[-1] == name
        assert set(tree.ancestors(name)).isdisjoint({name})
        assert tree.subtree(name).ids == sorted({name, *tree.descendants(name)}, key=everyone.index)
        for above in tree.ancestors(name):
            assert name in tree.descendants(above)
        assert tree.transcript(name).html()
    assert tree.branches()["n_nodes"].sum() == len(everyone)
    assert len(tree.message_tree()) == sum(each.message is not None for each in tree)
    assert set(tree.to_networkx()) == set(everyone)
    assert list(tree.to_networkx("messages")) == tree.message_tree()["node_id"].tolist()
    assert list(tree.to_networkx("branches")) == tree.branches()["branch_id"].tolist()


def test_a_cycle_is_named(tmp_path: Path) -> None:
    tree = tree_of(unpack(find("damaged/node-cycle.db.gz"), tmp_path))
    starts = tree.branches().set_index("branch_id")["start"]
    on_cycle = [
        name
        for name, status in zip(tree.ids, tree.parent_status(), strict=True)
        if status == "cycle"
    ]
    assert on_cycle
    assert set(starts.loc[on_cycle]) == {"cycle"}
    assert all(tree.depth(name) == -1 for name in on_cycle)


@pytest.mark.parametrize("name", ["node-missing-parent", "node-tombstoned-parent"])
def test_a_missing_parent_is_named(name: str, tmp_path: Path) -> None:
    tree = tree_of(unpack(find(f"damaged/{name}.db.gz"), tmp_path))
    starts = tree.branches().set_index("branch_id")["start"]
    lost = [
        name
        for name, status in zip(tree.ids, tree.parent_status(), strict=True)
        if status == "missing"
    ]
    assert starts[starts == "missing"].index.tolist() == lost != []


def test_a_head_that_the_runtime_refuses_still_names_the_agent_frame(tmp_path: Path) -> None:
    tree = tree_of(unpack(find("damaged/head-newer-model-field.db.gz"), tmp_path))
    healthy = tree_of(unpack(find("damaged/healthy.db.gz"), tmp_path))
    assert tree.agent_frames == healthy.agent_frames
    assert tree.transcript().json() == healthy.transcript().json()


def test_a_store_of_tombstones_only_has_an_empty_tree(tmp_path: Path) -> None:
    with SessionBuilder(tmp_path / "s.db", "s") as session:
        session.turn("2 + 2?", "4")
        session.tombstone(session.store.tree().ids)
    tree = tree_of(tmp_path / "s.db")
    assert (len(tree), tree.active_path(), len(tree.transcript())) == (0, [], 0)
    assert tree.branches().empty


def test_a_message_of_ten_megabytes_is_shown(tmp_path: Path) -> None:
    text = "<é\x00>" * 2_000_000
    with SessionBuilder(tmp_path / "s.db", "s") as session:
        session.turn(text, "4")
    tree = tree_of(tmp_path / "s.db")
    assert tree.find(text="<é\x00><é") == tree.ids[:1]
    assert tree.transcript().chat()[0]["content"] == text
    assert tree.transcript().html().count("&lt;é␀&gt;") == 2_000_000
    assert len(repr(tree.transcript())) < 1_000
