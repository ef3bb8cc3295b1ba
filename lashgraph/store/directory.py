"""A folder of session files, named as lash's factory names them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from pathlib import Path

from lashgraph.errors import (
    InvalidRecordError,
    LashgraphError,
    StoreNotFoundError,
    UnwritablePathError,
)
from lashgraph.format.arguments import as_text, shown
from lashgraph.sqlite.database import Mode
from lashgraph.store.opening import open as open_store
from lashgraph.store.options import StoreOptions
from lashgraph.store.store import Store

_LONGEST = 80
_HASH_DIGITS = 16
_SIDECARS = ("", "-wal", "-shm", "-journal")


class StoreDirectory:
    """A folder of session files: where each session's file is, and how to open or make it.

    Parameters
    ----------
    folder : str or path
        The folder; `create` makes it when it is absent.
    options : StoreOptions, optional
        For the stores opened here.

    Examples
    --------
    >>> import lashgraph as lg
    >>> lg.StoreDirectory("sessions").path_for_session("my session").name
    'my_session-b405683d0bb5b3dc.db'
    """

    def __init__(self, folder: str | os.PathLike[str], options: StoreOptions | None = None) -> None:
        try:
            self.folder = Path(os.path.expanduser(os.fsdecode(folder)))
        except TypeError:
            raise InvalidRecordError(f"folder is a text or a path, not {shown(folder)}") from None
        self.options = options or StoreOptions()

    def __repr__(self) -> str:
        return f"<StoreDirectory {str(self.folder)!r}; .list() names its sessions>"

    def path_for_session(self, session_id: str) -> Path:
        """The file of a session, be it there or not.

        The name is the session id with everything but letters, digits, ``-`` and ``_`` replaced
        by ``_``, cut to 80 characters, and the first 16 hex digits of the id's SHA-256.
        """
        name = (
            re.sub(r"[^A-Za-z0-9_-]", "_", as_text(session_id, "session_id")).strip("_")
            or "session"
        )
        digest = hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()
        return self.folder / f"{name[:_LONGEST]}-{digest[:_HASH_DIGITS]}.db"

    def create(self, session_id: str) -> Store:
        """Make the store of a new session.

        Raises
        ------
        StoreExistsError
            The session has a store already.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnwritablePathError(
                f"{self.folder}: the folder cannot be made: {error.strerror}", path=str(self.folder)
            ) from error
        return open_store(self.path_for_session(session_id), "create", self.options)

    def open(self, session_id: str, mode: Mode = "r") -> Store:
        """Open a session's store.

        Raises
        ------
        StoreNotFoundError
            The session has no store here.
        """
        return open_store(self.path_for_session(session_id), mode, self.options)

    def delete(self, session_id: str) -> bool:
        """Delete a session's file with its sidecars and say whether there was one."""
        path = self.path_for_session(session_id)
        found = path.exists()
        for suffix in _SIDECARS:
            with contextlib.suppress(FileNotFoundError):
                os.remove(f"{path}{suffix}")
        return found

    def list(self) -> dict[str, Path]:
        """The sessions of this folder and their files, by file name.

        Files that are no session stores (siblings, other databases, damaged ones) are left out.

        Raises
        ------
        StoreNotFoundError
            There is no such folder.
        """
        if not self.folder.is_dir():
            raise StoreNotFoundError(f"{self.folder}: no such folder", path=str(self.folder))
        found: dict[str, Path] = {}
        for path in sorted(self.folder.glob("*.db")):
            with contextlib.suppress(LashgraphError):
                session_id = _session_id(path, self.options)
                if session_id:
                    found[session_id] = path
        return found


def _session_id(path: Path, options: StoreOptions) -> str:
    with open_store(path, "r", options) as store:
        return store.session_id
