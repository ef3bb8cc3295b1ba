"""Finding nodes by what they say and what they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, get_args

from lashgraph.errors import InvalidRecordError
from lashgraph.format import jsontext
from lashgraph.format.node import Node, Role

Test = Callable[[Node], bool]
ROLES: tuple[str, ...] = get_args(Role)


def tests(
    text: str | None,
    regex: str | re.Pattern[str] | None,
    role: str | None,
    tool: str | None,
    plugin_type: str | None,
) -> list[Test]:
    """What a node must pass, the cheapest first.

    Raises
    ------
    InvalidRecordError
        A criterion is no text, the role unknown, or the pattern cannot be compiled.
    """
    asked = {"text": text, "role": role, "tool": tool, "plugin_type": plugin_type}
    for name, value in asked.items():
        if value is not None and not isinstance(value, str):
            raise InvalidRecordError(f"find({name}={value!r}): not a text")
    made: list[Test] = []
    if role is not None:
        if role not in ROLES:
            raise InvalidRecordError(f"find(role={role!r}): roles are {', '.join(ROLES)}")
        made.append(lambda node: node.message is not None and node.message.role == role)
    if plugin_type is not None:
        made.append(lambda node: node.plugin_type == plugin_type)
    if tool is not None:
        made.append(lambda node: _names_tool(node, tool))
    if text is not None:
        made.append(lambda node: any(text in found for found in texts_of(node)))
    if regex is not None:
        search = _compiled(regex).search
        made.append(lambda node: any(search(found) for found in texts_of(node)))
    return made


def _compiled(regex: str | re.Pattern[str]) -> re.Pattern[str]:
    try:
        pattern = re.compile(regex)
    except (re.error, TypeError, RecursionError, OverflowError) as error:
        raise InvalidRecordError(f"find(regex={regex!r}): {error}") from None
    if not isinstance(pattern.pattern, str):
        raise InvalidRecordError(f"find(regex={regex!r}): a pattern of bytes; texts are str")
    return pattern


def _names_tool(node: Node, tool: str) -> bool:
    message = node.message
    if message is None:
        return node.invocation is not None and node.invocation.tool == tool
    return any(part.tool_name == tool for part in message.parts)


def texts_of(node: Node) -> Iterator[str]:
    """The texts of a node: of a message its parts, else every text inside payload or body."""
    message = node.message
    if message is not None:
        for part in message.parts:
            yield part.content
    else:
        yield from _texts_in(jsontext.value_of(node.held_json))


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(item)
