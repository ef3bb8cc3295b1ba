"""Plans and sweeps: exactly the plan, or nothing."""

from __future__ import annotations

import itertools
import json
import pickle
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgpack
import pytest
from recorded import blob_hashes, folder_state, sha256
from test_writing import commit, node

import lashgraph as lg
from lashgraph import GcPolicy, errors
from lashgraph.format.blob import content_hash
from lashgraph.sqlite import blobs
from lashgraph.testing import oracle

HEALTHY = "damaged/healthy.db.gz"
Recorded = Callable[[str], Path]


@pytest.fixture
def path(recorded: Recorded) -> Path:
    return recorded(HEALTHY)


def keep_everything(path: Path, plan: lg.GcPlan) -> None:
    """A plan that is refused leaves the file's blobs as they were."""
    before = blob_hashes(path)
    with lg.open(path, "rw") as store, pytest.raises(errors.StalePlanError):
        store.sweep(plan)
    assert blob_hashes(path) == before


def test_a_dry_run_writes_nothing(path: Path) -> None:
    before = folder_state(path.parent)
    with lg.open(path) as store:
        plan = store.plan_gc()
        assert plan.deleted_blob_count > 0
    assert folder_state(path.parent) == before


def test_a_plan_is_a_value_that_travels(path: Path) -> None:
    with lg.open(path) as store:
        plan = store.plan_gc(keep_turns=1)
    again = pickle.loads(pickle.dumps(plan))
    assert (again.policy, again.fingerprint) == (plan.policy, plan.fingerprint)
    with pytest.raises(AttributeError):
        plan.path = "elsewhere"  # type: ignore[misc]
    frame = plan.doomed()
    frame["hash"] = "changed"
    assert plan.doomed()["hash"].tolist() == list(plan.doomed_hashes)
    with lg.open(path, "rw") as store:
        report = store.sweep(again)
    assert report.deleted_blob_count == plan.deleted_blob_count
    assert report.deleted_bytes == plan.deleted_bytes == plan.doomed()["stored_bytes"].sum()
    assert (report.kept_blob_count, report.kept_bytes) == (plan.kept_blob_count, plan.kept_bytes)
    assert blob_hashes(path) == set(plan.kept()["hash"])


def test_a_sweep_leaves_garbage_that_came_after_the_plan(path: Path) -> None:
    with lg.open(path, "rw") as store:
        plan = store.plan_gc()
        later = store.put_blob(b"came later")
        assert store.sweep(plan).deleted_blob_count == plan.deleted_blob_count
        assert store.get_blob(later) == b"came later"


def test_moved_roots_make_a_plan_stale(path: Path) -> None:
    with lg.open(path, "rw") as store:
        plan = store.plan_gc()
        store.commit_runtime_state(commit())
    keep_everything(path, plan)


def test_a_planned_blob_that_is_alive_again_makes_it_stale(path: Path) -> None:
    with lg.open(path, "rw") as store:
        plan = store.plan_gc()
        pruned = {"Deleted": {"breadcrumb": "b", "archive_hash": plan.doomed_hashes[0]}}
        part = {"id": "p", "kind": "Text", "content": "", "prune_state": pruned}
        message = {"id": "x", "role": "User", "parts": [part]}
        event = {"kind": "event", "event": {"Conversation": message}}
        bare = {key: node("x")[key] for key in ("node_id", "timestamp")}
        store.append_session_graph_nodes([{**bare, **event}])
        assert plan.doomed_hashes[0] in store.reachability().live
    keep_everything(path, plan)


def test_a_plan_runs_once(path: Path) -> None:
    with lg.open(path, "rw") as store:
        plan = store.plan_gc()
        store.sweep(plan)
    keep_everything(path, plan)


def test_a_plan_of_another_store_is_refused(path: Path, tmp_path: Path) -> None:
    with lg.open(tmp_path / "other.db", "create") as other:
        other.put_blob(b"x")
        plan = other.plan_gc()
    keep_everything(path, plan)


def test_an_empty_plan_deletes_nothing(tmp_path: Path) -> None:
    with lg.open(tmp_path / "new.db", "create") as store:
        report = store.sweep(store.plan_gc())
    assert (report.deleted_blob_count, report.deleted_bytes) == (0, 0)
    assert not report.freed_content_in_file


