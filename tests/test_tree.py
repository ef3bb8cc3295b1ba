"""The session graph: paths, cycles, missing parents, and its DiGraph."""

from __future__ import annotations

import io
import itertools
from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_writing import node

from lashgraph import SessionGraph, errors
from lashgraph.format.node import as_nodes


def graph(parents: dict[str, str | None], leaf: str | None = None) -> SessionGraph:
    return SessionGraph(as_nodes(node(name, parent) for name, parent in parents.items()), leaf)


names = st.sampled_from([f"n{number}" for number in range(12)])
forests = st.dictionaries(names, st.none() | names | st.just("absent"), max_size=12)


@given(forests)
def test_paths_depths_and_cycles_are_those_of_networkx(parents: dict[str, str | None]) -> None:
    tree = graph(parents)
    plain: nx.DiGraph[str] = nx.DiGraph()
    plain.add_nodes_from(parents)
    plain.add_edges_from((p, child) for child, p in parents.items() if p in parents)
    assert nx.utils.graphs_equal(nx.DiGraph(tree.to_networkx().edges), nx.DiGraph(plain.edges))
    circles = {name for component in nx.simple_cycles(plain) for name in component}
    status = dict(zip(tree.ids, tree.parent_status(), strict=True))
    depths = dict(zip(tree.ids, tree.depths(), strict=True))
    for name, parent in parents.items():
        path = tree.active_path(name)
        assert set(path) == {name} | nx.ancestors(plain, name)
        assert all(plain.has_edge(a, b) for a, b in itertools.pairwise(path))
        endless = bool(circles & set(path))
        assert depths[name] == (-1 if endless else len(path) - 1)
        expected = "present" if parent in parents else "root" if parent is None else "missing"
        assert status[name] == ("cycle" if name in circles else expected)


def test_a_long_path_is_no_deep_recursion() -> None:
    count = 30_000
    tree = graph({f"n{i}": f"n{i - 1}" if i else None for i in range(count)}, f"n{count - 1}")
    assert tree.active_path() == tree.ids
    assert tree.depths() == list(range(count))


def test_of_a_repeated_id_the_last_row_counts() -> None:
    rows = as_nodes([node("a"), node("b"), node("c", "a"), node("c", "b")])
    assert SessionGraph(rows, "c").active_path() == ["b", "c"]


def test_what_is_not_there_is_said() -> None:
    tree = graph({"a": None}, leaf="gone")
    assert tree.active_path() == []
    assert "a" in tree
    assert "gone" not in tree
    for ask in (lambda: tree.active_path("gone"), lambda: tree["gone"]):
        with pytest.raises(errors.UnknownNodeError, match="gone") as caught:
            ask()
        assert isinstance(caught.value, KeyError)
    assert graph({}).active_path() == []


def test_the_digraph_can_be_written_by_networkx() -> None:
    tree = graph({"a": None, "b": "a", "c": "b", "x": "absent"}, "c")
    made = tree.to_networkx()
    assert list(made.nodes) == ["a", "b", "c", "x"]
    facts: dict[str, Any] = made.nodes["b"]
    assert facts == {
        "kind": "plugin",
        "plugin_type": "note",
        "timestamp": "2026-01-01T00:00:00+00:00",
        "on_active_path": True,
        "parent_status": "present",
    }
    assert made.nodes["x"]["parent_status"] == "missing"
    file = io.BytesIO()
    nx.write_graphml(made, file)
    file.seek(0)
    assert set(nx.read_graphml(file).edges) == set(made.edges)
