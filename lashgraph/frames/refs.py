"""The frame of refs: every place that names a blob."""

from __future__ import annotations

import sqlite3
from collections.abc import Set
from typing import Any

from lashgraph.columns import FrameSchema, closed, flag, text
from lashgraph.format.checkpoint import Manifest, decode
from lashgraph.format.strict import Invalid
from lashgraph.frames.source import Source, Table
from lashgraph.reach import GcPolicy, Mark, Ref, head_text_refs, mark, node_refs
from lashgraph.sqlite import blobs
from lashgraph.sqlite.connect import dialect_of

REFS = FrameSchema.of(
    "refs",
    "every place that names a blob",
    text("ref", "key of the source, as every call takes it"),
    closed(
        "source_kind",
        "what names it; head_text: the head's text in which the hash of a blob stands where no "
        "field of it names one; unreadable_node: the same of a node's text",
        "head",
        "anchor",
        "agent_frame",
        "head_text",
        "artifact",
        "manifest",
        "turn_commit",
        "archive",
        "unreadable_node",
    ),
    text(
        "source_id",
        "which one of that kind: id of the session, agent frame, turn or node, name of the "
        "artifact, hash of the manifest",
    ),
    text("field", "the field that holds the name; of a head's text the JSON path"),
    text("blob_hash", "the blob named"),
    flag("is_root_safe", "whether the safe policy starts from it"),
    flag("is_root_runtime", "whether the runtime's collection starts from it"),
    flag("target_present", "whether the blob is there"),
    flag("dangling", "whether the blob is not there"),
    flag(
        "dangling_after_gc",
        "whether it will not be there after a collection by the safe policy; one that is refused "
        "deletes nothing",
    ),
)


def refs_table(source: Source, _wanted: frozenset[str]) -> Table:
    """Every ref of the store, those inside manifests included."""
    connection = source.connection
    safe, runtime = mark(connection, GcPolicy.safe()), mark(connection, GcPolicy.runtime())
    present = {row.hash for row in safe.present}
    safe_roots, runtime_roots = set(safe.roots), set(runtime.roots)
    stays = present & kept_hashes(safe)
    refs = all_refs(connection, safe)
    there = [ref.blob_hash in present for ref in refs]
    columns: dict[str, Any] = {
        "ref": [ref.ref for ref in refs],
        "source_kind": [ref.source_kind for ref in refs],
        "source_id": [ref.source_id for ref in refs],
        "field": [ref.field for ref in refs],
        "blob_hash": [ref.blob_hash for ref in refs],
        "is_root_safe": [ref in safe_roots for ref in refs],
        "is_root_runtime": [ref in runtime_roots for ref in refs],
        "target_present": there,
        "dangling": [not found for found in there],
        "dangling_after_gc": [ref.blob_hash not in stays for ref in refs],
    }
    return Table(columns, len(refs), [])


def kept_hashes(marked: Mark) -> Set[str]:
    """What a collection leaves: the reachable, or all blobs where it is refused."""
    return {row.hash for row in marked.present} if marked.findings else marked.live.keys()


def all_refs(connection: sqlite3.Connection, seen: Mark) -> list[Ref]:
    """Head, agent frames, artifacts, turns, nodes, and each manifest that is in the store."""
    refs = seen.refs
    present = {row.hash for row in seen.present}
    found = [
        *refs.head_roots(),
        *refs.others,
        *refs.agent_frames(),
        *head_text_refs(connection, refs, present),
        *refs.artifacts,
    ]
    for turn in (*refs.turns, *refs.other_turns):
        found += turn.named()
    found += [
        ref
        for ref in node_refs(connection)
        if ref.source_kind == "archive" or ref.blob_hash in present
    ]
    return found + _manifest_refs(connection, seen)


def _manifest_refs(connection: sqlite3.Connection, seen: Mark) -> list[Ref]:
    found = []
    kinds = blobs.kinds(connection, [row.rowid for row in seen.present])
    for row, (kind, _) in zip(seen.present, kinds, strict=True):
        if kind != "CheckpointManifest" and row.hash not in seen.edges:
            continue
        children = seen.edges.get(row.hash)
        if children is None:
            manifest = read_manifest(connection, row.hash)
            children = [] if manifest is None else manifest.children()
        found += [
            Ref(f"manifest:{row.hash}", "manifest", row.hash, name, child)
            for name, child in children
        ]
    return found


def read_manifest(connection: sqlite3.Connection, key: str) -> Manifest | None:
    """A manifest that can be read, as the mark reads it; None otherwise."""
    blob = blobs.load(connection, key)
    if blob is None or blob.damage:
        return None
    try:
        return decode(blob.content, dialect_of(connection).records.manifest)
    except Invalid:
        return None
