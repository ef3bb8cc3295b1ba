"""Making a report: what is asked in which order, and what stands where something fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import pandas as pd

from lashgraph.corpus import Corpus
from lashgraph.corpus.lanes import Workers
from lashgraph.errors import (
    DamagedDataError,
    DamagedStoreError,
    DatabaseError,
    InvalidRecordError,
    NotExportedError,
)
from lashgraph.format.arguments import shown
from lashgraph.format.html import Markup
from lashgraph.format.sizes import bytes_text, counted
from lashgraph.reach import GcPolicy
from lashgraph.report import collection, folder, session
from lashgraph.report.document import Report, Tile
from lashgraph.report.facts import CorpusFacts, StoreFacts
from lashgraph.report.family import family, folder_of
from lashgraph.report.findings import by_severity, problems
from lashgraph.report.pieces import Pieces, Section, note
from lashgraph.report.tables import text
from lashgraph.store import Store, StoreOptions

T = TypeVar("T")

_TOLD = (DatabaseError, DamagedDataError, DamagedStoreError, NotExportedError)
"""What ends a section and not the report."""


def report(
    source: Store | Corpus,
    policy: GcPolicy | None = None,
    *,
    children_in: str | os.PathLike[str] | None = None,
    children: bool = True,
    executor: Workers = None,
    progress: bool = False,
    **changes: Any,
) -> Report:
    """Look a session or many over, and make one page of it.

    Each frame is asked once; those of a store on one snapshot. What cannot be read is said in its
    section and by ``.complete``, and `DamagedDataWarning` tells it as ever.

    Parameters
    ----------
    source : Store or Corpus
        Open.
    policy : GcPolicy, optional
        What the dry run keeps; the options' policy if not given.
    children_in : str or path, optional
        The folder where a session's parents and children are; that of its file if not given.
    children : bool
        Whether they are looked for.
    executor : int or Executor, optional
        Who reads many files; this process if not given.
    progress : bool
        Show bars while many files are read.
    **changes
        Fields of the policy to change, such as ``keep_turns=3``.

    Returns
    -------
    Report

    Raises
    ------
    InvalidRecordError
        An argument is not of its kind.
    UnknownRefError
        ``keep`` names a ref that the store does not have, ``drop`` one that is no root.

    Examples
    --------
    >>> import lashgraph as lg, tempfile
    >>> from lashgraph.report import report
    >>> from lashgraph.testing.corpus import build_corpus
    >>> folder = tempfile.mkdtemp()
    >>> path = build_corpus(folder)[0]
    >>> with lg.open(path) as store:
    ...     page = report(store, keep_turns=3).save(f"{folder}/report.html")
    >>> with lg.open_corpus(folder) as corpus:
    ...     [tile.value for tile in report(corpus).tiles][:1]
    ['9']
    """
    if not isinstance(source, (Store, Corpus)):
        raise InvalidRecordError(f"source is an open Store or Corpus, not {shown(source)}")
    chosen = source.options.gc_policy if policy is None else policy
    if not isinstance(chosen, GcPolicy):
        raise InvalidRecordError(f"policy is a GcPolicy, not {shown(chosen)}")
    wanted = chosen.replace(**changes)
    if isinstance(source, Corpus):
        return _of_corpus(CorpusFacts(source, wanted, executor, progress=progress))
    beside = None
    if children:
        beside = folder_of(source.path) if children_in is None else os.fspath(children_in)
    return _of_store(StoreFacts(source, wanted), beside, executor)


_OF_A_SESSION = (
    ("session", "The session", session.who),
    ("bytes", "Where the bytes are", session.where_bytes_are),
    ("tree", "The session tree", session.session_tree),
    ("turns", "Turns over time", session.timeline),
    ("tools", "Tool calls", session.tool_calls),
    ("tokens", "Use of tokens", session.usage),
    ("findings", "What is wrong, or odd", session.findings),
    ("collection", "What a collection would do", collection.collection),
    ("retention", "What keeping turns costs", collection.retention),
)
_OF_MANY = (
    ("sessions", "The sessions", folder.overview),
    ("bytes", "Where the bytes are", folder.where_bytes_are),
    ("shared", "Contents in several files", folder.shared),
    ("families", "Parents and children", folder.families),
    ("tools", "Tool calls", folder.tool_calls),
    ("tokens", "Use of tokens", folder.models),
    ("findings", "What is wrong, or odd", folder.findings),
    ("collection", "What a collection would do", folder.collection),
    ("unread", "What could not be read", folder.unread),  # last: by then all was asked for
)


def _of_store(asked: StoreFacts, beside: str | None, executor: Workers) -> Report:
    pieces, store = Pieces(), asked.store
    made_at = _now(store.options)
    with store.snapshot():
        parts = [_part(anchor, title, make(asked, pieces)) for anchor, title, make in _OF_A_SESSION]
        tiles = _tiles(
            lambda: Tile(bytes_text(asked.session["file_bytes"]), "file", "bytes"),
            lambda: _count(asked.session["n_nodes"], "node", "tree"),
            lambda: _count(asked.session["n_turns"], "turn", "turns"),
            lambda: _calls_tile(asked.calls),
            lambda: _freed(asked),
            lambda: _findings_tile(asked.findings),
        )
        session_id = _known(lambda: store.session_id, "")
        n_problems = _known(lambda: len(problems(asked.findings)), 0)
    if beside is not None:
        made = family(session_id, beside, pieces, executor)
        parts.append(_part("family", "Parents and children", made))
    complete = not n_problems and all(part.complete for part in parts)
    title = f"Session {session_id}" if session_id else "An empty session"
    return Report(title, store.path, made_at, tiles, tuple(parts), complete)


def _of_corpus(asked: CorpusFacts) -> Report:
    pieces, corpus = Pieces(), asked.corpus
    made_at = _now(corpus.options)
    parts = [_part(anchor, title, make(asked, pieces)) for anchor, title, make in _OF_MANY]
    tiles = _tiles(
        lambda: _count(len(asked.sessions), "session", "sessions"),
        lambda: Tile(bytes_text(int(asked.sessions["file_bytes"].sum())), "files", "bytes"),
        lambda: _count(int(asked.sessions["n_turns"].sum()), "turn", "sessions"),
        lambda: _calls_tile(asked.calls),
        lambda: Tile(bytes_text(asked.plan.deleted_bytes), "to be freed", "collection"),
        lambda: _findings_tile(asked.findings),
        lambda: _count(folder.failures(asked)["path"].nunique(), "file", "unread", " not read"),
    )
    n_problems = _known(lambda: len(problems(asked.findings)), 0)
    lost = n_problems or len(folder.failures(asked))
    complete = not lost and all(part.complete for part in parts)
    title = _known(lambda: counted(len(asked.sessions), "session"), "Many sessions")
    return Report(title, asked.folder, made_at, tiles, tuple(parts), complete)


def _part(anchor: str, title: str, making: Iterable[Markup]) -> Section:
    """A section; where its making fails, what it has so far and why."""
    content: list[Markup] = []
    try:
        content.extend(making)  # keeps what came before an error
    except _TOLD as error:
        content.append(note("bad", "This could not be read: ", text(error)))
        return Section(anchor, title, tuple(content), complete=False)
    return Section(anchor, title, tuple(content))


def _tiles(*makers: Callable[[], Tile]) -> tuple[Tile, ...]:
    """Those that can be known."""
    found = []
    for make in makers:
        with suppress(*_TOLD):
            found.append(make())
    return tuple(found)


def _count(count: int, unit: str, anchor: str, more: str = "") -> Tile:
    """A number of things, and what is said of them."""
    value, _, what = counted(count, unit).partition(" ")
    return Tile(value, f"{what}{more}", anchor)


def _calls_tile(calls: pd.DataFrame) -> Tile:
    n_calls = int((calls["status"] != "orphan_result").sum())
    n_failed = int((calls["status"] == "error").sum())
    return _count(n_calls, "tool call", "tools", f", {n_failed:,} failed" if n_failed else "")


def _freed(asked: StoreFacts) -> Tile:
    if asked.reach.findings:
        return Tile("refused", "collection", "collection")
    return Tile(bytes_text(asked.plan.deleted_bytes), "to be freed", "collection")


def _findings_tile(findings: pd.DataFrame) -> Tile:
    (name, count), *others = [*by_severity(findings).items()]
    told = [f", {counted(n, other)}" for other, n in others if n]
    return _count(count, name, "findings", "".join(told))


def _known(ask: Callable[[], T], otherwise: T) -> T:
    """What is asked for, where it can be read."""
    try:
        return ask()
    except _TOLD:
        return otherwise


def _now(options: StoreOptions) -> datetime:
    return datetime.fromtimestamp(options.clock(), UTC)
