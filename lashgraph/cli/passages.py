"""Lines and longer texts: wrapped and set in on a terminal, as they are in a pipe."""

from __future__ import annotations

from rich.padding import Padding
from rich.text import Text

from lashgraph.cli.output import Output, visible

_TAB = 4


def line(out: Output, text: Text) -> None:
    """One line, cut at the edge of a terminal."""
    if out.as_json:
        return
    if out.console.is_terminal:
        out.console.print(text, no_wrap=True, overflow="ellipsis", crop=True)
    else:
        out.console.print(text, soft_wrap=True)


def passage(out: Output, text: str, *, indent: int, style: str = "") -> None:
    """A text of several lines, set in."""
    if out.as_json:
        return
    shown = readable(text)
    if out.console.is_terminal:
        out.console.print(
            Padding(Text(shown, style=style, overflow="fold"), (0, 0, 0, indent), expand=False)
        )
        return
    for each in shown.split("\n"):
        out.console.print(Text(f"{' ' * indent}{each}".rstrip(), style=style), soft_wrap=True)


def readable(text: str) -> str:
    """A text without what could move a terminal's cursor; tabs become spaces."""
    return visible(text.replace("\r\n", "\n").expandtabs(_TAB))


def moment(timestamp: str) -> str:
    """A time of the store to the second; what is no time is left as it is."""
    day, mark, clock = timestamp.partition("T")
    return f"{day} {clock[:8]}" if mark and len(day) == 10 else timestamp


class _Escapes(dict[int, str]):
    """For `str.translate`: what a terminal would obey becomes an escape of JSON."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        units = character.encode("utf-16-be", "surrogatepass").hex()
        escape = "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
        self[code] = character if character.isprintable() or character in "\n\t" else escape
        return self[code]


_ESCAPES = _Escapes()


def safe_json(text: str) -> str:
    r"""The same JSON, without characters that a terminal would obey: they stand in texts only.

    Examples
    --------
    >>> safe_json('{"a":"\x9b2J é"}')
    '{"a":"\\u009b2J é"}'
    """
    return text if text.isprintable() else text.translate(_ESCAPES)
