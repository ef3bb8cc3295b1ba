"""What a collection did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from lashgraph.columns import FrameSchema, closed, count, flag, number, text
from lashgraph.errors import LashgraphError
from lashgraph.format.html import element
from lashgraph.format.sizes import bytes_text, counted
from lashgraph.sqlite.pages import Pages

REPORTS = FrameSchema.of(
    "gc_reports",
    "what collections did, one row for each",
    closed("policy", "what counted as a root", "safe", "runtime"),
    count("root_count", "roots, repeated ones too"),
    count("retained_blob_count", "distinct reachable hashes, present or not"),
    count("deleted_blob_count", "blobs deleted"),
    count("deleted_bytes", "their stored bytes"),
    count("kept_blob_count", "blobs that are still there"),
    count("kept_bytes", "their stored bytes"),
    count("page_size", "bytes of a page"),
    count("pages_freed", "pages in use before and not after"),
    count("file_bytes_before", "bytes of the database file before, its log folded in"),
    count("file_bytes_after", "and after"),
    count("free_bytes_before", "bytes of free pages in it before"),
    count("free_bytes_after", "and after"),
    flag("compacted", "whether the file was written anew"),
    flag("freed_content_in_file", "whether deleted content can still be read from the file"),
    text("backup", "the file that holds the state before, if one was asked for"),
    number("seconds", "how long it took"),
)


@dataclass(frozen=True)
class GcReport:
    """The outcome of a sweep.

    Three figures are the runtime's own: roots with repetitions, distinct reachable hashes whether
    present or not, deleted rows.

    Attributes
    ----------
    path, session_id : str
        The store.
    policy : {"safe", "runtime"}
        What counted as a root.
    root_count, retained_blob_count, deleted_blob_count : int
        As the runtime counts.
    deleted_bytes : int
        Stored bytes of the deleted blobs.
    kept_blob_count, kept_bytes : int
        Blobs that are still there, and their stored bytes.
    before, after : Pages
        The file's pages before and after: ``page_size``, ``page_count``, ``freelist_count``.
    freed_content_in_file : bool
        Whether the deleted content can still be read from the file's free pages; ``compact()``
        removes it, ``sweep(plan, secure=True)`` overwrites it.
    compacted : bool
        Whether the file was written anew afterwards.
    backup : str or None
        The file that holds the state before, if one was asked for.
    seconds : float
        How long it took, backup and verification included.
    """

    path: str
    session_id: str
    policy: str
    root_count: int
    retained_blob_count: int
    deleted_blob_count: int
    deleted_bytes: int
    kept_blob_count: int
    kept_bytes: int
    before: Pages
    after: Pages
    freed_content_in_file: bool
    compacted: bool
    backup: str | None
    seconds: float

    @property
    def pages_freed(self) -> int:
        """Pages in use before and not after; with those that a compaction saved, if there was one.

        The forecast's figure of this name is of the sweep alone.
        """
        return self.before.in_use - self.after.in_use

    @property
    def file_bytes_before(self) -> int:
        """Bytes of the database file before, its log folded in."""
        return self.before.file_bytes

    @property
    def file_bytes_after(self) -> int:
        """Bytes of the database file after, its log folded in."""
        return self.after.file_bytes

    def frame(self) -> pd.DataFrame:
        """The report as a frame of one row.

        Returns
        -------
        DataFrame
            ``lashgraph.schema("gc_reports")`` tells the columns.

        Examples
        --------
        >>> import lashgraph as lg
        >>> with lg.open(":memory:") as store:
        ...     _ = store.put_blob(b"nobody names this")
        ...     report = store.gc_unreachable()
        >>> report.frame()[["deleted_blob_count", "deleted_bytes"]].values.tolist()
        [[1, 17]]
        """
        return reports_frame([self])

    def told(self) -> dict[str, str]:
        """What a person reads of it: names and values."""
        where = "still in the file: compact() removes it"
        return {
            "deleted": _weighed(self.deleted_blob_count, self.deleted_bytes),
            "kept": _weighed(self.kept_blob_count, self.kept_bytes),
            "file": f"{bytes_text(self.file_bytes_before)} before, "
            f"{bytes_text(self.file_bytes_after)} after, of which "
            f"{bytes_text(self.after.free_bytes)} are free",
            "freed content": where if self.freed_content_in_file else "not in the file",
            "backup": self.backup or "none",
            "took": f"{self.seconds:.2f} s",
        }

    def __repr__(self) -> str:
        rest = "; freed content is still in the file, see compact()"
        kept = f"; the state before is in {self.backup!r}" if self.backup else ""
        return (
            f"<GcReport: deleted {counted(self.deleted_blob_count, 'blob')}, "
            f"{self.deleted_bytes:,} bytes; "
            f"{self.kept_blob_count} kept; file {self.file_bytes_before:,} bytes before, "
            f"{self.file_bytes_after:,} after"
            f"{rest if self.freed_content_in_file else ''}{kept}>"
        )

    def _repr_html_(self) -> str:
        rows = [
            element("tr", element("th", name), element("td", value))
            for name, value in self.told().items()
        ]
        title = element("b", f"GcReport ({self.policy}): "), element("code", self.path)
        return element("div", element("div", *title), element("table", *rows))


def _weighed(blobs: int, size: int) -> str:
    return f"{counted(blobs, 'blob')}, {bytes_text(size)}"


def reports_frame(reports: Iterable[GcReport]) -> pd.DataFrame:
    """Reports as a frame, one row each, in their order."""
    found = list(reports)
    special = {
        "page_size": lambda one: one.before.page_size,
        "free_bytes_before": lambda one: one.before.free_bytes,
        "free_bytes_after": lambda one: one.after.free_bytes,
    }
    data = {
        name: [special[name](one) if name in special else getattr(one, name) for one in found]
        for name in REPORTS.names
    }
    return REPORTS.build(data, len(found), "", "")


@dataclass(frozen=True)
class AutoGcOutcome:
    """What an automatic collection after a commit gave: a report, or why it was refused."""

    report: GcReport | None
    error: LashgraphError | None
