"""Checkpoints: a manifest and the states it names, each a blob."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from lashgraph.format import blob as blob_format
from lashgraph.format import checkpoint as states
from lashgraph.format.blob import BlobProfile
from lashgraph.format.checkpoint import Checkpoint, Manifest, StoredCheckpoint
from lashgraph.format.strict import Invalid
from lashgraph.sqlite import blobs
from lashgraph.sqlite.connect import dialect_of

T = TypeVar("T")


def put(
    connection: sqlite3.Connection, checkpoint: Checkpoint, profile: BlobProfile
) -> StoredCheckpoint:
    """Store a checkpoint. A given state wins over its ref; a ref alone is taken unchecked."""

    def keep(descriptor: blob_format.Descriptor, content: bytes) -> str:
        return blobs.put_wrapped(connection, descriptor, content, profile)

    tools, plugins = checkpoint.tool_state_ref, checkpoint.plugin_snapshot_ref
    execution = checkpoint.execution_state_ref
    if checkpoint.tool_state is not None:
        tools = keep(blob_format.TOOL_STATE, states.encode_tool_state(checkpoint.tool_state))
    if checkpoint.plugin_snapshot is not None:
        snapshot = states.encode_plugin_snapshot(checkpoint.plugin_snapshot)
        plugins = keep(blob_format.PLUGIN_SNAPSHOT, snapshot)
    if checkpoint.execution_state is not None:
        state = states.encode_execution_state(checkpoint.execution_state)
        execution = keep(blob_format.EXECUTION_STATE, state)
    manifest = Manifest(
        turn_state=checkpoint.turn_state,
        tool_state_ref=tools,
        plugin_snapshot_ref=plugins,
        plugin_snapshot_revision=checkpoint.plugin_snapshot_revision,
        execution_state_ref=execution,
    )
    ref = keep(blob_format.MANIFEST, states.encode_manifest(manifest))
    return StoredCheckpoint(checkpoint_ref=ref, manifest=manifest)


def load(connection: sqlite3.Connection, ref: str) -> Checkpoint | None:
    """A checkpoint with its states.

    None where the manifest is absent or unreadable; a state that is absent or not of its type is
    None, as the runtime loads it.
    """
    form = dialect_of(connection).records.manifest
    manifest = _read(connection, ref, lambda content: states.decode(content, form))
    if manifest is None:
        return None
    return Checkpoint(
        turn_state=manifest.turn_state,
        tool_state_ref=manifest.tool_state_ref,
        tool_state=_read(
            connection, manifest.tool_state_ref, lambda c: states.decode(c, states.ToolState)
        ),
        plugin_snapshot_ref=manifest.plugin_snapshot_ref,
        plugin_snapshot=_read(
            connection,
            manifest.plugin_snapshot_ref,
            lambda c: states.decode(c, states.PluginSnapshot),
        ),
        plugin_snapshot_revision=manifest.plugin_snapshot_revision,
        execution_state_ref=manifest.execution_state_ref,
        execution_state=_read(
            connection,
            manifest.execution_state_ref,
            dialect_of(connection).records.execution_state,
        ),
    )


def _read(
    connection: sqlite3.Connection, ref: str | None, decode: Callable[[bytes], T]
) -> T | None:
    found = blobs.load(connection, ref) if ref is not None else None
    if found is None:
        return None
    try:
        return decode(found.content)
    except Invalid:
        return None
