"""The forecast: what a file will be after a sweep and a compaction, found by doing both on a copy.

Where the freed pages lie and how the trees close up behind deleted rows cannot be told from sizes.
So the store is copied page by page, the copy is swept and compacted with the same statements, and
its pages are counted. Without room for a copy there are only bounds.
"""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

from lashgraph.errors import (
    InexactForecastError,
    InvalidRecordError,
    StalePlanError,
    StoreNotFoundError,
)
from lashgraph.format.arguments import as_count
from lashgraph.format.html import element
from lashgraph.format.sizes import bytes_text
from lashgraph.gc.bounds import Figures, bounds
from lashgraph.gc.marked import Planned
from lashgraph.gc.sweep import Doomed, delete, planned
from lashgraph.sqlite import place, schema
from lashgraph.sqlite.connect import immediate
from lashgraph.sqlite.copies import copy_in_file, copy_in_memory, temporary_room
from lashgraph.sqlite.database import Database
from lashgraph.sqlite.pages import measure, write_anew

How = Literal["copy in memory", "temporary copy", "bounds"]

MEMORY_LIMIT = 256_000_000
"""Bytes of a store up to which a forecast copies it in memory."""


@dataclass(frozen=True)
class Forecast:
    """What a plan's sweep does to the file. A frozen value.

    Of an exact forecast each figure is the one that will be. Otherwise it is known only to lie in
    an interval, and asking for one number raises `InexactForecastError`.

    Attributes
    ----------
    path, session_id, fingerprint : str
        The store and the plan it was made for.
    exact : bool
        Whether it was found by doing it.
    how : {"copy in memory", "temporary copy", "bounds"}
        How it was found.
    page_size : int
        Bytes of a page.
    file_bytes : int
        Bytes of the file now, its log folded in.
    logical_bytes : int
        Stored bytes of the blobs to delete.

    Examples
    --------
    >>> import lashgraph as lg
    >>> with lg.open(":memory:") as store:
    ...     _ = store.put_blob(bytes(100_000))
    ...     forecast = store.forecast(store.plan_gc())
    ...     forecast.pages_freed, forecast.bounds("pages_freed"), forecast.exact
    (24, (24, 24), True)
    """

    path: str
    session_id: str
    fingerprint: str
    exact: bool
    how: How
    page_size: int
    file_bytes: int
    logical_bytes: int
    _least: Figures
    _most: Figures

    @property
    def pages_freed(self) -> int:
        """Pages in use now and not after the sweep."""
        return self._one("pages_freed")

    @property
    def freelist_after_sweep(self) -> int:
        """Free pages in the file after the sweep."""
        return self._one("freelist_after_sweep")

    @property
    def file_bytes_after_sweep(self) -> int:
        """Bytes of the database file after the sweep, its log folded in."""
        return self._one("file_bytes_after_sweep")

    @property
    def file_bytes_after_compact(self) -> int:
        """Bytes of the database file after the sweep and ``compact()``."""
        return self._one("file_bytes_after_compact")

    def bounds(self, figure: str) -> tuple[int, int]:
        """The least and the most that a figure can be; equal if the forecast is exact.

        Parameters
        ----------
        figure : str
            ``"pages_freed"``, ``"freelist_after_sweep"``, ``"file_bytes_after_sweep"`` or
            ``"file_bytes_after_compact"``.

        Raises
        ------
        InvalidRecordError
            There is no such figure.
        """
        if figure not in Figures._fields:
            raise InvalidRecordError(
                f"no figure {figure!r} in a forecast; known: {', '.join(Figures._fields)}"
            )
        return getattr(self._least, figure), getattr(self._most, figure)

    def _one(self, figure: str) -> int:
        low, high = self.bounds(figure)
        if not self.exact:
            raise InexactForecastError(
                f"{self.path}: {figure} lies between {low:,} and {high:,}: there was no room for a "
                f"copy to try it on; bounds({figure!r}) gives both",
                path=self.path,
                figure=figure,
                low=low,
                high=high,
            )
        return low

    def _told(self) -> dict[str, str]:
        def between(figure: str, *, as_bytes: bool) -> str:
            ends = [
                bytes_text(end) if as_bytes else f"{end:,}"
                for end in sorted(set(self.bounds(figure)))
            ]
            return " to ".join(ends)

        return {
            "file now": bytes_text(self.file_bytes),
            "after the sweep": between("file_bytes_after_sweep", as_bytes=True),
            "after compact()": between("file_bytes_after_compact", as_bytes=True),
            "pages freed": between("pages_freed", as_bytes=False),
            "deleted": bytes_text(self.logical_bytes),
        }

    def __repr__(self) -> str:
        told = ", ".join(f"{name} {value}" for name, value in self._told().items())
        return f"<Forecast ({'exact' if self.exact else 'an interval'}): {told}>"

    def _repr_html_(self) -> str:
        rows = [
            element("tr", element("th", name), element("td", value))
            for name, value in self._told().items()
        ]
        title = f"Forecast ({'exact' if self.exact else 'an interval: no room for a copy'})"
        return element("div", element("b", title), element("table", *rows))


