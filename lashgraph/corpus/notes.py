"""What is noted of a file: that it was read, that it is no session, or that it failed."""

from __future__ import annotations

from typing import NamedTuple

from lashgraph.errors import LashgraphError

OPENING = "open"
"""Stage of a file that could not be opened as a session store."""

LISTING = "list"
"""Stage of what could not even be listed."""


class LeftOut(NamedTuple):
    """A file that belongs to no frame, and why.

    Attributes
    ----------
    reason : str
        One of `SKIP_REASONS`.
    what : str
        What it is.
    table : str
        Of a sibling database the table that it was recognised by.
    """

    path: str
    reason: str
    what: str
    table: str = ""


class Failure(NamedTuple):
    """A file that failed, or that was read in part only.

    Attributes
    ----------
    stage : str
        ``"list"``, ``"open"``, or the frame that was asked for.
    error, message : str
        Type and text of the error.
    partly : bool
        Whether the rest of the file was read.
    cause : LashgraphError or None
        The error itself, where it is one of ours.
    """

    path: str
    stage: str
    error: str
    message: str
    partly: bool = False
    session_id: str | None = None
    cause: LashgraphError | None = None

    @classmethod
    def of(cls, path: str, stage: str, error: BaseException) -> Failure:
        """What an error says of a file."""
        ours = error if isinstance(error, LashgraphError) else None
        text = str(error) or type(error).__name__
        return cls(path, stage, type(error).__name__, text, cause=ours)

    def raised(self) -> LashgraphError:
        """The error to raise for it."""
        if self.cause is not None:
            return self.cause
        return LashgraphError(f"{self.path}: {self.error}: {self.message}", path=self.path)


class Read(NamedTuple):
    """A file that was read.

    Attributes
    ----------
    session_ids : tuple of str
        Its session; of a file that holds many, each.
    rows : int
        Rows that it gave.
    fingerprint : str
        That of its snapshot.
    damage : Failure or None
        Rows that could not be read.
    """

    path: str
    session_ids: tuple[str, ...]
    rows: int
    fingerprint: str
    damage: Failure | None = None


Note = LeftOut | Failure | Read
