"""A figure as inline SVG: only what draws, ids that no other figure has, colours by name.

matplotlib writes texts as outlines, so that no font is needed and no text of a store becomes
markup. What it writes beside shapes (comments, metadata, a style sheet) is left out; ids, which it
draws by lot, are counted; ink and paper become the page's, so that a dark page has dark figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import groupby
from typing import NamedTuple
from xml.etree import ElementTree

from matplotlib.figure import Figure

from lashgraph.format.html import Markup, element, escape
from lashgraph.plot.colours import BLACK, INK, PAPER

_TAGS = {"g", "defs", "path", "use", "clipPath", "pattern", "rect", "text", "tspan"}
_ATTRIBUTES = {
    *("d", "style", "transform", "x", "y", "width", "height", "id", "clip-path", "fill", "href"),
    "patternUnits",
}
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_FINE_FRACTION = re.compile(r"(\.\d\d)\d+")
_SPACE = re.compile(r"\s+(?=[A-Za-z])|(?<=[A-Za-z])\s+|\s+$")
_THEMED = {INK: "var(--ink)", BLACK: "var(--ink)", PAPER: "var(--paper)"}
_COLOUR = re.compile("|".join(_THEMED))


class _Shape(NamedTuple):
    tag: str
    attributes: dict[str, str]
    content: Markup

    def markup(self) -> Markup:
        """The element; a group that says nothing is its content."""
        if self.tag == "g" and not self.attributes:
            return self.content
        return element(self.tag.lower(), self.content, **self.attributes)

    def joins(self) -> tuple[str, ...]:
        """What it has in common with shapes that can be one path with it."""
        style = self.attributes.get("style", "")
        is_line = self.tag == "path" and "fill: none" in style and "opacity" not in style
        if not is_line or "id" in self.attributes:
            return ("", str(id(self)))
        return tuple(value for name, value in self.attributes.items() if name != "d")


def inline_svg(figure: Figure, prefix: str, alt: str) -> Markup:
    """A figure as an ``svg`` element.

    Parameters
    ----------
    figure : Figure
        Drawn in the ink and on the paper of `lashgraph.plot`.
    prefix : str
        What ids in it begin with: letters and digits, once in a page.
    alt : str
        What it says to who cannot see it.
    """
    buffer = BytesIO()
    figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    root = ElementTree.fromstring(buffer.getvalue())
    names = {old: f"{prefix}-{at}" for at, old in enumerate(dict.fromkeys(_referred(root)))}
    content = _inside(root, names)
    return element("svg", content, viewbox=root.attrib["viewBox"], role="img", aria_label=alt)


def _referred(root: ElementTree.Element) -> Iterator[str]:
    """The ids that something points to, in order."""
    for found in root.iter():
        for name, value in found.attrib.items():
            if _local(name) == "href":
                yield value.removeprefix("#")
            else:
                yield from _REFERENCE.findall(value)


def _inside(parent: ElementTree.Element, names: dict[str, str]) -> Markup:
    """The children of an element; lines that look alike and follow each other are one."""
    shapes = [
        _Shape(tag, dict(_attributes(child, names)), _content(child, tag, names))
        for child in parent
        if (tag := _local(child.tag)) in _TAGS
    ]
    made = []
    for _, group in groupby(shapes, _Shape.joins):
        first, *others = group
        if others:
            first.attributes["d"] = "".join([one.attributes["d"] for one in (first, *others)])
        made.append(first.markup())
    return Markup("".join(made))


def _content(found: ElementTree.Element, tag: str, names: dict[str, str]) -> Markup:
    own = escape(found.text or "") if tag in ("text", "tspan") else ""
    return Markup(own + _inside(found, names))


def _attributes(found: ElementTree.Element, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Attributes as a page has them: an id that nothing points to is none."""
    for full, value in found.attrib.items():
        name = _local(full)
        if name not in _ATTRIBUTES or (name == "id" and value not in names):
            continue
        if name == "id":
            shown = names[value]
        elif name == "href":
            shown = f"#{names[value.removeprefix('#')]}"
        elif name == "d":
            shown = _SPACE.sub("", _FINE_FRACTION.sub(r"\1", value))
        else:
            shown = _REFERENCE.sub(lambda match: f"url(#{names[match[1]]})", value)
            shown = _COLOUR.sub(lambda match: _THEMED[match[0]], shown)
        if name == "fill":  # which takes no name of a colour
            name, shown = "style", f"fill: {shown}"
        yield name.lower(), shown


def _local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition("}")[2]
