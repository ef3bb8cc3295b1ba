"""A path that kills whatever process it is sent to."""

from __future__ import annotations

import os
import signal


class DeadlyPath(str):
    """A path; unpickled in another process than the one that made it, it kills that process."""

    __slots__ = ()

    def __reduce__(self) -> tuple[object, ...]:
        return _arrived, (str(self), os.getpid())


def _arrived(path: str, sender: int) -> str:
    if os.getpid() != sender:
        os.kill(os.getpid(), signal.SIGKILL)
    return path
