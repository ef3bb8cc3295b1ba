"""The user's facade: a session store, with frames."""

from __future__ import annotations

import sqlite3

from lashgraph.errors import UnknownNodeError
from lashgraph.format.arguments import as_text
from lashgraph.sqlite import heads, nodes
from lashgraph.store import shown
from lashgraph.store.framing import FramingStore
from lashgraph.tree import AgentFrames, SessionGraph


class Store(FramingStore):
    """One session file, as lash's store sees it and as an analyst asks for it.

    Made by `lashgraph.open`. Reads of one call come from one snapshot; a store opened with
    ``mode="r"`` leaves the file and its folder as they were.

    Examples
    --------
    >>> import lashgraph as lg
    >>> with lg.open(":memory:") as store:
    ...     key = store.put_blob(b"hello")
    ...     store.blobs()[["kind", "stored_bytes"]].values.tolist()
    [['raw', 5]]
    """

    def __repr__(self) -> str:
        return shown.as_text(self._database)

    def _repr_html_(self) -> str:
        return shown.as_html(self._database)

    def tree(self, leaf: str | None = None, *, tombstoned: bool = False) -> SessionGraph:
        """The session graph with a leaf: where questions about paths begin.

        Parameters
        ----------
        leaf : str, optional
            Node id; the head's leaf if not given.
        tombstoned : bool
            Whether tombstoned nodes are taken in.

        Returns
        -------
        SessionGraph

        Raises
        ------
        UnknownNodeError
            The leaf given is not in the graph.
        """
        if leaf is not None:
            as_text(leaf, "leaf")

        def read(connection: sqlite3.Connection) -> SessionGraph:
            found, unreadable = nodes.load_all(connection, tombstoned=tombstoned)
            end = heads.leaf(connection) if leaf is None else leaf
            head = heads.row(connection)
            return SessionGraph(
                found,
                end,
                tuple(unreadable),
                agent_frames=None if head is None else AgentFrames.of_head(head.json),
                session_id=heads.session_id(connection),
                file=self.path,
            )

        graph = self._database.read(read)
        if leaf is not None and leaf not in graph:
            raise UnknownNodeError(
                f"{self.path}: no node {leaf!r} among {len(graph)}; store.nodes() lists them all, "
                "tombstoned and unreadable ones too",
                path=self.path,
                node_id=leaf,
            )
        self._tell_unreadable(graph, strict=False)
        return graph
