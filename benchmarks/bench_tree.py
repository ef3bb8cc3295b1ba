"""Questions to the session tree against building its DiGraph."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from conftest import scaled
from ratios import Ratios

import lashgraph as lg
from lashgraph import SessionGraph

DIGRAPH = "building the bare DiGraph of the same nodes"


@pytest.fixture(scope="module")
def loaded(graph: Path) -> SessionGraph:
    with lg.open(graph) as store:
        return store.tree()


def fresh(tree: SessionGraph) -> SessionGraph:
    """The same nodes, nothing asked of them yet."""
    return SessionGraph(tree.nodes, tree.leaf)


def digraph(tree: SessionGraph) -> nx.DiGraph[str]:
    """Ids and links alone, the least that networkx needs to answer."""
    made: nx.DiGraph[str] = nx.DiGraph()
    made.add_nodes_from(node.node_id for node in tree.nodes)
    made.add_edges_from(
        (node.parent_node_id, node.node_id)
        for node in tree.nodes
        if node.parent_node_id is not None
    )
    return made


def ask(
    benchmark: Any,
    ratios: Ratios,
    loaded: SessionGraph,
    what: str,
    *,
    question: Callable[[SessionGraph], object],
    target: str = "< 1",
) -> None:
    """Compare a question to a graph of which nothing was asked before."""
    ratios.compare(
        benchmark,
        what,
        lambda: question(fresh(loaded)),
        (DIGRAPH, lambda: digraph(loaded)),
        target=target,
    )


def test_lowest_common_ancestors(benchmark: Any, loaded: SessionGraph, ratios: Ratios) -> None:
    rng, count = random.Random(0), scaled(100_000)
    a, b = (rng.choices(loaded.ids, k=count) for _ in range(2))
    ask(
        benchmark,
        ratios,
        loaded,
        "lowest common ancestors of 100,000 pairs, 200,000 nodes",
        question=lambda tree: tree.lowest_common_ancestors(a, b),
    )


def test_branches(benchmark: Any, loaded: SessionGraph, ratios: Ratios) -> None:
    ask(
        benchmark,
        ratios,
        loaded,
        "branches of 200,000 nodes",
        question=lambda tree: tree.branches(),
    )


def test_message_tree(benchmark: Any, loaded: SessionGraph, ratios: Ratios) -> None:
    ask(
        benchmark,
        ratios,
        loaded,
        "message tree of 200,000 nodes, with the first lines",
        question=lambda tree: tree.message_tree(),
        target="none set",
    )


def test_to_networkx(benchmark: Any, loaded: SessionGraph, ratios: Ratios) -> None:
    ask(
        benchmark,
        ratios,
        loaded,
        "`to_networkx` with its attributes, 200,000 nodes",
        question=lambda tree: tree.to_networkx(),
        target="none set",
    )
