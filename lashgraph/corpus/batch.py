"""A batch collection: the files of a plan swept one by one, under locks and with a journal."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, NamedTuple
from uuid import uuid4

from lashgraph.corpus import journal as journals
from lashgraph.corpus import lock
from lashgraph.corpus.gcrows import Planned, Swept
from lashgraph.corpus.journal import History, Journal, read_journal
from lashgraph.corpus.lanes import How, check_workers
from lashgraph.corpus.ledger import Failures, Shared
from lashgraph.corpus.notes import Failure
from lashgraph.corpus.sweeping import SweepJob, Task
from lashgraph.corpus.underway import STAGE, Run, bar_of, state_at
from lashgraph.errors import BackupError, InvalidRecordError, UnwritablePathError


class Outcome(NamedTuple):
    """What a batch did: a row for each file of the plan, in its order.

    Attributes
    ----------
    journal : str or None
        The journal, if there was anything to note.
    journal_error : str or None
        Why it ends early, if it does.
    seconds : float
        How long it took.
    """

    rows: tuple[Swept, ...]
    journal: str | None
    journal_error: str | None
    seconds: float


class Batch:
    """Sweeps the files of plans.

    Parameters
    ----------
    shared : Shared
        Options and processes.
    failures : Failures
        Where files that could not be swept are noted.
    """

    def __init__(self, shared: Shared, failures: Failures) -> None:
        self._shared = shared
        self._failures = failures

    def run(
        self,
        rows: Sequence[Planned],
        job: SweepJob,
        how: How,
        *,
        fingerprint: str,
        journal: str | None,
    ) -> Outcome:
        """Sweep what is to be swept; one bad file never ends it.

        Raises
        ------
        CorpusLockedError
            Another batch is at work in one of the folders; nothing was deleted.
        UnwritablePathError, BackupError
            There is no place for the journal, or for the backups; nothing was deleted.
        """
        started = perf_counter()
        check_workers(how.executor)
        done = dict(enumerate(_not_asked(row, job) for row in rows))
        path = _journal_path(rows, job.backup, journal)
        history = read_journal(path) if path else History()
        tasks = {
            at: Task(row, job.compact and row.path in history.unfinished)
            for at, row in enumerate(rows)
            if done[at] is None
            or (row.verdict == "nothing" and job.compact and row.path in history.unfinished)
        }
        if not tasks or path is None:
            return _outcome(done, None, None, started)
        _make_backup_folder(job.backup)
        with self._shared.lock, ExitStack() as held:
            now = self._shared.options.clock()
            blocked, took_over = _lock_folders(tasks.values(), held, now)
            log = held.enter_context(closing(Journal(path, uuid4().hex)))
            history = read_journal(path)
            log.head(
                plan=fingerprint,
                policy=repr(job.policy),
                at=datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
                files=len(tasks),
                backup=job.backup,
                compact=job.compact,
                took_over=took_over,
            )
            todo: list[int] = []
            for at, task in tasks.items():
                done[at] = _known(task, blocked, history)
                if done[at] is None:
                    todo.append(at)
            run = Run(self._shared.lanes(how.executor), job, [tasks[at] for at in todo], log)
            try:
                with bar_of(how, len(todo)) as bar:
                    run.go(bar)
            finally:
                done |= {todo[at]: swept for at, swept in run.settled.items()}
                self._note(done.values(), log)
            log.tail(swept=sum(one.outcome == "done" for one in run.settled.values()))
        return _outcome(done, path, log.error, started)

    def _note(self, found: Iterable[Swept | None], log: Journal) -> None:
        """Keep failures as rows of errors()."""
        failures = []
        for swept in found:
            if swept is None:
                continue
            self._failures.forget(swept.path, STAGE)
            if swept.outcome == "failed":
                name, text = swept.error or "LashgraphError", swept.message or ""
                failures.append(Failure(swept.path, STAGE, name, text, session_id=swept.session_id))
        if log.error is not None:
            failures.append(Failure(log.path, STAGE, "UnwritablePathError", log.error))
        self._failures.add(failures)


def _not_asked(row: Planned, job: SweepJob) -> Swept | None:
    """What becomes of a file that the plan does not sweep."""
    if row.verdict == "sweep" or (row.verdict == "alarm" and job.accept_unusual):
        return None
    message = row.message or "there is no garbage in it"
    if row.verdict == "alarm":
        message += "; accept_unusual=True sweeps all the same"
    return Swept.skipped(row, row.verdict, message, row.error)


def _known(task: Task, blocked: dict[str, OSError], history: History) -> Swept | None:
    """What becomes of a file that need not be opened, or must not be."""
    row = task.row
    error = blocked.get(_folder(row.path))
    if error is not None:
        why = f"{row.path}: no lock file can be made in its folder: {error.strerror}"
        return Swept.failed(row, UnwritablePathError(why, path=row.path))
    earlier = history.done(row)
    if earlier is None or task.finish or earlier.state != state_at(row.path):
        return None
    message = "an earlier run of this plan swept it"
    return earlier.swept._replace(outcome="skipped", reason="gone", message=message)


def _lock_folders(
    tasks: Iterable[Task], held: ExitStack, now: float
) -> tuple[dict[str, OSError], list[dict[str, Any]]]:
    """Lock every folder with a file to sweep; gives those that cannot be, and dead owners."""
    blocked: dict[str, OSError] = {}
    took_over = []
    for folder in sorted({_folder(task.row.path) for task in tasks}):
        try:
            dead = held.enter_context(lock.locked(folder, now))
        except OSError as error:
            blocked[folder] = error
        else:
            took_over += [dead] if dead else []
    return blocked, took_over


def _folder(path: str) -> str:
    return os.path.dirname(os.path.realpath(path))


def _journal_path(rows: Sequence[Planned], backup: str | None, journal: str | None) -> str | None:
    if journal is not None:
        return os.path.abspath(journal)
    if backup is not None:
        return os.path.join(os.path.abspath(backup), journals.NAME)
    if not rows:
        return None
    try:
        common = os.path.commonpath([_folder(row.path) for row in rows])
    except ValueError:
        raise InvalidRecordError(
            "the files have no folder in common that could hold the journal; journal= names one"
        ) from None
    return os.path.join(common, journals.NAME)


def _make_backup_folder(backup: str | None) -> None:
    if backup is None:
        return
    try:
        os.makedirs(backup, exist_ok=True)
    except OSError as error:
        raise BackupError(
            f"{backup}: no folder for backups can be made there: {error.strerror}; nothing was "
            "deleted",
            folder=backup,
        ) from error


def _outcome(
    done: dict[int, Swept | None], journal: str | None, error: str | None, started: float
) -> Outcome:
    rows = tuple(swept for _, swept in sorted(done.items()) if swept is not None)
    return Outcome(rows, journal, error, perf_counter() - started)
