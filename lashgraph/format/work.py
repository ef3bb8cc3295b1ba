"""Queued work and the attachment manifest: what stands outside the session tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from lashgraph.errors import InvalidRecordError
from lashgraph.format import jsontext
from lashgraph.format.strict import Record


class QueueDraft(Record, frozen=True, kw_only=True):
    """Work to be queued for a session."""

    session_id: str
    source_key: str | None = None
    delivery_policy: str
    slot_policy: str
    merge_key: Any
    available_at_ms: int = 0
    payloads: list[Any] = []


class QueuedItem(Record, frozen=True):
    """One payload of a batch."""

    item_id: str
    payload: Any


class QueuedBatch(Record, frozen=True):
    """Queued work as it stands in the file; times in milliseconds since 1970, UTC."""

    batch_id: str
    enqueue_seq: int
    session_id: str
    source_key: str | None
    delivery_policy: str
    slot_policy: str
    merge_key: Any
    available_at_ms: int
    enqueued_at_ms: int
    items: list[QueuedItem]


class Attachment(Record, frozen=True):
    """An attachment kept elsewhere; times in milliseconds since 1970, UTC."""

    attachment_id: str
    session_id: str
    canonical_uri: str
    intent_at_ms: int
    committed_at_ms: int | None


def as_draft(draft: QueueDraft | Mapping[str, Any]) -> QueueDraft:
    """Take a draft of queued work, or a mapping of the same shape.

    Raises
    ------
    InvalidRecordError
        It has not that shape, or holds what JSON does not.
    """
    try:
        made = draft if isinstance(draft, QueueDraft) else msgspec.convert(draft, QueueDraft)
        for value in (made.merge_key, *made.payloads):
            jsontext.encode_checked(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidRecordError(f"no queued work: {error}") from None
    return made
