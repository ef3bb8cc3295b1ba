"""The package against the oracle, on stores that are damaged twice.

Each property test tries 100 examples. A longer run, of as many as one likes::

    LASHGRAPH_EXAMPLES=10000 .venv/bin/python -m pytest -n auto --timeout 0 tests/test_oracle.py
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import msgpack
import pytest
import stores
from hypothesis import given
from hypothesis import strategies as st
from recorded import sha256
from test_writing import STAMP

import lashgraph as lg
from lashgraph import GcPolicy, errors
from lashgraph.testing import oracle, strategies
from lashgraph.testing.builders import SessionBuilder, Step
from lashgraph.testing.damage import DAMAGES, damage

# Damage. What `damage` does stands in the package; these are rarer.

_NODE = "INSERT INTO graph_nodes (node_id, node_json) VALUES (hex(randomblob(8)), {})"
_PLUGIN = '\'{"node_id":"x","timestamp":"t","kind":"plugin","plugin_type":"p","body":\''
_KEY = "'\"' || :key || '\"'"
MORE = {
    "nothing": "SELECT 1",
    "artifact": "INSERT OR REPLACE INTO artifact_refs VALUES ('a', :key)",
    "artifact-live-manifest": "INSERT OR REPLACE INTO artifact_refs VALUES ('b', :live)",
    "artifact-of-nothing": "INSERT OR REPLACE INTO artifact_refs VALUES ('c', 'no such blob')",
    "artifact-not-text": "INSERT OR REPLACE INTO artifact_refs VALUES ('d', CAST(:key AS BLOB))",
    "key-not-text": "UPDATE blobs SET hash = CAST(hash AS BLOB) WHERE hash = :key",
    "key-null": "UPDATE blobs SET hash = NULL WHERE hash = :key",
    "blob-gone": "DELETE FROM blobs WHERE hash = :key",
    "blob-empty": "UPDATE blobs SET content = x'' WHERE hash = :key",
    "blob-cut": "UPDATE blobs SET content = substr(content, 1, length(content) - 1) "
    "WHERE hash = :key",
    "blob-altered": "UPDATE blobs SET content = CAST(content || x'00' AS BLOB) WHERE hash = :key",
    "blob-of-new-compression": "UPDATE blobs SET content = "
    "CAST(replace(content, 'compression', 'compressing') AS BLOB) WHERE hash = :key",
    "head-not-text": "UPDATE session_head SET head_json = CAST(head_json AS BLOB)",
    "head-no-config": "UPDATE session_head SET head_json = json_remove(head_json, '$.config')",
    "head-newer": "UPDATE session_head SET head_json = json_set(head_json, '$.config.model.x', 1)",
    "head-number": "UPDATE session_head SET head_json = json_set(head_json, '$.checkpoint_ref', 1)",
    "head-names-blob": "UPDATE session_head SET head_json = "
    "json_set(head_json, '$.checkpoint_ref', :key)",
    "head-two-checkpoints": "UPDATE session_head SET head_json = "
    f"'{{\"checkpoint_ref\":' || {_KEY} || ',' || substr(head_json, 2)",
    "head-null-and-text": "UPDATE session_head SET head_json = "
    "'{\"checkpoint_ref\":null,' || substr(head_json, 2)",
    "frames-object": "UPDATE session_head SET head_json = json_set(head_json, '$.agent_frames', "
    "json_object('execution_state_ref', :key))",
    "frames-odd": "UPDATE session_head SET head_json = json_set(head_json, '$.agent_frames', "
    "json_array(1, json_object('execution_state_ref', json_array(:key, 2))))",
    "frames-twice": 'UPDATE session_head SET head_json = \'{"agent_frames":['
    f"{{\"execution_state_ref\":' || {_KEY} || '}}],' || substr(head_json, 2)",
    "node-names-blob": _NODE.format(f"{_PLUGIN} || '{{\"archive_hash\":' || {_KEY} || '}}}}'"),
    "node-names-two": _NODE.format(
        f'{_PLUGIN} || \'{{"archive_hash":\' || {_KEY} || \',"archive_hash":""}}}}\''
    ),
    "node-mentions-blob": _NODE.format(f"{_PLUGIN} || {_KEY} || '}}'"),
    "node-cut": _NODE.format(f"{_PLUGIN} || {_KEY}"),
    "node-escaped": _NODE.format(
        "'{' || replace(replace(:key, 'a', '\\u0061'), '7', '\\u0037') || '\\u00'"
    ),
    "node-repeated": _NODE.format(f'{_PLUGIN} || {_KEY} || \',"kind":"plugin"}}\''),
    "node-of-bytes": "UPDATE graph_nodes SET node_json = CAST(node_json AS BLOB)",
    "nodes-gone": "DELETE FROM graph_nodes",
    "nodes-tombstoned": "UPDATE graph_nodes SET tombstoned = 1",
    "turns-gone": "DELETE FROM runtime_turn_commits",
    "turns-tie": "UPDATE runtime_turn_commits SET result_json = "
    "json_set(result_json, '$.head_revision', 1), committed_at_ms = 1 - rowid",
    "turn-names-blob": "UPDATE runtime_turn_commits SET result_json = "
    "json_set(result_json, '$.checkpoint_ref', :key, '$.manifest.tool_state_ref', 'gone') "
    "WHERE rowid = 1",
    "turn-odd-manifest": "UPDATE runtime_turn_commits SET result_json = "
    "json_set(result_json, '$.manifest', json_object('turn_state', 1)) WHERE rowid = 1",
}
ENVELOPES = [
    [["CheckpointManifest"], "Zlib", zlib.compress(b"cut")[:6]],
    [[1], "Zlib", b"x"],
    [[2], "None", [1, 2, 999]],
    {0: {0: 1}, 1: "Zlib", 2: b""},
    {0: {"turn_index": 1}, 1: "a tool state", 4: "an execution state"},
    {"descriptor": {"kind": "CheckpointManifest"}, "compression": "Brotli", "content": b""},
    {"content": b"\x80", "compression": 0, "descriptor": {"kind": {1: None}}},
    {"content": b"\x80", "compression": 0, "descriptor": {"kind": 1, "hints": None}},
    {b"content": b"\x80", b"compression": {"None": None}, b"descriptor": {b"kind": 1}},
    {"tool_state_ref": b"\xff"},
    {"turn_state": {"token_usage": {}}},
]
"""Sound and unsound ones, and bare manifests."""
ODD = ["live-envelope", "artifact-envelope", "live-envelope-cut", "artifact-envelope-cut"]
REWRITTEN = ["manifest-counted", "manifest-array", "manifest-newer", "manifest-twice"]
KINDS = st.sampled_from([*DAMAGES, *MORE, *ODD, *REWRITTEN])
Harms = tuple[str, str, int]
HARMS = st.tuples(KINDS, KINDS, st.integers(0, 40))
"""Two damages, and which blob each is done to."""


def harm(path: Path, kind: str, pick: int) -> None:
    """One damage, to the blob that a number picks; none where there is nothing to damage."""
    if kind in DAMAGES:
        with contextlib.suppress(errors.NotSupportedError):
            damage(path, kind)
        return
    with closing(sqlite3.connect(path)) as connection, contextlib.suppress(sqlite3.Error):
        keys = [key for (key,) in connection.execute("SELECT hash FROM blobs ORDER BY hash")]
        values = {"key": keys[pick % len(keys)] if keys else "", "live": live_manifest(connection)}
        if kind in MORE:
            connection.execute(MORE[kind], values)
        elif kind in ODD:
            packed = msgpack.packb(ENVELOPES[pick % len(ENVELOPES)])
            content = packed[: -1 if kind.endswith("cut") else None]
            target = values["live"] if kind.startswith("live") else values["key"]
            connection.execute("INSERT OR REPLACE INTO blobs VALUES (?, ?)", (target, content))
            if target == values["key"]:
                connection.execute(MORE["artifact"], values)
        else:
            rewrite(connection, kind, values["live"])
        connection.commit()


def live_manifest(connection: sqlite3.Connection) -> str:
    try:
        sql = "SELECT json_extract(head_json, '$.checkpoint_ref') FROM session_head"
        (key,) = connection.execute(sql).fetchone()
    except (sqlite3.Error, TypeError):
        return ""
    return str(key)


def rewrite(connection: sqlite3.Connection, kind: str, key: str) -> None:
    """The live manifest in another form, under the hash of its new bytes."""
    row = connection.execute("SELECT content FROM blobs WHERE hash = ?", (key,)).fetchone()
    try:
        envelope = msgpack.unpackb(row[0])
        content = bytes(envelope["content"])
        squeezed = envelope["compression"] == "Zlib"
        fields = msgpack.unpackb(zlib.decompress(content) if squeezed else content)
        fields = dict(fields.items())
    except (AttributeError, TypeError, KeyError, ValueError, zlib.error):
        return
    names = ["turn_state", "tool_state_ref", "plugin_snapshot_ref", "", "execution_state_ref"]
    by_position: dict[Any, Any] = {names.index(n): fields[n] for n in names if n in fields}
    forms = {
        "manifest-counted": msgpack.packb(by_position),
        "manifest-array": msgpack.packb([by_position.get(n) for n in range(5)]),
        "manifest-newer": msgpack.packb(fields | {"newer_ref": "x"}),
        "manifest-twice": msgpack.packb(fields | {4: "again", b"execution_state_ref": "more"}),
    }
    content = forms[kind]
    renamed = hashlib.sha256(content).hexdigest()
    whole = msgpack.packb({0: ["CheckpointManifest"], b"compression": 0, "content": content})
    connection.execute("DELETE FROM blobs WHERE hash = ?", (key,))
    connection.execute("INSERT OR REPLACE INTO blobs VALUES (?, ?)", (renamed, whole))
    connection.execute(
        "UPDATE session_head SET head_json = replace(head_json, ?, ?)", (key, renamed)
    )


# The comparison


def agree(path: Path, policy: GcPolicy, *, planned: bool) -> None:
    """The package's verdict, plan and collection are what the oracle says."""
    judged = oracle.judge(path, policy.name, policy.keep_turns)
    before, file_before = stored(path), sha256(path.read_bytes())
    plan = None
    with lg.open(path) as store, contextlib.suppress(errors.DamagedStoreError):
        plan = store.plan_gc(policy)
    assert ("refuse" if plan is None else "sweep") == judged.verdict, judged.reasons
    assert sha256(path.read_bytes()) == file_before
    with lg.open(path, "rw") as store:
        if plan is None:
            with pytest.raises(errors.DamagedStoreError):
                store.gc_unreachable(policy)
            assert stored(path) == before
            return
        report = store.sweep(plan, accept_unusual=True) if planned else store.gc_unreachable(policy)
    after = stored(path)
    gone = {key: size for key, size in before.items() if key not in after}
    assert set(gone) == set(plan.doomed_hashes) == judged.doomed
    assert set(after) == judged.kept
    assert sum(gone.values()) == plan.deleted_bytes == report.deleted_bytes
    assert sum(after.values()) == plan.kept_bytes == report.kept_bytes
    for counts in (plan, report):
        assert counts.deleted_blob_count == len(judged.doomed)
        assert counts.retained_blob_count == judged.retained_blob_count
        assert counts.root_count == judged.root_count


