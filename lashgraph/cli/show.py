"""``lashgraph show``: one node, whole."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from lashgraph.cli.names import NodeNames
from lashgraph.cli.output import Output
from lashgraph.cli.passages import moment, passage, safe_json
from lashgraph.cli.transcript import print_blocks, style_of
from lashgraph.cli.tree import DAMAGED, DONE, node_kind
from lashgraph.errors import DamagedDataWarning
from lashgraph.format.node import Message, Node
from lashgraph.format.node_forms import decode_any
from lashgraph.format.strict import Invalid
from lashgraph.store import Store
from lashgraph.store import open as open_store
from lashgraph.tree.entries import Entry
from lashgraph.tree.rendered import Block, blocks
from lashgraph.tree.steps import step_of

_PLACE = ("parent_node_id", "parent_status", "depth", "n_children", "branch_id", "agent_frame_id")
_ANSWERED = ("call_node_id", "result_node_id", "call_id", "tool_name", "status", "seconds")
_COLUMNS = ("node_id", "seq", *_PLACE, "on_active_path", "tombstoned", "json_bytes")


def run_show(path: Path, given: str, out: Output) -> int:
    """Print one node, found by the beginning of its id; 1 if it cannot be read."""
    with open_store(path) as store, store.snapshot():
        rows = store.nodes(columns=_COLUMNS)
        node_id = NodeNames(rows["node_id"].tolist()).find(given)
        text = store.node_json(node_id) or b""
        place = rows[rows["node_id"] == node_id].iloc[0]
        try:
            node = decode_any(text)
        except Invalid as error:
            return _show_unreadable(node_id, text, str(error), out)
        if out.as_json:
            print(safe_json(text.decode("utf-8", "replace")))
            return DONE
        calls = _calls(store, node, tombstoned=bool(place["tombstoned"]))
    _show(node, place, calls, out)
    return DONE


def _show_unreadable(node_id: str, text: bytes, reason: str, out: Output) -> int:
    """Print a row that is no node, as it stands in the file."""
    shown = text.decode("utf-8", "replace")
    if out.as_json:
        print(safe_json(shown))
        print(f"error: node {safe_json(node_id)} cannot be read: {reason}", file=sys.stderr)
        return DAMAGED
    out.say(f"{node_id}: cannot be read: {reason}", style="bold red")
    passage(out, shown, indent=2)
    return DAMAGED


def _calls(store: Store, node: Node, *, tombstoned: bool) -> pd.DataFrame:
    """The tool calls that a node makes or answers, each with its other end."""
    parts = () if node.message is None else node.message.parts
    if not any(part.kind in ("ToolCall", "ToolResult") for part in parts):
        return pd.DataFrame(columns=list(_ANSWERED))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedDataWarning)  # told at the first reading
        found = store.tool_calls(columns=[*_ANSWERED, "args", "result"], tombstoned=tombstoned)
    own = (found["call_node_id"] == node.node_id) | (found["result_node_id"] == node.node_id)
    return found[own]


def _show(node: Node, place: pd.Series[Any], calls: pd.DataFrame, out: Output) -> None:
    entry = Entry(node, node.message, step_of(node))
    is_entry = entry.message is not None or entry.step is not None
    kind = entry.speaker if is_entry else node_kind(node)
    out.say(f"{node.node_id}: {kind}", style=style_of(entry) if is_entry else "bold")
    facts = {
        "made at": moment(node.timestamp),
        "on the active path": "yes" if place["on_active_path"] else "no",
        "tombstoned": "yes, it waits for vacuum" if place["tombstoned"] else "",
        **{name: _text(place[name]) for name in _PLACE},
        "seq": _text(place["seq"]),
        "json_bytes": f"{place['json_bytes']:,}",
        "caused by": _of(node.caused_by),
    }
    if entry.message is not None:
        facts["message id"] = entry.message.id if entry.message.id != node.node_id else ""
        facts["origin"] = _of(entry.message.origin)
        facts["pruned"] = _pruned(entry.message)
    if entry.step is not None:
        facts["iteration"] = _text(entry.step.iteration)
    out.facts({name: value for name, value in facts.items() if value})
    out.say()
    print_blocks(blocks(entry) if is_entry else _body(node), out, full=True)
    for call in calls.itertuples():
        print_blocks(_other_end(call, node.node_id), out, full=True)


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _of(record: Any) -> str:
    """The fields of a record in one line."""
    if record is None:
        return ""
    fields = msgspec.to_builtins(record)
    return ", ".join(f"{name} {value}" for name, value in fields.items() if value is not None)


def _pruned(message: Message) -> str:
    states = [part.prune_state for part in message.parts if part.prune_state != "Intact"]
    return "; ".join(
        state if isinstance(state, str) else f"archive blob {state.archive_hash}"
        for state in states
    )


def _body(node: Node) -> Iterator[Block]:
    """What a protocol event or a plugin entry holds, as JSON in lines."""
    name = "body" if node.event is None else "payload" if node.invocation is None else "call"
    yield Block(name, msgspec.json.format(bytes(node.held_json), indent=2).decode())


def _other_end(call: Any, node_id: str) -> Iterator[Block]:
    """The result of a call that the node makes, or the call that its result answers."""
    if call.call_node_id != node_id:
        if not pd.isna(call.call_node_id):
            named = f"called by {call.call_node_id} ({call.tool_name}, {call.call_id})"
            yield Block(named, _text(call.args))
        return
    span = "" if pd.isna(call.seconds) else f" after {call.seconds:.3f} s"
    if pd.isna(call.result_node_id):
        yield Block(f"no result of {call.tool_name} ({call.call_id})", "")
    elif call.result_node_id != node_id:
        named = f"{call.status}{span}, result in {call.result_node_id} ({call.call_id})"
        yield Block(named, _text(call.result))
