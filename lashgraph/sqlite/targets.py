"""Files that are written: over nothing unasked, over a session never, whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lashgraph.errors import UnwritablePathError

_SIDECARS = ("-wal", "-shm", "-journal")
_DATABASE = b"SQLite format 3\0"
_ON_COMMAND = "--force writes over it, -o names another"


def refuse_what_is_there(target: Path, *, force: bool, instead: str = _ON_COMMAND) -> None:
    """Refuse to write over what is there, and over a session in any case.

    Parameters
    ----------
    force : bool
        Whether another file may be written over.
    instead : str
        What to do where it may not.

    Raises
    ------
    UnwritablePathError
        Naming the target.
    """
    if not target.exists():
        return
    if not target.is_file():
        why = "a folder" if target.is_dir() else "no regular file"
        on_command = "; -o - writes to standard output" if instead is _ON_COMMAND else ""
        raise UnwritablePathError(f"{target}: {why}{on_command}", path=str(target))
    if not force:
        raise UnwritablePathError(f"{target}: is there already; {instead}", path=str(target))
    beside = [
        f"{target}".removesuffix(ending) for ending in _SIDECARS if f"{target}".endswith(ending)
    ]
    for each in (target, *map(Path, beside)):
        if each.is_file() and _is_database(each):
            raise UnwritablePathError(
                f"{target}: belongs to an SQLite database, which is never written over; "
                "name another file",
                path=str(target),
            )


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_DATABASE)) == _DATABASE


def write(target: Path, content: bytes, *, force: bool) -> None:
    """Write a file under another name and then give it its own.

    Parameters
    ----------
    force : bool
        Whether a file of this name may be replaced; it keeps its permissions.

    Raises
    ------
    UnwritablePathError
        It cannot be written, or is there by now; nothing is left of what was written.
    """
    place = target.resolve()  # what a link points to is replaced, not the link
    partial = place.with_name(f".{place.name[:48]}-{os.getpid()}.tmp")
    try:
        with _gone_after(partial):
            with partial.open("xb") as file:
                file.write(content)
            if place.exists():
                if not force:
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
                partial.chmod(place.stat().st_mode & 0o777)
            partial.replace(place)
    except OSError as error:
        raise UnwritablePathError(
            f"{target}: cannot be written: {error.strerror}", path=str(target)
        ) from error


@contextmanager
def _gone_after(partial: Path) -> Iterator[None]:
    """Remove a file afterwards that may have got another name by then."""
    try:
        yield
    finally:
        partial.unlink(missing_ok=True)
