"""Sections about the collection of one store: the dry run, and what keeping turns costs."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from lashgraph import plot
from lashgraph.errors import DamagedStoreError
from lashgraph.format.html import Markup, element
from lashgraph.format.sizes import bytes_text, counted
from lashgraph.gc import Forecast, GcPlan
from lashgraph.reach import GcPolicy
from lashgraph.report.facts import StoreFacts
from lashgraph.report.pieces import Pieces, facts, note, paragraph, size
from lashgraph.report.tables import counts, names, sums, text, times, words

_STEPS = {step * 10**power for power in range(7) for step in (1, 2, 5)}


def policy_told(policy: GcPolicy) -> str:
    """A policy in words."""
    kept = f", keeping the latest {counted(policy.keep_turns, 'turn')}" if policy.keep_turns else ""
    return f"the {policy.name} policy{kept}"


def collection(asked: StoreFacts, pieces: Pieces) -> Iterator[Markup]:
    """What a collection would do to the store, or why it is refused."""
    try:
        plan = asked.plan
    except DamagedStoreError as error:
        yield refused(error.findings, asked.policy)
    else:
        yield from _planned(plan, asked, pieces)
    yield pieces.figure(
        plot.reachability(asked.reach),
        "What keeps what alive: roots, the manifests they name, and blobs; dead blobs apart. The "
        "area of a circle is its stored bytes.",
    )


def refused(findings: tuple[str, ...], policy: GcPolicy) -> Markup:
    """Why there is no plan."""
    reasons = [element("li", text(finding)) for finding in findings]
    head = element("b", "A collection is refused.")
    why = f" Under {policy_told(policy)}, damage could hide a root:"
    return element("div", head, why, element("ul", *reasons), class_="note bad")


def _planned(plan: GcPlan, asked: StoreFacts, pieces: Pieces) -> Iterator[Markup]:
    yield paragraph(
        f"Under {policy_told(plan.policy)}, a collection would delete ",
        element("b", counted(plan.deleted_blob_count, "blob")),
        f", {size(plan.deleted_bytes)}, which is {plan.deleted_share:.1%} of all stored bytes, and "
        f"keep {counted(plan.kept_blob_count, 'blob')}, {size(plan.kept_bytes)}. "
        "This is a dry run: nothing was deleted.",
    )
    if plan.refusal:
        yield note("bad", element("b", "A sweep is refused: "), text(plan.refusal), ".")
    for alarm in plan.alarms:
        yield note(
            "bad",
            element("b", "Unusual: "),
            text(alarm),
            ". A sweep of this plan must be asked for with ",
            element("code", "accept_unusual"),
            ".",
        )
    yield pieces.figure(
        plot.gc_plan(plan),
        "The plan: stored bytes of blobs before, those freed, and those left by what keeps them.",
    )
    reasons = pd.DataFrame(
        [(name, count, held) for name, (count, held) in plan.by_reason().items()],
        columns=["reason", "n_blobs", "stored_bytes"],
    )
    columns = [
        words("reason", "why"),
        sums("n_blobs", "blobs"),
        sums("stored_bytes", "stored (bytes)"),
    ]
    yield pieces.table("Blobs by what the plan does with them.", reasons, columns, unit="reason")
    yield from _forecast(asked.forecast)
    kept = plan.kept().merge(asked.blobs[["hash", "kind"]], on="hash", how="left")
    columns = [
        names("hash", "blob"),
        words("kind", "kind"),
        sums("stored_bytes", "stored (bytes)"),
        names("reason", "kept by"),
    ]
    yield pieces.table(
        "The largest blobs that stay, and the root that keeps each.",
        kept.sort_values(["stored_bytes", "hash"], ascending=[False, True]),
        columns,
        unit="blob",
    )


def _forecast(forecast: Forecast) -> Iterator[Markup]:
    def told(figure: str, *, as_bytes: bool = True) -> str:
        ends = sorted(set(forecast.bounds(figure)))
        return " to ".join(size(end) if as_bytes else f"{end:,}" for end in ends)

    yield facts(
        {
            "file now, its log folded in": size(forecast.file_bytes),
            "file after the sweep": told("file_bytes_after_sweep"),
            "file after compact() too": told("file_bytes_after_compact"),
            "pages freed": f"{told('pages_freed', as_bytes=False)} of "
            f"{bytes_text(forecast.page_size)} each",
        }
    )
    how = (
        "This forecast is exact: sweep and compaction were tried on a copy."
        if forecast.exact
        else "There was no room for a copy to try it on, so these are bounds."
    )
    yield paragraph(how)


def retention(asked: StoreFacts, pieces: Pieces) -> Iterator[Markup]:
    """How garbage grew, and what each number of turns to keep would cost."""
    yield pieces.figure(
        plot.retention(asked.history),
        "Stored bytes of the blobs that turns name: those of the current checkpoint, and those "
        "that only earlier turns named.",
    )
    try:
        found = asked.retention
    except DamagedStoreError as error:
        yield note("odd", "A collection is refused: ", text("; ".join(error.findings)))
        return
    steps = found["keep_turns"].isin([0, *_STEPS]) | (found.index == len(found) - 1)
    columns = [
        counts("keep_turns", "turns kept"),
        times("oldest_committed_at", "since"),
        counts("freed_blobs", "blobs freed"),
        counts("freed_bytes", "freed (bytes)"),
        counts("kept_blobs", "blobs kept"),
        counts("kept_bytes", "kept (bytes)"),
    ]
    caption = (
        "What a collection would free and keep if it kept the checkpoints of so many of the "
        f"latest turns; {len(found) - 1:,} are recorded."
    )
    yield pieces.table(caption, found[steps], columns, unit="choice", most=len(_STEPS) + 2)
