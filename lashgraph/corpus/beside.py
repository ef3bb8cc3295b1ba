"""The frames of a corpus that come from the databases beside its sessions."""

from __future__ import annotations

import os

import pandas as pd

from lashgraph.corpus.framing import FramingCorpus
from lashgraph.corpus.lanes import How, Workers
from lashgraph.corpus.notes import Failure, Read
from lashgraph.corpus.running import Columns, Outcome
from lashgraph.corpus.siblings import SIBLINGS, Row, Sibling, by_column
from lashgraph.errors import StoreChangedError

_ATTEMPTS = 3


class BesideCorpus(FramingCorpus):
    """What lash keeps beside its sessions, joined to them.

    The databases are those among the corpus's files, and those in the folder above a folder that
    is called ``sessions``, where lash's factory has them. A chosen part of a corpus has the rows of
    its own sessions; the whole corpus has all rows, with no session_path where the session is not
    among the files. A database that cannot be read is a row of ``errors()``.
    """

    def processes(
        self,
        *,
        columns: Columns = None,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every process, by its owner's session; ``schema("processes")`` tells the columns.

        Parameters
        ----------
        columns : sequence of str, optional
            Only these columns, in this order.
        strict : bool
            Raise the error of a database that cannot be read.
        executor, progress
            For looking at the files, where that was not done before.
        """
        return self._beside("processes", columns, How(executor, progress), strict=strict)

    def effects(
        self,
        *,
        columns: Columns = None,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every effect kept for replay; ``schema("effects")`` tells the columns.

        Parameters
        ----------
        columns : sequence of str, optional
            Only these columns, in this order.
        strict : bool
            Raise the error of a database that cannot be read.
        executor, progress
            For looking at the files, where that was not done before.
        """
        return self._beside("effects", columns, How(executor, progress), strict=strict)

    def host_events(
        self,
        *,
        columns: Columns = None,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every delivery of a host event; ``schema("host_events")`` tells the columns.

        Parameters
        ----------
        columns : sequence of str, optional
            Only these columns, in this order.
        strict : bool
            Raise the error of a database that cannot be read.
        executor, progress
            For looking at the files, where that was not done before.
        """
        return self._beside("host_events", columns, How(executor, progress), strict=strict)

    def _beside(self, name: str, columns: Columns, how: How, *, strict: bool) -> pd.DataFrame:
        sibling = SIBLINGS[name]
        chosen = sibling.schema.chosen(columns)
        with self._shared.lock:
            session_paths = self._paths_by_session(how)
            rows: list[Row] = []
            failures: list[Failure] = []
            for path in self._databases(sibling):
                self._failures.forget(path, name)
                try:
                    found = _read(sibling, path, self._shared.options.busy_timeout)
                except Exception as error:
                    # one bad database never ends a run
                    failures.append(Failure.of(path, name, error))
                    continue
                for row in found:
                    session_path = session_paths.get(row["session_id"])
                    if session_path is not None or self._choose is None:
                        rows.append({**row, "path": path, "session_path": session_path})
            self._failures.add(failures)
        if strict and failures:
            raise failures[0].raised()
        data = by_column(sibling.schema, rows)
        frame = sibling.schema.build(data, len(rows), "", "", chosen)
        self._finish(frame, name, Outcome([], list[Read](), failures))
        return frame

    def _paths_by_session(self, how: How) -> dict[str | None, str]:
        found: dict[str | None, str] = {}
        for file in self._sessions(how):
            verdict = self._shared.verdict(file)
            for session_id in verdict.session_ids if verdict is not None else ():
                if session_id:
                    found.setdefault(session_id, file.path)
        return found

    def _databases(self, sibling: Sibling) -> list[str]:
        """The databases of this kind, by path."""
        known = self._shared.known_left_out()
        found = {note.path for note in known if note.table == sibling.table}
        for folder in {os.path.dirname(file.path) for file in self._shared.files}:
            if os.path.basename(folder) == "sessions":
                path = os.path.join(os.path.dirname(folder), sibling.file_name)
                if os.path.isfile(path):
                    found.add(path)
        return sorted(found)


def _read(sibling: Sibling, path: str, busy_timeout: float) -> list[Row]:
    for _ in range(_ATTEMPTS - 1):
        try:
            return sibling.read(path, busy_timeout)
        except StoreChangedError:
            continue
    return sibling.read(path, busy_timeout)
