"""Where pictures are drawn: on the caller's Axes, or on new ones that no pyplot knows of.

New Axes are shown by a notebook as the picture of their figure, whatever the backend; drawing
touches no global state and so may happen on any thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from textwrap import wrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import shown
from lashgraph.plot.colours import INK, PALE, PAPER
from lashgraph.plot.texts import one_line, plain

_DPI = 100
_SHARPER = 2
"""How many times finer than a plain screen a notebook's picture is: it is sharp on fine ones."""
_LETTER, _LINE = 5.6, 10.0
"""Points that a letter of a title is wide, and a line of a row's name high."""
_LEFT_OVER = 0.65
"""What a layout with legends leaves of Axes that share a figure."""


class Picture(Figure):
    """A figure that a notebook shows as it is."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """The picture, and the size in which a page shows it."""
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=_DPI * _SHARPER)
        width, height = (round(inches * _DPI) for inches in self.get_size_inches())
        return buffer.getvalue(), {"width": width, "height": height}


class PictureAxes(Axes):
    """Axes that a notebook shows as the picture of their figure.

    Else they are Axes as any: ``ax.set_xlim(...)`` changes the picture, ``ax.figure.savefig(...)``
    writes it.
    """

    def _repr_png_(self) -> tuple[bytes, dict[str, int]] | None:
        figure = self.get_figure(root=True)
        return figure._repr_png_() if isinstance(figure, Picture) else None


def axes_for(ax: Axes | None, width: float, height: float) -> Axes:
    """The Axes to draw on.

    Parameters
    ----------
    ax : Axes or None
        The caller's, or none.
    width, height : float
        Inches of the figure that is made if there are none.

    Raises
    ------
    InvalidRecordError
        ``ax`` is no Axes.
    """
    if ax is None:
        figure = Picture((width, height), dpi=_DPI, facecolor=PAPER, layout="constrained")
        FigureCanvasAgg(figure)
        ax = figure.add_subplot(axes_class=PictureAxes, facecolor=PAPER)
        ax.tick_params(which="both", colors=INK, labelcolor=INK)
        for axis in (ax.xaxis, ax.yaxis):
            axis.label.set_color(INK)
        for spine in ax.spines.values():
            spine.set_color(INK)
    elif not isinstance(ax, Axes):
        raise InvalidRecordError(f"ax is matplotlib's Axes, or None for new ones, not {shown(ax)}")
    ax.tick_params(which="both", labelsize=8)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax


def figure_of(axes: Axes) -> Figure:
    """The whole figure that Axes are part of, which can be written to a file."""
    figure = axes.get_figure(root=True)
    assert figure is not None, "removed from its figure"
    return figure


def room(axes: Axes) -> tuple[float, float]:
    """Points that there are from left to right and from bottom to top; about, before a layout."""
    extent = axes.get_window_extent()
    share = 1.0 if isinstance(axes, PictureAxes) else _LEFT_OVER
    points = 72 / figure_of(axes).dpi
    return extent.width * points * share, extent.height * points


def ink(axes: Axes) -> Any:
    """The colour of what is written: the caller's own where the Axes are the caller's."""
    return axes.xaxis.label.get_color()


def entitle(axes: Axes, title: str | None, headline: str, *details: str) -> None:
    """Write the title: the caller's, or a headline with what is worth knowing below it."""
    if title is not None:
        text = one_line(title, 120)
    else:
        most = _letters(axes)
        text = "\n".join([*wrap(headline, most), *_joined(filter(None, details), most)])
    plain([axes.set_title(text, loc="left", fontsize=10, color=ink(axes))])


def _letters(axes: Axes) -> int:
    """How many letters of a title have room above Axes and right of them."""
    spec = axes.get_subplotspec()
    if spec is None:
        share = 1 - float(axes.get_position().x0)
    else:
        share = len(spec.colspan) / spec.get_gridspec().ncols
    points = share * float(figure_of(axes).get_size_inches()[0]) * 72
    return max(int(0.85 * points / _LETTER), 24)


def _joined(details: Iterable[str], most: int) -> list[str]:
    """Details on as few lines as they fit."""
    lines: list[str] = []
    for one in details:
        if lines and len(lines[-1]) + 3 + len(one) <= most:
            lines[-1] += f" · {one}"
        else:
            lines.append(one)
    return lines


def label(axes: Axes, x: str = "", y: str = "") -> None:
    """Name what the axes measure."""
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)


def no_y_axis(axes: Axes) -> None:
    """Leave out an axis that measures nothing."""
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def no_axes(axes: Axes) -> None:
    """Leave out both."""
    no_y_axis(axes)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)


def rows(axes: Axes, names: list[str]) -> None:
    """Name the rows of a picture, the first on top.

    Of a name that has several lines the first is written alone where Axes of others are too low.
    """
    high = room(axes)[1] / max(len(names), 1)
    if not isinstance(axes, PictureAxes):
        if high < _LINE * max([1, *(name.count("\n") + 1 for name in names)]):
            names = [name.partition("\n")[0] for name in names]
        axes.tick_params(axis="y", labelsize=min(max(0.8 * high, 4.0), 8.0))
    axes.set_yticks(range(len(names)), names)
    for tick in axes.yaxis.get_major_ticks():
        plain((tick.label1, tick.label2))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(names) - 0.4, -0.6)


def legend(axes: Axes, **options: Any) -> Legend:
    """The legend, right of the data."""
    made = axes.legend(
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        borderaxespad=0.2,
        frameon=False,
        fontsize=8,
        labelcolor=ink(axes),
        **options,
    )
    made.get_title().set_fontsize(8)
    made.get_title().set_color(ink(axes))
    plain(made.get_texts())
    return made


def nothing(axes: Axes, why: str) -> None:
    """Say in the middle of an empty picture why it is empty."""
    axes.text(
        0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", fontsize=9, color=PALE
    )
