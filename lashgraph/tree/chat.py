"""Transcripts as records: for language models, and as a JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from msgspec import Raw

from lashgraph.format import jsontext
from lashgraph.format.node import Message, Part
from lashgraph.tree.entries import Entry, shown_content
from lashgraph.tree.steps import Step

_ROLES = {"User": "user", "Assistant": "assistant", "System": "system", "Event": "user"}
_CODE_TOOL = "execute_code"


def records(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Entries as records of role, content and tool_calls.

    An event, for which language models know no role, is a user's record of the name ``event``.
    """
    found: list[dict[str, Any]] = []
    for entry in entries:
        if entry.message is not None:
            found += _message_records(entry.message)
        elif entry.step is not None:
            found += _step_records(entry.node.node_id, entry.step)
    return found


def _message_records(message: Message) -> list[dict[str, Any]]:
    found = []
    for is_result, parts in groupby(message.parts, lambda part: part.kind == "ToolResult"):
        if is_result:
            found += [_result(part.tool_call_id, part.tool_name, part) for part in parts]
        else:
            record = _spoken(message, list(parts))
            if record["content"] is not None or "tool_calls" in record:
                found.append(record)
    return found or [{**_speaker(message), "content": ""}]


def _speaker(message: Message) -> dict[str, Any]:
    named = {"name": "event"} if message.role == "Event" else {}
    return {"role": _ROLES[message.role], **named}


def _spoken(message: Message, parts: list[Part]) -> dict[str, Any]:
    texts = [shown_content(part) for part in parts if part.kind not in ("ToolCall", "Reasoning")]
    record = _speaker(message)
    record["content"] = "\n\n".join(text for text in texts if text) or None
    calls = [
        _call(part.tool_call_id or part.id, part.tool_name or "", part.content)
        for part in parts
        if part.kind == "ToolCall"
    ]
    return {**record, "tool_calls": calls} if calls else record


def _call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def _result(call_id: str | None, name: str | None, part: Part) -> dict[str, Any]:
    named = {} if name is None else {"name": name}
    content = shown_content(part)
    return {"role": "tool", "tool_call_id": call_id or part.id, **named, "content": content}


def _step_records(node_id: str, step: Step) -> list[dict[str, Any]]:
    answer = [] if step.final_output is None else [_answer(step.final_output)]
    if not step.code:
        said = [_answer(step.reasoning)] if step.reasoning else []
        shown = [_answer(text) for text in _printed(step)]
        return said + shown + answer
    arguments = jsontext.encode({"code": step.code}).decode()
    called = {
        "role": "assistant",
        "content": step.prose or None,
        "tool_calls": [_call(node_id, _CODE_TOOL, arguments)],
    }
    result = {
        "role": "tool",
        "tool_call_id": node_id,
        "name": _CODE_TOOL,
        "content": "\n".join(_printed(step)),
    }
    return [called, result, *answer]


def _answer(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def _printed(step: Step) -> list[str]:
    return [*step.output, *([] if step.error is None else [f"Error: {step.error}"])]


def document(entries: Iterable[Entry], facts: Mapping[str, str]) -> str:
    """Entries with all that they hold as one JSON document."""
    return jsontext.encode(
        {**facts, "entries": [_whole_entry(entry) for entry in entries]}
    ).decode()


def _whole_entry(entry: Entry) -> dict[str, Any]:
    node = entry.node
    facts: dict[str, Any] = {"node_id": node.node_id, "timestamp": node.timestamp}
    if node.agent_frame_id is not None:
        facts["agent_frame_id"] = node.agent_frame_id
    if entry.message is not None:
        return {**facts, "message": entry.message}
    return facts if entry.step is None else {**facts, "step": _whole_step(entry.step)}


def _whole_step(step: Step) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "iteration": step.iteration,
        "code": step.code,
        "output": list(step.output),
        "error": step.error,
        "reasoning": step.reasoning,
    }
    made = {name: value for name, value in facts.items() if value is not None}
    if step.final_output_json is not None:
        made["final_output"] = Raw(step.final_output_json.encode())
    return made
