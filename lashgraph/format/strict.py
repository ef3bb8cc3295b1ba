"""Reading values as strictly, and as leniently, as the runtime's own deserialiser does.

`msgspec` decodes the bulk of well-formed rows. What it cannot see (a known key that stands twice)
or does not take (structs written as arrays, keys that are binary or numbers) is read here: a
parser delivers maps as `Pairs`, and `build` turns such a tree into a record, field by field.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from lashgraph.format.scalars import (
    SIMPLE,
    HalfNatural,
    Invalid,
    Natural,
    Octet,
    Pairs,
    Stamp,
    Text,
    kind_of,
    name_of,
    plain,
    text,
)

T = TypeVar("T")


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
        names = [name_of(key) for key, _ in value]
        unknown += [str(n) for n in names if n not in known and n not in range(len(known))]
    return made


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


def _check_tag(record: Any, tag_field: str, value: Any) -> None:
    """See that a variant says which one it is: one that is no map, or says nothing, is none."""
    pairs = value if isinstance(value, Pairs) else ()
    found = [item for key, item in pairs if name_of(key) == tag_field]
    if found != [record.__struct_config__.tag]:
        raise Invalid(f"{tag_field!r} of {record.__name__} is not {record.__struct_config__.tag!r}")


def _build_record(record: Any, packed: bool, value: Any) -> Any:
    if isinstance(value, record):
        return value
    shape = _shape(record, packed)
    found: dict[str, Any] = {}
    if shape.tag_field is not None:
        _check_tag(record, shape.tag_field, value)
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
        raise Invalid(f"{record.__name__} is {kind_of(value)}, not a map")
    for field in shape.fields:
        if field.required and field.attribute not in found:
            raise Invalid(f"field {field.key!r} of {record.__name__} is missing")
    if shape.exactly_one and None in found.values():
        raise Invalid(f"the variant of {record.__name__} is null")
    return record(**found)


def _from_map(record: Any, shape: Shape, pairs: Pairs) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in pairs:
        name = name_of(key)
        if type(name) not in (str, int) or (type(name) is int and name < 0):
            raise Invalid(f"{kind_of(name)} as a key of {record.__name__}")
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


@cache
def _builder(hint: Any, packed: bool) -> Callable[[Any], Any]:
    """The function that builds a value of a type; types are those that records use."""
    if hint in SIMPLE:
        return SIMPLE[hint]
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
            raise Invalid(f"{kind_of(value)} where an array is needed")
        return [item(one) for one in value]

    return make


def _dict_builder(item: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def make(value: Any) -> Any:
        if not isinstance(value, Pairs):
            raise Invalid(f"{kind_of(value)} where a map is needed")
        return {text(key): item(one) for key, one in value}

    return make


def _literal_builder(names: tuple[Any, ...], packed: bool) -> Callable[[Any], Any]:
    def make(value: Any) -> Any:
        if packed and type(value) is int and 0 <= value < len(names):
            return names[value]
        name = text(value[0][0] if _is_unit(value) else value)
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
            found = [item for key, item in value if name_of(key) == field]
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
    "HalfNatural",
    "Invalid",
    "Natural",
    "Octet",
    "Pairs",
    "Record",
    "Stamp",
    "Text",
    "always",
    "build",
    "plain",
]
