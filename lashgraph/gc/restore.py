"""Putting a backup back: in one transaction over what stands there, or as a new file."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from lashgraph.comparison import Comparison, Contents, compare_contents, read_contents
from lashgraph.errors import (
    BackupError,
    LashgraphError,
    NotASessionStoreError,
    OpenError,
    SessionBindingError,
    StoreLockedError,
    VerificationError,
)
from lashgraph.format.html import element
from lashgraph.gc.backup import NOTE, as_path, check_file, give_name, new_file, sync, write_copy
from lashgraph.gc.verify import refuse
from lashgraph.sqlite import place
from lashgraph.sqlite.connect import speak, translated
from lashgraph.sqlite.copies import alone, write_over
from lashgraph.sqlite.database import Database
from lashgraph.sqlite.integrity import own_check
from lashgraph.sqlite.recognise import of_session, recognise

_MOST_NOTE = 100_000


@dataclass(frozen=True)
class Restored:
    """A backup that was put back.

    Attributes
    ----------
    path : str
        The file that now holds what the backup does.
    backup : str
        The backup; it is left as it is.
    session_id : str
        The session.
    changes : Comparison or None
        What that changed in the file; None where there was none.
    seconds : float
        How long it took.
    """

    path: str
    backup: str
    session_id: str
    changes: Comparison | None
    seconds: float

    def _summary(self) -> str:
        return "a new file" if self.changes is None else self.changes.summary()

    def __repr__(self) -> str:
        return f"<Restored {self.path!r} from {self.backup!r}: {self._summary()}>"

    def _repr_html_(self) -> str:
        files = element("code", self.path), " from ", element("code", self.backup)
        return element("div", element("b", "Restored "), *files, f": {self._summary()}")


def restore(
    backup: str | os.PathLike[str],
    to: str | os.PathLike[str] | None = None,
    *,
    accept_loss: bool = False,
    busy_timeout: float = 15.0,
    progress: bool = False,
) -> Restored:
    """Put a backup of ``sweep(plan, backup=...)`` back.

    A store that stands there is written over page by page in one transaction while no other
    connection has it open, so that links to it, its permissions and its log stay in order, and
    what fails leaves the old state. Where nothing stands a new file is made. Either way the result
    is compared with the backup.

    Parameters
    ----------
    backup : str or path
        The backup, or any other session file.
    to : str or path, optional
        Where to put it; where it was made of if not given, as the note beside it says. Name it for
        a backup that comes from elsewhere.
    accept_loss : bool
        Whether what the store holds and the backup does not, may be lost: work done since.
    busy_timeout : float
        Seconds to wait for other connections to end.
    progress : bool
        Show a bar while pages are copied.

    Returns
    -------
    Restored

    Raises
    ------
    BackupError
        The backup is damaged, it is not known where to put it, what stands there is no session
        store, or something would be lost. Nothing was replaced.
    SessionBindingError
        Another session's store stands there.
    StoreLockedError
        Another connection has the store open.
    VerificationError
        What was written does not hold what the backup does.
    OpenError
        The backup cannot be opened.

    Examples
    --------
    >>> import lashgraph as lg, tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> with lg.open(folder / "s.db", "create") as store:
    ...     key = store.put_blob(b"nobody names this")
    ...     report = store.sweep(store.plan_gc(), backup=folder / "backups")
    >>> restore(report.backup).changes.summary()
    '1 blob added'
    """
    started = perf_counter()
    source = os.path.abspath(as_path(backup, "backup"))
    named = None if to is None else as_path(to, "to")
    database = Database(source, "r", busy_timeout, whole=True)
    try:
        target = _noted(source) if named is None else named
        with database.snapshot():

            def run(connection: sqlite3.Connection) -> Restored:
                with _telling(source, "the backup", busy_timeout):
                    check_file(connection)
                    wanted = read_contents(connection, source)
                changes = _put(
                    connection,
                    wanted,
                    target,
                    accept_loss=accept_loss,
                    busy_timeout=busy_timeout,
                    progress=progress,
                )
                seconds = perf_counter() - started
                return Restored(target, source, wanted.session_id, changes, seconds)

            return database.read(run)
    finally:
        database.close()


def _noted(backup: str) -> str:
    """Where a backup was made of."""
    try:
        with open(backup + NOTE, encoding="utf-8") as file:
            note = json.loads(file.read(_MOST_NOTE))
        path = note["restores"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        path = None
    if not isinstance(path, str) or not os.path.isabs(path) or "\0" in path:
        raise BackupError(
            f"{backup}: no note beside it ({os.path.basename(backup)}{NOTE}) says which file it "
            "was made of; name the file: restore(backup, to=...)",
            path=backup,
        )
    return path


def _put(
    source: sqlite3.Connection,
    wanted: Contents,
    target: str,
    *,
    accept_loss: bool,
    busy_timeout: float,
    progress: bool,
) -> Comparison | None:
    real = place.real(target)
    if not os.path.lexists(real):
        with _telling(target, "nothing was restored", busy_timeout):
            _put_new(source, wanted, real, progress=progress)
        return None
    if os.path.samefile(real, wanted.path):
        raise BackupError(f"{target}: that is the backup itself; name another file", path=target)
    with _telling(target, "nothing was replaced", busy_timeout):
        place.check_path(real)
        with alone(real, busy_timeout) as connection:
            found = recognise(connection, target, complete=False)
            speak(connection, of_session(connection, found, target, None, whole=True))
            changes = compare_contents(read_contents(connection, target), wanted)
            _refuse_loss(changes, accept_loss)
            write_over(source, connection, progress=progress)
            _verify(connection, wanted, target)
    return changes


def _put_new(source: sqlite3.Connection, wanted: Contents, real: str, *, progress: bool) -> None:
    for suffix in ("-wal", "-journal"):
        log = real + suffix
        if os.path.lexists(log) and os.path.getsize(log):
            raise BackupError(
                f"a log of a file that is gone stands at {log}, and SQLite would write it into the "
                "new one; move it away"
            )
    folder = os.path.dirname(real)
    with new_file(folder) as partial:
        write_copy(source, partial, progress=progress)
        copy = Database(partial, "r", 0, whole=True)
        try:
            copy.read(lambda connection: _verify(connection, wanted, real))
        finally:
            copy.close()
        sync(partial)
        give_name(partial, real)
    sync(folder)


def _refuse_loss(changes: Comparison, accept_loss: bool) -> None:
    ours, theirs = changes.session_id, changes.other_session_id
    if ours and theirs and ours != theirs:
        raise SessionBindingError(
            f"it holds session {ours!r}, the backup {theirs!r}; nothing was replaced",
            bound_to=ours,
            session_id=theirs,
        )
    if not accept_loss and (changes.lost() or changes.changed()):
        raise BackupError(
            f"it has moved since the backup, which would undo that ({changes.summary()}); nothing "
            "was replaced; accept_loss=True restores all the same, to=... another file",
            comparison=changes,
        )


def _verify(connection: sqlite3.Connection, wanted: Contents, path: str) -> None:
    findings = [f"SQLite's integrity check: {line}" for line in own_check(connection, full=True)]
    found = compare_contents(wanted, read_contents(connection, path))
    if not found.is_same:
        findings.append(f"it differs from the backup: {found.summary()}")
    refuse(findings, path, wanted.path, "restore to another file")


@contextmanager
def _telling(path: str, outcome: str, busy_timeout: float) -> Iterator[None]:
    """Errors in our own words; what cannot be a session store is told how to be got rid of."""
    try:
        yield
    except (SessionBindingError, VerificationError, BackupError) as error:
        raise error.with_path(path) from error.__cause__
    except FileExistsError:
        raise BackupError(
            f"{path}: a file was made there meanwhile; {outcome}", path=path
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise BackupError(f"{path}: {reason}; {outcome}", path=path) from error
    except (sqlite3.Error, LashgraphError) as error:
        ours = translated(error, path, busy_timeout)
        if isinstance(ours, StoreLockedError):
            raise ours from error
        advice = ""
        if isinstance(ours, (OpenError, NotASessionStoreError)):
            advice = "; move it away together with its -wal, and restore again"
        reason = ours.message.removeprefix(f"{path}: ")
        raise BackupError(f"{path}: {reason}; {outcome}{advice}", path=path) from error