def stored(path: Path) -> dict[Any, int]:
    """Keys and bytes of the blobs in a file."""
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT hash, length(CAST(content AS BLOB)) FROM blobs"))


@contextlib.contextmanager
def harmed(content: bytes, harms: Harms) -> Iterator[Path]:
    """A store in a file of its own, damaged twice."""
    first, second, pick = harms
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        path.write_bytes(content)
        harm(path, first, pick)
        harm(path, second, pick)
        yield path


# Stores to damage


@cache
def recorded_store(name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return one_file(stores.unpack(stores.find(name), Path(folder)))


@cache
def built_store() -> bytes:
    """Agent frames with states, a branch, tombstones, modules, an archive, garbage."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "built.db"
        with SessionBuilder(path, "built") as session:
            session.turn("first", "answer")
            fork = session.leaf
            session.module("module one")
            session.code_turn("second", [Step("x = 1", ["1"])])
            session.new_agent_frame("compaction")
            session.archive("long ago" * 60, "see the archive")
            session.remember(700)
            session.turn("third", "answer")
            session.branch_from(fork)
            session.turn("fourth", "answer")
            session.tombstone([str(session.leaf)])
            session.garbage(2, 90)
        return one_file(path)


def one_file(path: Path) -> bytes:
    """A store's bytes without a write-ahead log, which costs a test its time."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return path.read_bytes()


CONTENTS = [bytes([number]) * 20 for number in range(6)]
KEYS = st.sampled_from([hashlib.sha256(content).hexdigest() for content in CONTENTS])


@st.composite
def made_stores(draw: st.DrawFn) -> bytes:
    """Stores of a few commits whose nodes, agent frames and artifacts name blobs, there or not."""
    with lg.open(":memory:") as store:
        for content in CONTENTS:
            store.put_blob(content)
        for number in range(draw(st.integers(1, 3))):
            change = draw(strategies.commits(archives=KEYS))
            store.commit_runtime_state(change | {"turn_commit": STAMP | {"turn_id": f"t{number}"}})
        named = sorted(store.blobs()["hash"])
        artifacts = draw(st.lists(st.sampled_from(named), max_size=2))
        store.tombstone_nodes([f"n{n}" for n in draw(st.lists(st.integers(0, 4), max_size=2))])
        with store._database.exclusive("make") as connection:
            for number, target in enumerate(artifacts):
                row = (f"artifact {number}", target)
                connection.execute("INSERT INTO artifact_refs VALUES (?, ?)", row)
            return connection.serialize()


HEALTHY_NAME = "damaged/healthy.db.gz"
HEALTHY = st.sampled_from(
    [
        HEALTHY_NAME,
        "damaged/artifact-old-manifest.db.gz",
        "damaged/head-superseded-frame.db.gz",
        "sessions/rlm-frames-1dda3e9e568fca5d.db.gz",
    ]
)


@given(HEALTHY, HARMS, strategies.policies(), st.booleans())
def test_two_damages_of_a_recorded_store(
    name: str, harms: Harms, policy: GcPolicy, planned: bool
) -> None:
    with harmed(recorded_store(name), harms) as path:
        agree(path, policy, planned=planned)


@given(HARMS, strategies.policies(), st.booleans())
def test_two_damages_of_a_built_store(harms: Harms, policy: GcPolicy, planned: bool) -> None:
    with harmed(built_store(), harms) as path:
        agree(path, policy, planned=planned)


@given(made_stores(), HARMS, strategies.policies(), st.booleans())
def test_two_damages_of_any_store(
    store: bytes, harms: Harms, policy: GcPolicy, planned: bool
) -> None:
    with harmed(store, harms) as path:
        agree(path, policy, planned=planned)


@pytest.mark.parametrize("pick", range(len(ENVELOPES)))
@pytest.mark.parametrize("kind", ODD)
def test_envelopes_however_they_are_written(kind: str, pick: int) -> None:
    for policy in (GcPolicy.safe(keep_turns=1), GcPolicy.runtime()):
        with harmed(recorded_store(HEALTHY_NAME), (kind, "nothing", pick)) as path:
            agree(path, policy, planned=True)


# What is kept without some roots


@given(HARMS, strategies.policies(), st.data())
def test_without_some_roots_the_oracle_keeps_what_a_plan_that_drops_them_keeps(
    harms: Harms, policy: GcPolicy, data: st.DataObject
) -> None:
    with harmed(built_store(), harms) as path, lg.open(path) as store:
        graph = store.reachability(policy).to_networkx()
        roots = {key for key, facts in graph.nodes(data=True) if facts["layer"] == "root"}
        droppable = sorted(roots - {"head"})
        dropped = data.draw(st.lists(st.sampled_from(droppable)) if droppable else st.just([]))
        try:
            kept = oracle.kept_by(path, policy.name, dropped, keep_turns=policy.keep_turns)
        except oracle.Refusal:
            with pytest.raises(errors.DamagedStoreError):
                store.plan_gc(policy, drop=dropped)
        else:
            assert set(store.plan_gc(policy, drop=dropped).kept()["hash"]) == kept


def test_without_the_head_only_what_others_name_is_kept(
    recorded: Callable[[str], Path],
) -> None:
    path = recorded("damaged/head-superseded-frame.db.gz")
    with lg.open(path) as store:
        key = store.load_head().checkpoint_ref  # type: ignore[union-attr]
        manifest = store.get_checkpoint(str(key))
        refs = store.refs()
    assert manifest is not None
    children = {manifest.tool_state_ref, manifest.plugin_snapshot_ref, manifest.execution_state_ref}
    named = refs[refs["source_kind"].isin(["artifact", "agent_frame"])]
    everything = oracle.kept_by(path)
    assert everything == oracle.judge(path).kept == {key, *children, *named["blob_hash"]}
    assert everything - oracle.kept_by(path, without=["head"]) == {key, *children}
    assert oracle.kept_by(path, "runtime", ["head", "turn:of-no-such-id"]) == set(
        named.loc[named["source_kind"] == "artifact", "blob_hash"]
    )
    assert oracle.kept_by(path, without=["head", *named["ref"]]) == frozenset()


def test_a_turn_that_is_dropped_is_not_replaced_by_an_older_one(
    recorded: Callable[[str], Path],
) -> None:
    path = recorded(HEALTHY_NAME)
    kept = [oracle.kept_by(path, keep_turns=count) for count in range(4)]
    assert kept[0] == kept[1] < kept[2] <= kept[3]
    assert oracle.kept_by(path, without=["turn:t2"], keep_turns=2) == kept[1]


def test_wrong_questions_are_refused(recorded: Callable[[str], Path]) -> None:
    path = recorded(HEALTHY_NAME)
    with pytest.raises(ValueError, match="known: 'safe', 'runtime'"):
        oracle.judge(path, "careful")
    with pytest.raises(ValueError, match="not one text"):
        oracle.kept_by(path, without="head")
    with pytest.raises(oracle.Refusal, match="missing"):
        oracle.kept_by(recorded("damaged/manifest-absent.db.gz"))
