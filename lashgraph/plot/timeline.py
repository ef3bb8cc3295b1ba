"""The picture of a session in time: tokens so far, turns, and tool calls."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator
from numpy.typing import NDArray

from lashgraph.format.sizes import counted
from lashgraph.plot.colours import BLUE, GREEN, ORANGE, SKY, VERMILION, Look
from lashgraph.plot.figure import axes_for, entitle, ink, label, legend, nothing, room
from lashgraph.plot.given import as_frame, days, numbers, texts
from lashgraph.plot.stacks import area
from lashgraph.plot.texts import one_line

_TOKENS = (
    ("cache_read_tokens", "input from a cache", Look(SKY)),
    ("fresh", "other input", Look(BLUE, "\\\\\\\\")),
    ("output_tokens", "output", Look(ORANGE, "....")),
    ("reasoning_tokens", "reasoning", Look(GREEN, "xxxx")),
)
_REASONING_IN_OUTPUT = ("v7", "v38")
"""Accountings by which the output includes the reasoning."""

_LANE = 0.11
_MOST_TIMES = 8
_SHORTEST = 1.0 / 86_400
"""The least span of a picture, in days: one second."""


def timeline(
    turns: pd.DataFrame,
    tool_calls: pd.DataFrame | None = None,
    usage: pd.DataFrame | None = None,
    ax: Axes | None = None,
    *,
    title: str | None = None,
) -> Axes:
    """Draw when turns were committed and tools called, and how many tokens were spent so far.

    Parameters
    ----------
    turns : DataFrame
        From ``store.turns()``: columns committed_at and cumulative tokens.
    tool_calls : DataFrame, optional
        From ``store.tool_calls()``: columns called_at, status.
    usage : DataFrame, optional
        From ``store.usage()``: columns source and tokens. The ledger has no times; its sums by
        source stand in the title.
    ax : Axes, optional
        Where to draw; new Axes if not given.
    title : str, optional
        What stands above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        Above zero the tokens, of many sessions all together; below it a lane of ticks each for
        turns and tool calls. Times are UTC.

    Raises
    ------
    InvalidRecordError
        Something is no frame, holds no numbers or times, or is no Axes.
    UnknownColumnError
        A frame lacks a column.

    Examples
    --------
    >>> import lashgraph as lg
    >>> with lg.open(":memory:") as store:
    ...     print(lg.plot.timeline(store.turns(), store.tool_calls()).get_title(loc="left"))
    Session in time
    0 turns · 0 tool calls · 0 tokens
    """
    columns = [f"cumulative_{name}" for name, _, _ in _TOKENS if name != "fresh"]
    as_frame(turns, "turns", "committed_at", "accounting", "cumulative_input_tokens", *columns)
    at = days(turns, "committed_at")
    of = _sessions(turns)
    order = _in_time(of, at)
    layers = [_together(layer, of, order) for layer in _layers(turns, of)]
    called, failed = np.zeros(0), np.zeros(0, np.bool_)
    if tool_calls is not None:
        as_frame(tool_calls, "tool_calls", "called_at", "status")
        called = days(tool_calls, "called_at")
        failed = np.array([status == "error" for status in texts(tool_calls, "status")], np.bool_)
    so_far = np.sum(layers, axis=0)
    total = float(so_far[order[-1]]) if len(at) else 0.0
    n_sessions = int(of.max(initial=0)) + 1
    axes = axes_for(ax, 10.0, 4.0)
    entitle(
        axes,
        title,
        "Session in time" if n_sessions == 1 else f"{n_sessions:,} sessions in time",
        counted(len(turns), "turn"),
        _calls_told(tool_calls, failed),
        _tokens_told(total),
        *_ledger(usage),
    )
    label(axes, x="time (UTC)", y="tokens so far")
    highest = max(float(so_far.max(initial=0.0)), 1.0)
    lanes = ["turns"] if tool_calls is None else ["turns", "tool calls"]
    _y_axis(axes, highest, lanes)
    times = np.concatenate([at, called])
    times = times[~np.isnan(times)]
    if not len(times):
        axes.set_xticks([])
        nothing(axes, "no turn was recorded")
        return axes
    _time_axis(axes, float(times.min()), float(times.max()))
    _draw_tokens(axes, at, layers)
    _ticks(axes, at, -_LANE * highest, highest, ink(axes))
    if tool_calls is not None:
        lane = -2 * _LANE * highest
        _ticks(axes, called[~failed], lane, highest, GREEN)
        lost = called[failed]
        if len(lost):
            axes.scatter(
                lost,
                np.full(len(lost), lane),
                s=34,
                c=VERMILION,
                marker="x",
                linewidths=1.6,
                label="failed tool call",
                zorder=4,
            )
    if axes.get_legend_handles_labels()[0]:
        legend(axes)
    return axes


def _sessions(turns: pd.DataFrame) -> NDArray[np.int64]:
    """The number of each turn's session: each of them counts its own tokens."""
    names = [name for name in ("path", "session_id") if name in turns]
    if not names:
        return np.zeros(len(turns), np.int64)
    found = turns.groupby(names, sort=False, dropna=False).ngroup()
    return np.asarray(found, np.int64)


