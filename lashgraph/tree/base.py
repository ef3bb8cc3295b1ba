"""What every question to a session graph stands on: the nodes, their ids, and links as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lashgraph.errors import UnknownNodeError
from lashgraph.format.node import Node
from lashgraph.tree.forest import (
    ABSENT,
    HIDDEN,
    ROOT,
    Children,
    Forest,
    measure,
    parent_positions,
    path_to_root,
    without_cycles,
)
from lashgraph.tree.frames import AgentFrames
from lashgraph.tree.runs import Runs, runs
from lashgraph.tree.tour import Meetings, Tour, tour

ParentStatus = Literal["root", "present", "missing", "cycle"]


@dataclass(frozen=True, eq=False)
class NodeGraph:
    """Nodes of a session in load order, found by id; `SessionGraph` says what the fields are."""

    nodes: list[Node]
    leaf: str | None = None
    unreadable: tuple[tuple[str, str], ...] = field(default=())
    agent_frames: AgentFrames | None = None
    session_id: str = ""
    file: str = ""

    @property
    def ids(self) -> list[str]:
        """Node ids in load order."""
        return [node.node_id for node in self.nodes]

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __contains__(self, node_id: object) -> bool:
        return isinstance(node_id, str) and node_id in self._position

    def __getitem__(self, node_id: str) -> Node:
        return self.nodes[self._at(node_id)]

    def parent_status(self) -> list[ParentStatus]:
        """What each node's parent is: a cycle is named at every node that lies on it."""
        names: dict[int, ParentStatus] = {ROOT: "root", ABSENT: "missing"}
        forest = self._forest
        return [
            "cycle" if circles else names.get(parent, "present")
            for parent, circles in zip(
                forest.parents.tolist(), forest.on_cycle.tolist(), strict=True
            )
        ]

    def parents(self) -> list[int]:
        """Position of each node's parent: -1 for a root, -2 where the parent is not here."""
        positions: list[int] = self._forest.parents.tolist()
        return positions

    def depths(self) -> list[int]:
        """Steps from each node to where its path ends; -1 where it leads into a cycle."""
        depths: list[int] = self._forest.depths.tolist()
        return depths

    # Ids and positions

    def _at(self, node_id: str) -> int:
        """Position of a node: of an id that stands twice the last row counts."""
        try:
            return self._position[node_id]
        except (KeyError, TypeError):
            raise UnknownNodeError(
                f"no node {node_id!r} in this graph of {len(self)} nodes; .ids lists them",
                node_id=node_id,
            ) from None

    def _places(self, node_ids: Sequence[str]) -> NDArray[np.int64]:
        try:
            found = list(map(self._position.__getitem__, node_ids))
        except (KeyError, TypeError):
            found = list(map(self._at, node_ids))
        return np.array(found, np.int64)

    def _names(self, positions: Iterable[int]) -> list[str]:
        nodes = self.nodes
        return [nodes[position].node_id for position in positions]

    @cached_property
    def _position(self) -> dict[str, int]:
        return {node.node_id: index for index, node in enumerate(self.nodes)}

    # Links as arrays

    @cached_property
    def _forest(self) -> Forest:
        parents = [node.parent_node_id for node in self.nodes]
        return measure(parent_positions(self.ids, parents))

    @cached_property
    def _shown(self) -> NDArray[np.bool_]:
        """Which rows answer to their ids: all but those whose id stands again further on."""
        shown = np.ones(len(self), np.bool_)
        if len(self._position) < len(self):
            shown[:] = False
            shown[list(self._position.values())] = True
        return shown

    @cached_property
    def _links(self) -> Forest:
        """The forest of the rows that answer to their ids; the others have no place in it."""
        forest = self._forest
        parents = np.where(self._shown, forest.parents, HIDDEN)
        return forest._replace(parents=parents)

    @cached_property
    def _children(self) -> Children:
        return Children(self._links.parents)

    @cached_property
    def _cut(self) -> Forest:
        return without_cycles(self._links)

    @cached_property
    def _tour(self) -> Tour:
        return tour(self._cut)

    @cached_property
    def _runs(self) -> Runs:
        return runs(self._links, self._children.counts, self._tour)

    @cached_property
    def _meetings(self) -> Meetings:
        return Meetings(self._cut.parents, self._tour)

    def _path_positions(self, leaf: str | None) -> list[int]:
        """Positions from a root to a leaf; none without a leaf."""
        if leaf is None:
            if self.leaf not in self:
                return []
            leaf = self.leaf
            assert leaf is not None
        return path_to_root(self._forest.parents, self._at(leaf))[::-1]

    def _active(self) -> NDArray[np.bool_]:
        """Which rows the path of the graph's own leaf passes."""
        active = np.zeros(len(self), np.bool_)
        active[self._path_positions(None)] = True
        return active
