"""Queued work, inputs that wait for a turn, and the attachment manifest."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from lashgraph.format import jsontext
from lashgraph.format.work import Attachment, QueuedBatch, QueuedItem, QueueDraft
from lashgraph.sqlite.cells import time_of
from lashgraph.sqlite.connect import dialect_of, text_of


def enqueue(
    connection: sqlite3.Connection, draft: QueueDraft, batch_id: str, now_ms: int
) -> QueuedBatch:
    """Queue work; a source key known in the session gives its batch again.

    Parameters
    ----------
    batch_id : str
        Id of the batch if it is new.
    now_ms : int
        Time in milliseconds since 1970, UTC.
    """
    if draft.source_key is not None:
        known = connection.execute(
            "SELECT enqueue_seq FROM queued_work_batches WHERE session_id = ? AND source_key = ?",
            (draft.session_id, draft.source_key),
        ).fetchone()
        if known:
            return _load(connection, "enqueue_seq = ?", known[0])[0]
    cursor = connection.execute(
        "INSERT INTO queued_work_batches (batch_id, session_id, source_key, delivery_policy, "
        "slot_policy, merge_key_json, available_at_ms, enqueued_at_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            batch_id,
            draft.session_id,
            draft.source_key,
            draft.delivery_policy,
            draft.slot_policy,
            jsontext.encode(draft.merge_key).decode(),
            draft.available_at_ms,
            now_ms,
        ),
    )
    connection.executemany(
        "INSERT INTO queued_work_items (batch_id, item_index, item_id, payload_json) "
        "VALUES (?, ?, ?, ?)",
        [
            (batch_id, index, f"{batch_id}:item:{index}", jsontext.encode(payload).decode())
            for index, payload in enumerate(draft.payloads)
        ],
    )
    return _load(connection, "enqueue_seq = ?", cursor.lastrowid)[0]


def list_queued(connection: sqlite3.Connection, session_id: str) -> list[QueuedBatch]:
    """The batches of a session in the order they were queued."""
    return _load(connection, "session_id = ?", session_id)


def _load(connection: sqlite3.Connection, where: str, value: object) -> list[QueuedBatch]:
    rows = connection.execute(
        "SELECT batch_id, enqueue_seq, session_id, source_key, delivery_policy, slot_policy, "
        f"merge_key_json, available_at_ms, enqueued_at_ms FROM queued_work_batches WHERE {where} "
        "ORDER BY enqueue_seq",
        (value,),
    ).fetchall()
    return [
        QueuedBatch(
            batch_id=row[0],
            enqueue_seq=row[1],
            session_id=row[2],
            source_key=row[3],
            delivery_policy=row[4],
            slot_policy=row[5],
            merge_key=jsontext.lenient(row[6]),
            available_at_ms=row[7],
            enqueued_at_ms=row[8],
            items=[
                QueuedItem(item_id=item_id, payload=jsontext.lenient(payload))
                for item_id, payload in connection.execute(
                    "SELECT item_id, payload_json FROM queued_work_items WHERE batch_id = ? "
                    "ORDER BY item_index",
                    (row[0],),
                )
            ],
        )
        for row in rows
    ]


def record_intent(
    connection: sqlite3.Connection, attachment_id: str, session_id: str, uri: str, at_ms: int
) -> None:
    """Record that an attachment will be stored; a second intent changes nothing."""
    connection.execute(
        "INSERT OR IGNORE INTO attachment_manifest "
        "(attachment_id, session_id, canonical_uri, intent_at_ms) VALUES (?, ?, ?, ?)",
        (attachment_id, session_id, uri, at_ms),
    )


def commit_attachments(
    connection: sqlite3.Connection, session_id: str, attachment_ids: Iterable[str], at_ms: int
) -> None:
    """Stamp attachments of a session as committed; the first time stays."""
    connection.executemany(
        "UPDATE attachment_manifest SET committed_at_ms = ? "
        "WHERE attachment_id = ? AND session_id = ? AND committed_at_ms IS NULL",
        [(at_ms, attachment_id, session_id) for attachment_id in attachment_ids],
    )


def list_uncommitted(connection: sqlite3.Connection, older_than_ms: int) -> list[Attachment]:
    """Attachments intended at or before a time and not committed."""
    return [
        Attachment(
            attachment_id=row[0],
            session_id=row[1],
            canonical_uri=row[2],
            intent_at_ms=row[3],
            committed_at_ms=None,
        )
        for row in connection.execute(
            "SELECT attachment_id, session_id, canonical_uri, intent_at_ms "
            "FROM attachment_manifest WHERE committed_at_ms IS NULL AND intent_at_ms <= ? "
            "ORDER BY intent_at_ms, rowid",
            (older_than_ms,),
        )
    ]


def forget(connection: sqlite3.Connection, attachment_id: str) -> None:
    """Delete an attachment's row, of whatever session."""
    connection.execute("DELETE FROM attachment_manifest WHERE attachment_id = ?", (attachment_id,))


