"""The graph of refs, manifests and blobs as integer arrays, and what falls when refs go.

The mark follows manifests and nothing else, so that every way from a root has at most two steps:
from a ref to a blob, or from a ref to a manifest that is followed and from there to a blob. A
manifest that is *followed* is therefore another vertex than its *blob*: an agent frame, or under
the runtime's policy an artifact, may name a manifest without keeping what that names.

A vertex is lost together with a set of refs if all that names it is lost with them. In layers that
is one count for each: followed manifests first, then blobs. Dominators (Lengauer and Tarjan, 1979,
https://doi.org/10.1145/357062.357071) are the case of sets of one; no tree of them needs to be
built where no way is longer than this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lashgraph.reach.facts import Facts

Ints = NDArray[np.int64]


class Pairs(NamedTuple):
    """Sets and vertices that belong to them, sorted and each pair once."""

    sets: Ints
    at: Ints

    def sums(self, values: Ints, n_sets: int) -> Ints:
        """Sum of the vertices' values, by set."""
        found = np.zeros(n_sets, np.int64)
        np.add.at(found, self.sets, values[self.at])
        return found

    def where(self, which: NDArray[np.bool_]) -> Pairs:
        """Those whose place in `which` is true."""
        return Pairs(self.sets[which], self.at[which])


class Edges:
    """Edges from one layer to another, each once, by source."""

    def __init__(self, edges: Sequence[tuple[int, int]], n_sources: int, n_targets: int) -> None:
        ends = np.array(edges, np.int64).reshape(-1, 2)
        code = np.unique(ends[:, 0] * max(n_targets, 1) + ends[:, 1])
        self.sources, self.targets = np.divmod(code, max(n_targets, 1))
        self.n_targets = n_targets
        self.starts = np.searchsorted(self.sources, np.arange(n_sources + 1))
        self.degrees = np.diff(self.starts)

    def parents(self, living: NDArray[np.bool_]) -> Ints:
        """How many living sources name each target."""
        return np.bincount(self.targets[living[self.sources]], minlength=self.n_targets)

    def follow(self, pairs: Pairs) -> Pairs:
        """Sets and targets of all edges of their sources, repeated ones too."""
        degrees = self.degrees[pairs.at]
        ends = np.cumsum(degrees)
        within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - degrees, degrees)
        edges = np.repeat(self.starts[pairs.at], degrees) + within
        return Pairs(np.repeat(pairs.sets, degrees), self.targets[edges])

    def distinct(self, pairs: Pairs) -> Pairs:
        """Each pair of a set and a target once."""
        return Pairs(*np.divmod(np.unique(self._code(pairs)), max(self.n_targets, 1)))

    def lost(self, pairs: Pairs, parents: Ints) -> Pairs:
        """Targets that a set has lost as often as they have parents."""
        code, times = np.unique(self._code(pairs), return_counts=True)
        found = Pairs(*np.divmod(code, max(self.n_targets, 1)))
        return found.where(times == parents[found.at])

    def _code(self, pairs: Pairs) -> Ints:
        return pairs.sets * max(self.n_targets, 1) + pairs.at


