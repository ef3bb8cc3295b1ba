"""Single values of a parsed tree: texts, numbers, bytes, free-form JSON, each as strict as lash."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Raw, Struct

from lashgraph.format import jsontext

Text = Annotated[Raw, "text"]
"""A text kept as its JSON form until it is asked for."""

Natural = Annotated[int, msgspec.Meta(ge=0)]
"""An unsigned integer of 64 bits; a plain int is a signed one."""

HalfNatural = Annotated[int, msgspec.Meta(ge=0, le=(1 << 32) - 1)]
"""An unsigned integer of 32 bits."""

Octet = Annotated[int, msgspec.Meta(ge=0, le=255)]
"""An unsigned integer of 8 bits."""

Stamp = Annotated[int, msgspec.Meta(ge=1, le=1)]
"""The version of a record's form, where that is 1."""

SecondStamp = Annotated[int, msgspec.Meta(ge=2, le=2)]
"""The version of a record's form, where that is 2."""

_SURROGATE = re.compile("[\ud800-\udfff]")


class Invalid(ValueError):  # noqa: N818 - it becomes an error of our tree where a file is known
    """A value is not of the shape that its type declares; the text says where and why."""


class Pairs(list[tuple[Any, Any]]):
    """A map as it was written: pairs in order, repeated keys included."""


def plain(value: Any) -> Any:
    """A parsed tree as JSON values; of a repeated key the last one counts."""
    if isinstance(value, Pairs):
        return {text(key): plain(item) for key, item in value}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return text(value)
    if not isinstance(value, (int, float, type(None), Struct)):
        raise Invalid(f"{kind_of(value)} where a JSON value is needed")
    if isinstance(value, float) and math.isnan(value):
        return None  # what JSON has no number for reads as null in the runtime
    return value


def name_of(key: Any) -> Any:
    """A key as a field is looked up by: bytes as the text they hold."""
    if isinstance(key, bytes):
        return key.decode("utf-8", "replace")
    return key


def kind_of(value: Any) -> str:
    """What a value is, for a message."""
    if value is None:
        return "null"
    return "a map" if isinstance(value, Pairs) else f"a {type(value).__name__}"


def _exact(expected: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if type(value) is not expected:
            raise Invalid(f"{kind_of(value)} where a {expected.__name__} is needed")
        return value

    return check


def text(value: Any) -> str:
    """A text that UTF-8 can hold, or `Invalid`."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise Invalid("a text that is not UTF-8") from None
    if not isinstance(value, str):
        raise Invalid(f"{kind_of(value)} where a text is needed")
    if not value.isascii() and _SURROGATE.search(value):
        raise Invalid("a text that is not UTF-8, or holds half of a surrogate pair")
    return value


def _integer(low: int, high: int, name: str) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            shown = value if type(value) is int else kind_of(value)
            raise Invalid(f"{shown} where {name} is needed")
        return value

    return check


def _octets(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, list) and set(map(type, value)) <= {int}:
        with contextlib.suppress(ValueError):
            return bytes(value)
    raise Invalid(f"{kind_of(value)} where an array of bytes is needed")


def _raw(value: Any) -> Raw:
    return jsontext.free(plain(value))


def _raw_text(value: Any) -> Raw:
    return Raw(jsontext.encode(text(value)))


SIMPLE: dict[Any, Callable[[Any], Any]] = {
    Any: plain,
    Raw: _raw,
    Text: _raw_text,
    str: text,
    int: _integer(-(1 << 63), (1 << 63) - 1, "a signed 64-bit integer"),
    Natural: _integer(0, (1 << 64) - 1, "an unsigned 64-bit integer"),
    HalfNatural: _integer(0, (1 << 32) - 1, "an unsigned 32-bit integer"),
    Octet: _integer(0, 255, "an unsigned 8-bit integer"),
    Stamp: _integer(1, 1, "the schema_version 1"),
    SecondStamp: _integer(2, 2, "the schema_version 2"),
    bool: _exact(bool),
    bytes: _octets,
}
"""How a value of each single type is read."""
