"""MessagePack rewritten in place: value by value, each as long as before."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple, Protocol

from lashgraph.format import jsontext, packed
from lashgraph.redact.json_text import Replacements as TextReplacements
from lashgraph.redact.json_text import keeps_text
from lashgraph.redact.shapes import FREE, Shape
from lashgraph.redact.words import KEYS

_DEEPEST = 200
_NEVER_USED = b"\xc1"
_INTEGERS = {
    0xCC: ">B",
    0xCD: ">H",
    0xCE: ">I",
    0xCF: ">Q",
    0xD0: ">b",
    0xD1: ">h",
    0xD2: ">i",
    0xD3: ">q",
}
_REALS = {0xCA: ">f", 0xCB: ">d"}
_STRINGS = {0xD9: 1, 0xDA: 2, 0xDB: 4}
_BINARIES = {0xC4: 1, 0xC5: 2, 0xC6: 4}
_EXTENSIONS = {0xC7: 1, 0xC8: 2, 0xC9: 4}


class NotPackedError(ValueError):
    """The bytes end too early, are no MessagePack, or are nested too deep."""


class Replacements(TextReplacements, Protocol):
    """What stands for what, bytes too."""

    def octets(self, data: bytes, /) -> bytes:
        """What stands for bytes that are no text."""
        ...


class Octets(NamedTuple):
    """Bytes as they stand in MessagePack.

    Attributes
    ----------
    data : bytes
        The bytes themselves.
    is_binary : bool
        Whether they are written as such, not as an array of integers.
    written : int
        How many bytes they take as they are written.
    """

    data: bytes
    is_binary: bool
    written: int


class Rewriting:
    """One rewriting of MessagePack.

    Parameters
    ----------
    data : bytes
        What is rewritten.
    replace : Replacements
        What stands for what.
    inner : callable
        Gives the bytes that stand for those which a place holds that a shape calls octets.
    """

    def __init__(
        self, data: bytes, replace: Replacements, inner: Callable[[Octets], bytes]
    ) -> None:
        self._data = data
        self._replace = replace
        self._inner = inner
        self._made: list[bytes] = []
        self._at = 0

    def whole(self, shape: Shape) -> bytes:
        """The rewritten value, and what follows it as filler.

        Raises
        ------
        NotPackedError
            There is no value.
        """
        self._value(shape, 0)
        rest = self._data[self._at :]
        return b"".join(self._made) + (self._replace.octets(rest) if rest else b"")

    def as_far_as_readable(self, shape: Shape) -> bytes:
        """The same; from where the value cannot be read any more it stays unreadable."""
        try:
            return self.whole(shape)
        except NotPackedError:
            rest = self._data[self._at :]
            wrong = _NEVER_USED + self._replace.octets(rest)[1:] if rest else b""
            return b"".join(self._made) + wrong

    def _value(self, shape: Shape, depth: int) -> None:
        if depth > _DEEPEST:
            raise NotPackedError("nested too deep")
        if shape.octets and self._octets():
            return
        code = self._data[self._at] if self._at < len(self._data) else None
        if code is None:
            raise NotPackedError("the bytes end too early")
        if (text := self._text_at()) is not None:
            self._put_text(*text, keeps=lambda said: keeps_text(said, shape))
        elif code <= 0x7F or code >= 0xE0 or code in _INTEGERS:
            self._integer(code, keeps=shape.numbers)
        elif code & 0xE0 == 0x80 or 0xDC <= code <= 0xDF:
            self._collection(code, shape, depth)
        elif code in _REALS:
            self._real(_REALS[code])
        elif code in _BINARIES:
            self._opaque(1 + _BINARIES[code], self._number(1, _BINARIES[code]))
        elif code in _EXTENSIONS:
            self._opaque(2 + _EXTENSIONS[code], self._number(1, _EXTENSIONS[code]))
        elif 0xD4 <= code <= 0xD8:
            self._opaque(2, 1 << (code - 0xD4))
        elif code in (0xC0, 0xC2, 0xC3):
            self._put(1, self._data[self._at : self._at + 1])
        else:
            raise NotPackedError(f"a byte {code:#x} that MessagePack does not use")

    def _collection(self, code: int, shape: Shape, depth: int) -> None:
        """An array, or a map, whose keys are texts or numbers of fields."""
        if code < 0xA0:
            head, size = 1, code & 0x0F
        else:
            width = 2 if code in (0xDC, 0xDE) else 4
            head, size = 1 + width, self._number(1, width)
        is_map = code & 0xF0 == 0x80 or code in (0xDE, 0xDF)
        self._put(head, self._data[self._at : self._at + head])
        for position in range(size):
            inner = self._key(shape, depth) if is_map else shape.at(position)
            self._value(inner, depth + 1)

    def _key(self, shape: Shape, depth: int) -> Shape:
        """Rewrite a key; gives the shape of what stands under it."""
        text = self._text_at()
        if text is not None:
            head, size = text
            key = self._bytes(self._at + head, size).decode("utf-8", "replace")
            self._put_text(head, size, keeps=lambda said: said in shape.fields or said in KEYS)
            return shape.under(key)
        code = self._data[self._at] if self._at < len(self._data) else 0xC0
        if code in _BINARIES:
            head = 1 + _BINARIES[code]
            size = self._number(1, _BINARIES[code])
            key = self._bytes(self._at + head, size).decode("utf-8", "replace")
            if key in shape.fields:
                self._put(head + size, self._data[self._at : self._at + head + size])
                return shape.under(key)
        if code < min(len(shape.fields), 0x80):
            self._put(1, bytes([code]))
            return shape.at(code)
        self._value(FREE, depth + 1)
        return FREE

    # Single values

    def _text_at(self) -> tuple[int, int] | None:
        """Length of the head and of the text that comes next; None where no text comes."""
        code = self._data[self._at] if self._at < len(self._data) else 0xC0
        if code & 0xE0 == 0xA0:
            return 1, code & 0x1F
        width = _STRINGS.get(code)
        return None if width is None else (1 + width, self._number(1, width))

    def _put_text(self, head: int, size: int, *, keeps: Callable[[str], bool]) -> None:
        said = self._bytes(self._at + head, size)
        try:
            text = said.decode()
        except UnicodeDecodeError:
            made = self._replace.octets(said)
        else:
            made = said if keeps(text) else self._replace.text(text).encode()
        self._put(head + size, self._data[self._at : self._at + head] + made)

    def _integer(self, code: int, *, keeps: bool) -> None:
        form = _INTEGERS.get(code)
        if form is None:
            value, size = (code if code <= 0x7F else code - 0x100), 1
        else:
            size = 1 + struct.calcsize(form)
            value = struct.unpack(form, self._bytes(self._at + 1, size - 1))[0]
        if keeps:
            self._replace.count(str(value))
            self._put(size, self._bytes(self._at, size))
            return
        made = int(self._replace.integer(str(value)))
        if form is None:
            self._put(1, bytes([made & 0xFF]))
        else:
            most = (1 << (8 * (size - 1) - form[1].islower())) - 1
            self._put(size, bytes([code]) + struct.pack(form, made if made < 0 else made & most))

    def _real(self, form: str) -> None:
        size = struct.calcsize(form)
        value = struct.unpack(form, self._bytes(self._at + 1, size))[0]
        try:
            made = struct.pack(form, float(self._replace.real(jsontext.float_text(value))))
        except (jsontext.JsonError, OverflowError):
            made = self._bytes(self._at + 1, size)
        self._put(1 + size, self._data[self._at : self._at + 1] + made)

    def _opaque(self, head: int, size: int) -> None:
        said = self._bytes(self._at + head, size)
        made = self._replace.octets(said) if said else said
        self._put(head + size, self._bytes(self._at, head) + made)

    def _octets(self) -> bool:
        """Rewrite bytes, be they written as such or as an array; False where it is neither."""
        code = self._data[self._at] if self._at < len(self._data) else 0xC0
        if code in _BINARIES:
            head = 1 + _BINARIES[code]
            size = self._number(1, _BINARIES[code])
            said = self._bytes(self._at + head, size)
            self._put(head + size, self._inner(Octets(said, True, head + size)))
            return True
        if code & 0xF0 != 0x90 and code not in (0xDC, 0xDD):
            return False
        found = packed.octets_at(self._data, self._at)
        if found is not None and packed.pack_octets(found) == self._bytes(
            self._at, size := len(packed.pack_octets(found))
        ):
            self._put(size, self._inner(Octets(found, False, size)))
            return True
        return self._odd_octets()

    def _odd_octets(self) -> bool:
        """An array of integers in other forms than the runtime writes them."""
        unpacker = packed.new_unpacker(len(self._data))
        unpacker.feed(self._data[self._at :])
        try:
            value = packed.read_value(unpacker)
            data = bytes(value) if set(map(type, value)) <= {int} else None
        except (packed.PackedError, ValueError):
            return False
        if data is None:
            return False
        size = unpacker.tell()
        self._put(size, self._inner(Octets(data, False, size)))
        return True

    # Bytes

    def _number(self, offset: int, width: int) -> int:
        return int.from_bytes(self._bytes(self._at + offset, width), "big")

    def _bytes(self, start: int, size: int) -> bytes:
        found = self._data[start : start + size]
        if len(found) < size:
            raise NotPackedError("the bytes end too early")
        return found

    def _put(self, read: int, made: bytes) -> None:
        self._made.append(made)
        self._at += read


def pack(octets: Octets, data: bytes) -> bytes:
    """Write bytes as others were written."""
    if not octets.is_binary:
        return packed.pack_octets(data)
    for code, width in _BINARIES.items():
        if len(data) < 1 << (8 * width):
            return bytes([code]) + len(data).to_bytes(width, "big") + data
    raise NotPackedError("4 GiB and more in one place")
