"""Where pictures are drawn: on the caller's Axes, or on new ones that no pyplot knows of.

New Axes are shown by a notebook as the picture of their figure, whatever the backend; drawing
touches no global state and so may happen on any thread.
"""

from __future__ import annotations

from io import BytesIO
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


def ink(axes: Axes) -> Any:
    """The colour of what is written: the caller's own where the Axes are the caller's."""
    return axes.xaxis.label.get_color()


def entitle(axes: Axes, title: str | None, headline: str, *details: str) -> None:
    """Write the title: the caller's, or a headline with what is worth knowing below it."""
    below = " · ".join(filter(None, details))
    text = one_line(title, 120) if title is not None else "\n".join(filter(None, (headline, below)))
    plain([axes.set_title(text, loc="left", fontsize=10, color=ink(axes))])


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
    """Name the rows of a picture, the first on top."""
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
