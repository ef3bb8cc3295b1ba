"""Figures of bytes, times and families: the numbers in what is drawn."""

# ruff: noqa: F811 - fixtures are taken by their names

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from corpora import built, store  # noqa: F401 - fixtures
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection, LineCollection, PathCollection
from matplotlib.dates import num2date
from matplotlib.patches import PathPatch, StepPatch

import lashgraph as lg
from lashgraph.corpus import open_corpus
from lashgraph.errors import InvalidRecordError, UnknownColumnError
from lashgraph.plot.scales import bytes_short, seconds_short
from lashgraph.plot.squarify import Box, squarify
from lashgraph.plot.texts import one_line


def named(axes: Axes) -> Iterator[tuple[str, Any]]:
    """What the legend names, with what it names."""
    handles, labels = axes.get_legend_handles_labels()
    yield from zip(labels, handles, strict=True)


def rectangles(patch: PathPatch) -> np.ndarray[Any, Any]:
    """Left, low, width and height of each rectangle of one artist."""
    vertices = np.asarray(patch.get_path().vertices)
    corners = vertices.reshape(-1, 5, 2)
    low, high = corners.min(axis=1), corners.max(axis=1)
    return np.concatenate([low, high - low], 1)


def stairs(axes: Axes) -> dict[str, tuple[np.ndarray[Any, Any], ...]]:
    return {
        str(one.get_label()): tuple(map(np.asarray, one.get_data()))
        for one in axes.patches
        if isinstance(one, StepPatch)
    }


# Retention


def test_retention_draws_the_history_on_top_of_each_other(store: lg.Store) -> None:
    history = store.history()
    axes = lg.plot.retention(history)
    drawn = stairs(axes)
    live, edges, base = drawn["live: this turn's checkpoint"]
    assert live * 1e3 == pytest.approx(history["live_bytes"])
    assert not np.any(base)
    total, _, above = drawn["garbage: earlier turns' only"]
    assert total * 1e3 == pytest.approx(history["live_bytes"] + history["garbage_bytes"])
    assert above == pytest.approx(live)
    assert edges.tolist() == [at + 0.5 for at in range(len(history) + 1)]
    assert axes.get_ylabel() == "stored blobs (kB)"
    assert f"after {len(history)} turns" in axes.get_title(loc="left")


def test_retention_compares_with_other_histories(store: lg.Store) -> None:
    history = store.history()
    swept = history.assign(garbage_bytes=0)
    stored = pd.DataFrame({"position": history["position"], "stored_bytes": 4_000})
    drawn = stairs(lg.plot.retention(history, what_if={"swept": swept, "flat": stored}))
    assert drawn["swept"][0] * 1e3 == pytest.approx(history["live_bytes"])
    assert set(drawn["flat"][0]) == {4.0}


def test_retention_has_a_line_for_each_interval(store: lg.Store) -> None:
    history = store.history()
    simulated = pd.concat(
        [
            pd.DataFrame({"every": every, "position": history["position"], "stored_bytes": every})
            for every in (0, 1, 10)
        ]
    )
    drawn = stairs(lg.plot.retention(history, what_if=simulated))
    assert {"never collected", "collected every turn", "collected every 10 turns"} < set(drawn)


def test_one_turn_can_be_seen(store: lg.Store) -> None:
    axes = lg.plot.retention(store.history().iloc[:1])
    assert axes.get_xlim() == (0.5, 1.5)


@pytest.mark.parametrize("wrong", [3, "swept", [1, 2]])
def test_what_is_no_history_to_compare_with_is_refused(store: lg.Store, wrong: object) -> None:
    with pytest.raises(InvalidRecordError, match="what_if"):
        lg.plot.retention(store.history(), what_if=wrong)  # type: ignore[arg-type]


def test_a_line_without_bytes_is_refused_by_name(store: lg.Store) -> None:
    with pytest.raises(UnknownColumnError, match=r"what_if\['mine'\]"):
        lg.plot.retention(store.history(), what_if={"mine": store.turns()})


