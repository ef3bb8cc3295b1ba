"""What stands for what: one replacement for each text, number and hash of a run."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from itertools import pairwise

from lashgraph.format import jsontext, packed
from lashgraph.frames.calls import FAILED
from lashgraph.redact.filler import BRIEF, Filler, is_repetitive
from lashgraph.redact.json_text import NoJsonError, rewritten
from lashgraph.redact.shapes import FREE
from lashgraph.redact.words import ID_WORDS, LITERALS, NUMBERED, SHORTEST, is_own, words_in

_ATTEMPTS = 4096
_MAY_STAY = 256
_LENIENT = 512
_TEXTS = 20_000
_SAID = (0, 2, 4)
"""What stands outside of a block of code, its language, and the code."""
_LONGEST_NAME = 512
_NAME = re.compile(r"[^\s\"\\\x00-\x1f]+")
_DELIMITERS = re.compile(r"([:./])")
_HEX_RUN = re.compile(r"([0-9a-f]{64,})")
_FENCED = re.compile(r"((?:^|(?<=\n))```)([^\n`]*)(\n)(.*?)(\n```)", re.DOTALL)
_NUMBER = re.compile(r"(-[0-9]+)|(-?[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+|-[0-9]+\.[0-9]+)")
_WIDTHS = (1 << 7, 1 << 8, 1 << 16, 1 << 32, 1 << 64)
_NEGATIVE_WIDTHS = (32, 1 << 7, 1 << 15, 1 << 31, 1 << 63)


class Replacer:
    """The replacements of a run; two texts never get the same, as far as their length allows.

    Parameters
    ----------
    secret : bytes
        What the replacements are drawn with.
    inputs : container of bytes
        The words of all inputs: no replacement holds one of them.

    Attributes
    ----------
    new_keys : dict of str to str
        The new hash of each blob, by its old one; whoever finds them fills it, a blob only after
        those that its content names.
    kept : set of str
        What was left as it is, though it looks like a secret: counts, and the keys of blobs that
        say nothing but the format's own words.
    """

    def __init__(self, secret: bytes, inputs: Container[bytes] = ()) -> None:
        self.new_keys: dict[str, str] = {}
        self._filler = Filler(secret, inputs)
        self._inputs = inputs
        self.kept: set[str] = set()
        self._texts: dict[str, str] = {}
        self._given: dict[tuple[str, str], str] = {}
        self._taken: set[tuple[str, str]] = set()

    def text(self, text: str) -> str:
        """The replacement of a text.

        JSON stays JSON of the same shape, names keep their colons, dots and slashes, hashes stay
        hashes, and blocks of code stay blocks; anything else becomes filler as a whole.
        """
        if not text or text.isspace() or text in LITERALS or text in ID_WORDS:
            return text
        made = self._texts.get(text)
        if made is None:
            core = text.strip()
            start, end = text.split(core, 1)
            made = start + self._replaced(core) + end
            if len(self._texts) > _TEXTS:
                self._texts.clear()
            self._texts[text] = made
        return made

    def _replaced(self, text: str) -> str:
        if text.startswith(FAILED):
            rest = text[len(FAILED) :]
            again = rest.lstrip().startswith(FAILED)
            return FAILED + (self._filled(rest) if again else self.text(rest))
        if text[0] in '{["':
            try:
                return rewritten(text, FREE, self)
            except NoJsonError:
                pass
        if "```" in text and _FENCED.search(text):
            pieces = enumerate(_FENCED.split(text))
            return "".join(self.text(p) if i % 6 in _SAID else p for i, p in pieces)
        if len(text) >= 64 and _HEX_RUN.search(text):
            pieces = enumerate(_HEX_RUN.split(text))
            return "".join(self.hashes(p) if i % 2 else self.text(p) for i, p in pieces)
        if (number := _NUMBER.fullmatch(text)) is not None:
            return self.integer(text) if number[1] else self.real(text)
        if len(text) <= _LONGEST_NAME and _NAME.fullmatch(text):
            made = "".join(map(self._name, _DELIMITERS.split(text)))
            if not self._says_an_input(made.encode("utf-8", "surrogatepass")):
                return made
        return self._filled(text)

    def count(self, text: str) -> str:
        """A number that is kept."""
        self.kept.update(word.decode() for word in words_in(text.encode()))
        return text

    def integer(self, text: str) -> str:
        """The replacement of a whole number: as many digits, as wide in MessagePack."""
        sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
        zeros = len(digits) - len(digits.lstrip("0"))
        if zeros:
            return sign + digits[:zeros] + (self.integer(digits[zeros:]) if digits[zeros:] else "")
        low, high = _alike(digits, negative=bool(sign))
        n_high = _high_bytes(int(text))

        def drawn(attempt: int) -> str:
            seed = self._filler.digest(b"integer", text.encode(), attempt)
            made = f"{sign}{low + int.from_bytes(seed, 'big') % (high - low)}"
            return made if _high_bytes(int(made)) == n_high else text

        return self._fresh("integer", text, drawn)

    def real(self, text: str) -> str:
        """The replacement of a number with a fraction or an exponent: as long, zeros stay."""
        if not text.strip("-0."):
            return text
        mantissa, mark, exponent = re.split(r"([eE]|$)", text, maxsplit=1)
        shown = _float_text(text)
        canonical = shown == text
        n_high = 0 if shown is None else _high_bytes(float(text))

        def drawn(attempt: int) -> str:
            stream = self._filler.digest(b"real", text.encode(), attempt, len(mantissa))
            digits = [
                str(1 + byte % 9) if "1" <= old <= "9" else old
                for old, byte in zip(mantissa, stream, strict=True)
            ]
            made = "".join(digits) + mark + exponent
            known = _float_text(made)
            fits = known == made if canonical else known is not None
            same = known is not None and _high_bytes(float(made)) == n_high
            return made if (fits and same) or attempt > _LENIENT else text

        return self._fresh("real", text, drawn)

    def hashes(self, run: str) -> str:
        """The replacement of 64 and more hex digits; each blob named in them gets its new name."""
        if len(run) == 64 and run in self.new_keys:
            return self.new_keys[run]
        drawn = self._filler.digest(b"hash", run.encode(), 0, len(run) // 2 + 1).hex()[: len(run)]
        made = list(drawn)
        at = 0
        while len(run) > 64 and at + 64 <= len(run):
            known = self.new_keys.get(run[at : at + 64])
            if known is not None:
                made[at : at + 64] = known
            at += 1 if known is None else 64
        return "".join(made)

    def octets(self, data: bytes, is_wrong: Callable[[bytes], bool] | None = None) -> bytes:
        """The replacement of bytes that are no text; one that `is_wrong` is drawn again."""
        for attempt in range(_ATTEMPTS):
            made = self._filler.octets(data, attempt)
            if made != data and not self._says_an_input(made) and not (is_wrong and is_wrong(made)):
                break
        return made

    def _name(self, part: str) -> str:
        """The replacement of a part of a name."""
        if not part or part in ":./" or part in ID_WORDS or NUMBERED.fullmatch(part):
            return part
        if part.isascii() and part.isdigit():
            return self.integer(part)
        return self._filled(part)

    def _filled(self, text: str) -> str:
        if text.isspace():
            return text
        return self._fresh("text", text, lambda attempt: self._filler.text(text, attempt))

    def _fresh(self, kind: str, text: str, drawn: Callable[[int], str]) -> str:
        """The first that is drawn which no other text has and which holds no word of the inputs."""
        brief = len(text) < BRIEF or is_repetitive(text)
        if brief and (kind, text) in self._given:
            return self._given[kind, text]
        made = text
        for attempt in range(_ATTEMPTS):
            made = drawn(attempt)
            stays = made == text and not (brief and attempt > _MAY_STAY)
            if stays or (brief and (kind, made) in self._taken):
                continue
            if not self._says_an_input(made.encode("utf-8", "surrogatepass")):
                break
        if brief:
            self._given[kind, text] = made
            self._taken.add((kind, made))
        return made

    def _says_an_input(self, made: bytes) -> bool:
        if len(made) < SHORTEST:
            return False
        return any(word in self._inputs for word in words_in(made) if not is_own(word))


def _alike(digits: str, *, negative: bool) -> tuple[int, int]:
    """The range of numbers with as many digits and as wide in MessagePack."""
    value, size = int(digits), len(digits)
    bounds = [0, *(_NEGATIVE_WIDTHS if negative else _WIDTHS)]
    low, high = 10 ** (size - 1), 10**size
    for start, end in pairwise(bounds):
        inside = start < value <= end if negative else start <= value < end
        if inside:
            first, last = (start + 1, end + 1) if negative else (start, end)
            return max(low, first), min(high, last)
    return max(low, bounds[-1]), high


def _high_bytes(value: float) -> int:
    """How many bytes of a number in MessagePack are 128 and above: in a blob each takes two."""
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        return 0
    return sum(byte >> 7 for byte in packed.pack(value))


def _float_text(text: str) -> str | None:
    """How the runtime writes the number; None for one that is beyond a double."""
    try:
        return jsontext.float_text(float(text))
    except (jsontext.JsonError, ValueError, OverflowError):
        return None
