"""Reachability, plans and sweeps of one store."""

from __future__ import annotations

import sqlite3
from typing import Any

import pandas as pd

from lashgraph.errors import BudgetError
from lashgraph.format.arguments import as_count
from lashgraph.format.sizes import counted
from lashgraph.gc import GcPlan, alarms, make_plan
from lashgraph.gc.retention import RETENTION, Choice, choices, most_history
from lashgraph.reach import GcPolicy, Reachability, gather, mark
from lashgraph.sqlite import heads
from lashgraph.store.sweeping import SweepingStore


class CollectingStore(SweepingStore):
    """Garbage collection before it runs: what keeps what alive, and the dry run."""

    def reachability(self, policy: GcPolicy | None = None, **changes: Any) -> Reachability:
        """What keeps what alive: roots, manifests and blobs.

        Parameters
        ----------
        policy : GcPolicy, optional
            The options' policy if not given.
        **changes
            Fields of the policy to change, such as ``keep_turns=3``.

        Returns
        -------
        Reachability
            It tells why a blob is kept, what each root holds, and what dropping roots would free;
            it holds keys and sizes and outlives the store.

        Raises
        ------
        UnknownRefError
            ``keep`` names a ref that the store does not have.
        """
        wanted = self._policy(policy, changes)
        with self._database.snapshot():
            made_of = self._database.fingerprint()
            return Reachability(
                self._database.read(
                    lambda connection: gather(connection, wanted, self.path, made_of)
                )
            )

    def plan_gc(
        self,
        policy: GcPolicy | None = None,
        *,
        free_bytes: int | None = None,
        max_file_bytes: int | None = None,
        **changes: Any,
    ) -> GcPlan:
        """A dry run: what a sweep would delete and keep, why, and how many bytes.

        Nothing is written, whatever the mode of the store.

        Parameters
        ----------
        policy : GcPolicy, optional
            The options' policy if not given.
        free_bytes : int, optional
            A budget: keep the checkpoints of as many turns as possible and free so many stored
            bytes of blobs. The policy's ``keep_turns`` is then the least; `retention` shows all
            choices, and ``plan.policy`` what was chosen.
        max_file_bytes : int, optional
            A budget: keep as many turns as possible in a file of at most so many bytes, as it is
            after the sweep and ``compact()``; found by forecasts, each exact.
        **changes
            Fields of the policy to change, such as ``keep_turns=3``, ``since="2026-01-31"``,
            ``keep=[...]`` or ``drop=[...]``.

        Returns
        -------
        GcPlan

        Raises
        ------
        DamagedStoreError
            Damage could hide a root; ``findings`` says what.
        UnknownRefError
            ``keep`` names a ref that the store does not have, ``drop`` one that is no root.
        BudgetError
            No choice meets the budget; ``best`` says what can be reached.
        InexactForecastError
            ``max_file_bytes`` is given, and there is no room for a forecast.

        Examples
        --------
        >>> import lashgraph as lg
        >>> with lg.open(":memory:") as store:
        ...     _ = store.put_blob(b"nobody names this")
        ...     plan = store.plan_gc()
        ...     plan.deleted_blob_count, store.sweep(plan).deleted_blob_count
        (1, 1)
        """
        wanted = self._policy(policy, changes)
        if free_bytes is None and max_file_bytes is None:
            return self._plan(wanted)
        return self._plan_for_budget(wanted, free_bytes, max_file_bytes)

    def _plan(self, policy: GcPolicy) -> GcPlan:
        def read(connection: sqlite3.Connection) -> GcPlan:
            marked = mark(connection, policy)
            return make_plan(
                marked,
                self.path,
                alarms(connection, marked),
                refusal=self._database.dialect.refusal,
            )

        return self._database.read(read)

    def _plan_for_budget(
        self, policy: GcPolicy, free_bytes: int | None, max_file_bytes: int | None
    ) -> GcPlan:
        """The plan that keeps the most turns and meets both budgets."""
        to_free = as_count(0 if free_bytes is None else free_bytes, "free_bytes")
        if max_file_bytes is not None:
            as_count(max_file_bytes, "max_file_bytes")

        def plan_of(choice: Choice) -> GcPlan:
            return self._plan(policy.replace(keep_turns=choice.keep_turns))

        def file_bytes(choice: Choice) -> int:
            return self.forecast(plan_of(choice)).file_bytes_after_compact

        def fits(choice: Choice) -> bool:
            is_enough = choice.freed_bytes >= to_free
            return is_enough and (max_file_bytes is None or file_bytes(choice) <= max_file_bytes)

        def unmet(choice: Choice) -> BudgetError:
            aged = "" if policy.since is None else f" and those since {policy.since.isoformat()}"
            turns = counted(choice.keep_turns, "turn")
            least = f"keeping the latest {turns}{aged}, the least that is allowed,"
            if choice.freed_bytes < to_free:
                return self._unmet(
                    f"{to_free:,} bytes cannot be freed: {least} frees {choice.freed_bytes:,}",
                    to_free,
                    choice.freed_bytes,
                )
            best, most = file_bytes(choice), max_file_bytes or 0
            what = f"the file cannot be made {most:,} bytes: {least} leaves {best:,}"
            return self._unmet(what, most, best)

        with self._database.snapshot():
            found = self._database.read(lambda c: choices(c, policy, self.path))
            allowed = found[min(policy.keep_turns, len(found) - 1) :]
            return plan_of(most_history(allowed, fits, unmet))

    def _unmet(self, what: str, wanted: int, best: int) -> BudgetError:
        return BudgetError(
            f"{self.path}: {what}; nothing was deleted", path=self.path, wanted=wanted, best=best
        )

    def retention(self, policy: GcPolicy | None = None, **changes: Any) -> pd.DataFrame:
        """What a collection would free and keep for each number of turns to keep.

        Parameters
        ----------
        policy : GcPolicy, optional
            What is kept anyway; its ``keep_turns`` is not looked at.
        **changes
            Fields of the policy to change.

        Returns
        -------
        DataFrame
            A row for no turn, one, two, and so on to all; ``lashgraph.schema("retention")`` tells
            the columns.

        Raises
        ------
        DamagedStoreError
            Damage could hide a root, or the record of a turn cannot be read.
        """
        wanted = self._policy(policy, changes)

        def read(connection: sqlite3.Connection) -> pd.DataFrame:
            found = choices(connection, wanted, self.path)
            data = {name: [getattr(one, name) for one in found] for name in Choice._fields}
            session_id = heads.session_id(connection)
            return RETENTION.build(data, len(found), self.path, session_id)

        return self._database.read(read)
