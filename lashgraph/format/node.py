"""Nodes of the session graph: messages, protocol events and plugin entries.

Texts and free-form JSON stay in their JSON form until asked for: a session of hundreds of megabytes
is decoded at the speed of its structure, not of its prose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType

from lashgraph.errors import InvalidRecordError
from lashgraph.format import jsontext
from lashgraph.format.arguments import as_list, shown
from lashgraph.format.invocation import ToolRecord
from lashgraph.format.strict import (
    Choice,
    HalfNatural,
    Invalid,
    Natural,
    Pairs,
    Record,
    Text,
    build,
)

PartKind = Literal[
    "Text", "Image", "Code", "Output", "Error", "Prose", "ToolCall", "ToolResult", "Reasoning"
]
ATTACHED = ("Image", "Attachment")
"""Kinds of parts that stand for something attached; the second from alpha.111 on."""

Role = Literal["User", "Assistant", "System", "Event"]


class CauseTurn(Record, frozen=True, tag_field="type", tag="turn"):
    """Caused by a turn."""

    session_id: str
    turn_id: str


class CauseEffect(Record, frozen=True, kw_only=True, tag_field="type", tag="effect"):
    """Caused by an effect of the runtime."""

    session_id: str
    turn_id: str | None = None
    effect_id: str


class CauseToolCall(Record, frozen=True, tag_field="type", tag="tool_call"):
    """Caused by a tool call."""

    session_id: str
    call_id: str


class CauseProcess(Record, frozen=True, tag_field="type", tag="process"):
    """Caused by a process."""

    process_id: str


class CauseProcessEvent(Record, frozen=True, tag_field="type", tag="process_event"):
    """Caused by an event of a process."""

    process_id: str
    sequence: Natural


class CauseHostEvent(Record, frozen=True, tag_field="type", tag="host_event"):
    """Caused by an event of the host."""

    occurrence_id: str


class CauseTrigger(Record, frozen=True, kw_only=True, tag_field="type", tag="trigger_occurrence"):
    """Caused by a trigger, from alpha.48 on; before, by an event of the host."""

    occurrence_id: str
    subscription_id: str | None = None
    subscription_incarnation: Natural | None = None
    subscription_revision: Natural | None = None


class CauseNode(Record, frozen=True, tag_field="type", tag="session_node"):
    """Caused by a node of a session."""

    session_id: str
    node_id: str


Cause = (
    CauseTurn
    | CauseEffect
    | CauseToolCall
    | CauseProcess
    | CauseProcessEvent
    | CauseHostEvent
    | CauseTrigger
    | CauseNode
)


class PluginOrigin(Record, frozen=True, tag_field="kind", tag="plugin"):
    """A message that a plugin made."""

    plugin_id: str
    transient: bool = False


class ProcessOrigin(Record, frozen=True, tag_field="kind", tag="process"):
    """A message that a process made."""

    process_id: str
    event_type: str
    sequence: Natural
    wake_id: str | None = None
    caused_by: Cause | None = None


class ImageType(Record, frozen=True, tag_field="kind", tag="image"):
    """The media type of an attached image."""

    type: Literal["png", "jpeg", "gif", "webp", "bmp"]


class AttachmentReference(Record, frozen=True):
    """Where an attachment is kept and what it is."""

    id: str
    media_type: ImageType
    byte_len: Natural
    width: HalfNatural | None = None
    height: HalfNatural | None = None
    label: str | None = None


class PartAttachment(Record, frozen=True):
    """The attachment of a part."""

    reference: AttachmentReference

    @property
    def id(self) -> str | None:
        """Id of the attachment."""
        return self.reference.id

    @property
    def media_type(self) -> str | None:
        """Such as ``image/png``."""
        return f"image/{self.reference.media_type.type}"

    @property
    def label(self) -> str | None:
        """What it was called; None where it has no name."""
        return self.reference.label


class ToolReplay(Record, frozen=True):
    """What a provider needs to see a tool call again."""

    item_id: str | None = None
    opaque: str | None = None


class ReasoningMeta(Record, frozen=True):
    """What a provider gave beside a reasoning text."""

    item_id: str | None = None
    encrypted_content: str | None = None
    signature: str | None = None
    redacted: Any = None
    summary: Any = None


class ResponseMeta(Record, frozen=True):
    """What a provider said of the response a part came from."""

    id: str | None = None
    status: str | None = None
    phase: str | None = None


class DeletedContent(Record, frozen=True):
    """A pruned content: a breadcrumb is left, the archive blob holds the rest."""

    breadcrumb: str
    archive_hash: str


class SummarizedContent(Record, frozen=True):
    """A content replaced by its summary; the archive blob holds the rest."""

    summary: str
    archive_hash: str


class Pruned(Choice, frozen=True, forbid_unknown_fields=True, rename="pascal"):
    """How the content of a part was pruned."""

    deleted: DeletedContent | None = None
    summarized: SummarizedContent | None = None

    @property
    def archive_hash(self) -> str:
        """Hash of the blob that keeps what was pruned."""
        kept = self.deleted or self.summarized
        return kept.archive_hash if kept else ""


class Part(Record, frozen=True, kw_only=True):
    """One part of a message: prose, a tool call, a tool's result, reasoning."""

    id: str
    kind: PartKind
    content_json: Text = msgspec.field(name="content")
    attachment: PartAttachment | None = None
    tool_call_id: str | None = None
    tool_name: str | None = None
    tool_replay: ToolReplay | None = None
    prune_state: Literal["Intact", "Cleared"] | Pruned
    reasoning_meta: ReasoningMeta | None = None
    response_meta: ResponseMeta | None = None

    @property
    def content(self) -> str:
        """The text of the part."""
        return msgspec.json.decode(self.content_json, type=str)


