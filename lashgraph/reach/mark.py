"""The one mark: which blobs are reachable from which roots, and whether that can be trusted.

Dry run, plan, sweep, reachability and the answers to "why" all call `mark` on a snapshot. Only
manifests are read; of all other blobs key and size are enough.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from lashgraph.errors import UnknownRefError
from lashgraph.format.blob import hash_matches, unwrap
from lashgraph.format.checkpoint import Manifest, decode
from lashgraph.format.html import visible
from lashgraph.format.strict import Invalid
from lashgraph.reach.envelopes import is_envelope, names_manifest
from lashgraph.reach.head_text import head_text_refs
from lashgraph.reach.policy import GcPolicy
from lashgraph.reach.refs import Ref, StoreRefs, TurnRefs, collect_refs, node_refs
from lashgraph.sqlite import artifacts, blobs
from lashgraph.sqlite.blobs import BlobRow
from lashgraph.sqlite.connect import content_limit, dialect_of


class Finding(NamedTuple):
    """Something that could hide a root: the row it stands in, and what is wrong with it."""

    table: str
    key: str
    what: str

    def __str__(self) -> str:
        return visible(f"{' '.join(filter(None, (self.table, self.key)))}: {self.what}")


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
    follows : set of (str, str)
        Key of a root and the manifest that was followed from it; other roots may name the manifest
        without what it names.
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
    follows: set[tuple[str, str]] = field(default_factory=set)
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
        ``policy.keep`` names a ref that the store does not have, ``policy.drop`` one that is no
        root.
    """
    refs = collect_refs(connection)
    result = Mark(policy, refs, blobs.sizes(connection))
    marker = _Marker(connection, result)
    marker.run()
    return result


def mark_others(connection: sqlite3.Connection, marked: Mark, manifests: Iterable[str]) -> Mark:
    """Mark the refs that are no roots as if each were one: what keeping it would add.

    Parameters
    ----------
    marked : Mark
        Made on the same snapshot; its roots are left out.
    manifests : iterable of str
        Hashes of all blobs that are manifests, each a ref of its own (``manifest:…``).

    Returns
    -------
    Mark
        With ``live`` by these refs alone, and ``findings`` where one of them cannot be followed.
    """
    result = Mark(marked.policy, marked.refs, marked.present, edges=dict(marked.edges))
    _Marker(connection, result).run_others({root.ref for root in marked.roots}, manifests)
    return result


class _Start(NamedTuple):
    """A root, and whether what it names is followed as a manifest, which may have to be there."""

    root: Ref
    is_manifest: bool = False
    must_exist: bool = False


