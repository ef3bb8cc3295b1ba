"""``lashgraph export``: a session with its children as one document."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path

from lashgraph.cli.output import Output
from lashgraph.cli.passages import safe_json
from lashgraph.cli.tree import DAMAGED, DONE
from lashgraph.format import jsontext
from lashgraph.format.sizes import bytes_text, counted
from lashgraph.sqlite.targets import refuse_what_is_there, write
from lashgraph.store import session_family
from lashgraph.tree import SessionFamily


class Format(StrEnum):
    """The forms of a document."""

    HTML = "html"
    MARKDOWN = "markdown"
    JSON = "json"
    CHAT = "chat"


_ENDINGS = {
    Format.HTML: ".html",
    Format.MARKDOWN: ".md",
    Format.JSON: ".json",
    Format.CHAT: ".jsonl",
}


def run_export(
    path: Path,
    form: Format,
    target: str | None,
    *,
    children: bool,
    children_in: Path | None,
    every_frame: bool,
    force: bool,
) -> int:
    """Write the document; 1 if nodes of it cannot be read."""
    wanted = None if target == "-" else Path(target or f"{path.stem}{_ENDINGS[form]}")
    if wanted is not None:
        refuse_what_is_there(wanted, force=force)
    family = session_family(
        path, children=children, children_in=children_in, every_frame=every_frame
    )
    content = _document(family, form).encode()
    if wanted is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        write(wanted, content, force=force)
        told = f"{wanted}: {counted(len(family), 'session')}, {bytes_text(len(content))}"
        Output(as_json=False).say(told)
    return DAMAGED if any(session.n_unreadable for session in family.sessions) else DONE


def _document(family: SessionFamily, form: Format) -> str:
    """The text of the document; a chat is a line of JSON for each session."""
    if form is Format.HTML:
        return family.html()
    if form is Format.MARKDOWN:
        return family.markdown()
    if form is Format.JSON:
        return safe_json(family.json()) + "\n"
    lines = (jsontext.encode(record).decode() for record in family.chat())
    return "".join(safe_json(line) + "\n" for line in lines)
