"""What the view of reachability shows: compact arrays for the picture, and the answers to why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from lashgraph.errors import UnknownBlobError
from lashgraph.format.html import visible
from lashgraph.format.sizes import bytes_text, counted
from lashgraph.reach import Reachability, Why

STATES = ("live", "dangling", "dead", "gone")
NOT_THERE = "not there"
"""Stands for the kind of a blob that is named and is not in the store."""

_MANIFEST = "CheckpointManifest"
_HEX = frozenset("0123456789abcdef")
_DIGITS = 64
_CHAINS = 60
_STATES = {
    "live": "alive",
    "dangling": "needed, but not in the store",
    "dead": "dead",
    "gone": "not in the store",
}

NOTHING: dict[str, Any] = {
    **dict.fromkeys(("hashes", "sizes", "states", "kinds", "manifests", "namings"), b""),
    "odd": {},
    "roots": [],
    "kind_names": [],
}
"""The picture of nothing."""


class Answers:
    """A reachability as arrays and answers. It outlives its store.

    Parameters
    ----------
    reach : Reachability
        What keeps what alive.
    lives : DataFrame
        From ``store.blobs()``: hash, first_turn_id, last_turn_id, garbage_turn_id.
    """

    def __init__(self, reach: Reachability, lives: pd.DataFrame) -> None:
        self.reach = reach
        self.blobs = reach.blobs()
        self._lives = lives.set_index("hash")
        self._roots = reach.roots()
        held = reach.retained()
        rows = held.to_dict("records")
        self._held: dict[Any, Any] = {(row["layer"], row["ref"]): row for row in rows}
        self.roots = held.loc[held["layer"] == "root", "ref"].tolist()
        self.hashes: list[str] = self.blobs["hash"].tolist()
        self._at = {key: at for at, key in enumerate(self.hashes)}
        self._shown = {visible(key): key for key in [*self.hashes, *self.roots]}

    # The picture

    @cached_property
    def kinds(self) -> list[str]:
        """Kinds of blobs that occur, by name; what is not there comes last."""
        found = self.blobs["kind"]
        return [*sorted(found.dropna().unique()), *([NOT_THERE] if found.isna().any() else [])]

    def picture(self) -> dict[str, Any]:
        """What a browser draws: numbers as arrays, hashes as their 32 bytes.

        Returns
        -------
        dict
            Of blobs, in the order of ``blobs``: ``hashes``, ``sizes`` (float64), ``states``,
            ``kinds``, ``manifests`` (uint8). ``odd`` names the blobs whose key is no SHA-256.
            ``namings`` are pairs of int32: a root's place, or a blob's after those of the roots,
            and the place of the blob that it names.
        """
        codes = pd.Categorical(self.blobs["kind"].fillna(NOT_THERE), categories=self.kinds).codes
        odd = {str(at): visible(key) for at, key in enumerate(self.hashes) if not _is_hash(key)}
        packed = "".join(key if _is_hash(key) else "0" * _DIGITS for key in self.hashes)
        return {
            "hashes": bytes.fromhex(packed),
            "odd": odd,
            "sizes": self.blobs["stored_bytes"].to_numpy("<f8").tobytes(),
            "states": self.blobs["state"].cat.codes.to_numpy(np.uint8).tobytes(),
            "kinds": np.asarray(codes, np.uint8).tobytes(),
            "manifests": self._manifests.astype(np.uint8).tobytes(),
            "namings": self._namings.astype("<i4").tobytes(),
            "roots": [
                {"key": visible(key), "bytes": int(self._held["root", key]["reached_bytes"])}
                for key in self.roots
            ],
            "kind_names": self.kinds,
        }

    @cached_property
    def _graph(self) -> Any:
        return self.reach.to_networkx()

    @cached_property
    def _manifests(self) -> Any:
        """Of each blob, whether it is a manifest, by its kind or because it is followed."""
        layers = self._graph.nodes
        followed = [
            layers[key].get("layer") == "manifest" if key in layers else False
            for key in self.hashes
        ]
        return np.array(followed, np.bool_) | (self.blobs["kind"] == _MANIFEST).to_numpy(np.bool_)

    @cached_property
    def _namings(self) -> Any:
        """Who names whom among roots and what is kept."""
        root_at = {key: at for at, key in enumerate(self.roots)}
        pairs = [
            (root_at[ref], self._at[key])
            for ref, key in zip(self._roots["ref"], self._roots["blob_hash"], strict=True)
        ]
        pairs += [
            (len(root_at) + self._at[source], self._at[target])
            for source, target in self._graph.edges
            if source in self._at and target in self._at
        ]
        return np.array(sorted(set(pairs)), np.int32).reshape(-1, 2)

    # Filtering, as the browser does

    def matching(
        self,
        kinds: Sequence[str] = (),
        min_bytes: int | None = None,
        max_bytes: int | None = None,
        state: str = "",
    ) -> pd.DataFrame:
        """The rows of ``blobs`` that pass a filter."""
        found = self.blobs
        keep = np.ones(len(found), np.bool_)
        if kinds:
            keep &= found["kind"].fillna(NOT_THERE).isin(list(kinds)).to_numpy(np.bool_)
        if min_bytes is not None:
            keep &= found["stored_bytes"].to_numpy() >= min_bytes
        if max_bytes is not None:
            keep &= found["stored_bytes"].to_numpy() <= max_bytes
        if state:
            keep &= (found["state"] == state).to_numpy(np.bool_)
        return found[keep].reset_index(drop=True)

    # Answers

    def knows(self, text: str) -> bool:
        """Whether this is the key of a root or a whole hash, as it is shown."""
        return text in self._shown

    def resolve(self, text: str) -> str:
        """The key of a root, or the hash that begins so, as it is shown.

        Raises
        ------
        UnknownBlobError, AmbiguousHashError
            None begins so, or several.
        """
        if text in self._shown:
            return text
        return visible(self.reach.why(text).blob_hash)

    def told(self, shown: str) -> dict[str, Any]:
        """What is known of a root or a blob, by the key as it is shown.

        Returns
        -------
        dict
            ``key``, ``title``, ``state``, ``verdict``, ``lines`` and ``more`` (the chains),
            ``facts``, pairs of a name and a value.

        Raises
        ------
        UnknownBlobError
            There is neither.
        """
        key = self._shown.get(shown)
        if key is None:
            raise UnknownBlobError(
                f"{self.reach.path}: nothing is called {shown!r} here",
                path=self.reach.path,
                blob=shown,
            )
        return self._root(key) if key not in self._at else self._blob(key)

    def _root(self, key: str) -> dict[str, Any]:
        row = self._held["root", key]
        named = self._roots.loc[self._roots["ref"] == key]
        lines = [
            f"{visible(key)} -> {visible(field)} -> {visible(blob)}"
            for field, blob in zip(named["field"], named["blob_hash"], strict=True)
        ]
        return {
            "key": visible(key),
            "title": "root",
            "state": "root",
            "verdict": f"a root: what it names is kept; without it {_freed(row)}",
            "lines": lines[:_CHAINS],
            "more": [],
            "facts": [
                ["reaches", f"{counted(row['n_blobs'], 'blob')}, {_exact(row['reached_bytes'])}"],
                ["retains alone", _exact(row["retained_bytes"])],
                ["shares with other roots", _exact(row["shared_bytes"])],
            ],
        }

    def _blob(self, key: str) -> dict[str, Any]:
        row = self.blobs.iloc[self._at[key]]
        why = self.reach.why(key)
        lines = why.lines()
        return {
            "key": visible(key),
            "title": why.kind or NOT_THERE,
            "state": why.state,
            "verdict": self._verdict(why, int(row["n_roots"])),
            "lines": lines[:_CHAINS],
            "more": self._more(why, lines),
            "facts": [
                ["stored", NOT_THERE if why.stored_bytes is None else _exact(why.stored_bytes)],
                ["retained", self._retained(key, why)],
                *self._only_root(row["only_root"]),
                *self._turns(key),
            ],
        }

    def _verdict(self, why: Why, n_roots: int) -> str:
        what = _STATES[why.state]
        if why.is_kept:
            return f"{what}: {counted(n_roots, 'root')} lead{'s' if n_roots == 1 else ''} to it"
        return f"{what}: nothing keeps it"

    def _more(self, why: Why, lines: list[str]) -> list[str]:
        """The chains beside the shortest."""
        if why.n_chains <= len(why.chains):
            return []
        every = [one for one in self.reach.why(why.blob_hash, all=True).lines() if one not in lines]
        cut = [f"… and {len(every) - _CHAINS:,} more"] if len(every) > _CHAINS else []
        return [*every[:_CHAINS], *cut]

    def _retained(self, key: str, why: Why) -> str:
        """What would be freed if it were not there."""
        held = self._held.get(("manifest", f"manifest:{key}"))
        if why.state != "live":
            return "nothing: it is not alive" if why.state == "dead" else "nothing"
        if held is None:
            return f"{_exact(why.stored_bytes or 0)}: itself"
        blobs = counted(int(held["n_retained"]), "blob")
        return f"{_exact(held['retained_bytes'])}: {blobs}, itself among them"

    def _only_root(self, root: object) -> list[list[str]]:
        return [["kept alone by", visible(root)]] if isinstance(root, str) else []

    def _turns(self, key: str) -> list[list[str]]:
        """The turns whose records name it."""
        if key not in self._lives.index:
            return []
        row = self._lives.loc[key]
        names = {
            "first named by": row["first_turn_id"],
            "last named by": row["last_turn_id"],
            "no longer by": row["garbage_turn_id"],
        }
        found = [[name, visible(turn)] for name, turn in names.items() if isinstance(turn, str)]
        return found or [["turns", "no recorded turn names it"]]


def _is_hash(key: str) -> bool:
    return len(key) == _DIGITS and _HEX.issuperset(key)


def _exact(count: float) -> str:
    """Bytes, short and to the last one."""
    whole = int(count)
    short = bytes_text(whole)
    return short if whole < 1_000 else f"{short} ({whole:,} bytes)"


def _freed(held: Mapping[str, Any]) -> str:
    if not held["n_retained"]:
        return "nothing would be freed"
    freed = counted(held["n_retained"], "blob"), bytes_text(held["retained_bytes"])
    return f"{', '.join(freed)} would be freed"
