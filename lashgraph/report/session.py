"""Sections about one session: who it is, its bytes, tree, turns, tools and tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from lashgraph import plot
from lashgraph.corpus.summary import by_kind, by_tool, largest
from lashgraph.format.html import Markup, element
from lashgraph.format.sizes import counted
from lashgraph.frames.tokens import TOKENS
from lashgraph.report.facts import StoreFacts
from lashgraph.report.findings import findings_told
from lashgraph.report.pieces import Pieces, facts, note, paragraph, size
from lashgraph.report.tables import (
    Col,
    counts,
    moment,
    names,
    seconds,
    sums,
    text,
    times,
    token_sums,
    words,
)

_FEW = 10


def who(asked: StoreFacts, _pieces: Pieces) -> Iterator[Markup]:
    """Who the session is, and how much there is of it."""
    row = asked.session
    told: dict[str, object] = {
        "session": element("code", text(row["session_id"] or "(none yet)")),
        "name": row["name"],
        "file": element("code", text(asked.store.path)),
        "model": _model(row),
        "working directory": row["cwd"],
        "parent": row["parent_session_id"],
        "begun because of": _cause(row),
        "created (UTC)": row["created_at"],
        "first node (UTC)": row["first_at"],
        "last node (UTC)": row["last_at"],
        "leaf of the active path": row["leaf_node_id"],
    }
    yield facts({name: _value(value) for name, value in told.items() if not _is_nothing(value)})
    numbers = {
        "nodes": "n_nodes",
        "tombstoned nodes": "n_tombstoned",
        "messages": "n_messages",
        "tool calls": "n_tool_calls",
        "branches": "n_branches",
        "turns": "n_turns",
        "agent frames": "n_agent_frames",
        "revision of the head": "head_revision",
        "schema version": "schema_version",
    }
    counted_ = {
        name: f"{row[column]:,}" for name, column in numbers.items() if pd.notna(row[column])
    }
    yield facts(counted_)


def _model(row: pd.Series[Any]) -> object:
    known = [str(row[name]) for name in ("model", "provider_id") if pd.notna(row[name])]
    return " by ".join(known) or None


def _cause(row: pd.Series[Any]) -> object:
    told = [row[f"caused_by_{part}"] for part in ("type", "session_id", "id")]
    return " ".join(str(one) for one in told if pd.notna(one)) or None


def _is_nothing(value: Any) -> bool:
    return value is None or (not isinstance(value, Markup) and bool(pd.isna(value)))


def _value(value: object) -> Markup:
    if isinstance(value, Markup):
        return value
    return moment(value) if isinstance(value, pd.Timestamp) else text(value)


def where_bytes_are(asked: StoreFacts, pieces: Pieces) -> Iterator[Markup]:
    """The file, its blobs by kind, and what is live."""
    row = asked.session
    yield facts(
        {
            "file": size(row["file_bytes"]),
            "log beside it": size(row["wal_bytes"]),
            "free pages in the file": size(row["freelist_bytes"]),
            "blobs, as stored": size(row["blob_bytes"]),
        }
    )
    if asked.reach.findings:
        yield note(
            "odd",
            "Which blobs are dead cannot be known, so all are counted as live: a collection is ",
            element("a", "refused", href="#collection"),
            ".",
        )
    name = f"reachable_{asked.policy.name}"
    marked = asked.blobs.assign(**{name: asked.live})
    yield pieces.figure(
        plot.blob_sizes(marked, policy=asked.policy.name),
        "Blobs by kind and size. Live ones are drawn upwards, dead ones, which a collection "
        "deletes, downwards.",
    )
    yield pieces.table(
        "Blobs by kind, in stored bytes.", by_kind(asked.blobs, asked.live), KINDS, unit="kind"
    )
    large = largest(asked.blobs.assign(live=asked.live), "stored_bytes", "hash")
    columns = [
        names("hash", "blob"),
        words("kind", "kind"),
        sums("stored_bytes", "stored (bytes)"),
        Col("live", "state", lambda live: "live" if live else "dead"),
    ]
    yield pieces.table("The largest blobs.", large, columns, unit="blob", most=_FEW)
    held = asked.reach.retained()
    yield pieces.figure(
        plot.retained(held),
        "What each root holds: the bytes that would go if it alone went, and those that it shares "
        "with others.",
    )
    roots = largest(held[held["layer"] == "root"], "reached_bytes", "ref")
    yield pieces.table("Roots and what they hold.", roots, _ROOTS, unit="root")


KINDS = [
    words("kind", "kind"),
    sums("n_blobs", "blobs"),
    sums("stored_bytes", "stored (bytes)"),
    sums("garbage_bytes", "of it dead (bytes)"),
]
"""Columns of a table of kinds."""

_ROOTS = [
    names("ref", "root"),
    words("source_kind", "kind"),
    counts("n_blobs", "blobs"),
    counts("reached_bytes", "reached (bytes)"),
    counts("retained_bytes", "held alone (bytes)"),
    counts("shared_bytes", "shared (bytes)"),
]


def session_tree(asked: StoreFacts, pieces: Pieces) -> Iterator[Markup]:
    """The tree and its branches."""
    tree = asked.tree
    if tree.unreadable:
        n_lost = counted(len(tree.unreadable), "node")
        yield note("bad", f"{n_lost} cannot be read and are left out.")
    yield pieces.figure(
        plot.session_tree(tree),
        "The session tree: depth runs to the right, each branch has a lane of its own, the active "
        "path is the dark line.",
    )
    branches = largest(tree.branches(), "n_nodes", "branch_id")
    columns = [
        names("branch_id", "first node"),
        words("start", "starts at"),
        names("fork_node_id", "leaves from"),
        counts("depth", "depth"),
        sums("n_nodes", "nodes"),
        sums("n_messages", "messages"),
        sums("n_on_active_path", "on the active path"),
        times("first_at", "from"),
        times("last_at", "to"),
    ]
    yield pieces.table("Branches, the longest first.", branches, columns, unit="branch")


def timeline(asked: StoreFacts, pieces: Pieces) -> Iterator[Markup]:
    """Turns over time."""
    yield pieces.figure(
        plot.timeline(asked.turns, asked.calls, asked.usage),
        "Tokens so far, over time; below, a tick for each turn and each tool call.",
    )
    turns = asked.turns.assign(number=asked.turns["position"] + 1)
    columns = [
        counts("number", "turn"),
        names("turn_id", "id"),
        times("committed_at", "committed"),
        *(col._replace(adds_up=False) for col in token_sums()),
        sums("new_blob_bytes", "new blobs (bytes)"),
    ]
    most = turns.sort_values(["new_blob_bytes", "number"], ascending=[False, True])
    caption = (
        "The turns that wrote the most. A turn that used no model repeats the tokens of the one "
        "before it."
    )
    yield pieces.table(caption, most, columns, unit="turn", most=_FEW)


def tool_calls(asked: StoreFacts, pieces: Pieces) -> Iterator[Markup]:
    """Tool calls, and those that failed."""
    calls = asked.calls
    if not len(calls):
        yield paragraph("No tool was called.")
        return
    yield pieces.figure(
        plot.tool_calls(calls),
        "How long tool calls took, from the message with the call to the one with the result.",
    )
    yield pieces.table(
        "Tools. Bytes are those of arguments and results as UTF-8.",
        by_tool(calls),
        TOOLS,
        unit="tool",
    )
    failed = calls[calls["status"] == "error"].sort_values(["called_at", "call_id"])
    columns = [
        words("tool_name", "tool"),
        times("called_at", "called"),
        names("call_node_id", "node of the call"),
        words("args", "arguments"),
        words("result", "result"),
    ]
    yield pieces.table("Calls that failed, the earliest first.", failed, columns, unit="call")


TOOLS = [
    words("tool_name", "tool"),
    sums("n_calls", "calls"),
    sums("n_failed", "failed"),
    sums("arg_bytes", "arguments (bytes)"),
    sums("result_bytes", "results (bytes)"),
    seconds("median_seconds", "median time"),
]
"""Columns of a table of tools."""


def usage(asked: StoreFacts, pieces: Pieces) -> Iterator[Markup]:
    """The ledger of tokens."""
    ledger = asked.usage
    if not len(ledger):
        yield paragraph("No use of tokens was recorded.")
        return
    users = ledger.groupby(["source", "model", "accounting"], dropna=False, observed=True)
    found = users[[column.name for column in TOKENS]].sum(min_count=1)
    found.insert(0, "n_entries", users.size())
    columns = [
        words("source", "used by"),
        words("model", "model"),
        words("accounting", "counted as in"),
        sums("n_entries", "entries"),
        *token_sums(),
    ]
    yield pieces.table(
        "Tokens by what used them and on which model. The accountings v7 and v38 count reasoning "
        "within the output, v1 beside it.",
        largest(found.reset_index(), "input_tokens", "source"),
        columns,
        unit="user",
    )


def findings(asked: StoreFacts, pieces: Pieces) -> Iterator[Markup]:
    """What a check finds."""
    yield from findings_told(asked.findings, pieces, of_files=False)
