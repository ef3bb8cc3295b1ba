"""Rectangles into rectangles: the layout of treemaps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Box(NamedTuple):
    """A rectangle by its lower left corner."""

    x: float
    y: float
    width: float
    height: float

    def inside(self, left: float, bottom: float, right: float, top: float) -> Box:
        """What is left of it within these margins, never less than nothing."""
        wide, high = max(self.width - left - right, 0.0), max(self.height - bottom - top, 0.0)
        return Box(self.x + min(left, self.width), self.y + min(bottom, self.height), wide, high)


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
    area = (wanted * (box.width * box.height / total)).tolist()
    x, y, width, height = box
    start = 0
    while start < len(area):
        side = min(width, height)
        end, row = _row(area, start, side)
        if row <= 0:
            break
        thick = row / side
        offset = 0.0
        for at in range(start, end):
            length = area[at] / thick
            if width >= height:
                made[at] = x, y + offset, thick, length
            else:
                made[at] = x + offset, y, length, thick
            offset += length
        if width >= height:
            x, width = x + thick, max(width - thick, 0.0)
        else:
            y, height = y + thick, max(height - thick, 0.0)
        start = end
    return made


def _row(area: list[float], start: int, side: float) -> tuple[int, float]:
    """How many pieces go along a side: as long as the worst of them comes nearer to a square."""
    if side <= 0:
        return len(area), 0.0
    total, least, most, worst = 0.0, float("inf"), 0.0, float("inf")
    for end in range(start, len(area)):
        piece = area[end]
        least, most = min(least, piece), max(most, piece)
        grown = total + piece
        if grown <= 0:
            return len(area), 0.0
        square = grown * grown
        now = max(side * side * most / square, square / (side * side * least) if least else 1e300)
        if now > worst:
            return end, total
        total, worst = grown, now
    return len(area), total
