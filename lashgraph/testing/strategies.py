"""Hypothesis strategies for the records of a session store. Needs Hypothesis (extra ``dev``).

Strategies are made once: to make and check one costs more than to draw from it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from lashgraph.reach import GcPolicy

Json = Any

_ROLES = ("User", "Assistant", "System", "Event")
_PART_KINDS = (
    "Text",
    "Image",
    "Code",
    "Output",
    "Error",
    "Prose",
    "ToolCall",
    "ToolResult",
    "Reasoning",
)


@cache
def texts(max_size: int = 20) -> SearchStrategy[str]:
    """Texts that JSON can hold: any character but halves of surrogate pairs."""
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=max_size)


@cache
def json_values() -> SearchStrategy[Json]:
    """Free-form JSON whose numbers every reader agrees on."""
    numbers = st.integers(-(1 << 53), 1 << 53) | st.sampled_from([0.5, -1.25, 1e300, 1e-7])
    return st.recursive(
        st.none() | st.booleans() | numbers | texts(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts(6), inner, max_size=4),
        max_leaves=12,
    )


@cache
def hashes() -> SearchStrategy[str]:
    """Keys of blobs, most of them of blobs that are nowhere."""
    return st.binary(min_size=32, max_size=32).map(bytes.hex)


@cache
def timestamps() -> SearchStrategy[str]:
    """Times as the runtime writes them."""
    return st.datetimes().map(lambda t: t.strftime("20%y-%m-%dT%H:%M:%S.%f123+00:00"))


@cache
def parts(archives: SearchStrategy[str] | None = None) -> SearchStrategy[Json]:
    """Parts of messages; some are pruned and name an archive."""
    archive = archives if archives is not None else hashes()
    deleted = st.fixed_dictionaries({"breadcrumb": texts(), "archive_hash": archive})
    summary = st.fixed_dictionaries({"summary": texts(), "archive_hash": archive})
    state = (
        st.sampled_from(["Intact", "Intact", "Cleared"])
        | deleted.map(lambda inner: {"Deleted": inner})
        | summary.map(lambda inner: {"Summarized": inner})
    )
    return st.fixed_dictionaries(
        {
            "id": texts(6),
            "kind": st.sampled_from(_PART_KINDS),
            "content": texts(40),
            "prune_state": state,
        },
        optional={"tool_call_id": texts(6), "tool_name": texts(6)},
    )


@cache
def _parts_of_one(archives: SearchStrategy[str] | None) -> SearchStrategy[list[Json]]:
    return st.lists(parts(archives), max_size=3)


_PARENT = st.none() | texts(8)


@st.composite
def nodes(
    draw: st.DrawFn,
    node_id: str | None = None,
    parents: SearchStrategy[str | None] | None = None,
    archives: SearchStrategy[str] | None = None,
) -> Json:
    """A node of the session graph, as a mapping."""
    made: dict[str, Json] = {"node_id": draw(texts(8)) if node_id is None else node_id}
    parent = draw(parents if parents is not None else _PARENT)
    if parent is not None:
        made["parent_node_id"] = parent
    if draw(st.booleans()):
        made["agent_frame_id"] = draw(texts(8))
    made["timestamp"] = draw(timestamps())
    shape = draw(st.sampled_from(["message", "protocol", "plugin"]))
    if shape == "plugin":
        return made | {"kind": "plugin", "plugin_type": draw(texts(8)), "body": draw(json_values())}
    if shape == "protocol":
        event = {"Protocol": {"plugin_id": draw(texts(8)), "payload": draw(json_values())}}
    else:
        message = {"id": draw(texts(8)), "role": draw(st.sampled_from(_ROLES))}
        event = {"Conversation": message | {"parts": draw(_parts_of_one(archives))}}
    return made | {"kind": "event", "event": event}


@st.composite
def graphs(
    draw: st.DrawFn, max_size: int = 8, archives: SearchStrategy[str] | None = None
) -> list[Json]:
    """Nodes of unique ids whose parents are earlier nodes, missing, or none."""
    made: list[Json] = []
    for number in range(draw(st.integers(0, max_size))):
        earlier = [node["node_id"] for node in made]
        parents = st.sampled_from([None, "missing", *earlier])
        made.append(draw(nodes(f"n{number}", parents, archives)))
    return made


@st.composite
def checkpoints(draw: st.DrawFn) -> Json:
    """Checkpoints: states themselves, refs alone, or neither."""
    made: dict[str, Json] = {}
    if draw(st.booleans()):
        made["turn_state"] = {
            "turn_index": draw(st.integers(0, 1 << 40)),
            "protocol_turn_options": {"payload": draw(json_values())},
        }
    if draw(st.booleans()):
        made["tool_state"] = {"generation": draw(st.integers(0, 9)), "tools": {}}
    elif draw(st.booleans()):
        made["tool_state_ref"] = draw(hashes())
    if draw(st.booleans()):
        meta = {"plugin_id": "p", "plugin_version": "1", "revision": draw(st.integers(0, 9))}
        entry = {"meta": meta, "artifacts": [{"name": "a", "data": list(draw(st.binary()))}]}
        made["plugin_snapshot"] = {"plugins": {draw(texts(4)): entry}}
    if draw(st.booleans()):
        made["execution_state"] = list(draw(st.binary(max_size=300)))
    elif draw(st.booleans()):
        made["execution_state_ref"] = draw(hashes())
    return made


@st.composite
def commits(
    draw: st.DrawFn, session_id: str = "s", archives: SearchStrategy[str] | None = None
) -> Json:
    """Commits that replace the graph; each can follow any other."""
    model = {"id": "m", "limits": {"context_window_tokens": 1000}}
    config = {"provider_id": "p", "model": model}
    frames = [
        {
            "frame_id": f"f{number}",
            "session_id": session_id,
            "created_at": "2026-01-01T00:00:00+00:00",
            "assignment": {"policy": {"provider_id": "p", "model": model}},
            "execution_state_ref": draw(archives if archives is not None else hashes()),
        }
        for number in range(draw(st.integers(0, 2)))
    ]
    graph = draw(graphs(archives=archives))
    return {
        "session_id": session_id,
        "config": config,
        "agent_frames": frames,
        "graph": {"ReplaceFull": {"nodes": graph, "leaf_node_id": None}},
        "checkpoint": draw(checkpoints()),
    }


@cache
def policies() -> SearchStrategy[GcPolicy]:
    """Policies of both names."""
    return st.builds(GcPolicy, st.sampled_from(["safe", "runtime"]), st.integers(0, 4))