SECRET = b"the name of the patient is " + b"0123456789" * 30


def stands_in(folder: Path) -> bool:
    return any(SECRET[:200] in entry.read_bytes() for entry in folder.iterdir())


@pytest.mark.parametrize("secure", [False, True])
def test_the_report_says_whether_freed_content_is_still_there(path: Path, secure: bool) -> None:
    with lg.open(path, "rw") as store:
        store.put_blob(SECRET)
    assert stands_in(path.parent)
    with lg.open(path, "rw") as store:
        report = store.sweep(store.plan_gc(), secure=secure)
        assert report.freed_content_in_file is not secure
        assert stands_in(path.parent) is not secure
        store.compact()
        assert not stands_in(path.parent)


def test_secure_deletion_is_not_claimed_while_a_reader_holds_the_log(path: Path) -> None:
    with lg.open(path, "rw", lg.StoreOptions(busy_timeout=0.05)) as store:
        store.put_blob(SECRET)
        store.put_blob(b"so that there is a log")
        with lg.open(path) as reader, reader.snapshot():
            reader.blobs()
            report = store.gc_unreachable(secure=True)
        assert report.freed_content_in_file is stands_in(path.parent)
        assert report.freed_content_in_file


# Policies


def test_every_key_of_refs_can_be_kept(recorded: Recorded) -> None:
    with lg.open(recorded("damaged/node-names-archive.db.gz")) as store:
        refs = store.refs()
        for ref in refs["ref"].unique():
            named = set(refs.loc[refs["ref"] == ref, "blob_hash"])
            plan = store.plan_gc(GcPolicy.runtime(keep=[ref]))
            assert not named & set(plan.doomed_hashes), ref
        with pytest.raises(errors.UnknownRefError, match=r"store\.refs\(\)") as caught:
            store.plan_gc(keep=["turn:of-no-such-id"])
        assert isinstance(caught.value, KeyError)
        assert caught.value.ref == "turn:of-no-such-id"


def test_more_kept_turns_never_delete_more(recorded: Recorded) -> None:
    with lg.open(recorded("sessions/std-tools-366bbb0a4d808158.db.gz")) as store:
        n_turns = len(store.turns())
        doomed = [
            set(store.plan_gc(keep_turns=n).doomed_hashes) for n in (0, 1, 3, n_turns, 1 << 40)
        ]
        assert all(later <= earlier for earlier, later in itertools.pairwise(doomed))
        named = store.turns()["checkpoint_ref"]
        assert not set(named) & doomed[-1]
        assert len(doomed[0]) > len(doomed[1]) or n_turns == 1 or doomed[0] == doomed[1]


@pytest.mark.parametrize(
    "make",
    [
        lambda: GcPolicy("careful"),  # type: ignore[arg-type]
        lambda: GcPolicy.safe(keep_turns=-1),
        lambda: GcPolicy.safe(keep_turns=True),
        lambda: GcPolicy.safe(keep="turn:t"),
        lambda: GcPolicy.safe(auto_run_every_commits=-2),
        lambda: GcPolicy.safe().replace(keep_turn=3),
    ],
)
def test_a_policy_of_no_sense_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(errors.InvalidRecordError):
        make()


def test_a_refusal_names_the_reasons(recorded: Recorded) -> None:
    with lg.open(recorded("damaged/manifest-absent.db.gz")) as store:
        with pytest.raises(errors.DamagedStoreError) as caught:
            store.plan_gc()
        assert any("missing" in finding for finding in caught.value.findings)
        assert caught.value.path == store.path
        assert store.reachability().findings == caught.value.findings


