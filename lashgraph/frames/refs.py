"""The frame of refs: every place that names a blob."""

from __future__ import annotations

import sqlite3

import pandas as pd

from lashgraph.format.checkpoint import Manifest, decode
from lashgraph.format.strict import Invalid
from lashgraph.frames.declared import REFS
from lashgraph.reach import GcPolicy, Mark, Ref, mark, node_refs
from lashgraph.sqlite import blobs


def refs_frame(connection: sqlite3.Connection, path: str, session_id: str) -> pd.DataFrame:
    """Every ref of the store, those inside manifests included."""
    safe, runtime = mark(connection, GcPolicy.safe()), mark(connection, GcPolicy.runtime())
    present = {row.hash for row in safe.present}
    safe_roots, runtime_roots = set(safe.roots), set(runtime.roots)
    refs = all_refs(connection, safe)
    there = [ref.blob_hash in present for ref in refs]
    data = {
        "ref": [ref.ref for ref in refs],
        "source_kind": [ref.source_kind for ref in refs],
        "source_id": [ref.source_id for ref in refs],
        "field": [ref.field for ref in refs],
        "blob_hash": [ref.blob_hash for ref in refs],
        "is_root_safe": [ref in safe_roots for ref in refs],
        "is_root_runtime": [ref in runtime_roots for ref in refs],
        "target_present": there,
        "dangling": [not found for found in there],
    }
    return REFS.build(data, len(refs), path, session_id)


def all_refs(connection: sqlite3.Connection, seen: Mark) -> list[Ref]:
    """Head, agent frames, artifacts, turns, nodes, and each manifest that is in the store."""
    refs = seen.refs
    present = {row.hash for row in seen.present}
    found = [*refs.head_roots(), *refs.agent_frames(), *refs.artifacts]
    for turn in refs.turns:
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
            children = _children(connection, row.hash)
        found += [
            Ref(f"manifest:{row.hash}", "manifest", row.hash, name, child)
            for name, child in children
        ]
    return found


def _children(connection: sqlite3.Connection, key: str) -> list[tuple[str, str]]:
    blob = blobs.load(connection, key)
    if blob is None or blob.damage:
        return []
    try:
        return decode(blob.content, Manifest).children()
    except Invalid:
        return []
