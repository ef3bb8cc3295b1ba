"""Rectangles into rectangles: the layout of treemaps."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

_NOTHING = 1e-12
"""Share of the whole below which a piece has no area that could be seen."""


class Box(NamedTuple):
    """A rectangle by its lower left corner."""

    x: float
    y: float
    width: float
    height: float


def squarify(sizes: ArrayLike, box: Box) -> NDArray[np.float64]:
    """Cut a rectangle into pieces of given sizes that are nearly squares.

    The sizes are taken as they come, so that the largest should stand first; each is looked at
    twice at most, so that the time is in proportion to their number.

    Parameters
    ----------
    sizes : array of float
        None negative; they are scaled to fill the box.
    box : Box
        What is cut.

    Returns
    -------
    array of float
        One row for each size: x, y, width, height.

    References
    ----------
    Bruls, M., Huizing, K., & van Wijk, J. J. (2000). Squarified treemaps. Data Visualization 2000,
    33-42. https://doi.org/10.1007/978-3-7091-6783-0_4

    Examples
    --------
    >>> squarify([6, 6, 4, 3, 2, 2, 1], Box(0, 0, 6, 4))[:3].tolist()
    [[0.0, 0.0, 3.0, 2.0], [0.0, 2.0, 3.0, 2.0], [3.0, 0.0, 1.7142857142857142, 2.3333333333333335]]
    """
    wanted = np.asarray(sizes, np.float64)
    total = float(wanted.sum())
    made = np.zeros((len(wanted), 4))
    made[:, 0], made[:, 1] = box.x, box.y
    if total <= 0 or box.width <= 0 or box.height <= 0:
        return made
    seen = np.flatnonzero(wanted > _NOTHING * total)
    area = (wanted[seen] * (box.width * box.height / total)).tolist()
    x, y, width, height = box
    start = 0
    while start < len(area):
        side = min(width, height)
        end, row = _row(area, start, side)
        thick = row / side
        offset = 0.0
        for at in range(start, end):
            length = area[at] / thick
            if width >= height:
                made[seen[at]] = x, y + offset, thick, length
            else:
                made[seen[at]] = x + offset, y, length, thick
            offset += length
        if width >= height:
            x, width = x + thick, max(width - thick, _NOTHING)
        else:
            y, height = y + thick, max(height - thick, _NOTHING)
        start = end
    return made


def _row(area: list[float], start: int, side: float) -> tuple[int, float]:
    """Where a row along a side ends, and its area: the worst piece must not get more oblong."""
    total, least, most, worst = 0.0, math.inf, 0.0, math.inf
    for end in range(start, len(area)):
        least, most = min(least, area[end]), max(most, area[end])
        grown = total + area[end]
        now = max((side / grown) ** 2 * most, (grown / side) ** 2 / least)
        if now > worst:
            return end, total
        total, worst = grown, now
    return len(area), total
