"""What lash keeps beside its sessions: processes, effects for replay, host events."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from lashgraph.columns import FrameSchema
from lashgraph.corpus.schemas import EFFECTS, HOST_EVENTS, PROCESSES
from lashgraph.errors import MissingTableError
from lashgraph.format import jsontext
from lashgraph.format.dialect import Dialect
from lashgraph.format.dialects import CURRENT
from lashgraph.frames.graph import CAUSES
from lashgraph.sqlite.connect import text_of
from lashgraph.sqlite.database import Database

Row = Mapping[str, Any]


class SiblingDatabase(Database):
    """A sibling database, read as session files are: without leaving a trace.

    Parameters
    ----------
    path : str
        The file.
    tables : mapping of str to tuple of str
        The columns that it must have.
    busy_timeout : float
        Seconds to wait for a lock.
    """

    def __init__(
        self, path: str, tables: Mapping[str, tuple[str, ...]], busy_timeout: float
    ) -> None:
        self._tables = tables
        super().__init__(path, "r", busy_timeout)

    def _recognised(self, connection: sqlite3.Connection) -> Dialect:
        missing = []
        for table, columns in self._tables.items():
            there = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            missing += [f"{table}.{column}" for column in columns if column not in there]
        if missing:
            raise MissingTableError(
                f"{self.path}: a database of lash's that lacks {', '.join(missing)}; other "
                "releases are not read",
                path=self.path,
                missing=tuple(missing),
            )
        return CURRENT


class Sibling(NamedTuple):
    """A kind of sibling database.

    Attributes
    ----------
    schema : FrameSchema
        The frame that is made of it.
    table : str
        The table by which it is recognised.
    file_name : str
        What the factory calls it in the folder above that of the sessions.
    tables : mapping of str to tuple of str
        The columns that are read.
    rows : callable
        Makes the rows of the frame.
    """

    schema: FrameSchema
    table: str
    file_name: str
    tables: Mapping[str, tuple[str, ...]]
    rows: Callable[[sqlite3.Connection], list[Row]]

    def read(self, path: str, busy_timeout: float) -> list[Row]:
        """The rows of one database.

        Raises
        ------
        LashgraphError
            It cannot be read.
        """
        database = SiblingDatabase(path, self.tables, busy_timeout)
        try:
            return database.read(self.rows)
        finally:
            database.close()


def _selected(connection: sqlite3.Connection, statement: str) -> list[dict[str, Any]]:
    cursor = connection.execute(statement)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _text(value: object) -> str | None:
    return None if value is None else text_of(value)


def _json(value: object) -> Any:
    return jsontext.lenient(value if isinstance(value, (str, bytes)) else None)


def _json_text(value: Any) -> str | None:
    return None if value is None else jsontext.encode(value).decode()


def _milliseconds(value: object) -> int | None:
    return value if type(value) is int else None


def _named(value: Any, *keys: str) -> str | None:
    found = jsontext.inside(value, *keys)
    return found if isinstance(found, str) else None


_PROCESSES = """
    SELECT process_id, owner_scope_id, host_profile_id, created_at_ms, updated_at_ms, status,
        record_json,
        (SELECT count(*) FROM process_events AS e WHERE e.process_id = p.process_id) AS n_events,
        (SELECT event_type FROM process_events AS e WHERE e.process_id = p.process_id
            ORDER BY sequence DESC LIMIT 1) AS last_event_type,
        (SELECT count(*) FROM process_wake_acks AS a WHERE a.process_id = p.process_id)
            AS n_wake_acks,
        EXISTS (SELECT 1 FROM process_leases AS l WHERE l.process_id = p.process_id
            AND lease_owner_id IS NOT NULL) AS leased,
        (SELECT session_id FROM process_handle_grants AS g WHERE g.process_id = p.process_id
            ORDER BY scope_id LIMIT 1) AS granted_to,
        (SELECT descriptor_json FROM process_handle_grants AS g WHERE g.process_id = p.process_id
            ORDER BY scope_id LIMIT 1) AS descriptor
    FROM processes AS p ORDER BY created_at_ms, process_id"""


def _processes(connection: sqlite3.Connection) -> list[Row]:
    return [_process(row) for row in _selected(connection, _PROCESSES)]


def _process(row: Row) -> Row:
    record = _json(row["record_json"])
    cause = jsontext.inside(record, "provenance", "caused_by")
    kind = _named(cause, "type")
    name = _named(record, "input", "process_name") or _named(_json(row["descriptor"]), "label")
    return {
        "session_id": _owner(row, record),
        "process_id": _text(row["process_id"]),
        "status": _text(row["status"]),
        "name": name,
        "input_type": _named(record, "input", "type"),
        "agent_frame_id": _named(record, "provenance", "owner_scope", "agent_frame_id"),
        "child_session_id": _named(record, "input", "create_request", "session_id"),
        "host_profile_id": _text(row["host_profile_id"]),
        "module_ref": _named(record, "input", "module_ref"),
        "caused_by_type": kind if kind in CAUSES else None,
        "caused_by_session_id": _named(cause, "session_id"),
        "caused_by_id": _cause_id(cause),
        "created_at": _milliseconds(row["created_at_ms"]),
        "updated_at": _milliseconds(row["updated_at_ms"]),
        "n_events": row["n_events"],
        "last_event_type": _text(row["last_event_type"]),
        "n_wake_acks": row["n_wake_acks"],
        "leased": bool(row["leased"]),
        "record": _text(row["record_json"]),
    }


def _owner(row: Row, record: Any) -> str | None:
    """The session of a process: by its record, else its scope, else who was given a handle."""
    named = _named(record, "provenance", "owner_scope", "session_id")
    scope = _text(row["owner_scope_id"]) or ""
    if named is None and scope.startswith("session:"):
        named = scope.removeprefix("session:").split("/frame:", 1)[0]
    return named or _text(row["granted_to"])


def _cause_id(cause: Any) -> str | None:
    ids = ("node_id", "occurrence_id", "process_id", "call_id", "effect_id", "turn_id")
    return next((found for name in ids if (found := _named(cause, name)) is not None), None)


_EFFECTS = """
    SELECT scope_id, replay_key, status, outcome_json, error_json, due_at_ms, created_at_ms,
        updated_at_ms
    FROM runtime_effect_replay ORDER BY created_at_ms, rowid"""


def _effects(connection: sqlite3.Connection) -> list[Row]:
    return [_effect(row) for row in _selected(connection, _EFFECTS)]


def _effect(row: Row) -> Row:
    outcome = _json(row["outcome_json"])
    scope, key = _text(row["scope_id"]) or "", _text(row["replay_key"]) or ""
    session_id, found, _ = key.partition(f":{scope}:")  # keys are session:scope:...
    failed = jsontext.inside(outcome, "result", "Err") is not None
    return {
        "session_id": session_id if found else None,
        "scope_id": scope,
        "replay_key": key,
        "type": _named(outcome, "type"),
        "status": _text(row["status"]),
        "failed": failed or row["error_json"] is not None,
        "created_at": _milliseconds(row["created_at_ms"]),
        "updated_at": _milliseconds(row["updated_at_ms"]),
        "due_at": _milliseconds(row["due_at_ms"]),
        "outcome": _text(row["outcome_json"]),
        "error": _text(row["error_json"]),
    }


_HOST_EVENTS = """
    SELECT o.occurrence_id, o.source_type, o.source_key, o.idempotency_key, o.occurred_at_ms,
        o.record_json, d.subscription_id, d.process_id, d.created_at_ms AS delivered_at_ms,
        s.session_id, s.handle
    FROM host_event_occurrences AS o
        LEFT JOIN host_event_deliveries AS d ON d.occurrence_id = o.occurrence_id
        LEFT JOIN host_event_trigger_subscriptions AS s ON s.subscription_id = d.subscription_id
    ORDER BY d.occurrence_id IS NULL, o.occurred_at_ms, o.occurrence_id, d.subscription_id"""


def _host_events(connection: sqlite3.Connection) -> list[Row]:
    return [_host_event(row) for row in _selected(connection, _HOST_EVENTS)]


def _host_event(row: Row) -> Row:
    texts = (
        "session_id",
        "occurrence_id",
        "source_type",
        "source_key",
        "idempotency_key",
        "subscription_id",
        "handle",
        "process_id",
    )
    return {
        **{name: _text(row[name]) for name in texts},
        "occurred_at": _milliseconds(row["occurred_at_ms"]),
        "delivered_at": _milliseconds(row["delivered_at_ms"]),
        "payload": _json_text(jsontext.inside(_json(row["record_json"]), "payload")),
    }


SIBLINGS: dict[str, Sibling] = {
    "processes": Sibling(
        PROCESSES,
        "processes",
        "processes.db",
        {
            "processes": (
                "process_id",
                "owner_scope_id",
                "host_profile_id",
                "created_at_ms",
                "updated_at_ms",
                "status",
                "record_json",
            ),
            "process_events": ("process_id", "sequence", "event_type"),
            "process_wake_acks": ("process_id",),
            "process_handle_grants": ("process_id", "session_id", "scope_id", "descriptor_json"),
            "process_leases": ("process_id", "lease_owner_id"),
        },
        _processes,
    ),
    "effects": Sibling(
        EFFECTS,
        "runtime_effect_replay",
        "effects.db",
        {
            "runtime_effect_replay": (
                "scope_id",
                "replay_key",
                "status",
                "outcome_json",
                "error_json",
                "due_at_ms",
                "created_at_ms",
                "updated_at_ms",
            )
        },
        _effects,
    ),
    "host_events": Sibling(
        HOST_EVENTS,
        "host_event_occurrences",
        "host-events.db",
        {
            "host_event_occurrences": (
                "occurrence_id",
                "source_type",
                "source_key",
                "idempotency_key",
                "occurred_at_ms",
                "record_json",
            ),
            "host_event_deliveries": (
                "occurrence_id",
                "subscription_id",
                "process_id",
                "created_at_ms",
            ),
            "host_event_trigger_subscriptions": ("subscription_id", "session_id", "handle"),
        },
        _host_events,
    ),
}


def by_column(schema: FrameSchema, rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Rows as columns."""
    return {name: [row.get(name) for row in rows] for name in schema.names}
