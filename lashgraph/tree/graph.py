"""The session graph: nodes in load order, the leaf, and the paths between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from lashgraph.errors import UnknownNodeError
from lashgraph.format.checkpoint import Checkpoint
from lashgraph.format.head import AgentFrame, SessionConfig
from lashgraph.format.node import Node
from lashgraph.format.usage import UsageDelta
from lashgraph.tree.forest import ABSENT, ROOT, Forest, measure, parent_positions, path_to_root

if TYPE_CHECKING:
    import networkx as nx

ParentStatus = Literal["root", "present", "missing", "cycle"]


@dataclass(frozen=True, eq=False)
class SessionGraph:
    """Nodes of a session in load order.

    Parents are found by the ids inside the nodes; of a node id that stands twice the last row
    counts. A parent that is not among the nodes (missing, tombstoned, unreadable) ends a path, and
    so does a node that was met before: a cycle is named, never followed round.

    Attributes
    ----------
    nodes : list of Node
        The nodes that could be read, in load order.
    leaf : str or None
        Where the active path ends.
    unreadable : tuple of (str, str)
        Row ids that could not be read, and why.

    Examples
    --------
    >>> import lashgraph as lg
    >>> with lg.open(":memory:") as store:
    ...     store.append_session_graph_nodes([
    ...         {"node_id": "a", "timestamp": "2026-01-01T00:00:00+00:00",
    ...          "kind": "plugin", "plugin_type": "note", "body": 1},
    ...         {"node_id": "b", "parent_node_id": "a", "timestamp": "2026-01-01T00:00:01+00:00",
    ...          "kind": "plugin", "plugin_type": "note", "body": 2}])
    ...     store.tree(leaf="b").active_path()
    ['a', 'b']
    """

    nodes: list[Node]
    leaf: str | None = None
    unreadable: tuple[tuple[str, str], ...] = field(default=())

    @property
    def ids(self) -> list[str]:
        """Node ids in load order."""
        return [node.node_id for node in self.nodes]

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __contains__(self, node_id: object) -> bool:
        return node_id in self._position

    def __getitem__(self, node_id: str) -> Node:
        try:
            return self.nodes[self._position[node_id]]
        except KeyError:
            raise UnknownNodeError(
                f"no node {node_id!r} in this graph of {len(self)} nodes", node_id=node_id
            ) from None

    def __repr__(self) -> str:
        return f"<SessionGraph: {len(self)} nodes, leaf {self.leaf!r}>"

    @cached_property
    def _position(self) -> dict[str, int]:
        return {node.node_id: index for index, node in enumerate(self.nodes)}

    @cached_property
    def _forest(self) -> Forest:
        parents = [node.parent_node_id for node in self.nodes]
        return measure(parent_positions(self.ids, parents))

    def active_path(self, leaf: str | None = None) -> list[str]:
        """Node ids from a root to a leaf.

        Parameters
        ----------
        leaf : str, optional
            Where the path ends; the graph's own leaf if not given.

        Returns
        -------
        list of str
            Root first; empty if there is no leaf.

        Raises
        ------
        UnknownNodeError
            The leaf given is not in the graph.
        """
        if leaf is None:
            leaf = self.leaf
            if leaf is None or leaf not in self:
                return []
        self[leaf]
        path = path_to_root(self._forest.parents, self._position[leaf])
        return [self.nodes[position].node_id for position in reversed(path)]

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

    def to_networkx(self) -> nx.DiGraph[str]:
        """The graph as a DiGraph with edges from parent to child.

        Node attributes are plain values (kind, role, plugin_id, plugin_type, timestamp,
        agent_frame_id, on_active_path, parent_status); what a node lacks is absent, so that
        ``networkx.write_graphml`` takes the graph. A parent that is not in the graph makes no node.

        Returns
        -------
        networkx.DiGraph
            Nodes in load order.
        """
        import networkx as nx

        graph: nx.DiGraph[str] = nx.DiGraph()
        active = set(self.active_path())
        for node, status in zip(self.nodes, self.parent_status(), strict=True):
            message = node.message
            protocol = node.event.protocol if node.event is not None else None
            attributes = {
                "kind": node.kind,
                "timestamp": node.timestamp,
                "role": message.role if message is not None else None,
                "plugin_id": protocol.plugin_id if protocol is not None else None,
                "plugin_type": node.plugin_type,
                "agent_frame_id": node.agent_frame_id,
                "on_active_path": node.node_id in active,
                "parent_status": status,
            }
            graph.add_node(
                node.node_id,
                **{key: value for key, value in attributes.items() if value is not None},
            )
        for node, parent in zip(self.nodes, self._forest.parents.tolist(), strict=True):
            if parent >= 0:
                graph.add_edge(self.nodes[parent].node_id, node.node_id)
        return graph


@dataclass(frozen=True)
class LoadedSession:
    """A session as the runtime loads it: head, graph, checkpoint and ledger together."""

    session_id: str
    head_revision: int
    config: SessionConfig
    agent_frames: list[AgentFrame]
    current_agent_frame_id: str
    graph: SessionGraph
    checkpoint_ref: str | None
    checkpoint: Checkpoint | None
    token_ledger: list[UsageDelta]
