"""A session and its children as one document."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from lashgraph.format import jsontext
from lashgraph.format.html import Markup, element, page, visible
from lashgraph.format.node import Cause
from lashgraph.tree import rendered
from lashgraph.tree.transcript import Transcript


@dataclass(frozen=True, eq=False)
class FamilySession:
    """One session of a family.

    Attributes
    ----------
    session_id, name : str
        Who it is; empty if that is not known.
    path : str
        Its file.
    transcript : Transcript
        What was said in it.
    parent : int or None
        Place of its parent among the family's sessions.
    caused_by : Cause or None
        What started it, where that was recorded.
    n_unreadable : int
        Nodes that could not be read and are left out.
    """

    session_id: str
    name: str
    path: str
    transcript: Transcript
    parent: int | None = None
    caused_by: Cause | None = None
    n_unreadable: int = 0

    @property
    def title(self) -> str:
        """What it is called: its name, else its id, else its file."""
        return self.name or self.session_id or self.file

    @property
    def file(self) -> str:
        """Name of its file, without halves of surrogate pairs."""
        return _clean(os.path.basename(self.path))


@dataclass(frozen=True, eq=False)
class SessionFamily:
    """A session, its children, theirs, and so on. Made by ``lashgraph.store.session_family``.

    Attributes
    ----------
    sessions : tuple of FamilySession
        Parents before their children; the session asked for is the first.
    """

    sessions: tuple[FamilySession, ...]

    def __len__(self) -> int:
        return len(self.sessions)

    def __repr__(self) -> str:
        count = len(self) - 1
        return (
            f"<SessionFamily: {visible(self.sessions[0].title)!r} and {_children(count)}; "
            ".html() and .markdown() have them all>"
        )

    def chat(self) -> list[dict[str, Any]]:
        """One record for each session: session_id, parent_session_id, file, messages.

        Returns
        -------
        list of dict
            ``messages`` are the records of `Transcript.chat`.
        """
        return [
            {**self._identity(session), "messages": session.transcript.chat()}
            for session in self.sessions
        ]

    def json(self) -> str:
        """A JSON document: ``sessions``, each with all that `Transcript.json` gives of it.

        Returns
        -------
        str
            A session has also parent_session_id, caused_by, file and n_unreadable; what is absent
            is left out.
        """
        return jsontext.encode({"sessions": list(map(self._whole, self.sessions))}).decode()

    def _whole(self, session: FamilySession) -> dict[str, Any]:
        found: dict[str, Any] = self._identity(session)
        if session.caused_by is not None:
            found["caused_by"] = session.caused_by
        found["n_unreadable"] = session.n_unreadable
        return {**found, "transcript": msgspec.Raw(session.transcript.json().encode())}

    def _identity(self, session: FamilySession) -> dict[str, str]:
        facts = {"session_id": session.session_id, "name": session.name, "file": session.file}
        if session.parent is not None:
            facts["parent_session_id"] = self.sessions[session.parent].session_id
        return {name: _clean(value) for name, value in facts.items() if value}

    def markdown(self) -> str:
        """A Markdown document with a section for each session, every text fenced."""
        lines = [f"# {self._title()}"]
        for at, session in enumerate(self.sessions):
            facts = self._facts(at, _markdown_link)
            lines += ["", f"## Session {at + 1}", ""]
            lines += rendered.markdown_lines(session.transcript.entries, facts, "###")
        return "\n".join(lines) + "\n"

    def html(self) -> str:
        """An HTML document that stands by itself: no script, nothing loaded, all text escaped.

        Each session has a section, and parents and children have links to each other.
        """
        title = self.sessions[0].title
        heading = element("h1", "Transcript of ", element("bdi", title), self._others())
        contents = [element("nav", element("ol", *self._contents()))] if len(self) > 1 else []
        sections = (
            element(
                "section",
                element("h2", f"Session {at + 1}: ", element("bdi", session.title)),
                *rendered.html_elements(
                    session.transcript.entries, self._facts(at, _html_link), "h3"
                ),
                id=f"session-{at + 1}",
            )
            for at, session in enumerate(self.sessions)
        )
        return page(f"Transcript of {title}", rendered.STYLE, heading, *contents, *sections)

    def _contents(self) -> Iterator[Markup]:
        for at, session in enumerate(self.sessions):
            child = "" if session.parent is None else f", child of session {session.parent + 1}"
            size = f" ({len(session.transcript):,} entries{child})"
            yield element("li", _html_link(at, session), size)

    def _title(self) -> str:
        return f"Transcript of {rendered.code_span(self.sessions[0].title)}{self._others()}"

    def _others(self) -> str:
        return f" and {_children(len(self) - 1)}" if len(self) > 1 else ""

    def _facts(self, at: int, link: Callable[[int, FamilySession], Markup]) -> dict[str, str]:
        """What stands above a session's entries; links are markup of the document's kind."""
        session = self.sessions[at]
        name = session.name if session.name != session.session_id else ""
        facts = {"name": name, "session_id": session.session_id, "file": session.file}
        if session.parent is not None:
            facts["parent"] = link(session.parent, self.sessions[session.parent])
        if session.caused_by is not None:
            cause = msgspec.to_builtins(session.caused_by)
            kind = cause.pop("type")
            named = ", ".join(f"{name} {value}" for name, value in cause.items())
            facts["caused by"] = f"{kind} ({named})"
        children = [link(child, self.sessions[child]) for child in self._children_of[at]]
        facts["children"] = Markup(", ".join(children))
        if session.n_unreadable:
            facts["nodes left out, unreadable"] = f"{session.n_unreadable:,}"
        return {name: value for name, value in facts.items() if value} | session.transcript.facts()

    @cached_property
    def _children_of(self) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in self.sessions]
        for at, session in enumerate(self.sessions):
            if session.parent is not None:
                found[session.parent].append(at)
        return found


def _html_link(at: int, session: FamilySession) -> Markup:
    return element("a", element("bdi", session.title), href=f"#session-{at + 1}")


def _markdown_link(at: int, session: FamilySession) -> Markup:
    return Markup(f"[session {at + 1}](#session-{at + 1}) {rendered.code_span(session.title)}")


def _children(count: int) -> str:
    return f"{count:,} {'child' if count == 1 else 'children'}"


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
