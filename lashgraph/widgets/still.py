"""Pictures that need no kernel and no script."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO

from matplotlib.axes import Axes

from lashgraph.format.html import Markup, element
from lashgraph.plot.figure import figure_of

_DPI = 110


def still(axes: Axes, text: str) -> Markup:
    """A drawing as an image inside of HTML, with a text for those who cannot see it."""
    buffer = BytesIO()
    figure_of(axes).savefig(buffer, format="png", dpi=_DPI)
    data = b64encode(buffer.getvalue()).decode()
    return element("img", src=f"data:image/png;base64,{data}", alt=text, width="760")