# Sizes of blobs


@pytest.mark.parametrize("policy", ["safe", "runtime"])
def test_histograms_hold_every_blob_by_kind_and_state(store: lg.Store, policy: str) -> None:
    blobs = store.blobs()
    axes = lg.plot.blob_sizes(blobs, policy=policy)
    rows = [label.get_text().split("\n")[0] for label in axes.get_yticklabels()]
    totals = blobs.groupby("kind")["stored_bytes"].sum()
    assert rows == sorted(totals.index, key=lambda kind: -totals[kind])
    drawn = {name: rectangles(patch) for name, patch in named(axes)}
    for state, of in (
        ("live", blobs[f"reachable_{policy}"]),
        ("dead", ~blobs[f"reachable_{policy}"]),
    ):
        boxes = drawn[state]
        for row, kind in enumerate(rows):
            sizes = blobs.loc[of & (blobs["kind"] == kind), "stored_bytes"]
            mine = boxes[(boxes[:, 1] > row - 0.5) & (boxes[:, 1] + boxes[:, 3] < row + 0.5)]
            assert (len(mine) > 0) == (len(sizes) > 0)
            if len(sizes):
                assert mine[:, 0].min() <= sizes.min() * 1.0001
                assert (mine[:, 0] + mine[:, 2]).max() >= sizes.max() * 0.9999


def test_heights_are_in_proportion_to_numbers_of_blobs() -> None:
    blobs = pd.DataFrame(
        {
            "kind": ["raw"] * 12,
            "stored_bytes": [100] * 8 + [5_000] * 2 + [100] * 2,
            "reachable_safe": [False] * 10 + [True] * 2,
        }
    )
    drawn = dict(named(lg.plot.blob_sizes(blobs)))
    dead, live = rectangles(drawn["dead"])[:, 3], rectangles(drawn["live"])[:, 3]
    assert sorted((dead / dead.max() * 8).round(6)) == [2, 8]
    assert live / dead.max() * 8 == pytest.approx([2])


def test_empty_blobs_and_unknown_kinds_are_drawn() -> None:
    blobs = pd.DataFrame({"kind": ["odd", None], "stored_bytes": [0, 7], "reachable_safe": True})
    axes = lg.plot.blob_sizes(blobs)
    assert [label.get_text().split("\n")[0] for label in axes.get_yticklabels()] == [
        "damaged",
        "odd",
    ]


def test_another_policy_needs_its_column(store: lg.Store) -> None:
    with pytest.raises(UnknownColumnError, match="reachable_mine"):
        lg.plot.blob_sizes(store.blobs(), policy="mine")


# Plans


@pytest.mark.parametrize("keep_turns", [0, 5])
def test_a_plans_bars_are_its_bytes(store: lg.Store, keep_turns: int) -> None:
    plan = store.plan_gc(keep_turns=keep_turns)
    axes = lg.plot.gc_plan(plan)
    rows = np.zeros(3)
    for _, patch in named(axes):
        for _, low, width, height in rectangles(patch):
            rows[round(low + height / 2)] += width * 1e3
    total = plan.kept_bytes + plan.deleted_bytes
    assert rows == pytest.approx([total, plan.deleted_bytes, plan.kept_bytes])
    by_kind = plan.kept()["reason"].str.partition(":")[0]
    heads = plan.kept().loc[by_kind == "head", "stored_bytes"].sum()
    legend = [name for name, _ in named(axes)]
    assert f"kept by the head, {bytes_short(heads)}" in legend
    assert any("recent turns" in name for name in legend) is (keep_turns > 0)


# What roots hold


