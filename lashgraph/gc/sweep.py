"""The sweep: mark again under the write lock, delete exactly the plan, or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from lashgraph.errors import StalePlanError
from lashgraph.gc.plan import GcPlan, fingerprint, refuse_if_damaged
from lashgraph.gc.report import GcReport
from lashgraph.reach.mark import Mark, mark
from lashgraph.reach.policy import GcPolicy
from lashgraph.sqlite import blobs
from lashgraph.sqlite.blobs import BlobRow


def sweep(
    connection: sqlite3.Connection, plan: GcPlan, path: str, *, secure: bool = False
) -> GcReport:
    """Run a plan inside the open write transaction.

    Raises
    ------
    StalePlanError
        The roots moved, a planned blob is alive now, or it is gone.
    DamagedStoreError
        The store was damaged since the plan was made.
    """
    started = perf_counter()
    now = mark(connection, plan.policy)
    refuse_if_damaged(now, path)
    if now.refs.session_id != plan.session_id:
        raise StalePlanError(
            f"{path}: the plan was made of session {plan.session_id!r}, this store holds "
            f"{now.refs.session_id!r}; nothing was deleted",
            path=path,
        )
    if fingerprint(now) != plan.fingerprint:
        raise StalePlanError(
            f"{path}: the roots moved since the plan was made; nothing was deleted, plan again",
            path=path,
        )
    planned = set(plan.doomed_hashes)
    doomed = [row for row in now.doomed() if row.hash in planned]
    if len(doomed) != len(planned):
        raise StalePlanError(
            f"{path}: {len(planned) - len(doomed)} planned blobs are gone or alive now; nothing "
            "was deleted, plan again",
            path=path,
        )
    return _delete(connection, now, doomed, secure, started)


def collect(
    connection: sqlite3.Connection, policy: GcPolicy, path: str, *, secure: bool = False
) -> GcReport:
    """Plan and sweep inside the open write transaction.

    Raises
    ------
    DamagedStoreError
        The policy refuses: damage could hide a root.
    """
    started = perf_counter()
    now = mark(connection, policy)
    refuse_if_damaged(now, path)
    return _delete(connection, now, now.doomed(), secure, started)


def _delete(
    connection: sqlite3.Connection, now: Mark, doomed: list[BlobRow], secure: bool, started: float
) -> GcReport:
    total = sum(row.stored_bytes for row in now.present)
    freed = sum(row.stored_bytes for row in doomed)
    deleted = blobs.delete(connection, [row.rowid for row in doomed], len(now.present))
    return GcReport(
        root_count=len(now.roots),
        retained_blob_count=len(now.live),
        deleted_blob_count=deleted,
        deleted_bytes=freed,
        kept_blob_count=len(now.present) - deleted,
        kept_bytes=total - freed,
        freed_content_in_file=deleted > 0 and not secure,
        seconds=perf_counter() - started,
    )


@contextmanager
def secure_delete(connection: sqlite3.Connection, secure: bool) -> Iterator[None]:
    """Overwrite deleted content with zeros inside the block; outside a transaction."""
    if not secure:
        yield
        return
    connection.execute("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        connection.execute("PRAGMA secure_delete = OFF")
