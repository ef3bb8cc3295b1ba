"""The journal of batch collections: what was begun and what was done, one JSON line each."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Iterator
from typing import Any, NamedTuple, get_type_hints

from lashgraph.corpus.gcrows import OUTCOMES, Planned, Swept
from lashgraph.errors import UnwritablePathError
from lashgraph.sqlite.place import FileState, PlaceState

NAME = ".lashgraph-gc.jsonl"
"""Name of a journal that was given none."""

_KINDS = get_type_hints(Swept)
_FORMAT = "lashgraph-gc-journal"
_VERSION = 1


class Earlier(NamedTuple):
    """A file that an earlier run swept, and its state right after that."""

    swept: Swept
    state: PlaceState


class History:
    """What earlier runs noted.

    Attributes
    ----------
    unfinished : set of str
        Files that were begun and not ended, or whose compaction failed.
    """

    def __init__(self) -> None:
        self.unfinished: set[str] = set()
        self._done: dict[tuple[str, object, object], Earlier] = {}

    def done(self, row: Planned) -> Earlier | None:
        """The sweep of exactly this plan of a file, if there was one."""
        return self._done.get((row.path, row.fingerprint, row.doomed))

    def add(self, line: dict[str, Any]) -> None:
        """Take in a line; what is no line of a journal says nothing."""
        if isinstance(path := line.get("begin"), str):
            self.unfinished.add(path)
        if isinstance(path := line.get("end"), str):
            swept = _swept(path, line.get("did"))
            if swept is None:
                return
            self.unfinished.discard(path)
            if swept.outcome == "failed" and swept.deleted_blob_count:
                self.unfinished.add(path)
            state = _state(line.get("state"))
            if swept.outcome == "done" and state is not None:
                key = path, line.get("fingerprint"), line.get("doomed")
                self._done[key] = Earlier(swept, state)


class Journal:
    """A file that lines are only added to; each is on the disk before the next file is begun.

    Parameters
    ----------
    path : str
        The file; it is made if it is missing.
    run : str
        Id of the run, which stands in each of its lines.

    Raises
    ------
    UnwritablePathError
        It cannot be written, or it is a file of another kind.
    """

    def __init__(self, path: str, run: str) -> None:
        self.path = path
        self.error: str | None = None
        self._run = run
        check_journal(path)
        try:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
            self._file = os.open(path, flags, 0o644)
        except OSError as error:
            raise _unwritable(path, f"cannot be written: {error.strerror}") from error
        size = os.fstat(self._file).st_size
        if size:
            os.lseek(self._file, size - 1, os.SEEK_SET)
            if os.read(self._file, 1) != b"\n":
                self._write(b"\n")  # a line that was cut when a run was killed ends here

    def head(self, **facts: object) -> None:
        """Say that a run begins."""
        self._add({"journal": _FORMAT, "version": _VERSION, **facts})

    def begin(self, path: str) -> None:
        """Say that a file is begun."""
        # not synced: what a loss of power takes of it is at most that a compaction was under way
        self._add({"begin": path}, sync=False)

    def end(self, row: Planned, swept: Swept, state: PlaceState | None) -> None:
        """Say what became of a file."""
        did = {name: value for name, value in swept._asdict().items() if value is not None}
        did.pop("path")
        facts = {"end": row.path, "fingerprint": row.fingerprint, "doomed": row.doomed, "did": did}
        self._add({**facts, "state": state})

    def tail(self, **facts: object) -> None:
        """Say that a run ended."""
        self._add({"ended": facts})

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _add(self, line: dict[str, object], *, sync: bool = True) -> None:
        self._write(json.dumps({"run": self._run, **line}).encode() + b"\n", sync=sync)

    def _write(self, data: bytes, *, sync: bool = True) -> None:
        """Add to the file; once that failed nothing more is added, and the run goes on."""
        if self.error is not None:
            return
        size = os.fstat(self._file).st_size
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(self._file, left) :]
            if sync:
                os.fsync(self._file)
        except OSError as error:
            self.error = f"{self.path}: the journal cannot be written: {error.strerror}"
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, size)  # no half of a line


def read_journal(path: str) -> History:
    """What a journal says; nothing if there is none.

    Raises
    ------
    UnwritablePathError
        The file is of another kind.
    """
    check_journal(path)
    history = History()
    for line in _lines(path):
        history.add(line)
    return history


def check_journal(path: str) -> None:
    """See that a file is a journal, or absent or empty.

    Raises
    ------
    UnwritablePathError
        It is another thing.
    """
    try:
        found = os.stat(path)
    except OSError:
        return
    if not stat.S_ISREG(found.st_mode):
        raise _unwritable(path, "no regular file")
    if found.st_size and not any(line.get("journal") == _FORMAT for line in _lines(path, 1)):
        raise _unwritable(path, "is no journal of batch collections, and is left alone")


def _lines(path: str, most: int | None = None) -> Iterator[dict[str, Any]]:
    try:
        file = open(path, "rb")  # noqa: SIM115 - the block below closes it
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise _unwritable(path, f"cannot be read: {error.strerror}") from error
    with file:
        count = 0
        while most is None or count < most:
            line = file.readline(1 << 20)
            if not line:
                return
            count += 1
            try:
                made = json.loads(line)
            except (ValueError, RecursionError):
                continue  # cut when a run was killed
            if isinstance(made, dict):
                yield made


def _swept(path: str, did: object) -> Swept | None:
    if not isinstance(did, dict) or not did.keys() <= set(Swept._fields) - {"path"}:
        return None
    facts = {"session_id": None, **did}
    if facts.get("outcome") not in OUTCOMES:
        return None
    fits = all(isinstance(value, _KINDS[name]) for name, value in facts.items())
    return Swept(path=path, **facts) if fits else None


def _state(value: object) -> PlaceState | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    try:
        return PlaceState(FileState(*value[0]), FileState(*value[1]) if value[1] else None)
    except TypeError:
        return None


def _unwritable(path: str, why: str) -> UnwritablePathError:
    return UnwritablePathError(f"{path}: {why}; journal= names another file", path=path)
