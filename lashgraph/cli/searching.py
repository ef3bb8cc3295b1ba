"""``lashgraph search``: what the sessions of a folder say."""

from __future__ import annotations

import warnings
from typing import Annotated

import pandas as pd
import typer

from lashgraph.cli.arguments import AsJson, Folder, Recursive, Workers
from lashgraph.cli.corpus_show import NOT_READ, READ, say_unread
from lashgraph.cli.output import Output, records
from lashgraph.corpus import open_corpus
from lashgraph.errors import DamagedDataWarning
from lashgraph.format.sizes import counted

_SHOWN = ("node_id", "kind", "role", "tool_name", "snippet")

searching = typer.Typer()


@searching.command()
def search(
    folder: Folder,
    pattern: Annotated[
        str, typer.Argument(metavar="PATTERN", help="A text, letter by letter; see --regex.")
    ],
    *,
    regex: Annotated[
        bool, typer.Option("--regex", help="PATTERN is a regular expression, as Python has them.")
    ] = False,
    role: Annotated[
        str | None, typer.Option(help="Only messages of this role: User, Assistant, System, Event.")
    ] = None,
    tool: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only calls of this tool and their results.")
    ] = None,
    tombstoned: Annotated[
        bool, typer.Option("--tombstoned", help="Search nodes that wait for vacuum, too.")
    ] = False,
    recursive: Recursive = False,
    workers: Workers = None,
    lines: Annotated[
        int, typer.Option(min=0, metavar="N", help="Print at most so many; 0 prints all.")
    ] = 200,
    as_json: AsJson = False,
) -> None:
    """Find what sessions say: in messages, protocol events and plugin entries.

    Ends with 1 if a store could not be read, or in part only; finding nothing is no failure.
    """
    out = Output(as_json=as_json)
    shows = not as_json and out.console.is_terminal
    with open_corpus(folder, recursive=recursive) as corpus, warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedDataWarning)  # what it says is told below
        hits = corpus.search(
            None if regex else pattern,
            regex=pattern if regex else None,
            role=role,
            tool=tool,
            tombstoned=tombstoned,
            executor=workers,
            progress=shows,
        )
        unread = corpus.errors()[["path", "stage", "error", "message", "partly"]]
    _show(hits, lines or len(hits), out)
    say_unread(unread, out)
    out.json({"hits": records(hits), "unread": records(unread)})
    raise typer.Exit(NOT_READ if len(unread) else READ)


def _show(hits: pd.DataFrame, lines: int, out: Output) -> None:
    """The hits below the session that they stand in."""
    n_files = hits["path"].nunique()
    shown = hits.head(lines)
    for path, found in shown.groupby("path", sort=False):
        out.heading(f"{path}: session {found['session_id'].iloc[0]!r}")
        columns = [found[name].tolist() for name in _SHOWN]
        for node_id, kind, role, tool, snippet in zip(*columns, strict=True):
            said = [role if isinstance(role, str) else kind, tool if isinstance(tool, str) else ""]
            out.say(f"  {node_id} {' '.join(said).strip()}: {snippet}")
    if len(shown) < len(hits):
        out.say(f"… the first {len(shown):,} of them; --lines 0 prints all", style="dim")
    out.heading(f"Found in {counted(len(hits), 'text')} of {counted(n_files, 'session')}")
