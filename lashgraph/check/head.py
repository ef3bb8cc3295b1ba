"""The head: is it there, can it be read, does it agree with columns, metadata and turns."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from lashgraph.check import reading
from lashgraph.check.finding import CheckFinding
from lashgraph.format import jsontext
from lashgraph.format.head import Head, decode_head
from lashgraph.format.strict import Invalid, Pairs, build
from lashgraph.reach.refs import StoreRefs
from lashgraph.sqlite import heads, integrity
from lashgraph.sqlite.connect import dialect_of
from lashgraph.sqlite.heads import HeadRow

_LEGACY_FIELDS = {"token_ledger"}
"""Fields of a head that are known and never written."""


def head_findings(connection: sqlite3.Connection, refs: StoreRefs) -> Iterator[CheckFinding]:
    """What is wrong with the head's row, by itself and against the turns."""
    row = heads.row(connection)
    if row is None:
        if refs.turns or connection.execute("SELECT 1 FROM graph_nodes LIMIT 1").fetchone():
            what = "no row, yet there are nodes or turns: it was lost"
            yield CheckFinding("head-lost", "session_head", "", what)
        return
    if refs.head_damage:
        what = f"cannot be read: {refs.head_damage}"
        yield CheckFinding("head-unreadable", "session_head", "head_json", what)
        return
    unknown: list[str] = []
    try:
        head = _decode(row, dialect_of(connection).records.head, unknown)
    except Invalid as error:
        head = None
        yield CheckFinding("head-refused", "session_head", "head_json", f"lash refuses it: {error}")
    if refs.head is not None and not refs.head.checkpoint_refs and refs.turns:
        what = "no checkpoint, yet turns recorded some: it was lost"
        yield CheckFinding("head-checkpoint-lost", "session_head", "head_json", what)
    newer = sorted(set(unknown) - _LEGACY_FIELDS)
    if newer:
        what = f"it holds {', '.join(map(repr, newer))}"
        yield CheckFinding("head-newer", "session_head", "head_json", what)
    yield from _columns(row)
    yield from _agent_frame(head)
    yield from _turns(row, refs)


def _decode(row: HeadRow, form: type[Head], unknown: list[str]) -> Head:
    if not row.is_text:
        raise Invalid("head_json is not stored as text")
    head = decode_head(row.json, row.revision, form)
    build(jsontext.parse(row.json, Pairs), form, unknown)
    return head


def _columns(row: HeadRow) -> Iterator[CheckFinding]:
    tree = reading.value_of(row.json)
    inside = tree if isinstance(tree, dict) else {}
    columns = {"session_id": row.session_id, "head_revision": row.revision}
    for name, value in columns.items():
        named = inside.get(name)
        if type(named) is type(value) and named != value:
            what = f"the column says {value!r}, the JSON {named!r}"
            yield CheckFinding("head-column-differs", "session_head", name, what)


def _agent_frame(head: Head | None) -> Iterator[CheckFinding]:
    if head is None or not head.current_agent_frame_id:
        return
    if head.current_agent_frame_id not in {frame.frame_id for frame in head.agent_frames}:
        what = (
            f"agent frame {head.current_agent_frame_id!r} is not among the "
            f"{len(head.agent_frames)} that it lists"
        )
        yield CheckFinding("agent-frame-unknown", "session_head", "current_agent_frame_id", what)


def _turns(row: HeadRow, refs: StoreRefs) -> Iterator[CheckFinding]:
    """Turns stand in the order of their revisions; the last readable one is the latest."""
    latest = refs.turns[-1] if refs.turns else None
    if latest is None or latest.result is None or latest.result.head_revision <= row.revision:
        return
    what = (
        f"turn {latest.turn.turn_id!r} made revision {latest.result.head_revision}, and the head "
        f"is at {row.revision}"
    )
    yield CheckFinding("head-behind-turns", "session_head", "head_revision", what)


def meta_findings(connection: sqlite3.Connection) -> Iterator[CheckFinding]:
    """What is wrong with the session's metadata."""
    text = integrity.relation_text(connection)
    if text is not None:
        try:
            build(jsontext.parse(text, Pairs), dialect_of(connection).records.relation)
        except (jsontext.JsonError, Invalid) as error:
            what = f"cannot be read: {error}"
            yield CheckFinding("meta-unreadable", "session_meta", "relation_json", what)
    meta = heads.load_meta(connection)
    bound = reading.session_id(connection)
    if meta is not None and heads.row(connection) is not None and meta.session_id != bound:
        what = f"it is of session {meta.session_id!r}, the head of {bound!r}"
        yield CheckFinding("session-id-differs", "session_meta", "session_id", what)


def turn_findings(connection: sqlite3.Connection, refs: StoreRefs) -> Iterator[CheckFinding]:
    """Records of turns that cannot be read or are of another session."""
    bound = reading.session_id(connection)
    has_head = refs.has_head
    for turn in refs.turns:
        key = str(turn.turn.turn_id)
        if turn.result is None:
            what = f"cannot be read: {turn.reason}"
            yield CheckFinding("turn-unreadable", "runtime_turn_commits", key, what)
        if has_head and turn.turn.session_id != bound:
            what = f"it is of session {turn.turn.session_id!r}, the head of {bound!r}"
            yield CheckFinding("session-id-differs", "runtime_turn_commits", key, what)
