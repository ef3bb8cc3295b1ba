"""What each root and each manifest holds: reached, retained, shared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lashgraph.reach.columns import REACHED, RETAINED, ROOTS, reach_frame
from lashgraph.reach.facts import Facts
from lashgraph.reach.layers import Ints, Layers, Pairs


def retained_frame(facts: Facts, layers: Layers) -> pd.DataFrame:
    """A row for each root, in the order of marking, and then for each live manifest."""
    roots = _roots(layers)
    at = np.arange(layers.n_followed)
    blobs = layers.manifest_blob[at]
    by_root = _held(layers, layers.named(roots), layers.reached(roots), layers.lost(roots))
    by_manifest = _held(
        layers,
        Pairs(at, blobs),
        layers.reached_from_manifests(at),
        layers.lost_with_manifests(at),
    )
    kinds = {ref.ref: ref.source_kind for ref in reversed(facts.roots.refs)}
    keys = layers.keys[: layers.n_roots]
    data: dict[str, Any] = {
        name: np.concatenate([by_root[name], by_manifest[name]]) for name in by_root
    }
    data["layer"] = np.repeat([0, 1], [len(keys), len(at)])
    data["ref"] = keys + [f"manifest:{layers.hashes[blob]}" for blob in blobs.tolist()]
    data["source_kind"] = [kinds[key] for key in keys] + ["manifest"] * len(at)
    return reach_frame(RETAINED, data, rows=len(keys) + len(at), made_of=facts.made_of)


def _roots(layers: Layers) -> Pairs:
    """Each root as a set of its own."""
    at = np.arange(layers.n_roots)
    return Pairs(at, at)


def _held(layers: Layers, named: Pairs, reached: Pairs, lost: Pairs) -> dict[str, Ints]:
    rows = int(named.sets.max(initial=-1)) + 1
    reached_bytes = reached.sums(layers.sizes, rows)
    retained = lost.sums(layers.sizes, rows)
    counts = layers.present.astype(np.int64)
    first = _first(reached, len(layers.hashes))
    return {
        "n_blobs": reached.sums(counts, rows),
        "n_retained": lost.sums(counts, rows),
        "shallow_bytes": named.sums(layers.sizes, rows),
        "reached_bytes": reached_bytes,
        "retained_bytes": retained,
        "shared_bytes": reached_bytes - retained,
        "counted_bytes": reached.where(first[reached.at] == reached.sets).sums(layers.sizes, rows),
    }


def _first(reached: Pairs, n_blobs: int) -> Ints:
    """The first set that reaches each blob; -1 where none does."""
    first = np.full(n_blobs, -1)
    first[reached.at[::-1]] = reached.sets[::-1]
    return first


def reached_frame(facts: Facts, layers: Layers) -> pd.DataFrame:
    """A row for each blob, with the roots that reach it."""
    reached = layers.reached(_roots(layers))
    n_blobs = len(layers.hashes)
    n_roots = np.bincount(reached.at, minlength=n_blobs)
    first = _first(reached, n_blobs)
    keys = layers.keys
    missing = n_blobs - len(facts.hashes)
    data: dict[str, Any] = {
        "hash": layers.hashes,
        "kind": [*facts.kinds, *[None] * missing],
        "stored_bytes": layers.sizes,
        "state": np.where(layers.present, np.where(layers.live, 0, 2), np.where(layers.live, 1, 3)),
        "n_roots": n_roots,
        "first_root": [keys[at] if at >= 0 else None for at in first.tolist()],
        "only_root": [
            keys[at] if count == 1 else None
            for at, count in zip(first.tolist(), n_roots.tolist(), strict=True)
        ],
    }
    return reach_frame(REACHED, data, rows=n_blobs, made_of=facts.made_of)


def roots_frame(facts: Facts) -> pd.DataFrame:
    """A row for each naming that is a root."""
    refs, there = facts.roots.refs, set(facts.hashes)
    data: dict[str, Any] = {
        "ref": [ref.ref for ref in refs],
        "source_kind": [ref.source_kind for ref in refs],
        "source_id": [ref.source_id for ref in refs],
        "field": [ref.field for ref in refs],
        "blob_hash": [ref.blob_hash for ref in refs],
        "is_followed": [(ref.ref, ref.blob_hash) in facts.roots.follows for ref in refs],
        "present": [ref.blob_hash in there for ref in refs],
    }
    return reach_frame(ROOTS, data, rows=len(refs), made_of=facts.made_of)
