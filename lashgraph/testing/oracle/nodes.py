"""Nodes of the session graph: which the runtime reads, and which blobs each names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lashgraph.testing.oracle.documents import read_json, texts_in
from lashgraph.testing.oracle.shapes import (
    Unreadable,
    anything,
    array,
    either,
    entries,
    flag,
    half_natural,
    maybe,
    natural,
    one_of,
    struct,
    tagged,
    text,
    variant,
    want,
)

_CAUSE = tagged(
    "type",
    {
        "turn": struct({"session_id": text, "turn_id": text}, required="session_id turn_id"),
        "effect": struct(
            {"session_id": text, "turn_id": maybe(text), "effect_id": text},
            required="session_id effect_id",
        ),
        "tool_call": struct({"session_id": text, "call_id": text}, required="session_id call_id"),
        "process": struct({"process_id": text}, required="process_id"),
        "process_event": struct(
            {"process_id": text, "sequence": natural}, required="process_id sequence"
        ),
        "host_event": struct({"occurrence_id": text}, required="occurrence_id"),
        "session_node": struct(
            {"session_id": text, "node_id": text}, required="session_id node_id"
        ),
    },
)
_ORIGIN = tagged(
    "kind",
    {
        "plugin": struct({"plugin_id": text, "transient": flag}, required="plugin_id"),
        "process": struct(
            {
                "process_id": text,
                "event_type": text,
                "sequence": natural,
                "wake_id": maybe(text),
                "caused_by": maybe(_CAUSE),
            },
            required="process_id event_type sequence",
        ),
    },
)
_IMAGE = struct({"type": one_of("png", "jpeg", "gif", "webp", "bmp")}, required="type")
_REFERENCE = struct(
    {
        "id": text,
        "media_type": tagged("kind", {"image": _IMAGE}),
        "byte_len": natural,
        "width": maybe(half_natural),
        "height": maybe(half_natural),
        "label": maybe(text),
    },
    required="id media_type byte_len",
)
_PART_KIND = one_of(
    "Text", "Image", "Code", "Output", "Error", "Prose", "ToolCall", "ToolResult", "Reasoning"
)
_PRUNED = variant(
    {
        "Deleted": struct(
            {"breadcrumb": text, "archive_hash": text}, required="breadcrumb archive_hash"
        ),
        "Summarized": struct(
            {"summary": text, "archive_hash": text}, required="summary archive_hash"
        ),
    }
)
_PART = struct(
    {
        "id": text,
        "kind": _PART_KIND,
        "content": text,
        "attachment": maybe(struct({"reference": _REFERENCE}, required="reference")),
        "tool_call_id": maybe(text),
        "tool_name": maybe(text),
        "tool_replay": maybe(struct({"item_id": maybe(text), "opaque": maybe(text)})),
        "prune_state": either(one_of("Intact", "Cleared"), _PRUNED),
        "reasoning_meta": maybe(
            struct(
                {
                    "item_id": maybe(text),
                    "encrypted_content": maybe(text),
                    "signature": maybe(text),
                    "redacted": anything,
                    "summary": anything,
                }
            )
        ),
        "response_meta": maybe(
            struct({"id": maybe(text), "status": maybe(text), "phase": maybe(text)})
        ),
    },
    required="id kind content prune_state",
)
_MESSAGE = struct(
    {
        "id": text,
        "role": one_of("User", "Assistant", "System", "Event"),
        "parts": array(_PART),
        "origin": maybe(_ORIGIN),
    },
    required="id role parts",
)
_PROTOCOL = struct({"plugin_id": text, "payload": anything}, required="plugin_id payload")
_COMMON = {
    "node_id": text,
    "parent_node_id": maybe(text),
    "caused_by": maybe(_CAUSE),
    "agent_frame_id": maybe(text),
    "timestamp": text,
}
_NODE = tagged(
    "kind",
    {
        "event": struct(
            {**_COMMON, "event": variant({"Conversation": _MESSAGE, "Protocol": _PROTOCOL})},
            required="node_id timestamp event",
        ),
        "plugin": struct(
            {**_COMMON, "plugin_type": text, "body": anything},
            required="node_id timestamp plugin_type body",
        ),
    },
)


def names_in_node(stored: bytes, *, is_text: bool, keys: set[str]) -> Iterator[str]:
    """The blobs that a node names.

    One that the runtime reads: by the key ``archive_hash``, wherever in it. One that it drops:
    each of some keys whose 64 digits stand anywhere in it, escaped or not.
    """
    try:
        want(is_text, "not stored as text")
        tree = read_json(stored)
        _NODE(tree)
    except (Unreadable, RecursionError):
        yield from keys_in_text(stored, keys)
    else:
        yield from _archives(tree)


def keys_in_text(stored: bytes, keys: set[str], *, large_too: bool = False) -> Iterator[str]:
    """Those of some keys whose 64 digits stand anywhere in a text, escaped or not."""
    spellings = [stored, _unescaped(stored)]
    if large_too:
        spellings += [text.lower() for text in spellings]
    for key in sorted(keys):
        if re.fullmatch("[0-9a-f]{64}", key) and any(key.encode() in text for text in spellings):
            yield key


def _archives(value: Any) -> Iterator[str]:
    for key, item in entries(value):
        if key == "archive_hash" and isinstance(item, str):
            yield from texts_in([item], below=False)
        yield from _archives(item)


def _unescaped(stored: bytes) -> bytes:
    """A text whose ASCII letters and digits stand as such where JSON had them escaped."""
    made = bytearray()
    at = 0
    while at < len(stored):
        escaped = re.match(rb"\\u00([2-7][0-9a-fA-F])", stored[at : at + 6])
        made.append(int(escaped[1], 16) if escaped else stored[at])
        at += 6 if escaped else 1
    return bytes(made)
