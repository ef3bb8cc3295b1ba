"""Figures without global state: drawn from any thread, shown by a notebook as they are."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#222222"
FAINT = "#b8bcc4"
LIVE = "#2a78b5"
DEAD = "#d9803b"
ROLES = {
    "User": "#2a78b5",
    "Assistant": "#3f9b57",
    "System": "#8a6bb8",
    "Event": "#b8577f",
    "protocol": "#c8a02c",
    "plugin": "#7d838c",
}


class Picture(Figure):
    """A matplotlib figure that shows itself in a notebook, whatever the backend."""

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=110)
        return buffer.getvalue()


def new_axes(width: float, height: float, title: str) -> tuple[Picture, Axes]:
    """A figure of one plot, sizes in inches."""
    figure = Picture(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", color=INK, fontsize=11)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def byte_scale(largest: float) -> tuple[float, str]:
    """Divisor and unit that make a number of bytes short to read."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if largest >= size:
            return size, unit
    return 1.0, "bytes"


def legend(axes: Axes, **options: Any) -> None:
    """The legend in the style of all figures."""
    axes.legend(frameon=False, fontsize=8, **options)
