"""The table of blobs: keys, envelopes, and in full the hash of every content."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

from lashgraph.check.finding import CheckFinding, unreadable
from lashgraph.check.kinds import unknown_kind_of_blob
from lashgraph.check.reading import blob_kind
from lashgraph.format.blob import StoredBlob, content_hash, unwrap
from lashgraph.sqlite import integrity
from lashgraph.sqlite.connect import content_limit
from lashgraph.sqlite.integrity import BlobCell

_TABLE = "blobs"
_SHA256 = re.compile("[0-9a-f]{64}")


def blob_findings(
    connection: sqlite3.Connection, cells: list[BlobCell], known: set[str], *, full: bool
) -> Iterator[CheckFinding]:
    """What is wrong with each row, without asking who names it.

    Parameters
    ----------
    cells : list of BlobCell
        The rows.
    known : set of str
        Keys of blobs that were read and reported already.
    full : bool
        Whether contents are read and hashed, one at a time; else the first bytes of each tell.
    """
    for cell in cells:
        key = _shown_key(cell)
        if type(cell.key) is not str:
            what = f"its key is stored as {type(cell.key).__name__}, not text"
            yield CheckFinding("blob-key-odd", _TABLE, key, what)
        elif not _SHA256.fullmatch(cell.key):
            what = "its key is no SHA-256 in lowercase hex"
            yield CheckFinding("blob-key-odd", _TABLE, key, what)
        if cell.content_type != "blob":
            what = f"its content is stored as {cell.content_type}"
            yield CheckFinding("blob-not-bytes", _TABLE, key, what)
        elif cell.key not in known:
            try:
                yield from _content(connection, cell, full=full)
            except sqlite3.Error as error:
                if not integrity.is_damage(error):
                    raise
                yield unreadable(_TABLE, key, error)


def _shown_key(cell: BlobCell) -> str:
    return cell.key if type(cell.key) is str else f"rowid {cell.rowid}"


def _content(
    connection: sqlite3.Connection, cell: BlobCell, *, full: bool
) -> Iterator[CheckFinding]:
    if not full and blob_kind(connection, cell.rowid) != "damaged":
        return
    stored = integrity.blob_content(connection, cell.rowid)
    blob = unwrap(stored, content_limit(connection))
    if blob.damage:
        yield _damage(_shown_key(cell), stored, blob)
    elif full and type(cell.key) is str and _SHA256.fullmatch(cell.key):
        digest = content_hash(blob.content)
        if cell.key not in (digest, digest if blob.content is stored else content_hash(stored)):
            what = f"its content hashes to {digest}"
            yield CheckFinding("blob-altered", _TABLE, cell.key, what)


def _damage(key: str, stored: bytes, blob: StoredBlob) -> CheckFinding:
    newer = unknown_kind_of_blob(stored)
    if newer:
        return CheckFinding("blob-unknown-kind", _TABLE, key, f"{newer}: {blob.damage}")
    return CheckFinding("blob-damaged", _TABLE, key, f"its envelope is damaged: {blob.damage}")
