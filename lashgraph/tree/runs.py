"""Runs of nodes without a fork between them, as integer arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lashgraph.tree.forest import Forest
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
