"""Every error and warning that lashgraph raises by itself.

All errors stem from `LashgraphError`, carry what a program needs as attributes, survive pickling
(so that they cross process boundaries in batch runs) and end with what to do next.
"""

from __future__ import annotations

from typing import Any, Self


class LashgraphError(Exception):
    """Base of all errors of this package.

    Parameters
    ----------
    message : str
        What happened, where, and what to do.
    **details
        Facts for programs; each becomes an attribute of the error.
    """

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        for name, value in details.items():
            setattr(self, name, value)

    def __str__(self) -> str:
        return _seen(super().__str__())

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.details)

    def with_path(self, path: str) -> Self:
        """Name the file in an error that was raised below the level that knows it."""
        if "path" in self.details:
            return self
        return type(self)(f"{path}: {self.message}", path=path, **self.details)


def _seen(text: str) -> str:
    """A message in which what would move a cursor or turn the order stands as Python writes it."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode()
        for one in text
    )


def _rebuild(cls: type[LashgraphError], message: str, details: dict[str, Any]) -> LashgraphError:
    return cls(message, **details)


class OpenError(LashgraphError):
    """A path could not be opened as a session store."""

    path: str


class StoreNotFoundError(OpenError):
    """The path does not exist; nothing was created."""


class NotAFileError(OpenError):
    """The path is a folder or another thing that is no regular file."""


class NotSQLiteError(OpenError):
    """The file is not an SQLite database."""


class EmptyFileError(OpenError):
    """The file has no bytes: a store that was never written."""


class NotASessionStoreError(OpenError):
    """An SQLite database of another application, or a sibling database of lash."""

    tables: tuple[str, ...]


class UnsupportedSchemaError(OpenError):
    """A session store of a schema version that is not supported."""

    version: int


class WhichSessionError(OpenError):
    """A file holds many sessions, and none was named, or one that is not there.

    Attributes
    ----------
    session_ids : tuple of str
        The sessions that are there.
    """

    session_ids: tuple[str, ...]


class PendingLogError(OpenError):
    """A file lacks its latest commits: they wait in a log that only another engine reads.

    Attributes
    ----------
    log : str
        The log.
    """

    log: str


class MissingTableError(OpenError):
    """A session store lacks tables or columns that its version must have."""

    missing: tuple[str, ...]


class StoreExistsError(OpenError):
    """``mode="create"`` found a store already there."""


class UnsafeSchemaError(OpenError):
    """The file holds triggers, views or other objects that could act on a write."""

    objects: tuple[str, ...]


class UnwritablePathError(OpenError):
    """The file or its folder cannot be written."""


class ExportError(OpenError):
    """A folder of Parquet files is no export of a corpus, or one that cannot be used."""


class NotExportedError(LashgraphError):
    """A folder of Parquet files does not hold what was asked of it.

    Attributes
    ----------
    frame : str
        What was asked for.
    exported : tuple of str
        The frames that are there.
    """

    frame: str
    exported: tuple[str, ...]


class TooLargeError(LashgraphError):
    """A text or blob is longer than what is read or written; nothing was changed."""


class StoreLockedError(LashgraphError):
    """Another connection held the lock longer than ``busy_timeout``; nothing was changed."""


class StoreClosedError(LashgraphError):
    """The store was closed before this call."""


class StoreChangedError(LashgraphError):
    """The file changed while it was read, again and again; no consistent snapshot was had."""


class StoreReplacedError(StoreChangedError):
    """Another file stands at the path since the store was opened."""


class ReadOnlyStoreError(LashgraphError):
    """A write was asked of a store opened for reading."""

    operation: str


class DatabaseError(LashgraphError):
    """SQLite failed: a damaged file, a full disk, an I/O error. The transaction was undone."""


class InvalidRecordError(LashgraphError):
    """An argument is not a record of the shape that the operation takes."""


class DamagedDataError(LashgraphError):
    """A stored row cannot be read."""

    table: str
    key: str


class DamagedHeadError(DamagedDataError):
    """The session head cannot be read."""


class DamagedNodeError(DamagedDataError):
    """A row of the session graph cannot be read."""


class DamagedBlobError(DamagedDataError):
    """A blob's envelope or content cannot be read."""


class DuplicateNodeError(LashgraphError):
    """A node id stands in the graph already (tombstoned rows count until vacuum)."""

    node_id: str


