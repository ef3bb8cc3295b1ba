"""Opening a store."""

from __future__ import annotations

import os
import warnings

from lashgraph.errors import InvalidRecordError, UnknownVersionWarning
from lashgraph.format.arguments import shown
from lashgraph.format.html import visible
from lashgraph.sqlite.database import Database, Mode
from lashgraph.store.options import StoreOptions
from lashgraph.store.store import Store

MODES: tuple[Mode, ...] = ("r", "rw", "create")


def open(  # noqa: A001 - lashgraph.open is the name that users look for
    path: str | os.PathLike[str],
    mode: Mode = "r",
    options: StoreOptions | None = None,
    *,
    session_id: str | None = None,
) -> Store:
    """Open a session store.

    Parameters
    ----------
    path : str or path
        A session file, or ``":memory:"`` for an empty store that lives as long as it is open.
    mode : {"r", "rw", "create"}
        ``"r"`` reads and leaves the file and its folder as they were. ``"rw"`` writes too.
        ``"create"`` makes a new store; the file may be absent or empty. A store in memory can
        always be written.
    options : StoreOptions, optional
        Blob profile, policy of collections, waiting time for locks.
    session_id : str, optional
        Which session of a file that holds many (``durable-core.db`` of the latest releases). A
        collection of such a file goes over all of it.

    Returns
    -------
    Store
        Use it in a ``with`` block, or call ``close()``.

    Raises
    ------
    OpenError
        One class for each reason: `StoreNotFoundError`, `NotAFileError`, `NotSQLiteError`,
        `EmptyFileError`, `NotASessionStoreError`, `UnsupportedSchemaError`, `MissingTableError`,
        `StoreExistsError`, `UnsafeSchemaError`, `UnwritablePathError`, `WhichSessionError`.
    PendingLogError
        The Turso engine's log holds commits that the file lacks.
    StoreLockedError
        Another connection held the lock longer than ``options.busy_timeout`` seconds.

    Warns
    -----
    UnknownVersionWarning
        The file is of a version that is not known, and ``options.allow_unknown`` is set.

    Examples
    --------
    >>> import lashgraph as lg
    >>> with lg.open(":memory:") as store:
    ...     len(store.nodes())
    0
    """
    if mode not in MODES:
        raise InvalidRecordError(f"mode {shown(mode)}; known: {', '.join(map(repr, MODES))}")
    chosen = StoreOptions() if options is None else options
    if not isinstance(chosen, StoreOptions):
        raise InvalidRecordError(f"options is a StoreOptions, not {shown(options)}")
    try:
        name = os.fsdecode(path)
        os.fsencode(name)
    except UnicodeEncodeError:
        raise InvalidRecordError(f"path {path!r} holds half of a surrogate pair") from None
    except TypeError:
        raise InvalidRecordError(f"path is a text or a path, not {shown(path)}") from None
    if "\0" in name:
        raise InvalidRecordError(f"path {name!r} holds a NUL, which no file name does")
    expanded = name if name == ":memory:" else os.path.expanduser(name)
    database = Database(
        expanded,
        mode,
        chosen.busy_timeout,
        allow_unknown=chosen.allow_unknown,
        limits=chosen.read_limits,
        session_id=session_id,
    )
    if not database.dialect.is_known:
        warnings.warn(
            f"{visible(name)}: {database.dialect.name}; what is missing or odd may be of that "
            "version, and no collection is offered",
            UnknownVersionWarning,
            stacklevel=2,
        )
    return Store(database, chosen)
