"""The plan of a batch collection."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from lashgraph.corpus.batch import Batch
from lashgraph.corpus.discovery import Listing
from lashgraph.corpus.gcreport import CorpusGcReport
from lashgraph.corpus.gcrows import GC_PLAN, VERDICTS, Planned, rows_frame
from lashgraph.corpus.lanes import How, Workers
from lashgraph.corpus.ledger import Failures, Shared
from lashgraph.corpus.sweeping import SweepJob
from lashgraph.errors import ReadOnlyStoreError
from lashgraph.format.html import element
from lashgraph.format.sizes import bytes_text
from lashgraph.gc import as_path
from lashgraph.reach import GcPolicy
from lashgraph.store import StoreOptions


@dataclass(frozen=True, eq=False)
class CorpusGcPlan:
    """What a batch collection would do: an immutable value that can be pickled and shown.

    Made by ``corpus.plan_gc()``. The totals are those of the files that would be swept.

    Attributes
    ----------
    policy : GcPolicy
        The policy of all files; how many turns a file keeps stands in its row.
    mode : {"r", "rw"}
        How the corpus was opened; only a plan of ``"rw"`` can be swept.
    files : tuple of Planned
        What is planned for each file, by path.
    free_bytes : int or None
        The budget that was asked for.

    Examples
    --------
    >>> import lashgraph.corpus, tempfile
    >>> from lashgraph.testing.corpus import build_corpus
    >>> folder = tempfile.mkdtemp()
    >>> _ = build_corpus(folder)
    >>> with lashgraph.corpus.open_corpus(folder, mode="rw") as corpus:
    ...     plan = corpus.plan_gc()
    ...     report = plan.sweep()
    >>> plan.counts["sweep"] == report.counts["done"], plan.deleted_bytes == report.deleted_bytes
    (True, True)
    """

    policy: GcPolicy
    mode: str
    files: tuple[Planned, ...]
    free_bytes: int | None
    _options: StoreOptions = field(repr=False)
    _batch: Batch | None = field(repr=False, default=None)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_batch": None}  # processes and locks stay where they are

    @property
    def fingerprint(self) -> str:
        """Digest of what it was computed from and of what it says."""
        digest = hashlib.sha256(repr(self.policy).encode("utf-8", "backslashreplace"))
        for row in self.files:
            what = (row.path, row.verdict, row.keep_turns, row.fingerprint, row.doomed)
            digest.update(repr(what).encode("utf-8", "backslashreplace"))
        return digest.hexdigest()

    def frame(self) -> pd.DataFrame:
        """One row for each file, by path: what would be done with it, and why not.

        Returns
        -------
        DataFrame
            ``schema("corpus_gc_plan")`` tells the columns.
        """
        facts = {"policy": self.policy.name, "fingerprint": self.fingerprint}
        return rows_frame(GC_PLAN, self.files, **facts)

    @property
    def counts(self) -> dict[str, int]:
        """Number of files by verdict, all verdicts named."""
        found = Counter(row.verdict for row in self.files)
        return {verdict: found[verdict] for verdict in VERDICTS}

    @property
    def deleted_blob_count(self) -> int:
        """How many blobs a sweep deletes in all files together."""
        return sum(row.deleted_blob_count or 0 for row in self._swept())

    @property
    def deleted_bytes(self) -> int:
        """Their stored bytes."""
        return sum(row.deleted_bytes or 0 for row in self._swept())

    @property
    def kept_bytes(self) -> int:
        """Stored bytes of the blobs that stay in the files that are swept."""
        return sum(row.kept_bytes or 0 for row in self._swept())

    @property
    def file_bytes(self) -> int:
        """Bytes of all files that could be read, and of their logs."""
        return sum(row.file_bytes or 0 for row in self.files)

    def _swept(self) -> list[Planned]:
        return [row for row in self.files if row.verdict == "sweep"]

    def sweep(
        self,
        *,
        backup: str | os.PathLike[str] | None = None,
        executor: Workers = None,
        compact: bool = False,
        secure: bool = False,
        accept_unusual: bool = False,
        journal: str | os.PathLike[str] | None = None,
        progress: bool = False,
    ) -> CorpusGcReport:
        """Sweep each file exactly as planned, or leave it as it is and say why.

        Every file is a sweep of its own, as ``store.sweep()`` makes it: one transaction, verified
        before it ends. No file ends the run: what is locked, or changed since the plan, or gone
        is skipped; what fails is a row of the report and of ``corpus.errors()``. A run that was
        killed is taken up by another, with the same plan or a new one, which does what is left.

        Parameters
        ----------
        backup : str or path, optional
            A folder for verified copies of the files as they were.
        executor : int or Executor, optional
            Who sweeps; this process if not given.
        compact : bool
            Write each file anew afterwards, so that it shrinks.
        secure : bool
            Overwrite the deleted content with zeros; slower.
        accept_unusual : bool
            Sweep also the files with the verdict ``"alarm"``.
        journal : str or path, optional
            A file that lines are added to; by default ``.lashgraph-gc.jsonl`` in the backup's
            folder, else in the folder that all files have in common.
        progress : bool
            Show a bar.

        Returns
        -------
        CorpusGcReport

        Raises
        ------
        ReadOnlyStoreError
            The corpus was opened for reading.
        CorpusLockedError
            Another batch collection is at work in one of the folders.
        UnwritablePathError
            The journal cannot be written.
        BackupError
            There can be no folder for the backups.
        KeyboardInterrupt
            It was stopped; the message says how far it came.
        """
        if self.mode != "rw":
            raise ReadOnlyStoreError(
                "sweep writes, and the corpus of this plan was opened for reading; open it with "
                "mode='rw' and plan again; nothing was deleted",
                operation="sweep",
            )
        job = SweepJob(
            self.policy,
            self._options,
            None if backup is None else os.path.abspath(as_path(backup, "backup")),
            compact=compact,
            secure=secure,
            accept_unusual=accept_unusual,
        )
        log = None if journal is None else as_path(journal, "journal")
        how, fingerprint = How(executor, progress), self.fingerprint
        if self._batch is not None:
            done = self._batch.run(self.files, job, how, fingerprint=fingerprint, journal=log)
        else:  # it was pickled
            shared = Shared(Listing([], [], []), self._options)
            try:
                batch = Batch(shared, Failures())
                done = batch.run(self.files, job, how, fingerprint=fingerprint, journal=log)
            finally:
                shared.close()
        return CorpusGcReport(self.policy.name, *done)

    def _left(self) -> str:
        parts = [
            f"{count:,} {verdict}"
            for verdict, count in self.counts.items()
            if count and verdict != "sweep"
        ]
        return ", ".join(parts)

    def __repr__(self) -> str:
        left = self._left()
        rest = f"; left as they are: {left}" if left else ""
        run = ".sweep() runs it" if self.mode == "rw" else "a corpus in mode 'rw' can sweep"
        return (
            f"<CorpusGcPlan ({self.policy.name}): sweeps {self.counts['sweep']:,} of "
            f"{len(self.files):,} files, {self.deleted_blob_count:,} blobs, "
            f"{self.deleted_bytes:,} bytes{rest}; .frame() has a row for each, {run}>"
        )

    def _repr_html_(self) -> str:
        head = element(
            "tr", *(element("th", name) for name in ("", "files", "garbage", "files' bytes"))
        )
        rows = []
        for verdict, count in self.counts.items():
            if count:
                found = [row for row in self.files if row.verdict == verdict]
                garbage = sum(row.deleted_bytes or 0 for row in found)
                size = sum(row.file_bytes or 0 for row in found)
                cells = verdict, f"{count:,}", bytes_text(garbage), bytes_text(size)
                rows.append(element("tr", *(element("td", cell) for cell in cells)))
        title = element("b", f"CorpusGcPlan ({self.policy.name})")
        calls: list[object] = ["next: ", element("code", ".frame()"), " a row for each file · "]
        calls += [element("code", ".sweep(backup=...)"), " runs it"]
        if self.mode != "rw":
            calls.append(" (in a corpus of mode 'rw')")
        return element(
            "div", element("div", title), element("table", head, *rows), element("div", *calls)
        )
