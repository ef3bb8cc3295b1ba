"""The frames of recorded turns and of token usage."""

from __future__ import annotations

import sqlite3
from typing import Any

from lashgraph.columns import Column, FrameSchema, count, flag, maybe, text, time
from lashgraph.format.checkpoint import CHILD_FIELDS
from lashgraph.format.usage import TokenCounts, TokenUsage
from lashgraph.frames.source import RowDamage, Source, Table
from lashgraph.frames.tokens import (
    ACCOUNTING,
    IN_LEDGER,
    TOKENS,
    token_columns,
    usage_columns,
)
from lashgraph.gc.history import turn_bytes
from lashgraph.reach import collect_refs
from lashgraph.reach.refs import TurnRefs
from lashgraph.sqlite import blobs, usage

TURNS = FrameSchema.of(
    "turns",
    "every recorded turn, in the order of its head revision; those whose record cannot be read "
    "come first",
    text("ref", "key of the turn, as every call takes it"),
    text("turn_id", "id of the turn"),
    count("position", "place in the order, from 0"),
    time("committed_at", "when it was committed"),
    maybe("head_revision", "revision of the head it made"),
    text("checkpoint_ref", "its manifest"),
    text("tool_state_ref", "tool state that the manifest names"),
    text("plugin_snapshot_ref", "plugin snapshot that the manifest names"),
    text("execution_state_ref", "execution state that the manifest names"),
    maybe("turn_index", "number of the turn by the session's own count"),
    *(
        Column(c.name, "Int64", c.meaning + ", in this turn; one that used none repeats the last")
        for c in TOKENS
    ),
    ACCOUNTING,
    *(
        Column(f"cumulative_{c.name}", "Int64", c.meaning + ", up to this turn: sum of that column")
        for c in TOKENS
    ),
    count("new_blob_bytes", "stored bytes of blobs, still there, that no earlier turn named"),
    flag("checkpoint_present", "whether the manifest is still there"),
)

USAGE = FrameSchema.of(
    "usage",
    "every recorded usage of tokens, in order; rows that are none are left out",
    count("seq", "order of recording"),
    text("source", "what used them"),
    text("model", "on which model"),
    *TOKENS,
    ACCOUNTING,
    IN_LEDGER,
)


def sizes(connection: sqlite3.Connection) -> dict[str, int]:
    """Stored bytes of each blob."""
    return {row.hash: row.stored_bytes for row in blobs.sizes(connection)}


def turns_table(source: Source, _wanted: frozenset[str]) -> Table:
    """Every recorded turn."""
    connection = source.connection
    turns = collect_refs(connection).turns
    checkpoints = [None if turn.result is None else turn.result.checkpoint_ref for turn in turns]
    manifests = [None if turn.result is None else turn.result.manifest for turn in turns]
    states = [None if manifest is None else manifest.turn_state for manifest in manifests]
    usages = [None if state is None else state.token_usage for state in states]
    sums = _sums(usages)
    columns: dict[str, Any] = turn_columns(turns) | {
        "head_revision": [turn.result.head_revision if turn.result else None for turn in turns],
        "checkpoint_ref": checkpoints,
        "turn_index": [state.turn_index if state else None for state in states],
        "new_blob_bytes": lambda: [row.new for row in turn_bytes(turns, sizes(connection))],
        "checkpoint_present": lambda: [
            ref is not None and blobs.stored_bytes(connection, ref) is not None
            for ref in checkpoints
        ],
    }
    columns |= {name: [getattr(one, name, None) for one in manifests] for name in CHILD_FIELDS}
    columns |= usage_columns(usages)
    columns |= {f"cumulative_{name}": found for name, found in token_columns(sums).items()}
    return Table(columns, len(turns), turn_damages(turns))


def turn_damages(turns: list[TurnRefs]) -> list[RowDamage]:
    """Turns whose record cannot be read."""
    return [
        RowDamage("runtime_turn_commits", turn.turn.turn_id, turn.reason)
        for turn in turns
        if turn.result is None
    ]


def _sums(usages: list[TokenUsage | None]) -> list[TokenCounts | None]:
    """What all turns up to each have used; missing where the turn's own usage is."""
    total = TokenCounts()
    found: list[TokenCounts | None] = []
    for current in usages:
        total = total if current is None else total.plus(current.counts)
        found.append(None if current is None else total)
    return found


def turn_columns(turns: list[TurnRefs]) -> dict[str, Any]:
    """Which turn a row is of."""
    return {
        "session_id": [turn.turn.session_id for turn in turns],
        "ref": [turn.ref for turn in turns],
        "turn_id": [turn.turn.turn_id for turn in turns],
        "position": range(len(turns)),
        "committed_at": [turn.turn.committed_at_ms for turn in turns],
    }


def usage_table(source: Source, _wanted: frozenset[str]) -> Table:
    """Every recorded usage of tokens, in order."""
    entries, odd = usage.read_rows(source.connection)
    columns: dict[str, Any] = {
        "seq": [seq for seq, _ in entries],
        "source": [delta.source for _, delta in entries],
        "model": [delta.model for _, delta in entries],
    }
    columns |= usage_columns([delta.usage for _, delta in entries])
    columns[IN_LEDGER.name] = [delta.usage.total != 0 for _, delta in entries]
    return Table(columns, len(entries), [RowDamage("usage_deltas", *one) for one in odd])