def test_bars_of_roots_are_the_frames_sums(store: lg.Store) -> None:
    frame = store.reachability(keep_turns=8).retained()
    roots = frame[frame["layer"] == "root"]
    axes = lg.plot.retained(frame)
    drawn = {name.partition(":")[0]: patch for name, patch in named(axes)}
    for name, column in (("retained", "retained_bytes"), ("shared", "shared_bytes")):
        assert rectangles(drawn[name])[:, 2].sum() * 1e3 == pytest.approx(roots[column].sum())
    shallow = np.asarray(drawn["shallow"].get_offsets())[:, 0]
    assert shallow.sum() * 1e3 == pytest.approx(roots["shallow_bytes"].sum())
    live = bytes_short(store.reachability(keep_turns=8).live_bytes)
    assert axes.get_title(loc="left").endswith(f"{live} live")


def test_many_roots_are_one_bar_more_and_nothing_is_lost(store: lg.Store) -> None:
    frame = store.reachability(keep_turns=45).retained()
    roots = frame[frame["layer"] == "root"]
    axes = lg.plot.retained(frame)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[-1] == f"+ {len(roots) - 24} more roots"
    drawn = {name.partition(":")[0]: patch for name, patch in named(axes)}
    shallow = np.asarray(drawn["shallow"].get_offsets())[:, 0]
    scale = roots["shallow_bytes"].sum() / shallow.sum()
    assert rectangles(drawn["retained"])[:, 2].sum() * scale == pytest.approx(
        roots["retained_bytes"].sum()
    )


def test_manifests_have_a_picture_of_their_own(store: lg.Store) -> None:
    frame = store.reachability(keep_turns=3).retained()
    axes = lg.plot.retained(frame, layer="manifest")
    assert "manifests" in axes.get_title(loc="left")
    assert len(axes.get_yticklabels()) == (frame["layer"] == "manifest").sum()
    with pytest.raises(InvalidRecordError, match="layer"):
        lg.plot.retained(frame, layer="blob")  # type: ignore[arg-type]


# Reachability


def circles(axes: Axes) -> list[EllipseCollection]:
    return [one for one in axes.collections if isinstance(one, EllipseCollection)]


@pytest.mark.parametrize("keep_turns", [0, 40])
@pytest.mark.parametrize("top", [1, 5, 16, 1_000])
def test_every_root_blob_and_naming_stands_in_a_layer(
    store: lg.Store, keep_turns: int, top: int
) -> None:
    reach = store.reachability(keep_turns=keep_turns)
    axes = lg.plot.reachability(reach, top=top)
    graph = reach.to_networkx()
    (lines,) = (one for one in axes.collections if isinstance(one, LineCollection))
    if top == 1_000:
        assert len(lines.get_segments()) == graph.number_of_edges()
        assert sum(len(one.get_offsets()) for one in circles(axes)) == len(reach.live | reach.dead)
    else:
        assert len(lines.get_segments()) <= graph.number_of_edges()
        assert sum(len(one.get_offsets()) for one in circles(axes)) <= 3 * (top + 1)
    title = axes.get_title(loc="left")
    assert f"live: {len(reach.live)} blobs" in title
    assert f"dead: {len(reach.dead)} blobs, {bytes_short(reach.dead_bytes)}" in title


def test_the_areas_of_circles_are_bytes(store: lg.Store) -> None:
    reach = store.reachability()
    axes = lg.plot.reachability(reach, top=10_000)
    blobs = store.blobs().set_index("hash")["stored_bytes"]
    largest = blobs.max()
    dead = sorted(blobs[list(reach.dead)])
    drawn = max(circles(axes), key=lambda one: len(one.get_offsets()))
    widths = np.sort(np.asarray(drawn.get_widths()))
    wanted = np.sqrt(np.array(dead) / largest) * widths.max() / np.sqrt(dead[-1] / largest)
    large = wanted > 5.5
    assert large.sum() > 20
    assert widths[large] == pytest.approx(wanted[large])


def test_a_blob_that_is_named_and_gone_is_a_hollow_circle(recorded: Any) -> None:
    with lg.open(recorded("damaged/child-absent.db.gz")) as store:
        axes = lg.plot.reachability(store.reachability())
    assert "named, not there" in axes.get_title(loc="left")
    assert "named, not there" in [name for name, _ in named(axes)]
    assert any(text.get_text().endswith("not there") for text in axes.texts)