class Message(Record, frozen=True):
    """A message of the conversation."""

    id: str
    role: Role
    parts: list[Part]
    origin: PluginOrigin | ProcessOrigin | None = None


class ProtocolEvent(Record, frozen=True):
    """An event of the protocol that drives the session, such as a step of a code execution."""

    plugin_id: str
    payload_json: Raw = msgspec.field(name="payload")

    @property
    def payload(self) -> Any:
        """The payload as Python values."""
        return jsontext.value_of(self.payload_json)


class Event(Choice, frozen=True, forbid_unknown_fields=True, rename="pascal"):
    """A message or a protocol event."""

    conversation: Message | None = None
    protocol: ProtocolEvent | None = None


class Node(Record, frozen=True, kw_only=True):
    """A node of the session graph."""

    node_id: str
    parent_node_id: str | None = None
    caused_by: Cause | None = None
    agent_frame_id: str | None = None
    timestamp: str
    kind: Literal["event", "plugin"]
    event: Event | None = None
    plugin_type: str | None = None
    body_json: Raw | UnsetType = msgspec.field(name="body", default=UNSET)

    @property
    def message(self) -> Message | None:
        """The message, if the node is one."""
        return self.event.conversation if self.event is not None else None

    @property
    def invocation(self) -> ToolRecord | None:
        """The tool call with its result, if the node is one; no release after alpha.34 has such."""
        return None

    @property
    def held_json(self) -> Raw:
        """What a node that is no message holds, as JSON: payload, body, or a tool's call."""
        if self.event is not None and self.event.protocol is not None:
            return self.event.protocol.payload_json
        return Raw(b"null") if self.body_json is UNSET else self.body_json

    @property
    def held_by(self) -> str | None:
        """Plugin of a protocol event, type of a plugin entry, or the tool that was called."""
        if self.event is not None and self.event.protocol is not None:
            return self.event.protocol.plugin_id
        return self.plugin_type

    @property
    def body(self) -> Any:
        """The body of a plugin node as Python values; None for other nodes."""
        return None if self.body_json is UNSET else jsontext.value_of(self.body_json)


def decode_node(text: bytes | str, form: type[Node] = Node) -> Node:
    """Decode one node exactly as the runtime would.

    Parameters
    ----------
    form : type
        The record of nodes of the release, as its dialect names it.

    Raises
    ------
    Invalid
        The runtime would drop this row; the text says why.
    """
    try:
        tree = jsontext.parse(text, Pairs)
    except jsontext.JsonError as error:
        raise Invalid(str(error)) from None
    if not isinstance(tree, Pairs):
        raise Invalid("a node is a map")
    kinds = [kind for key, kind in tree if key == "kind"]
    if not all(isinstance(kind, str) for kind in kinds):
        raise Invalid("kind: the name of a kind of node is needed, and nothing else")
    foreign = {"event": ("plugin_type", "body"), "plugin": ("event",)}
    ignored = foreign.get(kinds[0], ()) if kinds else ()
    node = build(Pairs(pair for pair in tree if pair[0] not in ignored), form)
    if node.kind == "event":
        if node.event is None:
            raise Invalid("field 'event' of an event node is missing")
        return node
    if node.plugin_type is None:
        raise Invalid("field 'plugin_type' of a plugin node is missing")
    if node.body_json is UNSET:
        raise Invalid("field 'body' of a plugin node is missing")
    return node


def as_nodes(nodes: Iterable[Node | Mapping[str, Any]]) -> list[Node]:
    """Take nodes, or mappings of the same shape, as they are to be stored.

    Raises
    ------
    InvalidRecordError
        One of them is no node; the message says which and why.
    """
    made = as_list(nodes, "nodes", "nodes")
    return [as_node(node, position) for position, node in enumerate(made)]


def as_node(node: Node | Mapping[str, Any], position: int = 0) -> Node:
    """One node as it is to be stored: checked, free-form JSON in canonical form."""
    try:
        return decode_node(jsontext.encode_checked(node))
    except (Invalid, jsontext.JsonError, TypeError, ValueError, RecursionError) as error:
        name = node.node_id if isinstance(node, Node) else _get(node, "node_id")
        raise InvalidRecordError(
            f"node {shown(name)} at position {position}: {error}", position=position
        ) from None


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else value


def encode_node(node: Node) -> str:
    """The text of a node as it is stored."""
    return jsontext.encode(node).decode()
