"""The format's own words: left as they are wherever they stand, and never searched for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lashgraph.frames.calls import FAILED
from lashgraph.redact import shapes, tables

LITERALS = frozenset({"true", "false", "null"})
"""JSON's own words."""

ID_WORDS = frozenset(
    {
        *("root", "frame", "initial", "message", "protocol", "plugin", "wake", "turn"),
        *("lashlang", "v1", "sha256"),
    }
)
"""Words that lash puts into ids."""

NUMBERED = re.compile(r"(?:turn-|rlm_step_|p)[0-9]{1,6}")
"""Parts of ids that count."""

KEYS = frozenset({"archive_hash"})
"""Keys that mean the same wherever they stand in a node."""

TIME = re.compile(
    rb"unix:[0-9]{1,12}(?![0-9])"
    rb"|[0-9]{4}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9]:[0-6][0-9]"
    rb"(?:\.[0-9]{1,9})?(?:Z|[+-][0-2][0-9]:[0-5][0-9])?"
)
"""Times as lash writes them."""

SHORTEST = 4
"""Letters and digits of the shortest word that is searched for."""

SHORTEST_NUMBER = 9
"""Digits of the shortest number that is searched for: every store has most shorter ones."""

SHORTEST_TOKEN = 8
"""Bytes of the shortest run without spaces and quotes that is searched for as a whole."""

_WORD = re.compile(rb"[0-9A-Za-z\x80-\xff]{%d,}" % SHORTEST)
_TOKEN = re.compile(rb"[^\s\"\\,;{}\[\]()<>`\x00-\x1f]{%d,}" % SHORTEST_TOKEN)
SIGNS = b"!#$%&'*+-./:=?@^_|~"
_DELIMITER = re.compile(rb"[:./]")
_ESCAPE = re.compile(rb"\\+(?:u[0-9a-fA-F]{4}|[\"/bfnrt])?")


def words_in(piece: bytes) -> Iterator[bytes]:
    """The words of a text, and its longer runs without spaces, each once; times are left out.

    Words are runs of letters and digits. JSON's escapes count as spaces, so that a text gives the
    same words as it is and inside of JSON.

    Examples
    --------
    >>> sorted(words_in(b'"see /home/ada/x.py at 2026-01-01T00:00:00Z"'))
    [b'/home/ada/x.py', b'home']
    """
    if b"\\" in piece:
        piece = _ESCAPE.sub(b" ", piece)
    piece = TIME.sub(b" ", piece)
    for word in {*_WORD.findall(piece), *_TOKEN.findall(piece)}:
        if not _is_short_number(word):
            yield word


def _is_short_number(word: bytes) -> bool:
    """Whether a word is made of digits and signs only, few of them or none but zeros."""
    digits = word.translate(None, SIGNS)
    if not digits.isdigit():
        return not digits
    return len(digits) < SHORTEST_NUMBER or not digits.strip(b"0")


def is_own(word: bytes) -> bool:
    """Whether the format itself writes a word, be it made of several."""
    return word in OWN_WORDS or all(map(_is_own_part, _DELIMITER.split(word)))


def _is_own_part(part: bytes) -> bool:
    text = part.decode("ascii", "replace")
    return not text or text in ID_WORDS or NUMBERED.fullmatch(text) is not None


def _own() -> frozenset[bytes]:
    kept = {*LITERALS, *ID_WORDS, *KEYS, *tables.WORDS, FAILED, *tables.DDL, "rlm_step_0"}
    kept |= {name for shape in shapes.ALL for name in shapes.names_in(shape)}
    texts = [text.encode() for text in kept]
    joined = [f"{prefix}_{table.name}" for prefix in _AUTOMATIC for table in tables.TABLES]
    joined += [f"{name}_{number}" for name in joined for number in (1, 2)]
    texts += [text.encode() for text in joined]
    return frozenset(word for text in texts for word in (text, *words_in(text)))


_AUTOMATIC = ("sqlite_autoindex",)

OWN_WORDS = _own()
"""What is not searched for: names of tables, keys, kinds and the like."""
