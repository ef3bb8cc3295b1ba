"""The picture of a corpus: its bytes by family, session and kind, as nested rectangles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from lashgraph.errors import InvalidRecordError
from lashgraph.format.sizes import counted
from lashgraph.plot.colours import PAPER, Look, look_of_kind
from lashgraph.plot.figure import axes_for, entitle, ink, legend, no_axes, nothing, room
from lashgraph.plot.given import as_frame, numbers, texts
from lashgraph.plot.scales import bytes_short
from lashgraph.plot.squarify import Box, squarify
from lashgraph.plot.stacks import boxes, fill
from lashgraph.plot.texts import one_line, plain

WIDE, HIGH = 100.0, 56.0
"""The picture, in units of its own."""

_FAMILIES, _SESSIONS = 24, 40
_FEW = {"family": 12, "session": 60}
_FONT = 7.5
_LETTER = {"family": 0.72 * _FONT, "session": 0.62 * _FONT}
_SHORTEST = {"family": 5, "session": 8}
_LINE = 1.4 * _FONT

Sizes = dict[str, float]
"""Bytes by kind."""


class Border(NamedTuple):
    """A rectangle that is drawn as a border with a name: of a family or of a session."""

    level: str
    box: Box
    name: str
    size: float


class Piece(NamedTuple):
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
        with these will do, such as one with a row for each session and kind, or with the kinds
        ``"live"`` and ``"garbage"``.
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
    corpus = sums(blobs, families)
    by_kind = _added(kinds for sessions in corpus.values() for kinds in sessions.values())
    total = sum(by_kind.values())
    axes = axes_for(ax, 10.0, 5.4)
    entitle(
        axes,
        title,
        "Bytes by family, session and kind",
        bytes_short(total),
        counted(len(corpus), "family", "families"),
        counted(sum(map(len, corpus.values())), "session"),
    )
    no_axes(axes)
    axes.set_xlim(0, WIDE)
    axes.set_ylim(HIGH, 0)
    if total <= 0:
        nothing(axes, "no bytes")
        return axes
    frames, pieces = lay_out(corpus)
    for kind in sorted(by_kind, key=lambda kind: (-by_kind[kind], kind)):
        corners = _corners([piece.box for piece in pieces if piece.kind == kind])
        name = f"{one_line(kind)}, {bytes_short(by_kind[kind])}"
        fill(axes, corners, look_of_kind(kind), name, linewidth=0.3)
    for level, wide, thin in (("session", 1.4, 0.5), ("family", 4.0, 2.0)):
        corners = _corners([one.box for one in frames if one.level == level])
        width = wide if len(corners) <= _FEW[level] else thin
        fill(axes, corners, Look("none"), edgecolor=PAPER, linewidth=width, zorder=3)
    _write(axes, frames)
    legend(axes, title="area: bytes")
    return axes


def sums(blobs: pd.DataFrame, families: pd.DataFrame | None) -> dict[str, dict[str, Sizes]]:
    """Bytes by family, session and kind."""
    as_frame(blobs, "blobs", "session_id", "kind", "stored_bytes")
    sizes = np.nan_to_num(numbers(blobs, "stored_bytes"))
    if (sizes < 0).any():
        raise InvalidRecordError("column 'stored_bytes' holds negative numbers")
    roots: dict[str, str] = {}
    if families is not None:
        as_frame(families, "families", "session_id", "root_session_id")
        known = families[families["root_session_id"].notna()]
        roots = dict(zip(texts(known, "session_id"), texts(known, "root_session_id"), strict=True))
    found: dict[str, dict[str, Sizes]] = {}
    sessions = [name or "(no session)" for name in texts(blobs, "session_id")]
    kinds = texts(blobs, "kind", "(no kind)")
    for session, kind, size in zip(sessions, kinds, sizes.tolist(), strict=True):
        of = found.setdefault(roots.get(session, session), {}).setdefault(session, {})
        of[kind] = of.get(kind, 0.0) + size
    return found


def _added(parts: Iterable[Sizes]) -> Sizes:
    found: Sizes = {}
    for kinds in parts:
        for kind, size in kinds.items():
            found[kind] = found.get(kind, 0.0) + size
    return found


def lay_out(corpus: dict[str, dict[str, Sizes]]) -> tuple[list[Border], list[Piece]]:
    """Families in the picture, sessions in each, kinds in each of these."""
    frames: list[Border] = []
    pieces: list[Piece] = []

    def cut(kinds: Sizes, box: Box) -> None:
        ranked = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
        boxes = squarify([size for _, size in ranked], box).tolist()
        pieces.extend(Piece(kind, Box(*row)) for (kind, _), row in zip(ranked, boxes, strict=True))

    whole = Box(0.0, 0.0, WIDE, HIGH)
    totals = {name: _added(sessions.values()) for name, sessions in corpus.items()}
    for name, box, family in _parts(totals, "families", whole, _FAMILIES):
        frames.append(Border("family", box, name, sum(family.values())))
        sessions = corpus.get(name, {})
        if len(sessions) < 2:
            cut(family, box)
            continue
        for session_name, inner, kinds in _parts(sessions, "sessions", box, _SESSIONS):
            frames.append(Border("session", inner, session_name, sum(kinds.values())))
            cut(kinds, inner)
    return frames, pieces


def _parts(
    parts: dict[str, Sizes], plural: str, box: Box, most: int
) -> Iterator[tuple[str, Box, Sizes]]:
    """The parts with their rectangles, the largest first; the smallest of many as one."""
    sizes = {name: sum(kinds.values()) for name, kinds in parts.items()}
    names = sorted(sizes, key=lambda name: (-sizes[name], name))
    rest: list[str] = []
    if len(names) > most + 1:
        names, rest = names[:most], names[most:]
    shown = [(name, parts[name]) for name in names]
    if rest:
        shown.append((f"{len(rest):,} more {plural}", _added(parts[name] for name in rest)))
    boxes = squarify([sum(kinds.values()) for _, kinds in shown], box).tolist()
    for (name, kinds), row in zip(shown, boxes, strict=True):
        yield name, Box(*row), kinds


def _corners(found: list[Box]) -> NDArray[np.float64]:
    return boxes(*np.array(found, np.float64).reshape(-1, 4).T)


def _write(axes: Axes, frames: list[Border]) -> None:
    """The names where they fit: those of families in the upper corner, of sessions in the lower."""
    points = room(axes)[0] / WIDE
    for one in frames:
        is_family = one.level == "family"
        letters = int((one.box.width * points - 6) / _LETTER[one.level])
        lines = (one.box.height * points - 5) / _LINE
        if letters < _SHORTEST[one.level] or lines < (1 if is_family else 2.2):
            continue
        size = bytes_short(one.size)
        name = one_line(one.name, max(letters - len(size) - 2, 1))
        text = f"{name}, {size}" if letters > len(size) + 5 else one_line(one.name, letters)
        margin = 2.5 / points
        made = axes.text(
            one.box.x + margin,
            one.box.y + (margin if is_family else one.box.height - margin),
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
