"""What a page is made of: sections, counted figures and tables, facts, notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import pandas as pd
from matplotlib.axes import Axes

from lashgraph.format.html import Markup, element
from lashgraph.format.sizes import bytes_text
from lashgraph.report.figures import picture
from lashgraph.report.tables import ROWS, Col, table

Weight = Literal["good", "odd", "bad"]


class Section(NamedTuple):
    """A part of a page.

    Attributes
    ----------
    anchor : str
        What a link names.
    title : str
        Its heading.
    content : tuple
        Markup, one after the other.
    complete : bool
        Whether all of it could be read.
    """

    anchor: str
    title: str
    content: tuple[Markup, ...]
    complete: bool = True

    def markup(self) -> Markup:
        """The element, with its heading."""
        heading = element("h2", self.title, id=f"{self.anchor}-heading")
        return element(
            "section",
            heading,
            *self.content,
            id=self.anchor,
            aria_labelledby=f"{self.anchor}-heading",
        )


class Pieces:
    """Makes figures and tables, and counts them."""

    def __init__(self) -> None:
        self._figures = 0
        self._tables = 0

    def figure(self, axes: Axes, caption: str) -> Markup:
        """A picture with its caption below."""
        self._figures += 1
        name = f"Figure {self._figures}"
        told = element("figcaption", element("b", f"{name}."), f" {caption}")
        drawn = _scrolling(picture(axes, f"f{self._figures}"), name)
        return element("figure", drawn, told, id=f"figure-{self._figures}")

    def table(
        self,
        caption: str,
        frame: pd.DataFrame,
        columns: Sequence[Col],
        *,
        unit: str,
        most: int = ROWS,
    ) -> Markup:
        """A frame's first rows with a caption above; nothing for a frame without rows."""
        if not len(frame):
            return Markup()
        self._tables += 1
        name = f"Table {self._tables}"
        told = Markup(element("b", f"{name}.") + element("span", f" {caption}"))
        made = table(told, frame, columns, unit=unit, most=most)
        return _scrolling(made, name)


def _scrolling(content: Markup, name: str) -> Markup:
    """What may be wider than the page, so that the keyboard can move it."""
    return element("div", content, class_="wide", role="region", aria_label=name, tabindex=0)


def paragraph(*content: object) -> Markup:
    """A paragraph."""
    return element("p", *content)


def facts(found: Mapping[str, object]) -> Markup:
    """Names and values."""
    pairs = [
        element("div", element("dt", name), element("dd", value)) for name, value in found.items()
    ]
    return element("dl", *pairs)


def note(weight: Weight, *content: object) -> Markup:
    """A few words that stand out."""
    return element("p", *content, class_=f"note {weight}")


def size(count: int) -> str:
    """A number of bytes, short and exact.

    Examples
    --------
    >>> size(999), size(5_005_312)
    ('999 bytes', '5.0 MB (5,005,312 bytes)')
    """
    short = bytes_text(count)
    return short if count < 1_000 else f"{short} ({count:,} bytes)"
