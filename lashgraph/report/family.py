"""The section about a session's family, among the files of a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pandas as pd

from lashgraph import plot
from lashgraph.corpus import open_corpus
from lashgraph.corpus.families import NEEDED, families_frame
from lashgraph.corpus.lanes import Workers
from lashgraph.format.html import Markup
from lashgraph.format.sizes import counted
from lashgraph.report.pieces import Pieces, note, paragraph
from lashgraph.report.tables import counts, names, sums, words

MEMBERS = [
    names("session_id", "session"),
    words("name", "name"),
    names("parent_session_id", "started by"),
    words("status", "place"),
    counts("n_children", "children"),
    sums("n_turns", "turns"),
    sums("file_bytes", "file and log (bytes)"),
    sums("input_tokens", "input (tokens)"),
    sums("output_tokens", "output (tokens)"),
]
"""Columns of a table of a family's members."""


def family(
    session_id: str, folder: str, pieces: Pieces, executor: Workers = None
) -> Iterator[Markup]:
    """The session, its parents and all that they started, as far as their files are in a folder."""
    with open_corpus(folder) as corpus:
        everyone = families_frame(corpus.sessions(columns=NEEDED, executor=executor))
        unread = corpus.errors()
    if len(unread):
        one = "file" if len(unread) == 1 else "files"
        yield note("odd", f"{len(unread):,} {one} beside it could not be read.")
    members = _family_of(session_id, everyone)
    if len(members) < 2:
        yield paragraph(
            f"No parent and no child of this session among {counted(len(everyone), 'session')} "
            "in its folder."
        )
        return
    yield pieces.figure(
        plot.families(members),
        "The session's family: children stand below their parent and one step to the right.",
    )
    yield pieces.table("The session's family.", members, MEMBERS, unit="session")


def _family_of(session_id: str, everyone: pd.DataFrame) -> pd.DataFrame:
    """All with the same root; around a cycle, who is next to the session."""
    if not session_id:
        return everyone.iloc[:0]
    mine = everyone[everyone["session_id"] == session_id]
    roots = mine["root_session_id"].dropna()
    if len(roots):
        return everyone[everyone["root_session_id"].isin(roots)]
    near = {session_id, *mine["parent_session_id"].dropna()}
    return everyone[
        everyone["session_id"].isin(near) | (everyone["parent_session_id"] == session_id)
    ]


def folder_of(path: str) -> str | None:
    """Where a session's family may be; nowhere for one in memory."""
    return None if path == ":memory:" else os.path.dirname(os.path.abspath(path))
