"""Named artifacts: modules kept under a reference."""

from __future__ import annotations

import sqlite3

from lashgraph.format.blob import MODULE, BlobProfile
from lashgraph.sqlite import blobs
from lashgraph.sqlite.connect import text_of


def put_module(
    connection: sqlite3.Connection, artifact_ref: str, content: bytes, profile: BlobProfile
) -> str:
    """Store a module and let the reference name it; an earlier target is left."""
    key = blobs.put_wrapped(connection, MODULE, content, profile)
    connection.execute(
        "INSERT OR REPLACE INTO artifact_refs (artifact_ref, blob_ref) VALUES (?, ?)",
        (artifact_ref, key),
    )
    return key


def get_module(connection: sqlite3.Connection, artifact_ref: str) -> bytes | None:
    """The content that a reference names; None where either is absent."""
    row = connection.execute(
        "SELECT blob_ref FROM artifact_refs WHERE artifact_ref = ?", (artifact_ref,)
    ).fetchone()
    found = blobs.load(connection, row[0]) if row else None
    return None if found is None else found.content


def refs(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """All references and the blobs they name, by reference."""
    return [
        (text_of(name), text_of(target))
        for name, target in connection.execute(
            "SELECT artifact_ref, blob_ref FROM artifact_refs ORDER BY artifact_ref"
        )
    ]


def odd_targets(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """References whose target is not stored as text, and as what it is."""
    return [
        (text_of(name), kind)
        for name, kind in connection.execute(
            "SELECT artifact_ref, typeof(blob_ref) FROM artifact_refs "
            "WHERE typeof(blob_ref) <> 'text' ORDER BY artifact_ref"
        )
    ]
