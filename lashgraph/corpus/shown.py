"""What a corpus shows of itself: what is known without reading, and the next call."""

from __future__ import annotations

from lashgraph.corpus.ledger import Shared
from lashgraph.format.html import element
from lashgraph.format.sizes import bytes_text

_NEXT = {
    ".sessions()": "a row of figures for each",
    ".families()": "parents and children",
    ".search(text)": "who said what",
    ".errors()": "what could not be read",
    ".skipped()": "what is no session",
}


def _facts(shared: Shared) -> str:
    size = bytes_text(sum(file.weight for file in shared.files))
    return f"{len(shared.files):,} files, {size}"


def as_text(shared: Shared, mode: str, *, chosen: bool) -> str:
    """A corpus on one line."""
    part = "part of " if chosen else ""
    return (
        f"<lashgraph.Corpus, {part}{_facts(shared)}, mode {mode!r}; .sessions() tells what they "
        "hold>"
    )


def as_html(shared: Shared, mode: str, *, chosen: bool) -> str:
    """A corpus as a few lines."""
    part = "part of " if chosen else ""
    title = element("b", "lashgraph.Corpus"), f": {part}{_facts(shared)} (mode {mode!r})"
    calls: list[object] = ["next: "]
    for call, what in _NEXT.items():
        calls += [element("code", call), f" {what} · "]
    calls[-1] = str(calls[-1]).removesuffix(" · ")
    return element("div", element("div", *title), element("div", *calls))
