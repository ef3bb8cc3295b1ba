"""Figures that share a page with others, and figures of many sessions."""

# ruff: noqa: F811 - fixtures are taken by their names

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest
from corpora import built, store  # noqa: F401 - fixtures
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from matplotlib.text import Text

import lashgraph as lg
from lashgraph.corpus import open_corpus


def many_tools() -> pd.DataFrame:
    calls = [(f"tool number {at % 30}", 1.0 + at, "ok") for at in range(120)]
    return pd.DataFrame(calls, columns=["tool_name", "seconds", "status"])


DRAWERS: dict[str, Callable[[lg.Store, Axes], Axes]] = {
    "reachability": lambda store, ax: lg.plot.reachability(store.reachability(keep_turns=9), ax),
    "reachability of garbage": lambda store, ax: lg.plot.reachability(store.reachability(), ax),
    "tool_calls": lambda _, ax: lg.plot.tool_calls(many_tools(), ax),
    "blob_sizes": lambda store, ax: lg.plot.blob_sizes(store.blobs(), ax),
    "gc_plan": lambda store, ax: lg.plot.gc_plan(store.plan_gc(keep_turns=3), ax),
    "retained": lambda store, ax: lg.plot.retained(
        store.reachability(keep_turns=20).retained(), ax
    ),
    "timeline": lambda store, ax: lg.plot.timeline(
        store.turns(), store.tool_calls(), store.usage(), ax
    ),
    "corpus_bytes": lambda store, ax: lg.plot.corpus_bytes(store.blobs(), None, ax),
}


def apart(texts: Iterable[Text]) -> bool:
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    return not any(one.overlaps(other) for one, other in combinations(boxes, 2))


@pytest.mark.parametrize("name", DRAWERS)
def test_in_a_quarter_of_a_page_texts_stay_apart_and_inside(name: str, store: lg.Store) -> None:
    figure = Figure((12, 8), layout="constrained")
    FigureCanvasAgg(figure)
    for axes in figure.subplots(2, 2).flat:
        DRAWERS[name](store, axes)
    figure.canvas.draw()
    for axes in figure.axes:
        for texts in (axes.texts, axes.get_yticklabels(), axes.get_xticklabels()):
            assert apart(texts)
        assert axes.title.get_window_extent().x1 <= figure.bbox.x1
        heading = axes._left_title.get_window_extent()  # type: ignore[attr-defined]
        assert heading.x1 <= figure.bbox.x1


def test_many_sessions_add_up_in_time(built: Path) -> None:
    with open_corpus(built) as corpus:
        turns = corpus.turns()
    axes = lg.plot.timeline(turns)
    last = turns.groupby("path").last()
    counted = ("input", "output", "reasoning")
    spent = sum(int(last[f"cumulative_{name}_tokens"].sum()) for name in counted)
    title = axes.get_title(loc="left")
    assert title.startswith(f"{len(last)} sessions in time\n")
    assert f"{spent:,} tokens" in title
    stacks = [one.get_data() for one in axes.patches if isinstance(one, StepPatch)]
    for top, _, base in stacks:
        added = pd.Series(top) - pd.Series(base)
        assert added.is_monotonic_increasing
    assert max(float(top[-1]) for top, _, _ in stacks) == spent
    assert axes.get_ylim()[1] > spent


def test_the_order_of_sessions_makes_no_difference(built: Path) -> None:
    with open_corpus(built) as corpus:
        turns = corpus.turns()
    turned = turns.sort_values(["session_id", "position"], ascending=[False, True])
    titles = {lg.plot.timeline(one).get_title(loc="left") for one in (turns, turned)}
    assert len(titles) == 1


def test_a_session_without_an_id_has_a_name() -> None:
    blobs = pd.DataFrame({"session_id": [""], "kind": ["raw"], "stored_bytes": [5_000]})
    (text,) = lg.plot.corpus_bytes(blobs).texts
    assert text.get_text() == "(no session), 5 kB"
    with lg.open(":memory:") as empty:
        (text,) = lg.plot.families(empty.sessions()).texts
    assert text.get_text().startswith("(no id) · 0 turns")


def test_heads_of_other_sessions_are_no_nodes(recorded: Callable[[str], Path]) -> None:
    with lg.open(recorded("versions/v38-tip.db.gz"), session_id="sess-child") as store:
        axes = lg.plot.gc_plan(store.plan_gc())
        line = lg.plot.retention(store.history())
    named = " ".join(axes.get_legend_handles_labels()[1])
    assert "kept by heads of other sessions, " in named
    low, high = line.get_xlim()
    assert [tick for tick in line.get_xticks() if low <= tick <= high] == [1]
