"""A tool call with its result in one event, as the runtime recorded it until alpha.34."""

from __future__ import annotations

from typing import Any

from lashgraph.format import jsontext
from lashgraph.format.strict import Choice, Natural, Record


class ToolOutput(Record, frozen=True):
    """What a tool gave: its outcome is a status and a payload."""

    outcome: Any
    control: Any = None


class ToolRecord(Record, frozen=True, kw_only=True):
    """A tool call with its result in one, until alpha.34."""

    call_id: str | None = None
    tool: str
    args: Any
    output: ToolOutput
    duration_ms: Natural

    @property
    def status(self) -> str:
        """``success``, ``failure``, ``cancelled``, or empty where it is not told."""
        found = jsontext.inside(self.output.outcome, "status")
        return found if isinstance(found, str) else ""

    @property
    def payload(self) -> Any:
        """What the tool gave."""
        return jsontext.inside(self.output.outcome, "payload")


class ToolInvocation(Record, frozen=True):
    """A tool call under the key by which the runtime knew it."""

    stable_key: str
    record: ToolRecord


class ToolEvent(Choice, frozen=True, forbid_unknown_fields=True, rename="pascal"):
    """An event of a tool, until alpha.34."""

    invocation: ToolInvocation | None = None
