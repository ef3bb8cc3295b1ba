"""Forests as integer arrays: each node is a position, its parent another, or a negative number."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ROOT = -1
"""Parent of a node that names none."""

ABSENT = -2
"""Parent of a node whose parent is not among the nodes."""

HIDDEN = -3
"""Parent, for questions about paths, of a row whose id stands again further on."""


class Forest(NamedTuple):
    """Parents, depths and cycles of nodes.

    Attributes
    ----------
    parents : array of int
        Position of each parent, `ROOT` or `ABSENT`.
    depths : array of int
        Steps to where the path ends; -1 where it never ends.
    on_cycle : array of bool
        Whether a node comes back to itself.
    """

    parents: NDArray[np.int64]
    depths: NDArray[np.int64]
    on_cycle: NDArray[np.bool_]


def parent_positions(ids: Sequence[str], parents: Sequence[str | None]) -> NDArray[np.int64]:
    """Position of each node's parent; of an id that stands twice the last counts."""
    position: dict[str | None, int] = {None: ROOT}
    position.update(zip(ids, range(len(ids)), strict=True))
    return np.fromiter(map(position.get, parents, repeat(ABSENT)), np.int64, len(ids))


def measure(parents: NDArray[np.int64]) -> Forest:
    """Depths and cycles, by doubling the reach of every parent link until all links have ended.

    Takes O(n log d) for a depth of d. A link that has not ended after as many steps as there are
    nodes leads into a cycle, and by then it stands on one.

    References
    ----------
    Wyllie, J. C. (1979). The complexity of parallel computations. Cornell University.
    https://hdl.handle.net/1813/7502
    """
    count = len(parents)
    reach = parents.copy()
    depths = (parents >= 0).astype(np.int64)
    steps = 1
    while steps <= count:
        going = np.flatnonzero(reach >= 0)
        if not len(going):
            break
        ahead = reach[going]
        depths[going] += depths[ahead]
        reach[going] = reach[ahead]
        steps *= 2
    on_cycle = np.zeros(count, np.bool_)
    endless = reach >= 0
    on_cycle[reach[endless]] = True
    depths[endless] = -1
    return Forest(parents, depths, on_cycle)


def without_cycles(forest: Forest) -> Forest:
    """The same nodes with every cycle taken apart: each node on one becomes a root."""
    if not forest.on_cycle.any():
        return forest
    return measure(np.where(forest.on_cycle, ROOT, forest.parents))


class Children:
    """The children of every node, found by one sort."""

    def __init__(self, parents: NDArray[np.int64]) -> None:
        self._order = np.argsort(parents, kind="stable")
        self._sorted = parents[self._order]
        inside = parents[parents >= 0]
        self.counts: NDArray[np.int64] = np.bincount(inside, minlength=len(parents))

    def of(self, node: int) -> list[int]:
        """Positions of a node's children, ascending."""
        start, end = np.searchsorted(self._sorted, [node, node + 1])
        found: list[int] = self._order[start:end].tolist()
        return found


def path_to_root(parents: NDArray[np.int64], start: int) -> list[int]:
    """Positions from a node upwards; ends where a node would be met again."""
    path: list[int] = []
    seen: set[int] = set()
    current = start
    while current >= 0 and current not in seen:
        seen.add(current)
        path.append(current)
        current = int(parents[current])
    return path
