"""What lash's store answers, asked of a snapshot."""

from __future__ import annotations

import sqlite3
from typing import Literal

from lashgraph.errors import DamagedDataError, InvalidRecordError
from lashgraph.format.arguments import as_text, shown
from lashgraph.format.blob import unwrap_or_raise
from lashgraph.format.checkpoint import Checkpoint
from lashgraph.format.head import Head
from lashgraph.format.node import Node
from lashgraph.format.session import PickerInfo, SessionMeta, picker_info
from lashgraph.format.usage import UsageDelta, merge
from lashgraph.format.work import Attachment, QueuedBatch
from lashgraph.sqlite import artifacts, blobs, checkpoints, heads, nodes, paths, usage, work
from lashgraph.store.base import OpenStore
from lashgraph.tree import LoadedSession, SessionGraph

Scope = Literal["full", "active"]


class ReadingStore(OpenStore):
    """The reads of lash's store."""

    # The graph

    def load_session_graph(self, *, strict: bool = False) -> SessionGraph:
        """All living nodes in load order, without a leaf, as lash loads them.

        Parameters
        ----------
        strict : bool
            Raise at a node that cannot be read, instead of warning and leaving it out.

        Returns
        -------
        SessionGraph
            ``leaf`` is None; `tree` gives the head's.

        Raises
        ------
        DamagedNodeError
            Only if strict.
        """
        graph = self._database.read(lambda connection: _graph(connection, None))
        self._tell_unreadable(graph, strict=strict)
        return graph

    def load_active_path(self, leaf: str | None = None, *, strict: bool = False) -> SessionGraph:
        """The nodes from a root to a leaf, root first.

        The path ends at a parent that is missing or tombstoned, and where a node would be met
        again. Nodes that cannot be read are passed through and left out.

        Parameters
        ----------
        leaf : str, optional
            Node id; the head's leaf if not given.
        strict : bool
            Raise at a node that cannot be read, instead of warning.

        Returns
        -------
        SessionGraph
            Empty where the leaf is absent; ``leaf`` is then still the one asked for.

        Raises
        ------
        DamagedHeadError
            The head's leaf is asked for and the head cannot be read.
        DamagedNodeError
            Only if strict.
        """
        if leaf is not None:
            as_text(leaf, "leaf")

        def read(connection: sqlite3.Connection) -> SessionGraph:
            end = leaf
            if end is None:
                head = heads.load(connection)
                end = head.leaf_node_id if head else None
            return _path(connection, end)

        graph = self._database.read(read)
        self._tell_unreadable(graph, strict=strict)
        return graph

    def load_node(self, node_id: str) -> Node | None:
        """One living node; None where it is absent, tombstoned or unreadable."""
        return self._database.read(lambda connection: nodes.load(connection, node_id))

    def node_json(self, node_id: str) -> bytes | None:
        """The JSON of a node as it stands in the file: tombstoned and unreadable rows too.

        Returns
        -------
        bytes or None
            None where there is no such row.

        Examples
        --------
        >>> import lashgraph as lg
        >>> with lg.open(":memory:") as store:
        ...     store.append_session_graph_nodes([
        ...         {"node_id": "a", "timestamp": "2026-01-01T00:00:00+00:00",
        ...          "kind": "plugin", "plugin_type": "note", "body": 1}])
        ...     store.node_json("a")[:30]
        b'{"node_id":"a","timestamp":"20'
        """
        as_text(node_id, "node_id")
        return self._database.read(lambda connection: nodes.stored_json(connection, node_id))

    def load_session(
        self, *, scope: Scope = "full", leaf: str | None = None, strict: bool = False
    ) -> LoadedSession | None:
        """Head, graph, checkpoint and token ledger of one snapshot.

        Parameters
        ----------
        scope : {"full", "active"}
            All living nodes, or those of the active path.
        leaf : str, optional
            Where the active path ends; the head's leaf if not given.
        strict : bool
            Raise at a node that cannot be read, instead of warning.

        Returns
        -------
        LoadedSession or None
            None without a head.

        Raises
        ------
        DamagedHeadError
            The head cannot be read.
        DamagedNodeError
            Only if strict.
        """
        if scope not in ("full", "active"):
            raise InvalidRecordError(f"scope {shown(scope)}; known: 'full', 'active'")
        if leaf is not None:
            as_text(leaf, "leaf")

        def read(connection: sqlite3.Connection) -> LoadedSession | None:
            head = heads.load(connection)
            if head is None:
                return None
            end = leaf if leaf is not None else head.leaf_node_id
            graph = _graph(connection, end) if scope == "full" else _path(connection, end)
            ref = head.checkpoint_ref
            return LoadedSession(
                session_id=head.session_id,
                head_revision=head.head_revision,
                config=head.config,
                agent_frames=head.agent_frames,
                current_agent_frame_id=head.current_agent_frame_id,
                graph=graph,
                checkpoint_ref=ref,
                checkpoint=None if ref is None else checkpoints.load(connection, ref),
                token_ledger=merge(usage.load(connection)),
            )

        session = self._database.read(read)
        if session is not None:
            self._tell_unreadable(session.graph, strict=strict)
        return session

    # Head, metadata, usage

    def load_head(self) -> Head | None:
        """The session's head; None where there is none yet.

        Raises
        ------
        DamagedHeadError
            It cannot be read.
        """
        return self._database.read(heads.load)

    def load_meta(self) -> SessionMeta | None:
        """The session's metadata."""
        return self._database.read(heads.load_meta)

    def load_usage_deltas(self) -> list[UsageDelta]:
        """Token usage, entry by entry in the order of recording."""
        return self._database.read(usage.load)

    def token_ledger(self) -> list[UsageDelta]:
        """Token usage summed by source and model, in the order they were first seen."""
        return merge(self.load_usage_deltas())

    def picker_info(self) -> PickerInfo | None:
        """What lash's session picker shows; None without metadata.

        Every living User message counts, on all branches, tool results too.
        """

        def read(connection: sqlite3.Connection) -> PickerInfo | None:
            meta = heads.load_meta(connection)
            return None if meta is None else picker_info(meta, _graph(connection, None).nodes)

        return self._database.read(read)

    # Blobs

    def get_blob(self, key: str) -> bytes | None:
        """The decoded content of a blob; None where it is absent.

        Parameters
        ----------
        key : str
            SHA-256 of the decoded content, in hex.

        Raises
        ------
        DamagedBlobError
            Its envelope cannot be read.
        """
        stored = self._database.read(lambda connection: blobs.stored(connection, key))
        limit = self.options.read_limits.content_bytes
        try:
            return None if stored is None else unwrap_or_raise(key, stored, limit).content
        except DamagedDataError as error:
            raise error.with_path(self.path) from None

    def get_checkpoint(self, ref: str) -> Checkpoint | None:
        """A checkpoint with its states.

        Returns
        -------
        Checkpoint or None
            None where the manifest is absent or unreadable; a state that is absent or not of its
            type is None, as lash loads it.
        """
        return self._database.read(lambda connection: checkpoints.load(connection, ref))

    def get_module_artifact(self, artifact_ref: str) -> bytes | None:
        """The content of a named module; None where it is absent."""
        return self._database.read(
            lambda connection: artifacts.get_module(connection, artifact_ref)
        )

    # Beside the session tree

    def list_queued_work(self, session_id: str | None = None) -> list[QueuedBatch]:
        """Queued batches in order; of the file's own session unless another is named."""

        def read(connection: sqlite3.Connection) -> list[QueuedBatch]:
            wanted = heads.session_id(connection) if session_id is None else session_id
            return work.list_queued(connection, wanted)

        return self._database.read(read)

    def list_uncommitted_attachments(self, older_than_ms: int | None = None) -> list[Attachment]:
        """Attachments that were intended and not committed, the oldest first.

        Parameters
        ----------
        older_than_ms : int, optional
            Only those intended at or before this time (milliseconds since 1970, UTC); all of them
            if not given.
        """
        limit = (1 << 63) - 1 if older_than_ms is None else older_than_ms
        return self._database.read(lambda connection: work.list_uncommitted(connection, limit))


def _graph(
    connection: sqlite3.Connection, leaf: str | None, *, tombstoned: bool = False
) -> SessionGraph:
    found, unreadable = nodes.load_all(connection, tombstoned=tombstoned)
    return SessionGraph(found, leaf, tuple(unreadable))


def _path(connection: sqlite3.Connection, leaf: str | None) -> SessionGraph:
    if leaf is None:
        return SessionGraph([], None)
    walked = paths.walk(connection, leaf)
    return SessionGraph(walked.nodes, leaf, tuple(walked.damages))
