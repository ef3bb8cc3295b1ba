"""The frames of what stands beside the session tree: attachments, queued work, waiting inputs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lashgraph.columns import FrameSchema, count, flag, text, time
from lashgraph.format import jsontext
from lashgraph.frames.source import Source, Table
from lashgraph.frames.texts import is_json
from lashgraph.sqlite import work

ATTACHMENTS = FrameSchema.of(
    "attachments",
    "every attachment that the store knows of, in the order of recording; contents are elsewhere",
    text("attachment_id", "its id"),
    text("canonical_uri", "where it is kept"),
    time("intent_at", "when it was announced"),
    time("committed_at", "when it was committed"),
    flag("committed", "whether it was committed, be the time known or not"),
)

QUEUED_WORK = FrameSchema.of(
    "queued_work",
    "every batch of queued work, of whatever session, in the order of the queue",
    text("batch_id", "its id"),
    count("enqueue_seq", "place in the queue"),
    text("source_key", "key under which it was queued only once"),
    text("delivery_policy", "when it is delivered"),
    text("slot_policy", "which slot it takes"),
    text("merge_key", "what it may be merged with, as JSON"),
    time("available_at", "from when on it may be taken; at once is 1970"),
    time("enqueued_at", "when it was queued"),
    text("claim_id", "the claim of the runtime that holds it"),
    text("claim_owner_id", "who holds it"),
    count("n_items", "items"),
    text("payloads", "payloads of its items, as a JSON array; one that is no JSON is a text in it"),
)

PENDING_INPUTS = FrameSchema.of(
    "pending_inputs",
    "every input of a user that was queued for a turn, finished ones too until a vacuum, in the "
    "order of the queue; before schema version 6 inputs stand among queued_work",
    text("input_id", "its id"),
    count("enqueue_seq", "place in the queue"),
    text("source_key", "key under which it was queued only once"),
    text("state", "what became of it, such as deferred_next_turn, cancelled, completed"),
    text("ingress", "which turn it is for, as JSON"),
    text("text", "what its items of the type text say, one below the other; missing if none does"),
    text("input", "all of it, as JSON"),
    time("enqueued_at", "when it was queued"),
    text("claim_id", "the claim of the runtime that holds it"),
    text("claim_owner_id", "who holds it"),
)


def attachments_table(source: Source, _wanted: frozenset[str]) -> Table:
    """Every attachment."""
    found = work.attachments(source.connection)
    columns: dict[str, Any] = {
        "session_id": [one.session_id for one in found],
        "attachment_id": [one.attachment_id for one in found],
        "canonical_uri": [one.canonical_uri for one in found],
        "intent_at": [one.intent_at_ms for one in found],
        "committed_at": [one.committed_at_ms for one in found],
        "committed": [one.is_committed for one in found],
    }
    return Table(columns, len(found), [])


def queued_work_table(source: Source, _wanted: frozenset[str]) -> Table:
    """Every batch of queued work."""
    found = work.batches(source.connection)
    named = (
        "session_id",
        "batch_id",
        "enqueue_seq",
        "source_key",
        "delivery_policy",
        "slot_policy",
        "merge_key",
        "claim_id",
        "claim_owner_id",
    )
    columns = _named_so(found, named) | {
        "available_at": [one.available_at_ms for one in found],
        "enqueued_at": [one.enqueued_at_ms for one in found],
        "n_items": [len(one.payloads) for one in found],
        "payloads": [f"[{','.join(map(_as_json, one.payloads))}]" for one in found],
    }
    return Table(columns, len(found), [])


def pending_inputs_table(source: Source, _wanted: frozenset[str]) -> Table:
    """Every input that was queued for a turn."""
    found = work.pending_inputs(source.connection)
    named = (
        "session_id",
        "input_id",
        "enqueue_seq",
        "source_key",
        "state",
        "ingress",
        "input",
        "claim_id",
        "claim_owner_id",
    )
    columns = _named_so(found, named) | {
        "text": lambda: [_text(one.input) for one in found],
        "enqueued_at": [one.enqueued_at_ms for one in found],
    }
    return Table(columns, len(found), [])


def _named_so(rows: Sequence[object], names: tuple[str, ...]) -> dict[str, Any]:
    """Columns that are called as the fields are which they show."""
    return {name: [getattr(row, name) for row in rows] for name in names}


def _text(given: str | None) -> str | None:
    """What an input says."""
    items = jsontext.inside(jsontext.lenient(given), "items")
    said = [
        item["text"]
        for item in (items if isinstance(items, list) else ())
        if isinstance(item, dict) and item.get("type") == "text" and type(item.get("text")) is str
    ]
    return "\n".join(said) if said else None


def _as_json(payload: str) -> str:
    return payload if is_json(payload) else json.dumps(payload)
