"""The files of a corpus: which are sessions, which are none, which failed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Literal, Self

import pandas as pd

from lashgraph.corpus.discovery import CorpusFile
from lashgraph.corpus.lanes import How, Workers
from lashgraph.corpus.ledger import Shared
from lashgraph.corpus.notes import OPENING
from lashgraph.corpus.running import RunningCorpus
from lashgraph.corpus.schemas import ERRORS, FILES, SKIPPED
from lashgraph.corpus.tasks import Job
from lashgraph.errors import (
    InvalidRecordError,
    ReadOnlyStoreError,
    StoreNotFoundError,
)
from lashgraph.format.arguments import shown
from lashgraph.store import Store, StoreOptions
from lashgraph.store import open as open_store

CorpusMode = Literal["r", "rw"]
Choice = Callable[["SessionsCorpus", How], list[CorpusFile]]
"""Gives the files of a part, for which runs are noted."""


class SessionsCorpus(RunningCorpus):
    """Which files are sessions, and what became of the others."""

    def __init__(self, shared: Shared, mode: CorpusMode) -> None:
        super().__init__(shared, shared.failures)
        self._mode = mode
        self._whole: SessionsCorpus = self
        self._choose: Choice | None = None
        self._chosen: list[CorpusFile] | None = None

    @property
    def mode(self) -> CorpusMode:
        """How the corpus was opened: ``"r"``, or ``"rw"`` to be able to sweep."""
        return self._mode

    @property
    def options(self) -> StoreOptions:
        """The options that its files are opened with."""
        return self._shared.options

    # Files

    def _files(self, how: How) -> list[CorpusFile]:
        if self._choose is not None:
            if self._chosen is None:
                self._chosen = self._choose(self, how)
                self._failures.add(self._whole._failures.rows())
            return self._chosen
        known = map(self._shared.verdict, self._shared.files)
        return [
            file
            for file, verdict in zip(self._shared.files, known, strict=True)
            if verdict is None or verdict.left_out is None
        ]

    def _sessions(self, how: How) -> list[CorpusFile]:
        """The files that are sessions; those not known yet are opened and looked at."""
        with self._shared.lock:
            files = self._files(how)
            failed = self._failures.paths()
            unknown = [
                file
                for file in files
                if file.path not in failed and self._shared.verdict(file) is None
            ]
            if unknown:
                job = Job(OPENING, None, (), self._shared.sent)
                self._run_over(unknown, job, how)
            verdicts = map(self._shared.verdict, files)
            return [
                file
                for file, verdict in zip(files, verdicts, strict=True)
                if verdict is not None and verdict.left_out is None
            ]

    def paths(self, *, executor: Workers = None, progress: bool = False) -> list[str]:
        """The files that are sessions, in order.

        Files that were not read yet are opened to see what they are; that is kept as long as they
        do not change.

        Parameters
        ----------
        executor : int or Executor, optional
            Who reads; this process if not given.
        progress : bool
            Show a bar.
        """
        return [file.path for file in self._sessions(How(executor, progress))]

    def __len__(self) -> int:
        return len(self.paths())

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths())

    def open(self, key: str | os.PathLike[str], mode: CorpusMode = "r") -> Store:
        """Open one of the sessions.

        Parameters
        ----------
        key : str or path
            Its path, as frames have it, or its session id.
        mode : {"r", "rw"}
            ``"rw"`` only if the corpus was opened so.

        Returns
        -------
        Store
            To be closed by the caller.

        Raises
        ------
        StoreNotFoundError
            There is no such file and no such session in the corpus.
        InvalidRecordError
            Several files hold the session.
        ReadOnlyStoreError
            The corpus was opened for reading.
        """
        if mode == "rw" and self._mode == "r":
            raise ReadOnlyStoreError(
                "the corpus was opened for reading; open it with mode='rw'", operation="open"
            )
        path, session_id = self._place_of(os.fsdecode(key))
        return open_store(path, mode, self._shared.options, session_id=session_id)

    def _place_of(self, key: str) -> tuple[str, str | None]:
        """The file of a session, and its id where that was the key."""
        expanded = os.path.expanduser(key)
        if any(file.path == expanded for file in self._shared.files):
            return expanded, None
        found = []
        for file in self._sessions(How()):
            verdict = self._shared.verdict(file)
            if verdict is not None and key in verdict.session_ids:
                found.append(file.path)
        if not found:
            raise StoreNotFoundError(
                f"{shown(key)}: neither a file nor a session of this corpus; sessions() lists them",
                path=key,
            )
        if len(found) > 1:
            raise InvalidRecordError(
                f"{len(found)} files hold session {shown(key)}: {', '.join(found[:3])}; give a path"
            )
        return found[0], key

    # What is no session, and what failed

    def files(self) -> pd.DataFrame:
        """The files as they were listed when the corpus was opened; nothing is opened for it.

        Returns
        -------
        DataFrame
            ``schema("files")`` tells the columns.
        """
        with self._shared.lock:
            files = self._files(How()) if self._choose else self._shared.files
        data = {
            "path": [file.path for file in files],
            "session_id": [None] * len(files),
            "kind": [file.header.kind for file in files],
            "schema_version": [file.header.version for file in files],
            "file_bytes": [file.size for file in files],
            "wal_bytes": [file.log_size for file in files],
            "modified_at": [file.mtime_ns // 1_000_000 for file in files],
        }
        return FILES.build(data, len(files), "", "")

    def skipped(self, *, executor: Workers = None, progress: bool = False) -> pd.DataFrame:
        """What stands among the sessions and is none, and why it is left out.

        Sibling databases of lash, databases of other applications, empty files, logs without a
        database, further names of one file.

        Returns
        -------
        DataFrame
            ``schema("skipped")`` tells the columns.
        """
        self._sessions(How(executor, progress))
        found = self._shared.known_left_out()
        data = {
            "path": [note.path for note in found],
            "session_id": [None] * len(found),
            "reason": [note.reason for note in found],
            "what": [note.what for note in found],
        }
        return SKIPPED.build(data, len(found), "", "")

    def errors(self, *, executor: Workers = None, progress: bool = False) -> pd.DataFrame:
        """Files that failed, or that were read in part only: a row for each, by stage.

        The stage is ``"list"``, ``"open"``, or the frame that was asked for. A row stays until the
        same is asked again and succeeds. Files that were not read yet are opened.

        Returns
        -------
        DataFrame
            ``schema("errors")`` tells the columns.
        """
        self._sessions(How(executor, progress))
        found = self._failures.rows()
        data: dict[str, list[object]] = {
            name: [getattr(failure, name) for failure in found] for name in ERRORS.names
        }
        return ERRORS.build(data, len(found), "", "")

    # Processes

    def close(self) -> None:
        """End the processes that calls with ``executor=N`` started; a later call starts new ones.

        Parts of a corpus share them with the whole.
        """
        self._shared.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()
