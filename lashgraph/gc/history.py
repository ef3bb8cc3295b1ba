"""History: which turn brought which bytes, when they became garbage, and what collecting would do.

Everything comes from the turns' own records: a turn names its checkpoint's manifest and what that
names. Blobs that only an artifact or a node names are no part of a turn, and blobs that are gone
have no bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lashgraph.reach.refs import TurnRefs

FIELDS = ("checkpoint_ref", "tool_state_ref", "plugin_snapshot_ref", "execution_state_ref")
"""What a turn's record names: the manifest and its children."""


class TurnBytes(NamedTuple):
    """Stored bytes around one turn.

    Attributes
    ----------
    new : int
        Of blobs that no earlier turn named.
    new_by_field : dict of str to int
        The same by the field that names them first.
    live : int
        Of the blobs that the turn names.
    garbage : int
        Of blobs that only earlier turns named.
    became_garbage : int
        Of blobs that the turn before named and this one does not.
    n_live, n_garbage : int
        Numbers of such blobs.
    """

    new: int
    new_by_field: dict[str, int]
    live: int
    garbage: int
    became_garbage: int
    n_live: int
    n_garbage: int


def turn_bytes(turns: Sequence[TurnRefs], sizes: Mapping[str, int]) -> list[TurnBytes]:
    """One pass over the turns, the oldest first.

    Parameters
    ----------
    sizes : mapping of str to int
        Stored bytes of the blobs that are there.
    """
    known: set[str] = set()
    known_bytes = 0
    before: set[str] = set()
    found = []
    for turn in turns:
        fields = {ref.blob_hash: ref.field for ref in reversed(turn.named())}
        named = fields.keys() & sizes.keys()
        new_by_field = dict.fromkeys(FIELDS, 0)
        for key in named - known:
            new_by_field[fields[key]] += sizes[key]
        new = sum(new_by_field.values())
        live = _total(named, sizes)
        known |= named
        known_bytes += new
        found.append(
            TurnBytes(
                new=new,
                new_by_field=new_by_field,
                live=live,
                garbage=known_bytes - live,
                became_garbage=_total(before - named, sizes),
                n_live=len(named),
                n_garbage=len(known) - len(named),
            )
        )
        before = named
    return found


class Lifetimes(NamedTuple):
    """Positions of turns by blob: the first that names it, the last, and the one after the last."""

    first: dict[str, int]
    last: dict[str, int]
    garbage: dict[str, int]


def lifetimes(turns: Sequence[TurnRefs]) -> Lifetimes:
    """When blobs came and went; of one that the latest turn names, no turn made it garbage."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for position, turn in enumerate(turns):
        for ref in turn.named():
            first.setdefault(ref.blob_hash, position)
            last[ref.blob_hash] = position
    garbage = {key: at + 1 for key, at in last.items() if at + 1 < len(turns)}
    return Lifetimes(first, last, garbage)


class Simulated(NamedTuple):
    """The store after a turn, had it been collected every so many turns; bytes as stored."""

    every: int
    position: int
    stored_bytes: int
    freed_bytes: int


def simulate(
    turns: Sequence[TurnRefs], sizes: Mapping[str, int], every: Sequence[int], keep_turns: int
) -> list[Simulated]:
    """What collections at regular intervals would have kept the store at: one pass over the turns.

    Parameters
    ----------
    every : sequence of int
        Turns from one collection to the next; 0 never collects.
    keep_turns : int
        Turns whose checkpoints each collection keeps; the latest is always kept.
    """
    named = [{ref.blob_hash for ref in turn.named()} & sizes.keys() for turn in turns]
    stores: list[set[str]] = [set() for _ in every]
    weights = [0] * len(every)
    found: list[list[Simulated]] = [[] for _ in every]
    for position, keys in enumerate(named):
        kept: set[str] | None = None
        for at, interval in enumerate(every):
            weights[at] += _total(keys - stores[at], sizes)
            stores[at] |= keys
            freed = 0
            if interval and (position + 1) % interval == 0:
                if kept is None:
                    first = max(position + 1 - max(keep_turns, 1), 0)
                    kept = set().union(*named[first : position + 1])
                freed = _total(stores[at] - kept, sizes)
                stores[at] = set(kept)
                weights[at] -= freed
            found[at].append(Simulated(interval, position, weights[at], freed))
    return [row for rows in found for row in rows]


def _total(keys: set[str], sizes: Mapping[str, int]) -> int:
    return sum([sizes[key] for key in keys])
