"""The outcome of a batch collection."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pandas as pd

from lashgraph.corpus.gcrows import GC_REPORT, OUTCOMES, REASONS, Swept, rows_frame
from lashgraph.format.html import element
from lashgraph.format.sizes import bytes_text


@dataclass(frozen=True, eq=False)
class CorpusGcReport:
    """What a batch collection did: an immutable value that can be pickled and shown.

    Attributes
    ----------
    policy : str
        What counted as a root.
    files : tuple of Swept
        What became of each file of the plan, by path.
    journal : str or None
        The journal of the run, if there was anything to do.
    journal_error : str or None
        Why the journal ends early, if it does.
    seconds : float
        How long it took.
    """

    policy: str
    files: tuple[Swept, ...]
    journal: str | None
    journal_error: str | None
    seconds: float

    def frame(self) -> pd.DataFrame:
        """One row for each file of the plan, by path.

        Returns
        -------
        DataFrame
            ``schema("corpus_gc_report")`` tells the columns.
        """
        return rows_frame(GC_REPORT, self.files, policy=self.policy, journal=self.journal)

    @property
    def counts(self) -> dict[str, int]:
        """Number of files by outcome, all outcomes named."""
        found = Counter(swept.outcome for swept in self.files)
        return {outcome: found[outcome] for outcome in OUTCOMES}

    @property
    def skipped(self) -> dict[str, int]:
        """Number of files that were left as they were, by reason."""
        found = Counter(swept.reason for swept in self.files if swept.outcome == "skipped")
        return {reason: found[reason] for reason in REASONS if found[reason]}

    @property
    def deleted_blob_count(self) -> int:
        """How many blobs this run deleted in all files together."""
        return sum(swept.deleted_blob_count or 0 for swept in self._changed())

    @property
    def deleted_bytes(self) -> int:
        """Their stored bytes."""
        return sum(swept.deleted_bytes or 0 for swept in self._changed())

    @property
    def file_bytes_before(self) -> int:
        """Bytes that the files which were swept had before."""
        return sum(swept.file_bytes_before or 0 for swept in self._changed())

    @property
    def file_bytes_after(self) -> int:
        """Bytes that they have after."""
        return sum(swept.file_bytes_after or 0 for swept in self._changed())

    def _changed(self) -> list[Swept]:
        """The files whose garbage went in this run; of some the compaction may have failed."""
        return [swept for swept in self.files if swept.outcome != "skipped"]

    def _left(self) -> str:
        parts = [f"{count:,} {reason}" for reason, count in self.skipped.items()]
        return f" ({', '.join(parts)})" if parts else ""

    def __repr__(self) -> str:
        counts = self.counts
        cut = f"; {self.journal_error}" if self.journal_error else ""
        return (
            f"<CorpusGcReport ({self.policy}): {counts['done']:,} files swept, "
            f"{self.deleted_blob_count:,} blobs, {self.deleted_bytes:,} bytes deleted; "
            f"{counts['failed']:,} failed; {counts['skipped']:,} skipped{self._left()}{cut}; "
            ".frame() has a row for each>"
        )

    def told(self) -> dict[str, str]:
        """What a person reads of it: names and values."""
        counts = self.counts
        sizes = self.file_bytes_before, self.file_bytes_after
        return {
            "swept": f"{counts['done']:,} files",
            "deleted": f"{self.deleted_blob_count:,} blobs, {bytes_text(self.deleted_bytes)}",
            "these files": f"{bytes_text(sizes[0])} before, {bytes_text(sizes[1])} after",
            "failed": f"{counts['failed']:,} files",
            "skipped": f"{counts['skipped']:,} files{self._left()}",
            "journal": self.journal_error or self.journal or "none: there was nothing to do",
            "took": f"{self.seconds:.2f} s",
        }

    def _repr_html_(self) -> str:
        rows = [
            element("tr", element("th", name), element("td", value))
            for name, value in self.told().items()
        ]
        title = element("b", f"CorpusGcReport ({self.policy})")
        calls = element("div", "next: ", element("code", ".frame()"), " a row for each file")
        return element("div", element("div", title), element("table", *rows), calls)
