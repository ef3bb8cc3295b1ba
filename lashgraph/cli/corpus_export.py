"""The export of a folder of stores to Parquet."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import Annotated

import typer

from lashgraph.cli.arguments import AsJson, Folder, Recursive, Workers
from lashgraph.cli.corpus_show import NOT_READ, READ, say_unread
from lashgraph.cli.output import Output, records
from lashgraph.corpus import open_corpus
from lashgraph.errors import DamagedDataWarning
from lashgraph.format.sizes import bytes_text, counted

corpus_export = typer.Typer()


@corpus_export.command()
def export(
    folder: Folder,
    *,
    to: Annotated[
        Path, typer.Option(metavar="DIR", help="A new folder, an empty one, or an earlier export.")
    ],
    frame: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Write this frame, not all of them; repeatable."),
    ] = None,
    recursive: Recursive = False,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Write the frames of all stores as Parquet; into an earlier export only what has changed.

    Ends with 1 if a store could not be read, or in part only; all others are in the export.
    """
    out = Output(as_json=as_json)
    shows = not as_json and out.console.is_terminal
    with open_corpus(folder, recursive=recursive) as corpus, warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedDataWarning)  # what it says is told below
        report = corpus.to_parquet(to, frames=frame or None, executor=workers, progress=shows)
        unread = corpus.errors()[["path", "stage", "error", "message", "partly"]]
    out.say(
        f"{report.folder}: {counted(report.files, 'session')} in "
        f"{counted(report.parts, 'Parquet file')}, {bytes_text(report.parquet_bytes)}",
        style="bold",
    )
    out.say(f"{report.read:,} read, {report.kept:,} as before, {report.removed:,} gone.")
    out.say(f"Frames: {', '.join(report.frames)}", style="dim")
    say_unread(unread.drop_duplicates(["path", "error", "message"]), out)
    out.json(dataclasses.asdict(report) | {"unread": records(unread)})
    raise typer.Exit(NOT_READ if report.failed or len(unread) else READ)
