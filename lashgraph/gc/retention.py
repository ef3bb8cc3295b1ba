"""Retention: what keeping more or fewer turns costs, and the most history that fits a budget."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Set
from typing import NamedTuple

from lashgraph.columns import FrameSchema, count, text, time
from lashgraph.errors import BudgetError
from lashgraph.gc.marked import refuse_if_damaged
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

    Two marks and one pass over the turns: each turn adds what it names to what newer ones name.
    What the policy keeps by age or by name is kept in each choice.

    Raises
    ------
    DamagedStoreError
        The policy refuses: damage could hide a root.
    """
    drop = [key for key in policy.drop if not key.startswith("turn:")]
    base = mark(connection, policy.replace(keep_turns=0, since=None, drop=drop))
    turns = base.refs.turns[::-1]
    whole = mark(connection, policy.replace(keep_turns=len(turns), since=None))
    refuse_if_damaged(whole, path)
    dropped = frozenset(policy.drop)
    named = [set() if turn.ref in dropped else _named(whole, turn.named()) for turn in turns]
    kept = _Kept({row.hash: row.stored_bytes for row in base.present})
    kept.add(base.live.keys())
    for turn, names in zip(turns, named, strict=True):
        if policy.is_since(turn.turn.committed_at_ms):
            kept.add(names)
    found = [Choice(0, None, None, *kept.figures())]
    for keep_turns, (turn, names) in enumerate(zip(turns, named, strict=True), 1):
        kept.add(names)
        at = turn.turn.committed_at_ms
        found.append(Choice(keep_turns, turn.turn.turn_id, at, *kept.figures()))
    return found


class _Kept:
    """A set of blobs that grows, and what it weighs.

    Parameters
    ----------
    sizes : dict of str to int
        Stored bytes of all blobs.
    """

    def __init__(self, sizes: dict[str, int]) -> None:
        self._sizes = sizes
        self._total = sum(sizes.values())
        self._keys: set[str] = set()
        self._bytes = 0

    def add(self, keys: Set[str]) -> None:
        """Keep these blobs, as far as they are there."""
        new = (keys & self._sizes.keys()) - self._keys
        self._keys |= new
        self._bytes += sum([self._sizes[key] for key in new])

    def figures(self) -> tuple[int, int, int, int]:
        """Number and bytes of blobs freed, then of blobs kept."""
        freed = len(self._sizes) - len(self._keys)
        return freed, self._total - self._bytes, len(self._keys), self._bytes


def _named(whole: Mark, named: list[Ref]) -> set[str]:
    """What a turn's record names, and what its manifest does."""
    keys = {ref.blob_hash for ref in named}
    for ref in named:
        keys.update(child for _, child in whole.edges.get(ref.blob_hash, ()))
    return keys


def most_history(
    found: list[Choice], fits: Callable[[Choice], bool], unmet: Callable[[Choice], BudgetError]
) -> Choice:
    """The choice that keeps the most turns and still fits, by bisection.

    Parameters
    ----------
    found : list of Choice
        From the least that may be kept to the most.
    fits : callable
        Whether a choice meets the budget; what keeps less meets it if what keeps more does.
    unmet : callable
        The error to raise where even the first does not fit.

    Raises
    ------
    BudgetError
        Nothing fits.
    """
    if not fits(found[0]):
        raise unmet(found[0])
    low, high = 0, len(found)
    while high - low > 1:
        middle = (low + high) // 2
        if fits(found[middle]):
            low = middle
        else:
            high = middle
    return found[low]
