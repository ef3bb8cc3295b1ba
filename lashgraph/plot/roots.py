"""The picture of retained sizes: what each root holds alone, and what it shares."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import shown
from lashgraph.format.sizes import counted
from lashgraph.plot.colours import GREY, LIVE, VERMILION, Look
from lashgraph.plot.figure import axes_for, entitle, label, legend, nothing, rows
from lashgraph.plot.given import as_frame, numbers, texts
from lashgraph.plot.scales import byte_scale, bytes_short
from lashgraph.plot.stacks import boxes, fill
from lashgraph.plot.texts import one_line

Layer = Literal["root", "manifest"]

_MOST = 24
_THICK = 0.6
_SHARED = Look(GREY, "\\\\\\\\")
_COLUMNS = ("retained_bytes", "shared_bytes", "shallow_bytes")


def retained(
    frame: pd.DataFrame,
    ax: Axes | None = None,
    *,
    layer: Layer = "root",
    title: str | None = None,
) -> Axes:
    """Draw how many bytes each root holds: those that go if it goes, and those it shares.

    Parameters
    ----------
    frame : DataFrame
        From ``store.reachability().retained()``: columns layer, ref, retained_bytes, shared_bytes,
        shallow_bytes, counted_bytes.
    ax : Axes, optional
        Where to draw; new Axes if not given.
    layer : {"root", "manifest"}
        Whose bars these are.
    title : str, optional
        What stands above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        A bar for each root, the one that reaches most on top; a mark where the bytes end that it
        names itself. Of more than 24 the smallest are one bar, each of them counted alone.

    Raises
    ------
    InvalidRecordError
        This is no frame, holds no numbers, there is no such layer, or ``ax`` is no Axes.
    UnknownColumnError
        The frame lacks a column.

    Examples
    --------
    >>> import lashgraph as lg
    >>> with lg.open(":memory:") as store:
    ...     frame = store.reachability().retained()
    >>> print(lg.plot.retained(frame).get_title(loc="left"))
    What each root holds
    0 roots · 0 bytes live
    """
    as_frame(frame, "frame", "layer", "ref", "counted_bytes", *_COLUMNS)
    if layer not in ("root", "manifest"):
        raise InvalidRecordError(f"layer is root or manifest, not {shown(layer)}")
    chosen = frame[frame["layer"].astype(str) == layer]
    names, held = _largest(chosen, layer)
    axes = axes_for(ax, 10.0, 1.3 + 0.27 * max(len(names), 3))
    entitle(
        axes,
        title,
        f"What each {layer} holds",
        counted(len(chosen), layer),
        f"{bytes_short(numbers(chosen, 'counted_bytes').sum())} live",
    )
    reached = held["retained_bytes"] + held["shared_bytes"]
    largest = float(np.max([reached, held["shallow_bytes"]])) if names else 0.0
    divisor, unit = byte_scale(largest)
    label(axes, x=f"stored blobs ({unit})")
    rows(axes, names)
    axes.set_xlim(0, 1.02 * largest / divisor or 1)
    if not names:
        nothing(axes, f"no {layer}s")
        return axes
    at = np.arange(len(names)) - _THICK / 2
    alone, shared = held["retained_bytes"] / divisor, held["shared_bytes"] / divisor
    fill(axes, boxes(0.0, at, alone, _THICK), LIVE, "retained: freed if it alone goes")
    if shared.any():
        name = "shared: something else keeps it too"
        fill(axes, boxes(alone, at, shared, _THICK), _SHARED, name)
    axes.scatter(
        held["shallow_bytes"] / divisor,
        np.arange(len(names)),
        s=26,
        c=VERMILION,
        marker="D",
        edgecolors="white",
        linewidths=0.6,
        clip_on=False,
        zorder=4,
        label="shallow: what it names itself" if layer == "root" else "shallow: itself",
    )
    legend(axes)
    return axes


def _largest(frame: pd.DataFrame, layer: str) -> tuple[list[str], dict[str, NDArray[np.float64]]]:
    """Names and figures of the rows that reach most; of too many the rest added up."""
    held = {name: numbers(frame, name) for name in _COLUMNS}
    refs = texts(frame, "ref", "(no ref)")
    order = np.argsort(-(held["retained_bytes"] + held["shared_bytes"]), kind="stable")
    top, rest = order, order[:0]
    if len(order) > _MOST + 1:
        top, rest = order[:_MOST], order[_MOST:]
    names = [one_line(refs[at].removeprefix(f"{layer}:"), 34) for at in top.tolist()]
    figures = {name: values[top] for name, values in held.items()}
    if len(rest):
        names.append(f"+ {len(rest):,} more {layer}s")
        figures = {
            name: np.append(values, held[name][rest].sum()) for name, values in figures.items()
        }
    return names, figures
