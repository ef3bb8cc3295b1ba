"""The batch collection of a folder of stores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from lashgraph.cli.arguments import AsJson
from lashgraph.cli.output import Output, records
from lashgraph.corpus import CorpusGcPlan, CorpusGcReport, open_corpus
from lashgraph.format.sizes import bytes_text
from lashgraph.reach import GcPolicy

DONE, LEFT_OUT, STOPPED = 0, 1, 130
_ROWS = 20
_LEFT_OUT = {"alarm", "refused", "locked", "unreadable", "changed"}
"""Verdicts and reasons of files that somebody should look at."""

_AT_THE_SWEEP = {"changed", "locked"}
"""Those of them that show only when it is swept."""

corpus_gc = typer.Typer()


@corpus_gc.command()
def gc(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder of session stores.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Delete; without it this is a dry run.")] = (
        False
    ),
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="So many processes; else none but this.")
    ] = None,
    policy: Annotated[
        Literal["safe", "runtime"], typer.Option(help="What counts as a root.")
    ] = "safe",
    keep_turns: Annotated[
        int, typer.Option(min=0, help="Keep the checkpoints of the latest turns.")
    ] = 0,
    free_bytes: Annotated[
        int | None, typer.Option(min=0, help="Free no more than this needs, largest garbage first.")
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", help="Go through folders inside it too.")
    ] = False,
    backup: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Keep verified copies of the stores in this folder first."
        ),
    ] = None,
    compact: Annotated[
        bool, typer.Option("--compact", help="Shrink the files afterwards.")
    ] = False,
    secure: Annotated[
        bool, typer.Option("--secure", help="Overwrite deleted content with zeros.")
    ] = False,
    accept_unusual: Annotated[
        bool, typer.Option("--accept-unusual", help="Delete also what nothing explains.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what a collection of each store would delete, and with --yes delete it.

    Ends with 1 if a store was left out that has to be looked at: refused, unusual, unreadable,
    locked, changed meanwhile, or failed.
    """
    out = Output(as_json=as_json)
    shows = not as_json and out.console.is_terminal
    with open_corpus(folder, recursive=recursive, mode="rw" if yes else "r") as corpus:
        plan = corpus.plan_gc(
            GcPolicy(policy, keep_turns), free_bytes=free_bytes, executor=workers, progress=shows
        )
        _show_plan(plan, out)
        report = None
        if yes:
            try:
                report = plan.sweep(
                    backup=backup,
                    executor=workers,
                    compact=compact,
                    secure=secure,
                    accept_unusual=accept_unusual,
                    progress=shows,
                )
            except KeyboardInterrupt as stopped:
                typer.echo(f"{stopped}", err=True)
                raise typer.Exit(STOPPED) from None
            _show_report(report, out)
        else:
            out.say("This was a dry run: nothing was deleted. --yes deletes.", style="bold")
        listing = corpus.errors()
        unlisted = listing[listing["stage"] == "list"]
        for row in unlisted.itertuples():
            out.say(f"not listed: {row.message}", style="red")
    out.json(_facts(plan, report) | {"unlisted": records(unlisted[["path", "message"]])})
    bad = _needs_a_look(plan, report) or len(unlisted) > 0
    raise typer.Exit(LEFT_OUT if bad else DONE)


def _show_plan(plan: CorpusGcPlan, out: Output) -> None:
    size = bytes_text(plan.deleted_bytes)
    out.heading(
        f"Policy {plan.policy.name}: {plan.counts['sweep']:,} of {len(plan.files):,} stores have "
        f"{plan.deleted_blob_count:,} blobs to delete ({size})"
    )
    frame = plan.frame()
    sweep = frame[frame["verdict"] == "sweep"].sort_values(
        ["deleted_bytes", "path"], ascending=[False, True]
    )
    if len(sweep):
        columns = ["session_id", "deleted_blob_count", "deleted_bytes", "kept_bytes", "file_bytes"]
        out.frame(sweep, columns, rows=_ROWS)
    _say_left_out([(row.verdict, row.path, row.message) for row in plan.files], out)


def _show_report(report: CorpusGcReport, out: Output) -> None:
    counts = report.counts
    out.heading(
        f"Deleted {report.deleted_blob_count:,} blobs ({bytes_text(report.deleted_bytes)}) in "
        f"{counts['done']:,} stores; {counts['skipped']:,} skipped, {counts['failed']:,} failed"
    )
    out.say(
        f"The stores that were swept have {bytes_text(report.file_bytes_after)} "
        f"(before: {bytes_text(report.file_bytes_before)})."
    )
    new = [row for row in report.files if row.outcome == "failed" or row.reason in _AT_THE_SWEEP]
    _say_left_out([(row.reason or row.outcome, row.path, row.message) for row in new], out)
    if report.journal:
        out.say(f"Journal: {report.journal}", style="dim")
    if report.journal_error:
        out.say(report.journal_error, style="red")


def _say_left_out(found: Sequence[tuple[str, str, str | None]], out: Output) -> None:
    shown = [row for row in found if row[0] in _LEFT_OUT or row[0] == "failed"]
    for what, path, message in shown[:_ROWS]:
        told = message if message and path in message else f"{path}: {message}"
        out.say(f"{what}: {told}", style="red")
    if len(shown) > _ROWS:
        out.say(f"… {len(shown):,} in all; --json lists them", style="dim")


def _needs_a_look(plan: CorpusGcPlan, report: CorpusGcReport | None) -> bool:
    if report is None:
        return any(row.verdict in _LEFT_OUT for row in plan.files)
    return any(row.outcome == "failed" or row.reason in _LEFT_OUT for row in report.files)


def _facts(plan: CorpusGcPlan, report: CorpusGcReport | None) -> dict[str, object]:
    facts: dict[str, object] = {
        "policy": plan.policy.name,
        "dry_run": report is None,
        "verdicts": plan.counts,
        "deleted_blob_count": plan.deleted_blob_count,
        "deleted_bytes": plan.deleted_bytes,
        "plan": records(plan.frame()),
    }
    if report is not None:
        facts |= {
            "outcomes": report.counts,
            "deleted_blob_count": report.deleted_blob_count,
            "deleted_bytes": report.deleted_bytes,
            "file_bytes_before": report.file_bytes_before,
            "file_bytes_after": report.file_bytes_after,
            "journal": report.journal,
            "journal_error": report.journal_error,
            "report": records(report.frame()),
        }
    return facts
