"""Why a blob is kept, or why it is not: the answer as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from lashgraph.format.html import element, visible
from lashgraph.format.sizes import bytes_text, counted
from lashgraph.reach.chains import Chain, Step
from lashgraph.reach.columns import WHY, reach_frame
from lashgraph.reach.head_text import WHOLE_TEXT

if TYPE_CHECKING:
    import networkx as nx

State = Literal["live", "dangling", "dead", "gone"]

_SHOWN = 12


@dataclass(frozen=True)
class Superseding:
    """What took the place of a dead blob.

    Attributes
    ----------
    last : Chain
        From the latest turn that named it.
    ref : str
        Key of the next turn, or ``head`` if there is none; empty if there is no head either.
    checkpoint : str
        Hash of that one's checkpoint; empty if it has none.
    blob_hash : str
        What stands there in the same field; empty if nothing does.
    """

    last: Chain
    ref: str
    checkpoint: str
    blob_hash: str


@dataclass(frozen=True, eq=False)
class Why:
    """Why a blob is kept or not, under one policy. Made by ``reachability().why(hash)``.

    Attributes
    ----------
    blob_hash : str
        The whole hash.
    kind : str or None
        Kind in the envelope; None where the blob is not in the store.
    stored_bytes : int or None
        Bytes as stored.
    state : {"live", "dangling", "dead", "gone"}
        Whether a root reaches it, and whether it is there: dangling is reached and not there, gone
        is named only by what is no root, and not there.
    chains : tuple of Chain
        From the roots that reach it. Of a blob that none reaches: from what names it all the same.
    n_chains : int
        How many there are; more than `chains` holds if only the shortest were asked for.
    superseding : Superseding or None
        Of a blob that no root reaches and a turn named: which turn last did, and what came then.
    policy : str
        Name of the policy.

    Examples
    --------
    >>> import lashgraph as lg
    >>> with lg.open(":memory:") as store:
    ...     key = store.put_blob(b"nobody names this")
    ...     print(store.reachability().why(key))
    3b8a… is dead: no root of the safe policy reaches it
    nothing in the store names it
    """

    blob_hash: str
    kind: str | None
    stored_bytes: int | None
    state: State
    chains: tuple[Chain, ...]
    n_chains: int
    superseding: Superseding | None
    policy: str
    _sizes: Mapping[str, int]
    _short: Mapping[str, str]
    _made_of: Mapping[str, str]

    @property
    def is_kept(self) -> bool:
        """Whether a root reaches it."""
        return self.state in ("live", "dangling")

    def lines(self) -> list[str]:
        """The answer line by line: a chain each, and of a dead blob what superseded it.

        Returns
        -------
        list of str
            Such as ``head -> checkpoint 9b97… -> tool_state_ref -> 6c2c…``; hashes are cut to as
            many digits as tell them apart.
        """
        name = self._short[self.blob_hash]
        if self.state == "live":
            return [self._line(chain) for chain in self.chains]
        if self.state == "dangling":
            first = f"{name} is not in the store, though roots reach it"
            return [first, *(self._line(chain) for chain in self.chains)]
        what = "dead" if self.state == "dead" else "not in the store"
        found = [f"{name} is {what}: no root of the {self.policy} policy reaches it"]
        last = self.superseding
        if last is not None:
            found.append(f"last named by {self._line(last.last)}")
            found.append(self._successor(last))
        others = [chain for chain in self.chains if last is None or chain != last.last]
        found += [f"named by {self._line(chain)}, which is no root" for chain in others]
        return found if len(found) > 1 else [*found, "nothing in the store names it"]

    def _successor(self, found: Superseding) -> str:
        if not found.ref:
            return "no later turn superseded it, and there is no head"
        if not found.checkpoint:
            return f"superseded by {one_line(found.ref)}, which has no checkpoint"
        start = f"superseded by {one_line(found.ref)} -> checkpoint {self._short[found.checkpoint]}"
        field = found.last.steps[-1].field
        if field == "checkpoint_ref":
            return start
        name = self._short[found.blob_hash] if found.blob_hash else "nothing"
        return f"{start} -> {field} -> {name}"

    def _line(self, chain: Chain) -> str:
        passed = [f"checkpoint {self._short[step.blob_hash]}" for step in chain.steps[:-1]]
        start = [] if chain.source_kind == "manifest" and passed else [one_line(chain.ref)]
        end = chain.steps[-1]
        field = [end.field]
        if chain.source_kind == "head_text":
            start, field = [_in_head_text(chain)], field if passed else []
        return " -> ".join([*start, *passed, *field, self._short[end.blob_hash]])

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def __repr__(self) -> str:
        more = f", {counted(self.n_chains, 'chain')}" if self.n_chains else ""
        return (
            f"<Why {self._short[self.blob_hash]} is {self.state} ({self.policy} policy){more}; "
            "print(why) tells, .frame() and .to_networkx() give data>"
        )

    def _repr_html_(self) -> str:
        size = "" if self.stored_bytes is None else f", {bytes_text(self.stored_bytes)}"
        title = f" {self.kind or 'not in the store'}{size}: {self.state} ({self.policy} policy)"
        lines = self.lines()
        if len(lines) > _SHOWN:
            lines = [*lines[:_SHOWN], f"… {len(lines):,} lines"]
        return element(
            "div",
            element("div", element("code", self.blob_hash), title),
            element("ul", *(element("li", line) for line in lines)),
        )

    def frame(self) -> pd.DataFrame:
        """The chains as a frame, a row for each step.

        Returns
        -------
        DataFrame
            ``lashgraph.schema("why")`` tells the columns.
        """
        rows = [
            (number, place, chain.ref, chain.is_root, source, *step)
            for number, chain in enumerate(self.chains)
            for place, (source, step) in enumerate(_steps(chain))
        ]
        names = ("chain", "step", "ref", "is_root", "source", "field", "blob_hash")
        data: dict[str, Any] = {name: [row[at] for row in rows] for at, name in enumerate(names)}
        data["state"] = [self.state] * len(rows)
        data["stored_bytes"] = [self._sizes.get(row[-1]) for row in rows]
        return reach_frame(WHY, data, rows=len(rows), made_of=self._made_of)

    def to_networkx(self) -> nx.DiGraph[str]:
        """The chains as a DiGraph from refs over manifests to the blob.

        Nodes are ref keys (``layer="root"``, or ``"ref"`` if it is none) and hashes
        (``layer="manifest"`` or ``"blob"``) with ``stored_bytes`` and ``present``; edges carry the
        ``field``, several parted by a comma.

        Returns
        -------
        networkx.DiGraph
        """
        import networkx as nx

        graph: nx.DiGraph[str] = nx.DiGraph()
        self._add_blob(graph, self.blob_hash, "blob")
        for chain in self.chains:
            layer = "root" if chain.is_root else "ref"
            graph.add_node(chain.ref, layer=layer, source_kind=chain.source_kind)
            for source, step in _steps(chain):
                if step.blob_hash != self.blob_hash:
                    self._add_blob(graph, step.blob_hash, "manifest")
                known = graph.get_edge_data(source, step.blob_hash, {}).get("field", "")
                fields = dict.fromkeys([*known.split(", "), step.field] if known else [step.field])
                graph.add_edge(source, step.blob_hash, field=", ".join(fields))
        return graph

    def _add_blob(self, graph: nx.DiGraph[str], key: str, layer: str) -> None:
        size = self._sizes.get(key)
        graph.add_node(key, layer=layer, stored_bytes=size or 0, present=size is not None)


def _steps(chain: Chain) -> list[tuple[str, Step]]:
    """Each step with what names it."""
    sources = [chain.ref, *(step.blob_hash for step in chain.steps)]
    return list(zip(sources, chain.steps, strict=False))


def _in_head_text(chain: Chain) -> str:
    """Which head's text holds a hash, and where, if that can be told."""
    session = chain.ref.removeprefix("head_text").rpartition(":")[0]
    whose = f"the text of head{one_line(session)}" if session else "the head's text"
    place = chain.steps[0].field
    return whose if place == WHOLE_TEXT else f"{whose} at {one_line(place)}"


def one_line(text: str) -> str:
    """A key, or a part of one, on one line and without what a terminal would obey."""
    return visible(text).replace("\n", "\u240a").replace("\t", "\u2409")
