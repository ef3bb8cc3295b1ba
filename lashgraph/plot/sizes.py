"""The picture of blob sizes: for each kind how many there are of which size, live and dead."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from lashgraph.format.sizes import counted
from lashgraph.plot.colours import DEAD, KINDS, LIVE
from lashgraph.plot.figure import axes_for, entitle, label, legend, nothing, rows
from lashgraph.plot.given import as_frame, numbers, texts
from lashgraph.plot.scales import bytes_short, log_bytes
from lashgraph.plot.stacks import boxes, fill, halo
from lashgraph.plot.texts import one_line

_BINS_PER_DECADE = 12
_REACH = 0.42
_MOST = 20


def blob_sizes(
    blobs: pd.DataFrame,
    ax: Axes | None = None,
    *,
    policy: str = "safe",
    title: str | None = None,
) -> Axes:
    """Draw how large the blobs of each kind are, live ones upwards and dead ones downwards.

    Parameters
    ----------
    blobs : DataFrame
        From ``store.blobs()``: columns kind, stored_bytes, and ``reachable_safe`` or
        ``reachable_runtime``.
    ax : Axes, optional
        Where to draw; new Axes if not given.
    policy : {"safe", "runtime"}
        Which policy tells live from dead.
    title : str, optional
        What stands above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        A row for each kind, the one with the most bytes on top. Heights are numbers of blobs, each
        row to its own scale; empty blobs count as one byte.

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
    ...     _ = store.put_blob(b"nobody names this")
    ...     print(lg.plot.blob_sizes(store.blobs()).get_title(loc="left"))
    Sizes of the blobs, safe policy
    live: 0 blobs, 0 bytes · dead: 1 blob, 17 bytes
    """
    reachable = f"reachable_{policy}"
    as_frame(blobs, "blobs", "kind", "stored_bytes", reachable)
    kinds = np.array(texts(blobs, "kind", "damaged"), object)
    sizes = numbers(blobs, "stored_bytes")
    live = blobs[reachable].to_numpy(np.bool_)
    shown = _by_bytes(kinds, sizes)
    axes = axes_for(ax, 10.0, 1.4 + 0.62 * max(len(shown), 2))
    entitle(
        axes,
        title,
        f"Sizes of the blobs, {policy} policy",
        f"live: {_told(sizes[live])}",
        f"dead: {_told(sizes[~live])}",
    )
    label(axes, x="stored bytes of a blob (logarithmic)")
    if not shown:
        log_bytes(axes, 1, 1000)
        rows(axes, [])
        nothing(axes, "no blobs")
        return axes
    row_of = {kind: row for row, kind in enumerate(shown)}
    row = np.array([row_of.get(kind, len(shown) - 1) for kind in kinds], np.int64)
    held = [(kind, row == at) for at, kind in enumerate(shown)]
    rows(axes, [_row_name(kind, sizes[of & live], sizes[of & ~live]) for kind, of in held])
    weights = np.maximum(sizes, 1)
    log_bytes(axes, float(weights.min()), float(weights.max()) * 1.0001)
    _draw(axes, row, weights, live)
    halo(axes, range(len(shown)))
    legend(axes, title="height: number of blobs,\neach row to its own scale")
    return axes


def _by_bytes(kinds: NDArray[np.object_], sizes: NDArray[np.float64]) -> list[str]:
    """The kinds, the one with the most bytes first; of too many the rest as one."""
    totals: dict[str, float] = {}
    for kind, size in zip(kinds.tolist(), sizes.tolist(), strict=True):
        totals[kind] = totals.get(kind, 0) + size
    names = sorted(totals, key=lambda kind: (-totals[kind], kind not in KINDS, kind))
    return names if len(names) <= _MOST else [*names[: _MOST - 1], "other kinds"]


def _draw(
    axes: Axes,
    row: NDArray[np.int64],
    weights: NDArray[np.float64],
    live: NDArray[np.bool_],
) -> None:
    """Histograms over bins of equal ratio, as one collection for live and one for dead."""
    bins = np.floor(np.log10(weights) * _BINS_PER_DECADE).astype(np.int64)
    places, at = np.unique(np.stack([row, bins, live]), axis=1, return_inverse=True)
    counts = np.bincount(at.ravel())
    highest = np.zeros(int(row.max()) + 1)
    np.maximum.at(highest, places[0], counts)
    heights = _REACH * counts / highest[places[0]]
    left = 10.0 ** (places[1] / _BINS_PER_DECADE)
    width = left * (10.0 ** (1 / _BINS_PER_DECADE) - 1)
    for is_live, look, name in ((1, LIVE, "live"), (0, DEAD, "dead")):
        chosen = places[2] == is_live
        if chosen.any():
            up = -heights[chosen] if is_live else heights[chosen]
            fill(axes, boxes(left[chosen], places[0][chosen], width[chosen], up), look, name)


def _row_name(kind: str, live: NDArray[np.float64], dead: NDArray[np.float64]) -> str:
    lines = [one_line(kind)]
    for sizes, state in ((live, "live"), (dead, "dead")):
        if len(sizes):
            lines.append(f"{len(sizes):,} {state}, {bytes_short(sizes.sum())}")
    return "\n".join(lines)


def _told(sizes: NDArray[np.float64]) -> str:
    return f"{counted(len(sizes), 'blob')}, {bytes_short(sizes.sum())}"
