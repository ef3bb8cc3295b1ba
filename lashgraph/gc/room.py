"""Room on a disk: what a compaction needs is set aside before anything is deleted."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from lashgraph.errors import DatabaseError

_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


@contextmanager
def set_aside(file: str, size: int) -> Iterator[None]:
    """Hold room for so many bytes beside a file inside the block, in a file without a name.

    Raises
    ------
    DatabaseError
        There is no such room.
    """
    folder = os.path.dirname(file) or "."
    with tempfile.TemporaryFile(dir=folder) as held:
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(held.fileno(), 0, max(size, 1))
        except OSError as error:
            if error.errno in _FULL:
                raise DatabaseError(
                    f"{file}: compact=True may need {size:,} bytes beside it, and there is no such "
                    f"room ({error.strerror}); nothing was deleted; make room, or sweep without "
                    "compact",
                    path=file,
                ) from error
        yield