def _in_time(of: NDArray[np.int64], at: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows of many sessions by their times, a row without one after its predecessor."""
    if not of.any():
        return np.arange(len(of))
    return np.argsort(pd.Series(at).groupby(of).ffill().to_numpy(), kind="stable")


def _together(
    layer: NDArray[np.float64], of: NDArray[np.int64], order: NDArray[np.int64]
) -> NDArray[np.float64]:
    """What all sessions have together at each turn, of what each has by itself."""
    if not of.any():
        return layer
    own = pd.Series(layer)
    added = own.groupby(of).diff().fillna(own).to_numpy()
    found = np.zeros(len(layer))
    found[order] = np.cumsum(added[order])
    return found


def _layers(turns: pd.DataFrame, of: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Tokens of each session so far by what they were; a turn that tells none repeats the last."""

    def column(name: str) -> NDArray[np.float64]:
        told = turns[f"cumulative_{name}"].groupby(of).ffill()
        return told.fillna(0).to_numpy(np.float64)

    found = {name: column(name) for name, _, _ in _TOKENS if name != "fresh"}
    found["fresh"] = np.maximum(column("input_tokens") - found["cache_read_tokens"], 0)
    within = turns["accounting"].isin(_REASONING_IN_OUTPUT).to_numpy()
    answered = np.maximum(found["output_tokens"] - found["reasoning_tokens"], 0)
    found["output_tokens"] = np.where(within, answered, found["output_tokens"])
    return [found[name] for name, _, _ in _TOKENS]


def _draw_tokens(axes: Axes, at: NDArray[np.float64], layers: list[NDArray[np.float64]]) -> None:
    """Steps, one on the other: a turn's tokens are there from its commit on."""
    known = ~np.isnan(at)
    order = np.flatnonzero(known)[np.argsort(at[known], kind="stable")]
    if not len(order):
        return
    edges = np.append(at[order], axes.get_xlim()[1])
    base = np.zeros(len(order))
    for (_, name, look), layer in zip(_TOKENS, layers, strict=True):
        top = base + layer[order]
        if layer.any():
            area(axes, top, base, edges, look=look, label=name)
        base = top


def _ticks(axes: Axes, at: NDArray[np.float64], lane: float, highest: float, colour: str) -> None:
    at = at[~np.isnan(at)]
    if not len(at):
        return
    half = 0.38 * _LANE * highest
    ends = np.stack([np.full(len(at), lane - half), np.full(len(at), lane + half)], 1)
    lines = np.stack([np.stack([at, at], 1), ends], 2)
    width = float(np.clip(300 / len(at), 0.4, 1.4))
    marks = LineCollection(list(lines), colors=colour, linewidths=width, zorder=3)
    axes.add_collection(marks, autolim=False)


def _y_axis(axes: Axes, highest: float, lanes: list[str]) -> None:
    """Numbers above zero, names of lanes below it."""
    ticks = [v for v in MaxNLocator(5, integer=True).tick_values(0, highest) if v <= 1.05 * highest]
    places = [-_LANE * highest * (at + 1) for at in range(len(lanes))]
    axes.yaxis.set_major_locator(FixedLocator([*places, *ticks]))
    axes.yaxis.set_major_formatter(FixedFormatter([*lanes, *map(_count, ticks)]))
    axes.set_ylim(-_LANE * highest * (len(lanes) + 0.6), 1.05 * highest)
    axes.axhline(0, color=ink(axes), linewidth=0.6, zorder=2.5)


def _time_axis(axes: Axes, low: float, high: float) -> None:
    beside = 0.02 * max(high - low, _SHORTEST)
    axes.set_xlim(low - beside, high + beside)
    most = int(np.clip(room(axes)[0] / 40, 2, _MOST_TIMES))
    locator = AutoDateLocator(tz="UTC", minticks=min(most, 3), maxticks=most)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz="UTC"))  # type: ignore[no-untyped-call]
    if most < _MOST_TIMES:  # the day stands at the right
        axes.set_xlabel(axes.get_xlabel(), loc="left")
    axes.xaxis.get_offset_text().set_fontsize(8)
    axes.xaxis.get_offset_text().set_color(ink(axes))


def _count(number: float) -> str:
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.0f}"


def _tokens_told(total: float) -> str:
    return f"{total:,.0f} tokens"


def _calls_told(tool_calls: pd.DataFrame | None, failed: NDArray[np.bool_]) -> str:
    if tool_calls is None:
        return ""
    lost = f", {int(failed.sum()):,} failed" if failed.any() else ""
    return counted(len(tool_calls), "tool call") + lost


def _ledger(usage: pd.DataFrame | None) -> list[str]:
    """The ledger's sums, by source."""
    if usage is None:
        return []
    columns = ("input_tokens", "output_tokens", "reasoning_tokens")
    as_frame(usage, "usage", "source", "accounting", *columns)
    if not len(usage):
        return []
    sent, received, thought = (numbers(usage, name) for name in columns)
    within = usage["accounting"].isin(_REASONING_IN_OUTPUT).to_numpy()
    spent = sent + received + np.where(within, 0, thought)
    sums = pd.Series(np.asarray(spent)).groupby(np.array(texts(usage, "source"), object)).sum()
    shown = [f"{one_line(name, 20)} {_count(value)}" for name, value in sums.nlargest(3).items()]
    more = len(sums) - len(shown)
    return [f"ledger: {', '.join(shown)}{f', {more} more sources' if more else ''}"]
