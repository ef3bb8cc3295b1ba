"""Reachability, plans and sweeps of one store."""

from __future__ import annotations

import dataclasses
import logging
import sqlite3
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pandas as pd

from lashgraph.errors import AutoGcWarning, InvalidRecordError, LashgraphError
from lashgraph.format.arguments import as_count, shown
from lashgraph.gc import AutoGcOutcome, GcPlan, GcReport, collect, make_plan, sweep
from lashgraph.gc.retention import RETENTION, Choice, choices, most_history
from lashgraph.gc.sweep import secure_delete
from lashgraph.reach import GcPolicy, Reachability, gather, mark
from lashgraph.sqlite import heads
from lashgraph.sqlite.database import Database
from lashgraph.store.options import StoreOptions
from lashgraph.store.reading import ReadingStore

_log = logging.getLogger("lashgraph")


class CollectingStore(ReadingStore):
    """Garbage collection: the dry run, the sweep, and the one that runs by itself."""

    def __init__(self, database: Database, options: StoreOptions) -> None:
        super().__init__(database, options)
        self._auto_gc = AutoGc(options.gc_policy, self.gc_unreachable, self.path)

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
            return make_plan(mark(connection, chosen), self.path)

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

    def sweep(self, plan: GcPlan, *, secure: bool = False) -> GcReport:
        """Delete exactly what a plan says, or nothing.

        The store is marked again under the write lock.

        Parameters
        ----------
        plan : GcPlan
            Made by `plan_gc` of this store.
        secure : bool
            Overwrite the deleted content with zeros; slower.

        Raises
        ------
        StalePlanError
            The roots moved, or a planned blob is alive now or gone.
        DamagedStoreError
            The store was damaged since.
        ReadOnlyStoreError
            The store was opened for reading.
        """
        if not isinstance(plan, GcPlan):
            raise InvalidRecordError(f"plan is a GcPlan of store.plan_gc(), not {shown(plan)}")
        return self._sweep("sweep", secure, lambda c: sweep(c, plan, self.path, secure=secure))

    def gc_unreachable(
        self, policy: GcPolicy | None = None, *, secure: bool = False, **changes: Any
    ) -> GcReport:
        """Plan and sweep in one transaction.

        Parameters
        ----------
        policy : GcPolicy, optional
            The options' policy if not given.
        secure : bool
            Overwrite the deleted content with zeros; slower.
        **changes
            Fields of the policy to change, such as ``keep_turns=3``.

        Raises
        ------
        DamagedStoreError
            Damage could hide a root; nothing was deleted.
        ReadOnlyStoreError
            The store was opened for reading.
        """
        wanted = self._policy(policy, changes)
        return self._sweep(
            "gc_unreachable", secure, lambda c: collect(c, wanted, self.path, secure=secure)
        )

    def _policy(self, policy: GcPolicy | None, changes: dict[str, Any]) -> GcPolicy:
        chosen = self._options.gc_policy if policy is None else policy
        if not isinstance(chosen, GcPolicy):
            raise InvalidRecordError(f"policy is a GcPolicy, not {shown(chosen)}")
        return chosen.replace(**changes)

    def _sweep(self, operation: str, secure: bool, run: Callable[[Any], GcReport]) -> GcReport:
        with self._database.exclusive(operation) as writer, secure_delete(writer, secure):
            with self._database.transaction(operation) as connection:
                report = run(connection)
            if secure and report.deleted_blob_count and not self._database.fold_log():
                report = dataclasses.replace(report, freed_content_in_file=True)
            return report


class AutoGc:
    """Counts commits and collects when one is due; it never makes a commit fail.

    The count is in memory, from 0 for each open store. Work that is queued counts, and never
    collects by itself.
    """

    def __init__(self, policy: GcPolicy, collect: Callable[[], GcReport], path: str) -> None:
        self._interval = policy.auto_run_every_commits or 0
        self._collect = collect
        self._path = path
        self._count = 0
        self._lock = threading.Lock()

    def after_enqueue(self) -> None:
        """Count queued work."""
        with self._lock:
            self._count += 1

    def after_commit(self) -> AutoGcOutcome | None:
        """Count a commit, and collect if that makes one due."""
        if not self._interval:
            return None
        with self._lock:
            self._count += 1
            due = self._count % self._interval == 0
        if not due:
            return None
        try:
            return AutoGcOutcome(self._collect(), None)
        except LashgraphError as error:
            _log.warning("automatic collection refused: %s", error)
            warnings.warn(
                f"{self._path}: the commit stands; the automatic collection after it was refused: "
                f"{error}",
                AutoGcWarning,
                stacklevel=3,
            )
            return AutoGcOutcome(None, error)
