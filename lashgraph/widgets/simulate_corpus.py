"""What a simulation asks of a corpus."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes

from lashgraph.corpus import Corpus, CorpusGcPlan, CorpusGcReport
from lashgraph.corpus.gcrows import Planned
from lashgraph.format.html import visible
from lashgraph.format.sizes import bytes_text, counted
from lashgraph.plot import corpus_bytes
from lashgraph.reach import GcPolicy
from lashgraph.widgets.corpus_map import GARBAGE, LIVE
from lashgraph.widgets.simulate_asked import Asked, Piece, Plan, SweepOptions, weighed

_ROWS = 2_000
_ALARMS = 50
_ORDER = ("sweep", "alarm", "refused", "unreadable", "locked", "spared", "nothing")


class CorpusSide:
    """Many files: their plans, what to show of them, and their sweep."""

    plan_type: type[Plan] = CorpusGcPlan
    has_file_budget: bool = False
    columns: tuple[str, ...] = ("file", "verdict", "garbage", "stays", "turns kept", "why")

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    @property
    def policy(self) -> GcPolicy:
        """The policy that a corpus collects by."""
        return self._corpus.options.gc_policy

    @property
    def title(self) -> str:
        """Which files."""
        paths = self._corpus.files()["path"].tolist()
        folders = {os.path.dirname(path) for path in paths}
        where = os.path.commonpath(folders) if folders else "no folder"
        return f"{counted(len(paths), 'file')} in {where}"

    def read_only(self) -> str:
        """Why nothing can be swept; empty if it can."""
        if self._corpus.mode == "rw":
            return ""
        return (
            "the corpus was opened for reading; lashgraph.open_corpus(folder, mode='rw') opens it "
            "for a sweep"
        )

    def choices(self) -> Piece:
        """What the controls offer; how many turns there are is not known without reading all."""
        return {"turns": None, "refs": []}

    def plan(self, asked: Asked, policy: GcPolicy) -> CorpusGcPlan:
        """The plan for what the controls say."""
        return self._corpus.plan_gc(policy, free_bytes=asked.free_bytes)

    def figures(self, plan: CorpusGcPlan) -> Piece:
        """What a plan comes to; files that cannot be read have no bytes that are known."""
        freed = plan.deleted_bytes
        before = sum((row.deleted_bytes or 0) + (row.kept_bytes or 0) for row in plan.files)
        verdicts = ", ".join(f"{plan.counts[one]:,} {one}" for one in _ORDER if plan.counts[one])
        return {
            "figures": [
                {"name": "before", "bytes": before, "text": bytes_text(before)},
                {"name": "freed", "bytes": freed, "text": weighed(plan.deleted_blob_count, freed)},
                {"name": "after", "bytes": before - freed, "text": bytes_text(before - freed)},
            ],
            "kept_by": [],
            "keep_turns": plan.policy.keep_turns,
            "alarms": _alarms(plan),
            "rows": [_row(row) for row in _ordered(plan)[:_ROWS]],
            "left_out": f"and {len(plan.files) - _ROWS:,} more" if len(plan.files) > _ROWS else "",
            "sentence": f"{counted(len(plan.files), 'file')}: {verdicts or 'none'}",
        }

    def draw(self, plan: CorpusGcPlan) -> Axes:
        """Where the bytes of the files are, those that stay and garbage, as a picture."""
        known = [row for row in plan.files if row.kept_bytes is not None]
        names = [os.path.basename(row.path) for row in known]
        shared = {name for name, files in Counter(names).items() if files > 1}
        sizes = [
            (row.path if name in shared else name, kind, size)
            for name, row in zip(names, known, strict=True)
            for kind, size in ((LIVE, row.kept_bytes), (GARBAGE, row.deleted_bytes))
        ]
        return corpus_bytes(pd.DataFrame(sizes, columns=["session_id", "kind", "stored_bytes"]))

    def later(self, plan: CorpusGcPlan) -> Iterator[Piece]:
        """What takes longer: nothing."""
        yield {"file": [["files now", bytes_text(plan.file_bytes)]]}

    def forget(self) -> None:
        """Read anew what was kept: nothing is."""

    def can_run(self, plan: CorpusGcPlan, *, accept_unusual: bool) -> str:
        """Why a plan is not swept yet; empty if it can be."""
        alarming = plan.counts["alarm"] if accept_unusual else 0
        return "" if plan.counts["sweep"] + alarming else "there is nothing to sweep"

    def word(self, plan: CorpusGcPlan, *, accept_unusual: bool) -> str:
        """What is to be typed to confirm."""
        alarming = plan.counts["alarm"] if accept_unusual else 0
        return f"sweep {counted(plan.counts['sweep'] + alarming, 'file')}"

    def is_stale(self, plan: CorpusGcPlan) -> str:
        """A plan of many files does not become stale: a file that changed is skipped."""
        del plan
        return ""

    def sweep(self, plan: CorpusGcPlan, how: SweepOptions) -> CorpusGcReport:
        """Run a plan."""
        return plan.sweep(backup=how.backup, compact=how.compact, accept_unusual=how.accept_unusual)

    def report(self, report: CorpusGcReport) -> Piece:
        """What a sweep did."""
        rows = [
            [os.path.basename(one.path), one.outcome, one.reason or "", one.message or ""]
            for one in report.files
            if one.outcome != "skipped" or one.reason not in ("nothing", "spared")
        ]
        return {
            "facts": [list(pair) for pair in report.told().items()],
            "rows": [[visible(cell) for cell in row] for row in rows[:_ROWS]],
        }


def _ordered(plan: CorpusGcPlan) -> list[Planned]:
    """What happens first, and there the most garbage."""
    return sorted(
        plan.files,
        key=lambda row: (_ORDER.index(row.verdict), -(row.deleted_bytes or 0), row.path),
    )


def _row(row: Planned) -> list[str]:
    def size(count: int | None) -> str:
        return "" if count is None else bytes_text(count)

    turns = "" if row.keep_turns is None else f"{row.keep_turns:,}"
    name = os.path.basename(row.path)
    cells = name, row.verdict, size(row.deleted_bytes), size(row.kept_bytes), turns
    return [visible(cell) for cell in (*cells, row.message or "")]


def _alarms(plan: CorpusGcPlan) -> list[str]:
    return [
        visible(f"{os.path.basename(row.path)}: {row.message}")
        for row in plan.files
        if row.verdict == "alarm"
    ][:_ALARMS]