# Interrupts


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C right after the blobs are deleted, before the transaction ends."""
    delete = blobs.delete

    def cut(*args: Any) -> int:
        delete(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(blobs, "delete", cut)


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.usefixtures("interrupted")
def test_an_interrupt_deletes_nothing(path: Path, secure: bool) -> None:
    before = sha256(path.read_bytes()), blob_hashes(path)
    with lg.open(path, "rw") as store:
        for run in (
            lambda: store.gc_unreachable(secure=secure),
            lambda: store.sweep(store.plan_gc(), secure=secure),
        ):
            with pytest.raises(KeyboardInterrupt):
                run()
            assert set(store.blobs()["hash"]) == before[1]
        store.put_blob(b"goes on")
    assert blob_hashes(path) > before[1]


# Damage that the recorded stores do not have


def change(path: Path, sql: str, *values: Any) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(sql, values)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def doomed(path: Path, policy: GcPolicy) -> set[str]:
    with lg.open(path) as store:
        return set(store.plan_gc(policy).doomed_hashes)


POLICIES = [GcPolicy.safe(), GcPolicy.runtime()]


@pytest.mark.parametrize("policy", POLICIES, ids=["safe", "runtime"])
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE artifact_refs SET blob_ref = CAST(blob_ref AS BLOB)",
        "UPDATE blobs SET hash = CAST(hash AS BLOB) WHERE rowid = 1",
        "UPDATE blobs SET hash = NULL WHERE rowid = 1",
        "UPDATE session_head SET head_json = json_set(head_json, '$.checkpoint_ref', 5)",
        "UPDATE session_head SET head_json = json_set(head_json, '$.checkpoint_ref', "
        "json('\"\\ud800\"'))",
    ],
)
def test_a_name_that_is_no_text_is_refused(sql: str, policy: GcPolicy, path: Path) -> None:
    """The runtime stops at each, but for the head's: there it deletes what the head keeps."""
    change(path, sql)
    before = sha256(path.read_bytes())
    with lg.open(path, "rw") as store:
        assert store.reachability(policy).findings
        for run in (store.plan_gc, store.gc_unreachable):
            with pytest.raises(errors.DamagedStoreError, match="nothing was deleted"):
                run(policy)
    assert sha256(path.read_bytes()) == before


@pytest.mark.parametrize("policy", POLICIES, ids=["safe", "runtime"])
def test_a_manifest_with_counted_fields_is_followed(policy: GcPolicy, path: Path) -> None:
    """Fields and variants by position are no fields of a newer version."""
    expected = doomed(path, policy)
    with lg.open(path) as store:
        key = store.load_head().checkpoint_ref  # type: ignore[union-attr]
        named = store.get_checkpoint(key)  # type: ignore[arg-type]
    assert named is not None
    fields = {1: named.tool_state_ref, 2: named.plugin_snapshot_ref, 4: named.execution_state_ref}
    content = msgpack.packb(fields)
    renamed = content_hash(content)
    stored = msgpack.packb({0: {0: 1}, 1: 1, 2: zlib.compress(content)})
    change(path, "UPDATE blobs SET hash = ?, content = ? WHERE hash = ?", renamed, stored, key)
    change(path, "UPDATE session_head SET head_json = replace(head_json, ?, ?)", key, renamed)
    assert doomed(path, policy) == expected


OLD = "INSERT INTO artifact_refs (artifact_ref, blob_ref) VALUES ('old', ?)"
CUT = zlib.compress(b"a manifest that is not whole")[:9]


@pytest.mark.parametrize(
    "envelope",
    [
        {"descriptor": {"kind": "CheckpointManifest"}, "compression": "Brotli", "content": b""},
        {"content": CUT, "descriptor": {"kind": "CheckpointManifest"}, "compression": "Zlib"},
        {"descriptor": {"kind": "CheckpointManifest", "hints": ["New"]}, "compression": "None"},
        [["CheckpointManifest"], "Zlib", CUT],
        [[1, None], "None", "no bytes"],
        {0: {0: 1}, 1: "Zlib", 2: CUT},
        {b"descriptor": [b"CheckpointManifest"], b"compression": 1, b"content": CUT},
    ],
)
def test_a_damaged_manifest_that_an_artifact_names_is_refused(envelope: Any, path: Path) -> None:
    """By its kind it is a manifest, so that what it named cannot be known."""
    key = min(doomed(path, GcPolicy.safe()))
    runtime = doomed(path, GcPolicy.runtime())
    change(path, "UPDATE blobs SET content = ? WHERE hash = ?", msgpack.packb(envelope), key)
    change(path, OLD, key)
    with lg.open(path) as store:
        with pytest.raises(errors.DamagedStoreError, match="artifact:old names is damaged"):
            store.plan_gc()
        assert set(store.plan_gc(GcPolicy.runtime()).doomed_hashes) == runtime - {key}


