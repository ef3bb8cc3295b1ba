"""Session metadata and what the runtime's session picker shows of a session."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from lashgraph.format import jsontext
from lashgraph.format.node import ATTACHED, Cause, CauseToolCall, Node
from lashgraph.format.strict import Invalid, Pairs, Record, build


class Relation(Record, frozen=True):
    """Whether a session is a root or the child of another."""

    kind: Literal["root", "child"]
    parent_session_id: str | None = None
    caused_by: Cause | None = None

    @property
    def cause(self) -> Cause | None:
        """What made the session, as far as it is told."""
        return self.caused_by


class EarlyRelation(Relation, frozen=True, kw_only=True):
    """A relation of schema version 1: a handoff is a kind, and a tool call is told by its id."""

    kind: Literal["root", "child", "handoff"]  # type: ignore[assignment]
    originating_tool_call_id: str | None = None
    reason: Any = None
    metadata: Any = None

    @property
    def cause(self) -> Cause | None:
        """The tool call that made the session; it was made by the parent."""
        if self.originating_tool_call_id is None or self.parent_session_id is None:
            return None
        return CauseToolCall(
            session_id=self.parent_session_id, call_id=self.originating_tool_call_id
        )


ROOT = Relation(kind="root")


class SessionMeta(Record, frozen=True):
    """Name, model and place of a session."""

    session_id: str
    session_name: str
    created_at: str
    model: str
    cwd: str | None = None
    relation: Relation = msgspec.field(default_factory=lambda: ROOT)


class PickerInfo(Record, frozen=True):
    """What a session picker shows."""

    session_id: str
    cwd: str | None
    relation: Relation
    user_message_count: int
    first_user_message: str


def decode_relation(text: str | bytes | None, form: type[Relation] = Relation) -> Relation:
    """Read a relation; what is absent or unreadable is a root, as for the runtime."""
    if text is None:
        return ROOT
    try:
        relation = build(jsontext.parse(text, Pairs), form)
    except (jsontext.JsonError, Invalid):
        return ROOT
    if relation.kind == "root" or relation.parent_session_id is None:
        return ROOT
    return relation


def encode_relation(relation: Relation) -> str:
    """The text of a relation as it is stored."""
    return jsontext.encode(relation).decode()


_SPACE = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + ("\u2028\u2029\u202f\u205f\u3000")
)
"""White space by Unicode's property, without the separators that Python adds."""


def picker_info(meta: SessionMeta, nodes: list[Node]) -> PickerInfo:
    """Count the user's messages and take the text of the first, as the runtime does."""
    messages = [node.message for node in nodes]
    users = [message for message in messages if message is not None and message.role == "User"]
    first = ""
    if users:
        texts = []
        for part in users[0].parts:
            if part.kind in ("ToolCall", "ToolResult"):
                continue
            text = "[Image attached]" if part.kind in ATTACHED else part.content
            if text.strip(_SPACE):
                texts.append(text)
        first = "\n\n".join(texts).strip(_SPACE)
    return PickerInfo(
        session_id=meta.session_id,
        cwd=meta.cwd,
        relation=meta.relation,
        user_message_count=len(users),
        first_user_message=first,
    )
