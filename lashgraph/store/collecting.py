"""Reachability, plans and sweeps of one store."""

from __future__ import annotations

import sqlite3
from typing import Any

import pandas as pd

from lashgraph.format.arguments import as_count
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
        self, policy: GcPolicy | None = None, *, free_bytes: int | None = None, **changes: Any
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
            No choice frees so much; ``best`` says how much can be freed.

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
        if free_bytes is not None:
            as_count(free_bytes, "free_bytes")

        def read(connection: sqlite3.Connection) -> GcPlan:
            chosen = wanted
            if free_bytes is not None:
                found = choices(connection, wanted, self.path)
                best = most_history(found, wanted.keep_turns, free_bytes, self.path)
                chosen = wanted.replace(keep_turns=best.keep_turns)
            marked = mark(connection, chosen)
            return make_plan(marked, self.path, alarms(connection, marked))

        return self._database.read(read)

    def retention(self, policy: GcPolicy | None = None, **changes: Any) -> pd.DataFrame:
        """What a collection would free and keep for each number of turns to keep.

        Parameters
        ----------
        policy : GcPolicy, optional
            What is kept anyway; its ``keep_turns`` and ``since`` are not looked at.
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
