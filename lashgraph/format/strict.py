"""Reading values as strictly, and as leniently, as the runtime's own deserialiser does.

`msgspec` decodes the bulk of well-formed rows. What it cannot see (a known key that stands twice)
or does not take (structs written as arrays, keys that are binary or numbers) is read here: a
parser delivers maps as `Pairs`, and `build` turns such a tree into a record, field by field.
"""

from __future__ import annotations

import contextlib
import math
import re
import types
import typing
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from lashgraph.format import jsontext

T = TypeVar("T")

Text = Annotated[Raw, "text"]
"""A text kept as its JSON form until it is asked for."""

Natural = Annotated[int, msgspec.Meta(ge=0)]
"""An unsigned integer of 64 bits; a plain int is a signed one."""

Octet = Annotated[int, msgspec.Meta(ge=0, le=255)]
"""An unsigned integer of 8 bits."""

_SURROGATE = re.compile("[\ud800-\udfff]")


class Invalid(ValueError):  # noqa: N818 - it becomes an error of our tree where a file is known
    """A value is not of the shape that its type declares; the text says where and why."""


class Pairs(list[tuple[Any, Any]]):
    """A map as it was written: pairs in order, repeated keys included."""


class Record(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A stored value. Optional fields are left out when absent, as the runtime does."""

    _exactly_one: ClassVar[bool] = False


class Choice(Record, frozen=True, forbid_unknown_fields=True):
    """An enumeration written as a map with one key, the name of the variant."""

    _exactly_one: ClassVar[bool] = True


def always(value: Any) -> Any:
    """Declare a field that has a default and is written even when it equals that default."""
    return msgspec.field(default_factory=lambda: value)


class Field(NamedTuple):
    attribute: str
    key: str
    build: Callable[[Any], Any]
    required: bool


class Shape(NamedTuple):
    fields: tuple[Field, ...]
    by_key: dict[str, int]
    tag_field: str | None
    forbid_unknown: bool
    exactly_one: bool


def build(
    value: Any, record: type[T], unknown: list[str] | None = None, *, packed: bool = False
) -> T:
    """Turn a parsed tree into a record, or raise `Invalid`.

    Parameters
    ----------
    value : Any
        A tree whose maps are `Pairs`; records may stand in it as they are.
    record : type
        A `Record`, or another type that records use for their fields.
    unknown : list of str, optional
        Receives the names of the top level's fields that the record does not declare.
    packed : bool
        Whether the tree is MessagePack's, where a variant may be named by its position.
    """
    try:
        made: T = _builder(typing.cast("typing.Hashable", record), packed)(value)
    except RecursionError:
        raise Invalid("nested too deep") from None
    if unknown is not None and isinstance(value, Pairs):
        known = _shape(typing.cast("typing.Hashable", record), packed).by_key
        names = [_name(key) for key, _ in value]
        unknown += [str(n) for n in names if n not in known and n not in range(len(known))]
    return made


def plain(value: Any) -> Any:
    """A parsed tree as JSON values; of a repeated key the last one counts."""
    if isinstance(value, Pairs):
        return {_text(key): plain(item) for key, item in value}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return _text(value)
    if not isinstance(value, (int, float, type(None), Struct)):
        raise Invalid(f"{_kind(value)} where a JSON value is needed")
    if isinstance(value, float) and math.isnan(value):
        return None  # what JSON has no number for reads as null in the runtime
    return value


def _name(key: Any) -> Any:
    if isinstance(key, bytes):
        return key.decode("utf-8", "replace")
    return key


@cache
def _shape(record: Any, packed: bool) -> Shape:
    infos = msgspec.structs.fields(record)
    hints = typing.get_type_hints(record, include_extras=True)
    fields = tuple(
        Field(info.name, info.encode_name, _builder(hints[info.name], packed), info.required)
        for info in infos
    )
    config = record.__struct_config__
    return Shape(
        fields,
        {field.key: index for index, field in enumerate(fields)},
        config.tag_field,
        config.forbid_unknown_fields,
        record._exactly_one,
    )


def _build_record(record: Any, packed: bool, value: Any) -> Any:
    if isinstance(value, record):
        return value
    shape = _shape(record, packed)
    found: dict[str, Any] = {}
    if shape.exactly_one and not (isinstance(value, Pairs) and len(value) == 1):
        raise Invalid(f"{record.__name__} must hold exactly one variant")
    if isinstance(value, Pairs):
        found = _from_map(record, shape, value)
    elif isinstance(value, list):
        if len(value) > len(shape.fields):
            raise Invalid(f"{len(value)} elements for the {len(shape.fields)} of {record.__name__}")
        for field, item in zip(shape.fields, value, strict=False):
            found[field.attribute] = _build_field(field, item)
    else:
        raise Invalid(f"{record.__name__} is {_kind(value)}, not a map")
    for field in shape.fields:
        if field.required and field.attribute not in found:
            raise Invalid(f"field {field.key!r} of {record.__name__} is missing")
    if shape.exactly_one and None in found.values():
        raise Invalid(f"the variant of {record.__name__} is null")
    return record(**found)


def _from_map(record: Any, shape: Shape, pairs: Pairs) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in pairs:
        name = _name(key)
        if type(name) not in (str, int) or (type(name) is int and name < 0):
            raise Invalid(f"{_kind(name)} as a key of {record.__name__}")
        index = name if type(name) is int else shape.by_key.get(name)
        if index is None or not 0 <= index < len(shape.fields):
            if shape.forbid_unknown and name != shape.tag_field:
                raise Invalid(f"unknown field {name!r} in {record.__name__}")
            continue
        field = shape.fields[index]
        if field.attribute in found:
            raise Invalid(f"field {field.key!r} stands twice in {record.__name__}")
        found[field.attribute] = _build_field(field, item)
    return found


def _build_field(field: Field, value: Any) -> Any:
    try:
        return field.build(value)
    except Invalid as error:
        raise Invalid(f"{field.key}: {error}") from None


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    return "a map" if isinstance(value, Pairs) else f"a {type(value).__name__}"


def _exact(expected: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if type(value) is not expected:
            raise Invalid(f"{_kind(value)} where a {expected.__name__} is needed")
        return value

    return check


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise Invalid("a text that is not UTF-8") from None
    if not isinstance(value, str):
        raise Invalid(f"{_kind(value)} where a text is needed")
    if not value.isascii() and _SURROGATE.search(value):
        raise Invalid("a text that is not UTF-8, or holds half of a surrogate pair")
    return value


def _integer(low: int, high: int, name: str) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            shown = value if type(value) is int else _kind(value)
            raise Invalid(f"{shown} where {name} is needed")
        return value

    return check


def _octets(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, list) and set(map(type, value)) <= {int}:
        with contextlib.suppress(ValueError):
            return bytes(value)
    raise Invalid(f"{_kind(value)} where an array of bytes is needed")


def _raw(value: Any) -> Raw:
    return jsontext.free(plain(value))


def _raw_text(value: Any) -> Raw:
    return Raw(jsontext.encode(_text(value)))


_SIMPLE: dict[Any, Callable[[Any], Any]] = {
    Any: plain,
    Raw: _raw,
    Text: _raw_text,
    str: _text,
    int: _integer(-(1 << 63), (1 << 63) - 1, "a signed 64-bit integer"),
    Natural: _integer(0, (1 << 64) - 1, "an unsigned 64-bit integer"),
    Octet: _integer(0, 255, "an unsigned 8-bit integer"),
    bool: _exact(bool),
    bytes: _octets,
}


@cache
def _builder(hint: Any, packed: bool) -> Callable[[Any], Any]:
    """The function that builds a value of a type; types are those that records use."""
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if isinstance(hint, type) and issubclass(hint, Struct):
        return lambda value: _build_record(hint, packed, value)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is list:
        return _list_builder(_builder(arguments[0], packed))
    if origin is dict:
        return _dict_builder(_builder(arguments[1], packed))
    if origin is Literal:
        return _literal_builder(arguments, packed)
    if origin in (typing.Union, types.UnionType):
        return _union_builder(arguments, packed)
    raise TypeError(f"no builder for {hint!r}")


def _list_builder(item: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def make(value: Any) -> Any:
        if not isinstance(value, list) or isinstance(value, Pairs):
            raise Invalid(f"{_kind(value)} where an array is needed")
        return [item(one) for one in value]

    return make


def _dict_builder(item: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def make(value: Any) -> Any:
        if not isinstance(value, Pairs):
            raise Invalid(f"{_kind(value)} where a map is needed")
        return {_text(key): item(one) for key, one in value}

    return make


def _literal_builder(names: tuple[Any, ...], packed: bool) -> Callable[[Any], Any]:
    def make(value: Any) -> Any:
        if packed and type(value) is int and 0 <= value < len(names):
            return names[value]
        name = _text(value[0][0] if _is_unit(value) else value)
        if name not in names:
            raise Invalid(f"unknown value {name!r}; known: {', '.join(names)}")
        return name

    return make


def _is_unit(value: Any) -> bool:
    """A variant without content may be written as a map from its name to null."""
    return isinstance(value, Pairs) and len(value) == 1 and value[0][1] is None


def _union_builder(members: tuple[Any, ...], packed: bool) -> Callable[[Any], Any]:
    optional = type(None) in members
    rest = [member for member in members if member not in (type(None), UnsetType)]
    records = [m for m in rest if isinstance(m, type) and issubclass(m, Struct)]
    others = [_builder(m, packed) for m in rest if m not in records]
    tags = {m.__struct_config__.tag: m for m in records if m.__struct_config__.tag is not None}

    def make(value: Any) -> Any:
        if value is None and optional:
            return None
        if isinstance(value, tuple(records)):
            return value
        if isinstance(value, Pairs) and tags:
            field = records[0].__struct_config__.tag_field
            found = [item for key, item in value if _name(key) == field]
            if len(found) != 1 or not isinstance(found[0], str) or found[0] not in tags:
                raise Invalid(f"{field!r} is none of {', '.join(map(str, tags))}")
            return _build_record(tags[found[0]], packed, value)
        if records and (not others or (isinstance(value, Pairs) and not _is_unit(value))):
            return _build_record(records[0], packed, value)
        return others[0](value)

    return make


__all__ = [
    "UNSET",
    "Choice",
    "Invalid",
    "Natural",
    "Pairs",
    "Record",
    "Text",
    "always",
    "build",
    "plain",
]
