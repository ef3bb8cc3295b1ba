"""Random stores of few blobs and many refs, and what keeps what in them by brute force."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

import lashgraph as lg
from lashgraph import GcPolicy, Reachability
from lashgraph.format.blob import MANIFEST, MODULE, TOOL_STATE, Descriptor, wrap
from lashgraph.format.checkpoint import CHILD_FIELDS, Manifest, encode_manifest
from lashgraph.format.commit import TurnResult, encode_turn_result
from lashgraph.reach.facts import gather
from lashgraph.testing.oracle.envelopes import read_manifest
from lashgraph.testing.oracle.mark import Root, roots
from lashgraph.testing.oracle.tables import tables_of

CONFIG = {
    "provider_id": "p",
    "model": {"id": "m", "limits": {"context_window_tokens": 1000}},
}
KINDS = (TOOL_STATE, MODULE, Descriptor(kind="GenericBlob"), None)
ABSENT = hashlib.sha256(b"never stored").hexdigest()


class Plan(NamedTuple):
    """A store to make: what names which blob, blobs by number, manifests last."""

    policy: GcPolicy
    sizes: list[int]
    manifests: list[tuple[int | None, int | None, int | None]]
    head: int
    artifacts: list[int]
    frames: list[int]
    archives: list[list[int]]
    turns: list[tuple[int, int | None]]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Stores whose roots share blobs, name manifests with and without following them, and name
    what is not there; a manifest may name another."""
    sizes = draw(st.lists(st.integers(0, 60), min_size=1, max_size=6))
    manifests: list[tuple[int | None, int | None, int | None]] = []
    for _ in range(draw(st.integers(1, 4))):
        child = st.none() | st.integers(-1, len(sizes) + len(manifests) - 1)
        manifests.append(draw(st.tuples(child, child, child)))
    total = len(sizes) + len(manifests)
    blob, manifest = st.integers(-1, total - 1), st.integers(len(sizes), total - 1)
    return Plan(
        GcPolicy(draw(st.sampled_from(["safe", "runtime"])), draw(st.integers(0, 3))),
        sizes,
        manifests,
        draw(manifest),
        draw(st.lists(blob, max_size=4)),
        draw(st.lists(blob, max_size=3)),
        draw(st.lists(st.lists(blob, min_size=1, max_size=3), max_size=3)),
        draw(st.lists(st.tuples(manifest, st.none() | blob), max_size=4)),
    )


@cache
def _schema() -> str:
    """The tables of a new store, as SQL."""
    with lg.open(":memory:") as store, store._database.exclusive("copy") as connection:
        return "\n".join(connection.iterdump())


@contextmanager
def made(plan: Plan) -> Iterator[sqlite3.Connection]:
    """The store in memory."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(_schema())
        keys = _put_blobs(connection, plan)

        def key(at: int | None) -> str | None:
            return None if at is None else ABSENT if at < 0 else keys[at]

        frames = [
            {"frame_id": f"f{n}", "execution_state_ref": key(at)}
            for n, at in enumerate(plan.frames)
        ]
        head = {"session_id": "s", "config": CONFIG, "checkpoint_ref": key(plan.head)}
        connection.execute(
            "INSERT INTO session_head (singleton, session_id, head_json, head_revision) "
            "VALUES (1, 's', ?, 1)",
            (json.dumps(head | {"agent_frames": frames}),),
        )
        connection.executemany(
            "INSERT INTO artifact_refs VALUES (?, ?)",
            [(f"a{n}", key(at)) for n, at in enumerate(plan.artifacts)],
        )
        for n, archived in enumerate(plan.archives):
            node = {
                "node_id": f"n{n}",
                "timestamp": "2026-01-01T00:00:00+00:00",
                "kind": "plugin",
                "plugin_type": "p",
                "body": [{"archive_hash": key(at)} for at in archived],
            }
            connection.execute(
                "INSERT INTO graph_nodes (node_id, node_json) VALUES (?, ?)",
                (f"n{n}", json.dumps(node, separators=(",", ":"))),
            )
        for n, (checkpoint, recorded) in enumerate(plan.turns):
            state = Manifest(tool_state_ref=key(recorded))
            result = TurnResult(head_revision=n, checkpoint_ref=keys[checkpoint], manifest=state)
            connection.execute(
                "INSERT INTO runtime_turn_commits (session_id, turn_id, turn_commit_hash, "
                "result_json, committed_at_ms) VALUES ('s', ?, '', ?, 0)",
                (f"t{n}", encode_turn_result(result)),
            )
        yield connection


def _put_blobs(connection: sqlite3.Connection, plan: Plan) -> list[str]:
    keys: list[str] = []

    def put(kind: Descriptor | None, content: bytes) -> None:
        key = hashlib.sha256(content).hexdigest()
        stored = content if kind is None else wrap(kind, content, "balanced")
        connection.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?)", (key, stored))
        keys.append(key)

    for number, size in enumerate(plan.sizes):
        put(KINDS[number % len(KINDS)], bytes([number]) * (size + 1))
    for children in plan.manifests:
        named = [None if at is None else ABSENT if at < 0 else keys[at] for at in children]
        put(MANIFEST, encode_manifest(Manifest(**dict(zip(CHILD_FIELDS, named, strict=True)))))
    return keys


def reachability(connection: sqlite3.Connection, policy: GcPolicy) -> Reachability:
    return Reachability(gather(connection, policy, ":memory:"))


def sizes(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT hash, length(content) FROM blobs"))


def live_without_manifest(
    store: Path | sqlite3.Connection, policy: GcPolicy, manifest: str
) -> set[str]:
    """What is reached if a manifest is not there and not followed: each root asked anew."""
    with tables_of(store) as tables:
        live = set()
        for root in roots(tables, safe=policy.is_safe, keep_turns=policy.keep_turns):
            if root.target != manifest:
                live |= _reached(root, tables)
        return live - {manifest}


def reached_by_root(store: Path | sqlite3.Connection, policy: GcPolicy) -> dict[str, set[str]]:
    """By key of each root: what it reaches, present or not."""
    found: dict[str, set[str]] = {}
    with tables_of(store) as tables:
        for root in roots(tables, safe=policy.is_safe, keep_turns=policy.keep_turns):
            found.setdefault(root.ref, set()).update(_reached(root, tables))
    return found


def ways(
    store: Path | sqlite3.Connection, policy: GcPolicy, key: str
) -> set[tuple[str, tuple[str, ...]]]:
    """Each root that reaches a blob, with the hashes that are passed to it."""
    found = set()
    with tables_of(store) as tables:
        for root in roots(tables, safe=policy.is_safe, keep_turns=policy.keep_turns):
            if root.target == key:
                found.add((root.ref, (key,)))
            elif key in _reached(root, tables):
                found.add((root.ref, (root.target, key)))
    return found


def _reached(root: Root, tables: Any) -> set[str]:
    if not root.is_manifest or root.target not in tables.blobs:
        return {root.target}
    manifest = read_manifest(root.target, tables.blobs[root.target])
    return {root.target, *manifest.children}
