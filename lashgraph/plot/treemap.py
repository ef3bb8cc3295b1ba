"""The picture of a corpus: its bytes by family, session and kind, as nested rectangles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from lashgraph.errors import InvalidRecordError
from lashgraph.plot.colours import PAPER, Look, look_of_kind
from lashgraph.plot.figure import axes_for, entitle, figure_of, ink, legend, no_axes, nothing
from lashgraph.plot.given import as_frame, numbers, texts
from lashgraph.plot.scales import bytes_short
from lashgraph.plot.squarify import Box, squarify
from lashgraph.plot.stacks import boxes, fill
from lashgraph.plot.texts import counted, one_line, plain

_WIDE, _HIGH = 100.0, 56.0
_FAMILIES, _SESSIONS = 24, 40
_WIDTHS = {"kind": 0.3, "session": 1.4, "family": 4.0}
_FONT = 7.5
_LETTER, _LINE = 0.62 * _FONT, 1.35 * _FONT
_SHORTEST = 4


class _Frame(NamedTuple):
    """A rectangle that is drawn as a border with a name: of a family or of a session."""

    level: str
    box: Box
    name: str
    size: float


class _Piece(NamedTuple):
    """A rectangle that is filled: a kind of one session."""

    kind: str
    box: Box


def corpus_bytes(
    blobs: pd.DataFrame,
    families: pd.DataFrame | None = None,
    ax: Axes | None = None,
    *,
    title: str | None = None,
) -> Axes:
    """Draw where the bytes of many sessions are: families, in them sessions, in them kinds.

    Parameters
    ----------
    blobs : DataFrame
        From ``blobs()`` of many stores: columns session_id, kind, stored_bytes. Any other frame
        with these will do, such as one with a row for each session and kind.
    families : DataFrame, optional
        From ``corpus.families()``: columns session_id, root_session_id. Without it, and where a
        session has no root, a session is a family of its own.
    ax : Axes, optional
        Where to draw; new Axes if not given.
    title : str, optional
        What stands above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        A treemap: areas are bytes. Of more than 24 families, and of more than 40 sessions of one,
        the smallest are one rectangle.

    Raises
    ------
    InvalidRecordError
        This is no frame, holds no numbers or negative ones, or ``ax`` is no Axes.
    UnknownColumnError
        The frame lacks a column.

    Examples
    --------
    >>> import lashgraph as lg, pandas as pd
    >>> blobs = pd.DataFrame({"session_id": ["a", "b"], "kind": ["raw", "raw"],
    ...                       "stored_bytes": [3000, 1000]})
    >>> families = pd.DataFrame({"session_id": ["a", "b"], "root_session_id": ["a", "a"]})
    >>> print(lg.plot.corpus_bytes(blobs, families).get_title(loc="left"))
    Bytes by family, session and kind
    4 kB · 1 family · 2 sessions
    """
    sums = _sums(blobs, families)
    total = float(sums["bytes"].sum())
    axes = axes_for(ax, 10.0, 5.4)
    entitle(
        axes,
        title,
        "Bytes by family, session and kind",
        bytes_short(total),
        counted(sums["family"].nunique(), "family", "families"),
        counted(len(sums[["family", "session"]].drop_duplicates()), "session"),
    )
    no_axes(axes)
    axes.set_xlim(0, _WIDE)
    axes.set_ylim(_HIGH, 0)
    if total <= 0:
        nothing(axes, "no bytes")
        return axes
    frames, pieces = _lay_out(sums)
    by_kind = sums.groupby("kind")["bytes"].sum()
    for kind in sorted(by_kind.index, key=lambda kind: (-by_kind[kind], kind)):
        corners = _corners([piece.box for piece in pieces if piece.kind == kind])
        name = f"{one_line(kind)}, {bytes_short(by_kind[kind])}"
        fill(axes, corners, look_of_kind(kind), name, linewidths=_WIDTHS["kind"])
    for level in ("session", "family"):
        corners = _corners([one.box for one in frames if one.level == level])
        fill(axes, corners, Look("none"), edgecolors=PAPER, linewidths=_WIDTHS[level], zorder=3)
    _write(axes, frames)
    legend(axes, title="area: bytes")
    return axes


def _sums(blobs: pd.DataFrame, families: pd.DataFrame | None) -> pd.DataFrame:
    """Bytes by family, session and kind."""
    as_frame(blobs, "blobs", "session_id", "kind", "stored_bytes")
    sizes = numbers(blobs, "stored_bytes")
    if (sizes < 0).any():
        raise InvalidRecordError("column 'stored_bytes' holds negative numbers")
    session = texts(blobs, "session_id", "(no session)")
    roots: dict[str, str] = {}
    if families is not None:
        as_frame(families, "families", "session_id", "root_session_id")
        known = families[families["root_session_id"].notna()]
        roots = dict(zip(texts(known, "session_id"), texts(known, "root_session_id"), strict=True))
    plainly = pd.DataFrame(
        {
            "family": np.array([roots.get(one, one) for one in session], object),
            "session": np.array(session, object),
            "kind": np.array(texts(blobs, "kind", "(no kind)"), object),
            "bytes": np.nan_to_num(sizes),
        }
    )
    return plainly.groupby(["family", "session", "kind"])["bytes"].sum().reset_index()


def _lay_out(sums: pd.DataFrame) -> tuple[list[_Frame], list[_Piece]]:
    """Families in the picture, sessions in each, kinds in each of these."""
    frames: list[_Frame] = []
    pieces: list[_Piece] = []
    whole = Box(0.0, 0.0, _WIDE, _HIGH)
    for name, box, family in _parts(sums, "family", "families", whole, _FAMILIES):
        frames.append(_Frame("family", box, name, float(family["bytes"].sum())))
        alone = family["session"].nunique() == 1
        for session_name, inner, session in _parts(family, "session", "sessions", box, _SESSIONS):
            size = float(session["bytes"].sum())
            frames.append(_Frame("session", inner, "" if alone else session_name, size))
            by_kind = session.groupby("kind")["bytes"].sum().sort_values(ascending=False)
            cut = squarify(by_kind.to_numpy(), inner)
            pieces += [
                _Piece(kind, Box(*row))
                for kind, row in zip(by_kind.index, cut.tolist(), strict=True)
            ]
    return frames, pieces


def _parts(
    frame: pd.DataFrame, column: str, plural: str, box: Box, most: int
) -> Iterator[tuple[str, Box, pd.DataFrame]]:
    """The parts of a frame by a column, each with its rectangle; the smallest of many as one."""
    sizes = frame.groupby(column)["bytes"].sum()
    names = sorted(sizes.index, key=lambda name: (-sizes[name], name))
    shown, rest = names, []
    if len(names) > most + 1:
        shown, rest = names[:most], names[most:]
    weights = [*(sizes[name] for name in shown), *([sizes[rest].sum()] if rest else [])]
    cut = squarify(weights, box).tolist()
    groups = dict(list(frame.groupby(column)))
    for name, row in zip(shown, cut, strict=False):
        yield name, Box(*row), groups[name]
    if rest:
        yield f"{len(rest):,} more {plural}", Box(*cut[-1]), frame[frame[column].isin(rest)]


def _corners(found: list[Box]) -> NDArray[np.float64]:
    return boxes(*np.array(found, np.float64).reshape(-1, 4).T)


def _write(axes: Axes, frames: list[_Frame]) -> None:
    """The names where they fit: those of families in the upper corner, of sessions below."""
    points = axes.get_window_extent().width / figure_of(axes).dpi * 72 / _WIDE
    for one in frames:
        is_family = one.level == "family"
        letters = int((one.box.width * points - 6) / _LETTER)
        lines = (one.box.height * points - 5) / _LINE
        if not one.name or letters < _SHORTEST or lines < (1 if is_family else 2.2):
            continue
        text = one_line(f"{one.name}, {bytes_short(one.size)}", letters)
        top = one.box.y + 2.5 / points
        if not is_family:
            top = one.box.y + one.box.height - 2.5 / points
        made = axes.text(
            one.box.x + 3 / points,
            top,
            text,
            fontsize=_FONT,
            weight="bold" if is_family else "normal",
            ha="left",
            va="top" if is_family else "bottom",
            color=ink(axes),
            zorder=4,
            bbox={"boxstyle": "square,pad=0.15", "facecolor": PAPER, "alpha": 0.85, "linewidth": 0},
        )
        plain([made])
