"""Arguments that are not what an operation takes, told in one way."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from typing import TypeVar

from lashgraph.errors import InvalidRecordError

T = TypeVar("T")

_short = reprlib.Repr()
_short.maxlevel, _short.maxstring, _short.maxother = 3, 120, 120


def shown(value: object) -> str:
    """The repr of any value, cut in length and depth."""
    return _short.repr(value)


def as_list(values: Iterable[T], name: str, of: str) -> list[T]:
    """The values as a list; a text or bytes would be taken letter by letter.

    Raises
    ------
    InvalidRecordError
        They cannot be gone through.
    """
    if not isinstance(values, (str, bytes)):
        try:
            iterator = iter(values)
        except TypeError:
            pass
        else:
            return list(iterator)
    raise InvalidRecordError(f"{name} is a list of {of}, not {shown(values)}")


def as_text(value: object, name: str) -> str:
    """The value, if it is a text.

    Raises
    ------
    InvalidRecordError
        It is none.
    """
    if not isinstance(value, str):
        raise InvalidRecordError(f"{name} is a text, not {shown(value)}")
    return value


def as_texts(values: Iterable[str], name: str) -> list[str]:
    """The values as a list of texts.

    Raises
    ------
    InvalidRecordError
        They are no list, or one of them is no text.
    """
    return [as_text(value, f"each of {name}") for value in as_list(values, name, "texts")]


def as_count(value: object, name: str) -> int:
    """A number of 0 or more.

    Raises
    ------
    InvalidRecordError
        It is none.
    """
    if type(value) is not int or value < 0:
        raise InvalidRecordError(f"{name} is a count of 0 or more, not {shown(value)}")
    return value
