"""Chains from refs to a blob, found backwards from what names it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from lashgraph.reach.facts import Facts, Named
from lashgraph.reach.refs import Ref, SourceKind


class Step(NamedTuple):
    """One naming: the field that holds the name, and the blob that is named."""

    field: str
    blob_hash: str


class Chain(NamedTuple):
    """A way from a ref to a blob.

    Attributes
    ----------
    ref : str
        Key of the ref where it begins.
    source_kind : str
        What that is.
    is_root : bool
        Whether it is a root under the policy.
    steps : tuple of Step
        From the ref to the blob; those before the last lead through manifests.
    """

    ref: str
    source_kind: SourceKind
    is_root: bool
    steps: tuple[Step, ...]


class Namings:
    """What names each blob: refs themselves, and manifests that are followed from refs."""

    def __init__(self, facts: Facts) -> None:
        self._roots = _Index(facts.roots)
        self._others = _Index(facts.others)

    def from_roots(self, key: str) -> list[Chain]:
        """All chains from roots, in the order of marking."""
        return list(dict.fromkeys(self._roots.chains(key, is_root=True)))

    def from_others(self, key: str) -> list[Chain]:
        """All chains from refs that are no roots."""
        return list(dict.fromkeys(self._others.chains(key, is_root=False)))


class _Index:
    """Refs and manifests by what they name."""

    def __init__(self, named: Named) -> None:
        self._refs: defaultdict[str, list[Ref]] = defaultdict(list)
        for ref in named.refs:
            self._refs[ref.blob_hash].append(ref)
        self._manifests: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for manifest, children in named.manifests.items():
            for field, child in children:
                self._manifests[child].append((manifest, field))
        self._follows = named.follows

    def chains(self, key: str, *, is_root: bool) -> Iterator[Chain]:
        """Those of one step, then those of two."""
        for ref in self._refs.get(key, ()):
            yield Chain(ref.ref, ref.source_kind, is_root, (Step(ref.field, key),))
        for manifest, field in self._manifests.get(key, ()):
            for ref in self._refs.get(manifest, ()):
                if (ref.ref, manifest) in self._follows and manifest != key:
                    steps = Step(ref.field, manifest), Step(field, key)
                    yield Chain(ref.ref, ref.source_kind, is_root, steps)
