"""The picture of reachability: roots, manifests and blobs in layers, dead blobs apart."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection, LineCollection
from numpy.typing import NDArray

from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import shown
from lashgraph.format.sizes import counted
from lashgraph.plot.colours import BLACK, DEAD, GREEN, LIVE, PALE, VERMILION, Look
from lashgraph.plot.figure import axes_for, entitle, ink, legend, no_axes, nothing, room
from lashgraph.plot.given import as_kind
from lashgraph.plot.layered import LAYERS, Item, Layered, Place
from lashgraph.plot.scales import bytes_short
from lashgraph.plot.texts import plain
from lashgraph.reach import Reachability

_X = {"root": 0.0, "manifest": 0.7, "blob": 1.65, "dead": 3.15}
_LEFT, _RIGHT = -0.85, 3.85
_APART = 2.85
_NARROW = 520.0
"""Points below which there is room for short texts only, and layers stand otherwise."""
_NARROW_X = {"root": 0.0, "manifest": 0.5, "blob": 1.7, "dead": 3.05}
_LOOKS = {
    "root": ("root", Look(GREEN, marker="s")),
    "manifest": ("manifest, live", Look(BLACK)),
    "blob": ("blob, live", LIVE),
    "dead": ("blob, dead", DEAD),
    "missing": ("named, not there", Look("none")),
}
# Lengths down the picture are in points, where the figure is our own.
_WIDEST = 46.0
_NARROWEST = 5.0
_ROW = 15.0
_HEAD = 36.0
_LEAST = 130.0


def reachability(
    reach: Reachability,
    ax: Axes | None = None,
    *,
    top: int = 16,
    title: str | None = None,
) -> Axes:
    """Draw what keeps what alive: roots, the manifests they name, blobs; dead blobs apart.

    Parameters
    ----------
    reach : Reachability
        From ``store.reachability()``.
    ax : Axes, optional
        Where to draw; new Axes if not given.
    top : int
        Marks of each layer: of roots those that keep the most bytes, else the largest. The rest is
        one mark more.
    title : str, optional
        What stands above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        The area of a circle is its stored bytes, very small ones excepted; roots have none and are
        squares. A line goes from what names to what is named.

    Raises
    ------
    InvalidRecordError
        This is no Reachability, ``top`` no number of 1 or more, or ``ax`` no Axes.

    Examples
    --------
    >>> import lashgraph as lg
    >>> with lg.open(":memory:") as store:
    ...     _ = store.put_blob(b"nobody names this")
    ...     print(lg.plot.reachability(store.reachability()).get_title(loc="left"))
    What keeps what alive, safe policy
    0 roots · live: 0 blobs, 0 bytes · dead: 1 blob, 17 bytes
    """
    as_kind(reach, Reachability, "reach", "store.reachability()")
    if type(top) is not int or top < 1:
        raise InvalidRecordError(f"top is a count of 1 or more, not {shown(top)}")
    layered = Layered(reach, top)
    counts, sizes = layered.counts, layered.sizes
    largest = max((item.size for items in layered.items.values() for item in items), default=0)
    stacks = {layer: _stack(layered.items[layer], largest) for layer in LAYERS}
    tallest = max([_LEAST, *(bottom for _, bottom in stacks.values())])
    axes = axes_for(ax, 11.0, 0.8 + (tallest + _HEAD) / 72)
    entitle(
        axes,
        title,
        f"What keeps what alive, {reach.policy.name} policy",
        counted(counts["root"], "root"),
        f"live: {counted(counts['manifest'] + counts['blob'], 'blob')}, "
        f"{bytes_short(sizes['manifest'] + sizes['blob'])}",
        f"dead: {counted(counts['dead'], 'blob')}, {bytes_short(sizes['dead'])}",
        f"{counted(layered.missing, 'blob')} named, not there" if layered.missing else "",
    )
    no_axes(axes)
    axes.set_xlim(_LEFT, _RIGHT)
    axes.set_ylim(tallest, -_HEAD)
    axes.axvline(_APART, color=PALE, linewidth=0.8, linestyle=":")
    wide, high = room(axes)
    is_narrow = wide < _NARROW
    across = _NARROW_X if is_narrow else _X
    places: dict[Place, tuple[float, float]] = {}
    for layer in LAYERS:
        for row, middle in enumerate(stacks[layer][0].tolist()):
            places[layer, row] = across[layer], middle
        _head(axes, layer, across[layer], counts[layer], sizes[layer], is_narrow=is_narrow)
    if places:
        _draw_edges(axes, layered, places)
        _draw_marks(axes, layered, places, largest)
        grown = max(high / (tallest + _HEAD), 1.0)
        for layer, items in layered.items.items():
            radii = grown * _diameters(items, largest) / 2
            for row, (item, radius) in enumerate(zip(items, radii.tolist(), strict=True)):
                text = item.short if is_narrow else item.text
                _beside(axes, text, *places[layer, row], radius, left=layer == "root")
        legend(axes, title="area: stored bytes")
    else:
        nothing(axes, "no roots and no blobs")
    return axes


def _diameters(items: list[Item], largest: int) -> NDArray[np.float64]:
    sizes = np.array([item.size for item in items], np.float64)
    return np.maximum(_WIDEST * np.sqrt(sizes / max(largest, 1)), _NARROWEST)


def _stack(items: list[Item], largest: int) -> tuple[NDArray[np.float64], float]:
    """Where things stand one below the other, and how far down the last one reaches."""
    room = np.maximum(_diameters(items, largest) + 3, _ROW)
    return np.cumsum(room) - room / 2, float(room.sum())


def _head(axes: Axes, layer: str, x: float, count: int, size: int, *, is_narrow: bool) -> None:
    """What a layer is, above it."""
    names = {"root": "roots", "manifest": "manifests", "blob": "blobs", "dead": "dead blobs"}
    if is_narrow:
        names["dead"] = "dead"
    told = f"{count:,} {names[layer] if count != 1 else names[layer].removesuffix('s')}"
    text = told if layer == "root" else f"{told}\n{bytes_short(size)}"
    side = "right" if layer == "root" else "left"
    axes.text(
        x,
        -_HEAD + 4,
        text,
        ha=side,
        va="top",
        fontsize=6.5 if is_narrow else 9,
        color=ink(axes),
        weight="bold",
    )


def _draw_marks(
    axes: Axes, layered: Layered, places: dict[Place, tuple[float, float]], largest: int
) -> None:
    """Circles by bytes, one collection for each look."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    for layer, items in layered.items.items():
        for row, (item, wide) in enumerate(
            zip(items, _diameters(items, largest).tolist(), strict=True)
        ):
            x, y = places[layer, row]
            found.setdefault(item.look, []).append((x, y, wide))
    for look, (name, drawn) in _LOOKS.items():
        if look not in found:
            continue
        x, y, wide = np.array(found[look]).T
        edge = VERMILION if look == "missing" else ink(axes)
        if look == "root":
            axes.scatter(
                x,
                y,
                s=34,
                c=drawn.colour,
                marker="s",
                edgecolors=edge,
                zorder=3,
                linewidths=0.6,
                label=name,
            )
            continue
        circles = EllipseCollection(
            wide,
            wide,
            np.zeros(len(wide)),
            units="y",
            offsets=np.stack([x, y], 1),
            offset_transform=axes.transData,
            facecolors=drawn.colour,
            edgecolors=edge,
            linewidths=1.4 if look == "missing" else 0.6,
            hatch=drawn.hatch or None,
            zorder=3,
        )
        circles.set_hatch_linewidth(0.6)
        axes.add_collection(circles, autolim=False)
        axes.scatter(
            [],
            [],
            s=60,
            facecolors=drawn.colour,
            edgecolors=edge,
            label=name,
            hatch=drawn.hatch or None,
            linewidths=0.8,
        )


