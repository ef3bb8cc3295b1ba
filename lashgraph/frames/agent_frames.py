"""The frame of agent frames: the stretches of work that the head lists."""

from __future__ import annotations

from typing import Any

import msgspec

from lashgraph.columns import FrameSchema, closed, count, flag, maybe, maybe_flag, text, time
from lashgraph.format import jsontext
from lashgraph.format.node import Cause
from lashgraph.frames.graph import cause_columns, cause_values
from lashgraph.frames.source import Source, Table
from lashgraph.sqlite import blobs, heads

AGENT_FRAMES = FrameSchema.of(
    "agent_frames",
    "every agent frame that the head lists, in its order; read leniently, so that a head which the "
    "runtime refuses shows what it can",
    text("ref", "key of the agent frame, as every call takes it"),
    text("frame_id", "its id"),
    count("position", "place in the head, from 0"),
    text("frame_session_id", "the session that it says it belongs to"),
    text("previous_frame_id", "the agent frame before it"),
    closed("status", "whether it is in use", "active", "superseded"),
    flag("is_current", "whether the head names it as the current one"),
    text("reason", "why it was begun"),
    *cause_columns(),
    time("created_at", "when it was begun"),
    text("model", "model it was assigned"),
    text("provider_id", "provider of that model"),
    maybe_flag("autonomous", "whether it may run by itself"),
    maybe("max_turns", "how many turns it may take"),
    text("plugin_source", "where its plugins come from"),
    text("assignment", "all of its assignment as JSON"),
    text("execution_state_ref", "blob of its execution state"),
    flag("execution_state_present", "whether that blob is there"),
)


def agent_frames_table(source: Source, _wanted: frozenset[str]) -> Table:
    """Every agent frame of the head."""
    connection = source.connection
    row = heads.row(connection)
    head = jsontext.lenient(row.json) if row is not None else None
    listed = head.get("agent_frames") if isinstance(head, dict) else None
    frames = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    current = head.get("current_agent_frame_id") if isinstance(head, dict) else None
    policies = [jsontext.inside(frame, "assignment", "policy") or {} for frame in frames]
    states = [_text(frame.get("execution_state_ref")) for frame in frames]
    ids = [_text(frame.get("frame_id")) for frame in frames]

    def texts(name: str, default: str | None = None) -> list[str | None]:
        return [_text(frame.get(name, default)) for frame in frames]

    columns: dict[str, Any] = {
        "ref": [f"agent_frame:{name or index}" for index, name in enumerate(ids)],
        "frame_id": ids,
        "position": range(len(frames)),
        "frame_session_id": texts("session_id"),
        "previous_frame_id": texts("previous_frame_id"),
        "status": texts("status", "active"),
        "is_current": [name is not None and name == current for name in ids],
        "reason": texts("reason", "initial"),
        **cause_values([_cause(frame.get("caused_by")) for frame in frames]),
        "created_at": texts("created_at"),
        "model": [_text(jsontext.inside(policy, "model", "id")) for policy in policies],
        "provider_id": [_text(policy.get("provider_id")) for policy in policies],
        "autonomous": [_typed(policy.get("autonomous"), bool) for policy in policies],
        "max_turns": [_typed(policy.get("max_turns"), int) for policy in policies],
        "plugin_source": [
            _text(jsontext.inside(frame, "assignment", "plugin_source")) for frame in frames
        ],
        "assignment": [_json(frame.get("assignment")) for frame in frames],
        "execution_state_ref": states,
        "execution_state_present": [
            state is not None and blobs.stored_bytes(connection, state) is not None
            for state in states
        ],
    }
    return Table(columns, len(frames), [])


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
    return None if value is None else bytes(jsontext.free(value)).decode()
