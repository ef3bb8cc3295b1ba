"""Texts from stores in pictures: on one line, never as mathematics or TeX, nothing invisible."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache

from matplotlib import rcParams
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Text

_CUT = "…"
_NO_GLYPH = "\N{REPLACEMENT CHARACTER}"


def one_line(text: object, most: int = 32) -> str:
    r"""A text from a store as a label.

    Characters that act instead of being seen are written as Python writes them, those that no
    configured font has become the replacement character, and a long text loses its middle.

    Parameters
    ----------
    most : int
        Characters at most.

    Examples
    --------
    >>> one_line("a\nb\x1b[0m")
    'a b\\x1b[0m'
    >>> one_line("session-0123456789", most=11)
    'sessi…56789'
    """
    cut = " ".join(str(text)[: 64 * most].split())
    shown = "".join(map(_visible, cut))
    if len(shown) > most:
        head = most // 2
        shown = f"{shown[:head]}{_CUT}{shown[len(shown) - (most - head - 1) :]}"
    fonts = _fonts(tuple(rcParams["font.family"]), tuple(rcParams["font.sans-serif"]))
    return "".join([one if one.isascii() or _has(one, fonts) else _NO_GLYPH for one in shown])


@lru_cache(4096)
def _visible(one: str) -> str:
    return one if one.isprintable() else one.encode("unicode_escape").decode()


@cache
def _fonts(families: tuple[str, ...], sans: tuple[str, ...]) -> tuple[str, ...]:
    """The files in which matplotlib looks for a character."""
    found = []
    for name in [each for family in families for each in (sans if "sans" in family else (family,))]:
        try:
            found.append(findfont(FontProperties(family=[name]), fallback_to_default=False))
        except ValueError:
            continue
    return tuple(found)


@lru_cache(4096)
def _has(one: str, fonts: tuple[str, ...]) -> bool:
    return any(get_font(path).get_char_index(ord(one)) for path in fonts)


def plain(texts: Iterable[Text]) -> None:
    r"""Draw texts letter by letter: ``$`` and ``\\`` mean nothing in them."""
    for text in texts:
        text.set_parse_math(False)
        text.set_usetex(False)
