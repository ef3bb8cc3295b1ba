"""The picture of a session tree: depth runs to the right, each branch has a lane of its own."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import offset_copy
from numpy.typing import NDArray

from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import shown
from lashgraph.format.sizes import counted
from lashgraph.plot.colours import AUTHORS, PALE, VERMILION
from lashgraph.plot.figure import (
    axes_for,
    entitle,
    figure_of,
    ink,
    label,
    legend,
    no_y_axis,
    nothing,
)
from lashgraph.plot.given import as_kind
from lashgraph.plot.lanes import Lanes, lay_lanes
from lashgraph.plot.texts import one_line
from lashgraph.tree import SessionGraph
from lashgraph.tree.entries import author_of

Detail = Literal["auto", "nodes", "branches"]

_MOST_LANES = 40
_MOST_NODES = 600
_DEEPEST = 320
_WIDTH = 10.0


def session_tree(
    graph: SessionGraph,
    ax: Axes | None = None,
    *,
    title: str | None = None,
    detail: Detail = "auto",
) -> Axes:
    """Draw a session graph.

    Nodes stand at their depth; the active path is the dark line on top, its end a ring. Where a
    node has several children, the one on the active path goes straight on, else the one with the
    most nodes below it, and the others get lanes of their own. A node whose parent is not in the
    graph starts a line of its own; nodes on a cycle, or that lead into one, are left out.

    Parameters
    ----------
    graph : SessionGraph
        From ``store.tree()``.
    ax : Axes, optional
        Where to draw; new Axes if not given.
    title : str, optional
        What stands above the picture.
    detail : {"auto", "nodes", "branches"}
        Whether each node is a mark that tells who made it, or each branch a line that tells how
        many nodes it has. By itself a large graph is drawn by its branches. Of more than 40
        branches the shortest are folded: a triangle where they leave, its area by their nodes.

    Returns
    -------
    matplotlib.axes.Axes
        A notebook shows new ones as a picture; ``.figure.savefig(...)`` writes it.

    Raises
    ------
    InvalidRecordError
        This is no SessionGraph, no Axes, or no such detail.

    Examples
    --------
    >>> import lashgraph as lg
    >>> with lg.open(":memory:") as store:
    ...     lg.plot.session_tree(store.tree()).get_title(loc="left")
    '0 nodes · 0 branches · 0 on the active path'
    """
    as_kind(graph, SessionGraph, "graph", "store.tree()")
    if detail not in ("auto", "nodes", "branches"):
        raise InvalidRecordError(f"detail is auto, nodes or branches, not {shown(detail)}")
    layout = _lay_out(graph)
    n_lanes = len(layout.lanes.heads)
    axes = axes_for(ax, _WIDTH, 1.5 + min(0.3 * max(n_lanes, 2), 9.0))
    _entitle(axes, graph, layout, title)
    label(axes, x="depth (nodes from the root)")
    no_y_axis(axes)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    if not n_lanes:
        nothing(axes, "no nodes")
        axes.set_xlim(0, 1)
        return axes
    deepest = int(layout.depths.max(initial=1))
    _draw_lines(axes, layout)
    by_node = len(graph) <= _MOST_NODES and deepest <= _DEEPEST
    if detail == "nodes" or (detail == "auto" and by_node):
        _draw_nodes(axes, graph, layout, deepest)
    else:
        _draw_counts(axes, layout)
    _draw_folded(axes, layout)
    _draw_leaf(axes, layout, deepest)
    axes.set_xlim(-0.02 * deepest - 0.5, 1.05 * deepest + 0.5)
    axes.set_ylim(n_lanes - 0.3, -0.7)
    legend(axes)
    return axes


class _Layout(NamedTuple):
    """Nodes and where they stand."""

    parents: NDArray[np.int64]
    depths: NDArray[np.int64]
    active: NDArray[np.int64]
    lanes: Lanes


def _lay_out(graph: SessionGraph) -> _Layout:
    parents = np.array(graph.parents(), np.int64)
    depths = np.array(graph.depths(), np.int64)
    position = {name: at for at, name in enumerate(graph.ids)}
    active = np.array([position[name] for name in graph.active_path()], np.int64)
    first = np.zeros(len(graph), np.bool_)
    first[active] = True
    return _Layout(parents, depths, active, lay_lanes(parents, depths, first, _MOST_LANES))


def _entitle(axes: Axes, graph: SessionGraph, layout: _Layout, title: str | None) -> None:
    lost = int((layout.depths < 0).sum())
    roots, below = layout.lanes.folded.get(-1, (0, 0))
    leaves = len(layout.lanes.heads) + sum(lanes for lanes, _ in layout.lanes.folded.values())
    facts = [
        counted(len(graph), "node"),
        counted(_branches(layout, leaves), "branch", "branches"),
        f"{len(layout.active):,} on the active path",
        f"{lost:,} on a cycle, not drawn" if lost else "",
        f"{len(graph.unreadable):,} unreadable" if graph.unreadable else "",
        f"{counted(roots, 'root')} with {counted(below, 'node')} not drawn" if roots else "",
    ]
    name = f"Session {one_line(graph.session_id, 48)}" if graph.session_id else ""
    entitle(axes, title, name, *facts)


def _branches(layout: _Layout, leaves: int) -> int:
    """Runs without a fork: one for each leaf, and one for each fork, which ends one."""
    inside = layout.parents[layout.parents >= 0]
    return leaves + int((np.bincount(inside, minlength=1) > 1).sum()) if len(inside) else leaves


def _draw_lines(axes: Axes, layout: _Layout) -> None:
    """A line for each lane, from where it leaves to its end; the active path over it."""
    heads, ends = layout.lanes.heads, layout.lanes.ends
    x, y = layout.depths, layout.lanes.of
    lines = np.stack([np.stack([x[heads], y[heads]], 1), np.stack([x[ends], y[ends]], 1)], 1)
    above = layout.parents[heads]
    leaving, fork = heads[above >= 0], above[above >= 0]
    bends = np.stack(
        [
            np.stack([x[fork], y[fork]], 1),
            np.stack([x[fork] + 0.5, y[leaving]], 1),
            np.stack([x[leaving], y[leaving]], 1),
        ],
        1,
    )
    for segments in (bends, lines):
        axes.add_collection(
            LineCollection(list(segments), colors=PALE, linewidths=1.1, zorder=1), autolim=False
        )
    if len(layout.active):
        ends = layout.active[[0, -1]]
        path = LineCollection(
            [np.stack([x[ends], y[ends]], 1)],
            colors=[ink(axes)],
            linewidths=2.4,
            zorder=1.5,
            label="active path",
        )
        axes.add_collection(path, autolim=False)


def _draw_nodes(axes: Axes, graph: SessionGraph, layout: _Layout, deepest: int) -> None:
    drawn = np.flatnonzero(layout.lanes.of >= 0)
    names = np.array([author_of(graph.nodes[at]) for at in drawn.tolist()])
    size = _mark_size(deepest)
    for name, look in AUTHORS.items():
        chosen = drawn[names == name]
        if len(chosen):
            axes.scatter(
                layout.depths[chosen],
                layout.lanes.of[chosen],
                s=size,
                c=look.colour,
                marker=look.marker,
                label=f"{name} ({len(chosen):,})",
                zorder=2,
                linewidths=0.5 if size > 20 else 0,
                edgecolors=ink(axes),
            )


def _draw_counts(axes: Axes, layout: _Layout) -> None:
    """How many nodes each lane has, at its end, and marks where lanes leave."""
    counts = np.bincount(layout.lanes.of[layout.lanes.of >= 0])
    ends = layout.lanes.ends
    beside, beside_leaf = (
        offset_copy(axes.transData, figure_of(axes), x=points, units="points") for points in (5, 9)
    )
    for lane, (end, n_nodes) in enumerate(zip(ends.tolist(), counts.tolist(), strict=True)):
        axes.text(
            layout.depths[end],
            lane,
            f"{n_nodes:,}",
            transform=beside_leaf if end in layout.active else beside,
            va="center_baseline",
            fontsize=7,
            color=ink(axes),
        ).set_in_layout(False)
    above = layout.parents[layout.lanes.heads]
    forks = np.unique(above[above >= 0])
    if len(forks):
        axes.scatter(
            layout.depths[forks],
            layout.lanes.of[forks],
            s=12,
            c=[ink(axes)],
            zorder=2,
            linewidths=0,
            label="fork",
        )
    axes.plot(
        layout.depths[ends],
        np.arange(len(ends)),
        "o",
        color=PALE,
        markersize=3,
        label="end of a branch, with its number of nodes",
        zorder=1.2,
    )


def _draw_folded(axes: Axes, layout: _Layout) -> None:
    folded = layout.lanes.folded
    forks = [at for at in folded if at >= 0]
    if not forks:
        return
    n_branches = sum(folded[at][0] for at in forks)
    sizes = np.array([folded[at][1] for at in forks])
    axes.scatter(
        layout.depths[forks],
        layout.lanes.of[forks] + 0.35,
        s=np.minimum(8.0 * sizes, 160.0),
        c=PALE,
        marker="v",
        zorder=1.8,
        linewidths=0,
        label=f"{counted(n_branches, 'branch', 'branches')} folded,\n"
        f"{counted(int(sizes.sum()), 'node')}",
    )


def _draw_leaf(axes: Axes, layout: _Layout, deepest: int) -> None:
    if len(layout.active):
        end = layout.active[-1:]
        axes.scatter(
            layout.depths[end],
            layout.lanes.of[end],
            s=max(3 * _mark_size(deepest), 40),
            facecolors="none",
            edgecolors=VERMILION,
            linewidths=1.8,
            zorder=3,
            label="leaf of the active path",
        )


def _mark_size(deepest: int) -> float:
    """Area of a mark, so that neighbours do not hide each other."""
    points = 0.8 * 60 * _WIDTH / (deepest + 1)
    return float(np.clip(points**2, 7, 36))
