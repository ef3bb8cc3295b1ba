"""Reading for a widget, and whether a file is still what was read from it."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from lashgraph.errors import DamagedDataWarning, LashgraphError
from lashgraph.format.html import visible
from lashgraph.sqlite import place
from lashgraph.store import Store


def state_of(path: str) -> place.PlaceState | None:
    """The state of a file and of its log; one without bytes says nothing. None for no file."""
    try:
        found = place.place_state(place.real(path))
    except (LashgraphError, OSError):
        return None
    return found if found.log is not None and found.log.size else found._replace(log=None)


@contextmanager
def unwarned() -> Iterator[None]:
    """Read without warnings of damage, which a widget tells itself.

    Filters of warnings belong to the whole process, and two threads that change them for a while
    may leave them changed. So this is done on the main thread alone; what is read again on a
    callback's thread warns.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedDataWarning)
        yield


class Watch:
    """Remembers the state of a store's file, and says what became of it.

    Parameters
    ----------
    store : Store
        Its state counts from now on; `mark` counts anew.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.mark()

    def mark(self) -> None:
        """Take the present state for the one that was read."""
        self._at = datetime.now(UTC)
        self._state = state_of(self._store.path)

    def why_stale(self) -> str:
        """Why what was read may be out of date; empty if it is not known to be."""
        path = visible(self._store.path)
        if self._store.closed:
            return f"{path}: the store was closed; what was read from it stays here"
        if path == place.MEMORY:
            return ""
        now = state_of(self._store.path)
        if now == self._state:
            return ""
        if now is None:
            return f"{path}: the file is gone; what was read from it stays here"
        return (
            f"{path}: the file changed since it was read at {self._at:%H:%M:%S} UTC; "
            "what was read then is shown"
        )
