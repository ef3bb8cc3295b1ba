"""The dry run of a batch: what each file says, and a budget spread over them."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pandas as pd

from lashgraph.corpus.gcrows import GC_PLAN, Planned, rows_frame
from lashgraph.corpus.reader import Reader
from lashgraph.errors import BudgetError, DamagedStoreError, UnknownRefError
from lashgraph.reach import GcPolicy
from lashgraph.sqlite import place


def plan_file(reader: Reader, policy: GcPolicy, free_bytes: int | None = None) -> pd.DataFrame:
    """What a store's own plan says, as one row; a refusal is a row, too."""
    return rows_frame(GC_PLAN, (_planned(reader, policy, free_bytes),))


def _planned(reader: Reader, policy: GcPolicy, free_bytes: int | None) -> Planned:
    state = place.place_state(os.path.realpath(reader.path))
    size = state.database.size + (state.log.size if state.log else 0)
    try:
        return Planned.of(reader.plan_gc(policy, free_bytes=free_bytes), size)
    except (DamagedStoreError, UnknownRefError) as error:
        name, found = type(error).__name__, getattr(error, "findings", (str(error),))
        refused = Planned(reader.path, reader.session_id, "refused", name, "; ".join(found))
        return refused._replace(file_bytes=size)


def spare(rows: Sequence[Planned], free_bytes: int) -> tuple[list[Planned], int, int]:
    """Choose files for a budget, those with the most garbage first.

    Parameters
    ----------
    rows : sequence of Planned
        What each file can give.
    free_bytes : int
        Stored bytes of blobs to free in all of them together.

    Returns
    -------
    rows : list of Planned
        In the same order; files that are not needed have the verdict ``"spared"``.
    last : int
        Position of the file with the least garbage that is needed; -1 if none is.
    rest : int
        Bytes that this file has to give; it may have more.

    Raises
    ------
    BudgetError
        All of them together have less.
    """
    order = [at for at, row in enumerate(rows) if row.verdict == "sweep"]
    order.sort(key=lambda at: (-(rows[at].deleted_bytes or 0), rows[at].path))
    best = sum(rows[at].deleted_bytes or 0 for at in order)
    if best < free_bytes:
        raise BudgetError(
            f"{free_bytes:,} bytes cannot be freed: {len(order):,} of {len(rows):,} files can be "
            f"swept, and that frees {best:,}; nothing was deleted",
            wanted=free_bytes,
            best=best,
        )
    chosen, last, left, rest = list(rows), -1, free_bytes, 0
    for at in order:
        if left <= 0:
            message = "the budget is met by files with more garbage"
            chosen[at] = rows[at]._replace(verdict="spared", message=message)
            continue
        last, rest = at, left
        left -= rows[at].deleted_bytes or 0
    return chosen, last, rest
