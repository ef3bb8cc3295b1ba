"""A store whose every text is an attack on whatever shows it.

For tests of programs that show sessions: the texts run a script, reach for the network, move a
terminal's cursor or raise in a renderer, where they are taken for anything but texts.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lashgraph.store import Store, StoreOptions
from lashgraph.store import open as open_store

MARK = "lashgraph_was_here"
"""What a script sets on ``window`` if a page runs it; a page that escapes texts never has it."""

BEACON = "http://hostile.invalid/beacon"
"""What a page asks for if it takes a text for markup; nothing on the network has this name."""

_ASIDE = {5, 7}
"""Places, among the nodes of a turn, of those that nothing follows: the tree has branches."""

_RUN = f"window.{MARK}=1"

TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "image": f'<img src="{BEACON}" onerror="{_RUN}">',
        "script": f"<script>{_RUN}</script>",
        "vector": f"<svg onload={_RUN}><animate onbegin={_RUN} attributeName=x dur=1s></svg>",
        "frame": f"<iframe srcdoc=\"<script>parent.{MARK}=1</script>\" src='{BEACON}'></iframe>",
        "attribute": f"\"' autofocus tabindex=1 onfocus={_RUN} onmouseover={_RUN} x",
        "link": f"javascript:{_RUN}//",
        "anchor": f'<a href="javascript:{_RUN}" id=location>here</a> [here](javascript:{_RUN})',
        "style": f"</style></title></textarea></pre></script>--> ]]> <script>{_RUN}</script>",
        "import": f"<style>@import url({BEACON});* {{background:url({BEACON})}}</style>",
        "entity": f"&lt;script&gt;{_RUN}&lt;/script&gt; &#60;script&#62;{_RUN}&#60;/script&#62;",
        "template": "{{constructor.constructor('return 1')()}} ${7*7} {0.__class__} %s %n <%= 7 %>",
        "mathtext": r"$\mathtext$ ^_{ $\frac{$ $$ \input{/etc/passwd} $x^2$",
        "mathjax": rf"\(\href{{javascript:{_RUN}}}{{x}}\) $$\def\x{{\x\x}}\x$$ \[\unknown\]",
        "terminal": "\x1b[2J\x1b[31m\x1b]0;title\x07\x9b31m\x1b]8;;http://hostile.invalid\x1b\\\b\r\x00",
        "direction": "\u202egnp.exe\u2066\u2067\u200f\u202c\u2069 \u061c\u2028\u2029\ufeff",
        "styled": "[bold red]x[/] [link=http://hostile.invalid]y[/link] [/nothing] :smile: \\[",
        "formula": '=HYPERLINK("http://hostile.invalid","x")',
        "command": "+cmd|' /C calc'!A0\t@SUM(1+1)*cmd",
        "markdown": "# h\n```\n| a | b |\n</details>\n![x](http://hostile.invalid/i.png)\n---\n> q",
        "path": "../../../etc/passwd\\..\\con:aux|?*",
        "glyphs": "\N{MICROSCOPE}\u4f60\u0301\u0301\u0301\ufdfd e\u0301 \U000e0041\ufffe",
    }
)
"""The texts, each by what it attacks."""


def build_hostile(path: str | os.PathLike[str], texts: Iterable[str] = TEXTS.values()) -> Path:
    """Make a session that holds each of these texts in every place that takes one.

    Each text has a turn, which holds it as id, name, role of a tool, argument, result, code,
    output, note of a plugin, cause, label, usage source, agent frame, artifact ref, attachment and
    queued work; the session's own id, name, folder, model and parent are all texts in a row. Two
    nodes cannot be read, and one blob has a text for its hash.

    Parameters
    ----------
    path : path
        Where the store is made; it must not exist.
    texts : iterable of str
        `TEXTS` if not given.

    Returns
    -------
    Path
        The path given.

    Examples
    --------
    >>> import lashgraph as lg, tempfile, pathlib
    >>> path = build_hostile(pathlib.Path(tempfile.mkdtemp()) / "h.db", ["<b>"])
    >>> with lg.open(path) as store:
    ...     store.load_meta().cwd
    '<b>'
    """
    made = tuple(texts)
    session = " ".join(made)
    with open_store(path, "create", StoreOptions(clock=_clock)) as store:
        store.save_meta(_meta(session))
        frames: list[dict[str, Any]] = []
        leaf: str | None = None
        for number, text in enumerate(made):
            nodes = _nodes(text, number, leaf)
            frames.append(_agent_frame(text, number, session, frames))
            leaf = nodes[-1]["node_id"]
            store.commit_runtime_state(_commit(text, number, session, nodes, frames))
            _beside_the_tree(store, text, number, session)
        store.tombstone_nodes([f"{made[0]} 0.{max(_ASIDE)}"])
    _spoil(path, made)
    return Path(path)


def _clock() -> float:
    return 1_772_442_000.0


def _time(number: int) -> str:
    return f"2026-03-02T09:{number // 60:02d}:{number % 60:02d}+00:00"


def _meta(text: str) -> dict[str, Any]:
    return {
        "session_id": text,
        "session_name": text,
        "created_at": text,
        "model": text,
        "cwd": text,
        "relation": {
            "kind": "child",
            "parent_session_id": f"{text} parent",
            "caused_by": {"type": "tool_call", "session_id": text, "call_id": text},
        },
    }


def _config(text: str) -> dict[str, Any]:
    limits = {"context_window_tokens": 200_000}
    return {"provider_id": text, "model": {"id": text, "variant": text, "limits": limits}}


def _agent_frame(
    text: str, number: int, session: str, before: list[dict[str, Any]]
) -> dict[str, Any]:
    frame = {
        "frame_id": f"{text} frame {number}",
        "session_id": session,
        "status": "active",
        "reason": text,
        "created_at": _time(number),
        "assignment": {
            "policy": {**_config(text), "session_id": session, "prompt": text},
            "plugin_options": {text: text},
            "plugin_source": text,
            "tool_access": {text: text},
            "subagent": text,
            "usage_source": text,
        },
        "protocol_turn_options": {"payload": {text: text}},
    }
    if before:
        before[-1]["status"] = "superseded"
        frame["previous_frame_id"] = before[-1]["frame_id"]
    return frame


def _nodes(text: str, number: int, parent: str | None) -> list[dict[str, Any]]:
    call, bad_call = f"{text} call {number}", f"{text} bad call {number}"
    named = {"tool_call_id": call, "tool_name": text}
    badly = {"tool_call_id": bad_call, "tool_name": text}
    image = {"kind": "image", "type": "png"}
    reference = {"id": text, "media_type": image, "byte_len": 1, "label": text}
    step = {
        "id": text,
        "protocol_iteration": number,
        "code": text,
        "output": [text],
        "reasoning": text,
        "error": text,
        "final_output": {text: text},
    }
    process = {"kind": "process", "process_id": text, "event_type": text, "sequence": number}
    contents: list[dict[str, Any]] = [
        _message(
            "User",
            [
                _part("Text", text),
                _part("Image", "", attachment={"reference": reference}),
            ],
        ),
        _message(
            "Assistant",
            [
                _part("Reasoning", text, reasoning_meta={"item_id": text, "summary": [text]}),
                _part("ToolCall", json.dumps({text: text}), **named),
                _part("ToolCall", text, **badly),
            ],
        ),
        _message(
            "User",
            [
                _part("ToolResult", text, **named),
                _part("ToolResult", f"[Tool execution failed]\n{text}", **badly),
            ],
        ),
        {"kind": "event", "event": {"Protocol": {"plugin_id": text, "payload": {text: text}}}},
        {
            "kind": "event",
            "event": {"Protocol": {"plugin_id": text, "payload": {"RlmTrajectoryEntry": step}}},
        },
        {"kind": "plugin", "plugin_type": text, "body": {text: [text]}},
        _message("System", [_part("Text", text)], {"kind": "plugin", "plugin_id": text}),
        _message("Event", [_part("Text", text)], {**process, "wake_id": text}),
        _message(
            "User",
            [
                _part("Text", "", {"Deleted": {"breadcrumb": text, "archive_hash": text}}),
                _part("Text", "", {"Summarized": {"summary": text, "archive_hash": text}}),
            ],
        ),
        _message(
            "Assistant",
            [_part(kind, text) for kind in ("Code", "Output", "Error", "Prose")],
        ),
    ]
    made = []
    for place, content in enumerate(contents):
        node = {
            "node_id": f"{text} {number}.{place}",
            "agent_frame_id": f"{text} frame {number}",
            "timestamp": _time(10 * number + place),
            "caused_by": {"type": "turn", "session_id": text, "turn_id": text},
            **content,
        }
        if parent is not None:
            node["parent_node_id"] = parent
        if "Conversation" in content.get("event", {}):
            content["event"]["Conversation"]["id"] = node["node_id"]
        made.append(node)
        parent = parent if place in _ASIDE else node["node_id"]
    return made


def _message(
    role: str, parts: list[dict[str, Any]], origin: dict[str, Any] | None = None
) -> dict[str, Any]:
    message: dict[str, Any] = {"id": "", "role": role, "parts": parts}
    if origin is not None:
        message["origin"] = origin
    return {"kind": "event", "event": {"Conversation": message}}


def _part(kind: str, content: str, pruned: Any = "Intact", **more: Any) -> dict[str, Any]:
    return {"id": content or kind, "kind": kind, "content": content, "prune_state": pruned, **more}


def _commit(
    text: str,
    number: int,
    session: str,
    nodes: list[dict[str, Any]],
    frames: list[dict[str, Any]],
) -> dict[str, Any]:
    spent = {"input_tokens": 900, "output_tokens": 90, "cached_input_tokens": number}
    plugin = {"plugin_id": text, "plugin_version": text, "revision": number, "state": {text: text}}
    artifact = {"name": text, "data": list(text.encode())}
    tool = {"id": text, "name": text, "description": text}
    return {
        "session_id": session,
        "config": _config(text),
        "agent_frames": frames,
        "current_agent_frame_id": frames[-1]["frame_id"],
        "graph": {"Append": {"nodes": nodes, "leaf_node_id": nodes[-1]["node_id"]}},
        "checkpoint": {
            "turn_state": {"turn_index": number, "token_usage": spent},
            "tool_state": {"generation": number, "tools": {text: {"manifest": tool}}},
            "plugin_snapshot": {"plugins": {text: {"meta": plugin, "artifacts": [artifact]}}},
            "execution_state": list(json.dumps({"vars": {text: text}, "n": number}).encode()),
        },
        "usage_deltas": [{"source": text, "model": text, "usage": spent}],
        "turn_commit": {
            "session_id": session,
            "turn_id": f"{text} turn {number}",
            "turn_commit_hash": text,
        },
    }


def _beside_the_tree(store: Store, text: str, number: int, session: str) -> None:
    module = {"module_ref": text, "canonical_ir": text, "exports": [text]}
    store.put_module_artifact(f"{text} module {number}", json.dumps(module).encode())
    store.put_blob(f"{text} {number}".encode())
    store.record_attachment_intent(f"{text} attachment {number}", session, text)
    store.enqueue_work(
        {
            "session_id": session,
            "source_key": f"{text} {number}",
            "delivery_policy": text,
            "slot_policy": text,
            "merge_key": text,
            "payloads": [{text: text}],
        }
    )


def _spoil(path: str | os.PathLike[str], texts: tuple[str, ...]) -> None:
    """Leave what only a damaged file has: nodes that cannot be read, a blob under no hash."""
    text = " ".join(texts)
    odd = {"node_id": text, "timestamp": text, "kind": text}
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO graph_nodes (node_id, node_json, tombstoned) VALUES (?, ?, 0)",
            [(text, json.dumps(odd)), (f"{text} 2", text)],
        )
        connection.execute("INSERT INTO blobs (hash, content) VALUES (?, ?)", (text, b"\x00"))
