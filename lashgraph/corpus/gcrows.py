"""What a batch collection plans for a file and what becomes of it, and the frames of both."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import pandas as pd

from lashgraph.columns import FrameSchema, closed, maybe, maybe_flag, number, text
from lashgraph.corpus.notes import Failure
from lashgraph.gc import GcPlan, GcReport
from lashgraph.version import __version__

VERDICTS = ("sweep", "nothing", "spared", "alarm", "refused", "locked", "unreadable")
OUTCOMES = ("done", "skipped", "failed")
REASONS = (*VERDICTS[1:], "changed", "gone")

GC_PLAN = FrameSchema.of(
    "corpus_gc_plan",
    "what a batch collection would do, one row for each file",
    closed(
        "verdict",
        "sweep; nothing: no garbage; spared: the budget is met without it; alarm: nothing explains "
        "the garbage; refused: damage could hide a root, or a sweep of such files is not proven; "
        "locked; unreadable",
        *VERDICTS,
    ),
    text("error", "type of the error, where there was one"),
    text("message", "why it is not swept"),
    maybe("keep_turns", "how many of the latest turns keep their checkpoints"),
    maybe("root_count", "roots, repeated ones too"),
    maybe("retained_blob_count", "distinct reachable hashes, present or not"),
    maybe("deleted_blob_count", "blobs that a sweep of the file deletes"),
    maybe("deleted_bytes", "their stored bytes"),
    maybe("kept_blob_count", "blobs that stay"),
    maybe("kept_bytes", "their stored bytes"),
    maybe("file_bytes", "bytes of the file and its log"),
    text("fingerprint", "digest of session, policy, roots and followed manifests"),
    text("doomed", "digest of the hashes of the blobs to delete"),
)

GC_REPORT = FrameSchema.of(
    "corpus_gc_report",
    "what a batch collection did, one row for each file of its plan",
    closed("outcome", "what became of the file", *OUTCOMES),
    closed(
        "reason",
        "why it was skipped: as planned; or locked; changed since the plan; gone: what was planned "
        "is deleted already",
        *REASONS,
    ),
    text("error", "type of the error, where there was one"),
    text("message", "why it was skipped, or what went wrong"),
    maybe("deleted_blob_count", "blobs deleted; with the reason gone, by an earlier run"),
    maybe("deleted_bytes", "their stored bytes"),
    maybe("kept_blob_count", "blobs that are still there"),
    maybe("kept_bytes", "their stored bytes"),
    maybe("file_bytes_before", "bytes of the database file before, its log folded in"),
    maybe("file_bytes_after", "and after"),
    maybe_flag("compacted", "whether the file was written anew"),
    maybe_flag("freed_content_in_file", "whether deleted content can still be read from it"),
    text("backup", "the file that holds the state before, if one was asked for"),
    number("seconds", "how long it took"),
)


class Planned(NamedTuple):
    """What is planned for a file; the fields are the columns of `GC_PLAN`."""

    path: str
    session_id: str | None
    verdict: str
    error: str | None = None
    message: str | None = None
    keep_turns: int | None = None
    root_count: int | None = None
    retained_blob_count: int | None = None
    deleted_blob_count: int | None = None
    deleted_bytes: int | None = None
    kept_blob_count: int | None = None
    kept_bytes: int | None = None
    file_bytes: int | None = None
    fingerprint: str | None = None
    doomed: str | None = None

    @classmethod
    def of(cls, plan: GcPlan, file_bytes: int) -> Planned:
        """What a store's own plan says."""
        verdict, error, message = _verdict(plan)
        return cls(
            path=plan.path,
            session_id=plan.session_id,
            verdict=verdict,
            error=error,
            message=message,
            keep_turns=plan.policy.keep_turns,
            root_count=plan.root_count,
            retained_blob_count=plan.retained_blob_count,
            deleted_blob_count=plan.deleted_blob_count,
            deleted_bytes=plan.deleted_bytes,
            kept_blob_count=plan.kept_blob_count,
            kept_bytes=plan.kept_bytes,
            file_bytes=file_bytes,
            fingerprint=plan.fingerprint,
            doomed=digest_of_doomed(plan),
        )

    @classmethod
    def failed(cls, failure: Failure) -> Planned:
        """What is planned for a file that could not be read."""
        verdict = "locked" if failure.error == "StoreLockedError" else "unreadable"
        return cls(failure.path, failure.session_id, verdict, failure.error, failure.message)


class Swept(NamedTuple):
    """What became of a file; the fields are the columns of `GC_REPORT`."""

    path: str
    session_id: str | None
    outcome: str
    reason: str | None = None
    error: str | None = None
    message: str | None = None
    deleted_blob_count: int | None = None
    deleted_bytes: int | None = None
    kept_blob_count: int | None = None
    kept_bytes: int | None = None
    file_bytes_before: int | None = None
    file_bytes_after: int | None = None
    compacted: bool | None = None
    freed_content_in_file: bool | None = None
    backup: str | None = None
    seconds: float | None = None

    @classmethod
    def done(cls, row: Planned, report: GcReport) -> Swept:
        """What a sweep did."""
        return cls(
            path=row.path,
            session_id=row.session_id,
            outcome="done",
            deleted_blob_count=report.deleted_blob_count,
            deleted_bytes=report.deleted_bytes,
            kept_blob_count=report.kept_blob_count,
            kept_bytes=report.kept_bytes,
            file_bytes_before=report.file_bytes_before,
            file_bytes_after=report.file_bytes_after,
            compacted=report.compacted,
            freed_content_in_file=report.freed_content_in_file,
            backup=report.backup,
            seconds=report.seconds,
        )

    @classmethod
    def skipped(cls, row: Planned, reason: str, message: str, error: str | None = None) -> Swept:
        """A file that was left as it was."""
        return cls(row.path, row.session_id, "skipped", reason, error, message)

    @classmethod
    def failed(cls, row: Planned, error: BaseException) -> Swept:
        """A file that could not be swept; if only its compaction failed, with what was done."""
        message = str(error) or type(error).__name__
        report = getattr(error, "report", None)
        made = cls.done(row, report) if isinstance(report, GcReport) else cls(*row[:2], "failed")
        return made._replace(outcome="failed", error=type(error).__name__, message=message)


def _verdict(plan: GcPlan) -> tuple[str, str | None, str | None]:
    """What a plan comes to, the type of the error that its sweep would raise, and why."""
    if not plan.deleted_blob_count:
        return "nothing", None, None
    if plan.refusal:
        return "refused", "VersionNotWrittenError", plan.refusal
    if plan.alarms:
        return "alarm", "UnusualPlanError", "; ".join(plan.alarms)
    return "sweep", None, None


def digest_of_doomed(plan: GcPlan) -> str:
    """Digest of what a plan deletes, whatever the order of the table."""
    return hashlib.sha256("\n".join(sorted(plan.doomed_hashes)).encode()).hexdigest()


def rows_frame(
    schema: FrameSchema, rows: tuple[Planned, ...] | tuple[Swept, ...], **facts: object
) -> pd.DataFrame:
    """Rows as the frame that their schema declares."""
    data = {name: [getattr(row, name) for row in rows] for name in schema.names}
    frame = schema.build(data, len(rows), "", "")
    frame.attrs["lashgraph"] = {"frame": schema.name, "version": __version__, **facts}
    return frame