class HeadRevisionConflictError(LashgraphError):
    """The head moved since the caller read it."""

    expected: int
    actual: int


class SessionBindingError(LashgraphError):
    """The file belongs to another session."""

    bound_to: str
    session_id: str


class TurnCommitConflictError(LashgraphError):
    """The turn was committed before with another hash, or is stamped for another session."""

    session_id: str
    turn_id: str


class NotSupportedError(LashgraphError):
    """The operation belongs to the runtime and is not offered here."""


class VersionNotWrittenError(NotSupportedError):
    """Files of this schema version are not written so; nothing was changed.

    Attributes
    ----------
    version : int
        The schema version of the file.
    operation : str
        What was asked.
    """

    version: int
    operation: str


class UnknownNodeError(LashgraphError, KeyError):
    """No node of this id in the graph."""

    node_id: str

    __str__ = Exception.__str__


class UnknownRefError(LashgraphError, KeyError):
    """No ref of this key; valid keys stand in the column ``ref`` of ``store.refs()``."""

    ref: str

    __str__ = Exception.__str__


class UnknownBlobError(LashgraphError, KeyError):
    """No blob's hash begins so, and nothing in the store names one that does."""

    blob: str

    __str__ = Exception.__str__


class AmbiguousHashError(LashgraphError, KeyError):
    """Several hashes begin so.

    Attributes
    ----------
    prefix : str
        What was asked for.
    candidates : tuple of str
        All hashes that begin so, sorted.
    """

    prefix: str
    candidates: tuple[str, ...]

    __str__ = Exception.__str__


class UnknownColumnError(LashgraphError, KeyError):
    """A frame or a column of this name is not declared."""

    __str__ = Exception.__str__


class DamagedStoreError(LashgraphError):
    """A garbage collection was refused: damage could hide a root. Nothing was deleted.

    Attributes
    ----------
    findings : tuple of str
        One line for each reason, naming table and key.
    """

    findings: tuple[str, ...]


class BudgetError(LashgraphError):
    """A budget cannot be met by any retention that is allowed. Nothing was deleted.

    Attributes
    ----------
    wanted, best : int
        Bytes that were asked for, and the best that can be reached.
    """

    wanted: int
    best: int


class StalePlanError(LashgraphError):
    """The store moved since the plan was made. Nothing was deleted; plan again."""


class CorpusLockedError(LashgraphError):
    """Another batch collection is at work in the folder. Nothing was deleted.

    Attributes
    ----------
    path : str
        The lock file.
    owner : dict
        Number, host and start of the process that holds it, as far as they are known.
    """

    path: str
    owner: dict[str, Any]


class UnusualPlanError(LashgraphError):
    """A plan would delete what nothing explains as garbage. Nothing was deleted.

    Attributes
    ----------
    alarms : tuple of str
        One line for each reason; ``accept_unusual=True`` sweeps all the same.
    """

    alarms: tuple[str, ...]


class InexactForecastError(LashgraphError):
    """One number was asked of a forecast that has only an interval.

    Attributes
    ----------
    low, high : int
        The interval.
    """

    figure: str
    low: int
    high: int


class BackupError(LashgraphError):
    """A backup could not be made, or one cannot be put back. Nothing was deleted or replaced."""


class VerificationError(LashgraphError):
    """What was written is not what it must be.

    Attributes
    ----------
    backup : str or None
        The file that holds the state before, if there is one.
    findings : tuple of str
        What is wrong.
    """

    backup: str | None
    findings: tuple[str, ...]


class LeakError(LashgraphError):
    """A redacted copy held a word of an input, and was deleted. No other that is there held one.

    Attributes
    ----------
    path : str
        The file whose copy it was.
    leaks : tuple of str
        Words that were found and where, the first few.
    """

    path: str
    leaks: tuple[str, ...]


class LashgraphWarning(UserWarning):
    """Base of all warnings of this package."""

    def __str__(self) -> str:
        return _seen(super().__str__())


class DamagedDataWarning(LashgraphWarning):
    """Rows could not be read and are left out; ``store.problems()`` lists them."""


class UnknownVersionWarning(LashgraphWarning):
    """A file's schema version is not known; what can be read of it is read."""


class AutoGcWarning(LashgraphWarning):
    """An automatic garbage collection after a commit was refused; the commit stands."""
