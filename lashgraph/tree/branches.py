"""Branches: maximal runs of nodes without a fork between them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lashgraph.tree.base import NodeGraph
from lashgraph.tree.columns import BRANCHES, tree_frame
from lashgraph.tree.forest import ABSENT, Forest
from lashgraph.tree.tour import Tour


class Runs(NamedTuple):
    """Which branch each node is on.

    Attributes
    ----------
    heads : array of int
        Position of the first node of each branch, ascending.
    lasts : array of int
        Position of its last node.
    sizes : array of int
        Number of its nodes.
    of : array of int
        For each node the position of its branch's first node.
    """

    heads: NDArray[np.int64]
    lasts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    of: NDArray[np.int64]


def runs(forest: Forest, n_children: NDArray[np.int64], walk: Tour) -> Runs:
    """Branches of a forest: a node starts one if its parent has other children, or has no place.

    Each node of a cycle starts one too. In depth-first order a branch is one piece, so one pass
    over the walk finds them all.

    Parameters
    ----------
    forest : Forest
        With its cycles.
    n_children : array of int
        Number of children of each node.
    walk : Tour
        Of the forest without its cycles.
    """
    parents = forest.parents
    starts = (parents < 0) | forest.on_cycle
    inside = np.flatnonzero(parents >= 0)
    starts[inside] |= n_children[parents[inside]] > 1
    order = walk.order
    at = np.flatnonzero(starts[order])
    ends = np.append(at[1:], len(order))[: len(at)]
    of = np.empty(len(order), np.int64)
    of[order] = np.repeat(order[at], ends - at)
    by_load = np.argsort(order[at])
    return Runs(order[at][by_load], order[ends - 1][by_load], (ends - at)[by_load], of)


def branch_columns(graph: NodeGraph, found: Runs) -> dict[str, list[Any]]:
    """The declared columns of all branches as lists, times as text, absent as None."""
    shown = graph._shown[found.heads]
    heads, lasts, sizes = found.heads[shown], found.lasts[shown], found.sizes[shown]
    parents = graph._links.parents[heads]
    on_cycle = graph._links.on_cycle[heads]
    names = graph._names
    forks = parents.tolist()
    messages = np.fromiter((node.message is not None for node in graph.nodes), np.bool_, len(graph))
    starts = np.where(parents >= 0, "fork", np.where(parents == ABSENT, "missing", "root"))
    depths = graph._forest.depths[heads].tolist()
    nodes = graph.nodes
    return {
        "branch_id": names(heads.tolist()),
        "start": np.where(on_cycle, "cycle", starts).tolist(),
        "fork_node_id": [None if fork < 0 else nodes[fork].node_id for fork in forks],
        "parent_branch_id": [None if fork < 0 else nodes[found.of[fork]].node_id for fork in forks],
        "last_node_id": names(lasts.tolist()),
        "is_leaf": (graph._children.counts[lasts] == 0).tolist(),
        "depth": [None if depth < 0 else depth for depth in depths],
        "n_nodes": sizes.tolist(),
        "n_messages": _count(messages, found, heads),
        "n_on_active_path": _count(graph._active(), found, heads),
        "first_at": [nodes[at].timestamp for at in heads.tolist()],
        "last_at": [nodes[at].timestamp for at in lasts.tolist()],
    }


def _count(which: NDArray[np.bool_], found: Runs, heads: NDArray[np.int64]) -> list[int]:
    counts: list[int] = np.bincount(found.of[which], minlength=len(which))[heads].tolist()
    return counts


def branches_frame(graph: NodeGraph, found: Runs) -> pd.DataFrame:
    """One row for each branch, in load order of their first nodes."""
    data = branch_columns(graph, found)
    return tree_frame(
        "branches",
        BRANCHES,
        data,
        rows=len(data["branch_id"]),
        path=graph.file,
        session_id=graph.session_id,
    )
