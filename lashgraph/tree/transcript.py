"""What a model was shown and answered along a path: the runtime's read model, and the steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lashgraph.format.html import element, visible
from lashgraph.format.node import Message, Node, PluginOrigin
from lashgraph.tree import chat, rendered
from lashgraph.tree.entries import Entry
from lashgraph.tree.messages import first_line
from lashgraph.tree.steps import Step, step_of

_SHOWN = 6


@dataclass(frozen=True, eq=False)
class Transcript:
    """A path's messages as the runtime reads them, with the steps that were run between them.

    Made by `SessionGraph.transcript`. `chat` gives records for language models, `markdown`,
    `html` and `json` give documents.

    Attributes
    ----------
    nodes : tuple of Node
        The path's nodes of the agent frame, root first.
    leaf : str or None
        Where the path ends.
    agent_frame_id : str or None
        The agent frame that the nodes are of; None if all are taken.
    session_id : str
        The session; empty if it is not known.
    """

    nodes: tuple[Node, ...]
    leaf: str | None = None
    agent_frame_id: str | None = None
    session_id: str = ""

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Messages and steps in order.

        Transient messages of plugins are left out, and of messages of one id all but the first.
        """
        found: list[Entry] = []
        seen: set[str] = set()
        for node in self.nodes:
            message = node.message
            if message is None:
                step = step_of(node)
                if step is not None:
                    found.append(Entry(node, None, step))
            elif not _is_transient(message) and message.id not in seen:
                seen.add(message.id)
                found.append(Entry(node, message, None))
        return tuple(found)

    @property
    def messages(self) -> list[Message]:
        """The messages, as the runtime's read model has them."""
        return [entry.message for entry in self.entries if entry.message is not None]

    @property
    def steps(self) -> list[Step]:
        """The steps of a code-executing session."""
        return [entry.step for entry in self.entries if entry.step is not None]

    @property
    def active_event_count(self) -> int:
        """Messages and protocol events among the nodes, those too that are left out above."""
        return sum(node.event is not None for node in self.nodes)

    def __len__(self) -> int:
        return len(self.entries)

    def chat(self) -> list[dict[str, Any]]:
        """Records of role, content and tool_calls, as language models and judges take them.

        Returns
        -------
        list of dict
            Role is ``user``, ``assistant``, ``system`` or ``tool``; content is a str, or None
            beside tool_calls. Each tool result is a record of its own with ``tool_call_id``.
            Arguments are the text that the model gave, valid JSON or not. A step is a call of the
            tool ``execute_code``, its output the result, its final output a further answer.
            Reasoning of messages is left out, images are named, of a pruned content what is left
            of it is given, and an event is a user's record of the name ``event``. Calls and
            results are as they were recorded: one may stand without the other.

        Examples
        --------
        >>> from lashgraph.testing.builders import SessionBuilder, ToolCall
        >>> with SessionBuilder(":memory:", "s") as session:
        ...     _ = session.turn("2 + 2?", "4", [ToolCall("add", {"a": 2, "b": 2}, "4")])
        ...     records = session.store.tree().transcript().chat()
        >>> [(record["role"], record["content"]) for record in records]
        [('user', '2 + 2?'), ('assistant', None), ('tool', '4'), ('assistant', '4')]
        """
        return chat.records(self.entries)

    def json(self) -> str:
        """A JSON document: session_id, leaf_node_id, agent_frame_id, and all of each entry.

        Returns
        -------
        str
            An entry has node_id, timestamp, agent_frame_id and either a ``message`` as the store
            has it or a ``step``; what is absent is left out.
        """
        return chat.document(self.entries, self.facts())

    def markdown(self) -> str:
        """A Markdown document.

        Returns
        -------
        str
            Every text stands in a fence longer than any inside it, so that nothing in it can pass
            for a heading or for HTML.
        """
        return rendered.markdown(self.entries, self.facts())

    def html(self) -> str:
        """An HTML document that stands by itself: no script, nothing loaded, all text escaped."""
        return rendered.html(self.entries, self.facts())

    def facts(self) -> dict[str, str]:
        """What stands above a document: session_id, leaf_node_id, agent_frame_id, as far known."""
        facts = {
            "session_id": self.session_id or None,
            "leaf_node_id": self.leaf,
            "agent_frame_id": self.agent_frame_id,
        }
        return {name: value for name, value in facts.items() if value is not None}

    def __repr__(self) -> str:
        lines = [f"<Transcript: {self._summary()}>"]
        lines += [f"  {name}: {line}" for name, line in self._beginnings()]
        if len(self.entries) > _SHOWN:
            lines.append(f"  … {len(self.entries) - _SHOWN:,} more; .markdown() has them all")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            element("tr", element("th", name), element("td", line))
            for name, line in self._beginnings()
        ]
        about = element("p", element("b", "Transcript: "), self._summary(), "; .html() has it all")
        return element("div", about, element("table", *rows))

    def _summary(self) -> str:
        frame = "" if self.agent_frame_id is None else f", agent frame {self.agent_frame_id!r}"
        return (
            f"{len(self.messages):,} messages and {len(self.steps):,} steps up to {self.leaf!r}"
            f"{frame}"
        )

    def _beginnings(self) -> list[tuple[str, str]]:
        return [
            (entry.speaker, visible(first_line(entry.words))) for entry in self.entries[:_SHOWN]
        ]


def _is_transient(message: Message) -> bool:
    return isinstance(message.origin, PluginOrigin) and message.origin.transient
