"""The frame of blobs."""

from __future__ import annotations

import sqlite3
from collections import Counter

import pandas as pd

from lashgraph.format.blob import unwrap
from lashgraph.frames.declared import BLOBS
from lashgraph.frames.refs import all_refs
from lashgraph.reach import GcPolicy, mark
from lashgraph.sqlite import blobs


def blobs_frame(
    connection: sqlite3.Connection, path: str, session_id: str, *, content_bytes: bool = False
) -> pd.DataFrame:
    """Every blob, and which policy keeps it.

    Parameters
    ----------
    content_bytes : bool
        Whether to decode each blob for the length of its content; this reads all of them.
    """
    safe, runtime = mark(connection, GcPolicy.safe()), mark(connection, GcPolicy.runtime())
    rows = safe.present
    kinds = list(blobs.kinds(connection, [row.rowid for row in rows]))
    naming = Counter(ref.blob_hash for ref in all_refs(connection, safe))
    lengths: list[int | None] = [None] * len(rows)
    if content_bytes:
        lengths = [_content_length(connection, row.hash) for row in rows]
    data = {
        "hash": [row.hash for row in rows],
        "kind": [kind for kind, _ in kinds],
        "compression": [compression for _, compression in kinds],
        "stored_bytes": [row.stored_bytes for row in rows],
        "content_bytes": lengths,
        "reachable_safe": [row.hash in safe.live for row in rows],
        "reachable_runtime": [row.hash in runtime.live for row in rows],
        "n_refs": [naming[row.hash] for row in rows],
    }
    return BLOBS.build(data, len(rows), path, session_id)


def _content_length(connection: sqlite3.Connection, key: str) -> int | None:
    stored = blobs.stored(connection, key)
    return None if stored is None else len(unwrap(stored).content)