def _beside(axes: Axes, text: str, x: float, y: float, radius: float, *, left: bool) -> None:
    made = axes.annotate(
        text,
        (x, y),
        xytext=((-1 if left else 1) * (radius + 4), 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="center",
        fontsize=7.5,
        color=ink(axes),
        zorder=2.5,
        bbox={
            "boxstyle": "square,pad=0.1",
            "facecolor": axes.get_facecolor(),
            "alpha": 0.8,
            "linewidth": 0,
        },
    )
    plain([made])


def _draw_edges(axes: Axes, layered: Layered, places: dict[Place, tuple[float, float]]) -> None:
    """Curves from what names to what is named, the wider the more namings they stand for."""
    if not layered.edges:
        return
    ends = np.array([[places[a], places[b]] for a, b in layered.edges])
    counts = np.array(list(layered.edges.values()), np.float64)
    along = np.linspace(0, 1, 24)
    bend = along**2 * (3 - 2 * along)
    start, end = ends[:, 0], ends[:, 1]
    x = start[:, :1] + (end - start)[:, :1] * along
    y = start[:, 1:] + (end - start)[:, 1:] * bend
    lines = LineCollection(
        list(np.stack([x, y], 2)), colors=PALE, linewidths=0.8 + np.log10(counts), zorder=1
    )
    axes.add_collection(lines, autolim=False)
