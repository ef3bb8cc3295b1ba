"""Lanes of a forest: every leaf has a line of its own, and what goes on stays on its line."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Lanes(NamedTuple):
    """Where the nodes of a forest are drawn.

    Attributes
    ----------
    of : array of int
        Lane of each node, 0 on top; -1 for nodes that are folded away or on a cycle.
    heads : array of int
        First node of each lane, by lane.
    ends : array of int
        Last node of each lane.
    folded : dict of int to (int, int)
        What is not drawn below each drawn node: lanes that leave from it, and all their nodes; at
        -1, of roots.
    """

    of: NDArray[np.int64]
    heads: NDArray[np.int64]
    ends: NDArray[np.int64]
    folded: dict[int, tuple[int, int]]


def lay_lanes(
    parents: NDArray[np.int64],
    depths: NDArray[np.int64],
    first: NDArray[np.bool_],
    most: int,
) -> Lanes:
    """Give every node a lane.

    The child that goes straight on is the one on the active path, else the one with the most nodes
    below it; the others begin lanes of their own, the nearer the deeper they leave, so that lines
    do not cross. Of more lanes than fit those with the fewest nodes are folded into the node that
    they leave from. Takes the time of a few sorts.

    Parameters
    ----------
    parents : array of int
        Position of each node's parent, negative where there is none.
    depths : array of int
        Depth of each; -1 where the way up never ends. Such nodes have no lane.
    first : array of bool
        The nodes of the active path, which gets the first lane.
    most : int
        Lanes at most.

    References
    ----------
    Sleator, D. D., & Tarjan, R. E. (1983). A data structure for dynamic trees. Journal of Computer
    and System Sciences, 26(3), 362-391. https://doi.org/10.1016/0022-0000(83)90006-5
    """
    sizes = _sizes(parents, depths)
    drawn = np.flatnonzero(depths >= 0)
    rank = np.lexsort((drawn, -sizes[drawn], ~first[drawn], parents[drawn].clip(-1)))
    ordered = drawn[rank]
    above = parents[ordered].clip(-1)
    goes_on = np.zeros(len(parents), np.bool_)
    if len(ordered):
        goes_on[ordered[1:]] = above[1:] != above[:-1]
        goes_on[ordered[0]] = above[0] >= 0
        goes_on[ordered[above < 0]] = False
    heads = ordered[~goes_on[ordered]]
    kept = heads[np.lexsort((heads, -sizes[heads], ~first[heads]))][:most]
    head_of = _heads(parents, depths, goes_on)
    order = _order(kept, parents, depths, head_of, first)
    lane = np.full(len(parents) + 1, -1, np.int64)
    lane[order] = np.arange(len(order))
    of = np.where(depths >= 0, lane[head_of], -1)
    ends = np.zeros(len(order), np.int64)
    placed = drawn[of[drawn] >= 0]
    by_depth = placed[np.argsort(depths[placed], kind="stable")]
    ends[of[by_depth]] = by_depth
    return Lanes(of, order, ends, _folded(np.setdiff1d(heads, kept), parents, of, sizes))


def _sizes(parents: NDArray[np.int64], depths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Nodes at and below each, the deepest counted first."""
    sizes = [1] * len(parents)
    above = parents.tolist()
    for node in np.argsort(-depths, kind="stable").tolist():
        if above[node] >= 0 and depths[node] >= 0:
            sizes[above[node]] += sizes[node]
    return np.array(sizes, np.int64)


def _heads(
    parents: NDArray[np.int64], depths: NDArray[np.int64], goes_on: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The first node of each node's lane; the last place of all for nodes that have none."""
    head = list(range(len(parents)))
    above, on = parents.tolist(), goes_on.tolist()
    for node in np.argsort(depths, kind="stable").tolist():
        if on[node]:
            head[node] = head[above[node]]
    return np.array(head, np.int64)


def _order(
    kept: NDArray[np.int64],
    parents: NDArray[np.int64],
    depths: NDArray[np.int64],
    head_of: NDArray[np.int64],
    first: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """The lanes from top to bottom: below each its own, the deepest fork first."""
    roots: list[int] = []
    leaving: dict[int, list[int]] = {}
    for head in kept.tolist():
        parent = int(parents[head])
        (leaving.setdefault(int(head_of[parent]), []) if parent >= 0 else roots).append(head)
    order: list[int] = []
    waiting = sorted(roots, key=lambda head: (not first[head], head), reverse=True)
    while waiting:
        head = waiting.pop()
        order.append(head)
        waiting += sorted(leaving.get(head, ()), key=lambda one: (depths[one], -one))
    return np.array(order, np.int64)


def _folded(
    heads: NDArray[np.int64],
    parents: NDArray[np.int64],
    of: NDArray[np.int64],
    sizes: NDArray[np.int64],
) -> dict[int, tuple[int, int]]:
    found: dict[int, tuple[int, int]] = {}
    for head in heads.tolist():
        parent = max(int(parents[head]), -1)
        if parent < 0 or of[parent] >= 0:
            lanes, nodes = found.get(parent, (0, 0))
            found[parent] = lanes + 1, nodes + int(sizes[head])
    return found
