"""A session graph as the rows of a tree that can be opened: flat along paths, nested at forks.

A node's first row is followed on the same level by what goes straight on: the child on the shown
path, else the one with the most nodes below it. The other children of a fork stand right after it
as rows that can be opened. So a session without forks is a flat list, however long, and rows are
nested at most as deep as the logarithm of the number of nodes, and one more for the path.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from lashgraph.tree import SessionGraph
from lashgraph.tree.forest import ROOT, measure, without_cycles
from lashgraph.tree.tour import tour


class Outline:
    """Which rows there are, and in which order.

    A row is the position of its node in the graph. What is opened is named by the first node of a
    line: its other nodes come below it.

    Parameters
    ----------
    graph : SessionGraph
        Rows whose id stands again further on have no place here, and a cycle is taken apart.
    leaf : str or None
        Where the shown path ends.

    Attributes
    ----------
    rows : list of int
        What is to be seen, from top to bottom.
    on_path : array of bool
        The nodes of the shown path.
    """

    def __init__(self, graph: SessionGraph, leaf: str | None) -> None:
        count = len(graph)
        self._last = {name: at for at, name in enumerate(graph.ids)}
        self._known = known = np.zeros(count, np.bool_)
        known[list(self._last.values())] = True
        forest = without_cycles(measure(np.array(graph.parents(), np.int64)))
        self.parents = np.where(known, forest.parents, ROOT)
        self.on_path = np.zeros(count, np.bool_)
        if leaf in self._last:
            self.on_path[[self._last[name] for name in graph.active_path(leaf)]] = True
        goes_on = self._straight_on(tour(forest).sizes)
        self._head = self._heads(forest.depths, goes_on)
        self._below = self._sides(np.flatnonzero(known & ~goes_on))
        self._roots = self._below.pop(ROOT, [])
        self._numbers = {root: number for number, root in enumerate(self._roots)}
        self._along = np.lexsort((forest.depths, self._head))
        self._starts = np.searchsorted(self._head[self._along], np.arange(count + 1))
        self._levels: dict[int, int] = {}
        self._opened: set[int] = set()
        self._beneath: dict[int, list[int]] = {}
        self.rows = list(self._roots)
        self._places: dict[int, int] | None = None
        self.found: list[int] | None = None

    def _straight_on(self, sizes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which nodes stand on the level of their parent's line."""
        number = np.arange(len(self.parents))
        by_parent = np.lexsort((number, -sizes, ~self.on_path, self.parents))
        above = self.parents[by_parent]
        first = above >= 0
        first[1:] &= above[1:] != above[:-1]
        goes_on = np.zeros(len(number), np.bool_)
        goes_on[by_parent[first]] = True
        return goes_on

    def _heads(self, depths: NDArray[np.int64], goes_on: NDArray[np.bool_]) -> NDArray[np.int64]:
        """The first node of each node's line."""
        head = list(range(len(self.parents)))
        above, on = self.parents.tolist(), goes_on.tolist()
        for node in np.argsort(depths, kind="stable").tolist():
            if on[node]:
                head[node] = head[above[node]]
        return np.array(head, np.int64)

    def _sides(self, heads: NDArray[np.int64]) -> dict[int, list[int]]:
        """The lines that begin below each node; at `ROOT` those of roots."""
        found: dict[int, list[int]] = {}
        for head, parent in zip(
            heads.tolist(), self.parents[heads].clip(ROOT).tolist(), strict=True
        ):
            found.setdefault(parent, []).append(head)
        return found

    # Lines

    def at(self, node_id: str) -> int:
        """Position of a node."""
        return self._last[node_id]

    def is_known(self, at: int) -> bool:
        """Whether a row of the graph answers to its id: it does not where that stands again."""
        return bool(self._known[at])

    def line(self, head: int) -> list[int]:
        """The nodes of a line, its first included."""
        found: list[int] = self._along[self._starts[head] : self._starts[head + 1]].tolist()
        return found

    def line_of(self, node: int) -> int:
        """The first node of the line that a node is on."""
        return int(self._head[node])

    def rest(self, node: int) -> list[int]:
        """The nodes that follow a node on its line."""
        line = self.line(int(self._head[node]))
        return line[line.index(node) + 1 :]

    def beneath(self, head: int) -> list[int]:
        """The rows right below a line's first node: its other nodes and the lines that leave it."""
        if head not in self._beneath:
            rows: list[int] = []
            for node in self.line(head):
                if node != head:
                    rows.append(node)
                rows += self._below.get(node, ())
            self._beneath[head] = rows
            self._numbers.update(zip(rows, range(len(rows)), strict=True))
        return self._beneath[head]

    def can_open(self, node: int) -> bool:
        """Whether rows are below a row."""
        return self.found is None and self.begins(node)

    def begins(self, node: int) -> bool:
        """Whether a node is the first of a line that has more than itself."""
        return self._head[node] == node and (self.count(node) > 1 or node in self._below)

    def is_fork(self, node: int) -> bool:
        """Whether a node has several children."""
        return node in self._below

    def count(self, head: int) -> int:
        """How many nodes a line has; 1 for a node that begins none."""
        return max(int(self._starts[head + 1] - self._starts[head]), 1)

    def level(self, node: int) -> int:
        """How deep a row is nested, from 1."""
        if self.found is not None:
            return 1
        head = int(self._head[node])
        return self._line_level(head) + (node != head)

    def _line_level(self, head: int) -> int:
        way = []
        while head not in self._levels:
            above = int(self.parents[head])
            if above < 0:
                self._levels[head] = 1
                break
            way.append(head)
            head = int(self._head[above])
        level = self._levels[head]
        for one in reversed(way):
            level += 1
            self._levels[one] = level
        return level

    def standing(self, node: int) -> tuple[int, int]:
        """The number of a row among those of its level under the same row, from 1; and of how many.

        The row is one that is shown.
        """
        if self.found is not None:
            return (self.place(node) or 0) + 1, len(self.found)
        outer = self.outer(node)
        rows = self._roots if outer is None else self.beneath(outer)
        return self._numbers[node] + 1, len(rows)

    def outer(self, node: int) -> int | None:
        """The row under which a row stands; None on the first level."""
        way = self.way_to(node) if self.found is None else []
        return way[0] if way else None

    # What is opened

    @property
    def opened(self) -> list[int]:
        """First nodes of the lines that are open, ascending."""
        return sorted(self._opened)

    def is_open(self, node: int) -> bool:
        """Whether the rows below a row are shown."""
        return self.found is None and node in self._opened

    def open_only(self, heads: Iterable[int]) -> None:
        """Open these lines and close all others."""
        self._opened = {head for head in heads if self.begins(head)}
        self._lay()

    def way_to(self, node: int) -> list[int]:
        """The lines to be open for a node to be seen in the tree."""
        way = [] if self._head[node] == node else [int(self._head[node])]
        above = int(self.parents[self._head[node]])
        while above >= 0:
            way.append(int(self._head[above]))
            above = int(self.parents[self._head[above]])
        return way

    def toggle(self, node: int) -> tuple[int, int, int]:
        """Open or close what is below a row.

        Returns
        -------
        tuple of int
            The row after which the change begins, and how many rows went and came there.
        """
        at = self.place(node)
        assert at is not None, "a row that is not shown"
        if node in self._opened:
            gone = len(self._shown_below(node))
            self._opened.discard(node)
            del self.rows[at + 1 : at + 1 + gone]
            self._places = None
            return at, gone, 0
        self._opened.add(node)
        came = self._shown_below(node)
        self.rows[at + 1 : at + 1] = came
        self._places = None
        return at, 0, len(came)

    def find(self, positions: list[int] | None) -> None:
        """Show these nodes and no others, as a flat list; None shows the tree again."""
        self.found = positions
        self._lay()

    def place(self, node: int) -> int | None:
        """Which row a node is in; None where it is not shown."""
        if self._places is None:
            self._places = {row: number for number, row in enumerate(self.rows)}
        return self._places.get(node)

    def _lay(self) -> None:
        self._places = None
        if self.found is not None:
            self.rows = list(self.found)
            return
        self.rows = []
        for root in self._roots:
            self.rows.append(root)
            self.rows += self._shown_below(root)

    def _shown_below(self, node: int) -> list[int]:
        if node not in self._opened:
            return []
        shown: list[int] = []
        waiting = [iter(self.beneath(node))]
        while waiting:
            row = next(waiting[-1], None)
            if row is None:
                waiting.pop()
                continue
            shown.append(row)
            if row in self._opened:
                waiting.append(iter(self.beneath(row)))
        return shown
