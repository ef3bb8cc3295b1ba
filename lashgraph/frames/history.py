"""The frames of bytes over turns: what was, and what regular collections would have made of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lashgraph.columns import FrameSchema, count, text, time
from lashgraph.frames.source import Source, Table
from lashgraph.frames.turns import sizes, turn_columns, turn_damages
from lashgraph.gc.history import simulate, turn_bytes
from lashgraph.reach import collect_refs

_TURN = (
    text("ref", "key of the turn, as every call takes it"),
    text("turn_id", "id of the turn"),
    count("position", "place in the order, from 0"),
    time("committed_at", "when it was committed"),
)
_NEW = {
    "new_manifest_bytes": "checkpoint_ref",
    "new_tool_state_bytes": "tool_state_ref",
    "new_plugin_snapshot_bytes": "plugin_snapshot_ref",
    "new_execution_state_bytes": "execution_state_ref",
}

HISTORY = FrameSchema.of(
    "history",
    "the bytes that turns name, as each turn left them; blobs that are gone do not count, and "
    "turns whose record cannot be read are left out",
    *_TURN,
    count("new_bytes", "stored bytes of blobs that no earlier turn named"),
    *(count(name, f"of these, bytes first named as {field}") for name, field in _NEW.items()),
    count("live_bytes", "stored bytes of blobs that this turn's checkpoint names"),
    count("garbage_bytes", "stored bytes of blobs that only earlier turns named"),
    count("became_garbage_bytes", "stored bytes that the turn before named and this one does not"),
    count("n_live", "blobs that this turn's checkpoint names"),
    count("n_garbage", "blobs that only earlier turns named"),
)

SIMULATION = FrameSchema.of(
    "simulation",
    "the bytes that the turns' blobs would have come to, had the store been collected every so "
    "many turns; blobs that are gone do not count",
    count("every", "turns from one collection to the next; 0 for none"),
    *_TURN,
    count("stored_bytes", "stored bytes after the turn, and after a collection that follows it"),
    count("freed_bytes", "stored bytes that the collection after this turn would have freed"),
)


def history_table(source: Source, _wanted: frozenset[str]) -> Table:
    """What each turn added, what it kept alive, and what was garbage after it.

    Blobs that only an artifact or a node names are no part of a turn and are left out.
    """
    recorded = collect_refs(source.connection).turns
    turns = [turn for turn in recorded if turn.result is not None]
    rows = turn_bytes(turns, sizes(source.connection))
    columns: dict[str, Any] = turn_columns(turns) | {
        "new_bytes": [row.new for row in rows],
        "live_bytes": [row.live for row in rows],
        "garbage_bytes": [row.garbage for row in rows],
        "became_garbage_bytes": [row.became_garbage for row in rows],
        "n_live": [row.n_live for row in rows],
        "n_garbage": [row.n_garbage for row in rows],
    }
    columns |= {name: [row.new_by_field[field] for row in rows] for name, field in _NEW.items()}
    return Table(columns, len(turns), turn_damages(recorded))


def simulation_table(
    source: Source, _wanted: frozenset[str], *, every: Sequence[int], keep_turns: int
) -> Table:
    """What collections at regular intervals would have kept the store at.

    Parameters
    ----------
    every : sequence of int
        Turns from one collection to the next.
    keep_turns : int
        Turns whose checkpoints each collection keeps.
    """
    recorded = collect_refs(source.connection).turns
    turns = [turn for turn in recorded if turn.result is not None]
    rows = simulate(turns, sizes(source.connection), every, keep_turns)
    columns = turn_columns([turns[row.position] for row in rows]) | {
        "every": [row.every for row in rows],
        "position": [row.position for row in rows],
        "stored_bytes": [row.stored_bytes for row in rows],
        "freed_bytes": [row.freed_bytes for row in rows],
    }
    return Table(columns, len(rows), turn_damages(recorded))
