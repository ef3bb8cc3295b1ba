"""Forests in depth-first order: subtrees as ranges, and the meeting point of two paths."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lashgraph.tree.forest import Forest


class Tour(NamedTuple):
    """A walk over a forest in which each node comes right before all that stands below it.

    Attributes
    ----------
    order : array of int
        Positions of the nodes in the order of the walk; children as they stand in the arrays.
    place : array of int
        Where in the walk each node comes.
    sizes : array of int
        Number of nodes in the subtree of each, itself included.
    """

    order: NDArray[np.int64]
    place: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def below(self, node: int) -> NDArray[np.int64]:
        """Positions of all nodes below a node, ascending; itself left out."""
        start = int(self.place[node])
        return np.sort(self.order[start + 1 : start + int(self.sizes[node])])


def tour(forest: Forest) -> Tour:
    """Walk a forest without cycles, depth by depth instead of by recursion; O(n log n).

    References
    ----------
    Tarjan, R. E., & Vishkin, U. (1985). An efficient parallel biconnectivity algorithm. SIAM
    Journal on Computing, 14(4), 862-874. https://doi.org/10.1137/0214061
    """
    count = len(forest.parents)
    parents: list[int] = forest.parents.tolist()
    by_depth: list[int] = np.argsort(forest.depths, kind="stable").tolist()
    sizes = [1] * count
    for node in reversed(by_depth):
        parent = parents[node]
        if parent >= 0:
            sizes[parent] += sizes[node]
    place = [0] * count
    free = [0] * count
    end = 0
    for node in by_depth:
        parent = parents[node]
        if parent >= 0:
            start = free[parent]
            free[parent] = start + sizes[node]
        else:
            start = end
            end += sizes[node]
        place[node] = start
        free[node] = start + 1
    places = np.array(place, np.int64)
    order = np.empty(count, np.int64)
    order[places] = np.arange(count)
    return Tour(order, places, np.array(sizes, np.int64))


class Meetings:
    """Lowest common ancestors in a forest, each found by two look-ups.

    In depth-first order the lowest common ancestor of two nodes is the first of the parents of all
    nodes after the one up to the other, so that a table of minima over ranges answers: O(n log n)
    to make, O(1) for a pair.

    References
    ----------
    Bender, M. A., & Farach-Colton, M. (2000). The LCA problem revisited. LATIN 2000, 88-94.
    https://doi.org/10.1007/10719839_9
    """

    def __init__(self, parents: NDArray[np.int64], walk: Tour) -> None:
        self._walk = walk
        in_order = parents[walk.order]
        inside = in_order >= 0
        first = np.full(len(parents), -1, np.int32)
        first[inside] = walk.place[in_order[inside]]
        rows = [first]
        width = 1
        while 2 * width <= len(first):
            last = rows[-1]
            row = last.copy()
            np.minimum(last[:-width], last[width:], out=row[:-width])
            rows.append(row)
            width *= 2
        self._minima = np.stack(rows)

    def of(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        """The lowest common ancestor of each pair of positions; -1 where there is none."""
        place = self._walk.place
        low, high = np.minimum(place[a], place[b]), np.maximum(place[a], place[b])
        same = low == high
        span = np.maximum(high - low, 1)
        level = np.frexp(span)[1].astype(np.int64) - 1
        start = low + (~same)
        found = np.minimum(
            self._minima[level, start], self._minima[level, high + 1 - (1 << level)]
        ).astype(np.int64)
        met = np.where(same, low, found)
        return np.where(met >= 0, self._walk.order[np.maximum(met, 0)], -1)
