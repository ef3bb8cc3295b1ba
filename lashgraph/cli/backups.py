"""Commands over two files: a backup put back, and two stores compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lashgraph.cli.arguments import AsJson
from lashgraph.cli.output import Output, records
from lashgraph.gc import restore as put_back
from lashgraph.store import compare as compare_stores

SAME, DIFFERENT = 0, 1
_ROWS = 40

backups = typer.Typer()


@backups.command()
def restore(
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="Made by gc --backup.")],
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where; by default where it was made of.")
    ] = None,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Undo also what was done since the backup.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup back in the place of the store it was made of."""
    out = Output(as_json=as_json)
    done = put_back(backup, to, accept_loss=accept_loss)
    changes = "a new file" if done.changes is None else done.changes.summary()
    out.json({"path": done.path, "backup": done.backup, "changes": changes})
    out.say(f"Restored {done.path}: {changes}.", style="bold")


@backups.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="A session store.")],
    other: Annotated[Path, typer.Argument(metavar="B", help="Another; added is what it has more.")],
    as_json: AsJson = False,
) -> None:
    """Say what one store has more, less or otherwise than another; ends with 1 if they differ."""
    out = Output(as_json=as_json)
    found = compare_stores(first, other)
    out.say(f"{first} and {other}: {found.summary()}", style="bold")
    frame = found.frame()
    columns = ["entity", "change", "key", "columns", "before", "after"]
    if len(frame):
        out.frame(frame, columns, rows=_ROWS)
    out.json({"same": found.is_same, "differences": records(frame[columns])})
    raise typer.Exit(SAME if found.is_same else DIFFERENT)
