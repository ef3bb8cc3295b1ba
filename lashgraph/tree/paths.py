"""Questions about paths: who stands above, below and beside a node, and where paths meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lashgraph.errors import InvalidRecordError
from lashgraph.tree.base import NodeGraph
from lashgraph.tree.forest import path_to_root


@dataclass(frozen=True)
class PathDiff:
    """Two paths side by side.

    Attributes
    ----------
    common : tuple of str
        Node ids that both begin with, root first.
    only_a, only_b : tuple of str
        How each goes on.
    """

    common: tuple[str, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]

    @property
    def fork(self) -> str | None:
        """Where they part: the lowest common ancestor of the two leaves."""
        return self.common[-1] if self.common else None


class PathQueries(NodeGraph):
    """Questions about paths, answered with node ids."""

    def active_path(self, leaf: str | None = None) -> list[str]:
        """Node ids from a root to a leaf.

        Parameters
        ----------
        leaf : str, optional
            Where the path ends; the graph's own leaf if not given.

        Returns
        -------
        list of str
            Root first; empty if there is no leaf, or the graph's own is not in it. It begins after
            a parent that is not in the graph, and where a node would be met again.

        Raises
        ------
        UnknownNodeError
            The leaf given is not in the graph.

        Examples
        --------
        >>> from lashgraph.tree import sketch
        >>> tree = sketch({"a": None, "b": "a", "c": "b", "d": "b"}, leaf="c")
        >>> tree.active_path(), tree.active_path("d")
        (['a', 'b', 'c'], ['a', 'b', 'd'])
        """
        return self._names(self._path_positions(leaf))

    def path(self, a: str, b: str) -> list[str]:
        """The way from one node to another: up to where their paths meet, then down.

        Returns
        -------
        list of str
            Node ids, both ends included; empty where the two never meet (`lowest_common_ancestor`).

        Raises
        ------
        UnknownNodeError
            One of them is not in the graph.

        Examples
        --------
        >>> from lashgraph.tree import sketch
        >>> sketch({"a": None, "b": "a", "c": "b", "d": "a"}).path("c", "d")
        ['c', 'b', 'a', 'd']
        """
        met = int(self._meetings.of(self._places([a]), self._places([b]))[0])
        if met < 0:
            return []
        up, down = (self._up_to(self._at(end), met) for end in (a, b))
        return self._names([*up, met, *reversed(down)])

    def _up_to(self, node: int, end: int) -> list[int]:
        """Positions from a node upwards, before one of its ancestors."""
        path: list[int] = []
        while node != end:
            path.append(node)
            node = int(self._cut.parents[node])
        return path

    def ancestors(self, node_id: str) -> list[str]:
        """The nodes above a node, its parent first.

        Returns
        -------
        list of str
            They end at a root, below a parent that is not in the graph, and where a node would be
            met again: of a cycle each node is named once, the node itself never.

        Raises
        ------
        UnknownNodeError
            It is not in the graph.

        Examples
        --------
        >>> from lashgraph.tree import sketch
        >>> sketch({"a": None, "b": "a", "c": "b"}).ancestors("c")
        ['b', 'a']
        """
        return self._names(path_to_root(self._forest.parents, self._at(node_id))[1:])

    def descendants(self, node_id: str) -> list[str]:
        """All nodes below a node.

        Returns
        -------
        list of str
            In load order. Below a node of a cycle are the cycle's other nodes and all that stands
            below them.

        Raises
        ------
        UnknownNodeError
            It is not in the graph.

        Examples
        --------
        >>> from lashgraph.tree import sketch
        >>> sketch({"a": None, "b": "a", "c": "b", "d": None}).descendants("a")
        ['b', 'c']
        """
        return self._names(self._below(self._at(node_id)))

    def _below(self, node: int) -> list[int]:
        found: list[int] = self._tour.below(node).tolist()
        if self._links.on_cycle[node]:
            for other in path_to_root(self._links.parents, node)[1:]:
                found += [other, *self._tour.below(other).tolist()]
        return sorted(found)

    def children(self, node_id: str) -> list[str]:
        """The nodes that name a node as parent, in load order.

        Raises
        ------
        UnknownNodeError
            It is not in the graph.

        Examples
        --------
        >>> from lashgraph.tree import sketch
        >>> sketch({"a": None, "b": "a", "c": "a"}).children("a")
        ['b', 'c']
        """
        return self._names(self._children.of(self._at(node_id)))

    def siblings(self, node_id: str) -> list[str]:
        """The other nodes that name the same parent, in load order.

        Returns
        -------
        list of str
            Also where that parent is not in the graph; empty for a node that names none.

        Raises
        ------
        UnknownNodeError
            It is not in the graph.

        Examples
        --------
        >>> from lashgraph.tree import sketch
        >>> sketch({"a": None, "b": "a", "c": "a", "d": None}).siblings("b")
        ['c']
        """
        at = self._at(node_id)
        parent, named = int(self._links.parents[at]), self.nodes[at].parent_node_id
        if named is None:
            return []
        if parent >= 0:
            found = self._children.of(parent)
        else:
            shown = self._shown.tolist()
            found = [
                other
                for other, node in enumerate(self.nodes)
                if node.parent_node_id == named and shown[other]
            ]
        return self._names(other for other in found if other != at)

    def leaves(self) -> list[str]:
        """The nodes that no node names as parent, in load order.

        Examples
        --------
        >>> from lashgraph.tree import sketch
        >>> sketch({"a": None, "b": "a", "c": "a"}).leaves()
        ['b', 'c']
        """
        return self._names(np.flatnonzero((self._children.counts == 0) & self._shown).tolist())

    def roots(self) -> list[str]:
        """The nodes without a parent in the graph, in load order.

        Those that name one which is missing are among them (`parent_status` tells them apart); the
        nodes of a cycle are not, so that a cycle has no root.

        Examples
        --------
        >>> from lashgraph.tree import sketch
        >>> sketch({"a": None, "b": "a", "x": "gone"}).roots()
        ['a', 'x']
        """
        return self._names(np.flatnonzero((self._links.parents < 0) & self._shown).tolist())

    def depth(self, node_id: str) -> int:
        """Steps from a node to where its path ends; -1 where it leads into a cycle.

        Raises
        ------
        UnknownNodeError
            It is not in the graph.

        Examples
        --------
        >>> from lashgraph.tree import sketch
        >>> sketch({"a": None, "b": "a"}).depth("b")
        1
        """
        return int(self._forest.depths[self._at(node_id)])

    def lowest_common_ancestor(self, a: str, b: str) -> str | None:
        """Where the paths of two nodes meet; a node is taken for its own ancestor here.

        Returns
        -------
        str or None
            None where they have no ancestor in common, and where they enter a cycle at two
            different nodes: each of these is above the other, so none is the lowest.

        Raises
        ------
        UnknownNodeError
            One of them is not in the graph.

        Examples
        --------
        >>> from lashgraph.tree import sketch
        >>> tree = sketch({"a": None, "b": "a", "c": "b", "d": "b", "e": None})
        >>> tree.lowest_common_ancestor("c", "d"), tree.lowest_common_ancestor("c", "e")
        ('b', None)
        """
        return self.lowest_common_ancestors([a], [b])[0]

    def lowest_common_ancestors(self, a: Sequence[str], b: Sequence[str]) -> list[str | None]:
        """`lowest_common_ancestor` of many pairs at once.

        Parameters
        ----------
        a, b : sequences of str
            Node ids, equally many: lists, arrays, or columns of a frame.

        Returns
        -------
        list of str or None
            One for each pair.

        Raises
        ------
        UnknownNodeError
            One of them is not in the graph.
        InvalidRecordError
            There are more of one than of the other, or a single text was given.

        References
        ----------
        Bender, M. A., & Farach-Colton, M. (2000). The LCA problem revisited. LATIN 2000, 88-94.
        https://doi.org/10.1007/10719839_9

        Examples
        --------
        >>> from lashgraph.tree import sketch
        >>> tree = sketch({"a": None, "b": "a", "c": "b", "d": "b"})
        >>> tree.lowest_common_ancestors(["c", "b"], ["d", "a"])
        ['b', 'a']
        """
        if isinstance(a, str) or isinstance(b, str) or len(a) != len(b):
            raise InvalidRecordError(
                "lowest_common_ancestors takes two lists of equally many node ids; "
                "lowest_common_ancestor takes two nodes"
            )
        nodes = self.nodes
        return [
            None if met < 0 else nodes[met].node_id
            for met in self._meetings.of(self._places(a), self._places(b)).tolist()
        ]

    def diff(self, leaf_a: str, leaf_b: str) -> PathDiff:
        """Two paths side by side: what both begin with, and how each goes on.

        Returns
        -------
        PathDiff
            Nothing is common where the two have no lowest common ancestor.

        Raises
        ------
        UnknownNodeError
            One of them is not in the graph.

        Examples
        --------
        >>> from lashgraph.tree import sketch
        >>> sketch({"a": None, "b": "a", "c": "b", "d": "b"}).diff("c", "d")
        PathDiff(common=('a', 'b'), only_a=('c',), only_b=('d',))
        """
        path_a, path_b = self.active_path(leaf_a), self.active_path(leaf_b)
        shared = 0
        for one, other in zip(path_a, path_b, strict=False):
            if one != other:
                break
            shared += 1
        return PathDiff(tuple(path_a[:shared]), tuple(path_a[shared:]), tuple(path_b[shared:]))
