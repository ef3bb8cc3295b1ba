"""The user's facade: a session store, with frames."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pandas as pd

from lashgraph import frames
from lashgraph.check import Level, known_session_id
from lashgraph.errors import UnknownNodeError
from lashgraph.sqlite import heads, nodes
from lashgraph.store.writing import WritingStore
from lashgraph.tree import AgentFrames, SessionGraph
from lashgraph.version import __version__


class Store(WritingStore):
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
        state = "closed" if self.closed else f"mode {self.mode!r}"
        return f"<lashgraph.Store {self.path!r}, {state}; .sessions() tells what it holds>"

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
        self._tell_unreadable(list(graph.unreadable), strict=False)
        return graph

    # Frames

    def nodes(self, *, strict: bool = False) -> pd.DataFrame:
        """Every row of the session graph, tombstoned and unreadable ones too.

        Parameters
        ----------
        strict : bool
            Raise at a row that cannot be read, instead of warning.

        Returns
        -------
        DataFrame
            ``lashgraph.schema("nodes")`` tells the columns.

        Raises
        ------
        DamagedNodeError
            Only if strict.
        """
        unreadable: list[tuple[str, str]] = []

        def build(connection: sqlite3.Connection, path: str, session_id: str) -> pd.DataFrame:
            made = frames.nodes_frame(connection, path, session_id)
            unreadable[:] = made.unreadable
            return made.frame

        frame = self._frame("nodes", build)
        self._tell_unreadable(unreadable, strict=strict)
        return frame

    def blobs(self, *, content_bytes: bool = False) -> pd.DataFrame:
        """Every blob, and which policy keeps it.

        Parameters
        ----------
        content_bytes : bool
            Whether to decode each blob for the length of its content; this reads them all.

        Returns
        -------
        DataFrame
            ``lashgraph.schema("blobs")`` tells the columns.
        """

        def build(connection: sqlite3.Connection, path: str, session_id: str) -> pd.DataFrame:
            return frames.blobs_frame(connection, path, session_id, content_bytes=content_bytes)

        return self._frame("blobs", build)

    def refs(self) -> pd.DataFrame:
        """Every place that names a blob; ``lashgraph.schema("refs")`` tells the columns."""
        return self._frame("refs", frames.refs_frame)

    def turns(self) -> pd.DataFrame:
        """Every recorded turn; ``lashgraph.schema("turns")`` tells the columns."""
        return self._frame("turns", frames.turns_frame)

    def history(self) -> pd.DataFrame:
        """Live and garbage bytes after each turn; ``lashgraph.schema("history")`` has the columns.

        ``lashgraph.plot.retention`` draws it.
        """
        return self._frame("history", frames.history_frame)

    def usage(self) -> pd.DataFrame:
        """Every recorded usage of tokens; ``lashgraph.schema("usage")`` tells the columns."""
        return self._frame("usage", frames.usage_frame)

    def sessions(self) -> pd.DataFrame:
        """One row for the session; ``lashgraph.schema("sessions")`` tells the columns."""

        def build(connection: sqlite3.Connection, path: str, session_id: str) -> pd.DataFrame:
            sizes = self._database.file_sizes()
            return frames.sessions_frame(connection, path, session_id, sizes)

        return self._frame("sessions", build)

    def problems(self) -> pd.DataFrame:
        """What cannot be read or names what is not there, one row each: the gist of a quick check.

        ``lashgraph.schema("problems")`` tells the columns.
        """
        return self._frame("problems", frames.problems_frame, session_id=known_session_id)

    def check(self, level: Level = "quick") -> pd.DataFrame:
        """What is wrong with the store, or odd about it: one row for each finding.

        Reads only, on one snapshot, and never warns: what cannot be read is a finding.

        Parameters
        ----------
        level : {"quick", "full"}
            Quick scans the nodes once and reads of blobs the first bytes, and live manifests
            whole. Full also reads and hashes every content and checks SQLite's indexes.

        Returns
        -------
        DataFrame
            The gravest first; ``lashgraph.schema("findings")`` tells the columns. A store is sound
            if no row has the severity ``"error"``.

        Raises
        ------
        InvalidRecordError
            There is no such level.

        Examples
        --------
        >>> import lashgraph as lg
        >>> with lg.open(":memory:") as store:
        ...     store.append_session_graph_nodes([
        ...         {"node_id": "b", "parent_node_id": "a", "kind": "plugin", "plugin_type": "note",
        ...          "timestamp": "2026-01-01T00:00:00+00:00", "body": 1}])
        ...     store.check()[["severity", "code", "key"]].values.tolist()
        [['error', 'head-lost', ''], ['warning', 'parent-missing', 'b']]
        """

        def build(connection: sqlite3.Connection, path: str, session_id: str) -> pd.DataFrame:
            return frames.findings_frame(connection, path, session_id, level=level)

        return self._frame("findings", build, session_id=known_session_id)

    def _frame(
        self,
        name: str,
        build: Callable[[sqlite3.Connection, str, str], pd.DataFrame],
        session_id: Callable[[sqlite3.Connection], str] = heads.session_id,
    ) -> pd.DataFrame:
        with self._database.snapshot():
            fingerprint = self._database.fingerprint()
            frame = self._database.read(
                lambda connection: build(connection, self.path, session_id(connection))
            )
        frame.attrs["lashgraph"] = {
            "frame": name,
            "version": __version__,
            "fingerprint": fingerprint,
            "policy": self._options.gc_policy.name,
        }
        return frame
