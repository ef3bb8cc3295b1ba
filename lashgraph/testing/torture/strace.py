"""System calls of a child: listed, or broken at one of them, by ``strace``."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from lashgraph.testing.torture.processes import Ended, child
from lashgraph.testing.torture.trial import Failed, NotHere

WRITES = (
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "fsync",
    "fdatasync",
    "ftruncate",
    "fallocate",
    "unlink",
    "unlinkat",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "openat",
)
"""Calls that change files; of `openat` only those that make one."""

ERRORS = ("ENOSPC", "EIO")
_NO_ROOM = ("write", "pwrite64", "writev", "pwritev", "fallocate", "mkdir", "mkdirat", "openat")
_PATIENCE = 60.0
"""Seconds in which all that a child started must have ended, too."""

_LINE = re.compile(r"^(\d+)\s+(\w+)\((.*)")


class Step(NamedTuple):
    """A system call that changes a file: its name, and how many of this name came with it."""

    call: str
    nth: int

    def takes(self, error: str) -> bool:
        """Whether the system may answer it with this error."""
        return error != "ENOSPC" or self.call in _NO_ROOM


def steps(work: Callable[..., Any], folder: Path, *arguments: Any) -> list[Step]:
    """What a piece of work does to files below a folder, call by call.

    Raises
    ------
    Failed
        It did not come to its end.
    """
    log = folder.parent / f"{folder.name}.strace"
    ended = _traced(log, None, work, *arguments)
    if not ended.done:
        raise Failed(f"without any harm: {ended}")
    found = []
    seen: Counter[tuple[str, str]] = Counter()
    for line in log.read_text(errors="replace").splitlines():
        matched = _LINE.match(line)
        if matched is None:
            continue
        process, call, rest = matched.groups()
        seen[process, call] += 1
        if str(folder) in rest and (call != "openat" or "O_CREAT" in rest):
            found.append(Step(call, seen[process, call]))
    return found


def broken(
    log: Path,
    step: Step,
    how: str,
    work: Callable[..., Any],
    *arguments: Any,
    lasting: bool = False,
) -> Ended:
    """Run a piece of work and break it at a call.

    Parameters
    ----------
    how : str
        As strace takes it: ``"signal=KILL"``, ``"error=EIO"``.
    lasting : bool
        Whether all calls of this name from there on are broken.
    """
    inject = f"inject={step.call}:{how}:when={step.nth}{'+' if lasting else ''}"
    return _traced(log, inject, work, *arguments)


def _traced(log: Path, inject: str | None, work: Callable[..., Any], *arguments: Any) -> Ended:
    check_strace()
    calls = inject.split("=", 1)[1].split(":", 1)[0] if inject else ",?".join(("?write", *WRITES))
    command = ["strace", "-f", "-y", "-s", "0", "-o", str(log), "-e", f"trace={calls}"]
    if inject:
        command += ["-e", inject]
    with child(work, *arguments) as made:
        tracer = subprocess.Popen(
            [*command, "-p", str(made.pid)], stderr=subprocess.PIPE, text=True
        )
        with tracer:
            assert tracer.stderr is not None
            told = tracer.stderr.readline()
            if "attached" not in told:
                raise NotHere(f"strace cannot attach to a process: {told.strip()}")
            made.go()
            ended = made.ended()
            try:
                tracer.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                tracer.terminate()
                raise Failed("workers outlive the process that they worked for") from None
    return ended


@cache
def check_strace() -> None:
    """See that strace is there.

    Raises
    ------
    NotHere
        It is not.
    """
    if sys.platform != "linux" or shutil.which("strace") is None:
        raise NotHere("strace is not installed")