@pytest.mark.parametrize("top", [0, -1, 2.5, "3", True])
def test_top_is_a_count(store: lg.Store, top: Any) -> None:
    with pytest.raises(InvalidRecordError, match="top"):
        lg.plot.reachability(store.reachability(), top=top)


# The treemap


@given(
    st.lists(st.floats(0, 1e6), max_size=60),
    st.floats(0.1, 100),
    st.floats(0.1, 100),
)
def test_squares_part_the_box_by_their_sizes(sizes: list[float], wide: float, high: float) -> None:
    made = squarify(sizes, Box(1, 2, wide, high))
    assert made.shape == (len(sizes), 4)
    total = sum(sizes)
    if total > 1e-3:
        areas = made[:, 2] * made[:, 3]
        assert areas == pytest.approx(np.array(sizes) / total * wide * high, abs=1e-6 * wide * high)
        assert made[:, 0].min() >= 1 - 1e-9
        assert (made[:, 0] + made[:, 2]).max() <= 1 + wide * (1 + 1e-6)
        assert (made[:, 1] + made[:, 3]).max() <= 2 + high * (1 + 1e-6)
        for at, (x, y, w, h) in enumerate(made.tolist()):
            for x2, y2, w2, h2 in made[at + 1 :].tolist():
                over = min(x + w, x2 + w2) - max(x, x2), min(y + h, y2 + h2) - max(y, y2)
                assert min(over) <= 1e-6 * max(wide, high)


def test_the_published_example_of_squarified_treemaps() -> None:
    made = squarify([6, 6, 4, 3, 2, 2, 1], Box(0, 0, 6, 4))
    ratios = np.maximum(made[:, 2] / made[:, 3], made[:, 3] / made[:, 2])
    assert ratios == pytest.approx([3 / 2, 3 / 2, 49 / 36, 49 / 27, 25 / 18, 25 / 18, 25 / 9])
    assert made[:2, 2:].tolist() == [[3, 2], [3, 2]]


def test_many_squares_take_time_in_proportion() -> None:
    made = squarify(np.ones(100_000), Box(0, 0, 100, 56))
    assert (made[:, 2] * made[:, 3]).sum() == pytest.approx(5_600)


def test_areas_of_the_treemap_are_the_corpus_bytes(built: Path) -> None:
    with open_corpus(built) as corpus:
        blobs, families = corpus.blobs(), corpus.families()
    axes = lg.plot.corpus_bytes(blobs, families)
    total = blobs["stored_bytes"].sum()
    by_kind = blobs.groupby("kind")["stored_bytes"].sum()
    drawn = {name.partition(",")[0]: rectangles(patch) for name, patch in named(axes)}
    assert set(drawn) == set(by_kind.index)
    for kind, boxes in drawn.items():
        area = (boxes[:, 2] * boxes[:, 3]).sum()
        assert area / 5_600 == pytest.approx(by_kind[kind] / total)
    assert axes.get_title(loc="left").endswith(
        f"{bytes_short(total)} · {families['root_session_id'].nunique()} families · 9 sessions"
    )


def test_many_families_and_sessions_keep_their_bytes() -> None:
    rng = np.random.default_rng(0)
    blobs = pd.DataFrame(
        {
            "session_id": [f"s{at}" for at in range(3_000)],
            "kind": rng.choice(["raw", "ToolState"], 3_000),
            "stored_bytes": rng.integers(1, 10_000, 3_000),
        }
    )
    roots = [f"s{at if at % 3 else 0}" for at in range(3_000)]
    families = pd.DataFrame({"session_id": blobs["session_id"], "root_session_id": roots})
    axes = lg.plot.corpus_bytes(blobs, families)
    by_kind = blobs.groupby("kind")["stored_bytes"].sum()
    for name, patch in named(axes):
        boxes = rectangles(patch)
        share = by_kind[name.partition(",")[0]] / by_kind.sum()
        assert (boxes[:, 2] * boxes[:, 3]).sum() / 5_600 == pytest.approx(share)
        assert len(boxes) < 200
    assert any("more families" in text.get_text() for text in axes.texts)