@pytest.mark.parametrize(
    "stored",
    [b'{"content": 1}', msgpack.packb([[2], "None", CUT]), msgpack.packb(["x", "Zlib"]), b"\x83"],
)
def test_an_artifact_of_another_kind_is_kept_and_not_followed(stored: bytes, path: Path) -> None:
    key = min(expected := doomed(path, GcPolicy.safe()))
    change(path, "UPDATE blobs SET content = ? WHERE hash = ?", stored, key)
    change(path, OLD, key)
    assert doomed(path, GcPolicy.safe()) == expected - {key}


@pytest.mark.parametrize("policy", POLICIES, ids=["safe", "runtime"])
@pytest.mark.parametrize("envelope", [{0: {0: 1}, 1: "Zlib", 2: b"x"}, [[1], "Zlib", b"x"]])
def test_a_cut_envelope_with_counted_fields_is_no_manifest(
    envelope: Any, policy: GcPolicy, path: Path
) -> None:
    """Read as a manifest it would name nothing that is there: all that it kept would go."""
    with lg.open(path) as store:
        key = store.load_head().checkpoint_ref  # type: ignore[union-attr]
    change(path, "UPDATE blobs SET content = ? WHERE hash = ?", msgpack.packb(envelope), key)
    with lg.open(path) as store, pytest.raises(errors.DamagedStoreError, match="without names"):
        store.plan_gc(policy)


@pytest.mark.parametrize(
    "body",
    [
        '{"archive_hash":"%s","archive_hash":"%s"}',
        '{"a":{"archive_hash":"%s"},"a":["%s"],"archive_hash":"%s"}',
        '[{"a":{"archive_hash":"%s"},"a":null},{"archive\\u005fhash":"%s"}]',
    ],
)
def test_both_of_two_equal_keys_name_a_blob(body: str, path: Path) -> None:
    expected = doomed(path, GcPolicy.safe())
    first, second = sorted(expected)[:2]
    names = [first, second] if body.count("%s") == 2 else [first, "no hash", second]
    row = '{"node_id":"x","timestamp":"t","kind":"plugin","plugin_type":"p","body":%s}'
    sql = "INSERT INTO graph_nodes (node_id, node_json) VALUES ('x', ?)"
    change(path, sql, row % (body % tuple(names)))
    assert doomed(path, GcPolicy.safe()) == expected - {first, second}
    with lg.open(path) as store:
        assert store.problems().empty


def test_half_a_surrogate_pair_names_no_blob(path: Path) -> None:
    """The runtime passes over a field that it does not know, whatever stands in it."""
    row = (
        '{"node_id":"x","timestamp":"t","kind":"plugin","plugin_type":"p","body":1,'
        '"new":{"archive_hash":"\\ud800"}}'
    )
    expected = doomed(path, GcPolicy.safe())
    change(path, "INSERT INTO graph_nodes (node_id, node_json) VALUES ('x', ?)", row)
    assert doomed(path, GcPolicy.safe()) == expected
    with lg.open(path) as store:
        assert "archive:x" not in set(store.refs()["ref"])


@pytest.mark.parametrize("escape", [str, lambda key: "".join(f"\\u{ord(c):04x}" for c in key)])
@pytest.mark.parametrize(
    "row",
    [
        '{"node_id":"x","timestamp":"t","kind":"plugin","plugin_type":"p","body":'
        '{"archive_hash":"%s"}}',
        '{"node_id":"x","kind":"of no kind","body":"%s"}',
        '{"node_id":"x","body":"%s"',
        '{"node_id":"x","timestamp":"t","kind":0,"plugin_type":"p","body":"see %s there"}',
    ],
)
def test_a_node_names_a_blob_however_it_is_spelt(
    row: str, escape: Callable[[str], str], path: Path
) -> None:
    key = min(doomed(path, GcPolicy.safe()))
    for tombstoned in (1, 0):
        sql = "INSERT INTO graph_nodes (node_id, node_json, tombstoned) VALUES (?, ?, ?)"
        change(path, sql, f"x{tombstoned}", row % escape(key), tombstoned)
        assert (key in doomed(path, GcPolicy.safe())) is bool(tombstoned)
        assert key in doomed(path, GcPolicy.runtime())


