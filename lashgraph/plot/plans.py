"""The picture of a plan: what is there before, what a sweep frees, what is left."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from lashgraph.format.sizes import counted
from lashgraph.gc import GcPlan
from lashgraph.plot.colours import BLUE, CHARCOAL, DEAD, GREEN, PURPLE, SKY, YELLOW, Look
from lashgraph.plot.figure import axes_for, entitle, ink, label, legend, rows
from lashgraph.plot.given import as_kind
from lashgraph.plot.scales import byte_scale, bytes_short
from lashgraph.plot.stacks import boxes, fill

_THICK = 0.56
_KEPT_BY = {
    "head": ("the head", Look(BLUE)),
    "head@": ("heads of other sessions", Look(CHARCOAL)),
    "turn": ("recent turns", Look(SKY, "\\\\\\\\")),
    "anchor": ("pinned nodes", Look(PURPLE, "oo")),
    "agent_frame": ("agent frames", Look(PURPLE, "....")),
    "artifact": ("artifacts", Look(GREEN, "||||")),
    "other": ("nodes and other refs", Look(YELLOW, "xxxx")),
}
_ROWS = ("before", "freed", "after")


def gc_plan(plan: GcPlan, ax: Axes | None = None, *, title: str | None = None) -> Axes:
    """Draw what a plan does: the bytes of all blobs before, those freed, those left.

    Parameters
    ----------
    plan : GcPlan
        From ``store.plan_gc()``.
    ax : Axes, optional
        Where to draw; new Axes if not given.
    title : str, optional
        What stands above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        What is kept is parted by the first root that keeps it. Bytes are those of the blobs as
        stored; how large the file will be is another question.

    Raises
    ------
    InvalidRecordError
        This is no GcPlan, or ``ax`` is no Axes.

    Examples
    --------
    >>> import lashgraph as lg
    >>> with lg.open(":memory:") as store:
    ...     _ = store.put_blob(b"nobody names this")
    ...     print(lg.plot.gc_plan(store.plan_gc()).get_title(loc="left"))
    Plan, safe policy: frees 17 bytes of 17 bytes (100%)
    deletes 1 of 1 blob · keeps 0 blobs
    """
    as_kind(plan, GcPlan, "plan", "store.plan_gc()")
    freed, kept = plan.deleted_bytes, plan.kept_bytes
    total = freed + kept
    n_all = plan.deleted_blob_count + plan.kept_blob_count
    axes = axes_for(ax, 9.0, 2.7)
    entitle(
        axes,
        title,
        f"Plan, {plan.policy.name} policy: frees {bytes_short(freed)} of {bytes_short(total)} "
        f"({freed / max(total, 1):.0%})",
        f"deletes {plan.deleted_blob_count:,} of {counted(n_all, 'blob')}",
        f"keeps {counted(plan.kept_blob_count, 'blob')}",
    )
    divisor, unit = byte_scale(total)
    label(axes, x=f"stored blobs ({unit})")
    values = (total, freed, kept)
    rows(
        axes,
        [f"{name}\n{bytes_short(value)}" for name, value in zip(_ROWS, values, strict=True)],
    )
    axes.set_xlim(0, 1.02 * total / divisor or 1)
    start = 0.0
    for kind, size in _kept_by(plan.kept()).items():
        name, look = _KEPT_BY[kind]
        width = size / divisor
        corners = boxes(start, np.array([0, 2]) - _THICK / 2, width, _THICK)
        fill(axes, corners, look, f"kept by {name}, {bytes_short(size)}")
        start += width
    if freed:
        corners = boxes(start, np.array([0, 1]) - _THICK / 2, freed / divisor, _THICK)
        fill(axes, corners, DEAD, f"kept by nothing, {bytes_short(freed)}")
        axes.plot([start, start], [0, 2], color=ink(axes), linewidth=0.8, linestyle=":", zorder=1)
    if total:
        legend(axes)
    return axes


def _kept_by(kept: pd.DataFrame) -> dict[str, float]:
    """Bytes by the kind of the root that keeps them, in the order of the legend."""
    kinds = kept["reason"].astype(str).str.extract(r"^(head@|[^:]*)")[0]
    sizes = kept["stored_bytes"].groupby(kinds.where(kinds.isin(list(_KEPT_BY)), "other")).sum()
    return {kind: float(sizes[kind]) for kind in _KEPT_BY if kind in sizes.index}
