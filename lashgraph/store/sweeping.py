"""Running collections: the forecast of a plan, its sweep, and the collection in one step."""

from __future__ import annotations

import os
from typing import Any

from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import shown
from lashgraph.gc import (
    MEMORY_LIMIT,
    Forecast,
    GcPlan,
    GcReport,
    as_path,
    make_forecast,
    run_plan,
    run_policy,
)
from lashgraph.reach import GcPolicy
from lashgraph.sqlite.database import Database
from lashgraph.store.auto_gc import AutoGc
from lashgraph.store.options import StoreOptions
from lashgraph.store.reading import ReadingStore


class SweepingStore(ReadingStore):
    """Garbage collection as it runs, on its own too."""

    def __init__(self, database: Database, options: StoreOptions) -> None:
        super().__init__(database, options)
        self._auto_gc = AutoGc(options.gc_policy, self.gc_unreachable, self.path)

    def forecast(
        self,
        plan: GcPlan,
        *,
        memory_limit: int = MEMORY_LIMIT,
        disk_limit: int | None = None,
        progress: bool = False,
    ) -> Forecast:
        """What a sweep of a plan does to the file, found by doing it on a copy.

        As ``plan.forecast()``, for a store that is open or lives in memory.

        Parameters
        ----------
        plan : GcPlan
            Made by `plan_gc` of this store.
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
        StalePlanError
            The roots moved, or a planned blob is alive now or gone.
        DamagedStoreError
            The store was damaged since.
        """
        return make_forecast(
            self._database,
            _as_plan(plan),
            memory_limit=memory_limit,
            disk_limit=disk_limit,
            progress=progress,
        )

    def sweep(
        self,
        plan: GcPlan,
        *,
        backup: str | os.PathLike[str] | None = None,
        compact: bool = False,
        secure: bool = False,
        progress: bool = False,
        accept_unusual: bool = False,
    ) -> GcReport:
        """Delete exactly what a plan says, or nothing.

        Under the write lock the store is marked again, the backup made, the rows deleted and the
        result verified: SQLite's integrity check, every live blob in its place, and with a backup
        everything else compared with it. Whatever fails before the transaction ends leaves the
        store as it was.

        Parameters
        ----------
        plan : GcPlan
            Made by `plan_gc` of this store.
        backup : str or path, optional
            A folder, made if it is missing, for a verified copy of the store as it was;
            ``lashgraph.restore`` puts it back.
        compact : bool
            Write the file anew afterwards, so that it shrinks. The room that this may need is set
            aside before anything is deleted.
        secure : bool
            Overwrite the deleted content with zeros; slower.
        progress : bool
            Show a bar while the backup is made.
        accept_unusual : bool
            Sweep also where nothing explains why the blobs are garbage.

        Returns
        -------
        GcReport

        Raises
        ------
        StalePlanError
            The roots moved, or a planned blob is alive now or gone.
        UnusualPlanError
            There is no root at all, yet nodes or turns; or a doomed blob is named by the newest
            recorded turn, and no commit came after it.
        DamagedStoreError
            The store was damaged since.
        BackupError
            No backup could be made; nothing was deleted.
        VerificationError
            The sweep did not leave what it must and was undone.
        DatabaseError
            There is no room for a compaction, and nothing was deleted; or the compaction alone
            failed: the error then has the sweep's ``report``.
        ReadOnlyStoreError
            The store was opened for reading.
        """
        return run_plan(
            self._database,
            _as_plan(plan),
            backup=None if backup is None else as_path(backup, "backup"),
            clock=self._options.clock,
            busy_timeout=self._options.busy_timeout,
            compact=compact,
            secure=secure,
            progress=progress,
            accept_unusual=accept_unusual,
        )

    def gc_unreachable(
        self, policy: GcPolicy | None = None, *, secure: bool = False, **changes: Any
    ) -> GcReport:
        """Plan and sweep in one transaction, as lash does: no backup, no alarm.

        Parameters
        ----------
        policy : GcPolicy, optional
            The options' policy if not given.
        secure : bool
            Overwrite the deleted content with zeros; slower.
        **changes
            Fields of the policy to change, such as ``keep_turns=3``.

        Returns
        -------
        GcReport

        Raises
        ------
        DamagedStoreError
            Damage could hide a root; nothing was deleted.
        ReadOnlyStoreError
            The store was opened for reading.
        """
        return run_policy(self._database, self._policy(policy, changes), secure=secure)

    def _policy(self, policy: GcPolicy | None, changes: dict[str, Any]) -> GcPolicy:
        chosen = self._options.gc_policy if policy is None else policy
        if not isinstance(chosen, GcPolicy):
            raise InvalidRecordError(f"policy is a GcPolicy, not {shown(chosen)}")
        return chosen.replace(**changes)


def _as_plan(plan: object) -> GcPlan:
    if not isinstance(plan, GcPlan):
        raise InvalidRecordError(f"plan is a GcPlan of store.plan_gc(), not {shown(plan)}")
    return plan
