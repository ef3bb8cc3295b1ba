"""The summary of a folder of stores: where its bytes are, and what could not be read."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pandas as pd
import typer

from lashgraph.cli.arguments import AsJson, Folder, Recursive, Workers
from lashgraph.cli.output import Output, records
from lashgraph.corpus import Corpus, open_corpus
from lashgraph.corpus.families import families_frame
from lashgraph.corpus.shared import shared_frame
from lashgraph.corpus.summary import CALLS_NEEDED, by_family, by_kind, by_tool, largest
from lashgraph.errors import DamagedDataWarning
from lashgraph.format.sizes import bytes_text, counted

READ, NOT_READ = 0, 1
_BLOBS = ("path", "session_id", "hash", "kind", "stored_bytes", "reachable_safe")
_SESSIONS = [
    "session_id",
    "model",
    "n_turns",
    "n_tool_calls",
    "file_bytes",
    "blob_bytes",
    "reclaimable_bytes",
]
_FAMILIES = ["root_session_id", "n_sessions", "n_turns", "file_bytes", "input_tokens"]
_TOOLS = ["tool_name", "n_calls", "n_failed", "arg_bytes", "result_bytes", "median_seconds"]
_SUMS = ("n_turns", "n_tool_calls", "file_bytes", "blob_bytes", "reclaimable_bytes")

corpus_show = typer.Typer()


@corpus_show.command()
def show(
    folder: Folder,
    *,
    recursive: Recursive = False,
    workers: Workers = None,
    rows: Annotated[
        int, typer.Option(min=1, metavar="N", help="Show so many rows of each table.")
    ] = 10,
    as_json: AsJson = False,
) -> None:
    """Say where the bytes are: by session, kind, tool and family; and what could not be read.

    Ends with 1 if a store could not be read, or in part only.
    """
    out = Output(as_json=as_json)
    shows = not as_json and out.console.is_terminal
    with open_corpus(folder, recursive=recursive) as corpus, warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedDataWarning)  # what it says is told below
        found = summary(corpus, workers, progress=shows)
    _show(folder, found, out, rows)
    out.json({"folder": str(folder)} | found.facts())
    raise typer.Exit(NOT_READ if len(found.unread) or len(found.problems) else READ)


class Summary(NamedTuple):
    """What is told of a corpus; the tables have what weighs most first."""

    sums: dict[str, int]
    families: pd.DataFrame
    sessions: pd.DataFrame
    kinds: pd.DataFrame
    tools: pd.DataFrame
    problems: pd.DataFrame
    unread: pd.DataFrame
    skipped: pd.DataFrame

    def facts(self) -> dict[str, Any]:
        """The same as JSON values."""
        tables = {name: records(getattr(self, name)) for name in self._fields if name != "sums"}
        return {"sums": self.sums, **tables}


def summary(corpus: Corpus, workers: int | None = None, *, progress: bool = False) -> Summary:
    """Read each store for three frames, and sum them up."""
    sessions = corpus.sessions(executor=workers, progress=progress)
    blobs = corpus.blobs(columns=_BLOBS, executor=workers, progress=progress)
    calls = corpus.tool_calls(columns=CALLS_NEEDED, executor=workers, progress=progress)
    shared, sizes = shared_frame(blobs)
    sums = {"n_sessions": len(sessions)} | {name: int(sessions[name].sum()) for name in _SUMS}
    sums["wal_bytes"] = int(sessions["wal_bytes"].sum())
    sums["n_shared_blobs"] = len(shared)
    sums["deduplicated_bytes"] = sizes.deduplicated_bytes
    tools = by_tool(calls)
    tools["median_seconds"] = tools["median_seconds"].round(1)
    errors = corpus.errors()[["path", "stage", "error", "message", "partly"]]
    return Summary(
        sums,
        by_family(families_frame(sessions)),
        largest(sessions, "file_bytes", "path"),
        by_kind(blobs, blobs["reachable_safe"]),
        tools,
        sessions.loc[sessions["n_problems"] > 0, ["path", "session_id", "n_problems"]],
        errors.drop_duplicates(["path", "error", "message"]),
        corpus.skipped()[["path", "reason", "what"]],
    )


def _show(folder: Path, found: Summary, out: Output, rows: int) -> None:
    sums = {name: bytes_text(size) for name, size in found.sums.items() if name.endswith("_bytes")}
    out.say(
        f"{folder}: {counted(found.sums['n_sessions'], 'session')}, "
        f"{counted(found.sums['n_turns'], 'turn')}, "
        f"{counted(found.sums['n_tool_calls'], 'tool call')}",
        style="bold",
    )
    out.say(
        f"Their files have {sums['file_bytes']}, blobs are {sums['blob_bytes']} of it, and "
        f"{sums['reclaimable_bytes']} of these a collection would delete."
    )
    out.say(
        f"Contents that stand in several files: {found.sums['n_shared_blobs']:,}; with one copy of "
        f"each the blobs would have {sums['deduplicated_bytes']}."
    )
    several = found.families[found.families["n_sessions"] > 1]
    tables = (
        ("Bytes by session", found.sessions, _SESSIONS),
        ("Bytes by kind of blob", found.kinds, list(found.kinds.columns)),
        ("Bytes by tool", found.tools, _TOOLS),
        ("Bytes by family of several sessions", several, _FAMILIES),
    )
    for heading, frame, columns in tables:
        if len(frame):
            out.heading(heading)
            out.frame(frame, columns, rows=rows)
    if len(found.skipped):
        out.heading("Left out, since they are no sessions")
        for row in found.skipped.head(rows).itertuples():
            out.say(f"{row.reason}: {row.path}: {row.what}", style="dim")
    if len(found.problems):
        out.heading("Sessions with damage; lashgraph check FILE tells more")
        for row in found.problems.head(rows).itertuples():
            out.say(f"{row.path}: {row.n_problems:,} in session {row.session_id!r}", style="red")
        if len(found.problems) > rows:
            out.say(f"… {len(found.problems):,} in all; --json lists them", style="dim")
    say_unread(found.unread, out, rows)


def say_unread(unread: pd.DataFrame, out: Output, rows: int = 20) -> None:
    """Files that could not be read, as `Corpus.errors` has them; nothing if there are none."""
    if not len(unread):
        return
    out.heading("Could not be read, or in part only")
    for row in unread.head(rows).itertuples():
        path, message = str(row.path), str(row.message)
        out.say(message if path in message else f"{path}: {message}", style="red")
    if len(unread) > rows:
        out.say(f"… {len(unread):,} in all; --json lists them", style="dim")
