"""Content that stands in several files, and what it costs."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from lashgraph.corpus.schemas import SHARED_BLOBS

NEEDED = ("path", "session_id", "hash", "kind", "stored_bytes")
"""The columns of blobs() that this is made of."""


class SharedBytes(NamedTuple):
    """Stored bytes of all blobs, and what they would be with one smallest copy of each content."""

    blob_bytes: int
    deduplicated_bytes: int


def shared_frame(blobs: pd.DataFrame) -> tuple[pd.DataFrame, SharedBytes]:
    """The frame of shared blobs, and the sums over all blobs.

    Parameters
    ----------
    blobs : DataFrame
        The columns `NEEDED` of blobs(), in order of path.
    """
    sizes = blobs["stored_bytes"].groupby(blobs["hash"], sort=False)
    least, total = sizes.min(), sizes.sum()
    sums = SharedBytes(int(total.sum()), int(least.sum()))
    n_files = sizes.size()
    several = n_files.index[n_files.to_numpy() > 1]
    first = blobs[blobs["hash"].isin(several)].drop_duplicates("hash").set_index("hash")
    found = first.assign(
        n_files=n_files[first.index],
        total_bytes=total[first.index],
        extra_bytes=total[first.index] - least[first.index],
    ).reset_index()
    found = found.sort_values(["extra_bytes", "hash"], ascending=[False, True], kind="stable")
    data: dict[str, Any] = {
        column.name: found[column.name].to_numpy()
        if column.dtype == "int64"
        else found[column.name].tolist()
        for column in SHARED_BLOBS.columns
    }
    return SHARED_BLOBS.build(data, len(found), "", ""), sums
