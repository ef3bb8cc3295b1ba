"""What a simulation asks of one store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from lashgraph.errors import InexactForecastError
from lashgraph.format.html import visible
from lashgraph.format.sizes import bytes_text, counted
from lashgraph.gc import GcPlan, GcReport
from lashgraph.plot import gc_plan
from lashgraph.reach import GcPolicy
from lashgraph.store import Store
from lashgraph.widgets.simulate_asked import Asked, Piece, Plan, SweepOptions, weighed, word_or

_ROWS = 200
_REFS = 2_000
_MEMORY = ":memory:"
_LIVES = ("hash", "kind", "last_turn_id")
_NO_CHOICE = ("manifest", "unreadable_node")
"""What names a blob and is nothing that a person would choose to keep."""


class StoreSide:
    """One store: its plans, what to show of them, and their sweep."""

    plan_type: type[Plan] = GcPlan
    has_file_budget: bool = True
    columns: tuple[str, ...] = ("blob", "kind", "stored", "last named by")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lives: dict[str, tuple[str, str]] = {}
        self._retained: tuple[GcPolicy, pd.DataFrame] | None = None

    @property
    def policy(self) -> GcPolicy:
        """The policy that a store collects by."""
        return self._store.options.gc_policy

    @property
    def title(self) -> str:
        """Which store."""
        return self._store.path

    def read_only(self) -> str:
        """Why nothing can be swept; empty if it can."""
        store = self._store
        if store.closed:
            return "the store was closed; open it again"
        if store.mode == "r" and store.path != _MEMORY:
            return (
                "the store was opened for reading; lashgraph.open(path, mode='rw') opens it for "
                "a sweep"
            )
        return ""

    def choices(self) -> dict[str, Any]:
        """What the controls offer: how many turns there are, refs to keep or drop."""
        with self._store.snapshot():
            turns = int(self._store.sessions(columns=["n_turns"])["n_turns"].sum())
            refs = self._store.refs(columns=["ref", "source_kind"])
        named = refs.loc[~refs["source_kind"].isin(_NO_CHOICE), "ref"].drop_duplicates()
        return {
            "turns": turns,
            "refs": [ref for ref in named.tolist() if ref != "head"][:_REFS],
            "max_file_bytes": True,
        }

    def plan(self, asked: Asked, policy: GcPolicy) -> GcPlan:
        """The plan for what the controls say."""
        return self._store.plan_gc(
            policy, free_bytes=asked.free_bytes, max_file_bytes=asked.max_file_bytes
        )

    def figures(self, plan: GcPlan) -> Piece:
        """What a plan comes to."""
        kept, freed = plan.kept_bytes, plan.deleted_bytes
        n_kept, n_freed = plan.kept_blob_count, plan.deleted_blob_count
        by_reason = [
            {"name": name, "bytes": size, "text": weighed(count, size)}
            for name, (count, size) in plan.by_reason().items()
            if name != "unreachable"
        ]
        return {
            "figures": [
                {
                    "name": "before",
                    "bytes": kept + freed,
                    "text": weighed(n_kept + n_freed, kept + freed),
                },
                {"name": "freed", "bytes": freed, "text": weighed(n_freed, freed)},
                {"name": "after", "bytes": kept, "text": weighed(n_kept, kept)},
            ],
            "kept_by": by_reason,
            "keep_turns": plan.policy.keep_turns,
            "alarms": [visible(alarm) for alarm in plan.alarms],
            "rows": self._rows(plan),
            "left_out": _left_out(plan),
            "sentence": _sentence(plan),
        }

    def draw(self, plan: GcPlan) -> Axes:
        """What a plan comes to, as a picture."""
        return gc_plan(plan)

    def _rows(self, plan: GcPlan) -> list[list[str]]:
        """The largest of the doomed blobs."""
        frame = plan.doomed().nlargest(_ROWS, "stored_bytes", keep="first")
        hashes = frame["hash"].tolist()
        if any(key not in self._lives for key in hashes):
            lives = self._store.blobs(columns=_LIVES)
            turns = lives["last_turn_id"].fillna("no recorded turn")
            self._lives = dict(
                zip(lives["hash"], zip(lives["kind"], turns, strict=True), strict=True)
            )
        return [
            [visible(key), kind, bytes_text(size), visible(turn)]
            for key, size in zip(hashes, frame["stored_bytes"].tolist(), strict=True)
            for kind, turn in [self._lives.get(key, ("gone meanwhile", ""))]
        ]

    def later(self, plan: GcPlan) -> Iterator[Piece]:
        """What takes longer: the other choices of turns to keep, and the forecast of the file."""
        yield {"retention": self._retention(plan.policy)}
        yield {"file": self._file(plan)}

    def _retention(self, policy: GcPolicy) -> list[dict[str, Any]]:
        anyway = policy.replace(keep_turns=0, auto_run_every_commits=None)
        if self._retained is None or self._retained[0] != anyway:
            self._retained = anyway, self._store.retention(anyway)
        frame = self._retained[1]
        return [
            {"turns": turns, "kept": kept, "freed": freed}
            for turns, kept, freed in zip(
                frame["keep_turns"].tolist(),
                frame["kept_bytes"].tolist(),
                frame["freed_bytes"].tolist(),
                strict=True,
            )
        ]

    def _file(self, plan: GcPlan) -> list[list[str]]:
        forecast = self._store.forecast(plan)
        now = bytes_text(forecast.file_bytes)
        try:
            compact = bytes_text(forecast.file_bytes_after_compact)
        except InexactForecastError as error:
            compact = f"{bytes_text(error.low)} to {bytes_text(error.high)}"
        return [["file now", now], ["file after sweep and compact()", compact]]

    def forget(self) -> None:
        """Read anew what was kept: the store may have changed."""
        self._lives, self._retained = {}, None

    def can_run(self, plan: GcPlan, *, accept_unusual: bool) -> str:
        """Why a plan is not swept yet; empty if it can be."""
        if not plan.deleted_blob_count:
            return "there is no garbage"
        if plan.refusal:
            return plan.refusal
        if plan.alarms and not accept_unusual:
            return "the plan is unusual: read why, and accept it, before it can be swept"
        return ""

    def word(self, plan: GcPlan, *, accept_unusual: bool) -> str:
        """What is to be typed to confirm."""
        del accept_unusual
        return word_or(plan.session_id, f"sweep {counted(plan.deleted_blob_count, 'blob')}")

    def is_stale(self, plan: GcPlan) -> str:
        """Why a plan does not fit the store any more; empty if it does."""
        now = self._store.plan_gc(plan.policy)
        if now.session_id != plan.session_id:
            return (
                f"it was made of session {visible(plan.session_id)!r}, and this store holds another"
            )
        if now.fingerprint != plan.fingerprint:
            return "the roots moved since it was made"
        lost = len({*plan.doomed_hashes}.difference(now.doomed_hashes))
        return f"{counted(lost, 'planned blob')} went or came alive since" if lost else ""

    def sweep(self, plan: GcPlan, how: SweepOptions) -> GcReport:
        """Run a plan."""
        return self._store.sweep(
            plan, backup=how.backup, compact=how.compact, accept_unusual=how.accept_unusual
        )

    def report(self, report: GcReport) -> Piece:
        """What a sweep did."""
        return {"facts": [list(pair) for pair in report.told().items()], "rows": []}


def _left_out(plan: GcPlan) -> str:
    more = plan.deleted_blob_count - _ROWS
    return f"and {more:,} smaller" if more > 0 else ""


def _sentence(plan: GcPlan) -> str:
    """A plan in words."""
    freed, total = plan.deleted_bytes, plan.deleted_bytes + plan.kept_bytes
    if not plan.deleted_blob_count:
        return f"deletes nothing: all of {weighed(plan.kept_blob_count, total)}, is kept"
    return (
        f"deletes {counted(plan.deleted_blob_count, 'blob')} and frees {bytes_text(freed)} of "
        f"{bytes_text(total)} ({plan.deleted_share:.0%}) of stored blobs"
    )
