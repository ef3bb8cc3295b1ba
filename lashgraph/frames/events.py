"""The frames of events and of the steps of code-executing sessions."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from lashgraph.columns import FrameSchema, closed, flag, maybe, text, time
from lashgraph.frames.graph import Picked, Scan
from lashgraph.frames.source import Source, Table
from lashgraph.tree.steps import Step, step_of

EVENTS = FrameSchema.of(
    "events",
    "every protocol event, plugin entry and tool's event, in load order",
    text("node_id", "the node that holds it"),
    closed(
        "kind",
        "what it is; tool: a call with its result in one, which releases until alpha.34 record",
        "protocol",
        "plugin",
        "tool",
    ),
    text("plugin_id", "the plugin that a protocol event belongs to"),
    text(
        "type",
        "type of a plugin entry; name of a tool; of a protocol event the first key of its payload, "
        "missing if that is no object or empty",
    ),
    time("timestamp", "when it was made"),
    text("agent_frame_id", "the agent frame it belongs to"),
    flag("on_active_path", "whether the path of the head's leaf passes here"),
    flag("tombstoned", "whether its node waits for vacuum"),
    text("body", "its payload or body as JSON; of a tool's event the call and its output"),
)

STEPS = FrameSchema.of(
    "steps",
    "every step of a code-executing session, in load order: there the work stands in these, not in "
    "messages",
    text("node_id", "the node that records it"),
    maybe("iteration", "its number within the turn, from 0"),
    time("timestamp", "when it was recorded"),
    text("agent_frame_id", "the agent frame it belongs to"),
    flag("on_active_path", "whether the path of the head's leaf passes here"),
    flag("tombstoned", "whether its node waits for vacuum"),
    text("code", "what was run"),
    text("output", "what it printed, a line break between the pieces"),
    text("error", "why it failed"),
    text(
        "final_output",
        "what it gave as the turn's answer: a text as it is, any other value as JSON; missing if "
        "it gave none",
    ),
    text("reasoning", "what the model wrote, the code with it"),
)

_FIRST_KEY = re.compile(rb'\s*\{\s*("(?:[^"\\]|\\.)*")')


def events_table(source: Source, wanted: frozenset[str], *, tombstoned: bool = False) -> Table:
    """Every protocol event and plugin entry."""
    scan = Scan(source, tombstoned=tombstoned)
    picked = Picked(scan)
    plugin_ids: list[str | None] = []
    kinds: list[str] = []
    types: list[str | None] = []
    bodies: list[str] = []
    for start, found in scan.chunks():
        for place, node in enumerate(found, start):
            if node is None or node.message is not None:
                continue
            picked.add(place, node)
            protocol = node.event.protocol if node.event is not None else None
            plugin_ids.append(protocol.plugin_id if protocol is not None else None)
            kinds.append(
                "plugin" if node.event is None else "tool" if protocol is None else "protocol"
            )
            raw: Any = node.held_json
            types.append(_first_key(raw) if protocol is not None else node.held_by)
            if "body" in wanted:
                bodies.append(bytes(raw).decode())
    columns = picked.columns() | {
        "kind": kinds,
        "plugin_id": plugin_ids,
        "type": types,
        "body": bodies,
    }
    return Table(columns, len(plugin_ids), scan.damages)


def _first_key(payload: Any) -> str | None:
    found = _FIRST_KEY.match(payload)
    return None if found is None else msgspec.json.decode(found[1], type=str)


def steps_table(source: Source, _wanted: frozenset[str], *, tombstoned: bool = False) -> Table:
    """Every step of a code-executing session."""
    scan = Scan(source, tombstoned=tombstoned)
    picked = Picked(scan)
    steps: list[Step] = []
    for start, found in scan.chunks():
        for place, node in enumerate(found, start):
            step = step_of(node) if node is not None else None
            if node is not None and step is not None:
                picked.add(place, node)
                steps.append(step)
    columns = picked.columns() | {
        "iteration": [step.iteration for step in steps],
        "code": [step.code for step in steps],
        "output": ["\n".join(step.output) for step in steps],
        "error": [step.error for step in steps],
        "final_output": [step.final_output for step in steps],
        "reasoning": [step.reasoning for step in steps],
    }
    return Table(columns, len(steps), scan.damages)