def test_labels_of_the_treemap_do_not_overlap(built: Path) -> None:
    with open_corpus(built) as corpus:
        axes = lg.plot.corpus_bytes(corpus.blobs(), corpus.families())
    assert_apart(axes, axes.texts)


def test_negative_bytes_are_refused() -> None:
    blobs = pd.DataFrame({"session_id": ["a"], "kind": ["raw"], "stored_bytes": [-1]})
    with pytest.raises(InvalidRecordError, match="negative"):
        lg.plot.corpus_bytes(blobs)


# Time


def test_the_timeline_ends_at_the_tokens_of_the_last_turn(store: lg.Store) -> None:
    turns, calls = store.turns(), store.tool_calls()
    axes = lg.plot.timeline(turns, calls, store.usage())
    last = turns.iloc[-1]
    layers = stairs(axes)
    spent = {
        "input from a cache": last["cumulative_cache_read_tokens"],
        "other input": last["cumulative_input_tokens"] - last["cumulative_cache_read_tokens"],
        "output": last["cumulative_output_tokens"],
        "reasoning": last["cumulative_reasoning_tokens"],
    }
    for name, wanted in spent.items():
        top, _, base = layers[name]
        assert top[-1] - base[-1] == wanted
    assert f"{sum(spent.values()):,} tokens" in axes.get_title(loc="left")


def test_ticks_of_the_timeline_stand_at_the_times(store: lg.Store) -> None:
    turns, calls = store.turns(), store.tool_calls()
    axes = lg.plot.timeline(turns, calls)
    drawn = [c.get_segments() for c in axes.collections if isinstance(c, LineCollection)]
    assert len(drawn[0]) == len(turns)
    first = pd.Timestamp(num2date(drawn[0][0][0][0]))
    assert abs(first - turns["committed_at"].iloc[0]) < pd.Timedelta(milliseconds=1)
    failed = calls["status"] == "error"
    assert len(drawn[1]) == (~failed & calls["called_at"].notna()).sum()
    (marks,) = (c for c in axes.collections if isinstance(c, PathCollection))
    assert len(marks.get_offsets()) == failed.sum() > 0
    assert axes.get_xlabel() == "time (UTC)"


def test_a_turn_without_times_or_tokens_is_survived(store: lg.Store) -> None:
    turns = store.turns().copy()
    turns.loc[3, "committed_at"] = pd.NaT
    turns.loc[5, "cumulative_input_tokens"] = pd.NA
    axes = lg.plot.timeline(turns)
    top, _, base = stairs(axes)["output"]
    assert len(top) == len(turns) - 1
    assert top[-1] > base[-1]


def test_each_tool_call_is_a_mark_in_the_row_of_its_tool(store: lg.Store) -> None:
    calls = store.tool_calls()
    axes = lg.plot.tool_calls(calls)
    tools = [label.get_text().split("\n")[0] for label in axes.get_yticklabels()]
    counts = calls["tool_name"].fillna("(no tool named)").value_counts()
    assert tools == sorted(counts.index, key=lambda name: (-counts[name], name))
    for status, name in (("ok", "answered"), ("error", "failed")):
        of = calls[(calls["status"] == status) & calls["seconds"].notna()]
        (marks,) = (one for label, one in named(axes) if label.startswith(name))
        places = np.asarray(marks.get_offsets())
        assert sorted(places[:, 0]) == pytest.approx(sorted(of["seconds"]))
        rows = [tools[round(y)] for y in places[:, 1]]
        assert sorted(rows) == sorted(of["tool_name"])


def test_many_tools_are_one_row_more() -> None:
    calls = pd.DataFrame(
        {
            "tool_name": [f"tool {at:02}" for at in range(50) for _ in range(50 - at)],
            "status": "ok",
            "seconds": 0.0,
        }
    )
    labels = [label.get_text() for label in lg.plot.tool_calls(calls).get_yticklabels()]
    assert len(labels) == 20
    assert labels[-1].startswith("31 other tools\n496 calls")


