"""The entries of a transcript: who speaks, and which words each part shows."""

from __future__ import annotations

from typing import NamedTuple

from lashgraph.format.node import ATTACHED, Message, Node, Part, Pruned
from lashgraph.tree.messages import message_text
from lashgraph.tree.steps import Step


class Entry(NamedTuple):
    """A message, or a step of a code-executing session, and its node."""

    node: Node
    message: Message | None
    step: Step | None

    @property
    def speaker(self) -> str:
        """Whose words these are."""
        if self.message is None:
            return "Step"
        kinds = {part.kind for part in self.message.parts}
        name = "Tool" if kinds == {"ToolResult"} else self.message.role
        origin = self.message.origin
        return name if origin is None else f"{name} ({origin.__struct_config__.tag})"

    @property
    def words(self) -> str:
        """What is said: of a step its code, of a message its text, else its first part."""
        if self.step is not None:
            return self.step.code or self.step.reasoning
        if self.message is None or not self.message.parts:
            return ""
        return message_text(self.message) or shown_content(self.message.parts[0])


def author_of(node: Node) -> str:
    """Who made a node: human, model, tool, process, system; of what is no message its kind."""
    message = node.message
    if message is None:
        if node.invocation is not None:
            return "tool"
        return "protocol" if node.kind == "event" else "plugin"
    return message_author(message) or "system"


def message_author(message: Message) -> str | None:
    """Who made a message: its origin, model, tool or human; None of one by the system itself."""
    if message.origin is not None:
        return str(message.origin.__struct_config__.tag)
    if message.role == "Assistant":
        return "model"
    if message.role == "User":
        return "tool" if any([part.kind == "ToolResult" for part in message.parts]) else "human"
    return None


def shown_content(part: Part) -> str:
    """The text of a part: an image by its name, a pruned content by what is left of it."""
    if part.kind in ATTACHED:
        label = part.attachment.label if part.attachment is not None else None
        return part.content or ("[Image attached]" if not label else f"[Image attached: {label}]")
    state = part.prune_state
    if part.content or state == "Intact":
        return part.content
    if isinstance(state, Pruned):
        if state.summarized is not None:
            return f"[Summarized: {state.summarized.summary}]"
        if state.deleted is not None:
            return f"[Deleted: {state.deleted.breadcrumb}]"
    return "[Cleared]"
