"""``lashgraph report``: a session file, or a folder of them, as one page."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from lashgraph.cli.arguments import Recursive, Workers
from lashgraph.cli.output import Output
from lashgraph.corpus import open_corpus
from lashgraph.errors import DamagedDataWarning
from lashgraph.format.sizes import bytes_text
from lashgraph.reach import GcPolicy
from lashgraph.sqlite.targets import refuse_what_is_there, write
from lashgraph.store import open as open_store

if TYPE_CHECKING:
    from lashgraph.report import Report

WHOLE, IN_PART = 0, 1

reporting = typer.Typer()


@reporting.command()
def report(
    source: Annotated[
        Path, typer.Argument(metavar="FILE|FOLDER", help="A session store, or a folder of them.")
    ],
    *,
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="OUT",
            help="Where to write, - for standard output; else the name of FILE or FOLDER with "
            "-report.html, in the working folder.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a report that is there.")
    ] = False,
    policy: Annotated[
        Literal["safe", "runtime"], typer.Option(help="What counts as a root in the dry run.")
    ] = "safe",
    keep_turns: Annotated[
        int, typer.Option(min=0, help="Keep the checkpoints of the latest turns in the dry run.")
    ] = 0,
    children: Annotated[
        bool,
        typer.Option("--children/--no-children", help="Look for parents and children of FILE."),
    ] = True,
    children_in: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The folder of these, if not that of FILE."),
    ] = None,
    recursive: Recursive = False,
    workers: Workers = None,
) -> None:
    """Write one page that stands by itself: figures, tables, findings, and a dry run.

    Ends with 1 if a store could not be read, or in part only; the page says what.
    """
    chosen = GcPolicy(policy, keep_turns)
    target = None if out == "-" else Path(out or f"{source.resolve().stem}-report.html")
    if target is not None:
        refuse_what_is_there(target, force=force)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedDataWarning)  # what it says, the page does
        if source.is_dir():
            made = _of_folder(source, chosen, recursive=recursive, workers=workers)
        else:
            made = _of_file(source, chosen, children_in, children=children, workers=workers)
    content = made.html().encode()
    if target is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        write(target, content, force=force)
        told = "" if made.complete else "; not all could be read, the page says what"
        Output(as_json=False).say(f"{target}: {bytes_text(len(content))}{told}")
    raise typer.Exit(WHOLE if made.complete else IN_PART)


def _of_file(
    path: Path,
    policy: GcPolicy,
    children_in: Path | None,
    *,
    children: bool,
    workers: int | None,
) -> Report:
    from lashgraph.report import report

    with open_store(path) as store:
        return report(store, policy, children=children, children_in=children_in, executor=workers)


def _of_folder(folder: Path, policy: GcPolicy, *, recursive: bool, workers: int | None) -> Report:
    from lashgraph.report import report

    shows = Console(stderr=True).is_terminal
    with open_corpus(folder, recursive=recursive) as corpus:
        return report(corpus, policy, executor=workers, progress=shows)
