"""The picture of a corpus's bytes as rectangles that a browser draws."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

import pandas as pd

from lashgraph.corpus.families import NEEDED as FAMILY_COLUMNS
from lashgraph.corpus.families import families_frame
from lashgraph.format.html import visible
from lashgraph.format.sizes import bytes_text
from lashgraph.plot.treemap import HIGH, WIDE, lay_out, sums

LIVE, GARBAGE = "live", "garbage"


def alive_and_dead(sessions: pd.DataFrame) -> pd.DataFrame:
    """Bytes of live blobs and of garbage, two rows for each session.

    Returns
    -------
    DataFrame
        Columns path, kind, stored_bytes.
    """
    dead = sessions["reclaimable_bytes"].fillna(0)
    parts = {LIVE: sessions["blob_bytes"].fillna(0) - dead, GARBAGE: dead}
    return pd.concat(
        [
            pd.DataFrame({"path": sessions["path"], "kind": kind, "stored_bytes": sizes})
            for kind, sizes in parts.items()
        ],
        ignore_index=True,
    )


def picture(sessions: pd.DataFrame, sizes: pd.DataFrame) -> dict[str, Any]:
    """Families, in them sessions, in them kinds of bytes; areas are bytes.

    Parameters
    ----------
    sessions : DataFrame
        The columns of sessions() that families are made of.
    sizes : DataFrame
        Columns path, kind, stored_bytes.

    Returns
    -------
    dict
        ``width`` and ``height``; ``pieces``: kind, x, y, width, height; ``borders`` of sessions:
        path (None for the rest of many), name, bytes, x, y, width, height; ``kinds``: kind, bytes.
    """
    names = dict(zip(sessions["path"], sessions["session_id"], strict=True))
    chosen, roots = _by_path(sessions, sizes)
    corpus = sums(chosen, roots)
    borders, pieces = lay_out(corpus)
    paths = {path for family in corpus.values() for path in family}
    totals = chosen.groupby("kind", sort=False)["stored_bytes"].sum().sort_values(ascending=False)
    return {
        "width": WIDE,
        "height": HIGH,
        "kinds": [[visible(str(kind)), bytes_text(int(size))] for kind, size in totals.items()],
        "pieces": [[visible(piece.kind), *_rounded(piece.box)] for piece in pieces],
        "borders": [
            [path, _named(path, border.name, names), bytes_text(int(border.size)), *box]
            for border in borders
            for path in [_path_of(border.level, border.name, corpus, paths)]
            for box in [_rounded(border.box)]
            if border.level == "session" or len(corpus.get(border.name, ())) < 2
        ],
        "families": [_rounded(border.box) for border in borders if border.level == "family"],
    }


def named(sessions: pd.DataFrame, sizes: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What `corpus_bytes` takes: blobs and families, by names of sessions that are all different.

    Parameters
    ----------
    sessions, sizes : DataFrame
        As for `picture`.

    Returns
    -------
    blobs : DataFrame
        Columns session_id, kind, stored_bytes. A session without a name of its own is called by
        its path.
    families : DataFrame
        Columns session_id, root_session_id.
    """
    ids = sessions["session_id"]
    own = ids.notna() & (ids != "") & ~ids.duplicated(keep=False)
    names = dict(zip(sessions["path"], ids.where(own, sessions["path"]), strict=True))
    blobs, families = _by_path(sessions, sizes)
    return (
        blobs.assign(session_id=blobs["session_id"].map(names)),
        families.assign(session_id=families["session_id"].map(names)),
    )


def _by_path(sessions: pd.DataFrame, sizes: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Bytes and families of these sessions, whose paths stand for their ids."""
    families = families_frame(sessions[list(FAMILY_COLUMNS)])
    known = families[families["path"].notna()]
    chosen = sizes[sizes["path"].isin(sessions["path"])].rename(columns={"path": "session_id"})
    return (
        chosen[["session_id", "kind", "stored_bytes"]],
        known[["path", "root_session_id"]].rename(columns={"path": "session_id"}),
    )


def _path_of(
    level: str, name: str, corpus: Mapping[str, Mapping[str, object]], paths: Set[str]
) -> str | None:
    """The file of a border; None for the rest of many."""
    if level == "family":
        return next(iter(corpus.get(name, ())), None)
    return name if name in paths else None


def _named(path: str | None, name: str, names: dict[str, Any]) -> str:
    session = names.get(path) if path is not None else None
    return visible(str(session if isinstance(session, str) and session else name))


def _rounded(box: tuple[float, float, float, float]) -> list[float]:
    return [round(side, 2) for side in box]
