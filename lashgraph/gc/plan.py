"""A plan: what a sweep would delete and keep, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lashgraph.errors import DamagedStoreError
from lashgraph.reach.mark import Mark
from lashgraph.reach.policy import GcPolicy

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class GcPlan:
    """What a sweep would do: an immutable value that can be pickled and shown.

    Attributes
    ----------
    path, session_id : str
        The store it was made of.
    policy : GcPolicy
        The policy it follows.
    fingerprint : str
        Digest of what it was computed from: session, policy, roots and followed manifests.
    root_count : int
        Roots, counted as the runtime counts them: repeated ones too.
    retained_blob_count : int
        Distinct hashes that are reachable, present or not.

    Examples
    --------
    >>> import lashgraph as lg
    >>> with lg.open(":memory:") as store:
    ...     _ = store.put_blob(b"nobody names this")
    ...     store.plan_gc().deleted_bytes
    17
    """

    path: str
    session_id: str
    policy: GcPolicy
    fingerprint: str
    root_count: int
    retained_blob_count: int
    _doomed: tuple[str, ...]
    _doomed_sizes: NDArray[np.int64]
    _kept: tuple[str, ...]
    _kept_sizes: NDArray[np.int64]
    _kept_by: tuple[str, ...]

    @property
    def doomed_hashes(self) -> tuple[str, ...]:
        """Hashes of the blobs to delete, in the order of the table."""
        return self._doomed

    @property
    def deleted_blob_count(self) -> int:
        """How many blobs a sweep deletes."""
        return len(self._doomed)

    @property
    def deleted_bytes(self) -> int:
        """Stored bytes of the blobs to delete; pages and indexes not counted."""
        return int(self._doomed_sizes.sum())

    @property
    def kept_blob_count(self) -> int:
        """How many blobs stay."""
        return len(self._kept)

    @property
    def kept_bytes(self) -> int:
        """Stored bytes of the blobs that stay."""
        return int(self._kept_sizes.sum())

    def doomed(self) -> pd.DataFrame:
        """The blobs to delete: columns hash, stored_bytes, reason."""
        return _frame(self._doomed, self._doomed_sizes, ["unreachable"] * len(self._doomed))

    def kept(self) -> pd.DataFrame:
        """The blobs that stay: columns hash, stored_bytes, reason (key of a root)."""
        return _frame(self._kept, self._kept_sizes, list(self._kept_by))

    def __repr__(self) -> str:
        return (
            f"<GcPlan ({self.policy.name}): deletes {self.deleted_blob_count} blobs, "
            f"{self.deleted_bytes:,} bytes; keeps {self.kept_blob_count}, {self.kept_bytes:,} "
            "bytes; store.sweep(plan) runs it>"
        )


def _frame(hashes: Iterable[str], sizes: NDArray[np.int64], reasons: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "hash": pd.array(list(hashes), dtype="str"),
            "stored_bytes": sizes.copy(),
            "reason": pd.array(reasons, dtype="str"),
        }
    )


def make_plan(mark: Mark, path: str) -> GcPlan:
    """Turn a mark into a plan.

    Raises
    ------
    DamagedStoreError
        The policy refuses: damage could hide a root.
    """
    refuse_if_damaged(mark, path)
    doomed, kept = mark.doomed(), mark.kept()
    return GcPlan(
        path=path,
        session_id=mark.refs.session_id,
        policy=mark.policy,
        fingerprint=fingerprint(mark),
        root_count=len(mark.roots),
        retained_blob_count=len(mark.live),
        _doomed=tuple(row.hash for row in doomed),
        _doomed_sizes=_sizes(row.stored_bytes for row in doomed),
        _kept=tuple(row.hash for row in kept),
        _kept_sizes=_sizes(row.stored_bytes for row in kept),
        _kept_by=tuple(mark.live[row.hash] for row in kept),
    )


def _sizes(values: Iterable[int]) -> NDArray[np.int64]:
    sizes = np.fromiter(values, np.int64)
    sizes.flags.writeable = False
    return sizes


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
