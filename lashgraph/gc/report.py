"""What a collection did."""

from __future__ import annotations

from dataclasses import dataclass

from lashgraph.errors import LashgraphError


@dataclass(frozen=True)
class GcReport:
    """The outcome of a sweep.

    The first three figures are the runtime's own: roots with repetitions, distinct reachable
    hashes whether present or not, deleted rows.

    Attributes
    ----------
    root_count, retained_blob_count, deleted_blob_count : int
        As the runtime counts.
    deleted_bytes : int
        Stored bytes of the deleted blobs.
    kept_blob_count, kept_bytes : int
        Blobs that are still there, and their stored bytes.
    freed_content_in_file : bool
        Whether the deleted content can still be read from the file's free pages; ``compact()``
        removes it, ``sweep(plan, secure=True)`` overwrites it.
    seconds : float
        How long it took.
    """

    root_count: int
    retained_blob_count: int
    deleted_blob_count: int
    deleted_bytes: int
    kept_blob_count: int
    kept_bytes: int
    freed_content_in_file: bool
    seconds: float

    def __repr__(self) -> str:
        rest = "; freed content is still in the file, see compact()"
        return (
            f"<GcReport: deleted {self.deleted_blob_count} blobs, {self.deleted_bytes:,} bytes; "
            f"{self.kept_blob_count} kept{rest if self.freed_content_in_file else ''}>"
        )


@dataclass(frozen=True)
class AutoGcOutcome:
    """What an automatic collection after a commit gave: a report, or why it was refused."""

    report: GcReport | None
    error: LashgraphError | None
