"""Retention: what keeping more or fewer turns costs, and the most history that fits a budget."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from lashgraph.columns import FrameSchema, count, text, time
from lashgraph.errors import BudgetError
from lashgraph.gc.plan import refuse_if_damaged
from lashgraph.reach.mark import Mark, mark
from lashgraph.reach.policy import GcPolicy
from lashgraph.reach.refs import Ref

RETENTION = FrameSchema.of(
    "retention",
    "what a collection would free and keep for each number of turns to keep, none first",
    count("keep_turns", "how many of the latest turns keep their checkpoints"),
    text("oldest_turn_id", "the oldest turn kept so"),
    time("oldest_committed_at", "when it was committed"),
    count("freed_blobs", "blobs deleted"),
    count("freed_bytes", "their stored bytes"),
    count("kept_blobs", "blobs that stay"),
    count("kept_bytes", "their stored bytes"),
)


class Choice(NamedTuple):
    """What keeping so many of the latest turns comes to; bytes as stored."""

    keep_turns: int
    oldest_turn_id: str | None
    oldest_committed_at: int | None
    freed_blobs: int
    freed_bytes: int
    kept_blobs: int
    kept_bytes: int


def choices(connection: sqlite3.Connection, policy: GcPolicy, path: str) -> list[Choice]:
    """What each number of turns comes to, from none to all, beside what the policy keeps anyway.

    Two marks and one pass over the turns: each turn adds what it names to the next newer ones'.

    Raises
    ------
    DamagedStoreError
        The policy refuses: damage could hide a root.
    """
    dropped = frozenset(policy.drop)
    drop = [key for key in policy.drop if not key.startswith("turn:")]
    base = mark(connection, policy.replace(keep_turns=0, since=None, drop=drop))
    count_of_turns = len(base.refs.turns)
    whole = mark(connection, policy.replace(keep_turns=count_of_turns, since=None))
    refuse_if_damaged(whole, path)
    sizes = {row.hash: row.stored_bytes for row in base.present}
    kept = base.live.keys() & sizes.keys()
    total = sum(sizes.values())
    kept_bytes = sum(sizes[key] for key in kept)
    found: list[Choice] = []

    def note(turns: int, turn_id: str | None, committed_at: int | None) -> None:
        freed = len(sizes) - len(kept), total - kept_bytes
        found.append(Choice(turns, turn_id, committed_at, *freed, len(kept), kept_bytes))

    note(0, None, None)
    for turns, turn in enumerate(reversed(base.refs.turns), 1):
        named = set() if turn.ref in dropped else _named(whole, turn.named())
        new = (named & sizes.keys()) - kept
        kept |= new
        kept_bytes += sum(sizes[key] for key in new)
        note(turns, turn.turn.turn_id, turn.turn.committed_at_ms)
    return found


def _named(whole: Mark, named: list[Ref]) -> set[str]:
    """What a turn's record names, and what its manifest does."""
    keys = {ref.blob_hash for ref in named}
    for ref in named:
        keys.update(child for _, child in whole.edges.get(ref.blob_hash, ()))
    return keys


def most_history(found: list[Choice], at_least: int, free_bytes: int, path: str) -> Choice:
    """The choice that keeps the most turns and frees as much as is asked.

    Parameters
    ----------
    at_least : int
        Turns to keep in any case.
    free_bytes : int
        Stored bytes of blobs to free.

    Raises
    ------
    BudgetError
        Keeping so few turns frees too little; the error says how much.
    """
    allowed = found[min(at_least, len(found) - 1) :]
    fitting = [choice for choice in allowed if choice.freed_bytes >= free_bytes]
    if not fitting:
        best = allowed[0].freed_bytes
        raise BudgetError(
            f"{path}: {free_bytes:,} bytes cannot be freed: keeping {allowed[0].keep_turns} turns, "
            f"the least that is allowed, frees {best:,}; nothing was deleted",
            path=path,
            wanted=free_bytes,
            best=best,
        )
    return fitting[-1]
