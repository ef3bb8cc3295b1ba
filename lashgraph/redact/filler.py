"""Replacements of texts: as long as the text in every form, and about as compressible.

What a filler says is drawn from a keyed stream; what it keeps of the text is how many characters of
each class it has, whether it has spaces, and roughly how well it compresses.
"""

from __future__ import annotations

import hashlib
import random
import zlib
from collections.abc import Container, Sequence

from lashgraph.redact.characters import BREAKS, QUOTES, Class, counted

LETTERS = "ghjklmpqsvwxyz"
"""Letters of fillers: no vowels and no hex digits, so that no word and no hash comes out."""

_DENSE = "GHJKLMPQSVWXYZghjklmpqsvwxyz!#$%&'()*+-;<=>?@^_|~"
_PLAIN = _DENSE + "ABCDEFINORTUabcdefinortu`{}[],"
_SAMPLE = 256
_REPEATED, _PROSE, _RANDOM = 0.12, 0.45, 0.68
_UNIT = 24
_UNIQUE = 20
"""Letters at the beginning that are drawn one by one: they tell one filler from another."""

BRIEF = 64
"""Characters from which on no two fillers are the same by chance; shorter ones are compared."""

_LETTERS_FROM, _WIDE_FROM = 3, 16
"""From which attempt on letters are drawn one by one, and from which on any characters."""

_N_WORDS, _N_PHRASES = 96, 24
_LENGTHS = (2, 3, 3, 4, 4, 5, 5, 6, 7, 9)

_LOW = bytes(range(0x80))
_SIGNS = bytes(code for code in _LOW if not chr(code).isalnum())
_MUTE = bytes(_SIGNS[code % len(_SIGNS)] for code in range(256))

_USUAL: dict[Class, str] = {
    "quote": '"',
    "break": "\n",
    "control": "\x01",
    "two": "äëïöüøåñçß",
    "three": "一二三四五六七八九十",
    "four": "🟠🟡🟢🟣🟤🟥🟦🟧🟨🟩",
    "broken": "\udcff",
    "half": "\ud800",
}
USUAL = frozenset(LETTERS).union(*_USUAL.values())
"""The characters that nearly all fillers are made of."""

_WIDE: dict[Class, str] = {
    "quote": QUOTES,
    "break": BREAKS,
    "control": "".join(chr(code) for code in range(1, 0x20) if chr(code) not in BREAKS),
    "two": "".join(map(chr, range(0xC0, 0x250))) + "".join(map(chr, range(0x391, 0x5D0))),
    "three": "".join(map(chr, range(0x4E00, 0x6E00))),
    "four": "".join(map(chr, range(0x20000, 0x21000))),
    "broken": "".join(map(chr, range(0xDC80, 0xDD00))),
    "half": "".join(map(chr, range(0xD800, 0xDC00))),
}


