"""The frames of messages and of their parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from lashgraph.columns import FrameSchema, closed, count, flag, maybe, text, time
from lashgraph.format.node import ATTACHED, Message, Part, Pruned
from lashgraph.format.texts import plain_texts
from lashgraph.frames.graph import Picked, Scan, cause_columns, cause_values
from lashgraph.frames.nodes import ROLES
from lashgraph.frames.source import Source, Table
from lashgraph.tree.entries import message_author

PART_KINDS = (
    "Text",
    "Image",
    "Attachment",
    "Code",
    "Output",
    "Error",
    "Prose",
    "ToolCall",
    "ToolResult",
    "Reasoning",
)
_AUTHORS = ("human", "model", "tool", "plugin", "process")
_READ_ALOUD = frozenset(PART_KINDS) - {*ATTACHED, "ToolCall", "Reasoning"}

MESSAGES = FrameSchema.of(
    "messages",
    "every message of the conversation, on all branches, in load order",
    text("node_id", "the node that holds it"),
    text("message_id", "the message's own id"),
    count("position", "place among the messages of this frame, from 0"),
    closed("role", "role as it is stored; a tool result is stored with role User", *ROLES),
    closed(
        "author",
        "who really wrote it: plugin or process by its origin, else model (Assistant), tool (User "
        "with a tool result in it), human (any other User); missing for System and Event messages "
        "without an origin",
        *_AUTHORS,
    ),
    closed("origin_kind", "what made it, if that was no turn", "plugin", "process"),
    text("origin_plugin_id", "the plugin that made it, of origin plugin"),
    text("origin_process_id", "the process that made it, of origin process"),
    text("origin_event_type", "type of the process's event"),
    maybe("origin_sequence", "number of the process's event"),
    text("origin_wake_id", "the wake that brought it"),
    *cause_columns("origin_"),
    flag("transient", "whether a plugin made it for one turn only"),
    time("timestamp", "when it was made"),
    text("agent_frame_id", "the agent frame it belongs to"),
    count("n_parts", "parts"),
    count("n_chars", "characters of the contents of all parts"),
    count("n_tool_calls", "parts that call a tool"),
    flag("has_reasoning", "whether a part is reasoning"),
    flag("has_attachment", "whether a part has an attachment"),
    flag("on_active_path", "whether the path of the head's leaf passes here"),
    flag("tombstoned", "whether its node waits for vacuum"),
    text(
        "text",
        "contents of its parts that are not blank, a blank line between them; without "
        "tool calls, reasoning and images",
    ),
)

PARTS = FrameSchema.of(
    "parts",
    "every part of every message, in load order",
    text("node_id", "the node that holds the message"),
    text("part_id", "the part's own id"),
    count("part_index", "place in the message, from 0"),
    closed("kind", "what it is", *PART_KINDS),
    text("tool_call_id", "id of the tool call that it makes or answers"),
    text("tool_name", "the tool called, or that answers"),
    closed("prune_state", "whether it was pruned", "Intact", "Cleared", "Deleted", "Summarized"),
    text("archive_hash", "the blob that keeps what was pruned; missing if none does"),
    text("attachment_id", "id of its attachment"),
    text("media_type", "media type of the attachment, such as image/png"),
    flag("on_active_path", "whether the path of the head's leaf passes here"),
    flag("tombstoned", "whether its node waits for vacuum"),
    count("n_chars", "characters of its content"),
    text("content", "its content"),
)


def messages_table(source: Source, wanted: frozenset[str], *, tombstoned: bool = False) -> Table:
    """Every message."""
    scan = Scan(source, tombstoned=tombstoned)
    picked, messages = Picked(scan), _Messages(wanted)
    for start, found in scan.chunks():
        some = []
        for place, node in enumerate(found, start):
            message = node.message if node is not None else None
            if node is not None and message is not None:
                picked.add(place, node)
                some.append(message)
        messages.add(some)
    columns = picked.columns() | messages.columns()
    return Table(columns, len(picked.places), scan.damages)


class _Messages:
    """What the messages say, as far as it is wanted."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wants_text = bool(wanted & {"text", "n_chars"})
        self.ids: list[str] = []
        self.roles: list[str] = []
        self.authors: list[str | None] = []
        self.origins: list[Any] = []
        self.n_parts: list[int] = []
        self.n_calls: list[int] = []
        self.reasoning: list[bool] = []
        self.attachments: list[bool] = []
        self.texts: list[str] = []
        self.n_chars: list[int] = []

    def add(self, messages: list[Message]) -> None:
        self.ids += [message.id for message in messages]
        self.roles += [message.role for message in messages]
        self.origins += [message.origin for message in messages]
        self.n_parts += [len(message.parts) for message in messages]
        for message in messages:
            kinds = [part.kind for part in message.parts]
            self.authors.append(message_author(message))
            self.n_calls.append(kinds.count("ToolCall"))
            self.reasoning.append("Reasoning" in kinds)
            self.attachments.append(any([p.attachment is not None for p in message.parts]))
        if self._wants_text:
            self._add_texts(messages)

    def _add_texts(self, messages: list[Message]) -> None:
        contents = iter(plain_texts([p.content_json for one in messages for p in one.parts]))
        for message in messages:
            length, aloud = 0, []
            for part, content in zip(message.parts, contents, strict=False):
                length += len(content)
                if part.kind in _READ_ALOUD and content and not content.isspace():
                    aloud.append(content)
            self.n_chars.append(length)
            self.texts.append(aloud[0] if len(aloud) == 1 else "\n\n".join(aloud))

    def columns(self) -> dict[str, Any]:
        origins = self.origins

        def of(name: str) -> list[Any]:
            return [getattr(origin, name, None) for origin in origins]

        return {
            "message_id": self.ids,
            "position": lambda: np.arange(len(self.ids), dtype=np.int64),
            "role": self.roles,
            "author": self.authors,
            "origin_kind": lambda: [
                None if origin is None else origin.__struct_config__.tag for origin in origins
            ],
            "origin_plugin_id": lambda: of("plugin_id"),
            "origin_process_id": lambda: of("process_id"),
            "origin_event_type": lambda: of("event_type"),
            "origin_sequence": lambda: of("sequence"),
            "origin_wake_id": lambda: of("wake_id"),
            **cause_values(of("caused_by") if any(origins) else [None] * len(origins), "origin_"),
            "transient": lambda: [bool(getattr(origin, "transient", False)) for origin in origins],
            "n_parts": self.n_parts,
            "n_chars": self.n_chars,
            "n_tool_calls": self.n_calls,
            "has_reasoning": self.reasoning,
            "has_attachment": self.attachments,
            "text": self.texts,
        }


