"""The verdict on a store: may it be collected, and which blobs go."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from lashgraph.testing.oracle.mark import Refusal, Root, live_from, roots
from lashgraph.testing.oracle.tables import tables_of


@dataclass(frozen=True)
class Verdict:
    """What a collection should do with a store.

    Attributes
    ----------
    verdict : {"sweep", "refuse"}
        Whether it may run.
    doomed, kept : frozenset of str
        Hashes of blobs to delete and to keep; both empty on ``"refuse"``.
    root_count, retained_blob_count : int
        As the runtime's report counts them; 0 on ``"refuse"``.
    reasons : tuple of str
        Why it may not run: the first reason found.
    """

    verdict: str
    doomed: frozenset[str]
    kept: frozenset[str]
    root_count: int
    retained_blob_count: int
    reasons: tuple[str, ...]


def judge(
    store: str | os.PathLike[str] | sqlite3.Connection, policy: str = "safe", keep_turns: int = 0
) -> Verdict:
    """Say what a collection should do with a session store.

    Parameters
    ----------
    store : path or sqlite3.Connection
        A file is copied first and left as it is.
    policy : {"safe", "runtime"}
        Which roots count.
    keep_turns : int
        Keep the checkpoints of the latest turns.

    Returns
    -------
    Verdict

    Raises
    ------
    ValueError
        There is no such policy.

    Examples
    --------
    >>> import lashgraph as lg, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "one.db"
    >>> with lg.open(path, mode="create") as made:
    ...     key = made.put_blob(b"nobody names this")
    >>> judge(path).doomed == {key}
    True
    """
    try:
        present, live, start = _marked(store, policy, keep_turns, ())
    except Refusal as refusal:
        return Verdict("refuse", frozenset(), frozenset(), 0, 0, (str(refusal),))
    return Verdict("sweep", present - live, present & live, len(start), len(live), ())


def kept_by(
    store: str | os.PathLike[str] | sqlite3.Connection,
    policy: str = "safe",
    without: Collection[str] = (),
    *,
    keep_turns: int = 0,
) -> frozenset[str]:
    """The blobs that a collection would keep if some roots were not there.

    A brute-force answer to "what would go if these went": the difference of two calls. Every mark
    starts from nothing. A dropped root is not looked at, so that damage behind it alone refuses
    nothing; a head that cannot be read does. A blob that another root names, too, stays.

    Parameters
    ----------
    store : path or sqlite3.Connection
        A file is copied first and left as it is.
    policy : {"safe", "runtime"}
        Which roots count.
    without : collection of str
        Keys of roots to drop, as in the column ``ref`` of ``store.refs()``: ``head``,
        ``artifact:…``, ``agent_frame:…``, ``turn:…``, ``archive:…``. One that is no root under
        the policy drops nothing.
    keep_turns : int
        Keep the checkpoints of the latest turns; a dropped turn counts among them, no older one
        takes its place.

    Returns
    -------
    frozenset of str
        Hashes of blobs that are kept and present.

    Raises
    ------
    Refusal
        Damage that could hide a root.
    ValueError
        There is no such policy, or `without` is a text alone.

    Examples
    --------
    >>> import lashgraph as lg, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "one.db"
    >>> with lg.open(path, mode="create") as made:
    ...     key = made.put_module_artifact("lashlang:v1:a", b"{}")
    >>> kept_by(path) - kept_by(path, without=["artifact:lashlang:v1:a"]) == {key}
    True
    """
    if isinstance(without, str):
        raise ValueError("without is a collection of refs, not one text")
    present, live, _ = _marked(store, policy, keep_turns, without)
    return present & live


def _marked(
    store: str | os.PathLike[str] | sqlite3.Connection,
    policy: str,
    keep_turns: int,
    without: Collection[str],
) -> tuple[frozenset[str], set[str], list[Root]]:
    """The blobs that are there, the hashes that are reachable, and the roots."""
    if policy not in ("safe", "runtime"):
        raise ValueError(f"policy {policy!r}; known: 'safe', 'runtime'")
    safe = policy == "safe"
    with tables_of(store) as tables:
        start = [
            root
            for root in roots(tables, safe=safe, keep_turns=keep_turns)
            if root.ref not in without
        ]
        return frozenset(tables.blobs), live_from(tables, start, safe=safe), start
