"""The sweep: what a plan deletes is found again under the write lock, then deleted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from lashgraph.errors import StalePlanError
from lashgraph.gc.marked import Planned, fingerprint, refuse_if_damaged
from lashgraph.reach.mark import Mark, mark
from lashgraph.reach.policy import GcPolicy
from lashgraph.sqlite import blobs
from lashgraph.sqlite.blobs import BlobRow


class Doomed(NamedTuple):
    """A mark of the store as it is now, and the rows of it to delete."""

    now: Mark
    rows: list[BlobRow]

    @property
    def keys(self) -> set[str]:
        """Hashes of the rows to delete."""
        return {row.hash for row in self.rows}


def planned(connection: sqlite3.Connection, plan: Planned, path: str) -> Doomed:
    """What a plan deletes, if the store still is the one that it was made of.

    Raises
    ------
    StalePlanError
        The roots moved, a planned blob is alive now, or it is gone; or it is another store.
    DamagedStoreError
        The store was damaged since the plan was made.
    """
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
    wanted = set(plan.doomed_hashes)
    rows = [row for row in now.doomed() if row.hash in wanted]
    if len(rows) != len(wanted):
        raise StalePlanError(
            f"{path}: {len(wanted) - len(rows)} planned blobs are gone or alive now; nothing "
            "was deleted, plan again",
            path=path,
        )
    return Doomed(now, rows)


def unreachable(connection: sqlite3.Connection, policy: GcPolicy, path: str) -> Doomed:
    """What a policy deletes now.

    Raises
    ------
    DamagedStoreError
        The policy refuses: damage could hide a root.
    """
    now = mark(connection, policy)
    refuse_if_damaged(now, path)
    return Doomed(now, now.doomed())


def delete(connection: sqlite3.Connection, doomed: Doomed) -> int:
    """Delete rows inside the open write transaction, and return how many went."""
    rowids = [row.rowid for row in doomed.rows]
    return blobs.delete(connection, rowids, len(doomed.now.present))


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
