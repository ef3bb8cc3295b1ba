"""The picture of retention: live and garbage bytes over turns."""

from __future__ import annotations

import pandas as pd

from lashgraph.plot.figure import DEAD, LIVE, Picture, byte_scale, legend, new_axes


def retention(history: pd.DataFrame, title: str | None = None) -> Picture:
    """Draw how live and garbage bytes grew from turn to turn.

    Parameters
    ----------
    history : DataFrame
        From ``store.history()``.
    title : str, optional
        What stands above the picture.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import lashgraph as lg
    >>> with lg.open(":memory:") as store:
    ...     lg.plot.retention(store.history()).axes[0].get_ylabel()
    'stored bytes of blobs'
    """
    live, garbage = history["live_bytes"], history["garbage_bytes"]
    divisor, unit = byte_scale(float((live + garbage).max()) if len(history) else 0)
    if title is None:
        title = "What the turns' checkpoints name"
        if len(history):
            share = garbage.iloc[-1] / max(live.iloc[-1] + garbage.iloc[-1], 1)
            title += f": {share:.0%} of it garbage after {len(history):,} turns"
    figure, axes = new_axes(10, 3.6, title)
    axes.stackplot(
        history["position"] + 1,
        live / divisor,
        garbage / divisor,
        labels=["live: the turn's own checkpoint", "garbage: earlier turns only"],
        colors=[LIVE, DEAD],
        step="post",
        alpha=0.9,
    )
    axes.set_xlabel("turn")
    axes.set_ylabel(f"stored {'bytes' if unit == 'bytes' else unit} of blobs")
    axes.set_ylim(bottom=0)
    axes.margins(x=0)
    if len(history):
        legend(axes, loc="upper left")
    return figure
