"""``lashgraph redact``: copies of stores that can be shared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lashgraph.cli.arguments import AsJson, Recursive
from lashgraph.cli.output import Output, records
from lashgraph.format.sizes import counted
from lashgraph.redact import redact as make_copies
from lashgraph.redact.report import Redacted

DONE, NOT_ALL = 0, 1

redacting = typer.Typer()


@redacting.command()
def redact(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="A session store, or a folder of stores.")
    ],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder for the copies.")],
    recursive: Recursive = False,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="Repeatable, for tests: whoever knows N can check guesses."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Copy stores without what was said in them: the same graph, sizes and times.

    What is printed names the originals. Ends with 1 if a store could not be copied.
    """
    told = Output(as_json=as_json)
    report = make_copies(source, out, recursive=recursive, seed=seed)
    frame = report.frame()
    n_copies = report.counts["redacted"]
    told.say(
        f"{report.folder}: {counted(n_copies, 'copy', 'copies')}, each searched for "
        f"{report.n_words:,} words of the originals",
        style="bold",
    )
    for file in report.files:
        if file.output is not None:
            told.say(f"{file.path} -> {file.output}: {_described(file)}")
    for outcome, style in (("failed", "red"), ("skipped", "dim")):
        for file in report.files:
            if file.outcome == outcome:
                told.say(f"{outcome}: {file.message}", style=style)
    told.json(
        {
            "folder": report.folder,
            "n_words": report.n_words,
            "counts": report.counts,
            "files": records(frame),
        }
    )
    raise typer.Exit(DONE if report.complete else NOT_ALL)


def _described(file: Redacted) -> str:
    """What a copy has, and what of its original could not be read."""
    facts = [counted(file.n_nodes or 0, "node"), counted(file.n_blobs or 0, "blob")]
    for count, unit, units in (
        (file.n_unreadable_nodes, "unreadable node", None),
        (file.n_unreadable_blobs, "unreadable blob", None),
        (file.n_resized, "cell of another size", "cells of another size"),
    ):
        if count:
            facts.append(counted(count, unit, units))
    return ", ".join(facts)
