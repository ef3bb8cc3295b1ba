"""Nodes as other releases than those of schema version 3 write them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Raw

from lashgraph.format import jsontext
from lashgraph.format.invocation import ToolEvent, ToolRecord
from lashgraph.format.node import Event, Message, Node, Part, ProtocolEvent, decode_node
from lashgraph.format.strict import Invalid, Record


class EventWithTool(Event, frozen=True, forbid_unknown_fields=True, rename="pascal"):
    """A message, a protocol event or a tool's event, until alpha.34."""

    tool: ToolEvent | None = None


class NodeWithTool(Node, frozen=True, kw_only=True):
    """A node that may be a tool's event, until alpha.34."""

    event: EventWithTool | None = None

    @property
    def invocation(self) -> ToolRecord | None:
        """The tool call with its result, if the node is one."""
        found = self.event.tool if self.event is not None else None
        return found.invocation.record if found is not None and found.invocation else None

    @property
    def held_json(self) -> Raw:
        """What a node that is no message holds, as JSON: payload, body, or a tool's call."""
        found = self.invocation
        return super().held_json if found is None else Raw(jsontext.encode(found))

    @property
    def held_by(self) -> str | None:
        """Plugin of a protocol event, type of a plugin entry, or the tool that was called."""
        found = self.invocation
        return super().held_by if found is None else found.tool


class ModeEvent(ProtocolEvent, frozen=True):
    """An event of the mode that drives the session, as alpha.8 and alpha.9 have it."""

    plugin_id: str = msgspec.field(name="mode_id")


class EventOfMode(Event, frozen=True, forbid_unknown_fields=True):
    """A message, an event of a mode or a tool's event; alpha.8 and alpha.9."""

    protocol: ModeEvent | None = msgspec.field(name="Mode", default=None)
    tool: ToolEvent | None = msgspec.field(name="Tool", default=None)


class NodeOfMode(NodeWithTool, frozen=True, kw_only=True):
    """A node of alpha.8 or alpha.9."""

    event: EventOfMode | None = None  # type: ignore[assignment]  # it has a tool's event, too


class SourcedAttachment(Record, frozen=True):
    """The attachment of a part, from alpha.111 on: what it is stands in its source."""

    source: Any

    @property
    def facts(self) -> dict[str, Any]:
        """The reference inside the source, by whatever name it stands there."""
        found = self.source
        while isinstance(found, dict) and "media_type" not in found and len(found) == 1:
            found = next(iter(found.values()))
        inside = jsontext.inside(found, "reference")
        found = inside if isinstance(inside, dict) else found
        return found if isinstance(found, dict) else {}

    @property
    def id(self) -> str | None:
        """Id of the attachment; None where the source names none."""
        return _text(self.facts.get("id", self.facts.get("attachment_id")))

    @property
    def media_type(self) -> str | None:
        """Such as ``image/png``; None where the source does not tell."""
        found = self.facts.get("media_type")
        if isinstance(found, dict):
            kind, name = found.get("kind"), found.get("type")
            return f"{kind}/{name}" if isinstance(kind, str) and isinstance(name, str) else None
        return _text(found)

    @property
    def label(self) -> str | None:
        """What it was called; None where it has no name."""
        return _text(self.facts.get("label"))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


class SourcedPart(Part, frozen=True, kw_only=True):
    """One part of a message, from alpha.111 on."""

    kind: Literal[  # type: ignore[assignment]
        "Text",
        "Attachment",
        "Code",
        "Output",
        "Error",
        "Prose",
        "ToolCall",
        "ToolResult",
        "Reasoning",
    ]
    attachment: SourcedAttachment | None = None  # type: ignore[assignment]


class SourcedMessage(Message, frozen=True):
    """A message, from alpha.111 on."""

    parts: list[SourcedPart]  # type: ignore[assignment]


class SourcedEvent(Event, frozen=True, forbid_unknown_fields=True, rename="pascal"):
    """A message or a protocol event, from alpha.111 on."""

    conversation: SourcedMessage | None = None


class SourcedNode(Node, frozen=True, kw_only=True):
    """A node, from alpha.111 on."""

    event: SourcedEvent | None = None


FORMS: tuple[type[Node], ...] = (Node, NodeWithTool, SourcedNode, NodeOfMode)
"""The nodes of all releases."""


def decode_any(text: bytes | str) -> Node:
    """Decode a node of whatever release.

    Raises
    ------
    Invalid
        No release reads it; the text says why this package's own does not.
    """
    reason: Invalid | None = None
    for form in FORMS:
        try:
            return decode_node(text, form)
        except Invalid as error:
            reason = reason or error
    raise reason or Invalid("no node")
