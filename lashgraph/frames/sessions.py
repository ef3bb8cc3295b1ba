"""The frame of one row about the session as a whole."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from lashgraph.format import jsontext
from lashgraph.format.session import ROOT
from lashgraph.frames.declared import SESSIONS
from lashgraph.frames.ledger import token_sums
from lashgraph.reach import GcPolicy, mark
from lashgraph.sqlite import heads, usage
from lashgraph.sqlite.place import FileSizes


def sessions_frame(
    connection: sqlite3.Connection, path: str, session_id: str, files: FileSizes
) -> pd.DataFrame:
    """One row: who the session is, how much it holds, where the bytes are."""
    meta, head = heads.load_meta(connection), _head_facts(connection)
    relation = ROOT if meta is None else meta.relation
    seen = mark(connection, GcPolicy.safe())
    doomed = [] if seen.findings else seen.doomed()
    row: dict[str, Any] = {
        "name": meta.session_name if meta else None,
        "created_at": created_at(meta.created_at) if meta else None,
        "model": head["model"] or (meta.model if meta else None),
        "provider_id": head["provider_id"],
        "cwd": meta.cwd if meta else None,
        "relation": relation.kind,
        "parent_session_id": relation.parent_session_id,
        "head_revision": head["revision"],
        "leaf_node_id": heads.leaf(connection),
        "n_turns": len(seen.refs.turns),
        "n_agent_frames": head["n_agent_frames"],
        "n_blobs": len(seen.present),
        "blob_bytes": sum(row.stored_bytes for row in seen.present),
        "reclaimable_bytes": sum(row.stored_bytes for row in doomed),
        "file_bytes": files.database,
        "wal_bytes": files.log,
        "freelist_bytes": _pragma(connection, "freelist_count") * _pragma(connection, "page_size"),
        "schema_version": _pragma(connection, "user_version"),
    }
    row["n_nodes"], row["n_tombstoned"] = connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE tombstoned <> 0) FROM graph_nodes"
    ).fetchone()
    row |= token_sums([delta.usage for delta in usage.load(connection)])
    return SESSIONS.build({name: [value] for name, value in row.items()}, 1, path, session_id)


def _head_facts(connection: sqlite3.Connection) -> dict[str, Any]:
    """What the head says, as far as it can be read: it may be one that the runtime refuses."""
    found = heads.row(connection)
    head = jsontext.lenient(found.json) if found else None
    frames = _inside(head, "agent_frames")
    model = _inside(head, "config", "model", "id")
    provider = _inside(head, "config", "provider_id")
    return {
        "revision": found.revision if found else None,
        "model": model if isinstance(model, str) else None,
        "provider_id": provider if isinstance(provider, str) else None,
        "n_agent_frames": len(frames) if isinstance(frames, list) else 0,
    }


def _inside(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def created_at(text: str) -> str | None:
    """A time of creation as ISO text: it is kept as ``unix:SECONDS`` or in RFC 3339."""
    if not text.startswith("unix:"):
        return text
    try:
        return datetime.fromtimestamp(float(text[5:]), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None
