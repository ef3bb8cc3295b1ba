"""What dropping and adding sets of refs would free together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from lashgraph.errors import DamagedStoreError, InvalidRecordError, UnknownRefError
from lashgraph.format.arguments import as_list, as_texts, shown
from lashgraph.reach.columns import FREED, KINDS, reach_frame
from lashgraph.reach.facts import Facts
from lashgraph.reach.layers import Ints, Layers, Pairs

Refs = Iterable[str] | Iterable[Iterable[str]]
"""Keys of refs, or several lists of them."""

_AT_ONCE = 2_000_000
"""Edges that are looked at in one go: some hundred megabytes at the most."""


class Change(NamedTuple):
    """Keys of roots to drop and of refs to add, together."""

    dropped: tuple[str, ...]
    added: tuple[str, ...]


def freed_frame(facts: Facts, layers: Layers, refs: Refs, adding: Refs) -> pd.DataFrame:
    """A row for each set: what the change would free, and what it would keep beside."""
    changes = _changes(_sets(refs, "refs"), _sets(adding, "adding"))
    _check(changes, facts, layers)
    kinds = _kind_codes(facts, layers)
    parts = [_freed(part, layers, kinds) for part in _portions(changes, layers)]
    data: dict[str, Any] = {
        name: np.concatenate([part[name] for part in parts]) for name in parts[0]
    }
    live = int(layers.sizes[layers.live].sum())
    data |= {
        "position": range(len(changes)),
        "n_dropped_refs": [len(change.dropped) for change in changes],
        "n_added_refs": [len(change.added) for change in changes],
        "dropped": [json.dumps(change.dropped, ensure_ascii=False) for change in changes],
        "added": [json.dumps(change.added, ensure_ascii=False) for change in changes],
        "live_bytes": live - data["freed_bytes"] + data["added_bytes"],
    }
    return reach_frame(FREED, data, rows=len(changes), made_of=facts.made_of)


def _sets(refs: Refs, name: str) -> list[tuple[str, ...]]:
    """One set of keys, or several; none of an empty list."""
    items: list[Any] = as_list(refs, name, "keys of refs, or of such lists")
    if items and all([isinstance(item, str) for item in items]):
        return [tuple(dict.fromkeys(as_texts(items, name)))]
    if any([isinstance(item, str) for item in items]):
        raise InvalidRecordError(
            f"{name} holds both keys and lists of keys: {shown(items)}; give one list of keys, or "
            "a list of lists"
        )
    return [tuple(dict.fromkeys(as_texts(item, f"a list in {name}"))) for item in items]


def _changes(drops: list[tuple[str, ...]], adds: list[tuple[str, ...]]) -> list[Change]:
    if len(drops) < 2:
        drops = (drops or [()]) * len(adds or drops)
    if len(adds) < 2:
        adds = (adds or [()]) * len(drops)
    if len(drops) != len(adds):
        raise InvalidRecordError(
            f"{len(drops)} sets in refs and {len(adds)} in adding; give as many of both, or one "
            "of either for all of the other"
        )
    return [Change(*pair) for pair in zip(drops, adds, strict=True)]


def _check(changes: Sequence[Change], facts: Facts, layers: Layers) -> None:
    policy, roots = facts.policy.name, layers.n_roots
    dropped = {key: None for change in changes for key in change.dropped}
    added = {key: None for change in changes for key in change.added}
    for key in dropped:
        if key not in layers.key_at:
            raise _unknown(key, facts)
        if layers.key_at[key] >= roots:
            raise UnknownRefError(
                f"{facts.path}: {key!r} is no root under the {policy} policy, so nothing is freed "
                "by dropping it; reachability().roots() lists the roots",
                ref=key,
            )
    for key in added:
        if key in facts.refusals:
            raise DamagedStoreError(
                f"{facts.path}: what adding {key!r} would keep cannot be known: "
                f"{facts.refusals[key]}",
                path=facts.path,
                findings=(facts.refusals[key],),
            )
        if key not in layers.key_at:
            raise _unknown(key, facts)
    for change in changes:
        if both := set(change.dropped).intersection(change.added):
            raise InvalidRecordError(f"{min(both)!r} is both dropped and added")


def _unknown(key: str, facts: Facts) -> UnknownRefError:
    return UnknownRefError(
        f"{facts.path}: no ref {shown(key)}; valid keys stand in the column 'ref' of store.refs()",
        ref=key,
    )


def _portions(changes: Sequence[Change], layers: Layers) -> Iterator[Sequence[Change]]:
    """The changes in portions whose edges are looked at together."""
    weights = layers.follow.degrees * 4 + layers.name.degrees[: len(layers.keys)] + 1
    key_at = layers.key_at
    start, weight = 0, 0
    for position, change in enumerate(changes):
        own = sum([int(weights[key_at[key]]) for keys in change for key in keys])
        if position > start and weight + own > _AT_ONCE:
            yield changes[start:position]
            start, weight = position, 0
        weight += own
    yield changes[start:]


def _freed(changes: Sequence[Change], layers: Layers, kinds: Ints) -> dict[str, Ints]:
    lost = layers.lost(_pairs([change.dropped for change in changes], layers))
    kept = layers.reached(_pairs([change.added for change in changes], layers))
    n_blobs = max(len(layers.hashes), 1)
    again = np.isin(lost.sets * n_blobs + lost.at, kept.sets * n_blobs + kept.at)
    freed = lost.where(~again & layers.present[lost.at])
    added = kept.where(~layers.live[kept.at] & layers.present[kept.at])
    return _counted("freed", freed, len(changes), layers.sizes, kinds) | _counted(
        "added", added, len(changes), layers.sizes, kinds
    )


def _pairs(sets: Sequence[Sequence[str]], layers: Layers) -> Pairs:
    lengths = np.array([len(keys) for keys in sets], np.int64)
    at = np.array([layers.key_at[key] for keys in sets for key in keys], np.int64)
    return Pairs(np.repeat(np.arange(len(sets)), lengths), at)


def _counted(change: str, blobs: Pairs, n_sets: int, sizes: Ints, kinds: Ints) -> dict[str, Ints]:
    """Number and bytes of blobs by set, in all and by kind."""
    counts, total = (np.zeros((n_sets, len(KINDS)), np.int64) for _ in range(2))
    np.add.at(counts, (blobs.sets, kinds[blobs.at]), 1)
    np.add.at(total, (blobs.sets, kinds[blobs.at]), sizes[blobs.at])
    found = {f"n_{change}": counts.sum(axis=1), f"{change}_bytes": total.sum(axis=1)}
    for at, kind in enumerate(KINDS):
        found |= {f"n_{change}_{kind}": counts[:, at], f"{change}_bytes_{kind}": total[:, at]}
    return found


def _kind_codes(facts: Facts, layers: Layers) -> Ints:
    """Place of each blob's kind in `KINDS`; of those that are not there the last."""
    codes = {kind: at for at, kind in enumerate(KINDS.values())}
    other = len(KINDS) - 1
    found = np.full(len(layers.hashes), other)
    found[: len(facts.kinds)] = [codes.get(kind, other) for kind in facts.kinds]
    return found
