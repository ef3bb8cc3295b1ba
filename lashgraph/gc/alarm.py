"""The alarm: a plan that nothing explains is not swept unless that is asked for.

A high share of garbage is no alarm: after hundreds of turns 99 % of a store's blobs are superseded
checkpoints. What is alarming is garbage that should be alive by the store's own record.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from lashgraph.errors import UnusualPlanError
from lashgraph.reach.mark import Mark
from lashgraph.reach.refs import TurnRefs
from lashgraph.sqlite import heads

_SHOWN = 3


def alarms(connection: sqlite3.Connection, now: Mark) -> tuple[str, ...]:
    """What is unusual about sweeping a mark's garbage; empty if nothing is.

    Parameters
    ----------
    connection : sqlite3.Connection
        On the snapshot of the mark.
    now : Mark
        Without findings.
    """
    doomed = {row.hash for row in now.doomed()}
    if not doomed:
        return ()
    found = []
    turns = now.refs.turns
    has_nodes = connection.execute("SELECT EXISTS (SELECT 1 FROM graph_nodes)").fetchone()[0]
    if not now.roots and (turns or has_nodes):
        there = " and ".join(
            name for name, some in (("nodes", has_nodes), ("recorded turns", turns)) if some
        )
        found.append(f"there is no root at all, yet there are {there}: every blob would go")
    if turns and turns[-1].ref not in now.policy.drop:
        newest = turns[-1]
        named = [ref for ref in newest.named() if ref.blob_hash in doomed]
        if named and not _went_on(connection, newest):
            shown = ", ".join(f"{ref.field} {ref.blob_hash}" for ref in named[:_SHOWN])
            more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
            found.append(
                f"{newest.ref}, the newest recorded turn, names blobs that the head does not lead "
                f"to: {shown}{more}"
            )
    return tuple(found)


def _went_on(connection: sqlite3.Connection, newest: TurnRefs) -> bool:
    """Whether a commit that is no turn came after the newest turn: it explains what is garbage."""
    head = heads.row(connection)
    if head is None or newest.result is None:
        return False
    return head.has_revision and head.revision > newest.result.head_revision


def refuse_if_unusual(found: Sequence[str], path: str) -> None:
    """Raise what is unusual.

    Raises
    ------
    UnusualPlanError
        Something is.
    """
    if found:
        raise UnusualPlanError(
            f"{path}: this collection would delete what nothing explains as garbage; nothing was "
            f"deleted: {'; '.join(found)}; look at store.check() and keep a backup, and "
            "accept_unusual=True sweeps all the same",
            path=path,
            alarms=tuple(found),
        )
