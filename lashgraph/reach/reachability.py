"""Reachability as a value: roots, manifests and blobs, as frames' data and as a DiGraph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lashgraph.reach.mark import Mark
from lashgraph.reach.policy import GcPolicy

if TYPE_CHECKING:
    import networkx as nx


class Reachability:
    """What keeps what alive in a store, under one policy.

    Made by ``store.reachability()``; it holds keys and sizes, no contents, and stays valid after
    the store is closed.
    """

    def __init__(self, mark: Mark, path: str) -> None:
        self._mark = mark
        self.path = path

    @property
    def policy(self) -> GcPolicy:
        """The policy whose roots these are."""
        return self._mark.policy

    @property
    def findings(self) -> tuple[str, ...]:
        """Why a collection would be refused; empty if it would run."""
        return tuple(map(str, self._mark.findings))

    @property
    def live(self) -> frozenset[str]:
        """Hashes of the blobs that are kept and present."""
        return frozenset(row.hash for row in self._mark.kept())

    @property
    def dead(self) -> frozenset[str]:
        """Hashes of the blobs that nothing reaches."""
        return frozenset(row.hash for row in self._mark.doomed())

    @property
    def dangling(self) -> frozenset[str]:
        """Hashes that a root or a manifest names and that are not in the store."""
        return frozenset(self._mark.live) - {row.hash for row in self._mark.present}

    def __repr__(self) -> str:
        mark = self._mark
        return (
            f"<Reachability ({mark.policy.name}): {len(mark.roots)} roots, "
            f"{len(self.live)} blobs kept, {len(self.dead)} dead, {len(self.dangling)} dangling>"
        )

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

        mark = self._mark
        graph: nx.DiGraph[str] = nx.DiGraph()
        sizes = {row.hash: row.stored_bytes for row in mark.present}
        for root in mark.roots:
            graph.add_node(root.ref, layer="root", source_kind=root.source_kind)
        for key in [*sizes, *(key for key in mark.live if key not in sizes)]:
            graph.add_node(
                key,
                layer="manifest" if key in mark.edges else "blob",
                stored_bytes=sizes.get(key, 0),
                present=key in sizes,
                live=key in mark.live,
            )
        for root in mark.roots:
            graph.add_edge(root.ref, root.blob_hash, field=root.field)
        for manifest, children in mark.edges.items():
            for name, child in children:
                graph.add_edge(manifest, child, field=name)
        return graph
