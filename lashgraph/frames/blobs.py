"""The frame of blobs."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from functools import cached_property
from typing import Any

from lashgraph.columns import FrameSchema, count, flag, maybe, maybe_flag, text
from lashgraph.format.blob import hash_matches, unwrap
from lashgraph.frames.refs import all_refs, kept_hashes
from lashgraph.frames.source import Source, Table
from lashgraph.gc.history import Lifetimes, lifetimes
from lashgraph.reach import GcPolicy, Mark, mark
from lashgraph.sqlite import blobs
from lashgraph.sqlite.blobs import BlobRow
from lashgraph.sqlite.connect import content_limit

BLOBS = FrameSchema.of(
    "blobs",
    "every blob, in the order of the table",
    text("hash", "its key: the SHA-256 of the decoded content, unless it was altered"),
    text(
        "kind",
        "kind in the envelope; 'raw' without one, 'damaged' where the envelope is unreadable",
    ),
    text("compression", "'None' or 'Zlib'; empty without a readable envelope"),
    count("stored_bytes", "bytes as stored"),
    maybe(
        "content_bytes",
        "bytes of the decoded content; missing unless asked for, and where it cannot be decoded",
    ),
    flag(
        "reachable_safe",
        "whether the safe policy keeps it; all are kept where it refuses to collect",
    ),
    flag(
        "reachable_runtime",
        "whether the runtime's collection keeps it; all are kept where it is refused",
    ),
    count("n_refs", "rows of refs() that name it"),
    text("first_turn_id", "the first recorded turn whose record names it"),
    text("last_turn_id", "the last recorded turn whose record names it"),
    text("garbage_turn_id", "the turn after that one, which no longer names it"),
    maybe_flag(
        "hash_ok",
        "whether its content, or its bytes as stored, have that hash; missing unless verified",
    ),
)


def blobs_table(
    source: Source, wanted: frozenset[str], *, content_bytes: bool = False, verify: bool = False
) -> Table:
    """Every blob, and which policy keeps it.

    Parameters
    ----------
    content_bytes, verify : bool
        Whether to read and decode each blob for its length, and to hash it.
    """
    marks = _Marks(source.connection)
    rows = blobs.sizes(source.connection)
    contents = _Contents(source, rows, verify=verify)
    kinds: list[tuple[str, str]] = []
    if wanted & {"kind", "compression"}:
        kinds = list(blobs.kinds(source.connection, [row.rowid for row in rows]))
    columns: dict[str, Any] = {
        "hash": [row.hash for row in rows],
        "kind": [kind for kind, _ in kinds],
        "compression": [compression for _, compression in kinds],
        "stored_bytes": [row.stored_bytes for row in rows],
        "content_bytes": lambda: contents.lengths if content_bytes else [None] * len(rows),
        "reachable_safe": lambda: _among(kept_hashes(marks.safe), rows),
        "reachable_runtime": lambda: _among(kept_hashes(marks.runtime), rows),
        "n_refs": lambda: list(map(marks.naming.__getitem__, (row.hash for row in rows))),
        "first_turn_id": lambda: marks.turn_ids(rows, marks.turns.first),
        "last_turn_id": lambda: marks.turn_ids(rows, marks.turns.last),
        "garbage_turn_id": lambda: marks.turn_ids(rows, marks.turns.garbage),
        "hash_ok": lambda: contents.matches if verify else [None] * len(rows),
    }
    return Table(columns, len(rows), [])


def _among(hashes: Set[str], rows: Sequence[BlobRow]) -> list[bool]:
    return [row.hash in hashes for row in rows]


class _Marks:
    """What names the blobs, found when it is first asked for."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @cached_property
    def safe(self) -> Mark:
        """The mark of the safe policy."""
        return mark(self._connection, GcPolicy.safe())

    @cached_property
    def runtime(self) -> Mark:
        """The mark of the runtime's policy."""
        return mark(self._connection, GcPolicy.runtime())

    @cached_property
    def naming(self) -> Counter[str]:
        """How many refs name each blob."""
        return Counter(ref.blob_hash for ref in all_refs(self._connection, self.safe))

    @cached_property
    def turns(self) -> Lifetimes:
        """When each blob came and went, by positions of turns."""
        return lifetimes(self.safe.refs.turns)

    def turn_ids(self, rows: Sequence[BlobRow], positions: Mapping[str, int]) -> list[str | None]:
        """Ids of the turns at these positions."""
        ids = [turn.turn.turn_id for turn in self.safe.refs.turns]
        found = [positions.get(row.hash) for row in rows]
        return [None if at is None else ids[at] for at in found]


class _Contents:
    """Lengths and hashes of decoded contents, one blob in memory at a time."""

    def __init__(self, source: Source, rows: Sequence[BlobRow], *, verify: bool) -> None:
        self._source = source
        self._rows = rows
        self._verify = verify

    @property
    def lengths(self) -> list[int | None]:
        """Bytes of each decoded content."""
        return [length for length, _ in self._read]

    @property
    def matches(self) -> list[bool | None]:
        """Whether each content has its key for a hash."""
        return [matches for _, matches in self._read]

    @cached_property
    def _read(self) -> list[tuple[int | None, bool | None]]:
        found: list[tuple[int | None, bool | None]] = []
        for row in self._source.shown(self._rows, "blob"):
            stored = blobs.stored(self._source.connection, row.hash)
            if stored is None:
                found.append((None, None))
                continue
            blob = unwrap(stored, content_limit(self._source.connection))
            same = hash_matches(row.hash, stored, blob.content) if self._verify else None
            found.append((None if blob.damage else len(blob.content), same))
        return found
