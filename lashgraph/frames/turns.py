"""The frames of what was recorded turn by turn: turns, their bytes, and token usage."""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

from lashgraph.columns import Column, FrameSchema, count, flag, maybe, text, time
from lashgraph.format.checkpoint import CHILD_FIELDS
from lashgraph.format.usage import TokenUsage
from lashgraph.frames.source import RowDamage, Source, Table
from lashgraph.frames.tokens import TOKENS
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
    *(
        Column(f"cumulative_{c.name}", "Int64", c.meaning + ", up to this turn: sum of that column")
        for c in TOKENS
    ),
    count("new_blob_bytes", "stored bytes of blobs, still there, that no earlier turn named"),
    flag("checkpoint_present", "whether the manifest is still there"),
)

HISTORY = FrameSchema.of(
    "history",
    "the bytes that turns name, as each turn left them; blobs that are gone do not count, and "
    "turns whose record cannot be read are left out",
    text("ref", "key of the turn, as every call takes it"),
    text("turn_id", "id of the turn"),
    count("position", "place in the order, from 0"),
    time("committed_at", "when it was committed"),
    count("new_bytes", "stored bytes of blobs that no earlier turn named"),
    count("live_bytes", "stored bytes of blobs that this turn's checkpoint names"),
    count("garbage_bytes", "stored bytes of blobs that only earlier turns named"),
    count("n_live", "blobs that this turn's checkpoint names"),
    count("n_garbage", "blobs that only earlier turns named"),
)

USAGE = FrameSchema.of(
    "usage",
    "every recorded usage of tokens, in order; rows that are none are left out",
    count("seq", "order of recording"),
    text("source", "what used them"),
    text("model", "on which model"),
    *TOKENS,
)


class _Bytes(NamedTuple):
    """What blobs a turn names, new ones and all, and what earlier turns named beside them."""

    new: int
    live: int
    garbage: int
    n_live: int
    n_garbage: int


def _bytes(connection: sqlite3.Connection, turns: list[TurnRefs]) -> list[_Bytes]:
    """One pass over the turns' own records; blobs that are gone do not count."""
    sizes = {row.hash: row.stored_bytes for row in blobs.sizes(connection)}
    known: set[str] = set()
    known_bytes = 0
    found = []
    for turn in turns:
        named = {ref.blob_hash for ref in turn.named()} & sizes.keys()
        new = sum(sizes[key] for key in named - known)
        live = sum(sizes[key] for key in named)
        known |= named
        known_bytes += new
        found.append(_Bytes(new, live, known_bytes - live, len(named), len(known) - len(named)))
    return found


def turns_table(source: Source, _wanted: frozenset[str]) -> Table:
    """Every recorded turn."""
    connection = source.connection
    turns = collect_refs(connection).turns
    checkpoints = [None if turn.result is None else turn.result.checkpoint_ref for turn in turns]
    manifests = [None if turn.result is None else turn.result.manifest for turn in turns]
    states = [None if manifest is None else manifest.turn_state for manifest in manifests]
    usages = [None if state is None else state.token_usage for state in states]
    sums = _sums(usages)
    columns: dict[str, Any] = _turn_columns(turns) | {
        "head_revision": [turn.result.head_revision if turn.result else None for turn in turns],
        "checkpoint_ref": checkpoints,
        "turn_index": [state.turn_index if state else None for state in states],
        "new_blob_bytes": lambda: [row.new for row in _bytes(connection, turns)],
        "checkpoint_present": lambda: [
            ref is not None and blobs.stored_bytes(connection, ref) is not None
            for ref in checkpoints
        ],
    }
    columns |= {name: [getattr(one, name, None) for one in manifests] for name in CHILD_FIELDS}
    columns |= {c.name: [getattr(one, c.name, None) for one in usages] for c in TOKENS}
    columns |= {
        f"cumulative_{c.name}": [getattr(one, c.name, None) for one in sums] for c in TOKENS
    }
    return Table(columns, len(turns), _damages(turns))


def _damages(turns: list[TurnRefs]) -> list[RowDamage]:
    return [
        RowDamage("runtime_turn_commits", turn.turn.turn_id, turn.reason)
        for turn in turns
        if turn.result is None
    ]


def _sums(usages: list[TokenUsage | None]) -> list[TokenUsage | None]:
    """What all turns up to each have used; missing where the turn's own usage is."""
    total = TokenUsage()
    found: list[TokenUsage | None] = []
    for current in usages:
        total = total if current is None else total + current
        found.append(None if current is None else total)
    return found


def _turn_columns(turns: list[TurnRefs]) -> dict[str, Any]:
    return {
        "session_id": [turn.turn.session_id for turn in turns],
        "ref": [turn.ref for turn in turns],
        "turn_id": [turn.turn.turn_id for turn in turns],
        "position": range(len(turns)),
        "committed_at": [turn.turn.committed_at_ms for turn in turns],
    }


def history_table(source: Source, _wanted: frozenset[str]) -> Table:
    """What each turn added, what it kept alive, and what was garbage after it.

    Blobs that only an artifact or a node names are no part of a turn and are left out.
    """
    recorded = collect_refs(source.connection).turns
    turns = [turn for turn in recorded if turn.result is not None]
    rows = _bytes(source.connection, turns)
    columns = _turn_columns(turns) | {
        "new_bytes": [row.new for row in rows],
        "live_bytes": [row.live for row in rows],
        "garbage_bytes": [row.garbage for row in rows],
        "n_live": [row.n_live for row in rows],
        "n_garbage": [row.n_garbage for row in rows],
    }
    return Table(columns, len(turns), _damages(recorded))


def usage_table(source: Source, _wanted: frozenset[str]) -> Table:
    """Every recorded usage of tokens, in order."""
    entries, odd = usage.read_rows(source.connection)
    columns: dict[str, Any] = {
        "seq": [seq for seq, _ in entries],
        "source": [delta.source for _, delta in entries],
        "model": [delta.model for _, delta in entries],
    }
    columns |= {c.name: [getattr(delta.usage, c.name) for _, delta in entries] for c in TOKENS}
    return Table(columns, len(entries), [RowDamage("usage_deltas", *one) for one in odd])
