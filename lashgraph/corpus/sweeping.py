"""What a worker does in a batch collection: sweep one file as planned, or say why not."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

from lashgraph.corpus.gcrows import Planned, Swept, digest_of_doomed
from lashgraph.errors import (
    DamagedStoreError,
    StalePlanError,
    StoreChangedError,
    StoreLockedError,
    StoreNotFoundError,
    UnusualPlanError,
    WhichSessionError,
)
from lashgraph.reach import GcPolicy
from lashgraph.sqlite.database import Mode
from lashgraph.store import Store, StoreOptions
from lashgraph.store import open as open_store

_SKIPPING: dict[type[Exception], str] = {
    StoreLockedError: "locked",
    StalePlanError: "changed",
    StoreChangedError: "changed",
    StoreNotFoundError: "changed",
    UnusualPlanError: "alarm",
    DamagedStoreError: "refused",
}
"""Errors after which a file is as it was, and for which it is no failure."""


class Task(NamedTuple):
    """A file to sweep; `finish` says that an earlier run may have left its compaction undone."""

    row: Planned
    finish: bool = False


@dataclass(frozen=True)
class SweepJob:
    """How files are swept; picklable.

    Attributes
    ----------
    policy : GcPolicy
        That of the plan; how many turns are kept stands in each file's row.
    options : StoreOptions
        How files are opened.
    backup : str or None
        A folder for the backups.
    compact, secure, accept_unusual : bool
        As for a single sweep.
    """

    policy: GcPolicy
    options: StoreOptions
    backup: str | None
    compact: bool
    secure: bool
    accept_unusual: bool

    def __call__(self, task: Task) -> Swept:
        """Sweep a file. Nothing that is wrong with it is raised."""
        started = perf_counter()
        try:
            swept = self._swept(task)
        except Exception as error:
            # whatever a broken file brings about ends with this file, never with the run
            swept = _left(task.row, error)
        return swept._replace(seconds=perf_counter() - started)

    def _swept(self, task: Task) -> Swept:
        row = task.row
        policy = self.policy.replace(keep_turns=row.keep_turns or 0)
        # a look for reading first: a file that is not swept stays as it is to the last byte
        with self._open(row, "r") as store:
            plan = store.plan_gc(policy)
        if plan.fingerprint != row.fingerprint:
            return Swept.skipped(row, "changed", "its roots moved since the plan was made")
        if not plan.deleted_blob_count:
            if task.finish:
                return self._finished(row)
            return Swept.skipped(row, "gone", "what was planned is deleted already")
        if digest_of_doomed(plan) != row.doomed:
            return Swept.skipped(row, "changed", "it has other garbage than when it was planned")
        with self._open(row, "rw") as store:
            report = store.sweep(
                plan,
                backup=self.backup,
                compact=self.compact,
                secure=self.secure,
                accept_unusual=self.accept_unusual,
            )
        return Swept.done(row, report)

    def _open(self, row: Planned, mode: Mode) -> Store:
        """Open a file; one that holds many sessions by that which the plan was made by."""
        try:
            return open_store(row.path, mode, self.options)
        except WhichSessionError:
            return open_store(row.path, mode, self.options, session_id=row.session_id)

    def _finished(self, row: Planned) -> Swept:
        """A file whose garbage went in an earlier run that ended before it was compacted."""
        with self._open(row, "rw") as store:
            sizes = store.compact()
        message = "an earlier run deleted its garbage; now it is compacted, too"
        return Swept(
            row.path,
            row.session_id,
            "done",
            message=message,
            deleted_blob_count=0,
            deleted_bytes=0,
            kept_blob_count=row.kept_blob_count,
            kept_bytes=row.kept_bytes,
            file_bytes_before=sizes.file_bytes_before,
            file_bytes_after=sizes.file_bytes_after,
            compacted=True,
            freed_content_in_file=False,
        )


def sweep_file(job: SweepJob, task: Task, _attempt: str) -> Swept:
    """What a worker is called with; no attempt is like another."""
    return job(task)


def _left(row: Planned, error: Exception) -> Swept:
    for kind, reason in _SKIPPING.items():
        if isinstance(error, kind):
            return Swept.skipped(row, reason, str(error), type(error).__name__)
    return Swept.failed(row, error)
