"""What every part of a store stands on: the file, the options, and how damage is told."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from lashgraph.errors import DamagedDataWarning, DamagedNodeError
from lashgraph.sqlite import heads
from lashgraph.sqlite.database import Database, Mode
from lashgraph.store.options import StoreOptions


class OpenStore:
    """An open session file. Any thread may use it: calls wait for each other."""

    def __init__(self, database: Database, options: StoreOptions) -> None:
        self._database = database
        self._options = options
        self._profile = options.profile_of(in_memory=database.in_memory)

    @property
    def path(self) -> str:
        """The path as it was given."""
        return self._database.path

    @property
    def mode(self) -> Mode:
        """How the store was opened: ``"r"``, ``"rw"`` or ``"create"``."""
        return self._database.mode

    @property
    def options(self) -> StoreOptions:
        """The options it was opened with."""
        return self._options

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._database.closed

    @property
    def session_id(self) -> str:
        """The session that the file holds: of its head, else of its metadata, else empty."""
        return self._database.read(heads.session_id)

    @contextmanager
    def snapshot(self) -> Iterator[Self]:
        """Hold one snapshot of the file for all reads inside the block.

        Other threads that use this store wait until the block ends.

        Raises
        ------
        StoreChangedError
            The file changed meanwhile in a way that SQLite cannot shield from.

        Examples
        --------
        >>> import lashgraph as lg
        >>> with lg.open(":memory:") as store, store.snapshot():
        ...     len(store.nodes()), len(store.blobs())
        (0, 0)
        """
        with self._database.snapshot():
            yield self

    def close(self) -> None:
        """Close the store. Closing twice is fine."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _tell_unreadable(self, damages: list[tuple[str, str]], *, strict: bool) -> None:
        """Warn of rows of the graph that cannot be read, or raise the first of them."""
        if not damages:
            return
        key, reason = damages[0]
        if strict:
            raise DamagedNodeError(
                f"{self.path}: graph_nodes {key}: {reason}; strict=False leaves such rows out and "
                "store.problems() lists them",
                path=self.path,
                table="graph_nodes",
                key=key,
            )
        rest = f" and {len(damages) - 1} more" if len(damages) > 1 else ""
        warnings.warn(
            f"{self.path}: {len(damages)} of the session's nodes cannot be read and are left out: "
            f"{key} ({reason}){rest}; store.problems() lists them",
            DamagedDataWarning,
            stacklevel=4,
        )
