"""Finding the children of a session among the files of a folder."""

from __future__ import annotations

import os
import warnings
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from lashgraph.errors import (
    DamagedDataWarning,
    EmptyFileError,
    LashgraphError,
    NotAFileError,
    NotASessionStoreError,
    StoreNotFoundError,
)
from lashgraph.format.arguments import shown
from lashgraph.format.html import visible
from lashgraph.format.node import Cause
from lashgraph.store.opening import open as open_store
from lashgraph.tree.family import FamilySession, SessionFamily

_NO_SESSIONS = (NotASessionStoreError, EmptyFileError, NotAFileError, StoreNotFoundError)
_NAMED = 3


class _Child(NamedTuple):
    """A file that names a session as its parent."""

    path: str
    caused_by: Cause | None


def session_family(
    path: str | os.PathLike[str],
    *,
    children: bool = True,
    children_in: str | os.PathLike[str] | None = None,
    every_frame: bool = False,
) -> SessionFamily:
    """Read a session, its children, theirs, and so on.

    A child is a session file (``*.db``) whose metadata name the session as parent. Each file is
    read once, so that sessions that name each other as parents end nowhere.

    Parameters
    ----------
    path : str or path
        The session's file.
    children : bool
        Whether children are looked for.
    children_in : str or path, optional
        The folder where they are; that of the file if not given.
    every_frame : bool
        Take the nodes of all agent frames, not of the current one alone.

    Returns
    -------
    SessionFamily
        Each session is followed by its children in the order of their beginnings. Files of the
        folder that cannot be looked at are named in a `DamagedDataWarning`.

    Raises
    ------
    OpenError
        The session cannot be opened.
    StoreNotFoundError
        There is no such file, or no such folder.

    Examples
    --------
    >>> import tempfile
    >>> from lashgraph.testing.corpus import build_corpus
    >>> paths = build_corpus(tempfile.mkdtemp())
    >>> parent = next(path for path in paths if path.name.startswith("survey-parent"))
    >>> [session.session_id for session in session_family(parent).sessions]
    ['survey-parent', 'survey-child-a', 'survey-child-b']
    """
    start = os.path.expanduser(os.fsdecode(path))
    first = _read(_Child(start, None), None, every_frame=every_frame)
    known: dict[str, list[_Child]] = {}
    if children:
        folder = Path(start).parent if children_in is None else Path(os.fsdecode(children_in))
        known = _children_by_parent(folder.expanduser())
    sessions: list[FamilySession] = []
    seen = {os.path.realpath(start)}
    waiting = [first]
    while waiting:
        session = waiting.pop()
        at = len(sessions)
        sessions.append(session)
        found = []
        for child in known.get(session.session_id, []):
            if os.path.realpath(child.path) not in seen:
                seen.add(os.path.realpath(child.path))
                found.append(_read(child, at, every_frame=every_frame))
        waiting += sorted(found, key=_beginning, reverse=True)
    return SessionFamily(tuple(sessions))


def _read(child: _Child, parent: int | None, *, every_frame: bool) -> FamilySession:
    with open_store(child.path) as store, store.snapshot():
        tree, meta = store.tree(), store.load_meta()
    return FamilySession(
        session_id=tree.session_id,
        name="" if meta is None else meta.session_name,
        path=child.path,
        transcript=tree.transcript(every_frame=every_frame),
        parent=parent,
        caused_by=child.caused_by,
        n_unreadable=len(tree.unreadable),
    )


def _beginning(session: FamilySession) -> tuple[str, str]:
    nodes = session.transcript.nodes
    return (nodes[0].timestamp if nodes else "", session.path)


def _children_by_parent(folder: Path) -> dict[str, list[_Child]]:
    """The children among a folder's files, by the id of their parent."""
    if not folder.is_dir():
        raise StoreNotFoundError(f"{folder}: no such folder", path=str(folder))
    found: defaultdict[str, list[_Child]] = defaultdict(list)
    refused: list[str] = []
    for path in sorted(folder.glob("*.db")):
        try:
            with open_store(path) as store:
                meta = store.load_meta()
        except _NO_SESSIONS:
            continue
        except LashgraphError as error:
            refused.append(str(error))
            continue
        if meta is not None and meta.relation.parent_session_id is not None:
            child = _Child(str(path), meta.relation.cause)
            found[meta.relation.parent_session_id].append(child)
    if refused:
        more = "" if len(refused) <= _NAMED else f"; and {len(refused) - _NAMED} more"
        warnings.warn(
            f"{shown(str(folder))}: {len(refused)} files could not be looked at for children: "
            f"{visible('; '.join(refused[:_NAMED]))}{more}",
            DamagedDataWarning,
            stacklevel=3,
        )
    return found