class Filler:
    """Makes fillers from a secret; the same text and number of try give the same filler.

    Parameters
    ----------
    secret : bytes
        The key.
    inputs : container of bytes
        Words that the fillers of prose are not made of.
    """

    def __init__(self, secret: bytes, inputs: Container[bytes] = ()) -> None:
        self._secret = secret
        draw = random.Random(self.digest(b"words", b"", 0))
        self._words: list[str] = []
        while len(self._words) < _N_WORDS:
            word = "".join(draw.choices(LETTERS, k=draw.choice(_LENGTHS)))
            if word.encode() not in inputs:
                self._words.append(word)
        self._phrases = [
            " ".join(draw.choices(self._words, k=draw.choice((4, 5, 6)))) for _ in range(_N_PHRASES)
        ]

    def digest(self, purpose: bytes, data: bytes, attempt: int, size: int = 32) -> bytes:
        """Bytes that only the secret tells: a hash keyed with it."""
        state = hashlib.shake_256(self._secret)
        for part in (purpose, attempt.to_bytes(4, "big"), data):
            state.update(len(part).to_bytes(8, "big"))
            state.update(part)
        return state.digest(size)

    def text(self, text: str, attempt: int = 0) -> str:
        """A filler for a text that is not blank; later attempts use more characters."""
        data = text.encode("utf-8", "surrogatepass")
        draw = random.Random(self.digest(b"text", data, attempt))
        counts = counted(text)
        wide = attempt > _WIDE_FROM
        plain = self._plain(text, data, counts["plain"], draw, attempt)
        if len(plain) == len(text):
            return plain
        breaks = ""
        for kind, times in counts.items():
            if kind == "plain":
                continue
            alphabet = (_WIDE if wide else _USUAL)[kind]
            run = _run(alphabet, times, draw)
            if kind == "break" and len(plain) > 1:
                breaks = run
            else:
                at = draw.randrange(len(plain)) if plain else 0
                plain = plain[:at] + run + plain[at:]
        return _spread(plain, breaks) if breaks else plain

    def octets(self, data: bytes, attempt: int = 0) -> bytes:
        """A filler for bytes that are no text: without letters, and as many are 128 and above."""
        draw = random.Random(self.digest(b"octets", data, attempt))
        size, n_high = len(data), len(data.translate(None, _LOW))
        if _density(data) < _PROSE:
            unit = draw.randbytes(_UNIT)
            drawn = (draw.randbytes(min(size, _UNIQUE)) + unit * (size // _UNIT + 1))[:size]
            high: Sequence[int] = range(size - n_high, size)
        else:
            drawn = draw.randbytes(size)
            high = draw.sample(range(size), n_high)
        made = bytearray(drawn.translate(_MUTE))
        for place in high:
            made[place] = drawn[place] | 0x80
        return bytes(made)

    def _plain(self, text: str, data: bytes, size: int, draw: random.Random, attempt: int) -> str:
        """The characters that JSON does not escape."""
        density = _density(data)
        if density < _REPEATED:
            return _repeated(size, int(density * size) // 4 - _UNIT + 2 * attempt, draw)
        if attempt > _LETTERS_FROM:
            alphabet = _PLAIN if attempt > _WIDE_FROM else LETTERS
            return "".join(draw.choices(alphabet, k=size))
        between = " " if " " in text else ""
        if len(text) < BRIEF:
            return self._told(draw, size, between)
        if density > _RANDOM:
            return "".join(draw.choices(_DENSE, k=size))
        if not between:
            return "".join(draw.choices(LETTERS, k=size))
        start = "".join(draw.choices(LETTERS, k=min(size, _UNIQUE)))
        words = [start[:4], start[4:9], start[9:12], start[12:]]
        known = self._phrases if density < _PROSE else self._words
        return self._told(draw, size, between, words, known)

    def _told(
        self,
        draw: random.Random,
        size: int,
        between: str,
        start: Sequence[str] = (),
        known: Sequence[str] = (),
    ) -> str:
        """Words, the last one cut, so that they are as long as is wanted."""
        words = list(start)
        length = sum(map(len, words)) + len(between) * len(words)
        while length <= size:
            words.append(draw.choice(known or self._words))
            length += len(words[-1]) + len(between)
        made = between.join(words)[:size]
        return made[:-1] + draw.choice(LETTERS) if made.endswith(" ") else made


def _repeated(size: int, unit: int, draw: random.Random) -> str:
    """A few letters over and over."""
    letters = "".join(draw.choices(LETTERS, k=min(max(unit, 1), _UNIT)))
    return (letters * (size // len(letters) + 1))[:size]


def is_repetitive(text: str) -> bool:
    """Whether a text says a little over and over: then its filler may be that of another, too."""
    return _density(text.encode("utf-8", "surrogatepass")) < _REPEATED


def _run(alphabet: str, size: int, draw: random.Random) -> str:
    """Characters of one class: the first drawn one by one, the others a few over and over."""
    first = "".join(draw.choices(alphabet, k=min(size, _UNIQUE)))
    unit = "".join(draw.choices(alphabet, k=_UNIT))
    return (first + unit * (size // _UNIT + 1))[:size]


def _spread(text: str, breaks: str) -> str:
    """Breaks put into a text at equal distances, but not at its ends."""
    size, made, start = len(text), [], 0
    for number, each in enumerate(breaks, 1):
        end = min(max(1, number * size // (len(breaks) + 1)), size - 1)
        made += [text[start:end], each]
        start = end
    return "".join([*made, text[start:]])


def _density(data: bytes) -> float:
    """Compressed bytes for each byte; of what is short that of prose, which it may be part of."""
    if len(data) < _SAMPLE:
        return 0.4
    return len(zlib.compress(data, 1)) / len(data)