def make_forecast(
    database: Database,
    plan: Planned,
    *,
    memory_limit: int = MEMORY_LIMIT,
    disk_limit: int | None = None,
    progress: bool = False,
) -> Forecast:
    """Forecast a plan on an open database; nothing is written to it, whatever its mode.

    Parameters
    ----------
    memory_limit : int
        Bytes of a store up to which it is copied in memory.
    disk_limit : int, optional
        Bytes that a larger store's copy may take among temporary files; half of what is free there
        if not given.
    progress : bool
        Show a bar while the store is copied.

    Raises
    ------
    StalePlanError
        The store moved since the plan was made, or is another one.
    DamagedStoreError
        It was damaged since.
    """
    as_count(memory_limit, "memory_limit")
    if disk_limit is not None:
        as_count(disk_limit, "disk_limit")

    room = temporary_room() // 2 if disk_limit is None else disk_limit

    def read(connection: sqlite3.Connection) -> Forecast:
        doomed = planned(connection, plan, database.path)
        pages = measure(connection)
        if pages.file_bytes <= memory_limit:
            least = most = _done(copy_in_memory(connection, progress=progress), database, doomed)
            how: How = "copy in memory"
        else:
            how = "temporary copy"
            least, most = bounds(connection, pages, doomed.rows, doomed.now.kept())
            if pages.file_bytes + most.file_bytes_after_compact > room:
                how = "bounds"
            else:
                try:
                    copying = copy_in_file(connection, progress=progress)
                    least = most = _done(copying, database, doomed)
                except (OSError, sqlite3.OperationalError):
                    how = "bounds"  # the room went meanwhile
        return Forecast(
            path=database.path,
            session_id=plan.session_id,
            fingerprint=plan.fingerprint,
            exact=how != "bounds",
            how=how,
            page_size=pages.page_size,
            file_bytes=pages.file_bytes,
            logical_bytes=plan.deleted_bytes,
            _least=least,
            _most=most,
        )

    return database.read(read)


def _done(
    copying: AbstractContextManager[sqlite3.Connection], database: Database, doomed: Doomed
) -> Figures:
    """Sweep and compact a copy as the store itself would be, and count its pages."""
    with copying as copy:
        schema.complete(copy, database.dialect)
        before = measure(copy)
        with immediate(copy):
            delete(copy, doomed)
        swept = measure(copy)
        write_anew(copy)
        return Figures(
            pages_freed=before.in_use - swept.in_use,
            freelist_after_sweep=swept.freelist_count,
            file_bytes_after_sweep=swept.file_bytes,
            file_bytes_after_compact=measure(copy).file_bytes,
        )


def forecast_file(
    plan: Planned,
    *,
    memory_limit: int = MEMORY_LIMIT,
    disk_limit: int | None = None,
    progress: bool = False,
) -> Forecast:
    """Forecast a plan on the file it was made of.

    Raises
    ------
    StoreNotFoundError
        The file is gone, or the plan is of a store in memory.
    StalePlanError
        The file is another session's, or its roots moved.
    """
    if plan.path == place.MEMORY:
        raise StoreNotFoundError(
            "this plan is of a store in memory, which has no file to look at; "
            "store.forecast(plan) asks the open store",
            path=plan.path,
        )
    database = Database(plan.path, "r", _PATIENCE, session_id=plan.session_id, whole=True)
    try:
        return make_forecast(
            database, plan, memory_limit=memory_limit, disk_limit=disk_limit, progress=progress
        )
    except StalePlanError as error:
        raise StalePlanError(
            f"{plan.path}: no forecast: {error.message.removeprefix(plan.path + ': ')}",
            path=plan.path,
        ) from None
    finally:
        database.close()


_PATIENCE = 15.0
"""Seconds to wait for a lock."""
