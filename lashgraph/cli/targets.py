"""Files that commands write: over nothing unasked, over a session never."""

from __future__ import annotations

from pathlib import Path

from lashgraph.errors import UnwritablePathError

_SIDECARS = ("-wal", "-shm", "-journal")
_DATABASE = b"SQLite format 3\0"


def refuse_what_is_there(target: Path, *, force: bool) -> None:
    """Refuse to write over what is there, and over a session in any case.

    Raises
    ------
    UnwritablePathError
        Naming the target.
    """
    if not target.exists():
        return
    if not target.is_file():
        why = "a folder" if target.is_dir() else "no regular file"
        raise UnwritablePathError(
            f"{target}: {why}; -o - writes to standard output", path=str(target)
        )
    if not force:
        raise UnwritablePathError(
            f"{target}: is there already; --force writes over it, -o names another",
            path=str(target),
        )
    beside = [
        f"{target}".removesuffix(ending) for ending in _SIDECARS if f"{target}".endswith(ending)
    ]
    for each in (target, *map(Path, beside)):
        if each.is_file() and _is_database(each):
            raise UnwritablePathError(
                f"{target}: belongs to an SQLite database, which is never written over; "
                "-o names another file",
                path=str(target),
            )


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_DATABASE)) == _DATABASE


def write(target: Path, content: bytes, *, force: bool) -> None:
    """Write a file; one that is half written is removed."""
    try:
        with target.open("wb" if force else "xb") as file:
            try:
                file.write(content)
            except OSError:
                target.unlink()
                raise
    except OSError as error:
        raise UnwritablePathError(
            f"{target}: cannot be written: {error.strerror}", path=str(target)
        ) from error
