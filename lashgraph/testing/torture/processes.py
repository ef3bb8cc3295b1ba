"""Child processes to be killed: forked from a server that has the package loaded already."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from lashgraph.errors import LashgraphError
from lashgraph.testing.torture.trial import Failed, NotHere

_PATIENCE = 120.0
"""Seconds after which a child counts as hanging."""

_ANYBODY = -1
_PR_SET_PTRACER = 0x59616D61


class Ended(NamedTuple):
    """How a child ended.

    Attributes
    ----------
    exitcode : int
        As of ``multiprocessing``: negative for a signal.
    error : str or None
        Type and text of what it raised.
    is_ours : bool
        Whether that is an error of the package's own tree.
    answer : Any
        What the work returned, through JSON.
    """

    exitcode: int
    error: str | None = None
    is_ours: bool = False
    answer: Any = None

    @property
    def done(self) -> bool:
        """Whether the work came to its end."""
        return self.exitcode == 0 and self.error is None


class Child:
    """A child that waits to be told to work."""

    def __init__(self, process: Any, line: socket.socket) -> None:
        self._process = process
        self._line = line

    @property
    def pid(self) -> int:
        """Its number."""
        return int(self._process.pid)

    def go(self) -> None:
        """Let it begin."""
        self._line.sendall(b"g")

    def ended(self) -> Ended:
        """Wait for its end.

        Raises
        ------
        Failed
            It hangs.
        """
        told = b""
        self._line.settimeout(_PATIENCE)
        try:
            while piece := self._line.recv(1 << 16):
                told += piece
        except TimeoutError:
            raise Failed(f"process {self.pid} hangs") from None
        except ConnectionError:
            pass  # it was killed
        self._process.join(_PATIENCE)
        exitcode = self._process.exitcode
        if exitcode is None:
            raise Failed(f"process {self.pid} does not end")
        if not told:
            return Ended(exitcode)
        error, is_ours, answer = json.loads(told)
        return Ended(exitcode, error, is_ours, answer)


@contextmanager
def child(work: Callable[..., Any], *arguments: Any) -> Iterator[Child]:
    """A child that calls a function of a module once it is told to; killed after the block."""
    if sys.platform == "win32":
        raise NotHere("processes are forked here, which Windows does not do")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lashgraph.testing.torture"])
    ours, theirs = socket.socketpair()
    process = context.Process(target=_live, args=(theirs, work, arguments), daemon=False)
    with ours:
        process.start()
        theirs.close()
        try:
            ours.settimeout(_PATIENCE)
            if ours.recv(1) != b"r":
                raise Failed("a child died before it began")
            yield Child(process, ours)
        finally:
            if process.is_alive():
                process.kill()
            process.join()
            process.close()


def run(work: Callable[..., Any], *arguments: Any) -> Ended:
    """Run a function in a child from its beginning to its end."""
    with child(work, *arguments) as made:
        made.go()
        return made.ended()


def _live(line: socket.socket, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """What a child does. Nothing but the socket tells of it: `write` may be made to fail."""
    _let_be_traced()
    line.sendall(b"r")
    line.recv(1)
    told: tuple[str | None, bool, Any]
    try:
        told = None, False, work(*arguments)
    except BaseException as error:
        told = f"{type(error).__name__}: {error}", isinstance(error, LashgraphError), None
    line.sendall(json.dumps(told).encode())
    line.close()
    os._exit(0)


def _let_be_traced() -> None:
    """Let any process of this user trace this one, where the system asks for that."""
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANYBODY, 0, 0, 0)
