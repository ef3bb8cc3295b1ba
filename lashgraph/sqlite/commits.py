"""Commits of the runtime's state, and the record of turns."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from lashgraph.errors import (
    HeadRevisionConflictError,
    SessionBindingError,
    TurnCommitConflictError,
)
from lashgraph.format.blob import BlobProfile
from lashgraph.format.commit import (
    PreparedCommit,
    RuntimeCommit,
    TurnResult,
    TurnStamp,
    decode_turn_result,
    encode_turn_result,
)
from lashgraph.format.head import Head
from lashgraph.format.strict import Invalid
from lashgraph.sqlite import checkpoints, heads, nodes, usage, work
from lashgraph.sqlite.cells import time_of
from lashgraph.sqlite.connect import dialect_of, text_of


class TurnRow(NamedTuple):
    """A recorded turn; time in milliseconds since 1970, UTC, or None where it is no time."""

    rowid: int
    session_id: str
    turn_id: str
    turn_commit_hash: str
    result_json: str | bytes
    committed_at_ms: int | None


class Committed(NamedTuple):
    """What a commit answers, and whether it was answered from the record."""

    result: TurnResult
    replayed: bool


def turns(connection: sqlite3.Connection, table: str = "runtime_turn_commits") -> list[TurnRow]:
    """All recorded turns in the order of their rows."""
    return [
        TurnRow(rowid, text_of(session), text_of(turn), text_of(digest), result, time_of(at))
        for rowid, session, turn, digest, result, at in connection.execute(
            "SELECT rowid, session_id, turn_id, turn_commit_hash, CAST(result_json AS BLOB), "
            f"committed_at_ms FROM {table} ORDER BY rowid"
        )
    ]


def commit(
    connection: sqlite3.Connection,
    prepared: PreparedCommit,
    profile: BlobProfile,
    clock_ms: Callable[[], int],
) -> Committed:
    """Write one commit inside the open transaction.

    Raises
    ------
    DamagedHeadError, SessionBindingError, TurnCommitConflictError, HeadRevisionConflictError
        In this order of precedence, as the runtime refuses.
    DuplicateNodeError
        A node id stands in the graph already.
    """
    change = prepared.commit
    head = heads.load(connection)
    if head is not None and head.session_id != change.session_id:
        raise SessionBindingError(
            f"the store belongs to session {head.session_id!r} and takes no commit of "
            f"{change.session_id!r}",
            bound_to=head.session_id,
            session_id=change.session_id,
        )
    if change.turn_commit is not None:
        recorded = _recorded(connection, change, change.turn_commit)
        if recorded is not None:
            return Committed(recorded, True)
    revision = head.head_revision if head is not None else 0
    expected = change.expected_head_revision
    if expected is not None and expected != revision:
        raise HeadRevisionConflictError(
            f"the head is at revision {revision}, not at the expected {expected}; load the session "
            "again and commit on top of it",
            expected=expected,
            actual=revision,
        )
    result = _write(connection, prepared, profile, revision + 1, clock_ms)
    return Committed(result, False)


def _recorded(
    connection: sqlite3.Connection, change: RuntimeCommit, stamp: TurnStamp
) -> TurnResult | None:
    """The result of a turn that was committed before with the same hash."""

    def conflict(why: str) -> TurnCommitConflictError:
        return TurnCommitConflictError(
            f"turn {stamp.turn_id!r} of session {stamp.session_id!r} {why}",
            session_id=stamp.session_id,
            turn_id=stamp.turn_id,
        )

    if stamp.session_id != change.session_id:
        raise conflict(f"cannot be committed by session {change.session_id!r}")
    row = connection.execute(
        "SELECT turn_commit_hash, CAST(result_json AS BLOB) FROM runtime_turn_commits "
        "WHERE session_id = ? AND turn_id = ?",
        (stamp.session_id, stamp.turn_id),
    ).fetchone()
    if row is None:
        return None
    if row[0] != stamp.turn_commit_hash:
        raise conflict("was committed before with another hash")
    try:
        return decode_turn_result(row[1], dialect_of(connection).records.result)
    except Invalid as error:
        raise conflict(f"was committed before, but its result cannot be read: {error}") from None


def _write(
    connection: sqlite3.Connection,
    prepared: PreparedCommit,
    profile: BlobProfile,
    revision: int,
    clock_ms: Callable[[], int],
) -> TurnResult:
    change = prepared.commit
    stored = checkpoints.put(connection, change.checkpoint, profile)
    usage.append(connection, change.usage_deltas)
    if prepared.replaces:
        nodes.replace(connection, prepared.nodes)
    else:
        nodes.append(connection, prepared.nodes)
    heads.save(
        connection,
        Head(
            session_id=change.session_id,
            head_revision=revision,
            config=change.config,
            agent_frames=change.agent_frames,
            current_agent_frame_id=change.current_agent_frame_id,
            checkpoint_ref=stored.checkpoint_ref,
            leaf_node_id=prepared.leaf_node_id,
            graph_node_count=nodes.count_live(connection),
        ),
    )
    now = clock_ms()
    work.commit_attachments(connection, change.session_id, change.committed_attachment_ids, now)
    result = TurnResult(
        head_revision=revision, checkpoint_ref=stored.checkpoint_ref, manifest=stored.manifest
    )
    stamp = change.turn_commit
    if stamp is not None:
        connection.execute(
            "INSERT INTO runtime_turn_commits (session_id, turn_id, turn_commit_hash, "
            "result_json, committed_at_ms) VALUES (?, ?, ?, ?, ?)",
            (
                stamp.session_id,
                stamp.turn_id,
                stamp.turn_commit_hash,
                encode_turn_result(result),
                now,
            ),
        )
    return result
