"""What a stored value must look like: a shape gives a value back or raises `Unreadable`.

The rules are those of the runtime's deserialiser: a struct is a map or an array of its fields in
order, a field that it does not know is passed over, one that it knows must not stand twice, and
null is a value only where a field says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Shape = Callable[[Any], Any]


class Unreadable(Exception):  # noqa: N818 - a reader's answer, not a failure
    """A value is not what its place asks for."""


class Pairs(list[tuple[Any, Any]]):
    """A map as it was written, so that a key that stands twice shows."""


class Struct(dict[str, Any]):
    """The known fields of a struct; ``unknown`` has the names of the others."""

    unknown: list[Any]


def want(true: bool, what: str) -> None:
    """Go on only if something is so."""
    if not true:
        raise Unreadable(what)


# Single values


def text(value: Any) -> str:
    """A text without half of a surrogate pair; MessagePack may hold it as binary."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise Unreadable("a text that is not UTF-8") from None
    want(isinstance(value, str), "no text")
    want(not any("\ud800" <= letter <= "\udfff" for letter in value), "half a surrogate pair")
    return str(value)


def flag(value: Any) -> bool:
    """True or false."""
    want(isinstance(value, bool), "neither true nor false")
    return bool(value)


def natural(value: Any) -> int:
    """An unsigned integer of 64 bits."""
    want(type(value) is int and 0 <= value < 1 << 64, "no unsigned integer")
    return int(value)


def half_natural(value: Any) -> int:
    """An unsigned integer of 32 bits."""
    want(natural(value) < 1 << 32, "no unsigned integer of 32 bits")
    return int(value)


def integer(value: Any) -> int:
    """A signed integer of 64 bits."""
    want(type(value) is int and -(1 << 63) <= value < 1 << 63, "no signed integer")
    return int(value)


def octets(value: Any) -> bytes:
    """Bytes, as binary or as an array of integers."""
    if isinstance(value, bytes):
        return value
    want(isinstance(value, list) and not isinstance(value, Pairs), "no bytes")
    want(all(type(item) is int and 0 <= item <= 255 for item in value), "no bytes")
    return bytes(value)


def anything(value: Any) -> Any:
    """Free-form JSON; here a key may stand twice."""
    for key, item in entries(value):
        if isinstance(value, Pairs):
            text(key)
        anything(item)
    if isinstance(value, str):
        text(value)
    want(isinstance(value, (Pairs, list, str, int, float, type(None))), "no JSON value")
    return value


def entries(value: Any) -> Iterator[tuple[Any, Any]]:
    """Key and item of a map, None and item of an array, nothing of any other value."""
    if isinstance(value, Pairs):
        yield from value
    elif isinstance(value, list):
        yield from ((None, item) for item in value)


# Shapes made of shapes


def maybe(shape: Shape) -> Shape:
    """Null, or a shape."""
    return lambda value: None if value is None else shape(value)


def array(shape: Shape) -> Shape:
    """An array whose every element has a shape."""

    def read(value: Any) -> list[Any]:
        want(isinstance(value, list) and not isinstance(value, Pairs), "no array")
        return [shape(item) for item in value]

    return read


def one_of(*names: str, numbered: bool = False) -> Shape:
    """One of some names: as a text, as a map from it to null, or (in MessagePack) by position."""

    def read(value: Any) -> str:
        if numbered and type(value) is int and 0 <= value < len(names):
            return names[value]
        if isinstance(value, Pairs) and len(value) == 1 and value[0][1] is None:
            value = value[0][0]
        name = text(value)
        want(name in names, f"unknown name {name!r}")
        return name

    return read


def struct(fields: dict[str, Shape], required: str = "") -> Shape:
    """A struct, by its fields in order and the names of those that must be there."""
    names = list(fields)

    def read(value: Any) -> Struct:
        unknown: list[Any] = []
        if isinstance(value, Pairs):
            given, unknown = _by_name(value, names)
        else:
            want(isinstance(value, list), "no struct")
            want(len(value) <= len(names), "too many elements")
            given = dict(zip(names, value, strict=False))
        for name in required.split():
            want(name in given, f"field {name} is missing")
        made = Struct((name, fields[name](item)) for name, item in given.items())
        made.unknown = unknown
        return made

    return read


def _by_name(pairs: Pairs, names: list[str]) -> tuple[dict[str, Any], list[Any]]:
    given: dict[str, Any] = {}
    unknown = []
    for key, item in pairs:
        name = field_name(key, names)
        if name not in names:
            unknown.append(name)
            continue
        want(name not in given, f"field {name} stands twice")
        given[str(name)] = item
    return given, unknown


def field_name(key: Any, names: list[str]) -> str | int:
    """The field that a key of a struct means: by name, by name as binary, or by position."""
    if isinstance(key, bytes):
        return key.decode("utf-8", "replace")
    if type(key) is int and key >= 0:
        return names[key] if key < len(names) else key
    want(isinstance(key, str), "a key that names no field")
    return str(key)


def tagged(field: str, shapes: dict[str, Shape]) -> Shape:
    """A map whose shape is named by one of its fields."""

    def read(value: Any) -> Any:
        want(isinstance(value, Pairs), "no map")
        tags = [item for key, item in value if key == field]
        want(len(tags) == 1 and isinstance(tags[0], str), f"no single {field}")
        want(tags[0] in shapes, f"unknown {field} {tags[0]!r}")
        return shapes[tags[0]](Pairs(pair for pair in value if pair[0] != field))

    return read


def variant(shapes: dict[str, Shape]) -> Shape:
    """A map of one key, the name of a variant."""

    def read(value: Any) -> Any:
        want(isinstance(value, Pairs) and len(value) == 1, "not exactly one variant")
        ((name, item),) = value
        want(name in shapes, f"unknown variant {name!r}")
        return shapes[name](item)

    return read


def either(first: Shape, second: Shape) -> Shape:
    """The first shape that a value has."""

    def read(value: Any) -> Any:
        try:
            return first(value)
        except Unreadable:
            return second(value)

    return read
