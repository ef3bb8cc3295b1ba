"""The frame of checkpoints: every manifest that is in the store."""

from __future__ import annotations

from typing import Any

from lashgraph.columns import Column, FrameSchema, count, flag, maybe, maybe_large, text
from lashgraph.format.checkpoint import CHILD_FIELDS
from lashgraph.frames.refs import kept_hashes, read_manifest
from lashgraph.frames.source import RowDamage, Source, Table
from lashgraph.frames.tokens import ACCOUNTING, TOKENS, usage_columns
from lashgraph.reach import GcPolicy, mark
from lashgraph.sqlite import blobs

_PROMPT = ("prompt_context_tokens", "context_budget_tokens")

CHECKPOINTS = FrameSchema.of(
    "checkpoints",
    "every checkpoint manifest in the store, in the order of the table, read or not",
    text("checkpoint_ref", "hash of the manifest"),
    flag("readable", "whether the manifest can be read"),
    flag("is_head", "whether the head names it"),
    count("n_turns", "recorded turns that name it"),
    text("first_turn_id", "the first of them"),
    text("last_turn_id", "the last of them"),
    maybe("turn_index", "number of the turn by the session's own count"),
    *(Column(column.name, "Int64", column.meaning + ", of its turn") for column in TOKENS),
    ACCOUNTING,
    maybe("prompt_context_tokens", "tokens of the context of the latest prompt"),
    maybe("context_budget_tokens", "tokens that the context may take"),
    text("tool_state_ref", "tool state that it names"),
    text("plugin_snapshot_ref", "plugin snapshot that it names"),
    maybe_large("plugin_snapshot_revision", "revision of that snapshot"),
    text("execution_state_ref", "execution state that it names"),
    count("n_children_missing", "blobs among these three that are not there"),
    flag(
        "reachable_safe",
        "whether the safe policy keeps it; all are kept where it refuses to collect",
    ),
    flag(
        "reachable_runtime",
        "whether the runtime's collection keeps it; all are kept where it is refused",
    ),
    count("stored_bytes", "bytes of the manifest as stored"),
)


def checkpoints_table(source: Source, _wanted: frozenset[str]) -> Table:
    """Every manifest."""
    connection = source.connection
    safe, runtime = mark(connection, GcPolicy.safe()), mark(connection, GcPolicy.runtime())
    kinds = blobs.kinds(connection, [row.rowid for row in safe.present])
    rows = [
        row
        for row, (kind, _) in zip(safe.present, kinds, strict=True)
        if kind == "CheckpointManifest" or row.hash in safe.edges
    ]
    manifests = [read_manifest(connection, row.hash) for row in rows]
    states = [None if manifest is None else manifest.turn_state for manifest in manifests]
    prompts = [None if state is None else state.last_prompt_usage for state in states]
    usages = [None if state is None else state.token_usage for state in states]
    heads = {root.blob_hash for root in safe.refs.head_roots()}
    turns: dict[str, list[str]] = {}
    for turn in safe.refs.turns:
        if turn.result is not None:
            turns.setdefault(turn.result.checkpoint_ref, []).append(turn.turn.turn_id)
    naming = [turns.get(row.hash, []) for row in rows]
    present = {row.hash for row in safe.present}
    kept_safe, kept_runtime = kept_hashes(safe), kept_hashes(runtime)
    columns: dict[str, Any] = {
        "checkpoint_ref": [row.hash for row in rows],
        "readable": [manifest is not None for manifest in manifests],
        "is_head": [row.hash in heads for row in rows],
        "n_turns": list(map(len, naming)),
        "first_turn_id": [ids[0] if ids else None for ids in naming],
        "last_turn_id": [ids[-1] if ids else None for ids in naming],
        "turn_index": [None if state is None else state.turn_index for state in states],
        "plugin_snapshot_revision": [
            None if one is None else one.plugin_snapshot_revision for one in manifests
        ],
        "n_children_missing": [
            sum(child not in present for _, child in one.children()) if one is not None else 0
            for one in manifests
        ],
        "reachable_safe": [row.hash in kept_safe for row in rows],
        "reachable_runtime": [row.hash in kept_runtime for row in rows],
        "stored_bytes": [row.stored_bytes for row in rows],
    }
    columns |= {name: [getattr(one, name, None) for one in manifests] for name in CHILD_FIELDS}
    columns |= {name: [getattr(one, name, None) for one in prompts] for name in _PROMPT}
    columns |= usage_columns(usages)
    damages = [
        RowDamage("blobs", row.hash, "a manifest that cannot be read")
        for row, manifest in zip(rows, manifests, strict=True)
        if manifest is None
    ]
    return Table(columns, len(rows), damages)
