"""Programs in processes of their own, started by a server that has loaded what they need.

Starting Python and loading pandas takes longer than most of what these programs do, so the server
loads it once, and each program starts from there: with a process number, limits, signals and a
death of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from multiprocessing.context import ForkServerContext
from pathlib import Path

PRELOADED = ["lashgraph.corpus.tasks"]
"""What the pools of a corpus have loaded, which are started by the same server."""


class Program:
    """A program that is running, in a group of processes of its own, as a terminal starts it."""

    def __init__(self, code: str, *arguments: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._out, self._err = (Path(self._folder.name, name) for name in ("out", "err"))
        context = multiprocessing.get_context("forkserver")
        assert isinstance(context, ForkServerContext)
        context.set_forkserver_preload(PRELOADED)
        self._process = context.Process(
            target=_run, args=(code, arguments, str(self._out), str(self._err))
        )
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.is_alive()

    @property
    def printed(self) -> str:
        """What it has printed so far."""
        return self._out.read_text() if self._out.exists() else ""

    def kill(self) -> None:
        self._process.kill()

    def wait(self, timeout: float = 120) -> None:
        """Wait until it has ended, or so many seconds."""
        self._process.join(timeout)

    def end(self, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Wait for its end; kill it and fail if that does not come within so many seconds."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            self._process.join()
        done = subprocess.CompletedProcess([], code or 0, self.printed, self._err.read_text())
        self._process.close()
        self._folder.cleanup()
        assert code is not None, f"it did not end within {timeout} s; {done}"
        return done


def run_script(
    code: str, *arguments: str, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own to its end."""
    return Program(code, *arguments).end(timeout)


def _run(code: str, arguments: tuple[str, ...], out: str, err: str) -> None:
    os.setsid()
    for stream, path in ((1, out), (2, err)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        os.dup2(file, stream)
        os.close(file)
    sys.argv = ["-c", *arguments]
    exec(compile(code, "<program>", "exec"), {"__name__": "__main__"})
