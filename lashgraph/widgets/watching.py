"""Whether a file is still what was read from it."""

from __future__ import annotations

from datetime import UTC, datetime

from lashgraph.errors import LashgraphError
from lashgraph.sqlite import place
from lashgraph.store import Store


class Watch:
    """Remembers the state of a store's file, and says what became of it.

    Parameters
    ----------
    store : Store
        Its state counts from now on; `mark` counts anew.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._real = place.real(store.path)
        self.mark()

    def mark(self) -> None:
        """Take the present state for the one that was read."""
        self._at = datetime.now(UTC)
        self._state = self._now()

    def why_stale(self) -> str:
        """Why what was read may be out of date; empty if it is not known to be."""
        if self._store.closed:
            return f"{self._store.path}: the store was closed; what was read from it stays here"
        try:
            if self._now() == self._state:
                return ""
        except LashgraphError:
            return f"{self._store.path}: the file is gone; what was read from it stays here"
        return (
            f"{self._store.path}: the file changed since it was read at "
            f"{self._at:%H:%M:%S} UTC; what was read then is shown"
        )

    def _now(self) -> place.PlaceState | None:
        """The state of the file; a log without bytes says nothing. None for a store in memory."""
        if self._store.path == place.MEMORY:
            return None
        found = place.place_state(self._real)
        return found if found.log is not None and found.log.size else found._replace(log=None)
