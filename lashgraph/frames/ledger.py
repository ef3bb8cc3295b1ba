"""The frames of what was recorded turn by turn: turns and token usage."""

from __future__ import annotations

import sqlite3

import pandas as pd

from lashgraph.format.usage import TokenUsage
from lashgraph.frames.declared import HISTORY, TURNS, USAGE
from lashgraph.reach import collect_refs
from lashgraph.sqlite import blobs, usage

_TOKENS = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens")
_CHILDREN = ("tool_state_ref", "plugin_snapshot_ref", "execution_state_ref")


def turns_frame(connection: sqlite3.Connection, path: str, session_id: str) -> pd.DataFrame:
    """Every recorded turn, by head revision; those whose record cannot be read come first."""
    turns = collect_refs(connection).turns
    present = {row.hash for row in blobs.sizes(connection)}
    manifests = [None if turn.result is None else turn.result.manifest for turn in turns]
    states = [None if manifest is None else manifest.turn_state for manifest in manifests]
    checkpoints = [None if turn.result is None else turn.result.checkpoint_ref for turn in turns]
    data: dict[str, object] = {
        "session_id": [turn.turn.session_id for turn in turns],
        "ref": [turn.ref for turn in turns],
        "turn_id": [turn.turn.turn_id for turn in turns],
        "position": range(len(turns)),
        "committed_at": [turn.turn.committed_at_ms for turn in turns],
        "head_revision": [turn.result.head_revision if turn.result else None for turn in turns],
        "checkpoint_ref": checkpoints,
        "turn_index": [state.turn_index if state else None for state in states],
        "checkpoint_present": [ref in present for ref in checkpoints],
    }
    for name in _CHILDREN:
        data[name] = [getattr(manifest, name, None) for manifest in manifests]
    for name in _TOKENS:
        data[name] = [getattr(state.token_usage, name) if state else None for state in states]
    return TURNS.build(data, len(turns), path, session_id)


def history_frame(connection: sqlite3.Connection, path: str, session_id: str) -> pd.DataFrame:
    """What each turn added, what it kept alive, and what was garbage after it.

    One pass over the turns' own records; blobs that only an artifact or a node names are no part
    of a turn and are left out.
    """
    turns = [turn for turn in collect_refs(connection).turns if turn.result is not None]
    sizes = {row.hash: row.stored_bytes for row in blobs.sizes(connection)}
    known: set[str] = set()
    known_bytes = 0
    columns: dict[str, list[object]] = {column.name: [] for column in HISTORY.columns[1:]}
    for position, turn in enumerate(turns):
        named = {ref.blob_hash for ref in turn.named()} & sizes.keys()
        new_bytes = sum(sizes[key] for key in named - known)
        known |= named
        known_bytes += new_bytes
        live_bytes = sum(sizes[key] for key in named)
        row = {
            "session_id": turn.turn.session_id,
            "ref": turn.ref,
            "turn_id": turn.turn.turn_id,
            "position": position,
            "committed_at": turn.turn.committed_at_ms,
            "new_bytes": new_bytes,
            "live_bytes": live_bytes,
            "garbage_bytes": known_bytes - live_bytes,
            "n_live": len(named),
            "n_garbage": len(known) - len(named),
        }
        for name, value in row.items():
            columns[name].append(value)
    return HISTORY.build(columns, len(turns), path, session_id)


def usage_frame(connection: sqlite3.Connection, path: str, session_id: str) -> pd.DataFrame:
    """Every recorded usage of tokens, in order."""
    entries = usage.load_rows(connection)
    data: dict[str, object] = {
        "seq": [seq for seq, _ in entries],
        "source": [delta.source for _, delta in entries],
        "model": [delta.model for _, delta in entries],
    }
    for name in _TOKENS:
        data[name] = [getattr(delta.usage, name) for _, delta in entries]
    return USAGE.build(data, len(entries), path, session_id)


def token_sums(usages: list[TokenUsage]) -> dict[str, int]:
    """Tokens by kind, summed."""
    total = sum(usages, TokenUsage())
    return {name: getattr(total, name) for name in _TOKENS}
