"""Classes of characters: those that take the same room in UTF-8, in JSON and in MessagePack.

A replacement has as many characters of each class as the text had, so that it takes the same room
in every form in which the format writes a text, JSON inside of JSON too.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

Class = Literal["plain", "quote", "break", "control", "two", "three", "four", "broken", "half"]

QUOTES = '"\\'
BREAKS = "\n\r\t\b\f"


def class_of(character: str) -> Class:
    r"""The class of one character.

    ``plain`` and the rest of ASCII take one byte in UTF-8; ``quote``, ``break`` and ``control``
    are escaped in JSON; ``broken`` stands for a byte that is no UTF-8, ``half`` for half of a
    surrogate pair, which JSON can write and UTF-8 cannot.

    Examples
    --------
    >>> [class_of(c) for c in 'a"\n\x01é日🦀']
    ['plain', 'quote', 'break', 'control', 'two', 'three', 'four']
    """
    if character in QUOTES:
        return "quote"
    code = ord(character)
    if 0x20 <= code < 0x80:
        return "plain"
    if code < 0x20:
        return "break" if character in BREAKS else "control"
    if code < 0x800:
        return "two"
    if code >= 0x10000:
        return "four"
    if 0xDC80 <= code <= 0xDCFF:
        return "broken"
    return "half" if 0xD800 <= code <= 0xDFFF else "three"


def counted(text: str) -> Counter[Class]:
    """How many characters of each class a text has."""
    if text.isascii() and text.isprintable():
        quotes = text.count('"') + text.count("\\")
        return Counter({"plain": len(text) - quotes, "quote": quotes})
    found: Counter[Class] = Counter()
    for character, times in Counter(text).items():
        found[class_of(character)] += times
    return found
