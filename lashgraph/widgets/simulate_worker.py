"""Work beside the kernel's own: a thread that does the newest of what it was asked for."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable

Job = Callable[[], None]
"""Work that tells its errors itself."""


class Newest:
    """Does one job after another on a thread of its own; of several that wait only the newest.

    A thread lives as long as there is something to do.

    Examples
    --------
    >>> done = []
    >>> work = Newest()
    >>> work.ask(lambda: done.append("asked"))
    >>> work.wait(10), done
    (True, ['asked'])
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()  # reentrant
        self._waiting: Job | None = None
        self._thread: threading.Thread | None = None

    def ask(self, job: Job) -> None:
        """Do this as soon as what is under way has ended, unless something newer is asked for."""
        with self._changed:
            self._waiting = job
            if self._thread is None:
                context = contextvars.copy_context()  # a kernel notes there whom it answers
                self._thread = threading.Thread(
                    target=context.run, args=(self._work,), name="lashgraph-widget", daemon=True
                )
                self._thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is left to do; False if that took longer than `timeout` seconds."""
        with self._changed:
            if self._thread is threading.current_thread():
                return True
            return self._changed.wait_for(lambda: self._thread is None, timeout)

    def _work(self) -> None:
        try:
            while (job := self._next()) is not None:
                job()
        finally:
            self._end()

    def _next(self) -> Job | None:
        """What to do; if there is nothing, the thread ends."""
        with self._changed:
            job, self._waiting = self._waiting, None
            if job is None:
                self._end()
            return job

    def _end(self) -> None:
        with self._changed:
            if self._thread is threading.current_thread():  # else a newer one is at work
                self._thread = None
                self._changed.notify_all()
