"""The one mark: which blobs are reachable from which roots, and whether that can be trusted.

Dry run, plan, sweep, reachability and the answers to "why" all call `mark` on a snapshot. Only
manifests are read; of all other blobs key and size are enough.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import NamedTuple

from lashgraph.errors import UnknownRefError
from lashgraph.format.blob import hash_matches, unwrap
from lashgraph.format.checkpoint import Manifest, decode
from lashgraph.format.strict import Invalid
from lashgraph.reach.policy import GcPolicy
from lashgraph.reach.refs import Ref, StoreRefs, TurnRefs, collect_refs, node_refs
from lashgraph.sqlite import artifacts, blobs
from lashgraph.sqlite.blobs import BlobRow


class Finding(NamedTuple):
    """Something that could hide a root: the row it stands in, and what is wrong with it."""

    table: str
    key: str
    what: str

    def __str__(self) -> str:
        return f"{self.table} {self.key}: {self.what}" if self.key else f"{self.table}: {self.what}"


@dataclass
class Mark:
    """What is reachable under a policy.

    Attributes
    ----------
    policy : GcPolicy
        The policy that was asked.
    roots : list of Ref
        Every naming that counts as a root, repeated ones too.
    edges : dict of str to list of (str, str)
        Field and child of each manifest that was followed.
    live : dict of str to str
        Every reachable hash, present or not, with the key of the first root that reaches it.
    present : list of BlobRow
        All blobs of the store.
    findings : list of Finding
        Why a collection under this policy must be refused; empty if it may run.
    refs : StoreRefs
        Everything that was read to find the roots.
    """

    policy: GcPolicy
    refs: StoreRefs
    present: list[BlobRow]
    roots: list[Ref] = field(default_factory=list)
    edges: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    live: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def doomed(self) -> list[BlobRow]:
        """The blobs that nothing reaches, in the order of the table."""
        return [row for row in self.present if row.hash not in self.live]

    def kept(self) -> list[BlobRow]:
        """The blobs that something reaches, in the order of the table."""
        return [row for row in self.present if row.hash in self.live]


def mark(connection: sqlite3.Connection, policy: GcPolicy) -> Mark:
    """Mark what a policy keeps, on the connection's current snapshot.

    Raises
    ------
    UnknownRefError
        ``policy.keep`` names a ref that the store does not have.
    """
    refs = collect_refs(connection)
    result = Mark(policy, refs, blobs.sizes(connection))
    marker = _Marker(connection, result)
    marker.run()
    return result


class _Marker:
    """One run of the mark: from each root to what it keeps."""

    def __init__(self, connection: sqlite3.Connection, result: Mark) -> None:
        self.connection = connection
        self.result = result
        self.safe = result.policy.is_safe
        self.there = {row.hash for row in result.present}

    def run(self) -> None:
        """Mark from all roots of the policy."""
        refs, policy = self.result.refs, self.result.policy
        self._check_head(refs)
        self._check_names()
        for root in refs.head_roots():
            self._root(root)
            self._manifest(root, must_exist=self.safe)
        for root in refs.artifacts:
            self._root(root)
            if self.safe and self._is_manifest(root.blob_hash):
                self._manifest(root, must_exist=False)
        if self.safe:
            for root in refs.agent_frames():
                self._root(root)
            for root in node_refs(self.connection):
                if root.source_kind == "archive" or root.blob_hash in self.there:
                    self._root(root)
        self._keep_turns(refs.turns, policy.keep_turns)
        for key in policy.keep:
            self._keep(key)

    def _check_head(self, refs: StoreRefs) -> None:
        if refs.head_damage:
            self._refuse("session_head", "head_json", f"cannot be read: {refs.head_damage}")
        elif self.safe and not refs.has_head:
            nodes = self.connection.execute("SELECT EXISTS (SELECT 1 FROM graph_nodes)").fetchone()
            if refs.turns or nodes[0]:
                self._refuse(
                    "session_head", "", "no row, yet there are nodes or turns: it was lost"
                )
        elif self.safe and refs.head and not refs.head.checkpoint_refs and refs.turns:
            self._refuse(
                "session_head", "head_json", "no checkpoint, yet turns recorded some: it was lost"
            )

    def _check_names(self) -> None:
        """Names that are no texts: what they name, or who names them, cannot be told."""
        for name, kind in artifacts.odd_targets(self.connection):
            self._refuse("artifact_refs", name, f"its blob_ref is stored as {kind}, not as text")
        for rowid, kind in blobs.odd_keys(self.connection):
            self._refuse("blobs", f"rowid {rowid}", f"its key is stored as {kind}, not as text")

    def _refuse(self, table: str, key: str, what: str) -> None:
        finding = Finding(table, key, what)
        if finding not in self.result.findings:
            self.result.findings.append(finding)

    def _root(self, root: Ref) -> None:
        self.result.roots.append(root)
        self.result.live.setdefault(root.blob_hash, root.ref)

    def _is_manifest(self, key: str) -> bool:
        return key in self.there and blobs.kind_of(self.connection, key) == "CheckpointManifest"

    def _manifest(self, root: Ref, *, must_exist: bool) -> None:
        """Follow a manifest to the blobs it names, once."""
        key = root.blob_hash
        if key not in self.result.edges:
            manifest = self._read_manifest(root, must_exist)
            if manifest is None:
                return
            self.result.edges[key] = manifest.children()
        for _, child in self.result.edges[key]:
            self.result.live.setdefault(child, root.ref)

    def _read_manifest(self, root: Ref, must_exist: bool) -> Manifest | None:
        key = root.blob_hash
        stored = blobs.stored(self.connection, key)
        name = f"the manifest that {root.ref} names"
        if stored is None:
            if must_exist:
                self._refuse("blobs", key, f"{name} is missing; what it named cannot be known")
            return None
        blob = unwrap(stored)
        if blob.damage:
            self._refuse("blobs", key, f"{name} is damaged: {blob.damage}")
            return None
        unknown: list[str] = []
        try:
            manifest = decode(blob.content, Manifest, unknown)
        except Invalid as error:
            self._refuse("blobs", key, f"{name} cannot be read: {error}")
            return None
        if self.safe and not hash_matches(key, stored, blob.content):
            self._refuse("blobs", key, f"{name} does not match its key; it was altered")
        if self.safe and unknown:
            self._refuse(
                "blobs",
                key,
                f"{name} holds {', '.join(map(repr, unknown))}, which a newer lash wrote and which "
                "may name blobs",
            )
        return manifest

    def _keep_turns(self, turns: list[TurnRefs], count: int) -> None:
        if not count:
            return
        for turn in turns:
            if turn.result is None:
                self._refuse(
                    "runtime_turn_commits",
                    turn.turn.turn_id,
                    f"its result cannot be read ({turn.reason}), so the latest turns are not known",
                )
        for turn in turns[-count:]:
            self._turn(turn)

    def _turn(self, turn: TurnRefs) -> None:
        """Keep a turn's checkpoint and what its record says of it; absent blobs are no damage."""
        named = turn.named()
        for root in named:
            self._root(root)
        for root in named[:1]:
            self._manifest(root, must_exist=False)

    def _keep(self, key: str) -> None:
        refs = self.result.refs
        found = [turn for turn in refs.turns if turn.ref == key]
        for turn in found:
            if turn.result is None:
                self._refuse(
                    "runtime_turn_commits",
                    turn.turn.turn_id,
                    f"its result cannot be read: {turn.reason}",
                )
            self._turn(turn)
        roots = [*refs.head_roots(), *refs.artifacts, *refs.agent_frames()]
        if key.startswith("archive:"):
            roots += node_refs(self.connection)
        matches = [ref for ref in roots if ref.ref == key]
        if key.startswith("manifest:") and self._is_manifest(named := key.partition(":")[2]):
            matches.append(Ref(key, "manifest", named, "hash", named))
            self._manifest(matches[-1], must_exist=False)
        for ref in matches:
            self._root(ref)
        if not found and not matches:
            raise UnknownRefError(
                f"no ref {key!r} in this store; valid keys stand in the column 'ref' of "
                "store.refs()",
                ref=key,
            )
