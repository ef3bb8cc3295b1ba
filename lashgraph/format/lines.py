"""Nodes in bulk: many rows of JSON decoded in one call, each as strictly as alone.

What the quick decoder lets pass and the runtime
does not (a known key twice) shows when the records are written again: only rows in the runtime's
own form come back to the same bytes. Where they do not, each row is looked at by itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from lashgraph.format.names import has_escape
from lashgraph.format.node import Node, decode_node, well_formed
from lashgraph.format.strict import Invalid

_decoder = msgspec.json.Decoder(Node)
_encoder = msgspec.json.Encoder()
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


class Damage(NamedTuple):
    """A row that cannot be read, by its position among those given."""

    position: int
    reason: str


def decode_rows(rows: Sequence[bytes]) -> tuple[list[Node | None], list[Damage]]:
    """Decode rows; None stands for one that the runtime would drop, and a `Damage` says why."""
    nodes = _decode_together(rows)
    if nodes is not None:
        return list(nodes), []
    found: list[Node | None] = []
    damages: list[Damage] = []
    for position, row in enumerate(rows):
        try:
            found.append(_quick(row) or decode_node(row))
        except Invalid as error:
            found.append(None)
            damages.append(Damage(position, str(error)))
    return found, damages


def _decode_together(rows: Sequence[bytes]) -> list[Node] | None:
    """All rows, if each is in the runtime's own form."""
    try:
        nodes = list(map(_decoder.decode, rows))
    except (msgspec.DecodeError, RecursionError):
        return None
    joined = b"\n".join(rows)
    if not _is_plain(joined):
        return None
    again = _encoder.encode_lines(nodes)
    same = len(again) == len(joined) + 1 and again.startswith(joined)
    return nodes if (same or not rows) and well_formed(nodes, rows) else None


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


def _quick(text: bytes) -> Node | None:
    try:
        node = _decoder.decode(text)
        text.decode()
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    if (
        _encoder.encode(node) != text
        or _SURROGATE_ESCAPE.search(text)
        or not well_formed([node], [text])
    ):
        return None
    return node
