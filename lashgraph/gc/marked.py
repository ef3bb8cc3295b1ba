"""What a plan, its forecast and its sweep have in common: what they ask of a mark."""

from __future__ import annotations

import hashlib
from typing import Protocol

from lashgraph.errors import DamagedStoreError
from lashgraph.reach.mark import Mark
from lashgraph.reach.policy import GcPolicy


class Planned(Protocol):
    """What a forecast and a sweep go by."""

    @property
    def path(self) -> str:
        """The store."""

    @property
    def session_id(self) -> str:
        """Its session."""

    @property
    def policy(self) -> GcPolicy:
        """The policy that is followed."""

    @property
    def fingerprint(self) -> str:
        """Digest of the mark that it was computed from."""

    @property
    def doomed_hashes(self) -> tuple[str, ...]:
        """Hashes of the blobs to delete."""

    @property
    def deleted_bytes(self) -> int:
        """Their stored bytes."""


def refuse_if_damaged(mark: Mark, path: str) -> None:
    """Raise what a mark found wrong."""
    if mark.findings:
        findings = tuple(map(str, mark.findings))
        raise DamagedStoreError(
            f"{path}: no collection under the {mark.policy.name} policy, since damage could hide "
            f"a root; nothing was deleted: {'; '.join(findings)}",
            path=path,
            findings=findings,
        )


def fingerprint(mark: Mark) -> str:
    """Digest of the roots and of what was followed from them."""
    digest = hashlib.sha256()

    def add(*texts: str) -> None:
        for text in texts:
            data = text.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big") + data)

    add(mark.refs.session_id, repr(mark.policy.replace(auto_run_every_commits=None)))
    for root in sorted(mark.roots):
        add("root", *root)
    for manifest in sorted(mark.edges):
        add("manifest", manifest)
        for name, child in mark.edges[manifest]:
            add(name, child)
    return digest.hexdigest()
