"""The commands, and how each ends: 0 done, 1 refused or damaged, 2 wrong usage."""

from __future__ import annotations

import sys
import warnings
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from lashgraph.cli.arguments import AsJson, File
from lashgraph.cli.backups import backups
from lashgraph.cli.check import run_check
from lashgraph.cli.corpus import corpus
from lashgraph.cli.demo import run_demo
from lashgraph.cli.output import Output, visible
from lashgraph.cli.plot import plotting
from lashgraph.cli.reading import reading
from lashgraph.cli.redact import redacting
from lashgraph.cli.report import reporting
from lashgraph.cli.searching import searching
from lashgraph.cli.store import run_gc, run_info
from lashgraph.cli.why import run_why
from lashgraph.errors import (
    AmbiguousHashError,
    InvalidRecordError,
    LashgraphError,
    LashgraphWarning,
    NotAFileError,
    StoreNotFoundError,
    UnknownBlobError,
    UnknownNodeError,
    UnknownRefError,
)
from lashgraph.reach import GcPolicy
from lashgraph.version import __version__

REFUSED = 1
USAGE = 2
_USAGE_ERRORS = (
    AmbiguousHashError,
    StoreNotFoundError,
    NotAFileError,
    InvalidRecordError,
    UnknownBlobError,
    UnknownNodeError,
    UnknownRefError,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Look into, simulate and collect lash session stores.",
)


class PolicyName(StrEnum):
    """The two policies."""

    SAFE = "safe"
    RUNTIME = "runtime"


class CheckLevel(StrEnum):
    """How far a check goes."""

    QUICK = "quick"
    FULL = "full"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lashgraph {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Look into, simulate and collect lash session stores."""


@app.command()
def demo(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Where the sample stores are made.")
    ] = Path("lashgraph-demo"),
    seed: Annotated[int, typer.Option(help="Another seed gives other stores.")] = 0,
) -> None:
    """Make sample stores, look into one, simulate a collection, run it on a copy."""
    raise typer.Exit(run_demo(folder, seed, Output(as_json=False)))


@app.command()
def info(file: File, as_json: AsJson = False) -> None:
    """What a store holds, what a collection would free, and what is wrong with it."""
    raise typer.Exit(run_info(file, Output(as_json=as_json)))


@app.command()
def check(
    file: File,
    level: Annotated[
        CheckLevel, typer.Option(help="full also reads and hashes every blob.")
    ] = CheckLevel.QUICK,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with a store; ends with 1 if something is lost or cannot be read."""
    raise typer.Exit(run_check(file, level.value, Output(as_json=as_json)))


@app.command()
def why(
    file: File,
    blob: Annotated[
        str, typer.Argument(metavar="HASH", help="A blob's hash, or a beginning that only it has.")
    ],
    policy: Annotated[PolicyName, typer.Option(help="What counts as a root.")] = PolicyName.SAFE,
    keep_turns: Annotated[
        int, typer.Option(min=0, help="Take the latest turns for roots, too.")
    ] = 0,
    every: Annotated[
        bool, typer.Option("--all", help="Every chain that leads to it, not the shortest.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what keeps a blob, or what named it last; ends with 1 if it is kept but not there."""
    chosen = GcPolicy(policy.value, keep_turns)
    raise typer.Exit(run_why(file, blob, chosen, Output(as_json=as_json), every=every))


@app.command()
def gc(
    file: File,
    yes: Annotated[bool, typer.Option("--yes", help="Delete; without it this is a dry run.")] = (
        False
    ),
    policy: Annotated[PolicyName, typer.Option(help="What counts as a root.")] = PolicyName.SAFE,
    keep_turns: Annotated[
        int, typer.Option(min=0, help="Keep the checkpoints of the latest turns.")
    ] = 0,
    keep: Annotated[
        list[str] | None, typer.Option(help="Keep this ref too, such as turn:t7; repeatable.")
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="Do not keep this root, if any; repeatable.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Keep turns since this time, such as 2026-01-31."),
    ] = None,
    free_bytes: Annotated[
        int | None, typer.Option(min=0, help="Keep as many turns as leave so much to free.")
    ] = None,
    max_file_bytes: Annotated[
        int | None,
        typer.Option(min=0, help="Keep as many turns as fit a compacted file of this size."),
    ] = None,
    backup: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep a verified copy of the store in this folder first."),
    ] = None,
    compact: Annotated[bool, typer.Option("--compact", help="Shrink the file afterwards.")] = False,
    secure: Annotated[
        bool, typer.Option("--secure", help="Overwrite deleted content with zeros.")
    ] = False,
    accept_unusual: Annotated[
        bool, typer.Option("--accept-unusual", help="Delete also what nothing explains.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what a collection would delete, and with --yes delete it."""
    code = run_gc(
        file,
        GcPolicy(policy.value).replace(
            keep_turns=keep_turns, keep=keep or (), drop=drop or (), since=since
        ),
        Output(as_json=as_json),
        budgets={"free_bytes": free_bytes, "max_file_bytes": max_file_bytes},
        yes=yes,
        backup=backup,
        compact=compact,
        secure=secure,
        accept_unusual=accept_unusual,
    )
    raise typer.Exit(code)


app.add_typer(reading)
app.add_typer(plotting)
app.add_typer(reporting)
app.add_typer(backups)
app.add_typer(searching)
app.add_typer(redacting)
app.add_typer(corpus, name="corpus")


def main() -> None:
    """Run the command line."""
    errors = Console(stderr=True, soft_wrap=True, highlight=False)

    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", LashgraphWarning)
            try:
                app()
            finally:
                for warning in told:
                    text = visible(str(warning.message))
                    errors.print("warning:", text, style="yellow", markup=False)
    except LashgraphError as error:
        errors.print("error:", visible(str(error)), style="red", markup=False)
        sys.exit(USAGE if isinstance(error, _USAGE_ERRORS) else REFUSED)
    except OSError as error:
        errors.print("error:", visible(str(error)), style="red", markup=False)
        sys.exit(REFUSED)