class _Marker:
    """One run of the mark: from each root to what it keeps."""

    def __init__(self, connection: sqlite3.Connection, result: Mark) -> None:
        self.connection = connection
        self.result = result
        self.safe = result.policy.is_safe
        self.there = {row.hash for row in result.present}

    def run(self) -> None:
        """Mark from all roots of the policy that it does not drop."""
        refs, policy = self.result.refs, self.result.policy
        dialect = dialect_of(self.connection)
        if not dialect.is_known:
            self._refuse("sqlite_master", "user_version", f"{dialect.name}: {dialect.proof}")
        self._check_head(refs)
        self._check_names()
        starts = [
            *self._starts(refs),
            *self._recent_turns(refs.turns),
            *chain.from_iterable(map(self._recent_turns, _by_session(refs.other_turns))),
            *(start for key in policy.keep for start in self._named(key)),
        ]
        roots = {start.root.ref for start in starts}
        for key in policy.drop:
            if key not in roots:
                raise UnknownRefError(
                    f"{key!r} is no root under this policy, so it cannot be dropped; its roots: "
                    f"{_some(roots)}",
                    ref=key,
                )
        for start in starts:
            if start.root.ref not in policy.drop:
                self._start(start)

    def run_others(self, roots: set[str], manifests: Iterable[str]) -> None:
        """Mark from all refs but those whose keys are given."""
        refs, policy = self.result.refs, self.result.policy
        dropped = self._starts(refs) if policy.drop else ()
        archives = () if self.safe else node_refs(self.connection)
        for start in chain(
            dropped,
            (start for turn in refs.turns for start in self._turn(turn)),
            map(_Start, refs.agent_frames()),
            () if self.safe else self._head_texts(),
            map(_Start, archives),
            map(self._by_itself, manifests),
        ):
            if start.root.ref not in roots:
                self._start(start)

    def _start(self, start: _Start) -> None:
        self._root(start.root)
        if start.is_manifest:
            self._manifest(start.root, must_exist=start.must_exist)

    def _starts(self, refs: StoreRefs) -> Iterator[_Start]:
        """What every collection under the policy starts from."""
        for root in refs.head_roots():
            yield _Start(root, is_manifest=True, must_exist=self.safe)
        seen = {root.blob_hash for root in refs.head_roots()}
        for root in refs.others:
            if self.safe or root.blob_hash not in seen:  # the runtime counts a checkpoint once
                seen.add(root.blob_hash)
                yield _Start(root, is_manifest=True, must_exist=self.safe)
        for root in refs.artifacts:
            yield _Start(root, is_manifest=self.safe and self._is_manifest(root.blob_hash))
        if self.safe:
            yield from map(_Start, refs.agent_frames())
            yield from self._head_texts()
            for root in node_refs(self.connection):
                if root.source_kind == "archive" or root.blob_hash in self.there:
                    yield _Start(root)

    def _head_texts(self) -> Iterator[_Start]:
        """What stands in the text of a head and is named by no field of it."""
        for root in head_text_refs(self.connection, self.result.refs, self.there):
            yield _Start(root, is_manifest=self._is_manifest(root.blob_hash))

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
        if len(self.there) < len(self.result.present):
            self._refuse("blobs", "", "a key stands twice: the table does not fit its index")
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
        """By the kind in the envelope, also where the rest of it is damaged."""
        kind = blobs.kind_of(self.connection, key) if key in self.there else None
        if kind in ("raw", "damaged"):
            return names_manifest(blobs.stored(self.connection, key) or b"")
        return kind == "CheckpointManifest"

    def _manifest(self, root: Ref, *, must_exist: bool) -> None:
        """Follow a manifest to the blobs it names, once."""
        key = root.blob_hash
        if key not in self.result.edges:
            manifest = self._read_manifest(root, must_exist)
            if manifest is None:
                return
            self.result.edges[key] = manifest.children()
        self.result.follows.add((root.ref, key))
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
        blob = unwrap(stored, content_limit(self.connection))
        damage = blob.damage
        if not damage and blob.kind == "raw" and is_envelope(stored):
            damage = "its envelope, written without names, cannot be read"
        if damage:
            self._refuse("blobs", key, f"{name} is damaged: {damage}")
            return None
        unknown: list[str] = []
        try:
            manifest = decode(blob.content, dialect_of(self.connection).records.manifest, unknown)
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

    def _recent_turns(self, turns: list[TurnRefs]) -> Iterator[_Start]:
        """The latest turns, and those since a time."""
        policy = self.result.policy
        if not policy.keep_turns and policy.since is None:
            return
        for turn in turns:
            if turn.result is None:
                self._refuse_turn(turn, "so the turns to keep are not known")
        first = max(len(turns) - policy.keep_turns, 0)
        for position, turn in enumerate(turns):
            if position >= first or policy.is_since(turn.turn.committed_at_ms):
                yield from self._turn(turn)

    def _turn(self, turn: TurnRefs) -> Iterator[_Start]:
        """A turn's checkpoint and what its record says of it; absent blobs are no damage."""
        for root in turn.named():
            yield _Start(root, is_manifest=root.field == "checkpoint_ref")

    def _refuse_turn(self, turn: TurnRefs, consequence: str) -> None:
        what = f"its result cannot be read ({turn.reason}), {consequence}"
        self._refuse("runtime_turn_commits", turn.turn.turn_id, what)

    def _by_itself(self, manifest: str) -> _Start:
        ref = Ref(f"manifest:{manifest}", "manifest", manifest, "hash", manifest)
        return _Start(ref, is_manifest=True)

    def _named(self, key: str) -> Iterator[_Start]:
        """What a ref to keep stands for."""
        refs = self.result.refs
        found = [turn for turn in refs.turns if turn.ref == key]
        for turn in found:
            if turn.result is None:
                self._refuse_turn(turn, "so what it named is not known")
            yield from self._turn(turn)
        roots = [*refs.head_roots(), *refs.artifacts, *refs.agent_frames()]
        if key.startswith("archive:"):
            roots += node_refs(self.connection)
        matches = [_Start(ref) for ref in roots if ref.ref == key]
        if key.startswith("head_text"):
            matches += [start for start in self._head_texts() if start.root.ref == key]
        if key.startswith("manifest:") and self._is_manifest(named := key.partition(":")[2]):
            matches.append(self._by_itself(named))
        yield from matches
        if not found and not matches:
            raise UnknownRefError(
                f"no ref {key!r} in this store; valid keys stand in the column 'ref' of "
                "store.refs()",
                ref=key,
            )


def _by_session(turns: Iterable[TurnRefs]) -> Iterable[list[TurnRefs]]:
    """The turns of each session, latest last."""
    found: dict[str, list[TurnRefs]] = {}
    for turn in turns:
        found.setdefault(turn.turn.session_id, []).append(turn)
    return found.values()


def _some(keys: set[str]) -> str:
    shown = sorted(keys)[:8]
    return ", ".join(map(repr, shown)) + (" …" if len(keys) > len(shown) else "")
