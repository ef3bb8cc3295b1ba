"""Nodes in bulk: many rows of JSON decoded in one call, each as strictly as alone.

What the quick decoder lets pass and the runtime does not (a known key twice) shows when the
records are written again: only rows in the runtime's own form come back to the same bytes. What
comes back and is none of the runtime's (a count beyond 64 bits) is looked for. Where either shows,
each row is looked at by itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, cast

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import UNSET, Raw
from msgspec.json import Decoder

from lashgraph.format import jsontext
from lashgraph.format.names import has_escape
from lashgraph.format.node import (
    Cause,
    CauseProcessEvent,
    CauseTrigger,
    Node,
    PartAttachment,
    PluginOrigin,
    ProcessOrigin,
    Pruned,
    decode_node,
)
from lashgraph.format.node_forms import NodeWithTool
from lashgraph.format.strict import Invalid, Record

_encoder = msgspec.json.Encoder()
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_QUOTE = ord('"')
_LARGEST = (1 << 64) - 1
_COUNTING = (CauseProcessEvent, CauseTrigger)
_LEVELS_ABOVE = 8
_MAY_BE_DEEP = 2 * (jsontext.MAX_DEPTH - _LEVELS_ABOVE)


class Damage(NamedTuple):
    """A row that cannot be read, by its position among those given."""

    position: int
    reason: str


def decode_rows(
    rows: Sequence[bytes], form: type[Node] = Node
) -> tuple[list[Node | None], list[Damage]]:
    """Decode rows; None stands for one that the runtime would drop, and a `Damage` says why.

    Parameters
    ----------
    form : type
        The record of nodes of the release, as its dialect names it.
    """
    nodes = _decode_together(rows, form)
    if nodes is not None:
        return cast("list[Node | None]", nodes), []
    found: list[Node | None] = []
    damages: list[Damage] = []
    for position, row in enumerate(rows):
        quick = _decode_together([row], form)
        try:
            found.append(quick[0] if quick else decode_node(row, form))
        except Invalid as error:
            found.append(None)
            damages.append(Damage(position, str(error)))
    return found, damages


@cache
def _decoder(form: type[Node]) -> Decoder[Node]:
    return Decoder(form)


def _decode_together(rows: Sequence[bytes], form: type[Node]) -> list[Node] | None:
    """All rows, if each is in the runtime's own form."""
    try:
        nodes = list(map(_decoder(form).decode, rows))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    joined = b"\n".join(rows)
    if not _is_plain(joined):
        return None
    again = _encoder.encode_lines(nodes)
    same = len(again) == len(joined) + 1 and again.startswith(joined)
    return nodes if (same or not rows) and _well_formed(nodes) else None


def _is_plain(text: bytes) -> bool:
    """Whether a text is UTF-8 without escapes that may be half of a surrogate pair."""
    if not text.isascii():
        offsets = np.array([0, len(text)], np.int64)
        array = pa.Array.from_buffers(
            pa.large_string(), 1, [None, pa.py_buffer(offsets), pa.py_buffer(text)]
        )
        try:
            array.validate(full=True)
        except pa.ArrowInvalid:
            return False
    return not has_escape(text) or _SURROGATE_ESCAPE.search(text) is None


def _well_formed(nodes: Sequence[Node]) -> bool:
    """Whether quickly decoded nodes keep the rules that their types cannot state."""
    free: list[Raw] = []
    tools = bool(nodes) and isinstance(nodes[0], NodeWithTool)
    for node in nodes:
        if node.caused_by is not None and not _cause_fits(node.caused_by):
            return False
        event = node.event
        if event is None:
            if node.kind != "plugin" or node.plugin_type is None or node.body_json is UNSET:
                return False
            free.append(node.body_json)
            continue
        if node.kind != "event" or node.plugin_type is not None or node.body_json is not UNSET:
            return False
        message = event.conversation
        if message is None:
            if event.protocol is None:
                return False  # a tool's event, or nothing: read by itself
            free.append(event.protocol.payload_json)
            continue
        if (
            event.protocol is not None
            or (tools and node.invocation is not None)
            or (message.origin is not None and not _origin_fits(message.origin))
        ):
            return False
        for part in message.parts:
            if part.attachment is not None and not _attachment_fits(part.attachment):
                return False
            state = part.prune_state
            if memoryview(part.content_json)[0] != _QUOTE or (
                isinstance(state, Pruned) and (state.deleted is None) == (state.summarized is None)
            ):
                return False
            meta = part.reasoning_meta
            if meta is not None and _may_be_deep(_encoder.encode(meta)):
                return False
    return not any([_may_be_deep(value) for value in free])


def _fits(record: Record) -> bool:
    """Whether the numbers of a record are of 64 bits."""
    values = msgspec.structs.astuple(record)
    return all([type(value) is not int or value <= _LARGEST for value in values])


def _cause_fits(cause: Cause) -> bool:
    return not isinstance(cause, _COUNTING) or _fits(cause)


def _origin_fits(origin: PluginOrigin | ProcessOrigin) -> bool:
    if isinstance(origin, PluginOrigin):
        return True
    return _fits(origin) and (origin.caused_by is None or _cause_fits(origin.caused_by))


def _attachment_fits(attachment: Record) -> bool:
    if isinstance(attachment, PartAttachment):
        return _fits(attachment.reference)
    return not _may_be_deep(_encoder.encode(attachment))


def _may_be_deep(text: bytes | Raw) -> bool:
    """Whether a text has so many brackets that they might be nested too deep."""
    if len(memoryview(text)) < _MAY_BE_DEEP:
        return False
    data = bytes(text)
    return data.count(b"{") + data.count(b"[") > jsontext.MAX_DEPTH - _LEVELS_ABOVE
