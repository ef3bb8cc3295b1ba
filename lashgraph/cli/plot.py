"""``lashgraph plot``: one figure of a store, or of a folder of stores, as a file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lashgraph.cli.output import Output
from lashgraph.corpus import Corpus, open_corpus
from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import shown
from lashgraph.format.sizes import bytes_text
from lashgraph.sqlite.targets import refuse_what_is_there, write
from lashgraph.store import Store
from lashgraph.store import open as open_store

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DONE = 0
_FORMATS = ("png", "svg", "pdf")

plotting = typer.Typer()

_OF_A_STORE = (
    "session-tree",
    "reachability",
    "retention",
    "blob-sizes",
    "retained",
    "gc-plan",
    "timeline",
    "tool-calls",
)
_OF_MANY = ("corpus-bytes", "families")


@plotting.command()
def plot(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A session store; for the last two, or a folder.")
    ],
    name: Annotated[
        str, typer.Argument(metavar="NAME", help=f"One of {', '.join((*_OF_A_STORE, *_OF_MANY))}.")
    ],
    *,
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="OUT",
            help="Where to write: a name that ends in .png, .svg or .pdf, or - for a PNG on "
            "standard output; else a PNG named by FILE and NAME in the working folder.",
        ),
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="What stands above the figure, in place of its numbers.")
    ] = None,
    dpi: Annotated[int, typer.Option(min=20, max=1200, help="Dots per inch of a PNG.")] = 150,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a figure that is there.")
    ] = False,
) -> None:
    """Draw a figure of a store and write it as PNG, SVG or PDF."""
    raise typer.Exit(run_plot(file, name, out, title=title, dpi=dpi, force=force))


def run_plot(
    path: Path, name: str, out: str | None, *, title: str | None, dpi: int, force: bool
) -> int:
    """Draw one figure and write it."""
    figure = name.replace("_", "-")
    if figure not in (*_OF_A_STORE, *_OF_MANY):
        raise InvalidRecordError(
            f"no figure {shown(name)}; figures: {', '.join((*_OF_A_STORE, *_OF_MANY))}"
        )
    target = None if out == "-" else Path(out or f"{path.stem}-{figure}.png")
    form = "png" if target is None else target.suffix.removeprefix(".").lower()
    if form not in _FORMATS:
        raise InvalidRecordError(f"{target}: ends in none of .png, .svg, .pdf")
    if target is not None:
        refuse_what_is_there(target, force=force)
    content = _drawn(path, figure, title, form, dpi)
    if target is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        write(target, content, force=force)
        Output(as_json=False).say(f"{target}: {figure}, {bytes_text(len(content))}")
    return DONE


def _drawn(path: Path, figure: str, title: str | None, form: str, dpi: int) -> bytes:
    """The content of the file."""
    from lashgraph.plot.figure import figure_of

    if figure in _OF_MANY:
        with open_corpus(path) as corpus:
            axes = _of_many(corpus, figure, title)
    else:
        with open_store(path) as store, store.snapshot():
            axes = _of_a_store(store)[figure](title)
    buffer = BytesIO()
    figure_of(axes).savefig(buffer, format=form, dpi=dpi)
    return buffer.getvalue()


def _of_a_store(store: Store) -> dict[str, Callable[[str | None], Axes]]:
    from lashgraph import plot

    return {
        "session-tree": lambda title: plot.session_tree(store.tree(), title=title),
        "reachability": lambda title: plot.reachability(store.reachability(), title=title),
        "retention": lambda title: plot.retention(store.history(), title=title),
        "blob-sizes": lambda title: plot.blob_sizes(store.blobs(), title=title),
        "retained": lambda title: plot.retained(store.reachability().retained(), title=title),
        "gc-plan": lambda title: plot.gc_plan(store.plan_gc(), title=title),
        "timeline": lambda title: plot.timeline(
            store.turns(), store.tool_calls(), store.usage(), title=title
        ),
        "tool-calls": lambda title: plot.tool_calls(store.tool_calls(), title=title),
    }


def _of_many(corpus: Corpus, figure: str, title: str | None) -> Axes:
    from lashgraph import plot

    if figure == "families":
        return plot.families(corpus.families(), title=title)
    blobs = corpus.blobs(columns=["session_id", "kind", "stored_bytes"])
    return plot.corpus_bytes(blobs, corpus.families(), title=title)
