"""What lash's store takes: each write is one transaction, and what fails leaves the old state."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from lashgraph.errors import InvalidRecordError, NotSupportedError
from lashgraph.format.arguments import as_text, as_texts, shown
from lashgraph.format.blob import Descriptor, as_descriptor
from lashgraph.format.checkpoint import (
    Checkpoint,
    Manifest,
    StoredCheckpoint,
    as_checkpoint,
    from_mapping,
)
from lashgraph.format.commit import RuntimeCommit, prepare
from lashgraph.format.head import Head, as_head
from lashgraph.format.node import Node, as_nodes
from lashgraph.format.session import SessionMeta
from lashgraph.format.usage import UsageDelta, as_deltas
from lashgraph.format.work import QueuedBatch, QueueDraft, as_draft
from lashgraph.gc import AutoGcOutcome
from lashgraph.sqlite import (
    artifacts,
    blobs,
    checkpoints,
    commits,
    heads,
    nodes,
    pages,
    usage,
    work,
)
from lashgraph.store.collecting import CollectingStore

NodeLike = Node | Mapping[str, Any]


@dataclass(frozen=True)
class CommitResult:
    """What a commit answers.

    Attributes
    ----------
    head_revision : int
        The head's revision after the commit.
    checkpoint_ref : str
        Hash of the checkpoint's manifest.
    manifest : Manifest
        The manifest itself.
    replayed : bool
        Whether the turn was recorded before: nothing was written then.
    auto_gc : AutoGcOutcome or None
        What the automatic collection gave, if one was due.
    """

    head_revision: int
    checkpoint_ref: str
    manifest: Manifest
    replayed: bool
    auto_gc: AutoGcOutcome | None


class Compacted(NamedTuple):
    """Bytes of the database file before and after it was compacted."""

    file_bytes_before: int
    file_bytes_after: int


class WritingStore(CollectingStore):
    """The writes of lash's store."""

    # The graph

    def append_session_graph_nodes(self, new: Iterable[NodeLike]) -> None:
        """Add nodes at the end of the graph. Without nodes no transaction is opened.

        Parents are not checked, as in lash.

        Raises
        ------
        DuplicateNodeError
            An id stands in the graph already, or twice in the argument; nothing is kept.
        InvalidRecordError
            One of them is no node.
        """
        made = as_nodes(new)
        if not made:
            self._database.writable("append_session_graph_nodes")
            return
        with self._database.transaction("append_session_graph_nodes") as connection:
            nodes.append(connection, made)

    def replace_session_graph(self, new: Iterable[NodeLike]) -> None:
        """Delete all nodes, tombstoned ones too, and insert these.

        Raises
        ------
        DuplicateNodeError
            An id stands twice in the argument; the old graph stays.
        InvalidRecordError
            One of them is no node.
        """
        made = as_nodes(new)
        with self._database.transaction("replace_session_graph") as connection:
            nodes.replace(connection, made)

    def tombstone_nodes(self, node_ids: Iterable[str]) -> int:
        """Mark nodes dead and return how many were alive; unknown ids are passed over."""
        ids = as_texts(node_ids, "node_ids")
        with self._database.transaction("tombstone_nodes") as connection:
            return nodes.tombstone(connection, ids)

    def vacuum(self) -> int:
        """Delete the tombstoned nodes and return their number; the file does not shrink."""
        with self._database.transaction("vacuum") as connection:
            return nodes.vacuum(connection)

    def compact(self) -> Compacted:
        """Write the file anew without free pages: it shrinks, and freed content is gone.

        This is SQLite's VACUUM, and it needs free space for a second file.
        """
        with self._database.exclusive("compact") as connection:
            before = self._database.file_sizes().database
            pages.write_anew(connection)
            self._database.fold_log()
            return Compacted(before, self._database.file_sizes().database)

    # Blobs and checkpoints

    def put_blob(self, content: bytes) -> str:
        """Store bytes as they are and return their key, the SHA-256 in hex."""
        data = _octets(content)
        with self._database.transaction("put_blob") as connection:
            return blobs.put(connection, data)

    def put_artifact_blob(self, descriptor: Descriptor | Mapping[str, Any], content: bytes) -> str:
        """Store bytes in an envelope, compressed as descriptor and profile say.

        Parameters
        ----------
        descriptor : Descriptor or mapping
            ``{"kind": ..., "hints": [...]}``.

        Returns
        -------
        str
            SHA-256 of the content, in hex. The first form stored under a key stays.

        Raises
        ------
        InvalidRecordError
            The descriptor has an unknown kind or hint.
        """
        made, data = as_descriptor(descriptor), _octets(content)
        with self._database.transaction("put_artifact_blob") as connection:
            return blobs.put_wrapped(connection, made, data, self._profile)

    def put_checkpoint(self, checkpoint: Checkpoint | Mapping[str, Any]) -> StoredCheckpoint:
        """Store a checkpoint: its states as blobs, and the manifest that names them.

        A given state wins over its ref; a ref alone is taken unchecked.

        Raises
        ------
        InvalidRecordError
            A part has not its shape.
        """
        made = as_checkpoint(checkpoint)
        with self._database.transaction("put_checkpoint") as connection:
            return checkpoints.put(connection, made, self._profile)

    def put_module_artifact(self, artifact_ref: str, content: bytes) -> str:
        """Store a module and let the reference name it; return the blob's key."""
        name, data = as_text(artifact_ref, "artifact_ref"), _octets(content)
        with self._database.transaction("put_module_artifact") as connection:
            return artifacts.put_module(connection, name, data, self._profile)

    # Head, metadata, usage

    def save_head(
        self, head: Head | Mapping[str, Any], graph: Iterable[NodeLike] | None = None
    ) -> None:
        """Write the session's head.

        Parameters
        ----------
        head : Head or mapping
            Written with the revision it holds.
        graph : iterable of Node or mapping, optional
            Replaces the session graph in the same transaction. As in lash, the revision is then 0.

        Raises
        ------
        InvalidRecordError
            A part has not its shape.
        DuplicateNodeError
            A node id stands twice.
        """
        made = as_head(head)
        new = None if graph is None else as_nodes(graph)
        with self._database.transaction("save_head") as connection:
            if new is not None:
                nodes.replace(connection, new)
                made = made.at(revision=0, node_count=len(new))
            heads.save(connection, made)

    def save_meta(self, meta: SessionMeta | Mapping[str, Any]) -> None:
        """Write the session's metadata.

        Raises
        ------
        InvalidRecordError
            A field is missing or not of its type.
        """
        made = meta if isinstance(meta, SessionMeta) else from_mapping(meta, SessionMeta)
        with self._database.transaction("save_meta") as connection:
            heads.save_meta(connection, made)

    def append_usage_deltas(self, entries: Iterable[UsageDelta | Mapping[str, Any]]) -> None:
        """Record token usage.

        Raises
        ------
        InvalidRecordError
            An entry has not its shape.
        """
        made = as_deltas(entries)
        with self._database.transaction("append_usage_deltas") as connection:
            usage.append(connection, made)

    # Commits

    def commit_runtime_state(self, commit: RuntimeCommit | Mapping[str, Any]) -> CommitResult:
        """Write one commit of the runtime's state: checkpoint, usage, graph, head, turn.

        A turn that was committed before with the same hash is answered from its record. After the
        commit a collection runs if the options' policy says that one is due; it never makes the
        commit fail.

        Returns
        -------
        CommitResult

        Raises
        ------
        HeadRevisionConflictError
            The head is not at ``expected_head_revision``.
        SessionBindingError
            The file belongs to another session.
        TurnCommitConflictError
            The turn was committed with another hash, or is stamped for another session.
        DuplicateNodeError
            A node id stands in the graph already.
        DamagedHeadError
            The head cannot be read.
        NotSupportedError
            The commit completes queue claims, which belong to the runtime.
        InvalidRecordError
            A part has not its shape.
        """
        prepared = prepare(commit)
        if prepared.commit.completed_queue_claims:
            raise NotSupportedError(
                f"{self.path}: this commit completes queue claims, which belong to the runtime; "
                "commit without completed_queue_claims"
            )
        with self._database.transaction("commit_runtime_state") as connection:
            done = commits.commit(connection, prepared, self._profile, self._options.clock_ms)
        return CommitResult(
            head_revision=done.result.head_revision,
            checkpoint_ref=done.result.checkpoint_ref,
            manifest=done.result.manifest,
            replayed=done.replayed,
            auto_gc=self._auto_gc.after_commit(),
        )

    # Beside the session tree

    def enqueue_work(self, draft: QueueDraft | Mapping[str, Any]) -> QueuedBatch:
        """Queue work; a source key that the session knows gives its batch again.

        Raises
        ------
        InvalidRecordError
            The draft has not its shape.
        """
        made = as_draft(draft)
        now = self._options.clock_ms()
        with self._database.transaction("enqueue_work") as connection:
            batch = work.enqueue(connection, made, f"qwb:{secrets.token_hex(32)}", now)
        self._auto_gc.after_enqueue()
        return batch

    def record_attachment_intent(
        self, attachment_id: str, session_id: str, uri: str, at_ms: int | None = None
    ) -> None:
        """Record that an attachment will be stored elsewhere; a second intent changes nothing.

        Parameters
        ----------
        at_ms : int, optional
            Milliseconds since 1970, UTC; now if not given.
        """
        as_texts([attachment_id, session_id, uri], "attachment_id, session_id, uri")
        at = self._options.clock_ms() if at_ms is None else at_ms
        if type(at) is not int:
            raise InvalidRecordError(f"at_ms is a whole number of milliseconds, not {shown(at)}")
        with self._database.transaction("record_attachment_intent") as connection:
            work.record_intent(connection, attachment_id, session_id, uri, at)

    def commit_attachments(self, session_id: str, attachment_ids: Iterable[str]) -> None:
        """Stamp attachments of a session as committed; the first time stays."""
        ids = as_texts(attachment_ids, "attachment_ids")
        with self._database.transaction("commit_attachments") as connection:
            work.commit_attachments(connection, session_id, ids, self._options.clock_ms())

    def forget_attachment(self, attachment_id: str) -> None:
        """Delete an attachment's record, of whatever session."""
        with self._database.transaction("forget_attachment") as connection:
            work.forget(connection, attachment_id)


def _octets(content: bytes) -> bytes:
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise InvalidRecordError(f"content is bytes, not {type(content).__name__}")
    return bytes(content)
