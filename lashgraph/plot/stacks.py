"""Bars of many pieces as one artist each, so that a thousand cost what one does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import ArrayLike, NDArray

from lashgraph.plot.colours import INK, Look
from lashgraph.plot.figure import ink

_HATCH_WIDTH = 0.6


def boxes(
    left: ArrayLike, bottom: ArrayLike, width: ArrayLike, height: ArrayLike
) -> NDArray[np.float64]:
    """Corners of rectangles, in the shape that `fill` takes."""
    x0, y0, w, h = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(one, np.float64)) for one in (left, bottom, width, height))
    )
    x1, y1 = x0 + w, y0 + h
    return np.stack([np.stack([x0, y0, x1, y0, x1, y1, x0, y1], 1)], 0).reshape(-1, 4, 2)


def fill(
    axes: Axes, corners: NDArray[np.float64], look: Look, label: str = "", **options: Any
) -> PathPatch:
    """Draw rectangles that look alike, under one name of the legend.

    They are one path: to hatch one is as slow as to hatch a thousand together.
    """
    given = {"linewidth": 0.5, "zorder": 2, "edgecolor": ink(axes), **options}
    closed = np.concatenate([corners, corners[:, :1]], 1).reshape(-1, 2)
    codes = np.full((len(corners), 5), Path.LINETO, Path.code_type)
    codes[:, 0], codes[:, -1] = Path.MOVETO, Path.CLOSEPOLY
    made = PathPatch(
        Path(closed, codes.ravel()),
        facecolor=look.colour,
        hatch=look.hatch or None,
        label=label,
        **given,
    )
    made.set_hatch_linewidth(_HATCH_WIDTH)
    axes.add_artist(made)
    return made


def area(
    axes: Axes,
    top: NDArray[np.float64],
    base: NDArray[np.float64],
    edges: NDArray[np.float64],
    *,
    look: Look,
    label: str,
) -> None:
    """Draw what lies between two staircases, under one name of the legend."""
    made = axes.stairs(
        top,
        edges,
        baseline=base,
        fill=True,
        facecolor=look.colour,
        edgecolor=ink(axes),
        linewidth=0.4,
        hatch=look.hatch or None,
        label=label,
        zorder=2,
    )
    made.set_hatch_linewidth(_HATCH_WIDTH)


def halo(axes: Axes, ys: Sequence[float]) -> None:
    """Faint lines between rows."""
    for y in ys:
        axes.axhline(y, color=INK, alpha=0.12, linewidth=0.6, zorder=0)