def test_a_refused_head_still_tells_its_agent_frames_states(path: Path) -> None:
    first, second = sorted(doomed(path, GcPolicy.safe()))[:2]
    frames = [{"frame_id": "f", "execution_state_ref": first}, {"execution_state_ref": [second]}]
    change(
        path,
        "UPDATE session_head SET head_json = json_set(head_json, '$.config.model.tier', 1, "
        "'$.agent_frames', json(?))",
        json.dumps(frames),
    )
    with lg.open(path) as store, pytest.raises(errors.DamagedHeadError):
        store.load_head()
    assert not {first, second} & doomed(path, GcPolicy.safe())
    assert {first, second} <= doomed(path, GcPolicy.runtime())


def test_agent_frames_in_another_form_keep_their_states_and_the_oracle_agrees(path: Path) -> None:
    hashes = sorted(doomed(path, GcPolicy.safe()))[:3]
    frames = [
        ["f", "s", None, "superseded", "initial", None, "t", {}, {}, hashes[0]],
        {"g": {"frame_id": "g", "execution_state_ref": hashes[1]}},
        {"frame_id": "h", "state": [{"execution_state_ref": hashes[2]}]},
    ]
    sql = "UPDATE session_head SET head_json = json_set(head_json, '$.agent_frames', json(?))"
    change(path, sql, json.dumps(frames))
    unreachable = doomed(path, GcPolicy.safe())
    assert not set(hashes) & unreachable
    assert unreachable == oracle.judge(path, "safe").doomed
    assert set(hashes) <= doomed(path, GcPolicy.runtime())
    with lg.open(path) as store:
        refs = store.refs().query("source_kind == 'agent_frame'")
    assert dict(zip(refs["blob_hash"], refs["ref"], strict=True)) == dict(
        zip(hashes, ["agent_frame:0", "agent_frame:g", "agent_frame:h"], strict=True)
    )


@pytest.mark.parametrize("value", ["x", b"\xff", 1.5, 1 << 62])
def test_a_turn_whose_time_is_none_keeps_its_place(value: Any, path: Path) -> None:
    """Turns stand in the order of the head's revision; the time only parts what ties."""
    expected = doomed(path, GcPolicy.safe(keep_turns=2))
    change(path, "UPDATE runtime_turn_commits SET committed_at_ms = ? WHERE turn_id = 't2'", value)
    change(path, "UPDATE runtime_turn_commits SET turn_id = X'ff' WHERE turn_id = 't1'")
    assert doomed(path, GcPolicy.safe(keep_turns=2)) == expected
    with lg.open(path) as store:
        assert store.turns()["committed_at"].isna().sum() == 1
        assert store.history()["turn_id"].tolist()[0] == "\ufffd"


# Reachability


def test_reachability_as_a_graph(recorded: Recorded) -> None:
    with lg.open(recorded("sessions/std-tools-366bbb0a4d808158.db.gz")) as store:
        reach, blobs, refs = store.reachability(), store.blobs(), store.refs()
    graph = reach.to_networkx()
    live = {key for key, facts in graph.nodes(data=True) if facts.get("live")}
    assert reach.live == set(blobs.loc[blobs["reachable_safe"], "hash"]) == live
    assert reach.dead == set(blobs["hash"]) - live
    assert not reach.dangling
    edges = {(a, b) for a, b in graph.edges if graph.nodes[a]["layer"] == "root"}
    roots = refs[refs["is_root_safe"]]
    assert edges == set(zip(roots["ref"], roots["blob_hash"], strict=True))
    sizes = dict(zip(blobs["hash"], blobs["stored_bytes"], strict=True))
    assert all(graph.nodes[key]["stored_bytes"] == size for key, size in sizes.items())
    assert all(graph.in_degree(key) == 0 for key in reach.dead)
