"""What is known of a corpus's files: which are sessions, which are none, which failed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from lashgraph.corpus.discovery import CorpusFile, Listing
from lashgraph.corpus.header import HeaderKind
from lashgraph.corpus.lanes import Foreign, Lanes, OwnPool, Workers, check_workers
from lashgraph.corpus.notes import OPENING, Failure, LeftOut, Read
from lashgraph.errors import LashgraphError, NotSQLiteError
from lashgraph.sqlite import place
from lashgraph.sqlite.place import PlaceState
from lashgraph.store import StoreOptions

_NO_DATABASE: dict[HeaderKind, str] = {
    "other": "not an SQLite database",
}


class Verdict(NamedTuple):
    """What a file was found to be, and in which state it was then."""

    state: PlaceState | None
    left_out: LeftOut | None
    session_ids: tuple[str, ...] = ()


class Shared:
    """What a corpus shares with those chosen from it: the listing, verdicts and processes.

    Parameters
    ----------
    listing : Listing
        The files.
    options : StoreOptions
        How they are opened.
    """

    def __init__(self, listing: Listing, options: StoreOptions) -> None:
        self.files = listing.files
        self.left_out = listing.left_out
        self.failures = listing.failures
        self.options = options
        self.sent = replace(options, clock=StoreOptions().clock)  # any clock may not be picklable
        self.lock = threading.RLock()
        self._verdicts: dict[str, Verdict] = {}
        self._pools: dict[int, OwnPool] = {}

    def lanes(self, executor: Workers) -> Lanes | None:
        """Where work is done; None for this process."""
        check_workers(executor)
        if executor is None:
            return None
        if not isinstance(executor, int):
            return Foreign(executor)
        return self._pools.setdefault(executor, OwnPool(executor))

    def close(self) -> None:
        """End the processes; a later call may start new ones."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()

    # Verdicts

    def verdict(self, file: CorpusFile) -> Verdict | None:
        """What a file is known to be, if it has not changed since."""
        known = self._verdicts.get(file.path)
        return known if known is not None and known.state == state_of(file) else None

    def learn(self, file: CorpusFile, state: PlaceState | None, note: LeftOut | Read) -> None:
        """Keep what a file was found to be."""
        if isinstance(note, Read):
            self._verdicts[file.path] = Verdict(state, None, note.session_ids)
        else:
            self._verdicts[file.path] = Verdict(state, note)

    def known_left_out(self) -> list[LeftOut]:
        """What is no session, as far as it is known, by path."""
        found = [known.left_out for known in self._verdicts.values() if known.left_out is not None]
        return sorted([*self.left_out, *found])


def state_of(file: CorpusFile) -> PlaceState | None:
    """The state of a file and its log; None where it cannot be had."""
    try:
        return place.place_state(os.path.realpath(file.path) if file.linked else file.path)
    except (LashgraphError, OSError):
        return None


def no_database(file: CorpusFile, state: PlaceState | None) -> Failure | None:
    """What the header says of a file that is no database, if it has not changed since."""
    what = _NO_DATABASE.get(file.header.kind)
    if what is None or state is None:
        return None
    now = state.database
    if (now.inode, now.size, now.mtime_ns) != (file.inode, file.size, file.mtime_ns):
        return None
    error = NotSQLiteError(f"{file.path}: {what}", path=file.path)
    return Failure.of(file.path, OPENING, error)


class Failures:
    """Failures by file and stage; a later success of the same takes one away."""

    def __init__(self, first: Iterable[Failure] = ()) -> None:
        self._rows: dict[tuple[str, str], Failure] = {}
        self.add(first)

    def add(self, failures: Iterable[Failure]) -> None:
        """Note failures."""
        for failure in failures:
            self._rows[failure.path, failure.stage] = failure

    def forget(self, path: str, stage: str) -> None:
        """Forget what a file failed at, because it is tried again."""
        self._rows.pop((path, OPENING), None)
        self._rows.pop((path, stage), None)

    def paths(self) -> set[str]:
        """The files that failed at something."""
        return {path for path, _ in self._rows}

    def rows(self) -> list[Failure]:
        """All of them, by path and stage."""
        return [self._rows[key] for key in sorted(self._rows)]
