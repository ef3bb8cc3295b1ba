"""What a picture of reachability shows: the things of each layer, and the lines between them."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from lashgraph.plot.scales import bytes_short
from lashgraph.plot.texts import one_line
from lashgraph.reach import Reachability

LAYERS = ("root", "manifest", "blob", "dead")

Place = tuple[str, int]
"""Layer and row of a thing."""


class Item(NamedTuple):
    """One thing, or all of a layer that are not shown by themselves.

    Attributes
    ----------
    text : str
        What stands beside it.
    short : str
        The same where there is little room.
    size : int
        Stored bytes.
    look : str
        Its layer, or ``missing``: named but not there.
    """

    text: str
    short: str
    size: int
    look: str


class Layered:
    """The things of each layer, the largest by themselves and the rest as one.

    Attributes
    ----------
    items : dict of str to list of Item
        By layer, from top to bottom.
    counts, sizes : dict of str to int
        How many there are in each layer, and their stored bytes; what is missing is not counted.
    missing : int
        Blobs that are named and not there.
    edges : dict of (Place, Place) to int
        Namings between two places of the picture.
    """

    def __init__(self, reach: Reachability, top: int) -> None:
        graph = reach.to_networkx()
        self._graph = graph
        self._place: dict[str, Place] = {}
        facts: dict[str, Any] = {key: graph.nodes[key] for key in graph}
        self._sizes = {key: int(one.get("stored_bytes", 0)) for key, one in facts.items()}
        self._there = {key: bool(one.get("present", True)) for key, one in facts.items()}
        self._fields = {target: str(one["field"]) for _, target, one in graph.edges(data=True)}
        self.items: dict[str, list[Item]] = {}
        self.counts: dict[str, int] = {}
        self.sizes: dict[str, int] = {}
        found: dict[str, list[str]] = {layer: [] for layer in LAYERS}
        for key, one in facts.items():
            layer = one["layer"]
            found[layer if layer == "root" or one["live"] else "dead"].append(key)
        for layer in LAYERS:
            self._fill(layer, found[layer], top)
        self.missing = sum(not there for there in self._there.values())
        self.edges: Counter[tuple[Place, Place]] = Counter(
            (self._place[source], self._place[target]) for source, target in graph.edges
        )

    def _fill(self, layer: str, keys: list[str], top: int) -> None:
        weigh = self._kept_bytes if layer == "root" else self._sizes.__getitem__
        ranked = sorted(keys, key=lambda key: (-weigh(key), key))
        own = ranked if len(ranked) <= top + 1 else ranked[:top]
        if layer in ("manifest", "blob"):
            own = sorted(own, key=self._middle)  # fewer lines cross
        self.counts[layer] = sum(map(self._there.__getitem__, keys))
        self.sizes[layer] = sum(map(self._sizes.__getitem__, keys))
        self._place.update((key, (layer, row)) for row, key in enumerate(own))
        self.items[layer] = [self._item(key, layer) for key in own]
        rest = ranked[len(own) :]
        if rest:
            self._place.update(dict.fromkeys(rest, (layer, len(own))))
            size = sum(map(self._sizes.__getitem__, rest))
            told = f"+ {len(rest):,} more" + (f", {bytes_short(size)}" if size else "")
            self.items[layer].append(Item(told, f"+ {len(rest):,}", size, layer))

    def _kept_bytes(self, root: str) -> int:
        """Stored bytes of what a root names and of what that names."""
        named = set(self._graph.successors(root))
        for key in list(named):
            named.update(self._graph.successors(key))
        return sum(map(self._sizes.__getitem__, named))

    def _middle(self, key: str) -> float:
        rows = [self._place[by][1] for by in self._graph.predecessors(key) if by in self._place]
        return sum(rows) / len(rows) if rows else 0.0

    def _item(self, key: str, layer: str) -> Item:
        if layer == "root":
            return Item(one_line(key, 26), one_line(key, 11), 0, layer)
        name = one_line(key, 9)
        field = self._fields.get(key, "").removesuffix("_ref").replace("_", " ")
        if layer == "blob" and field:
            name = f"{one_line(field, 18)} {name}"
        if not self._there[key]:
            return Item(f"{name}, not there", "not there", 0, "missing")
        size = bytes_short(self._sizes[key])
        return Item(f"{name}, {size}", size, self._sizes[key], layer)
