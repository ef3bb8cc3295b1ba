"""JSON rewritten in place: token by token, each as long as before."""

from __future__ import annotations

import json
import re
from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Protocol

from lashgraph.redact.characters import class_of
from lashgraph.redact.shapes import FREE, Shape
from lashgraph.redact.words import KEYS, TIME

_TOKEN = re.compile(
    r'[ \t\n\r]*(?:("[^"\\]*(?:\\.[^"\\]*)*")'
    r"|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
    r"|(true|false|null)|([\[{])|([\]}])|([,:]))",
    re.DOTALL,
)
_UNIT = re.compile(r"\\u([0-9a-fA-F]{4})|\\(.)|(.)", re.DOTALL)
_SPACE = re.compile(r"[ \t\n\r]*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "\\": "\\", "/": "/"}
_LETTERS = {meant: letter for letter, meant in _ESCAPES.items()}


class NoJsonError(ValueError):
    """A text is no JSON."""


class Replacements(Protocol):
    """What stands for what."""

    def text(self, text: str, /) -> str:
        """What stands for a text."""
        ...

    def integer(self, text: str, /) -> str:
        """What stands for a whole number."""
        ...

    def real(self, text: str, /) -> str:
        """What stands for any other number."""
        ...

    def count(self, text: str, /) -> str:
        """A number that is kept."""
        ...


def rewritten(text: str, shape: Shape, replace: Replacements) -> str:
    """A JSON text with what its shape does not keep replaced.

    Raises
    ------
    NoJsonError
        It is none.
    """
    writer = _Writer(shape, replace)
    end = 0
    for found in _tokens(text):
        writer.take(found)
        end = found.end()
        if writer.complete:
            break
    tail = text[end:]
    if not writer.complete or _SPACE.fullmatch(tail) is None:
        raise NoJsonError("not one JSON value")
    return "".join([*writer.made, tail])


def with_tail(text: str, shape: Shape, replace: Replacements) -> str:
    """The same for a value that something else follows, which is replaced as a text."""
    writer = _Writer(shape, replace)
    end = 0
    for found in _tokens(text):
        writer.take(found)
        end = found.end()
        if writer.complete:
            return "".join(writer.made) + loose(text[end:], replace)
    raise NoJsonError("no JSON value")


def loose(text: str, replace: Replacements) -> str:
    """A text that is no JSON with what it says replaced; its escapes stay escapes."""
    units = list(_units(text, quoted=False))
    return _restyled(units, replace.text("".join(meant for meant, _ in units)))


def _tokens(text: str) -> Iterator[re.Match[str]]:
    at = 0
    while (found := _TOKEN.match(text, at)) is not None:
        yield found
        at = found.end()


class _Writer:
    """Takes tokens one by one, checks that they are in order, and gathers what to write."""

    def __init__(self, shape: Shape, replace: Replacements) -> None:
        self.made: list[str] = []
        self.complete = False
        self._replace = replace
        self._open: list[_Open] = []
        self._shape = shape
        self._wanted = "value"

    def take(self, found: re.Match[str]) -> None:
        """Take the next token."""
        text, number, literal, opening, closing, mark = found.groups()
        space = found[0][: -len(found[0].lstrip(" \t\n\r"))] if found[0][:1].isspace() else ""
        self.made.append(space)
        if mark is not None:
            self._mark(mark)
        elif closing is not None:
            self._close(closing)
        elif self._wanted in ("key", "key or end"):
            self._key(text)
        elif self._wanted not in ("value", "value or end"):
            raise NoJsonError("a value too many")
        elif opening is not None:
            self._begin(opening)
        else:
            self.made.append(self._scalar(text, number, literal))
            self._ended()

    def _mark(self, mark: str) -> None:
        if mark != self._wanted[:1]:
            raise NoJsonError(f"{mark!r} is out of place")
        self.made.append(mark)
        here = self._open[-1]
        if mark == ":":
            self._wanted, self._shape = "value", here.inner
        elif here.is_object:
            self._wanted = "key"
        else:
            here.position += 1
            self._wanted, self._shape = "value", here.shape.at(here.position)

    def _begin(self, opening: str) -> None:
        self.made.append(opening)
        self._open.append(_Open(self._shape, opening == "{"))
        self._wanted = "key or end" if opening == "{" else "value or end"
        self._shape = self._shape.at(0)

    def _close(self, closing: str) -> None:
        ends = self._wanted.endswith("or end") or self._wanted == ",end"
        if not ends or not self._open or (closing == "}") != self._open[-1].is_object:
            raise NoJsonError(f"{closing!r} is out of place")
        self.made.append(closing)
        self._open.pop()
        self._ended()

    def _ended(self) -> None:
        self.complete = not self._open
        self._wanted = ",end"

    def _key(self, token: str | None) -> None:
        if token is None:
            raise NoJsonError("a key is no text")
        here = self._open[-1]
        key = _meaning(token)
        here.inner = here.shape.under(key)
        keeps = key in here.shape.fields or key in KEYS
        self.made.append(token if keeps else _quoted(token, key, self._replace.text(key)))
        self._wanted = ":"

    def _scalar(self, token: str | None, number: str | None, literal: str | None) -> str:
        shape = self._shape
        if token is not None:
            text = _meaning(token)
            if keeps_text(text, shape):
                return token
            return _quoted(token, text, self._replace.text(text))
        if literal is not None:
            return literal
        assert number is not None
        if shape.numbers:
            return self._replace.count(number)
        whole = number.lstrip("-").isdigit()
        return self._replace.integer(number) if whole else self._replace.real(number)


class _Open:
    """An array or object that has not ended yet."""

    def __init__(self, shape: Shape, is_object: bool) -> None:
        self.shape = shape
        self.is_object = is_object
        self.position = 0
        self.inner = FREE


def keeps_text(text: str, shape: Shape) -> bool:
    """Whether a text is one of those that its place keeps."""
    if text in shape.words:
        return True
    return shape.times and text.isascii() and TIME.fullmatch(text.encode()) is not None


def _meaning(token: str) -> str:
    """What a JSON text says."""
    if "\\" not in token:
        return token[1:-1]
    try:
        said: str = json.loads(token, strict=False)
    except ValueError as error:
        raise NoJsonError(f"no JSON text: {error}") from None
    return said


def _units(body: str, *, quoted: bool = True) -> Iterator[tuple[str, str]]:
    """The characters of a text and how each is written: raw, short, or by one or two numbers."""
    if quoted and "\\" not in body:
        for character in body:
            yield character, "raw"
        return
    high: str | None = None
    for found in _UNIT.finditer(body):
        number, short, raw = found.groups()
        if number is not None:
            character = chr(int(number, 16))
            if high is not None and "\udc00" <= character <= "\udfff":
                pair = (high + character).encode("utf-16", "surrogatepass").decode("utf-16")
                high = None
                yield pair, "pair"
                continue
            if high is not None:
                yield high, "number"
            high = character if "\ud800" <= character <= "\udbff" else None
            if high is None:
                yield character, "number"
            continue
        if high is not None:
            yield high, "number"
            high = None
        if short is None:
            yield raw, "raw"
        elif quoted:
            yield _ESCAPES[short], "short"
        else:
            yield "\\", "raw"
            yield short, "raw"
    if high is not None:
        yield high, "number"


def _quoted(token: str, text: str, made: str) -> str:
    """A replacement as a JSON text that is as long as the token."""
    if json.dumps(text, ensure_ascii=False) == token:
        return json.dumps(made, ensure_ascii=False)
    return f'"{_restyled(list(_units(token[1:-1])), made)}"'


def _restyled(units: list[tuple[str, str]], made: str) -> str:
    """A replacement written as the characters of the text were, class by class."""
    styles: defaultdict[str, deque[str]] = defaultdict(deque)
    for meant, style in units:
        styles[class_of(meant)].append(style)
    out = []
    for character in made:
        waiting = styles[class_of(character)]
        style = waiting.popleft() if waiting else "raw"
        if style == "number":
            out.append(f"\\u{ord(character):04x}")
        elif style == "pair":
            code = ord(character) - 0x10000
            out.append(f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}")
        elif style == "short" and character in _LETTERS:
            out.append("\\" + _LETTERS[character])
        else:
            out.append(character)
    return "".join(out)
