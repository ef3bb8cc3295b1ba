"""Running a collection on a file: backup, sweep and verification under one lock, then the rest."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter

from lashgraph.errors import DatabaseError, LashgraphError
from lashgraph.gc.alarm import alarms, refuse_if_unusual
from lashgraph.gc.backup import Backup, make_backup
from lashgraph.gc.bounds import bounds
from lashgraph.gc.plan import GcPlan
from lashgraph.gc.report import GcReport
from lashgraph.gc.room import set_aside
from lashgraph.gc.sweep import Doomed, delete, planned, secure_delete, unreachable
from lashgraph.gc.verify import verify_file, verify_sweep
from lashgraph.reach.policy import GcPolicy
from lashgraph.sqlite.copies import as_committed
from lashgraph.sqlite.database import Database
from lashgraph.sqlite.pages import Pages, measure, write_anew

_FRAME_HEADER = 24
_LOG_HEADER = 32


def run_plan(
    database: Database,
    plan: GcPlan,
    *,
    backup: str | None,
    clock: Callable[[], float],
    busy_timeout: float,
    compact: bool,
    secure: bool,
    progress: bool,
    accept_unusual: bool,
) -> GcReport:
    """Run a plan: nothing is deleted unless all that must precede it went well.

    Under the write lock: mark again, refuse what is stale or unusual, set room aside for a
    compaction, make the backup, delete, verify. Only then the transaction ends.

    Parameters
    ----------
    backup : str or None
        A folder for the backup.
    clock : callable
        Seconds since 1970, UTC, for the backup's name.
    busy_timeout : float
        Seconds to wait for a lock.

    Raises
    ------
    StalePlanError, DamagedStoreError, UnusualPlanError, BackupError, VerificationError
        Nothing was deleted.
    DatabaseError
        Nothing was deleted; or, if it has a ``report``, only the compaction failed.
    """
    started = perf_counter()
    path = database.path
    with (
        database.exclusive("sweep") as writer,
        secure_delete(writer, secure),
        ExitStack() as aside,
    ):
        made: Backup | None = None
        with database.transaction("sweep") as connection:
            doomed = planned(connection, plan, path)
            if not accept_unusual:
                refuse_if_unusual(alarms(connection, doomed.now), path)
            before = measure(connection)
            if compact and not database.in_memory:
                needed = _log_bytes(connection, before, doomed)
                aside.enter_context(set_aside(database.real_path, needed))
            if backup is not None:
                with as_committed(database, connection, busy_timeout) as committed:
                    made = make_backup(
                        committed,
                        database.real_path,
                        backup,
                        fingerprint=plan.fingerprint,
                        now=clock(),
                        progress=progress,
                    )
            deleted = delete(connection, doomed)
            verify_sweep(
                connection,
                doomed,
                path,
                backup=made.path if made else None,
                before=made.contents if made else None,
            )
        aside.close()
        folded = (secure or compact) and database.fold_log()
        pages = before, measure(writer)
        report = _report(database, doomed, deleted, pages, gone=secure and folded)
        report = dataclasses.replace(report, backup=made.path if made else None)
        if compact:
            report = _compacted(database, writer, report)
    return dataclasses.replace(report, seconds=perf_counter() - started)


def run_policy(database: Database, policy: GcPolicy, *, secure: bool) -> GcReport:
    """Plan and sweep in one transaction, without alarm, backup or verification.

    Raises
    ------
    DamagedStoreError
        The policy refuses: damage could hide a root.
    """
    started = perf_counter()
    operation = "gc_unreachable"
    with database.exclusive(operation) as writer, secure_delete(writer, secure):
        with database.transaction(operation) as connection:
            before = measure(connection)
            doomed = unreachable(connection, policy, database.path)
            deleted = delete(connection, doomed)
        gone = secure and (not deleted or database.fold_log())
        report = _report(database, doomed, deleted, (before, measure(writer)), gone=gone)
    return dataclasses.replace(report, seconds=perf_counter() - started)


def _report(
    database: Database, doomed: Doomed, deleted: int, pages: tuple[Pages, Pages], *, gone: bool
) -> GcReport:
    """What was done; whether what was freed is gone from file and log is for the caller to say."""
    now = doomed.now
    total = sum(row.stored_bytes for row in now.present)
    freed = sum(row.stored_bytes for row in doomed.rows)
    return GcReport(
        path=database.path,
        session_id=now.refs.session_id,
        policy=now.policy.name,
        root_count=len(now.roots),
        retained_blob_count=len(now.live),
        deleted_blob_count=deleted,
        deleted_bytes=freed,
        kept_blob_count=len(now.present) - deleted,
        kept_bytes=total - freed,
        before=pages[0],
        after=pages[1],
        freed_content_in_file=deleted > 0 and not gone,
        compacted=False,
        backup=None,
        seconds=0.0,
    )


def _log_bytes(connection: sqlite3.Connection, pages: Pages, doomed: Doomed) -> int:
    """The most that the log of a compaction can take: each page of the new file once."""
    _, most = bounds(connection, pages, doomed.rows, doomed.now.kept())
    count = most.file_bytes_after_compact // pages.page_size
    return _LOG_HEADER + count * (pages.page_size + _FRAME_HEADER)


def _compacted(database: Database, writer: sqlite3.Connection, report: GcReport) -> GcReport:
    """Write the file anew after a sweep that stands.

    Raises
    ------
    DatabaseError
        That failed; the error's ``report`` is that of the sweep.
    """
    try:
        write_anew(writer)
        folded = database.fold_log()
    except (sqlite3.Error, LashgraphError) as error:
        kept = f"; the state before is in {report.backup}" if report.backup else ""
        reason = error.__cause__ if isinstance(error.__cause__, sqlite3.Error) else error
        raise DatabaseError(
            f"{database.path}: the sweep stands and the file is whole, but it could not be "
            f"compacted: {reason}; call compact() once there is room{kept}",
            path=database.path,
            report=report,
        ) from error
    verify_file(writer, database.path, report.backup)
    return dataclasses.replace(
        report,
        after=measure(writer),
        compacted=True,
        freed_content_in_file=report.freed_content_in_file and not folded,
    )