def parts_table(source: Source, wanted: frozenset[str], *, tombstoned: bool = False) -> Table:
    """Every part of every message."""
    scan = Scan(source, tombstoned=tombstoned)
    picked, parts = Picked(scan), _Parts(wanted)
    for start, found in scan.chunks():
        some: list[Part] = []
        for place, node in enumerate(found, start):
            message = node.message if node is not None else None
            if node is not None and message is not None:
                picked.add(place, node, len(message.parts))
                parts.indexes += range(len(message.parts))
                some += message.parts
        parts.add(some)
    return Table(picked.columns() | parts.columns(), len(picked.places), scan.damages)


class _Parts:
    """What the parts say, as far as it is wanted."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wants_content = bool(wanted & {"content", "n_chars"})
        self.indexes: list[int] = []
        self.ids: list[str] = []
        self.kinds: list[str] = []
        self.call_ids: list[str | None] = []
        self.tools: list[str | None] = []
        self.states: list[Any] = []
        self.attachments: list[Any] = []
        self.contents: list[str] = []

    def add(self, parts: list[Part]) -> None:
        self.ids += [part.id for part in parts]
        self.kinds += [part.kind for part in parts]
        self.call_ids += [part.tool_call_id for part in parts]
        self.tools += [part.tool_name for part in parts]
        self.states += [part.prune_state for part in parts]
        self.attachments += [part.attachment for part in parts]
        if self._wants_content:
            self.contents += plain_texts([part.content_json for part in parts])

    def columns(self) -> dict[str, Any]:
        return {
            "part_id": self.ids,
            "part_index": self.indexes,
            "kind": self.kinds,
            "tool_call_id": self.call_ids,
            "tool_name": self.tools,
            "prune_state": lambda: list(map(_state, self.states)),
            "archive_hash": lambda: [
                state.archive_hash if isinstance(state, Pruned) else None for state in self.states
            ],
            "attachment_id": [None if one is None else one.id for one in self.attachments],
            "media_type": [None if one is None else one.media_type for one in self.attachments],
            "n_chars": lambda: list(map(len, self.contents)),
            "content": self.contents,
        }


def _state(state: str | Pruned) -> str:
    if isinstance(state, Pruned):
        return "Deleted" if state.deleted is not None else "Summarized"
    return state
