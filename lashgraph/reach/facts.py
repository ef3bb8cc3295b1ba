"""What is known of a store's refs and blobs: keys, kinds and sizes, no contents."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lashgraph.reach.mark import Mark, mark, mark_others
from lashgraph.reach.policy import GcPolicy
from lashgraph.reach.refs import Ref
from lashgraph.sqlite import kinds

Child = tuple[str, str]
"""A field of a manifest, and the hash it holds."""

_MAY_BE_FOLLOWED = ("checkpoint_ref", "blob_ref", "hash")


class Named(NamedTuple):
    """Refs, what is followed from which, and what stands in the manifests that are followed.

    Attributes
    ----------
    refs : tuple of Ref
        In the order of marking.
    follows : frozenset of (str, str)
        Key of a ref, and a manifest that is followed from it.
    manifests : dict of str to list of (str, str)
        Field and child, by manifest.
    """

    refs: tuple[Ref, ...]
    follows: frozenset[tuple[str, str]]
    manifests: Mapping[str, list[Child]]

    @classmethod
    def of(cls, marked: Mark) -> Named:
        """What a mark began with and followed."""
        return cls(tuple(marked.roots), frozenset(marked.follows), dict(marked.edges))


@dataclass(frozen=True, eq=False)
class Facts:
    """What a mark and the refs beside it tell; it can be pickled and outlives the store.

    Attributes
    ----------
    hashes, sizes, kinds
        Of every blob, in the order of the table; sizes in bytes as stored.
    live : frozenset of str
        Every hash that the roots reach, present or not.
    roots, others : Named
        The roots of the policy, and the refs that are none.
    turns : tuple of str
        Keys of the turns that can be read, the latest last.
    refusals : dict of str to str
        Why a collection that keeps this ref beside the roots would be refused.
    findings : tuple of str
        Why a collection under the policy would be refused.
    """

    path: str
    session_id: str
    fingerprint: str
    policy: GcPolicy
    findings: tuple[str, ...]
    hashes: tuple[str, ...]
    sizes: NDArray[np.int64]
    kinds: tuple[str, ...]
    live: frozenset[str]
    roots: Named
    others: Named
    turns: tuple[str, ...]
    refusals: Mapping[str, str]

    @property
    def made_of(self) -> dict[str, str]:
        """What every frame says of itself."""
        return {
            "path": self.path,
            "session_id": self.session_id,
            "policy": self.policy.name,
            "fingerprint": self.fingerprint,
        }


def gather(
    connection: sqlite3.Connection, policy: GcPolicy, path: str, fingerprint: str = ""
) -> Facts:
    """Mark on the connection's current snapshot, and keep what outlives it.

    Parameters
    ----------
    fingerprint : str
        Says of which state of the file; frames carry it.

    Raises
    ------
    UnknownRefError
        The policy names a ref that the store does not have.
    """
    marked = mark(connection, policy)
    found = kinds.of_all(connection, marked.present)
    manifests = [
        row.hash
        for row, kind in zip(marked.present, found, strict=True)
        if kind == "CheckpointManifest"
    ]
    others = mark_others(connection, marked, manifests)
    sizes = np.fromiter((row.stored_bytes or 0 for row in marked.present), np.int64)
    sizes.flags.writeable = False
    turns = marked.refs.turns
    return Facts(
        path=path,
        session_id=marked.refs.session_id,
        fingerprint=fingerprint,
        policy=policy,
        findings=tuple(map(str, marked.findings)),
        hashes=tuple(row.hash for row in marked.present),
        sizes=sizes,
        kinds=tuple(found),
        live=frozenset(marked.live),
        roots=Named.of(marked),
        others=Named.of(others),
        turns=tuple(turn.ref for turn in turns if turn.result is not None),
        refusals=_refusals(others)
        | {turn.ref: f"its record cannot be read: {turn.reason}" for turn in turns if turn.reason},
    )


def _refusals(others: Mark) -> dict[str, str]:
    """By ref: what is wrong with the manifest that it names."""
    wrong = {finding.key: str(finding) for finding in others.findings}
    return {
        ref.ref: wrong[ref.blob_hash]
        for ref in others.roots
        if ref.blob_hash in wrong
        and (ref.field in _MAY_BE_FOLLOWED or ref.source_kind == "head_text")
    }
