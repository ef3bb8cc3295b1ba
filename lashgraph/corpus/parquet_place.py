"""Files that are written so that a crash leaves the ones before."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator

from lashgraph.errors import UnwritablePathError

UNFINISHED = ".tmp"
"""What follows the name of a file that is not to be read yet."""


@contextlib.contextmanager
def writing(path: str) -> Iterator[None]:
    """Make what goes wrong in writing an error of ours.

    Raises
    ------
    UnwritablePathError
        The file cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise UnwritablePathError(
            f"{path}: cannot be written: {error.strerror or error}; the export before is as it was",
            path=path,
        ) from error


def sync_folder(folder: str) -> None:
    """Make names in a folder last."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def digest(*words: str) -> str:
    """What tells one content of a part from another, 32 characters."""
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogateescape")).hexdigest()[:32]
