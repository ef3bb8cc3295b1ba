"""A plan: what a sweep would delete and keep, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lashgraph.format.html import element
from lashgraph.format.sizes import bytes_text, counted
from lashgraph.gc.forecast import MEMORY_LIMIT, Forecast, forecast_file
from lashgraph.gc.marked import fingerprint, refuse_if_damaged
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
    alarms : tuple of str
        What nothing explains; a sweep of such a plan must be asked for with ``accept_unusual``.
    refusal : str
        Why a sweep of it is refused: what the releases that write such a file keep is not proven.
        Empty if it is not.

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
    alarms: tuple[str, ...] = ()
    refusal: str = ""

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

    def forecast(
        self,
        *,
        memory_limit: int = MEMORY_LIMIT,
        disk_limit: int | None = None,
        progress: bool = False,
    ) -> Forecast:
        """What a sweep of this plan does to the file, found by doing it on a copy.

        The file is looked at as it is now, and read only.

        Parameters
        ----------
        memory_limit : int
            Bytes of a store up to which it is copied in memory.
        disk_limit : int, optional
            Bytes that a larger store's copy may take among temporary files; half of what is free
            there if not given. Without room for a copy the forecast is an interval.
        progress : bool
            Show a bar while the store is copied.

        Returns
        -------
        Forecast

        Raises
        ------
        StoreNotFoundError
            The file is gone, or the plan is of a store in memory: ``store.forecast(plan)`` asks
            the open store.
        StalePlanError
            The file is another session's, or its roots moved.
        """
        return forecast_file(
            self, memory_limit=memory_limit, disk_limit=disk_limit, progress=progress
        )

    def by_reason(self) -> dict[str, tuple[int, int]]:
        """Number and stored bytes of blobs, by the kind of ref that keeps them, and of the doomed.

        Examples
        --------
        >>> import lashgraph as lg
        >>> with lg.open(":memory:") as store:
        ...     _ = store.put_blob(b"nobody names this")
        ...     store.plan_gc().by_reason()
        {'unreachable': (1, 17)}
        """
        found: dict[str, list[int]] = {}
        for key, size in zip(self._kept_by, self._kept_sizes.tolist(), strict=True):
            totals = found.setdefault(key.partition(":")[0], [0, 0])
            totals[0] += 1
            totals[1] += size
        named = {f"kept by {kind}": (count, size) for kind, (count, size) in found.items()}
        return named | {"unreachable": (self.deleted_blob_count, self.deleted_bytes)}

    @property
    def deleted_share(self) -> float:
        """Share of the stored bytes that a sweep deletes, from 0 to 1."""
        total = self.deleted_bytes + self.kept_bytes
        return self.deleted_bytes / total if total else 0.0

    def __repr__(self) -> str:
        share = f" ({self.deleted_share:.0%})" if self.deleted_blob_count else ""
        alarm = "; UNUSUAL, see .alarms" if self.alarms else ""
        run = f"a sweep is refused: {self.refusal}" if self.refusal else "store.sweep(plan) runs it"
        return (
            f"<GcPlan ({self.policy.name}): deletes {counted(self.deleted_blob_count, 'blob')}, "
            f"{self.deleted_bytes:,} bytes{share}; keeps {self.kept_blob_count}, "
            f"{self.kept_bytes:,} bytes{alarm}; .forecast() tells the file's size after it, {run}>"
        )

    def _repr_html_(self) -> str:
        head = element("tr", *(element("th", name) for name in ("", "blobs", "stored bytes")))
        rows = [
            element("tr", element("td", name), element("td", f"{count:,}"), element("td", size))
            for name, (count, size) in (
                (name, (count, bytes_text(size)))
                for name, (count, size) in self.by_reason().items()
            )
        ]
        told = [element("div", element("b", "Unusual: "), alarm) for alarm in self.alarms]
        run: tuple[object, ...] = (element("code", "store.sweep(plan)"), " runs it")
        if self.refusal:
            told.append(element("div", element("b", "A sweep is refused: "), self.refusal))
            run = ("a sweep is refused",)
        title = f"GcPlan ({self.policy.name}): deletes {self.deleted_share:.0%} of "
        calls = (".doomed()", " and ", ".kept()", " list the blobs · ", ".forecast()")
        return element(
            "div",
            element("div", element("b", title), element("code", self.path)),
            element("table", head, *rows),
            *told,
            element(
                "div",
                "next: ",
                *(element("code", call) if call.startswith(".") else call for call in calls),
                " tells the file's size after it · ",
                *run,
            ),
        )


def _frame(hashes: Iterable[str], sizes: NDArray[np.int64], reasons: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "hash": pd.array(list(hashes), dtype="str"),
            "stored_bytes": sizes.copy(),
            "reason": pd.array(reasons, dtype="str"),
        }
    )


def make_plan(mark: Mark, path: str, alarms: Iterable[str] = (), *, refusal: str = "") -> GcPlan:
    """Turn a mark into a plan.

    Parameters
    ----------
    alarms : iterable of str
        What is unusual about it.
    refusal : str
        Why files of this form are not swept.

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
        alarms=tuple(alarms),
        refusal=refusal,
    )


def _sizes(values: Iterable[int]) -> NDArray[np.int64]:
    sizes = np.fromiter(values, np.int64)
    sizes.flags.writeable = False
    return sizes
