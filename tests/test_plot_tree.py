"""The session tree as a picture: lanes, lines, marks, and what is folded away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection

import lashgraph as lg
from lashgraph import SessionGraph
from lashgraph.errors import InvalidRecordError
from lashgraph.plot.lanes import Lanes, lay_lanes
from lashgraph.testing.corpus import build_corpus
from lashgraph.tree import sketch

Recorded = Callable[[str], Path]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> lg.Store:
    return lg.open(build_corpus(tmp_path_factory.mktemp("corpus"))[0])


def marks(axes: Axes) -> dict[str, PathCollection]:
    """The scattered marks by their name in the legend, numbers left out."""
    return {
        str(one.get_label()).partition(" (")[0]: one
        for one in axes.collections
        if isinstance(one, PathCollection)
    }


def lines(axes: Axes) -> list[list[np.ndarray[tuple[int, int], np.dtype[np.float64]]]]:
    """Segments of the bends, of the lanes, and of the active path."""
    return [c.get_segments() for c in axes.collections if isinstance(c, LineCollection)]


def laid(graph: SessionGraph, most: int = 1_000) -> Lanes:
    active = set(graph.active_path())
    return lay_lanes(
        np.array(graph.parents(), np.int64),
        np.array(graph.depths(), np.int64),
        np.array([node.node_id in active for node in graph.nodes], np.bool_),
        most,
    )


def chain(count: int, prefix: str = "n") -> dict[str, str | None]:
    return {f"{prefix}{at}": f"{prefix}{at - 1}" if at else None for at in range(count)}


def test_every_node_is_a_mark_at_its_depth(store: lg.Store) -> None:
    tree = store.tree()
    axes = lg.plot.session_tree(tree)
    found = marks(axes)
    shown = [found[name].get_offsets() for name in ("human", "model", "tool")]
    depths = np.concatenate([np.asarray(offsets)[:, 0] for offsets in shown])
    assert sorted(depths.tolist()) == sorted(tree.depths())
    places = {tuple(place) for offsets in shown for place in np.asarray(offsets).tolist()}
    assert len(places) == len(tree)


def test_marks_tell_who_made_a_node(store: lg.Store) -> None:
    messages = store.messages()
    found = marks(lg.plot.session_tree(store.tree()))
    for author in ("human", "model", "tool"):
        assert len(found[author].get_offsets()) == (messages["author"] == author).sum()


def test_the_lines_are_the_edges_of_the_graph(store: lg.Store) -> None:
    tree = store.tree()
    bends, lanes, (active,) = lines(lg.plot.session_tree(tree))
    along = sum(line[-1][0] - line[0][0] for line in lanes)
    assert along + len(bends) == tree.to_networkx().number_of_edges()
    assert active[-1][0] - active[0][0] == len(tree.active_path()) - 1
    assert active[0][1] == active[-1][1] == 0


def test_the_ring_stands_at_the_leaf(store: lg.Store) -> None:
    tree = store.tree()
    ((x, y),) = np.asarray(
        marks(lg.plot.session_tree(tree))["leaf of the active path"].get_offsets()
    )
    assert (x, y) == (len(tree.active_path()) - 1, 0)


def test_the_title_has_the_numbers_of_the_frames(store: lg.Store) -> None:
    tree = store.tree()
    title = lg.plot.session_tree(tree).get_title(loc="left")
    assert title == (
        f"Session research-agent\n{len(tree)} nodes · {len(tree.branches())} branches · "
        f"{len(tree.active_path())} on the active path"
    )


def test_a_large_tree_is_drawn_by_its_branches(recorded: Recorded) -> None:
    with lg.open(recorded("sessions/long-300-c8fddabf35d16add.db.gz")) as store:
        tree = store.tree()
    axes = lg.plot.session_tree(tree)
    assert "model" not in marks(axes)
    assert [text.get_text() for text in axes.texts] == ["1,200"]
    assert len(lines(axes)[1]) == 1
    assert len(marks(lg.plot.session_tree(tree, detail="nodes"))["human"].get_offsets()) == 300


def test_each_branch_line_tells_its_nodes_and_none_is_lost() -> None:
    parents: dict[str, str | None] = chain(1_000)
    for number in range(200):
        parents |= {f"s{number}": f"n{number * 3}", f"t{number}": f"s{number}"}
    axes = lg.plot.session_tree(sketch(parents, leaf="n999"))
    drawn = sum(int(text.get_text().replace(",", "")) for text in axes.texts)
    (folded,) = [one for one in marks(axes) if "folded" in one]
    assert folded == f"{200 - 39} branches folded,\n{2 * (200 - 39)} nodes"
    assert drawn == 1_000 + 2 * 39
    triangles = marks(axes)[folded]
    assert triangles.get_sizes().sum() == 8 * 2 * (200 - 39)


def test_roots_without_a_lane_are_counted() -> None:
    axes = lg.plot.session_tree(sketch({f"r{at}": None for at in range(100)}))
    assert "60 roots with 60 nodes not drawn" in axes.get_title(loc="left")


def test_cycles_are_left_out_and_said() -> None:
    axes = lg.plot.session_tree(sketch({"a": "b", "b": "a", "c": "a", "d": None}))
    assert len(marks(axes)["plugin"].get_offsets()) == 1
    assert "3 on a cycle, not drawn" in axes.get_title(loc="left")


def test_one_node_and_a_missing_parent_are_drawn() -> None:
    for parents in ({"a": None}, {"a": "nobody"}):
        axes = lg.plot.session_tree(sketch(parents, leaf="a"))
        assert np.asarray(marks(axes)["plugin"].get_offsets()).tolist() == [[0, 0]]


@pytest.mark.parametrize("detail", ["all", None, 3])
def test_an_unknown_detail_is_refused(detail: object) -> None:
    with pytest.raises(InvalidRecordError, match="detail"):
        lg.plot.session_tree(sketch({"a": None}), detail=detail)  # type: ignore[arg-type]


def test_the_active_path_has_the_first_lane() -> None:
    graph = sketch(chain(5) | {"x": "n1", "y": "x", "z": "y", "w": "z"}, leaf="n4")
    lanes = laid(graph)
    assert [lanes.of[graph.ids.index(name)] for name in graph.active_path()] == [0] * 5


def test_lanes_that_leave_deeper_stand_nearer() -> None:
    graph = sketch(chain(4) | {"a": "n0", "b": "n1", "c": "n2"}, leaf="n3")
    lanes = laid(graph)
    assert [int(lanes.of[graph.ids.index(name)]) for name in "cba"] == [1, 2, 3]


@st.composite
def forests(draw: st.DrawFn) -> Mapping[str, str | None]:
    count = draw(st.integers(0, 40))
    return {
        f"n{at}": draw(st.sampled_from([None, *(f"n{below}" for below in range(at))]))
        for at in range(count)
    }


@given(forests(), st.integers(0, 40), st.integers(1, 12))
def test_lanes_are_paths_that_part_the_forest(
    parents: Mapping[str, str | None], leaf: int, most: int
) -> None:
    graph = sketch(parents, leaf=f"n{leaf}")
    lanes = laid(graph, most)
    of = dict(zip(graph.ids, lanes.of.tolist(), strict=True))
    tree = nx.DiGraph((parent, name) for name, parent in parents.items() if parent)
    tree.add_nodes_from(parents)
    leaves = sum(tree.out_degree(name) == 0 for name in tree)
    assert len(lanes.heads) == min(leaves, most)
    for lane, (head, end) in enumerate(zip(lanes.heads, lanes.ends, strict=True)):
        walked = [graph.ids[int(end)]]
        while walked[-1] != graph.ids[int(head)]:
            walked.append(str(parents[walked[-1]]))
        assert [name for name in of if of[name] == lane] == walked[::-1]
    folded = {name for name in of if of[name] < 0}
    assert sum(nodes for _, nodes in lanes.folded.values()) == len(folded)
    for at, (_, nodes) in lanes.folded.items():
        if at >= 0:
            below = nx.descendants(tree, graph.ids[at]) & folded
            direct = {name for name in below if of[str(parents[name])] >= 0}
            own = {name for name in direct if parents[name] == graph.ids[at]}
            assert nodes == sum(len(nx.descendants(tree, name)) + 1 for name in own)
    if graph.active_path():
        assert {of[name] for name in graph.active_path()} == {0}


@pytest.mark.parametrize("count", [50_000])
def test_deep_and_wide_trees_are_laid_out(count: int) -> None:
    deep = laid(sketch(chain(count), leaf=f"n{count - 1}"))
    assert deep.of.max() == 0
    wide = laid(sketch({"r": None, **{f"c{at}": "r" for at in range(count)}}), 60)
    assert wide.folded == {0: (count - 60, count - 60)}
