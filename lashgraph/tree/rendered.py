"""Transcripts as documents to read: Markdown and HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from lashgraph.format.html import Markup, element, page, visible
from lashgraph.tree.entries import Entry, shown_content
from lashgraph.tree.messages import SPOKEN

_TITLE = "Transcript"
_FENCES = re.compile("`{3,}")
_LONG = 1_500
"""Characters beyond which a tool's result is folded."""

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
article { border-left: 4px solid #888; margin: 1.25rem 0; padding: 0 1rem; }
article.User { border-color: #2a6fdb; }
article.Assistant { border-color: #1b8a5a; }
article.Tool, article.Step { border-color: #b26a00; }
h1 { font-size: 1.4rem; }
section { border-top: 1px solid #8888; margin-top: 3rem; }
section > h2 { font-size: 1.2rem; }
article h2, article h3 { font-size: 1rem; margin: 0 0 .25rem; }
article time, summary, dt, .label { opacity: .7; font-weight: normal; font-size: .85rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.text, pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .25rem 0; }
pre { background: rgb(128 128 128 / 12%); padding: .5rem .75rem; border-radius: 4px; }
"""


class Block(NamedTuple):
    """A piece of an entry.

    Attributes
    ----------
    label : str
        What it is; empty for what is said.
    text : str
        Its text.
    is_aside : bool
        Whether it may be folded away.
    """

    label: str
    text: str
    is_aside: bool = False


def blocks(entry: Entry) -> Iterator[Block]:
    """The pieces of an entry in order."""
    if entry.step is not None:
        step = entry.step
        if step.prose:
            yield Block("reasoning", step.prose, is_aside=True)
        if step.code:
            yield Block("code", step.code)
        if step.output:
            printed = "\n".join(step.output)
            yield Block("output", printed, is_aside=len(printed) > _LONG)
        if step.error is not None:
            yield Block("error", step.error)
        if step.final_output is not None:
            yield Block("final output", step.final_output)
    for part in entry.message.parts if entry.message is not None else ():
        text = shown_content(part)
        if part.kind == "Reasoning":
            yield Block("reasoning", text, is_aside=True)
        elif part.kind in ("ToolCall", "ToolResult"):
            what = "call of" if part.kind == "ToolCall" else "result of"
            named = f"{what} {part.tool_name or 'a tool'} ({part.tool_call_id or 'no id'})"
            yield Block(named, text, is_aside=len(text) > _LONG)
        elif part.kind in SPOKEN[2:]:
            yield Block(part.kind.lower(), text)
        elif text:
            yield Block("", text)


def markdown(entries: Iterable[Entry], facts: Mapping[str, str]) -> str:
    """Entries as Markdown, every text in a fence that nothing in it can close."""
    return "\n".join([f"# {_TITLE}", "", *markdown_lines(entries, facts, "##")]) + "\n"


def markdown_lines(
    entries: Iterable[Entry], facts: Mapping[str, str], heading: str
) -> Iterator[str]:
    """The lines of facts and entries; a value that is `Markup` stands as it is."""
    for name, value in facts.items():
        yield f"- {name}: {value if isinstance(value, Markup) else code_span(value)}"
    for number, entry in enumerate(entries, 1):
        yield from ("", f"{heading} {number}. {entry.speaker}", "", code_span(entry.node.timestamp))
        for block in blocks(entry):
            if block.label:
                yield from ("", f"{code_span(block.label)}:")
            yield from ("", *_fenced(block.text))


def _fenced(text: str) -> list[str]:
    shown = visible(text)
    fence = "`" * max([3, *(len(found) + 1 for found in _FENCES.findall(shown))])
    return [fence, shown, fence]


def code_span(text: str) -> str:
    """A text within a line, without the marks that could end it."""
    return f"`{' '.join(visible(text).replace('`', chr(39)).split()) or ' '}`"


def html(entries: Iterable[Entry], facts: Mapping[str, str]) -> str:
    """Entries as an HTML document."""
    title = f"{_TITLE} of {facts['session_id']}" if "session_id" in facts else _TITLE
    heading = element("h1", element("bdi", title))
    return page(title, STYLE, heading, *html_elements(entries, facts, "h2"))


def html_elements(
    entries: Iterable[Entry], facts: Mapping[str, str], heading: str
) -> Iterator[Markup]:
    """The elements of facts and entries; a value that is `Markup` stands as it is."""
    named = [
        fact
        for name, value in facts.items()
        for fact in (element("dt", name), element("dd", element("bdi", value)))
    ]
    yield element("dl", *named)
    for entry in entries:
        head = element(heading, entry.speaker, " ", element("time", entry.node.timestamp))
        name = entry.speaker.partition(" ")[0]
        yield element("article", head, *map(_shown, blocks(entry)), class_=name)


def _shown(block: Block) -> Markup:
    if not block.label:
        return element("div", block.text, class_="text", dir="auto")
    text = element("pre", f"\n{block.text}", dir="auto")  # HTML drops the first line feed of a pre
    label = element("bdi", block.label)
    if block.is_aside:
        return element("details", element("summary", label), text)
    return element("div", element("div", label, class_="label"), text)
