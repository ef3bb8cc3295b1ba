"""The frame of problems: what cannot be read, or names what is not there."""

from __future__ import annotations

import sqlite3

import pandas as pd

from lashgraph.errors import DamagedHeadError
from lashgraph.frames.declared import PROBLEMS
from lashgraph.reach import Finding, GcPolicy, Mark, mark
from lashgraph.sqlite import blobs, heads, nodes
from lashgraph.tree.forest import ABSENT, measure, parent_positions


def problems_frame(connection: sqlite3.Connection, path: str, session_id: str) -> pd.DataFrame:
    """One row for each thing that is wrong.

    Head, nodes and turn records that cannot be read; nodes whose key differs from their JSON,
    whose parent is missing, or who are their own ancestors; live manifests that are missing,
    damaged or altered; live refs without a blob; blobs whose envelope is damaged. A tombstoned
    parent is none: tombstoning a branch's stem is how the runtime cuts it off.
    """
    seen = mark(connection, GcPolicy.safe())
    found = [
        *_head(connection, seen),
        *_nodes(connection),
        *_turns(seen),
        *seen.findings,
        *_dangling(seen),
        *_blobs(connection, seen),
    ]
    found = list(dict.fromkeys(found))
    data = {name: [getattr(one, name) for one in found] for name in Finding._fields}
    return PROBLEMS.build(data, len(found), path, session_id)


def _head(connection: sqlite3.Connection, seen: Mark) -> list[Finding]:
    if seen.refs.head_damage:
        return []
    try:
        heads.load(connection)
    except DamagedHeadError as error:
        return [Finding("session_head", "head_json", error.message)]
    return []


def _nodes(connection: sqlite3.Connection) -> list[Finding]:
    found, ids, parents = [], [], []
    for chunk in nodes.scan(connection, tombstoned=False, keys=True):
        keys = chunk.keys.ids if chunk.keys is not None else []
        found += [
            Finding("graph_nodes", key, f"cannot be read: {reason}")
            for key, reason in nodes.damaged_rows(chunk)
        ]
        for key, node in zip(keys, chunk.nodes, strict=True):
            if node is not None and node.node_id != key:
                what = f"its JSON says it is {node.node_id!r}"
                found.append(Finding("graph_nodes", key, what))
        ids += keys
        parents += [None if node is None else node.parent_node_id for node in chunk.nodes]
    return found + _links(connection, ids, parents)


def _links(
    connection: sqlite3.Connection, ids: list[str], parents: list[str | None]
) -> list[Finding]:
    forest = measure(parent_positions(ids, parents))
    found = []
    for position in (forest.parents == ABSENT).nonzero()[0].tolist():
        parent = parents[position]
        there = connection.execute("SELECT 1 FROM graph_nodes WHERE node_id = ?", (parent,))
        if there.fetchone() is None:
            what = f"its parent {parent!r} is missing: paths end here"
            found.append(Finding("graph_nodes", ids[position], what))
    circles = forest.on_cycle.nonzero()[0].tolist()
    found += [Finding("graph_nodes", ids[at], "it is its own ancestor: a cycle") for at in circles]
    return found


def _turns(seen: Mark) -> list[Finding]:
    return [
        Finding("runtime_turn_commits", turn.turn.turn_id, f"cannot be read: {turn.reason}")
        for turn in seen.refs.turns
        if turn.result is None
    ]


def _dangling(seen: Mark) -> list[Finding]:
    """Live names without a blob; agent frames but the current one may dangle after a collection."""
    present = {row.hash for row in seen.present}
    strong = {ref.ref for ref in [*seen.refs.head_roots(), *seen.refs.artifacts]}
    named_twice = {finding.key for finding in seen.findings if finding.table == "blobs"}
    return [
        Finding("blobs", key, f"missing, yet {root} leads to it")
        for key, root in seen.live.items()
        if key not in present and key not in named_twice and root in strong
    ]


def _blobs(connection: sqlite3.Connection, seen: Mark) -> list[Finding]:
    kinds = blobs.kinds(connection, [row.rowid for row in seen.present])
    found = [
        Finding("blobs", row.hash, "its envelope is damaged")
        for row, (kind, _) in zip(seen.present, kinds, strict=True)
        if kind == "damaged"
    ]
    for rowid, kind in blobs.odd_keys(connection):
        found.append(Finding("blobs", f"rowid {rowid}", f"its key is stored as {kind}, not text"))
    return found
