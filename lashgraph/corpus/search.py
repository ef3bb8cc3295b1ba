"""Searching what sessions say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import shown
from lashgraph.format.node import Node
from lashgraph.frames.graph import Picked, Scan
from lashgraph.frames.nodes import ROLES
from lashgraph.frames.source import Source, Table
from lashgraph.tree.find import texts_of

_AROUND = 60
_LONGEST = 200


@dataclass(frozen=True)
class Wanted:
    """What is searched for; picklable.

    Attributes
    ----------
    pattern : re.Pattern
        What the text has to hold.
    role, tool : str or None
        Only parts of messages with this role, of this tool.
    """

    pattern: re.Pattern[str]
    role: str | None
    tool: str | None


def wanted(
    text: str | None, regex: str | re.Pattern[str] | None, role: str | None, tool: str | None
) -> Wanted:
    """What is searched for.

    Raises
    ------
    InvalidRecordError
        There is not one of text and regex, or an argument is not of its kind.
    """
    if (text is None) == (regex is None):
        raise InvalidRecordError("search takes a text or a regex, and one of them alone")
    for name, value in {"text": text, "role": role, "tool": tool}.items():
        if value is not None and not isinstance(value, str):
            raise InvalidRecordError(f"{name} is a text, not {shown(value)}")
    if role is not None and role not in ROLES:
        raise InvalidRecordError(f"role {shown(role)}; known: {', '.join(ROLES)}")
    if text == "":
        raise InvalidRecordError("search for an empty text finds everything; give one to look for")
    try:
        pattern = re.compile(re.escape(text) if text is not None else regex or "")
    except (re.error, TypeError, RecursionError, OverflowError) as error:
        raise InvalidRecordError(f"regex {shown(regex)}: {error}") from None
    if not isinstance(pattern.pattern, str):
        raise InvalidRecordError(f"regex {shown(regex)}: a pattern of bytes; texts are str")
    return Wanted(pattern, role, tool)


class _Hit(NamedTuple):
    part_index: int | None
    kind: str
    role: str | None
    tool_name: str | None
    n_matches: int
    start: int
    snippet: str


def hits_table(
    source: Source, _columns: frozenset[str], *, asked: Wanted, tombstoned: bool
) -> Table:
    """Every text of a session that holds what is searched for."""
    scan = Scan(source, tombstoned=tombstoned)
    picked, hits = Picked(scan), _Hits()
    for start, found in scan.chunks():
        for place, node in enumerate(found, start):
            if node is None:
                continue
            some = list(_of_node(node, asked))
            if some:
                picked.add(place, node, len(some))
                hits.rows += some
    return Table(picked.columns() | hits.columns(), len(hits.rows), scan.damages)


class _Hits:
    """Hits, by column."""

    def __init__(self) -> None:
        self.rows: list[_Hit] = []

    def columns(self) -> dict[str, Callable[[], list[Any]]]:
        def of(name: str) -> Callable[[], list[Any]]:
            return lambda: [getattr(row, name) for row in self.rows]

        return {name: of(name) for name in _Hit._fields}


def _of_node(node: Node, asked: Wanted) -> Iterator[_Hit]:
    message = node.message
    if message is not None:
        if asked.role is not None and message.role != asked.role:
            return
        for index, part in enumerate(message.parts):
            if asked.tool is None or part.tool_name == asked.tool:
                found = _found(part.content, asked.pattern)
                if found is not None:
                    yield _Hit(index, part.kind, message.role, part.tool_name, *found)
        return
    called = None if node.invocation is None else node.invocation.tool
    if asked.role is None and asked.tool in (None, called):
        kind = "plugin" if node.event is None else "protocol" if called is None else "tool"
        for text in texts_of(node):
            found = _found(text, asked.pattern)
            if found is not None:
                yield _Hit(None, kind, None, called, *found)


def _found(text: str, pattern: re.Pattern[str]) -> tuple[int, int, str] | None:
    """Number of matches, where the first begins, and what stands around it."""
    matches = pattern.finditer(text)
    first = next(matches, None)
    if first is None:
        return None
    count = 1 + sum(1 for _ in matches)
    start, end = first.span()
    before, after = max(start - _AROUND, 0), min(end, start + _LONGEST) + _AROUND
    cut = "…" if before else "", "…" if after < len(text) else ""
    return count, start, cut[0] + " ".join(text[before:after].split()) + cut[1]
