"""A picture for a page: inline SVG, or a PNG where that would be larger by far."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.figure import Figure

from lashgraph.format.html import Markup, element
from lashgraph.plot.figure import figure_of
from lashgraph.report.svg import inline_svg

MOST_MARKS = 3_000
"""Marks and lines of a picture that is drawn as SVG; one of more is a PNG."""

_DPI = 150
_CSS_DPI = 96


def picture(axes: Axes, prefix: str) -> Markup:
    """The figure that Axes are part of, as an element that needs nothing else.

    Parameters
    ----------
    prefix : str
        What ids in it begin with: letters and digits, once in a page.
    """
    figure, alt = figure_of(axes), _in_words(axes)
    if _n_marks(axes) > MOST_MARKS:
        return _png(figure, alt)
    return inline_svg(figure, prefix, alt)


def _in_words(axes: Axes) -> str:
    """What a picture says: its title, with the numbers in it, and what its axes measure."""
    measured = {"across": axes.get_xlabel(), "up": axes.get_ylabel()}
    title = axes.get_title(loc="left").split("\n")
    axis = [f"{way}: {what}" for way, what in measured.items() if what]
    return ". ".join([*filter(None, title), *axis])


def _n_marks(axes: Axes) -> int:
    drawn = [one for one in axes.get_children() if isinstance(one, Collection)]
    return sum(max(len(np.atleast_2d(one.get_offsets())), len(one.get_paths())) for one in drawn)


def _png(figure: Figure, alt: str) -> Markup:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    width, height = (round(inches * _CSS_DPI) for inches in figure.get_size_inches())
    source = f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"
    return element("img", src=source, alt=alt, width=width, height=height)
