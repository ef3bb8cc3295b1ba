"""What every part of a store stands on: the file, the options, and how damage is told."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from lashgraph.errors import DamagedDataError, DamagedDataWarning, DamagedNodeError
from lashgraph.frames import RowDamage
from lashgraph.sqlite import heads
from lashgraph.sqlite.database import Database, Mode
from lashgraph.store.options import StoreOptions
from lashgraph.tree import SessionGraph


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

    def _tell_unreadable(self, graph: SessionGraph, *, strict: bool) -> None:
        """Warn of rows of a graph that cannot be read, or raise the first of them."""
        damages = [RowDamage("graph_nodes", *row) for row in graph.unreadable]
        self._tell_damages(damages, strict=strict)

    def _tell_damages(self, damages: list[RowDamage], *, strict: bool) -> None:
        """Warn of rows that cannot be read, or raise the first of them."""
        if not damages:
            return
        table, key, reason = damages[0]
        if strict:
            kind = DamagedNodeError if table == "graph_nodes" else DamagedDataError
            raise kind(
                f"{self.path}: {table} {key}: {reason}; strict=False reads the rest, and "
                "store.problems() lists such rows",
                path=self.path,
                table=table,
                key=key,
            )
        rest = f" and {len(damages) - 1} more" if len(damages) > 1 else ""
        warnings.warn(
            f"{self.path}: {len(damages)} of the rows of {table} cannot be read: {key} ({reason})"
            f"{rest}; store.problems() lists them",
            DamagedDataWarning,
            stacklevel=4,
        )