class BatchRow(NamedTuple):
    """Queued work as it stands in the file, JSON as text.

    Times are in milliseconds since 1970, UTC; None where the cell holds no time.
    """

    session_id: str
    batch_id: str
    enqueue_seq: int
    source_key: str | None
    delivery_policy: str
    slot_policy: str
    merge_key: str
    available_at_ms: int | None
    enqueued_at_ms: int | None
    claim_id: str | None
    claim_owner_id: str | None
    payloads: list[str]


def batches(connection: sqlite3.Connection) -> list[BatchRow]:
    """Every batch, of whatever session, in the order of the queue."""
    payloads: dict[str, list[str]] = {}
    for batch_id, payload in connection.execute(
        "SELECT batch_id, payload_json FROM queued_work_items ORDER BY batch_id, item_index"
    ):
        payloads.setdefault(text_of(batch_id), []).append(text_of(payload))
    rows = connection.execute(
        "SELECT session_id, batch_id, enqueue_seq, source_key, delivery_policy, slot_policy, "
        "merge_key_json, available_at_ms, enqueued_at_ms, claim_id, claim_owner_id "
        "FROM queued_work_batches ORDER BY enqueue_seq"
    )
    return [
        BatchRow(
            session_id=text_of(row[0]),
            batch_id=text_of(row[1]),
            enqueue_seq=row[2],
            source_key=_text_or_none(row[3]),
            delivery_policy=text_of(row[4]),
            slot_policy=text_of(row[5]),
            merge_key=text_of(row[6]),
            available_at_ms=time_of(row[7]),
            enqueued_at_ms=time_of(row[8]),
            claim_id=_text_or_none(row[9]),
            claim_owner_id=_text_or_none(row[10]),
            payloads=payloads.get(text_of(row[1]), []),
        )
        for row in rows
    ]


def _text_or_none(value: object) -> str | None:
    return None if value is None else text_of(value)


class InputRow(NamedTuple):
    """An input that was queued for a turn as it stands in the file, JSON as text.

    Its time is in milliseconds since 1970, UTC; None where the cell holds no time.
    """

    session_id: str
    input_id: str
    enqueue_seq: int
    source_key: str | None
    state: str | None
    ingress: str | None
    input: str | None
    enqueued_at_ms: int | None
    claim_id: str | None
    claim_owner_id: str | None


def pending_inputs(connection: sqlite3.Connection) -> list[InputRow]:
    """Every input, of whatever session, in the order of the queue; none of releases without it."""
    if "pending_turn_inputs" not in dialect_of(connection).tables:
        return []
    return [
        InputRow(
            session_id=text_of(row[0]),
            input_id=text_of(row[1]),
            enqueue_seq=row[2],
            source_key=_text_or_none(row[3]),
            state=_text_or_none(row[4]),
            ingress=_text_or_none(row[5]),
            input=_text_or_none(row[6]),
            enqueued_at_ms=time_of(row[7]),
            claim_id=_text_or_none(row[8]),
            claim_owner_id=_text_or_none(row[9]),
        )
        for row in connection.execute(
            "SELECT session_id, input_id, enqueue_seq, source_key, state, ingress_json, "
            "input_json, enqueued_at_ms, claim_id, claim_owner_id FROM pending_turn_inputs "
            "ORDER BY enqueue_seq"
        )
    ]


class AttachmentRow(NamedTuple):
    """An attachment as it stands in the file.

    Times are in milliseconds since 1970, UTC; None where the cell holds no time.
    """

    attachment_id: str | None
    session_id: str
    canonical_uri: str
    intent_at_ms: int | None
    committed_at_ms: int | None
    is_committed: bool


def attachments(connection: sqlite3.Connection) -> list[AttachmentRow]:
    """Every attachment, in the order of recording."""
    return [
        AttachmentRow(
            attachment_id=_text_or_none(row[0]),
            session_id=text_of(row[1]),
            canonical_uri=text_of(row[2]),
            intent_at_ms=time_of(row[3]),
            committed_at_ms=time_of(row[4]),
            is_committed=row[4] is not None,
        )
        for row in connection.execute(
            "SELECT attachment_id, session_id, canonical_uri, intent_at_ms, committed_at_ms "
            "FROM attachment_manifest ORDER BY rowid"
        )
    ]
