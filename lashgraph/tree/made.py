"""Nodes made of a graph of networkx: everything that it lacks or says twice is an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from msgspec import Raw
from msgspec.structs import replace

from lashgraph.errors import InvalidRecordError
from lashgraph.format import jsontext
from lashgraph.format.lines import decode_rows
from lashgraph.format.node import Node
from lashgraph.format.node_forms import decode_any
from lashgraph.format.strict import Invalid
from lashgraph.tree.forest import measure, parent_positions

_NAMED = 3
_PAGE = 200


class Made(NamedTuple):
    """What a graph of networkx holds of a session graph."""

    nodes: list[Node]
    leaf: str | None
    session_id: str


def from_networkx(graph: Any) -> Made:
    """Read the nodes of a DiGraph with edges from parent to child.

    Raises
    ------
    InvalidRecordError
        It is no DiGraph, no forest, or a node lacks an attribute; the message names the node.
    """
    import networkx as nx

    if not isinstance(graph, nx.DiGraph) or graph.is_multigraph():
        raise InvalidRecordError(
            f"from_networkx takes a networkx.DiGraph, not {type(graph).__name__}"
        )
    for name in graph.nodes:
        if not isinstance(name, str):
            raise InvalidRecordError(f"node {name!r}: node ids are str, not {type(name).__name__}")
    parents = _parents(graph)
    rows = []
    for name, facts in graph.nodes(data=True):
        try:
            rows.append(_row(name, facts))
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidRecordError(f"node {name!r}: {error}") from None
    nodes = [
        replace(node, parent_node_id=_parent(node, parent, graph))
        for node, parent in zip(_decoded(rows, list(parents)), parents.values(), strict=True)
    ]
    leaf, session_id = graph.graph.get("leaf"), graph.graph.get("session_id", "")
    return Made(nodes, leaf, str(session_id))


def _decoded(rows: list[bytes], names: list[str]) -> list[Node]:
    nodes: list[Node] = []
    for start in range(0, len(rows), _PAGE):
        found, damages = decode_rows(rows[start : start + _PAGE])
        for damage in damages:
            try:
                found[damage.position] = decode_any(rows[start + damage.position])
            except Invalid as error:
                name = names[start + damage.position]
                raise InvalidRecordError(f"node {name!r}: {error}") from None
        nodes += [node for node in found if node is not None]
    for name, node in zip(names, nodes, strict=True):
        if node.node_id != name:
            raise InvalidRecordError(f"node {name!r}: attribute 'json' is of {node.node_id!r}")
    return nodes


def _parent(node: Node, parent: str | None, graph: Any) -> str | None:
    """The parent by the edge; without one, a parent that is named and not in the graph."""
    named = node.parent_node_id
    return named if parent is None and named is not None and named not in graph else parent


def _parents(graph: Any) -> dict[str, str | None]:
    parents: dict[str, str | None] = dict.fromkeys(graph.nodes)
    for parent, child in graph.edges:
        if parents[child] is not None:
            raise InvalidRecordError(
                f"not a forest: node {child!r} has two parents, {parents[child]!r} and {parent!r}"
            )
        parents[child] = parent
    ids = list(parents)
    on_cycle = measure(parent_positions(ids, list(parents.values()))).on_cycle
    if on_cycle.any():
        circle = [ids[at] for at in np.flatnonzero(on_cycle)[:_NAMED].tolist()]
        more = "" if on_cycle.sum() <= _NAMED else f" and {int(on_cycle.sum()) - _NAMED} more"
        raise InvalidRecordError(
            f"not a forest: nodes on a cycle: {', '.join(map(repr, circle))}{more}"
        )
    return parents


def _row(name: str, facts: Mapping[str, Any]) -> bytes:
    """The JSON of a node: its attribute ``json``, or made of its attributes one by one."""
    return _text(facts, "json").encode() if "json" in facts else _described(name, facts)


def _described(name: str, facts: Mapping[str, Any]) -> bytes:
    made: dict[str, Any] = {"node_id": name}
    for key in ("parent_node_id", "agent_frame_id"):
        if key in facts:
            made[key] = _text(facts, key)
    made["timestamp"] = _text(facts, "timestamp")
    kind = made["kind"] = _text(facts, "kind")
    if kind == "plugin":
        made["plugin_type"] = _text(facts, "plugin_type")
        made["body"] = _json(facts, "body")
    elif kind != "event":
        raise ValueError(f"attribute 'kind' is {kind!r}; known: 'event', 'plugin'")
    elif "role" in facts:
        message_id = facts.get("message_id", name)
        content = facts.get("text", "")
        part = {"id": f"{name}.p0", "kind": "Text", "content": content, "prune_state": "Intact"}
        message = {"id": message_id, "role": facts["role"], "parts": [part]}
        made["event"] = {"Conversation": message}
    elif "plugin_id" in facts:
        protocol = {"plugin_id": facts["plugin_id"], "payload": _json(facts, "payload")}
        made["event"] = {"Protocol": protocol}
    else:
        raise ValueError("an event has the attribute 'role' (a message) or 'plugin_id'")
    return jsontext.encode(made)


def _text(facts: Mapping[str, Any], key: str) -> str:
    if key not in facts:
        raise ValueError(f"attribute {key!r} is missing")
    value = facts[key]
    if not isinstance(value, str):
        raise TypeError(f"attribute {key!r} is {value!r}, not a str")
    return value


def _json(facts: Mapping[str, Any], key: str) -> Raw:
    """A free-form value given as JSON text; null if it is not given."""
    if key not in facts:
        return Raw(b"null")
    return jsontext.free(jsontext.parse(_text(facts, key), dict))
