"""What of each table is kept: every column of schema version 3 and how it is treated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lashgraph.format import CURRENT
from lashgraph.redact import shapes
from lashgraph.redact.shapes import Shape

VERSION = CURRENT.version
"""The one schema version that is redacted."""


@dataclass(frozen=True)
class Document:
    """A column of JSON text."""

    shape: Shape


@dataclass(frozen=True)
class Content:
    """The column of stored blobs."""


@dataclass(frozen=True)
class Table:
    """A table: the column that stands for the row's number, if any, and how each is treated.

    A column is a `Shape` (a text or a number by itself), a `Document` or the `Content`.
    """

    name: str
    columns: Mapping[str, Shape | Document | Content]
    counts_rows: bool = False


_FREE, _COUNT, _TIME = shapes.FREE, shapes.COUNT, shapes.TIME

TABLES: tuple[Table, ...] = (
    Table("blobs", {"hash": _FREE, "content": Content()}),
    Table(
        "session_head",
        {
            "singleton": _COUNT,
            "session_id": _FREE,
            "head_json": Document(shapes.HEAD),
            "head_revision": _COUNT,
        },
        counts_rows=True,
    ),
    Table(
        "graph_nodes",
        {
            "seq": _COUNT,
            "node_id": _FREE,
            "node_json": Document(shapes.NODE),
            "tombstoned": _COUNT,
        },
        counts_rows=True,
    ),
    Table(
        "usage_deltas",
        {
            "seq": _COUNT,
            "source": shapes.one_of("turn", "compaction", "subagent"),
            "model": _FREE,
            "input_tokens": _COUNT,
            "output_tokens": _COUNT,
            "cached_input_tokens": _COUNT,
            "reasoning_tokens": _COUNT,
        },
        counts_rows=True,
    ),
    Table(
        "session_meta",
        {
            "singleton": _COUNT,
            "session_id": _FREE,
            "session_name": _FREE,
            "created_at": _TIME,
            "model": _FREE,
            "cwd": _FREE,
            "relation_json": Document(shapes.RELATION),
        },
        counts_rows=True,
    ),
    Table(
        "runtime_turn_commits",
        {
            "session_id": _FREE,
            "turn_id": _FREE,
            "turn_commit_hash": _FREE,
            "result_json": Document(shapes.TURN_RESULT),
            "committed_at_ms": _COUNT,
        },
    ),
    Table(
        "queued_work_batches",
        {
            "enqueue_seq": _COUNT,
            "batch_id": _FREE,
            "session_id": _FREE,
            "source_key": _FREE,
            "delivery_policy": shapes.one_of("after_current_turn_commit", "earliest_safe_boundary"),
            "slot_policy": shapes.one_of("exclusive", "join"),
            "merge_key_json": Document(shapes.MERGE_KEY),
            "available_at_ms": _COUNT,
            "enqueued_at_ms": _COUNT,
            "claim_id": _FREE,
            "claim_owner_id": _FREE,
            "claim_token": _FREE,
            "claim_fencing_token": _COUNT,
            "claim_claimed_at_ms": _COUNT,
            "claim_expires_at_ms": _COUNT,
        },
        counts_rows=True,
    ),
    Table(
        "queued_work_items",
        {
            "batch_id": _FREE,
            "item_index": _COUNT,
            "item_id": _FREE,
            "payload_json": Document(shapes.PAYLOAD),
        },
    ),
    Table(
        "attachment_manifest",
        {
            "attachment_id": _FREE,
            "session_id": _FREE,
            "canonical_uri": _FREE,
            "intent_at_ms": _COUNT,
            "committed_at_ms": _COUNT,
        },
    ),
    Table("artifact_refs", {"artifact_ref": _FREE, "blob_ref": _FREE}),
)

WORDS = frozenset(
    word
    for table in TABLES
    for column in table.columns.values()
    if isinstance(column, Shape)
    for word in column.words
)
"""Words that columns keep by themselves."""

DDL = CURRENT.ddl
"""The statements that make the tables, which every store holds as text."""
