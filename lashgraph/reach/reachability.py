"""Reachability as a value: what keeps what alive, and what would be freed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lashgraph.format.html import element
from lashgraph.format.sizes import bytes_text
from lashgraph.reach.asking import Asking
from lashgraph.reach.facts import Facts
from lashgraph.reach.freed import Refs, freed_frame
from lashgraph.reach.layers import Layers
from lashgraph.reach.policy import GcPolicy
from lashgraph.reach.retained import reached_frame, retained_frame, roots_frame
from lashgraph.reach.why import Why

if TYPE_CHECKING:
    import networkx as nx

_NEXT = {
    ".retained()": "what each root holds",
    ".why(hash)": "what keeps a blob",
    ".freed_by([ref])": "what dropping refs frees",
}


class Reachability:
    """What keeps what alive in a store, under one policy.

    Made by ``store.reachability()``; it holds keys, kinds and sizes, no contents, stays valid after
    the store is closed, and can be pickled.

    Examples
    --------
    >>> import lashgraph as lg
    >>> with lg.open(":memory:") as store:
    ...     name = "lashlang:v1:sha256:abc"
    ...     key = store.put_module_artifact(name, b"{}")
    ...     reach = store.reachability()
    >>> reach.retained()[["ref", "retained_bytes"]].values.tolist() == [
    ...     [f"artifact:{name}", reach.live_bytes]]
    True
    >>> int(reach.freed_by([f"artifact:{name}"])["n_freed"].sum())
    1
    """

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._facts,)

    @property
    def path(self) -> str:
        """The store it was made of."""
        return self._facts.path

    @property
    def policy(self) -> GcPolicy:
        """The policy whose roots these are."""
        return self._facts.policy

    @property
    def findings(self) -> tuple[str, ...]:
        """Why a collection would be refused; empty if it would run."""
        return self._facts.findings

    @property
    def live(self) -> frozenset[str]:
        """Hashes of the blobs that are kept and present."""
        return self._facts.live.intersection(self._facts.hashes)

    @property
    def dead(self) -> frozenset[str]:
        """Hashes of the blobs that nothing reaches."""
        return frozenset(self._facts.hashes) - self._facts.live

    @property
    def dangling(self) -> frozenset[str]:
        """Hashes that a root or a manifest names and that are not in the store."""
        return self._facts.live.difference(self._facts.hashes)

    @property
    def live_bytes(self) -> int:
        """Stored bytes of the blobs that are kept."""
        return int(self._facts.sizes[self._is_live].sum())

    @property
    def dead_bytes(self) -> int:
        """Stored bytes of the blobs that nothing reaches."""
        return int(self._facts.sizes[~self._is_live].sum())

    @cached_property
    def _is_live(self) -> Any:
        """Of each blob, whether it is kept."""
        live = self._facts.live
        return np.array([key in live for key in self._facts.hashes], np.bool_)

    @cached_property
    def _layers(self) -> Layers:
        """The graph as integer arrays, made when it is first asked for."""
        return Layers(self._facts)

    @cached_property
    def _asking(self) -> Asking:
        return Asking(self._facts, self._layers)

    def _counts(self) -> dict[str, str]:
        kept, there = int(self._is_live.sum()), len(self._facts.hashes)
        return {
            "roots": f"{len(self._facts.roots.refs):,}",
            "kept": f"{kept:,} blobs, {bytes_text(self.live_bytes)}",
            "dead": f"{there - kept:,} blobs, {bytes_text(self.dead_bytes)}",
            "dangling": f"{len(self._facts.live) - kept:,}",
        }

    def __repr__(self) -> str:
        told = "; ".join(f"{name}: {value}" for name, value in self._counts().items())
        refused = "; a collection would be refused: see .findings" if self.findings else ""
        return (
            f"<Reachability ({self.policy.name} policy) {told}{refused}; next: {', '.join(_NEXT)}>"
        )

    def _repr_html_(self) -> str:
        counts = self._counts()
        if self.findings:
            counts["a collection would be refused"] = "; ".join(self.findings[:3])
        rows = (element("tr", element("th", key), element("td", counts[key])) for key in counts)
        calls: list[object] = ["next: "]
        for number, (call, what) in enumerate(_NEXT.items()):
            calls += [" · " if number else "", element("code", call), f" {what}"]
        title = element("b", "Reachability "), element("code", self.path)
        return element(
            "div",
            element("div", *title, f" ({self.policy.name} policy)"),
            element("table", *rows),
            element("div", *calls),
        )

    def why(self, blob: str, *, all: bool = False) -> Why:  # noqa: A002 - networkx and git say so
        """Why a blob is kept: the chains that lead to it from the roots.

        Of a blob that no root reaches: which turn's checkpoint named it last, what superseded that,
        and what else names it.

        Parameters
        ----------
        blob : str
            Its hash, or as many of the first digits as tell it apart.
        all : bool
            Every chain, which together are the subgraph of the roots that reach it, instead of the
            shortest. Of a dead blob: every ref that names it, instead of the last turn.

        Returns
        -------
        Why
            ``print`` shows lines such as ``head -> checkpoint 9b97… -> tool_state_ref -> 6c2c…``.

        Raises
        ------
        UnknownBlobError
            There is no such blob, and nothing names it.
        AmbiguousHashError
            Several hashes begin so; ``candidates`` lists them.

        Examples
        --------
        >>> import lashgraph as lg
        >>> with lg.open(":memory:") as store:
        ...     key = store.put_module_artifact("lashlang:v1:sha256:abc", b"{}")
        ...     print(store.reachability().why(key[:6]))
        artifact:lashlang:v1:sha256:abc -> blob_ref -> 4413…
        """
        return self._asking.why(blob, every=all)

    def retained(self) -> pd.DataFrame:
        """What each root holds, and each live manifest: reached, alone, shared with others.

        ``retained_bytes`` are freed if only that root goes. What several roots reach is nobody's
        alone: ``retained_bytes`` of all roots, and the bytes that several reach counted once, are
        the live total; so are ``counted_bytes`` of all roots.

        Returns
        -------
        DataFrame
            ``lashgraph.schema("retained")`` tells the columns.

        References
        ----------
        What is freed with a vertex is what it dominates: T. Lengauer and R. E. Tarjan, *A fast
        algorithm for finding dominators in a flowgraph*, ACM TOPLAS 1 (1979) 121-141,
        https://doi.org/10.1145/357062.357071. No way from a root is longer than two steps here, so
        that counting what names each blob gives the same.
        """
        return retained_frame(self._facts, self._layers)

    def freed_by(self, refs: Refs = (), *, adding: Refs = ()) -> pd.DataFrame:
        """What would be freed if roots were dropped, or kept if refs were added, all at once.

        Parameters
        ----------
        refs : list of str, or list of such lists
            Keys of roots to drop, as in the column ``ref`` of ``roots()`` and ``store.refs()``: one
            set of them, or several. An empty list is no set; ``[[]]`` is one that drops nothing.
        adding : list of str, or list of such lists
            Keys of refs to take for roots, such as turns that are not kept. One set goes with all
            of the others; several go with none, with one, or with as many.

        Returns
        -------
        DataFrame
            A row for each set, also if there is one; ``lashgraph.schema("freed")`` tells the
            columns.

        Raises
        ------
        UnknownRefError
            No ref has this key, or one to drop is no root under the policy.
        DamagedStoreError
            What one to add would keep cannot be known: its manifest or record cannot be read.
        InvalidRecordError
            The sets do not fit together, or a ref is both dropped and added.

        Examples
        --------
        >>> import lashgraph as lg
        >>> with lg.open(":memory:") as store:
        ...     for name in "ab":
        ...         _ = store.put_module_artifact(f"lashlang:v1:sha256:{name}", b"{}")
        ...     reach = store.reachability()
        >>> keys = reach.roots()["ref"].tolist()
        >>> reach.freed_by([[keys[0]], [keys[1]], keys])["n_freed"].tolist()
        [0, 0, 1]
        """
        return freed_frame(self._facts, self._layers, refs, adding)

    def roots(self) -> pd.DataFrame:
        """Every naming that is a root under the policy.

        Returns
        -------
        DataFrame
            ``lashgraph.schema("roots")`` tells the columns.
        """
        return roots_frame(self._facts)

    def blobs(self) -> pd.DataFrame:
        """Every blob, and every hash that something names, with what keeps it.

        Returns
        -------
        DataFrame
            ``lashgraph.schema("reached")`` tells the columns.
        """
        return reached_frame(self._facts, self._layers)

    def to_networkx(self) -> nx.DiGraph[str]:
        """Roots, manifests and blobs as a DiGraph.

        Nodes are ref keys (``layer="root"``) and hashes (``layer="manifest"`` or ``"blob"``), with
        ``stored_bytes``, ``present`` and ``live``. Edges carry the ``field`` that names the target:
        root to blob, manifest to blob. Dead blobs stand alone.

        Returns
        -------
        networkx.DiGraph
        """
        import networkx as nx

        facts = self._facts
        roots, manifests = facts.roots.refs, facts.roots.manifests
        graph: nx.DiGraph[str] = nx.DiGraph()
        sizes = dict(zip(facts.hashes, facts.sizes.tolist(), strict=True))
        for root in roots:
            graph.add_node(root.ref, layer="root", source_kind=root.source_kind)
        for key in [*sizes, *sorted(facts.live.difference(sizes))]:
            graph.add_node(
                key,
                layer="manifest" if key in manifests else "blob",
                stored_bytes=sizes.get(key, 0),
                present=key in sizes,
                live=key in facts.live,
            )
        for root in roots:
            graph.add_edge(root.ref, root.blob_hash, field=root.field)
        for manifest, children in manifests.items():
            for name, child in children:
                graph.add_edge(manifest, child, field=name)
        return graph
