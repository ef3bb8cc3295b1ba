"""The picture of a session tree: time runs to the right, each branch has a lane of its own."""

from __future__ import annotations

import numpy as np
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from lashgraph.format.node import Node
from lashgraph.plot.figure import FAINT, INK, ROLES, Picture, legend, new_axes
from lashgraph.tree import SessionGraph

_SMALL = 400


def session_tree(graph: SessionGraph, title: str | None = None) -> Picture:
    """Draw a session graph.

    Nodes stand at their depth; the active path is the dark line. Where a node has several
    children, the one on the active path goes straight on and the others get lanes of their own. A
    node whose parent is not in the graph starts a line of its own; nodes on a cycle are left out.

    Parameters
    ----------
    graph : SessionGraph
        From ``store.tree()``.
    title : str, optional
        What stands above the picture.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import lashgraph as lg
    >>> with lg.open(":memory:") as store:
    ...     lg.plot.session_tree(store.tree()).axes[0].get_title(loc="left")
    '0 nodes, 0 on the active path'
    """
    active = set(graph.active_path())
    lanes = _lanes(graph, active)
    depths = np.array(graph.depths(), np.int64)
    drawn = np.flatnonzero(depths >= 0)
    title = title or f"{len(graph):,} nodes, {len(active):,} on the active path"
    height = 1.8 + 0.28 * min(int(lanes.max(initial=0)) + 1, 24)
    figure, axes = new_axes(10, height, title)
    parents = graph.parents()
    edges = [at for at in drawn.tolist() if parents[at] >= 0 and depths[parents[at]] >= 0]
    on_path = [graph.nodes[at].node_id in active for at in edges]
    for wanted, colour, width in ((False, FAINT, 1.0), (True, INK, 1.8)):
        lines = [
            _elbow(depths, lanes, parents[at], at)
            for at, is_on in zip(edges, on_path, strict=True)
            if is_on is wanted
        ]
        axes.add_collection(LineCollection(lines, colors=colour, linewidths=width, zorder=1))
    size = 26 if len(drawn) <= _SMALL else 7
    names = np.array([_name(node) for node in graph.nodes])
    for name, colour in ROLES.items():
        chosen = drawn[names[drawn] == name] if len(drawn) else drawn
        if len(chosen):
            axes.scatter(
                depths[chosen], lanes[chosen], s=size, c=colour, label=name, zorder=2, linewidths=0
            )
    axes.set_xlabel("depth (nodes from the root)")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.invert_yaxis()
    axes.margins(0.02, 0.15)
    if len(drawn):
        legend(axes, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _name(node: Node) -> str:
    if node.message is not None:
        return node.message.role
    return "protocol" if node.kind == "event" else "plugin"


def _elbow(
    depths: NDArray[np.int64], lanes: NDArray[np.int64], parent: int, child: int
) -> list[tuple[float, float]]:
    """From parent to child: along the parent's lane, then over to the child's."""
    x0, y0 = float(depths[parent]), float(lanes[parent])
    x1, y1 = float(depths[child]), float(lanes[child])
    return [(x0, y0), (x1, y1)] if y0 == y1 else [(x0, y0), (x0 + 0.35, y1), (x1, y1)]


def _lanes(graph: SessionGraph, active: set[str]) -> NDArray[np.int64]:
    """A lane for each node: every leaf has its own, a node shares that of its chosen child."""
    parents = graph.parents()
    children: list[list[int]] = [[] for _ in graph.nodes]
    roots: list[int] = []
    for at, parent in enumerate(parents):
        (children[parent] if parent >= 0 else roots).append(at)

    def active_first(positions: list[int]) -> list[int]:
        return sorted(positions, key=lambda at: graph.nodes[at].node_id not in active)

    lanes = np.zeros(len(graph), np.int64)
    used = 0
    waiting = list(reversed(active_first(roots)))
    while waiting:
        straight_on = [waiting.pop()]
        while straight_on:
            node = straight_on.pop()
            lanes[node] = used
            ordered = active_first(children[node])
            straight_on = ordered[:1]
            waiting += reversed(ordered[1:])
        used += 1
    return lanes
