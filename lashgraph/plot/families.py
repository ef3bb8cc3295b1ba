"""The picture of families: sessions and the sessions that they started."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from lashgraph.format.sizes import counted
from lashgraph.plot.colours import BLUE, PALE, SKY, VERMILION
from lashgraph.plot.figure import axes_for, entitle, ink, label, legend, no_y_axis, nothing
from lashgraph.plot.given import as_frame, numbers, texts
from lashgraph.plot.scales import bytes_short
from lashgraph.plot.texts import one_line, plain
from lashgraph.tree.forest import ABSENT, Forest, measure, parent_positions, without_cycles
from lashgraph.tree.tour import tour

_MOST = 60
_LARGEST, _SMALLEST = 220.0, 16.0


def families(sessions: pd.DataFrame, ax: Axes | None = None, *, title: str | None = None) -> Axes:
    """Draw which session started which, a row for each.

    Parameters
    ----------
    sessions : DataFrame
        From ``sessions()`` or ``families()`` of many stores: columns session_id,
        parent_session_id, and as far as they are there name, n_turns, file_bytes.
    ax : Axes, optional
        Where to draw; new Axes if not given.
    title : str, optional
        What stands above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        Children stand below their parent and one step further right; the area of a mark is the
        size of the file. Of more than 60 sessions the families with the most sessions are drawn,
        and the rest is a line of text.

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
    ...     print(lg.plot.families(store.sessions()).get_title(loc="left"))
    Sessions and the sessions they started
    1 session · 1 family · 0 children
    """
    as_frame(sessions, "sessions", "session_id", "parent_session_id")
    forest, order, family = _walk(sessions)
    shown = _shown(order, family)
    count = len(sessions)
    axes = axes_for(ax, 9.0, 1.3 + 0.24 * max(len(shown), 3))
    n_families = len(np.unique(family))
    parents = sessions["parent_session_id"].notna()
    orphans = int((forest.parents == ABSENT).sum())
    entitle(
        axes,
        title,
        "Sessions and the sessions they started",
        counted(count, "session"),
        counted(n_families, "family", "families"),
        counted(int(parents.sum()), "child", "children"),
        f"{counted(orphans, 'parent')} not among them" if orphans else "",
        f"{count - len(shown):,} not drawn" if len(shown) < count else "",
    )
    label(axes, x="generation")
    no_y_axis(axes)
    if not count:
        nothing(axes, "no sessions")
        axes.set_xlim(0, 1)
        return axes
    row = np.full(count, -1, np.int64)
    row[shown] = np.arange(len(shown))
    deepest = int(forest.depths[shown].max(initial=0))
    _draw_lines(axes, forest, row, shown)
    _draw_marks(axes, sessions, forest, row, shown)
    axes.set_xticks(range(0, deepest + 1, 1 + deepest // 12))
    axes.set_xlim(-0.15, deepest + 0.55 + 0.25 * deepest)
    axes.set_ylim(max(len(shown), 3) - 0.4, -0.7)
    legend(axes)
    return axes


def _walk(sessions: pd.DataFrame) -> tuple[Forest, NDArray[np.int64], NDArray[np.int64]]:
    """The forest, its nodes from the top to the bottom of a picture, and the root of each."""
    ids = texts(sessions, "session_id")
    missing = sessions["parent_session_id"].isna().tolist()
    names = texts(sessions, "parent_session_id")
    parents = [None if lost else name for lost, name in zip(missing, names, strict=True)]
    forest = without_cycles(measure(parent_positions(ids, parents)))
    walk = tour(forest)
    is_root = forest.parents[walk.order] < 0
    family = np.empty(len(ids), np.int64)
    family[walk.order] = walk.order[is_root][np.cumsum(is_root) - 1] if len(ids) else walk.order
    return forest, walk.order, family


def _shown(order: NDArray[np.int64], family: NDArray[np.int64]) -> NDArray[np.int64]:
    """As many whole families as fit, those with the most sessions; of one too large its top."""
    if len(order) <= _MOST:
        return order
    sizes = np.bincount(family)
    rank = np.lexsort((np.arange(len(order)), family[order], -sizes[family[order]]))
    return order[rank][:_MOST]


def _draw_lines(
    axes: Axes, forest: Forest, row: NDArray[np.int64], shown: NDArray[np.int64]
) -> None:
    """From each parent down, then over to the child."""
    depths, parents = forest.depths, forest.parents
    children = shown[parents[shown] >= 0]
    above = parents[children]
    corners = [
        np.stack([depths[above], row[above]], 1),
        np.stack([depths[above], row[children]], 1),
        np.stack([depths[children], row[children]], 1),
    ]
    axes.add_collection(
        LineCollection(list(np.stack(corners, 1)), colors=PALE, linewidths=1.1, zorder=1),
        autolim=False,
    )
    lost = shown[parents[shown] == ABSENT]
    if len(lost):
        y = row[lost]
        stubs = np.stack([np.stack([np.full(len(y), -0.12), y], 1), np.stack([0 * y, y], 1)], 1)
        axes.add_collection(
            LineCollection(
                list(stubs),
                colors=VERMILION,
                linewidths=1.6,
                linestyles=":",
                zorder=1,
                label="parent not among them",
            ),
            autolim=False,
        )


def _draw_marks(
    axes: Axes,
    sessions: pd.DataFrame,
    forest: Forest,
    row: NDArray[np.int64],
    shown: NDArray[np.int64],
) -> None:
    sizes = numbers(sessions, "file_bytes") if "file_bytes" in sessions else None
    area = np.full(len(sessions), 45.0)
    if sizes is not None:
        area = np.maximum(_LARGEST * np.nan_to_num(sizes / max(np.nanmax(sizes), 1)), _SMALLEST)
    children = forest.parents >= 0
    for of, name, colour, marker in (
        (~children, "session", BLUE, "o"),
        (children, "child of another session", SKY, "D"),
    ):
        chosen = shown[of[shown]]
        if len(chosen):
            axes.scatter(
                forest.depths[chosen],
                row[chosen],
                s=area[chosen],
                c=colour,
                marker=marker,
                edgecolors=ink(axes),
                linewidths=0.6,
                zorder=2,
                label=f"{name} ({len(chosen):,})",
            )
    names = _names(sessions)
    turns = numbers(sessions, "n_turns") if "n_turns" in sessions else None
    for at in shown.tolist():
        told = [one_line(names[at], 30)]
        if turns is not None and not np.isnan(turns[at]):
            told.append(counted(int(turns[at]), "turn"))
        if sizes is not None and not np.isnan(sizes[at]):
            told.append(bytes_short(sizes[at]))
        made = axes.annotate(
            " · ".join(told),
            (forest.depths[at], row[at]),
            xytext=(float(np.sqrt(area[at]) / 2 + 5), 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
            color=ink(axes),
        )
        plain([made])


def _names(sessions: pd.DataFrame) -> list[str]:
    """The name of each session, else its id."""
    ids = [name or "(no id)" for name in texts(sessions, "session_id")]
    if "name" not in sessions:
        return ids
    return [name or own for name, own in zip(texts(sessions, "name"), ids, strict=True)]
