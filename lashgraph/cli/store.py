"""The commands over one store: what it holds, and its garbage collection."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from lashgraph.cli.output import Output, records
from lashgraph.errors import DamagedStoreError
from lashgraph.format.sizes import bytes_text
from lashgraph.frames.tokens import TOKENS
from lashgraph.gc import Forecast, GcPlan
from lashgraph.reach import GcPolicy
from lashgraph.store import Store
from lashgraph.store import open as open_store

DONE = 0
REFUSED = 1
_REASONS_SHOWN = 12
_PROBLEMS_SHOWN = 20


def run_info(path: Path, out: Output) -> int:
    """Print what a store holds; 1 if something in it is wrong."""
    with open_store(path) as store, store.snapshot():
        sessions, problems = store.sessions(), store.problems()
        kinds = by_kind(store.blobs())
        policies = {name: _policy_facts(store, GcPolicy(name)) for name in ("safe", "runtime")}
    row = sessions.iloc[0]
    out.say(f"{store.path}: session {row['session_id']!r}", style="bold")
    texts = ("name", "model", "provider_id", "cwd", "relation", "parent_session_id", "leaf_node_id")
    counts = ("head_revision", "n_nodes", "n_tombstoned", "n_turns", "n_agent_frames", "n_blobs")
    tokens = tuple(column.name for column in TOKENS)
    sizes = ("file_bytes", "wal_bytes", "freelist_bytes", "blob_bytes", "reclaimable_bytes")
    out.facts(
        {name: str(row[name]) for name in ("created_at", *texts) if pd.notna(row[name])}
        | {name: f"{row[name]:,}" for name in (*counts, *tokens) if pd.notna(row[name])}
        | {name: bytes_text(int(row[name])) for name in sizes}
    )
    out.heading("Blobs by kind")
    out.frame(kinds, list(kinds.columns), rows=20)
    out.heading("A garbage collection would")
    for name, facts in policies.items():
        out.say(f"{name}: {facts['summary']}")
    if len(problems):
        out.heading("Problems")
        for problem in problems.head(_PROBLEMS_SHOWN).itertuples():
            out.say(f"{problem.table} {problem.key}: {problem.what}")
        if len(problems) > _PROBLEMS_SHOWN:
            out.say(f"… {len(problems):,} in all; store.problems() lists them", style="dim")
    out.json(
        {
            "session": records(sessions)[0],
            "blobs_by_kind": records(kinds),
            "gc": policies,
            "problems": records(problems[["table", "key", "what"]]),
        }
    )
    return REFUSED if len(problems) else DONE


def _policy_facts(store: Store, policy: GcPolicy) -> dict[str, object]:
    try:
        plan = store.plan_gc(policy)
    except DamagedStoreError as error:
        summary = f"be refused: {'; '.join(error.findings)}"
        return {"verdict": "refuse", "findings": list(error.findings), "summary": summary}
    summary = (
        f"delete {plan.deleted_blob_count:,} blobs ({bytes_text(plan.deleted_bytes)}) "
        f"and keep {plan.kept_blob_count:,} ({bytes_text(plan.kept_bytes)})"
    )
    return {
        **_verdict(plan),
        "deleted_blob_count": plan.deleted_blob_count,
        "deleted_bytes": plan.deleted_bytes,
        "kept_blob_count": plan.kept_blob_count,
        "kept_bytes": plan.kept_bytes,
        "summary": f"{summary}, but be refused: {plan.refusal}" if plan.refusal else summary,
    }


def _verdict(plan: GcPlan) -> dict[str, object]:
    if plan.refusal:
        return {"verdict": "refuse", "findings": [plan.refusal]}
    return {"verdict": "sweep"}


def run_gc(
    path: Path,
    policy: GcPolicy,
    out: Output,
    *,
    budgets: Mapping[str, int | None],
    yes: bool,
    backup: Path | None = None,
    compact: bool = False,
    secure: bool = False,
    accept_unusual: bool = False,
) -> int:
    """Print what a collection would delete, and delete it if that was asked for; 1 if refused."""
    with open_store(path, "rw" if yes else "r") as store:
        try:
            plan = store.plan_gc(policy, **budgets)
        except DamagedStoreError as error:
            out.json({"path": store.path, "verdict": "refuse", "findings": list(error.findings)})
            if out.as_json:
                return REFUSED
            raise
        show_plan(plan, store, out)
        forecast = show_forecast(store.forecast(plan), out)
        report = None
        if yes and not plan.refusal:
            report = store.sweep(
                plan,
                backup=backup,
                compact=compact,
                secure=secure,
                accept_unusual=accept_unusual,
                progress=backup is not None and not out.as_json and out.console.is_terminal,
            )
        done = {
            "path": store.path,
            **_verdict(plan),
            "policy": policy.name,
            "keep_turns": plan.policy.keep_turns,
            "dry_run": report is None,
            "root_count": plan.root_count,
            "retained_blob_count": plan.retained_blob_count,
            "deleted_blob_count": plan.deleted_blob_count,
            "deleted_bytes": plan.deleted_bytes,
            "kept_blob_count": plan.kept_blob_count,
            "kept_bytes": plan.kept_bytes,
            "alarms": list(plan.alarms),
            "forecast": forecast,
            "file_bytes_before": report.file_bytes_before if report else None,
            "file_bytes_after": report.file_bytes_after if report else None,
            "backup": report.backup if report else None,
            "freed_content_in_file": report.freed_content_in_file if report else False,
            "doomed": records(plan.doomed()),
        }
        out.json(done)
    if plan.refusal:
        out.say(f"A sweep is refused: {plan.refusal}. Nothing was deleted.", style="bold red")
        return REFUSED
    if report is None:
        out.say("This was a dry run: nothing was deleted. --yes deletes.", style="bold")
    else:
        out.say(f"Deleted {report.deleted_blob_count:,} blobs.", style="bold")
        out.say(
            f"The file has {bytes_text(report.file_bytes_after)} "
            f"(before: {bytes_text(report.file_bytes_before)})."
        )
        if report.backup:
            out.say(f"The store as it was: {report.backup} (lashgraph restore puts it back).")
        if report.freed_content_in_file:
            out.say("Freed pages keep their content; --compact removes it, --secure overwrites it.")
    return DONE


def show_forecast(forecast: Forecast, out: Output) -> dict[str, object]:
    """What the file will be, and the same as JSON: each figure as its least and its most."""
    figures = {
        "file_bytes_after_sweep": "after the sweep",
        "file_bytes_after_compact": "compacted too",
    }
    told = [f"The file has {bytes_text(forecast.file_bytes)} now"]
    for figure, what in figures.items():
        low, high = (bytes_text(end) for end in forecast.bounds(figure))
        told.append(f"{what} {low if low == high else f'{low} to {high}'}")
    out.say("; ".join(told) + ".")
    names = ("pages_freed", "freelist_after_sweep", *figures)
    return {
        "exact": forecast.exact,
        "file_bytes": forecast.file_bytes,
        **{name: list(forecast.bounds(name)) for name in names},
    }


def show_plan(plan: GcPlan, store: Store, out: Output) -> None:
    """What a plan deletes by kind, and what it keeps and why."""
    kinds = store.blobs()[["hash", "kind"]]
    doomed, kept = (frame.merge(kinds, on="hash") for frame in (plan.doomed(), plan.kept()))
    out.heading(
        f"Policy {plan.policy.name}: delete {plan.deleted_blob_count:,} blobs "
        f"({bytes_text(plan.deleted_bytes)})"
    )
    summary = by_kind(doomed)
    out.frame(summary, list(summary.columns), rows=20)
    out.heading(f"Keep {plan.kept_blob_count:,} ({bytes_text(plan.kept_bytes)})")
    reasons = (
        kept.groupby(["reason", "kind"], observed=True)["stored_bytes"]
        .agg(n_blobs="size", stored_bytes="sum")
        .reset_index()
        .rename(columns={"reason": "kept by"})
    )
    out.frame(reasons, list(reasons.columns), rows=_REASONS_SHOWN)
    for alarm in plan.alarms:
        out.say(f"UNUSUAL: {alarm}", style="bold red")


def by_kind(blobs: pd.DataFrame) -> pd.DataFrame:
    """Number and stored bytes of blobs by kind, the largest first."""
    sizes = blobs.groupby("kind")["stored_bytes"]
    table = pd.DataFrame({"n_blobs": sizes.size(), "stored_bytes": sizes.sum()})
    return table.sort_values("stored_bytes", ascending=False).reset_index()
