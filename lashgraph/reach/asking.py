"""Asking why: from a hash, or the beginning of one, to the answer."""

from __future__ import annotations

from lashgraph.reach.chains import Chain, Namings
from lashgraph.reach.facts import Facts
from lashgraph.reach.hashes import Hashes
from lashgraph.reach.layers import Layers
from lashgraph.reach.why import State, Superseding, Why, one_line


class Asking:
    """What answering needs, made once for all questions to a reachability."""

    def __init__(self, facts: Facts, layers: Layers) -> None:
        self._facts = facts
        self._layers = layers
        self._namings = Namings(facts)
        self._hashes = Hashes(facts.hashes, layers.hashes, facts.path)
        self._turns = {key: at for at, key in enumerate(facts.turns)}
        self._fields: dict[str, dict[str, str]] = {}
        for named in (facts.others, facts.roots):
            for ref in named.refs:
                self._fields.setdefault(ref.ref, {})[ref.field] = ref.blob_hash

    def why(self, prefix: str, *, every: bool) -> Why:
        """The answer for the one blob whose hash begins so."""
        facts, layers = self._facts, self._layers
        key = self._hashes.resolve(prefix)
        at = layers.hash_at[key]
        present = bool(layers.present[at])
        chains = self._namings.from_roots(key)
        if chains:
            state: State = "live" if present else "dangling"
            superseding, shown = None, chains if every else _shortest(chains)
        else:
            state = "dead" if present else "gone"
            chains = self._unkept(key)
            superseding = self._superseding(chains)
            shown = chains if every else self._telling(chains, superseding)
        passed = {step.blob_hash for chain in shown for step in chain.steps} | {key}
        if superseding is not None:
            passed |= {step.blob_hash for step in superseding.last.steps}
            passed |= {superseding.checkpoint, superseding.blob_hash} - {""}
        return Why(
            blob_hash=key,
            kind=facts.kinds[at] if present else None,
            stored_bytes=int(layers.sizes[at]) if present else None,
            state=state,
            chains=tuple(shown),
            n_chains=len(chains),
            superseding=superseding,
            policy=facts.policy.name,
            _sizes={hash_: self._size(hash_) for hash_ in passed if self._is_there(hash_)},
            _short={hash_: one_line(self._hashes.short(hash_)) for hash_ in passed},
            _made_of=facts.made_of,
        )

    def _is_there(self, key: str) -> bool:
        return bool(self._layers.present[self._layers.hash_at[key]])

    def _size(self, key: str) -> int:
        return int(self._layers.sizes[self._layers.hash_at[key]])

    def _unkept(self, key: str) -> list[Chain]:
        """Chains from refs that are no roots.

        A manifest by itself counts only if no other ref leads through it.
        """
        found = self._namings.from_others(key)
        passed = {chain.steps[0].blob_hash for chain in found if chain.source_kind != "manifest"}
        return [
            chain
            for chain in found
            if chain.source_kind != "manifest" or chain.steps[0].blob_hash not in passed | {key}
        ]

    def _telling(self, chains: list[Chain], superseding: Superseding | None) -> list[Chain]:
        """Of turns and their manifests the last alone, and the shortest chains from other refs."""
        if superseding is None:
            return _shortest(chains)
        others = [chain for chain in chains if chain.source_kind not in ("turn_commit", "manifest")]
        return [superseding.last, *_shortest(others)]

    def _superseding(self, chains: list[Chain]) -> Superseding | None:
        """The latest turn that named a blob, and the one after it, or the head."""
        turns = [chain for chain in chains if chain.ref in self._turns]
        if not turns:
            return None
        latest = max(self._turns[chain.ref] for chain in turns)
        last = max(
            (chain for chain in turns if self._turns[chain.ref] == latest),
            key=lambda chain: len(chain.steps),
        )
        after = self._facts.turns[latest + 1 : latest + 2]
        ref = after[0] if after else "head" if "head" in self._fields else ""
        checkpoint = self._fields.get(ref, {}).get("checkpoint_ref", "")
        field = last.steps[-1].field
        return Superseding(last, ref, checkpoint, self._child(ref, checkpoint, field))

    def _child(self, ref: str, checkpoint: str, field: str) -> str:
        """What stands in a field of a turn's record, or of a checkpoint."""
        if field == "checkpoint_ref":
            return checkpoint
        recorded = self._fields.get(ref, {})
        if field in recorded:
            return recorded[field]
        manifests = self._facts.roots.manifests
        return dict(manifests.get(checkpoint, ())).get(field, "")


def _shortest(chains: list[Chain]) -> list[Chain]:
    least = min([len(chain.steps) for chain in chains], default=0)
    return [chain for chain in chains if len(chain.steps) == least]
