"""One batch collection at a time in a folder: a lock file that names its owner."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lashgraph.errors import CorpusLockedError

if sys.platform != "win32":
    import fcntl

NAME = ".lashgraph-gc.lock"
"""Name of the lock file in each folder that is swept."""

_ATTEMPTS = 20
_LONGEST = 4096


def _birth(pid: int) -> str | None:
    """What tells a process from a later one with its number; None where that cannot be had."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        words = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return f"{boot}:{words[19]}"
    except (OSError, IndexError):
        return None


def this_owner(now: float) -> dict[str, Any]:
    """What a lock file says of this process."""
    pid = os.getpid()
    since = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
    return {"pid": pid, "host": socket.gethostname(), "since": since, "birth": _birth(pid)}


def _is_alive(owner: dict[str, Any]) -> bool:
    """Whether an owner may be at work; one on another host may."""
    pid = owner.get("pid")
    if type(pid) is not int or pid <= 0:
        return False  # no owner is named: it was killed before it could write itself down
    if owner.get("host") != socket.gethostname() or sys.platform == "win32":
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass  # another user's
    birth = owner.get("birth")
    return birth is None or birth == _birth(pid)


def _is_this_process(owner: dict[str, Any]) -> bool:
    """Whether it is this process, which an interrupt kept from taking its lock file away."""
    me = this_owner(0.0)
    return all(owner.get(key) == me[key] for key in ("pid", "host", "birth"))


@contextmanager
def locked(folder: str, now: float) -> Iterator[dict[str, Any] | None]:
    """Hold a folder's lock inside the block.

    Where the system locks files, a lock that its holder died with is free, and of two that find it
    so only one gets it. The owner's number, host and start say the same where it does not.

    Parameters
    ----------
    now : float
        Seconds since 1970, UTC; told to whoever is refused.

    Yields
    ------
    dict or None
        The dead owner that it was taken over from, if there was one.

    Raises
    ------
    CorpusLockedError
        Another run holds it.
    OSError
        No file can be made in the folder.
    """
    path = os.path.join(folder, NAME)
    descriptor, by_system = _held(path)
    try:
        before = _owner(descriptor)
        left_by_us = by_system and before is not None and _is_this_process(before)
        if before is not None and not left_by_us and _is_alive(before):
            raise _refused(path, before)
        try:
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, json.dumps(this_owner(now)).encode())
            os.fsync(descriptor)
            yield before
        finally:
            _take_away(descriptor, path)
    finally:
        os.close(descriptor)


def _take_away(descriptor: int, path: str) -> None:
    """Remove our lock file; one that was removed by hand, and perhaps made anew, is not ours."""
    with contextlib.suppress(OSError):
        if _is_at(descriptor, path):
            os.unlink(path)


def _held(path: str) -> tuple[int, bool]:
    """A descriptor of the lock file, which no other run has; and whether the system locked it."""
    for _ in range(_ATTEMPTS):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            by_system = _lock(descriptor)
            if by_system is None:
                raise _refused(path, _owner(descriptor) or {})
            if _is_at(descriptor, path):
                return descriptor, by_system
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its owner was done with it and took it away
    raise _refused(path, {})


def _lock(descriptor: int) -> bool | None:
    """Lock a file: True; False where the system has no locks; None where it is locked already."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    except OSError:
        return False  # a file system without locks: the owner's number has to do
    return True


def _is_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _owner(descriptor: int) -> dict[str, Any] | None:
    """Whoever a lock file names; None for a new one."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    content = os.read(descriptor, _LONGEST)
    if not content:
        return None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _refused(path: str, owner: dict[str, Any]) -> CorpusLockedError:
    who = "another process"
    if owner:
        who = f"process {owner.get('pid')} on {owner.get('host')} since {owner.get('since')}"
    return CorpusLockedError(
        f"{path}: another batch collection is at work here ({who}); nothing was deleted; wait for "
        "it, or remove this file if that process is gone",
        path=path,
        owner=owner,
    )
