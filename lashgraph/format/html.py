"""HTML: the one place where texts become markup, each escaped."""

from __future__ import annotations

import html
import re

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_VOID = {"br", "col", "img"}
_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
    "\ufeff\ufffe\uffff\U000e0000-\U000e007f]"
)


class Markup(str):
    """A text that is HTML already."""

    __slots__ = ()


def visible(text: str) -> str:
    r"""A text without characters that act instead of being seen.

    Control characters (save tab and line feed) become their pictures; what turns the direction of
    a text, so that it shows in another order than it has, becomes the replacement character, and
    so do Unicode's separators of lines, its byte order mark, its tags, which nobody sees, halves of
    surrogate pairs, and what no document may hold.

    Examples
    --------
    >>> visible("a\x00b\x1b[0m\ud800")
    'a␀b␛[0m�'
    """
    return _ACTING.sub(_picture, text.replace("\r\n", "\n"))


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"


def escape(text: object) -> Markup:
    """A text as HTML; markup stays what it is.

    Examples
    --------
    >>> escape("<b>&'")
    '&lt;b&gt;&amp;&#x27;'
    """
    return text if isinstance(text, Markup) else Markup(html.escape(visible(str(text))))


def element(tag: str, *content: object, **attributes: object) -> Markup:
    """An element with its content and attributes escaped.

    Parameters
    ----------
    tag : str
        Name of the element; one such as ``img`` has no content and no end.
    *content
        Texts, which are escaped, and markup.
    **attributes
        Values of attributes; of ``class_`` the underscore is dropped.

    Examples
    --------
    >>> element("p", "1 < 2 ", element("b", "&"), class_="a")
    '<p class="a">1 &lt; 2 <b>&amp;</b></p>'
    """
    named = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    for name in (tag, *named):
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of an element or attribute")
    head = "".join(f' {name}="{escape(value)}"' for name, value in named.items())
    end = "" if tag in _VOID else f"{''.join(map(escape, content))}</{tag}>"
    return Markup(f"<{tag}{head}>{end}")


def page(title: str, style: str, *content: object, images: bool = False) -> str:
    """A whole document that loads and runs nothing.

    Parameters
    ----------
    title : str
        Escaped.
    style : str
        Style sheet of our own.
    *content
        Texts, which are escaped, and markup.
    images : bool
        Whether it may show images whose data stand in the document itself.
    """
    allowed = "style-src 'unsafe-inline'" + ("; img-src data:" if images else "")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        f"content=\"default-src 'none'; {allowed}\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"{element('title', title)}\n<style>{style}</style>\n</head>\n<body>\n"
        f"{''.join(map(escape, content))}\n</body>\n</html>\n"
    )
