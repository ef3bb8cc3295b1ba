"""The picture of retention: live and garbage bytes over turns, and what collecting would do."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import shown
from lashgraph.format.sizes import counted
from lashgraph.plot.colours import DEAD, LINES, LIVE
from lashgraph.plot.figure import axes_for, entitle, label, legend, nothing
from lashgraph.plot.given import as_frame, numbers
from lashgraph.plot.scales import byte_scale, bytes_short
from lashgraph.plot.stacks import area
from lashgraph.plot.texts import one_line

Lines = dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]


def retention(
    history: pd.DataFrame,
    ax: Axes | None = None,
    *,
    what_if: Mapping[str, pd.DataFrame] | pd.DataFrame | None = None,
    title: str | None = None,
) -> Axes:
    """Draw how live and garbage bytes grew from turn to turn.

    Parameters
    ----------
    history : DataFrame
        From ``store.history()``: columns position, live_bytes, garbage_bytes.
    ax : Axes, optional
        Where to draw; new Axes if not given.
    what_if : mapping of str to DataFrame, or DataFrame, optional
        Lines to compare with, by name: frames with position and stored_bytes, or such as
        ``history``. One frame with a column ``every`` gives a line for each of its intervals.
    title : str, optional
        What stands above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        A notebook shows new ones as a picture; ``.figure.savefig(...)`` writes it.

    Raises
    ------
    InvalidRecordError
        Something is no frame, holds no numbers, or is no Axes.
    UnknownColumnError
        A frame lacks a column.

    Examples
    --------
    >>> import lashgraph as lg
    >>> with lg.open(":memory:") as store:
    ...     lg.plot.retention(store.history()).get_ylabel()
    'stored blobs (bytes)'
    """
    as_frame(history, "history", "position", "live_bytes", "garbage_bytes")
    lines = _lines(what_if)
    live, garbage = numbers(history, "live_bytes"), numbers(history, "garbage_bytes")
    total = live + garbage
    tops = [total, *(stored for _, stored in lines.values())]
    largest = max((float(top.max()) for top in tops if len(top)), default=0.0)
    divisor, unit = byte_scale(largest)
    axes = axes_for(ax, 10.0, 3.8)
    label(axes, x="turn", y=f"stored blobs ({unit})")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    _entitle(axes, live, garbage, title)
    axes.set_ylim(0, 1.05 * largest / divisor or 1)
    if not len(history):
        nothing(axes, "no turn was recorded")
        axes.set_xlim(0, 1)
        return axes
    edges = _edges(numbers(history, "position"))
    area(axes, live / divisor, 0 * live, edges, look=LIVE, label="live: this turn's checkpoint")
    area(
        axes,
        total / divisor,
        live / divisor,
        edges,
        look=DEAD,
        label="garbage: earlier turns' only",
    )
    for at, (name, (position, stored)) in enumerate(lines.items()):
        colour, dashes = LINES[at % len(LINES)]
        axes.stairs(
            stored / divisor,
            _edges(position),
            baseline=None,
            color=colour,
            linestyle=dashes,
            linewidth=1.8,
            label=one_line(name, 36),
            zorder=3,
            path_effects=[Stroke(linewidth=4.2, foreground=axes.get_facecolor()), Normal()],
        )
    axes.set_xlim(edges[0], edges[-1])
    legend(axes)
    return axes


def _entitle(
    axes: Axes, live: NDArray[np.float64], garbage: NDArray[np.float64], title: str | None
) -> None:
    headline = "What the turns' checkpoints keep in the store"
    if not len(live):
        entitle(axes, title, headline, "0 turns")
        return
    last_live, last_garbage = live[-1], garbage[-1]
    share = last_garbage / max(last_live + last_garbage, 1)
    entitle(
        axes,
        title,
        headline,
        f"after {counted(len(live), 'turn')}: {bytes_short(last_live)} live",
        f"{bytes_short(last_garbage)} garbage ({share:.0%})",
    )


def _edges(position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each turn from half a turn before its number, counted from 1, to half a turn after."""
    return np.append(position + 0.5, position[-1:] + 1.5)


def _lines(what_if: Mapping[str, pd.DataFrame] | pd.DataFrame | None) -> Lines:
    if what_if is None:
        return {}
    if isinstance(what_if, pd.DataFrame):
        as_frame(what_if, "what_if", "every", "position", "stored_bytes")
        groups = what_if.groupby("every", sort=True)
        return {_interval(every): _line(frame, "what_if") for every, frame in groups}
    if not isinstance(what_if, Mapping):
        raise InvalidRecordError(
            f"what_if is a mapping of names to frames, or a frame, not {shown(what_if)}"
        )
    return {str(name): _line(frame, f"what_if[{name!r}]") for name, frame in what_if.items()}


def _interval(every: object) -> str:
    if every == 0:
        return "never collected"
    return "collected every turn" if every == 1 else f"collected every {every} turns"


def _line(frame: pd.DataFrame, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    as_frame(frame, name, "position")
    if "stored_bytes" in frame:
        stored = numbers(frame, "stored_bytes")
    else:
        as_frame(frame, name, "live_bytes", "garbage_bytes")
        stored = numbers(frame, "live_bytes") + numbers(frame, "garbage_bytes")
    return numbers(frame, "position"), stored
