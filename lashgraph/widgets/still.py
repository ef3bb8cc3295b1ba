"""Pictures that need no kernel and no script."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import Any, NamedTuple

from matplotlib.axes import Axes

from lashgraph.format.html import Markup, element
from lashgraph.plot.figure import figure_of

_DPI = 110
_WIDE = 900
"""Pixels of a page."""


class Still(NamedTuple):
    """A drawing as PNG, and as it stands in a page.

    Attributes
    ----------
    data, metadata : dict
        The parts of a mime bundle: for what takes pictures and no HTML, as nbconvert for LaTeX and
        PDF does.
    markup : Markup
        The same within HTML: where there is HTML, readers of notebooks (nbconvert, GitHub) look no
        further.
    """

    data: dict[str, str]
    metadata: dict[str, Any]
    markup: Markup


def still(axes: Axes, text: str) -> Still:
    """A drawing as a picture, with a text for those who cannot see it."""
    figure = figure_of(axes)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    data = b64encode(buffer.getvalue()).decode()
    width, height = figure.get_size_inches()
    return Still(
        {"image/png": data},
        {"image/png": {"width": _WIDE, "height": round(_WIDE * height / width)}},
        element("img", src=f"data:image/png;base64,{data}", alt=text, width=str(_WIDE)),
    )


def no_still(why: str = "") -> Still:
    """What stands where there is no picture."""
    return Still({}, {}, element("p", f"No picture: {why}") if why else Markup())
