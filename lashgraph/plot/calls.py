"""The picture of tool calls: for each tool how long its calls took and which failed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from lashgraph.format.sizes import counted
from lashgraph.plot.colours import BLUE, PURPLE, SKY, VERMILION, Look
from lashgraph.plot.figure import axes_for, entitle, ink, label, legend, nothing, rows
from lashgraph.plot.given import as_frame, numbers, texts
from lashgraph.plot.scales import log_seconds, seconds_short
from lashgraph.plot.stacks import boxes, fill, halo
from lashgraph.plot.texts import one_line

_MOST = 20
_LEAST = 1e-6
_GOLDEN = 0.6180339887498949
_MARKS = (
    ("ok", "answered", Look(BLUE, marker="o")),
    ("error", "failed", Look(VERMILION, marker="x")),
    ("other", "several results", Look(PURPLE, marker="D")),
)


def tool_calls(frame: pd.DataFrame, ax: Axes | None = None, *, title: str | None = None) -> Axes:
    """Draw how long the calls of each tool took, and which of them failed.

    Parameters
    ----------
    frame : DataFrame
        From ``store.tool_calls()``: columns tool_name, status, seconds.
    ax : Axes, optional
        Where to draw; new Axes if not given.
    title : str, optional
        What stands above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        A row for each tool, the most called on top, with the quartiles as a box and each call as a
        mark; calls without a time (no result) are counted in the row's name. Times below a
        microsecond are drawn as one.

    Raises
    ------
    InvalidRecordError
        This is no frame, holds no numbers, or ``ax`` is no Axes.
    UnknownColumnError
        The frame lacks a column.

    Examples
    --------
    >>> import lashgraph as lg
    >>> with lg.open(":memory:") as store:
    ...     print(lg.plot.tool_calls(store.tool_calls()).get_title(loc="left"))
    Tool calls and how long they took
    0 calls
    """
    as_frame(frame, "frame", "tool_name", "status", "seconds")
    names = texts(frame, "tool_name", "(no tool named)")
    status = np.array(texts(frame, "status"), object)
    seconds = numbers(frame, "seconds")
    tools = _tools(names)
    row_of = {name: row for row, name in enumerate(tools)}
    row = np.array([row_of.get(name, len(tools) - 1) for name in names], np.int64)
    failed = status == "error"
    axes = axes_for(ax, 10.0, 1.5 + 0.6 * max(len(tools), 2))
    entitle(
        axes,
        title,
        "Tool calls and how long they took",
        counted(len(frame), "call"),
        f"{int(failed.sum()):,} failed" if len(frame) else "",
        f"{int((status == 'no_result').sum()):,} without a result" if len(frame) else "",
    )
    label(axes, x="time from call to result (logarithmic)")
    timed = ~np.isnan(seconds)
    if not len(frame):
        nothing(axes, "no tool calls")
        rows(axes, [])
        axes.set_xticks([])
        return axes
    rows(
        axes,
        [_row_name(name, failed[row == at], seconds[row == at]) for at, name in enumerate(tools)],
    )
    took = np.maximum(seconds, _LEAST)
    within = took[timed] if timed.any() else np.array([_LEAST, 1.0])
    log_seconds(axes, float(within.min()), float(within.max()) * 1.0001)
    halo(axes, [at + 0.5 for at in range(len(tools) - 1)])
    _draw_boxes(axes, row[timed], took[timed], len(tools))
    _draw_marks(axes, row, took, timed, status)
    if timed.any():
        legend(axes)
    return axes


def _tools(names: list[str]) -> list[str]:
    """The tools, the most called first; of too many the rest as one."""
    found = pd.Series(names, dtype=object).value_counts()
    ranked = sorted(found.index, key=lambda name: (-found[name], name))
    if len(ranked) <= _MOST:
        return ranked
    return [*ranked[: _MOST - 1], f"{len(ranked) - _MOST + 1:,} other tools"]


def _row_name(name: str, failed: NDArray[np.bool_], seconds: NDArray[np.float64]) -> str:
    told = [counted(len(failed), "call")]
    if failed.any():
        told.append(f"{int(failed.sum()):,} failed")
    timed = seconds[~np.isnan(seconds)]
    if len(timed):
        told.append(f"median {seconds_short(float(np.median(timed)))}")
    if len(timed) < len(seconds):
        told.append(f"{len(seconds) - len(timed):,} not timed")
    return f"{one_line(name)}\n{', '.join(told)}"


class _Quartiles(NamedTuple):
    row: int
    low: float
    middle: float
    high: float


def _draw_boxes(axes: Axes, row: NDArray[np.int64], took: NDArray[np.float64], n_rows: int) -> None:
    """Quartiles of each row, and a line at its median."""
    found = []
    for at in range(n_rows):
        mine = took[row == at]
        if len(mine):
            found.append(_Quartiles(at, *np.quantile(mine, [0.25, 0.5, 0.75]).tolist()))
    if not found:
        return
    at, low, middle, high = np.array(found).T
    fill(
        axes,
        boxes(low, at - 0.3, high - low, 0.6),
        Look(SKY),
        "middle half",
        zorder=1,
        alpha=0.45,
    )
    ends = np.stack([np.stack([middle, at - 0.3], 1), np.stack([middle, at + 0.3], 1)], 1)
    lines = LineCollection(
        list(ends), colors=[ink(axes)], linewidths=1.8, zorder=2.5, label="median"
    )
    axes.add_collection(lines, autolim=False)


def _draw_marks(
    axes: Axes,
    row: NDArray[np.int64],
    took: NDArray[np.float64],
    timed: NDArray[np.bool_],
    status: NDArray[np.object_],
) -> None:
    """Each call, set off from the middle of its row in a fixed way, so that few hide another."""
    offset = 0.44 * ((np.arange(len(row)) * _GOLDEN) % 1 - 0.5)
    crowded = len(row) > 2_000
    for name, shown, look in _MARKS:
        of = status == name if name != "other" else (status != "ok") & (status != "error")
        chosen = of & timed
        if not chosen.any():
            continue
        stands_out = name == "error"
        axes.scatter(
            took[chosen],
            row[chosen] + offset[chosen],
            s=30 if stands_out else 4 if crowded else 12,
            c=look.colour,
            marker=look.marker,
            linewidths=1.5 if stands_out else 0,
            alpha=1.0 if stands_out else 0.35 if crowded else 0.75,
            label=f"{shown} ({int(chosen.sum()):,})",
            zorder=4 if stands_out else 3,
        )
