"""The session graph: nodes in load order, the leaf, and all that is asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import pandas as pd

from lashgraph.errors import InvalidRecordError
from lashgraph.format.html import element
from lashgraph.tree import branches, graphs, made, messages
from lashgraph.tree.frames import of_frame
from lashgraph.tree.graphs import Level
from lashgraph.tree.selecting import Selecting
from lashgraph.tree.transcript import Transcript

if TYPE_CHECKING:
    import networkx as nx


class SessionGraph(Selecting):
    """Nodes of a session in load order.

    Parents are found by the ids inside the nodes; of a node id that stands twice the last row
    counts, and the others answer no question but stand in `nodes`. A parent that is not among the
    nodes (missing, tombstoned, unreadable) ends a path, and so does a node that was met before: a
    cycle is named, never followed round.

    Paths, ancestors and the like are answered with node ids, which ``graph[node_id]`` turns into
    nodes; parts of the graph are graphs again; branches and messages are frames.

    Attributes
    ----------
    nodes : list of Node
        The nodes that could be read, in load order.
    leaf : str or None
        Where the active path ends.
    unreadable : tuple of (str, str)
        Row ids that could not be read, and why.
    agent_frames : AgentFrames or None
        The agent frames that the head lists; None if the head is not known.
    session_id : str
        The session; empty if it is not known.
    file : str
        The file; empty if there is none.

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

    def __repr__(self) -> str:
        return f"<SessionGraph: {self._summary()}; .transcript() tells what was said>"

    def _repr_html_(self) -> str:
        hint = element("code", ".transcript()")
        return element(
            "p", element("b", "SessionGraph: "), self._summary(), "; ", hint, " tells what was said"
        )

    def _summary(self) -> str:
        lost = f", {len(self.unreadable):,} unreadable" if self.unreadable else ""
        return f"{len(self):,} nodes{lost}, leaf {self.leaf!r}"

    # Branches

    def branches(self) -> pd.DataFrame:
        """The branches: maximal runs of nodes without a fork between them.

        Every node is on one branch. A branch begins at a root, below a parent that is missing, and
        at each child of a node that has several; its id is that of its first node. Each node of a
        cycle begins one too.

        Returns
        -------
        DataFrame
            One row for each branch, in load order of their first nodes. Columns: path, session_id,
            branch_id, start (root, missing, fork, cycle), fork_node_id, parent_branch_id,
            last_node_id, is_leaf, depth, n_nodes, n_messages, n_on_active_path, first_at, last_at.

        Examples
        --------
        >>> from lashgraph.tree import sketch
        >>> tree = sketch({"a": None, "b": "a", "c": "b", "d": "b", "e": "d"}, leaf="c")
        >>> tree.branches()[["branch_id", "fork_node_id", "n_nodes"]].iloc[1:].values.tolist()
        [['c', 'b', 1], ['d', 'b', 2]]
        """
        return branches.branches_frame(self)

    def branch_of(self, node_id: str) -> str:
        """The branch that a node is on: the id of the branch's first node.

        Raises
        ------
        UnknownNodeError
            It is not in the graph.

        Examples
        --------
        >>> from lashgraph.tree import sketch
        >>> sketch({"a": None, "b": "a", "c": "b", "d": "b", "e": "d"}).branch_of("e")
        'd'
        """
        return self.nodes[int(self._runs.of[self._at(node_id)])].node_id

    # Messages

    def message_tree(self) -> pd.DataFrame:
        """The messages alone, as the runtime's session picker shows them.

        A message's parent is its nearest ancestor that is a message; siblings stand in the order
        of their timestamps' text. A cycle ends the way up.

        Returns
        -------
        DataFrame
            One row for each message, parents before children. Columns: path, session_id, node_id,
            parent_node_id, depth, message_id, role, timestamp, active, on_active_path, text (its
            beginning). ``active`` is the runtime's mark, which compares NODE ids with MESSAGE ids
            and so is never set for nodes named ``message:…``; ``on_active_path`` is the true one.

        Examples
        --------
        >>> from lashgraph.testing.builders import SessionBuilder
        >>> with SessionBuilder(":memory:", "s") as session:
        ...     _ = session.turn("2 + 2?", "4")
        ...     session.store.tree().message_tree()[["depth", "role", "text"]].values.tolist()
        [[0, 'User', '2 + 2?'], [1, 'Assistant', '4']]
        """
        return messages.message_frame(self)

    def transcript(
        self,
        leaf: str | None = None,
        agent_frame: str | None = None,
        *,
        every_frame: bool = False,
    ) -> Transcript:
        """What was said along a path, as the runtime reads it, with the steps that were run.

        Parameters
        ----------
        leaf : str, optional
            Where the path ends; the graph's own leaf if not given.
        agent_frame : str, optional
            Id of the agent frame whose nodes are taken; the current one if not given. Nodes
            without a frame belong to one that follows no other or that the head does not list.
        every_frame : bool
            Take the nodes of all agent frames. So it is where the head is not known, too.

        Returns
        -------
        Transcript
            Transient messages of plugins are left out, and a message id counts once. Its methods
            ``chat``, ``markdown``, ``html`` and ``json`` give it in these forms.

        Raises
        ------
        UnknownNodeError
            The leaf given is not in the graph.
        InvalidRecordError
            No node has this agent frame and the head does not list it; or both a frame and every
            frame were asked for.

        Examples
        --------
        >>> from lashgraph.testing.builders import SessionBuilder
        >>> with SessionBuilder(":memory:", "s") as session:
        ...     _ = session.turn("2 + 2?", "4")
        ...     [message.role for message in session.store.tree().transcript().messages]
        ['User', 'Assistant']
        """
        if agent_frame is not None and every_frame:
            raise InvalidRecordError("transcript takes an agent_frame or every_frame, not both")
        path = [self.nodes[at] for at in self._path_positions(leaf)]
        wanted = agent_frame
        if wanted is None and self.agent_frames is not None and not every_frame:
            wanted = self.agent_frames.current
        elif wanted is not None:
            self._check_frame(wanted)
        nodes = path if wanted is None else of_frame(path, wanted, self.agent_frames)
        end = leaf if leaf is not None else self.leaf
        return Transcript(tuple(nodes), end, wanted, self.session_id)

    def _check_frame(self, frame_id: str) -> None:
        listed = self.agent_frames.listed if self.agent_frames is not None else ()
        known = dict.fromkeys(name for name, _ in listed)
        known |= dict.fromkeys(
            node.agent_frame_id for node in self.nodes if node.agent_frame_id is not None
        )
        if frame_id not in known:
            raise InvalidRecordError(
                f"no agent frame {frame_id!r}; known: {', '.join(known) or 'none'}"
            )

    # Graphs of networkx

    def to_networkx(
        self, level: Level = "nodes", attributes: Sequence[str] | None = None
    ) -> nx.DiGraph[str]:
        """The graph as a DiGraph with edges from parent to child.

        Attributes are plain values (str, int, float, bool); what a node lacks is absent, and
        characters that XML cannot hold are replaced, so that ``networkx.write_graphml`` takes the
        graph. A parent that is not in the graph makes no node. Cycles stay as they are.

        Parameters
        ----------
        level : {"nodes", "messages", "branches"}
            What a node of the DiGraph is. A message's parent is its nearest ancestor that is one.
        attributes : list of str, optional
            Which attributes nodes get. Of nodes: kind, timestamp, role, plugin_id, plugin_type,
            agent_frame_id, on_active_path, parent_status (these if not given), parent_node_id,
            position, depth, n_children, branch_id, message_id, text, json (the whole node, from
            which `from_networkx` makes it again). Of messages the same; role, timestamp,
            message_id, depth and on_active_path if not given. Of branches the columns of
            `branches`, times as text.

        Returns
        -------
        networkx.DiGraph
            Nodes in load order; messages and branches as `message_tree` and `branches` have them.
            Its own attributes are ``leaf`` and ``session_id``.

        Raises
        ------
        InvalidRecordError
            There is no such level.
        UnknownColumnError
            There is no such attribute.

        Examples
        --------
        >>> from lashgraph.tree import sketch
        >>> tree = sketch({"a": None, "b": "a", "c": "b", "d": "b"})
        >>> list(tree.to_networkx("branches", ["n_nodes"]).nodes(data=True))
        [('a', {'n_nodes': 2}), ('c', {'n_nodes': 1}), ('d', {'n_nodes': 1})]
        """
        return graphs.to_networkx(self, level, attributes)

    @classmethod
    def from_networkx(cls, graph: nx.DiGraph[str], leaf: str | None = None) -> Self:
        """Make a session graph of a DiGraph with edges from parent to child.

        A node has either the attribute ``json`` (a node of a store as JSON text; its parent is
        that of the edge) or ``timestamp`` and ``kind``: ``"plugin"`` with ``plugin_type`` and
        perhaps ``body`` (JSON text), or ``"event"`` with ``role`` and perhaps ``text`` and
        ``message_id`` (a message), or with ``plugin_id`` and perhaps ``payload`` (JSON text).
        ``agent_frame_id`` is optional, and so is ``parent_node_id``, which names a parent that is
        not in the graph. Other attributes are passed over.

        Parameters
        ----------
        graph : networkx.DiGraph
            A forest; node ids are str.
        leaf : str, optional
            Where the active path ends; the graph's attribute ``leaf`` if not given.

        Returns
        -------
        SessionGraph
            Nodes in the order of the DiGraph.

        Raises
        ------
        InvalidRecordError
            It is no DiGraph; a node has two parents, stands on a cycle, lacks an attribute or has
            one of another type. The message names the node.
        UnknownNodeError
            The leaf is not in the graph.

        Examples
        --------
        >>> import networkx as nx
        >>> graph = nx.DiGraph([("a", "b")])
        >>> nx.set_node_attributes(graph, {
        ...     "a": {"timestamp": "2026-01-01T00:00:00Z", "kind": "event", "role": "User"},
        ...     "b": {"timestamp": "2026-01-01T00:00:01Z", "kind": "event", "role": "Assistant"}})
        >>> SessionGraph.from_networkx(graph, leaf="b").active_path()
        ['a', 'b']
        """
        found = made.from_networkx(graph)
        tree = cls(found.nodes, found.leaf, session_id=found.session_id)
        if leaf is not None:
            tree._at(leaf)
            tree = cls(found.nodes, leaf, session_id=found.session_id)
        return tree
