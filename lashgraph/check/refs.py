"""Refs and their targets: the live checkpoint, artifacts, and what may dangle."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from lashgraph.check.finding import CheckFinding
from lashgraph.check.reading import blob_kind
from lashgraph.format import checkpoint
from lashgraph.format.blob import hash_matches, unwrap
from lashgraph.format.checkpoint import Manifest, PluginSnapshot, ToolState
from lashgraph.format.strict import Invalid
from lashgraph.reach import GcPolicy, Ref, head_text_refs, mark
from lashgraph.reach.refs import StoreRefs
from lashgraph.sqlite import blobs
from lashgraph.sqlite.connect import content_limit, dialect_of
from lashgraph.sqlite.integrity import BlobCell

_DECODERS: Mapping[str, Callable[[bytes], Any]] = MappingProxyType(
    {
        "tool_state_ref": lambda content: checkpoint.decode(content, ToolState),
        "plugin_snapshot_ref": lambda content: checkpoint.decode(content, PluginSnapshot),
    }
)


class LiveRefs:
    """The refs that a session lives by: of its head, in whatever form, and its artifacts.

    Parameters
    ----------
    refs : StoreRefs
        All refs of the store.
    present : dict of str to BlobCell
        The blobs that are there, by key.
    full : bool
        Whether the checkpoint's states are decoded.

    Attributes
    ----------
    manifests : dict of str to Manifest
        The manifests that could be read, by key, once `findings` has run.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        refs: StoreRefs,
        present: Mapping[str, BlobCell],
        *,
        full: bool,
    ) -> None:
        self.manifests: dict[str, Manifest] = {}
        self._connection = connection
        records = dialect_of(connection).records
        self._form = records.manifest
        self._decoders = {**_DECODERS, "execution_state_ref": records.execution_state}
        self._refs = refs
        self._present = present
        self._full = full

    def findings(self) -> Iterator[CheckFinding]:
        """What is missing, cannot be read or was altered."""
        for root in self._refs.head_roots():
            if root.blob_hash not in self._present:
                what = "the manifest that head names is missing; what it named cannot be known"
                yield CheckFinding("manifest-missing", "blobs", root.blob_hash, what)
                continue
            yield from self._manifest(root)
            yield from self._children(root, "state-missing")
            if self._full:
                yield from self._states(root)
        for root in head_text_refs(self._connection, self._refs, self._present):
            if self._is_manifest(root.blob_hash):
                yield from self._manifest(root)
        for root in self._refs.artifacts:
            if root.blob_hash not in self._present:
                what = f"missing, yet {root.ref} leads to it"
                yield CheckFinding("artifact-missing", "blobs", root.blob_hash, what)
            elif self._is_manifest(root.blob_hash):
                what = f"it names the checkpoint manifest {root.blob_hash}"
                key = root.source_id
                yield CheckFinding("artifact-names-manifest", "artifact_refs", key, what)
                yield from self._manifest(root)
                yield from self._children(root, "artifact-missing")

    def _is_manifest(self, key: str) -> bool:
        cell = self._present[key]
        if cell.content_type != "blob":
            return False
        return blob_kind(self._connection, cell.rowid) == "CheckpointManifest"

    def _manifest(self, root: Ref) -> Iterator[CheckFinding]:
        """Read a manifest, as doubtful about it as the mark is."""
        key = root.blob_hash
        name = f"the manifest that {root.ref} names"
        stored = blobs.stored(self._connection, key) or b""
        blob = unwrap(stored, content_limit(self._connection))
        if blob.damage:
            what = f"{name} is damaged: {blob.damage}"
            yield CheckFinding("manifest-unreadable", "blobs", key, what)
            return
        unknown: list[str] = []
        try:
            self.manifests[key] = checkpoint.decode(blob.content, self._form, unknown)
        except Invalid as error:
            what = f"{name} cannot be read: {error}"
            yield CheckFinding("manifest-unreadable", "blobs", key, what)
            return
        if not hash_matches(key, stored, blob.content):
            what = f"{name} does not match its key; it was altered"
            yield CheckFinding("manifest-altered", "blobs", key, what)
        if unknown:
            what = f"{name} holds {', '.join(map(repr, unknown))}"
            yield CheckFinding("manifest-newer", "blobs", key, what)

    def _children(self, root: Ref, code: str) -> Iterator[CheckFinding]:
        manifest = self.manifests.get(root.blob_hash)
        for field, child in manifest.children() if manifest else ():
            if child not in self._present:
                what = f"missing, yet {root.ref} leads to it ({field})"
                yield CheckFinding(code, "blobs", child, what)

    def _states(self, root: Ref) -> Iterator[CheckFinding]:
        """Decode the states of the checkpoint; a damaged envelope is told with the other blobs."""
        manifest = self.manifests.get(root.blob_hash)
        for field, child in manifest.children() if manifest else ():
            blob = blobs.load(self._connection, child)
            if blob is None or blob.damage or field not in self._decoders:
                continue
            try:
                self._decoders[field](blob.content)
            except Invalid as error:
                what = f"the {field} that {root.ref} leads to is none: {error}"
                yield CheckFinding("state-unreadable", "blobs", child, what)


def dangling_findings(refs: StoreRefs, present: Collection[str]) -> Iterator[CheckFinding]:
    """Agent frames and turns that name blobs which are gone."""
    for ref in refs.agent_frames():
        if ref.blob_hash not in present:
            what = f"its execution state {ref.blob_hash} is gone"
            yield CheckFinding("agent-frame-dangling", "session_head", ref.source_id, what)
    for turn in refs.turns:
        named = turn.named()
        gone = [ref.field for ref in named if ref.blob_hash not in present]
        if gone:
            what = f"{len(gone)} of the {len(named)} blobs that it names are gone: "
            what += ", ".join(gone)
            key = str(turn.turn.turn_id)
            yield CheckFinding("turn-dangling", "runtime_turn_commits", key, what)


def loss_findings(connection: sqlite3.Connection) -> Iterator[CheckFinding]:
    """What lash's own collection deleted or would delete, though something alive names it."""
    safe, runtime = mark(connection, GcPolicy.safe()), mark(connection, GcPolicy.runtime())
    present = {row.hash for row in safe.present}
    for ref in safe.roots:
        if ref.source_kind == "archive" and ref.blob_hash not in present:
            what = f"its archive {ref.blob_hash} is gone"
            yield CheckFinding("archive-dangling", "graph_nodes", ref.source_id, what)
    if safe.findings or runtime.findings:
        return
    for row in safe.kept():
        if row.hash not in runtime.live:
            what = f"kept by {safe.live[row.hash]}, deleted by lash's collection"
            yield CheckFinding("runtime-gc-deletes", "blobs", row.hash, what)
