"""The frame of agent frames: the stretches of work that the head lists."""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

import msgspec

from lashgraph.columns import FrameSchema, closed, count, flag, maybe, maybe_flag, text, time
from lashgraph.format import jsontext
from lashgraph.format.node import Cause
from lashgraph.frames.graph import cause_columns, cause_values
from lashgraph.frames.source import RowDamage, Source, Table
from lashgraph.sqlite import blobs, heads

_STATUSES = ("active", "superseded")

AGENT_FRAMES = FrameSchema.of(
    "agent_frames",
    "every agent frame that the head lists, in its order; read leniently, so that a head which the "
    "runtime refuses shows what it can",
    text("ref", "key of the agent frame, as every call takes it"),
    text("frame_id", "its id"),
    count("position", "place in the head, from 0"),
    text("frame_session_id", "the session that it says it belongs to"),
    text("previous_frame_id", "the agent frame before it"),
    closed("status", "whether it is in use; missing for a status that is not known", *_STATUSES),
    flag("is_current", "whether the head names it as the current one"),
    text("reason", "why it was begun"),
    *cause_columns(),
    time("created_at", "when it was begun"),
    text("model", "model it was assigned"),
    text("provider_id", "provider of that model"),
    maybe_flag("autonomous", "whether it may run by itself"),
    maybe("max_turns", "how many turns it may take"),
    text("plugin_source", "where its plugins come from"),
    text("assignment", "all of its assignment as JSON, keys sorted"),
    text("execution_state_ref", "blob of its execution state"),
    flag("execution_state_present", "whether that blob is there"),
)


def agent_frames_table(source: Source, _wanted: frozenset[str]) -> Table:
    """Every agent frame of the head."""
    connection = source.connection
    listed = _listed(connection)
    frames = [frame for _, frame in listed.frames]
    states = [_text(frame.get("execution_state_ref")) for frame in frames]
    ids = [_text(frame.get("frame_id")) for frame in frames]

    def texts(name: str, default: str | None = None) -> list[str | None]:
        return [_text(frame.get(name, default)) for frame in frames]

    def assigned(*keys: str) -> list[Any]:
        return [jsontext.inside(frame, "assignment", *keys) for frame in frames]

    columns: dict[str, Any] = {
        "ref": [
            f"agent_frame:{name or position}"
            for name, (position, _) in zip(ids, listed.frames, strict=True)
        ],
        "frame_id": ids,
        "position": [position for position, _ in listed.frames],
        "frame_session_id": texts("session_id"),
        "previous_frame_id": texts("previous_frame_id"),
        "status": [_one_of(_STATUSES, status) for status in texts("status", "active")],
        "is_current": [name is not None and name == listed.current for name in ids],
        "reason": texts("reason", "initial"),
        **cause_values([_cause(frame.get("caused_by")) for frame in frames]),
        "created_at": texts("created_at"),
        "model": list(map(_text, assigned("policy", "model", "id"))),
        "provider_id": list(map(_text, assigned("policy", "provider_id"))),
        "autonomous": [_typed(value, bool) for value in assigned("policy", "autonomous")],
        "max_turns": [_typed(value, int) for value in assigned("policy", "max_turns")],
        "plugin_source": list(map(_text, assigned("plugin_source"))),
        "assignment": list(map(_json, assigned())),
        "execution_state_ref": states,
        "execution_state_present": [
            state is not None and blobs.stored_bytes(connection, state) is not None
            for state in states
        ],
    }
    return Table(columns, len(frames), listed.damages)


class _Listed(NamedTuple):
    """Agent frames of a head with their places in it, the current one, and what is none."""

    frames: list[tuple[int, dict[str, Any]]]
    current: str | None
    damages: list[RowDamage]


def _listed(connection: sqlite3.Connection) -> _Listed:
    row = heads.row(connection)
    if row is None:
        return _Listed([], None, [])
    head = jsontext.lenient(row.json)
    entries = head.get("agent_frames", []) if isinstance(head, dict) else None
    if not isinstance(entries, list):
        what = "no JSON object" if entries is None else "its agent_frames are no list"
        return _Listed([], None, [RowDamage("session_head", "head_json", what)])
    frames = [(place, entry) for place, entry in enumerate(entries) if isinstance(entry, dict)]
    odd = len(entries) - len(frames)
    damages = [RowDamage("session_head", "head_json", f"{odd} of its agent_frames are no objects")]
    return _Listed(frames, _text(head.get("current_agent_frame_id")), damages if odd else [])


def _one_of(known: tuple[str, ...], value: str | None) -> str | None:
    return value if value in known else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _typed(value: Any, kind: type) -> Any:
    return value if type(value) is kind else None


def _cause(value: Any) -> Any:
    try:
        return msgspec.convert(value, Cause | None)
    except msgspec.ValidationError:
        return None


def _json(value: Any) -> str | None:
    """A value as JSON text; None for one that no text can hold."""
    try:
        return None if value is None else bytes(jsontext.free(value)).decode()
    except (ValueError, RecursionError):
        return None
