"""A report: sections, and the page that they make."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from lashgraph.format.html import Markup, element, page
from lashgraph.format.sizes import counted
from lashgraph.gc import as_path
from lashgraph.report.pieces import Section
from lashgraph.report.style import STYLE
from lashgraph.report.tables import text
from lashgraph.sqlite.targets import refuse_what_is_there, write
from lashgraph.version import __version__


class Tile(NamedTuple):
    """A number that a page begins with, and the section that tells more."""

    value: str
    what: str
    anchor: str

    def markup(self) -> Markup:
        """A link to the section."""
        content = element("b", self.value), element("span", self.what)
        return element("li", element("a", *content, href=f"#{self.anchor}"))


@dataclass(frozen=True, eq=False)
class Report:
    """What was found in a session file, or in many, as a page that stands by itself.

    Attributes
    ----------
    title : str
        What it is about.
    path : str
        The file, or the folder that all files have in common.
    made_at : datetime
        When, by the options' clock, UTC.
    tiles : tuple of Tile
        Numbers to begin with.
    sections : tuple of Section
        The parts of the page.
    complete : bool
        Whether everything could be read.

    Examples
    --------
    >>> import lashgraph as lg
    >>> from lashgraph.report import report
    >>> with lg.open(":memory:") as store:
    ...     found = report(store)
    >>> found.html().startswith("<!DOCTYPE html>"), found.complete
    (True, True)
    """

    title: str
    path: str
    made_at: datetime
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]
    complete: bool

    def html(self) -> str:
        """The page: it loads nothing, runs nothing, and opens without a network."""
        links = [
            element("li", element("a", one.title, href=f"#{one.anchor}")) for one in self.sections
        ]
        return page(
            f"{self.title}: a report",
            STYLE,
            element(
                "header",
                element("h1", element("bdi", self.title)),
                element("p", element("code", text(self.path))),
                element(
                    "p", f"Made {self.made_at:%Y-%m-%d %H:%M:%S} UTC by lashgraph {__version__}."
                ),
            ),
            element(
                "main",
                element("ul", *(tile.markup() for tile in self.tiles), class_="tiles"),
                element("nav", element("ol", *links), aria_label="Contents"),
                *(one.markup() for one in self.sections),
            ),
            element(
                "footer",
                "Sizes: 1 kB is 1,000 bytes. Times are UTC. Figures are drawn from the "
                "same frames as the tables; ",
                element("code", "lashgraph.schema(name)"),
                " tells their columns.",
            ),
            images=True,
        )

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the page to a file, whole or not at all.

        Parameters
        ----------
        path : str or path
            Where to write.
        overwrite : bool
            Whether a file that is there may be replaced; a session never is.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        UnwritablePathError
            A file is there already, or it cannot be written.
        """
        target = Path(as_path(path, "path")).expanduser()
        refuse_what_is_there(target, force=overwrite, instead="overwrite=True writes over it")
        write(target, self.html().encode(), force=overwrite)
        return target

    def __repr__(self) -> str:
        state = "" if self.complete else ", not all could be read"
        return (
            f"<Report, {self.title!r}: {counted(len(self.sections), 'section')}{state}; "
            ".save('report.html') writes the page>"
        )

    def _repr_html_(self) -> str:
        state = "" if self.complete else "; not all could be read"
        told = [f"{tile.value} {tile.what}" for tile in self.tiles]
        return element(
            "div",
            element("div", element("b", "Report: "), text(self.title), state),
            element("div", " · ".join(told)),
            element("div", "next: ", element("code", ".save('report.html')"), " writes the page"),
        )
