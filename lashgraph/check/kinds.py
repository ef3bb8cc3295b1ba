"""Kinds that this release does not know: rows that are whole, and written by another release."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, get_args

from lashgraph.check.reading import value_of
from lashgraph.format import packed
from lashgraph.format.blob import StoredKind
from lashgraph.format.node import Cause, PartKind, Role
from lashgraph.format.strict import Invalid, plain


class _Closed(NamedTuple):
    """A set of names that a field may hold."""

    name: str
    known: frozenset[str]


_KIND = _Closed("node kind", frozenset({"event", "plugin"}))
_EVENT = _Closed("event", frozenset({"Conversation", "Protocol"}))
_ROLE = _Closed("role", frozenset(get_args(Role)))
_PART = _Closed("part kind", frozenset(get_args(PartKind)))
_PRUNED = _Closed("prune state", frozenset({"Intact", "Cleared", "Deleted", "Summarized"}))
_ORIGIN = _Closed("origin kind", frozenset({"plugin", "process"}))
_MEDIA = _Closed("media kind", frozenset({"image"}))
_IMAGE = _Closed("image type", frozenset({"png", "jpeg", "gif", "webp", "bmp"}))
_CAUSE = _Closed("cause", frozenset(c.__struct_config__.tag for c in get_args(Cause)))
_BLOB = _Closed("blob kind", frozenset(get_args(StoredKind)))
_COMPRESSION = _Closed("compression", frozenset({"None", "Zlib"}))


def unknown_kind_of_node(text: bytes) -> str | None:
    """The first unknown kind in the JSON of a node that cannot be read; None without one."""
    return _first_unknown(_of_node(value_of(text)))


def unknown_kind_of_blob(stored: bytes) -> str | None:
    """The unknown kind or compression of an envelope that cannot be read; None without one."""
    try:
        tree = plain(packed.unpack(stored))
    except (packed.PackedError, Invalid, RecursionError):
        return None
    kind = (_BLOB, _inside(tree, "descriptor", "kind"))
    return _first_unknown(iter((kind, (_COMPRESSION, _inside(tree, "compression")))))


def _first_unknown(found: Iterator[tuple[_Closed, Any]]) -> str | None:
    for closed, value in found:
        if isinstance(value, str) and value not in closed.known:
            return f"unknown {closed.name} {value!r}"
    return None


def _of_node(node: Any) -> Iterator[tuple[_Closed, Any]]:
    yield _KIND, _inside(node, "kind")
    yield _CAUSE, _inside(node, "caused_by", "type")
    event = _inside(node, "event")
    yield _EVENT, _variant(event)
    message = _inside(event, "Conversation")
    yield _ROLE, _inside(message, "role")
    yield _ORIGIN, _inside(message, "origin", "kind")
    yield _CAUSE, _inside(message, "origin", "caused_by", "type")
    parts = _inside(message, "parts")
    for part in parts if isinstance(parts, list) else []:
        yield _PART, _inside(part, "kind")
        yield _PRUNED, _variant(_inside(part, "prune_state"))
        media = _inside(part, "attachment", "reference", "media_type")
        yield _MEDIA, _inside(media, "kind")
        yield _IMAGE, _inside(media, "type")


def _inside(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _variant(value: Any) -> Any:
    """The name of a variant: a text by itself, or the one key of a map."""
    if isinstance(value, dict) and len(value) == 1:
        return next(iter(value))
    return value