class Layers:
    """Refs by key, followed manifests, blobs; roots and what they reach are alive.

    Attributes
    ----------
    keys : list of str
        Keys of the refs, those of the roots first.
    n_roots : int
        How many of them are roots.
    manifests : list of str
        Manifests that are followed from some ref, the roots' first.
    n_followed : int
        How many of them are followed from a root.
    hashes : list of str
        Blobs in the order of the table, then those that are named and not there.
    sizes : array of int64
        Their bytes as stored, 0 where they are not there.
    present, live : array of bool
        Whether they are there, and whether a root reaches them.
    """

    def __init__(self, facts: Facts) -> None:
        roots, others = facts.roots, facts.others
        manifests = {**roots.manifests, **others.manifests}
        self.manifests = list(manifests)
        self.n_followed = len(roots.manifests)
        refs = [*roots.refs, *others.refs]
        self.keys = list(dict.fromkeys([ref.ref for ref in refs]))
        self.n_roots = len({ref.ref for ref in roots.refs})
        self.key_at = {key: at for at, key in enumerate(self.keys)}
        named = [ref.blob_hash for ref in refs]
        named += [child for children in manifests.values() for _, child in children]
        self.hashes = list(dict.fromkeys([*facts.hashes, *named]))
        self.hash_at = {key: at for at, key in enumerate(self.hashes)}
        self._connect(facts, manifests)
        n_present, n_blobs = len(facts.hashes), len(self.hashes)
        self.sizes = np.zeros(n_blobs, np.int64)
        self.sizes[:n_present] = facts.sizes
        self.present = np.arange(n_blobs) < n_present

    def _connect(self, facts: Facts, manifests: dict[str, list[tuple[str, str]]]) -> None:
        follows = facts.roots.follows | facts.others.follows
        key_at, hash_at, n_keys = self.key_at, self.hash_at, len(self.keys)
        manifest_at = {key: at for at, key in enumerate(self.manifests)}
        names = [
            (key_at[ref.ref], hash_at[ref.blob_hash])
            for named in (facts.roots, facts.others)
            for ref in named.refs
            if (ref.ref, ref.blob_hash) not in follows
        ]
        for at, (key, children) in enumerate(manifests.items(), n_keys):
            names.append((at, hash_at[key]))
            names += [(at, hash_at[child]) for _, child in children]
        self.follow = Edges(
            [(key_at[key], manifest_at[manifest]) for key, manifest in follows],
            n_keys,
            len(manifests),
        )
        self.name = Edges(names, n_keys + len(manifests), len(self.hashes))
        self.manifest_blob = np.array([hash_at[key] for key in self.manifests], np.int64)
        living = np.arange(n_keys) < self.n_roots
        self._follow_parents = self.follow.parents(living)
        living = np.concatenate([living, self._follow_parents > 0])
        self._name_parents = self.name.parents(living)
        self.live = self._name_parents > 0

    def reached(self, refs: Pairs) -> Pairs:
        """The blobs that each set of refs reaches, present or not."""
        manifests = self.follow.distinct(self.follow.follow(refs))
        return self.name.distinct(self.name.follow(self._both(refs, manifests)))

    def lost(self, refs: Pairs) -> Pairs:
        """The blobs that no root reaches any more without the roots of each set."""
        manifests = self.follow.lost(self.follow.follow(refs), self._follow_parents)
        return self.name.lost(self.name.follow(self._both(refs, manifests)), self._name_parents)

    def named(self, refs: Pairs) -> Pairs:
        """The blobs that each set of refs names itself."""
        manifests = self.follow.follow(refs)
        named, direct = self.manifest_blob[manifests.at], self.name.follow(refs)
        return self.name.distinct(_joined(direct, Pairs(manifests.sets, named)))

    def reached_from_manifests(self, at: Ints) -> Pairs:
        """Each manifest and the blobs that it names; the sets are places in `at`."""
        sets = np.arange(len(at))
        return self.name.distinct(self.name.follow(Pairs(sets, at + len(self.keys))))

    def lost_with_manifests(self, at: Ints) -> Pairs:
        """Each live manifest and the blobs that no root reaches any more without it."""
        sets = np.arange(len(at))
        named = self.name.follow(Pairs(sets, at + len(self.keys)))
        own = Pairs(sets, self.manifest_blob[at])
        return self.name.distinct(_joined(self.name.lost(named, self._name_parents), own))

    def _both(self, refs: Pairs, manifests: Pairs) -> Pairs:
        return _joined(refs, Pairs(manifests.sets, manifests.at + len(self.keys)))


def _joined(*parts: Pairs) -> Pairs:
    return Pairs(
        np.concatenate([part.sets for part in parts]), np.concatenate([part.at for part in parts])
    )
