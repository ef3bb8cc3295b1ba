"""Where work is done: this process, a pool of processes of our own, or somebody's executor."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from multiprocessing.context import BaseContext
from typing import NamedTuple, TypeVar

from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import shown

T = TypeVar("T")
Workers = int | Executor | None
"""None: this process, one file after the other. A number: so many processes of the corpus's own.
An executor: whatever it stands for, such as threads or a cluster."""

_UNKNOWN = 32


def _context() -> BaseContext:
    """How processes are started: by a server that has loaded what they need, where there is one."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lashgraph.corpus.tasks"])
    return context


class How(NamedTuple):
    """Who reads, and whether a bar is shown."""

    executor: Workers = None
    progress: bool = False


def _prepare() -> None:
    """Leave Ctrl-C to the parent, and what was imported out of every collection of garbage."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End when the parent was killed: nobody would ever give work to this process again."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class Lanes:
    """Takes work and gives futures.

    Attributes
    ----------
    width : int
        How many work at once, about.
    ahead : int
        How many pieces of work are handed over at once.
    """

    def __init__(self, width: int, ahead: int) -> None:
        self.width = width
        self.ahead = ahead

    def submit(self, work: Callable[..., T], *args: object) -> Future[T]:
        """Hand over a piece of work."""
        raise NotImplementedError

    def renew(self) -> Lanes:
        """Lanes to go on with after a worker died and took the pool with it."""
        raise NotImplementedError

    def stop(self) -> None:
        """Take no more work for the run that was broken off."""


class OwnPool(Lanes):
    """Processes of our own, started when the first work comes.

    A forked copy of this process would inherit locks that other threads hold and SQLite
    connections, so each worker starts afresh.

    Parameters
    ----------
    processes : int
        How many.
    """

    def __init__(self, processes: int) -> None:
        super().__init__(processes, 2 * processes)
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()

    def submit(self, work: Callable[..., T], *args: object) -> Future[T]:
        """Hand over a piece of work."""
        with self._lock:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    self.width, mp_context=_context(), initializer=_prepare
                )
            try:
                return self._pool.submit(work, *args)
            except (EOFError, ConnectionError) as error:
                # what starts the processes was killed; it is started again for the next pool
                raise BrokenExecutor(f"no process could be started: {error}") from error

    def renew(self) -> Lanes:
        """The same with new processes."""
        self.stop()
        return self

    def stop(self) -> None:
        """Let the processes go as soon as they are done with what they are at."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """End the processes and wait until they are gone."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)


class Foreign(Lanes):
    """Somebody's executor, which stays theirs."""

    def __init__(self, executor: Executor) -> None:
        known = getattr(executor, "_max_workers", None)  # pools of the standard library have it
        width = known if isinstance(known, int) else _UNKNOWN
        super().__init__(width, 2 * width if isinstance(known, int) else 8 * _UNKNOWN)
        self._executor = executor

    def submit(self, work: Callable[..., T], *args: object) -> Future[T]:
        """Hand over a piece of work.

        Raises
        ------
        InvalidRecordError
            The executor takes none.
        """
        try:
            return self._executor.submit(work, *args)
        except BrokenExecutor:
            raise
        except RuntimeError as error:
            raise InvalidRecordError(f"the executor takes no work: {error}") from error

    def renew(self) -> Lanes:
        """A pool of our own instead, since a broken one cannot be mended."""
        return OwnPool(min(self.width, os.cpu_count() or 1))


def check_workers(executor: Workers) -> None:
    """See that the argument is an executor.

    Raises
    ------
    InvalidRecordError
        It is none.
    """
    if executor is None or isinstance(executor, Executor):
        return
    if isinstance(executor, bool) or not isinstance(executor, int) or executor < 1:
        raise InvalidRecordError(
            "executor is None, a number of processes, or a concurrent.futures.Executor (Dask: "
            f"client.get_executor()), not {shown(executor)}"
        )
