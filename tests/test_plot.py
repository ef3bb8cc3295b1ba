"""Figures: what is drawn, of what."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.collections import LineCollection, PathCollection

import lashgraph as lg
from lashgraph.testing.corpus import build_corpus


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> lg.Store:
    return lg.open(build_corpus(tmp_path_factory.mktemp("corpus"))[0])


def test_every_node_and_edge_of_the_tree_is_drawn(store: lg.Store) -> None:
    tree = store.tree()
    (axes,) = lg.plot.session_tree(tree).axes
    drawn = sum(len(c.get_offsets()) for c in axes.collections if isinstance(c, PathCollection))
    lines = [len(c.get_segments()) for c in axes.collections if isinstance(c, LineCollection)]
    assert drawn == len(tree)
    assert sum(lines) == tree.to_networkx().number_of_edges()
    assert lines[1] == len(tree.active_path()) - 1


def test_retention_ends_at_the_last_turns_figures(store: lg.Store) -> None:
    history = store.history()
    figure = lg.plot.retention(history)
    (axes,) = figure.axes
    top = axes.dataLim.y1 * 1e3
    assert top == pytest.approx((history["live_bytes"] + history["garbage_bytes"]).max(), rel=0.06)
    assert "kB" in axes.get_ylabel()
    assert f"{len(history)} turns" in axes.get_title(loc="left")


def test_a_figure_shows_itself_without_pyplot(store: lg.Store, tmp_path: Path) -> None:
    figure = lg.plot.session_tree(store.tree(), title="Mine")
    assert figure._repr_png_().startswith(b"\x89PNG")
    figure.savefig(tmp_path / "tree.svg")
    assert "Mine" in figure.axes[0].get_title(loc="left")


def test_cycles_and_empty_trees_are_drawn_too() -> None:
    from test_tree import graph

    (axes,) = lg.plot.session_tree(graph({"a": "b", "b": "a", "c": None})).axes
    drawn = [c for c in axes.collections if isinstance(c, PathCollection)]
    assert sum(len(c.get_offsets()) for c in drawn) == 1
    assert lg.plot.session_tree(graph({}))._repr_png_()