def test_calls_that_were_never_answered_are_counted() -> None:
    calls = pd.DataFrame({"tool_name": ["a"], "status": ["no_result"], "seconds": [np.nan]})
    axes = lg.plot.tool_calls(calls)
    assert axes.get_yticklabels()[0].get_text() == "a\n1 call, 1 not timed"
    assert "1 without a result" in axes.get_title(loc="left")


# Families


def test_children_stand_below_their_parent_and_further_right(built: Path) -> None:
    with open_corpus(built) as corpus:
        sessions = corpus.sessions()
    axes = lg.plot.families(sessions)
    drawn = [text.get_text().split(" · ")[0] for text in axes.texts]
    assert sorted(drawn) == sorted(sessions["name"])
    row = {text.get_text().split(" · ")[0]: text.xy for text in axes.texts}  # type: ignore[attr-defined]
    assert row["survey child a"][0] == row["survey parent"][0] + 1
    assert row["survey child b"][1] > row["survey child a"][1] > row["survey parent"][1]
    children = sessions["parent_session_id"].notna().sum()
    assert f"{children} children" in axes.get_title(loc="left")


def test_missing_parents_and_circles_end_nowhere() -> None:
    sessions = pd.DataFrame(
        {
            "session_id": ["a", "b", "c", "d"],
            "parent_session_id": ["nobody", "c", "b", "c"],
        }
    )
    axes = lg.plot.families(sessions)
    assert len(axes.texts) == 4
    assert "1 parent not among them" in axes.get_title(loc="left")


def test_many_sessions_are_drawn_by_their_largest_families() -> None:
    sessions = pd.DataFrame(
        {
            "session_id": [f"s{at}" for at in range(10_000)],
            "parent_session_id": [
                None if at % 40 else "s1" if at > 9_000 else None for at in range(10_000)
            ],
        }
    )
    axes = lg.plot.families(sessions)
    assert len(axes.texts) == 60
    assert axes.texts[0].get_text() == "s1"
    assert "9,940 not drawn" in axes.get_title(loc="left")


# Labels


def assert_apart(axes: Axes, texts: Any) -> None:
    """That no two texts of a figure overlap."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    assert len(boxes) > 1
    for at, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[at + 1 :])


def test_labels_do_not_overlap(store: lg.Store, built: Path) -> None:
    with open_corpus(built) as corpus:
        sessions = corpus.sessions()
    for axes in (
        lg.plot.reachability(store.reachability(keep_turns=20)),
        lg.plot.families(sessions),
        lg.plot.session_tree(store.tree(), detail="branches"),
    ):
        assert_apart(axes, axes.texts)
    for axes in (
        lg.plot.blob_sizes(store.blobs()),
        lg.plot.tool_calls(store.tool_calls()),
        lg.plot.retained(store.reachability(keep_turns=20).retained()),
        lg.plot.gc_plan(store.plan_gc()),
        lg.plot.timeline(store.turns(), store.tool_calls()),
    ):
        assert_apart(axes, axes.get_yticklabels())
        assert_apart(axes, axes.get_xticklabels())


@given(st.text(max_size=200), st.integers(1, 60))
def test_labels_are_short_lines_of_what_can_be_seen(text: str, most: int) -> None:
    shown = one_line(text, most)
    assert len(shown) <= most
    assert shown.isprintable()
    shown.encode()


@given(st.floats(0, 1e15))
def test_bytes_and_seconds_are_told_within_their_digits(value: float) -> None:
    number, unit = bytes_short(value).split()
    size = {"bytes": 1, "byte": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}[unit]
    assert float(number) * size == pytest.approx(value, rel=0.06, abs=0.51)
    number, unit = seconds_short(value).split()
    size = {"µs": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400}[unit]
    assert float(number) * size == pytest.approx(value, rel=0.06, abs=1e-6)
