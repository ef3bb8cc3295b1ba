"""The session graph: paths, cycles, missing parents, branches, each against networkx."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_writing import node

from lashgraph import SessionGraph, errors
from lashgraph.format.node import as_nodes
from lashgraph.tree import PathDiff, sketch

graph = sketch
"""The name by which the tests of pictures take it."""

Parents = dict[str, str | None]
names = st.sampled_from([f"n{number}" for number in range(12)])
forests = st.dictionaries(names, st.none() | names | st.sampled_from(["gone", "lost"]), max_size=12)


def plain(parents: Parents) -> nx.DiGraph[str]:
    """The links among the nodes as a DiGraph."""
    made: nx.DiGraph[str] = nx.DiGraph()
    made.add_nodes_from(parents)
    made.add_edges_from((p, child) for child, p in parents.items() if p in parents)
    return made


def circles(made: nx.DiGraph[str]) -> set[str]:
    return {name for cycle in nx.simple_cycles(made) for name in cycle}


def uncircled(parents: Parents) -> nx.DiGraph[str]:
    """The same without the links that lead to nodes of a cycle."""
    made = plain(parents)
    made.remove_edges_from(list(made.in_edges(circles(made))))
    return made


# Above and below


@given(forests)
def test_paths_depths_and_cycles_are_those_of_networkx(parents: Parents) -> None:
    tree, graph = sketch(parents), plain(parents)
    assert nx.utils.graphs_equal(nx.DiGraph(tree.to_networkx().edges), nx.DiGraph(graph.edges))
    round_and_round = circles(graph)
    status = dict(zip(tree.ids, tree.parent_status(), strict=True))
    depths = dict(zip(tree.ids, tree.depths(), strict=True))
    for name, parent in parents.items():
        path = tree.active_path(name)
        assert set(path) == {name} | nx.ancestors(graph, name)
        assert all(graph.has_edge(a, b) for a, b in itertools.pairwise(path))
        endless = bool(round_and_round & set(path))
        assert depths[name] == tree.depth(name) == (-1 if endless else len(path) - 1)
        expected = "present" if parent in parents else "root" if parent is None else "missing"
        assert status[name] == ("cycle" if name in round_and_round else expected)


@given(forests)
def test_relatives_are_those_of_networkx(parents: Parents) -> None:
    tree, graph = sketch(parents), plain(parents)
    order = list(parents)
    for name, parent in parents.items():
        above = tree.ancestors(name)
        assert set(above) == nx.ancestors(graph, name)
        assert len(above) == len(set(above))
        assert above[:1] == [up for up in graph.predecessors(name) if up != name]
        assert tree.descendants(name) == sorted(nx.descendants(graph, name), key=order.index)
        assert tree.children(name) == sorted(graph.successors(name), key=order.index)
        beside = [other for other, up in parents.items() if up == parent and up is not None]
        assert tree.siblings(name) == [other for other in beside if other != name]
        assert tree.subtree(name).ids == sorted(
            nx.descendants(graph, name) | {name}, key=order.index
        )
    assert tree.leaves() == [name for name, degree in graph.out_degree if degree == 0]
    assert tree.roots() == [name for name, degree in graph.in_degree if degree == 0]


@given(forests)
def test_paths_meet_where_networkx_says(parents: Parents) -> None:
    tree, graph = sketch(parents), uncircled(parents)
    pairs = list(itertools.product(parents, repeat=2))
    met = tree.lowest_common_ancestors([a for a, _ in pairs], [b for _, b in pairs])
    expected = dict(nx.all_pairs_lowest_common_ancestor(graph, pairs)) if pairs else {}
    undirected = graph.to_undirected()
    for (a, b), found in zip(pairs, met, strict=True):
        want = expected.get((a, b), expected.get((b, a)))
        assert found == tree.lowest_common_ancestor(a, b) == want
        way = nx.shortest_path(undirected, a, b) if want is not None else []
        assert tree.path(a, b) == way
        diff = tree.diff(a, b)
        assert diff.fork == want
        assert [*diff.common, *diff.only_a] == tree.active_path(a)
        assert [*diff.common, *diff.only_b] == tree.active_path(b)


@given(st.lists(st.integers(0, 39), min_size=2, max_size=40), st.data())
def test_meetings_in_wide_and_deep_trees_are_those_of_networkx(
    choices: list[int], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(choices))))
    parents: Parents = {f"n{at}": f"n{choices[at] % at}" if at else None for at in order}
    tree, graph = sketch(parents), plain(parents)
    a, b = zip(*itertools.product(parents, repeat=2), strict=True)
    met = dict(zip(zip(a, b, strict=True), tree.lowest_common_ancestors(a, b), strict=True))
    for pair, want in nx.tree_all_pairs_lowest_common_ancestor(graph, root="n0"):
        assert met[pair] == met[pair[::-1]] == want


def test_ids_may_come_from_arrays_and_frames() -> None:
    tree = sketch({"a": None, "b": "a", "c": "a"})
    a, b = ["b", "b", "c"], ["c", "b", "a"]
    for make in (list, np.array, pd.Series, pd.Index, tuple):
        assert tree.lowest_common_ancestors(make(a), make(b)) == ["a", "b", "a"]
    assert tree.lowest_common_ancestors([], []) == []
    for wrong in (("b", "c"), (["b"], ["c", "a"])):
        with pytest.raises(errors.InvalidRecordError, match="equally many"):
            tree.lowest_common_ancestors(*wrong)
    with pytest.raises(errors.UnknownNodeError, match="gone"):
        tree.lowest_common_ancestors(["b"], ["gone"])


def test_of_cycles_each_node_is_named_once() -> None:
    tree = sketch({"x": "z", "y": "x", "z": "y", "in": "y", "deep": "in", "self": "self"})
    assert tree.ancestors("deep") == ["in", "y", "x", "z"]
    assert tree.ancestors("x") == ["z", "y"]
    assert tree.descendants("x") == ["y", "z", "in", "deep"]
    assert (tree.ancestors("self"), tree.descendants("self")) == ([], [])
    assert (tree.children("self"), tree.siblings("self")) == (["self"], [])
    assert tree.roots() == []
    assert tree.lowest_common_ancestor("deep", "y") == "y"
    assert tree.lowest_common_ancestor("x", "y") is None
    assert tree.path("deep", "x") == []
    assert tree.diff("deep", "in") == PathDiff(("z", "x", "y", "in"), ("deep",), ())


# Branches


@given(forests)
def test_branches_are_the_unbranched_runs(parents: Parents) -> None:
    tree, graph = sketch(parents, leaf="n0"), plain(parents)
    round_and_round = circles(graph)
    links = [
        (up, name)
        for up, name in graph.edges
        if graph.out_degree(up) == 1 and name not in round_and_round
    ]
    joined: nx.Graph[str] = nx.Graph(links)
    joined.add_nodes_from(parents)
    expected = {frozenset(run) for run in nx.connected_components(joined)}
    frame = tree.branches()
    found: dict[str, set[str]] = {}
    for name in parents:
        found.setdefault(tree.branch_of(name), set()).add(name)
    assert set(map(frozenset, found.values())) == expected
    assert frame["branch_id"].tolist() == [name for name in parents if name in found]
    active = set(tree.active_path())
    for row in frame.itertuples():
        run = found[row.branch_id]
        up = parents[row.branch_id]
        assert row.n_nodes == len(run)
        assert row.n_on_active_path == len(run & active)
        assert {row.branch_id, row.last_node_id} <= run
        assert row.is_leaf == (graph.out_degree(row.last_node_id) == 0)
        if up in parents:
            assert (row.fork_node_id, row.parent_branch_id) == (up, tree.branch_of(up))
            assert row.start == ("cycle" if row.branch_id in round_and_round else "fork")
        else:
            assert pd.isna(row.fork_node_id)
            assert row.start == ("root" if up is None else "missing")
    made = tree.to_networkx("branches")
    assert list(made.nodes) == frame["branch_id"].tolist()
    forks = frame.dropna(subset="parent_branch_id")
    assert set(made.edges) == set(zip(forks["parent_branch_id"], forks["branch_id"], strict=True))


def test_frames_have_their_columns_when_they_are_empty() -> None:
    empty, full = sketch({}), sketch({"a": None})
    for ask in (SessionGraph.branches, SessionGraph.message_tree):
        dtypes = ask(empty).dtypes
        assert dtypes.index[:2].tolist() == ["path", "session_id"]
        pd.testing.assert_series_equal(dtypes, ask(full).dtypes)
    assert len(full.branches()) == 1
    assert len(full.message_tree()) == 0


# Parts of a graph


def test_a_part_of_a_graph_keeps_the_leaf_that_it_holds() -> None:
    tree = sketch({"a": None, "b": "a", "c": "b", "d": "a"}, leaf="c")
    assert tree.subtree("b").active_path() == ["b", "c"]
    assert tree.subtree("b").parent_status() == ["missing", "present"]
    assert tree.subtree("d").leaf is None


@pytest.mark.parametrize(
    ("start", "end", "ids"),
    [
        ("2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z", ["b", "c"]),
        ("2026-01-01T00:00:02", None, ["c", "d"]),
        (None, datetime(2026, 1, 1, tzinfo=UTC), ["a"]),
        ("2026-01-01T01:00:01+01:00", pd.Timestamp("2026-01-01T00:00:01.5"), ["b"]),
        (np.datetime64("2026-01-01T00:00:03"), "9999-12-31", ["d"]),
        (None, "0001-01-01", []),
        (None, None, ["a", "b", "c", "d"]),
    ],
)
def test_a_span_of_time_is_a_graph(start: Any, end: Any, ids: list[str]) -> None:
    tree = sketch({"a": None, "b": "a", "c": "b", "d": "c"}, leaf="d")
    assert tree.between(start, end).ids == ids


def test_times_of_any_kind_are_in_a_span_or_not() -> None:
    times = {
        "early": "0001-01-01T00:00:00+00:00",
        "nine": "2026-01-01T00:00:00.000000001+00:00",
        "none": "yesterday",
        "empty": "",
        "late": "3000-01-01T00:00:00Z",
        "bare": "2026-01-01T00:00:00",
    }
    tree = SessionGraph(as_nodes(node(name, timestamp=time) for name, time in times.items()))
    assert tree.between("1900-01-01", "2100-01-01").ids == ["nine", "bare"]
    assert tree.between("2026-01-01T00:00:00.000000001").ids == ["nine", "late"]
    assert tree.between(None, "2026-01-01").ids == ["early", "bare"]
    for wrong in ("soon", pd.NaT, 5, "", ["2026"]):
        with pytest.raises(errors.InvalidRecordError, match="is no time"):
            tree.between(wrong)
    assert pd.isna(tree.branches().set_index("branch_id").loc["none", "first_at"])


# What is not there, twice there, or a lot


def test_a_long_path_is_no_deep_recursion() -> None:
    count = 30_000
    tree = sketch({f"n{i}": f"n{i - 1}" if i else None for i in range(count)}, f"n{count - 1}")
    assert tree.active_path() == tree.ids
    assert tree.depths() == list(range(count))
    assert tree.descendants("n0") == tree.ids[1:]
    assert tree.path("n9", f"n{count - 1}") == tree.ids[9:]
    assert tree.branches()["n_nodes"].tolist() == [count]
    assert tree.lowest_common_ancestor("n77", "n29999") == "n77"


def test_of_a_repeated_id_the_last_row_counts() -> None:
    rows = as_nodes([node("a"), node("b"), node("c", "a"), node("c", "b")])
    tree = SessionGraph(rows, "c")
    assert tree.active_path() == ["b", "c"]
    assert tree.ids == ["a", "b", "c", "c"]
    assert (tree.children("a"), tree.descendants("b")) == ([], ["c"])
    assert tree.leaves() == ["a", "c"]
    assert tree.branches()["branch_id"].tolist() == ["a", "b"]
    assert tree.find(plugin_type="note") == tree.between().ids == ["a", "b", "c"]
    assert list(tree.to_networkx().edges) == [("b", "c")]


QUESTIONS = [
    SessionGraph.active_path,
    SessionGraph.ancestors,
    SessionGraph.branch_of,
    SessionGraph.children,
    SessionGraph.depth,
    SessionGraph.descendants,
    SessionGraph.siblings,
    SessionGraph.subtree,
    SessionGraph.transcript,
    SessionGraph.__getitem__,
    lambda tree, name: tree.diff("a", name),
    lambda tree, name: tree.path(name, "a"),
    lambda tree, name: tree.lowest_common_ancestor("a", name),
]


@pytest.mark.parametrize("ask", QUESTIONS)
def test_an_unknown_node_is_an_error_of_our_own(ask: Any) -> None:
    tree = sketch({"a": None}, leaf="gone")
    for wrong in ("gone", 5, ["a"]):
        with pytest.raises(errors.UnknownNodeError, match="no node") as caught:
            ask(tree, wrong)
        assert isinstance(caught.value, KeyError)
        assert wrong not in tree


def test_a_leaf_that_is_not_there_has_no_path() -> None:
    tree = sketch({"a": None}, leaf="gone")
    assert tree.active_path() == []
    assert tree.transcript().entries == ()
    assert tree.branches()["n_on_active_path"].tolist() == [0]


def test_an_empty_graph_answers() -> None:
    tree = sketch({})
    assert (tree.leaves(), tree.roots(), tree.find(text="x")) == ([], [], [])
    assert tree.active_path() == tree.parent_status() == tree.depths() == tree.parents() == []
    assert len(tree.between("2026-01-01")) == 0
    assert tree.transcript().chat() == []
    for level in ("nodes", "messages", "branches"):
        assert len(tree.to_networkx(level)) == 0


def test_a_repr_says_what_to_ask_next() -> None:
    tree = SessionGraph(sketch({"a": None}).nodes, "<a>", (("b", "not JSON"),))
    assert repr(tree) == (
        "<SessionGraph: 1 nodes, 1 unreadable, leaf '<a>'; .transcript() tells what was said>"
    )
    assert "&lt;a&gt;" in tree._repr_html_()
    assert "<a>" not in tree._repr_html_()
