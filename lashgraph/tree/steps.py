"""Steps of code-executing sessions: what was run, what it printed, what it gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lashgraph.format import jsontext
from lashgraph.format.node import Node

_ENTRY = "RlmTrajectoryEntry"
_MARK = _ENTRY.encode()


@dataclass(frozen=True)
class Step:
    """One step of a code-executing session.

    Attributes
    ----------
    iteration : int or None
        Its number within the turn.
    code : str
        What was run.
    output : tuple of str
        What it printed.
    error : str or None
        Why it failed.
    final_output : str or None
        What it handed over as the turn's answer: a text as it is, any other value as JSON.
    final_output_json : str or None
        The same as JSON.
    reasoning : str
        What the model wrote, the code with it.
    """

    iteration: int | None = None
    code: str = ""
    output: tuple[str, ...] = ()
    error: str | None = None
    final_output: str | None = None
    final_output_json: str | None = None
    reasoning: str = ""

    @property
    def prose(self) -> str:
        """The reasoning without the code block that was run."""
        before, fence, after = self.reasoning.rpartition(f"\n{self.code}\n```")
        opening = before.rpartition("\n")[2]
        if not fence or not self.code or not opening.startswith("```"):
            return self.reasoning
        return (before[: len(before) - len(opening)] + after).strip()


def step_of(node: Node) -> Step | None:
    """The step that a node records, or None; what is not of its type is taken as JSON text."""
    protocol = node.event.protocol if node.event is not None else None
    if protocol is None or _MARK not in bytes(protocol.payload_json):
        return None
    payload = protocol.payload
    entry = payload.get(_ENTRY) if isinstance(payload, dict) else None
    if not isinstance(entry, dict):
        return None
    iteration, output = entry.get("protocol_iteration"), entry.get("output")
    is_number = isinstance(iteration, int) and not isinstance(iteration, bool)
    final, error = entry.get("final_output"), entry.get("error")
    has_final = "final_output" in entry
    return Step(
        iteration=iteration if is_number else None,
        code=_text(entry.get("code")),
        output=tuple(map(_text, output if isinstance(output, list) else [output]))
        if output is not None
        else (),
        error=None if error is None else _text(error),
        final_output=_text(final) if has_final else None,
        final_output_json=_json(final) if has_final else None,
        reasoning=_text(entry.get("reasoning")),
    )


def _text(value: Any) -> str:
    if value is None:
        return ""
    return _whole(value) if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return bytes(jsontext.free(_whole(value))).decode()


def _whole(value: Any) -> Any:
    """A value without halves of surrogate pairs, which no text may hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return value
