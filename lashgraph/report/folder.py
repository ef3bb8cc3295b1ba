"""Sections about many sessions: where the bytes are, who started whom, what could not be read."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from lashgraph import plot
from lashgraph.corpus.summary import by_family, by_kind, by_tool, largest
from lashgraph.format.html import Markup, element
from lashgraph.format.sizes import counted
from lashgraph.frames.tokens import TOKENS
from lashgraph.report.collection import policy_told
from lashgraph.report.facts import CorpusFacts
from lashgraph.report.family import MEMBERS
from lashgraph.report.findings import findings_told
from lashgraph.report.pieces import Pieces, facts, note, paragraph, size
from lashgraph.report.session import KINDS, TOOLS
from lashgraph.report.tables import (
    Col,
    counts,
    moment,
    names,
    paths,
    sums,
    times,
    token_sums,
    words,
)

_FEW = 10
_LOOK_AT = ("alarm", "refused", "locked", "unreadable")
"""Verdicts of files that somebody should look at."""


def overview(asked: CorpusFacts, pieces: Pieces) -> Iterator[Markup]:
    """How much there is, and the sessions with the most bytes."""
    sessions = asked.sessions
    told: dict[str, object] = {
        "sessions": f"{len(sessions):,}",
        "files": size(int(sessions["file_bytes"].sum())),
        "logs beside them": size(int(sessions["wal_bytes"].sum())),
        "blobs, as stored": size(int(sessions["blob_bytes"].sum())),
        "nodes": f"{sessions['n_nodes'].sum():,}",
        "turns": f"{sessions['n_turns'].sum():,}",
        "tool calls": f"{sessions['n_tool_calls'].sum():,}",
        "input (tokens)": f"{sessions['input_tokens'].sum():,}",
        "output (tokens)": f"{sessions['output_tokens'].sum():,}",
    }
    for name, at in (
        ("first node (UTC)", sessions["first_at"].min()),
        ("last node (UTC)", sessions["last_at"].max()),
    ):
        if pd.notna(at):
            told[name] = moment(at)
    yield facts(told)
    columns = [
        paths("file", asked.folder),
        names("session_id", "session"),
        words("model", "model"),
        times("last_at", "last node"),
        sums("n_turns", "turns"),
        sums("n_tool_calls", "tool calls"),
        sums("file_bytes", "file (bytes)"),
        sums("blob_bytes", "blobs (bytes)"),
    ]
    ranked = largest(sessions, "file_bytes", "path")
    yield pieces.table("Sessions, the largest files first.", ranked, columns, unit="session")


def where_bytes_are(asked: CorpusFacts, pieces: Pieces) -> Iterator[Markup]:
    """Bytes by family, session and kind."""
    yield pieces.figure(
        plot.corpus_bytes(asked.blobs, asked.families),
        "Stored bytes of blobs by family, session and kind: areas are bytes.",
    )
    kinds = by_kind(asked.blobs, asked.blobs[asked.reachable])
    yield pieces.table("Blobs by kind, in stored bytes.", kinds, KINDS, unit="kind")


def shared(asked: CorpusFacts, pieces: Pieces) -> Iterator[Markup]:
    """Content that stands in several files."""
    found, sizes = asked.shared
    yield facts(
        {
            "contents in several files": f"{len(found):,}",
            "all blobs, as stored": size(sizes.blob_bytes),
            "with one copy of each": size(sizes.deduplicated_bytes),
        }
    )
    columns = [
        names("hash", "blob"),
        words("kind", "kind"),
        counts("n_files", "files"),
        sums("total_bytes", "stored in all (bytes)"),
        sums("extra_bytes", "of it copies (bytes)"),
    ]
    yield pieces.table(
        "Contents in several files, those first whose copies cost most.",
        found,
        columns,
        unit="content",
        most=_FEW,
    )


def families(asked: CorpusFacts, pieces: Pieces) -> Iterator[Markup]:
    """Parents and children."""
    everyone = asked.families
    related = everyone[(everyone["n_children"] > 0) | everyone["parent_session_id"].notna()]
    if not len(related):
        yield paragraph("No session here was started by another.")
        return
    yield pieces.figure(
        plot.families(related),
        "Sessions that started others, and those: children stand below their parent and one step "
        "to the right. The area of a mark is the size of the file.",
    )
    columns = [
        names("root_session_id", "first of the family"),
        sums("n_sessions", "sessions"),
        sums("n_turns", "turns"),
        sums("file_bytes", "files and logs (bytes)"),
        sums("input_tokens", "input (tokens)"),
        sums("output_tokens", "output (tokens)"),
    ]
    grouped = by_family(everyone)
    several = grouped[grouped["n_sessions"] > 1]
    yield pieces.table("Families of several sessions.", several, columns, unit="family")
    odd = everyone[everyone["status"].isin(["orphan", "missing", "cycle", "copy"])]
    caption = "Sessions with an odd place: without their parent's file, or given twice."
    yield pieces.table(caption, odd, MEMBERS, unit="session")


def tool_calls(asked: CorpusFacts, pieces: Pieces) -> Iterator[Markup]:
    """Tool calls of all sessions."""
    if not len(asked.calls):
        yield paragraph("No tool was called.")
        return
    yield pieces.figure(
        plot.tool_calls(asked.calls),
        "How long tool calls took, from the message with the call to the one with the result.",
    )
    yield pieces.table(
        "Tools. Bytes are those of arguments and results as UTF-8.",
        by_tool(asked.calls),
        TOOLS,
        unit="tool",
    )


def models(asked: CorpusFacts, pieces: Pieces) -> Iterator[Markup]:
    """Tokens by model."""
    sessions = asked.sessions
    if not len(sessions):
        yield paragraph("No use of tokens was recorded.")
        return
    grouped = sessions.groupby(["model", "provider_id"], dropna=False)
    found = grouped[["n_turns", *(column.name for column in TOKENS)]].sum(min_count=1)
    found.insert(0, "n_sessions", grouped.size())
    columns = [
        words("model", "model"),
        words("provider_id", "provider"),
        sums("n_sessions", "sessions"),
        sums("n_turns", "turns"),
        *token_sums(),
    ]
    yield pieces.table(
        "Tokens by the model that a session had last.",
        largest(found.reset_index(), "input_tokens", "model"),
        columns,
        unit="model",
    )


def findings(asked: CorpusFacts, pieces: Pieces) -> Iterator[Markup]:
    """What a check finds in all files."""
    yield from findings_told(asked.findings, pieces, of_files=True)


def collection(asked: CorpusFacts, pieces: Pieces) -> Iterator[Markup]:
    """What a batch collection would do, file by file."""
    plan = asked.plan
    frame = plan.frame()
    n_sweep = plan.counts["sweep"]
    yield paragraph(
        f"Under {policy_told(plan.policy)}, a batch collection would sweep ",
        element("b", f"{n_sweep:,} of {counted(len(frame), 'file')}"),
        f" and delete {counted(plan.deleted_blob_count, 'blob')} in them, "
        f"{size(plan.deleted_bytes)}. This is a dry run: nothing was deleted.",
    )
    verdicts = frame.groupby("verdict", observed=True).agg(
        n_files=("path", "size"),
        deleted_bytes=("deleted_bytes", "sum"),
        file_bytes=("file_bytes", "sum"),
    )
    columns = [
        words("verdict", "verdict"),
        sums("n_files", "files"),
        sums("deleted_bytes", "garbage (bytes)"),
        sums("file_bytes", "files and logs (bytes)"),
    ]
    yield pieces.table("Files by verdict.", verdicts.reset_index(), columns, unit="verdict")
    sweep = largest(frame[frame["verdict"] == "sweep"], "deleted_bytes", "path")
    columns = [
        paths("file", asked.folder),
        sums("deleted_blob_count", "blobs deleted"),
        sums("deleted_bytes", "deleted (bytes)"),
        sums("kept_bytes", "kept (bytes)"),
        sums("file_bytes", "file and log (bytes)"),
    ]
    yield pieces.table(
        "Files that would be swept, the most garbage first.", sweep, columns, unit="file"
    )
    odd = frame[frame["verdict"].isin(_LOOK_AT)].sort_values("path")
    if len(odd):
        yield note("odd", f"{counted(len(odd), 'file')} would be left out: somebody should look.")
    columns = [paths("file", asked.folder), words("verdict", "verdict"), words("message", "why")]
    yield pieces.table("Files that are left out, and why.", odd, columns, unit="file")


def unread(asked: CorpusFacts, pieces: Pieces) -> Iterator[Markup]:
    """What could not be read, and what was no session."""
    errors = failures(asked)
    if len(errors):
        n_files = errors["path"].nunique()
        yield note("bad", f"{counted(n_files, 'file')} could not be read, or in part only.")
    else:
        yield note("good", "Every session file was read.")
    columns = [
        paths("file", asked.folder),
        words("stage", "asked for"),
        words("error", "error"),
        words("message", "why"),
        Col("partly", "read", lambda partly: "in part" if partly else "not at all"),
    ]
    yield pieces.table("What could not be read.", errors, columns, unit="error", most=100)
    columns = [paths("file", asked.folder), words("reason", "reason"), words("what", "what it is")]
    skipped = asked.corpus.skipped().sort_values(["reason", "path"])
    yield pieces.table("Files that are no sessions.", skipped, columns, unit="file", most=100)


def failures(asked: CorpusFacts) -> pd.DataFrame:
    """A row for each file and error, whatever it was asked for."""
    return asked.corpus.errors().drop_duplicates(["path", "error", "message"])
