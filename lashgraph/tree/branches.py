"""The branches of a session graph, with what is known of each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lashgraph.tree.base import NodeGraph
from lashgraph.tree.columns import BRANCHES, tree_frame
from lashgraph.tree.forest import ABSENT
from lashgraph.tree.runs import Runs


def branch_columns(graph: NodeGraph) -> dict[str, list[Any]]:
    """The declared columns of all branches as lists, times as text, absent as None."""
    found = graph._runs
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


def branches_frame(graph: NodeGraph) -> pd.DataFrame:
    """One row for each branch, in load order of their first nodes."""
    data = branch_columns(graph)
    return tree_frame(
        BRANCHES,
        data,
        rows=len(data["branch_id"]),
        path=graph.file,
        session_id=graph.session_id,
    )
