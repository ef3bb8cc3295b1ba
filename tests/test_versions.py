"""Forms that no recording has, made from one of the release beside it by the rules that differ."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgpack
import msgspec
import pandas as pd
import pytest
import stores
from commands import printed_json, run

import lashgraph as lg
from lashgraph import errors
from lashgraph.columns import FrameSchema
from lashgraph.corpus import open_corpus
from lashgraph.format import document
from lashgraph.format.dialects import DIALECTS, VERSIONS, Dialect
from lashgraph.frames.catalogue import SCHEMAS
from lashgraph.report import report

Recorded = Callable[[str], Path]
Json = Any

RUNTIME = lg.GcPolicy.runtime()
DOCS = Path(__file__).parents[1] / "docs" / "versions.md"


def change(path: Path, *statements: str | tuple[str, tuple[Any, ...]]) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            sql, values = statement if isinstance(statement, tuple) else (statement, ())
            connection.execute(sql, values)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def change_head(path: Path, edit: Callable[[Json], None]) -> None:
    with closing(sqlite3.connect(path)) as connection:
        head = json.loads(connection.execute("SELECT head_json FROM session_head").fetchone()[0])
        edit(head)
        connection.execute("UPDATE session_head SET head_json = ?", (json.dumps(head),))
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def kept_by(path: Path, policy: lg.GcPolicy) -> set[str]:
    with lg.open(path) as store:
        return set(store.blobs()["hash"]) - set(store.plan_gc(policy).doomed_hashes)


def releases_of(path: Path) -> str:
    with lg.open(path) as store:
        return str(store.sessions().iloc[0]["releases"])


# A version that several releases share


def with_plain_variants(head: Json) -> None:
    models = [head["config"]["model"]]
    models += [frame["assignment"]["policy"]["model"] for frame in head["agent_frames"]]
    for model in models:
        model["variant"] = model["variant"]["effort"]


@pytest.mark.parametrize(
    ("name", "edit", "before", "after"),
    [
        ("v11-alpha110", with_plain_variants, "alpha.90 to alpha.110", "alpha.89"),
        (
            "v11-alpha110",
            lambda head: head["config"]["model"].pop("variant"),
            "alpha.90 to alpha.110",
            "alpha.89",
        ),
        (
            "v6-alpha78",
            lambda head: head.pop("schema_version"),
            "alpha.76 to alpha.78",
            "alpha.75",
        ),
    ],
)
def test_a_file_is_judged_by_what_stands_in_it(
    name: str, edit: Callable[[Json], None], before: str, after: str, recorded: Recorded
) -> None:
    """Where the newer release would read no head and delete 17 of 18 blobs, none is lost here."""
    path = recorded(f"versions/{name}.db.gz")
    kept = kept_by(path, RUNTIME), kept_by(path, lg.GcPolicy.safe())
    assert releases_of(path) == before
    change_head(path, edit)
    assert releases_of(path) == after
    if name == "v11-alpha110":
        assert (kept_by(path, RUNTIME), kept_by(path, lg.GcPolicy.safe())) == kept
        return
    assert kept_by(path, RUNTIME) == kept[0]
    with lg.open(path) as store, pytest.raises(errors.DamagedStoreError, match="schema_version"):
        store.plan_gc()  # its manifests are stamped: no release wrote both


def test_the_head_of_an_unstamped_file_is_read_and_its_blobs_are_kept(recorded: Recorded) -> None:
    path = recorded("versions/v6-alpha75.db.gz")
    with lg.open(path, "rw") as store:
        head = store.load_head()
        report = store.gc_unreachable(RUNTIME)
    assert head is not None
    assert head.leaf_node_id == "n26"
    assert (report.deleted_blob_count, report.kept_blob_count) == (13, 5)


# The first releases


def as_alpha_9(path: Path) -> None:
    """Make a store of alpha.12 one of alpha.9: no artifacts, a mode, a model by its name."""
    keys: dict[str, str] = {}
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT hash, content FROM blobs").fetchall()
        for key, stored in rows:
            if b"CheckpointManifest" not in stored[:64]:
                continue
            envelope = msgpack.unpackb(stored)
            content = bytes(envelope["content"])
            if envelope["compression"] == "Zlib":
                content = zlib.decompress(content)
            manifest = msgpack.unpackb(content)
            options = manifest["turn_state"].pop("protocol_turn_options")
            manifest["turn_state"]["mode_turn_options"] = {"mode_id": "standard", **options}
            packed = msgpack.packb(manifest)
            keys[key] = hashlib.sha256(packed).hexdigest()
            envelope |= {"compression": "None", "content": list(packed)}
            connection.execute(
                "UPDATE blobs SET hash = ?, content = ? WHERE hash = ?",
                (keys[key], msgpack.packb(envelope), key),
            )
        for seq, text in connection.execute("SELECT seq, node_json FROM graph_nodes").fetchall():
            node = json.loads(text)
            event = node.get("event", {})
            if "Protocol" in event:
                protocol = event.pop("Protocol")
                event["Mode"] = {"mode_id": protocol["plugin_id"], "payload": protocol["payload"]}
            connection.execute(
                "UPDATE graph_nodes SET node_json = ? WHERE seq = ?",
                (json.dumps(node, separators=(",", ":"), ensure_ascii=False), seq),
            )
        connection.execute("DROP TABLE artifact_refs")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def edit(head: Json) -> None:
        model = head["config"].pop("model")
        head["config"] |= {
            "configured_model": model["id"],
            "context_window": model["limits"]["context_window_tokens"],
            "execution_mode": "standard",
            "model_variant": model["variant"],
        }
        head["checkpoint_ref"] = keys[head["checkpoint_ref"]]

    change_head(path, edit)


def test_a_store_of_the_first_releases_reads_like_the_later_one(recorded: Recorded) -> None:
    path = recorded("versions/v1-alpha12.db.gz")
    with lg.open(path) as store:
        later = store.nodes(), store.events(), store.sessions().iloc[0]
    as_alpha_9(path)
    with lg.open(path) as store:
        session = store.load_session()
        row, nodes, events = store.sessions().iloc[0], store.nodes(), store.events()
        assert not len(store.problems())
    assert session is not None
    checkpoint = session.checkpoint
    assert checkpoint is not None
    assert checkpoint.turn_state.mode_turn_options.payload == {"mode": "standard", "n": 3}  # type: ignore[union-attr]
    assert session.config.model.id == row["model"] == later[2]["model"]
    assert (row["schema_version"], row["releases"]) == (1, "alpha.8 to alpha.9")
    kinds = ["node_id", "kind", "on_active_path", "role"]
    pd.testing.assert_frame_equal(nodes[kinds], later[0][kinds])
    shown = ["node_id", "kind", "plugin_id", "type"]
    pd.testing.assert_frame_equal(events[shown], later[1][shown])
    with lg.open(path) as store:
        plan = store.plan_gc(RUNTIME)
    assert (plan.root_count, plan.kept_blob_count) == (
        1,
        4,
    )  # the checkpoint, its states, no module


def test_a_store_without_artifacts_and_without_a_mode_is_of_the_releases_between(
    recorded: Recorded,
) -> None:
    path = recorded("versions/v1-alpha12.db.gz")
    kept = kept_by(path, RUNTIME)
    change(path, "DROP TABLE artifact_refs")
    assert releases_of(path) == "alpha.10 to alpha.11"
    assert len(kept - kept_by(path, RUNTIME)) == 1
    with lg.open(path) as store:
        assert store.plan_gc(RUNTIME).root_count == 1


@pytest.mark.parametrize(
    ("relation", "kind", "cause"),
    [
        (
            {
                "kind": "child",
                "parent_session_id": "parent",
                "originating_tool_call_id": "call-3",
            },
            "child",
            ("tool_call", "call-3"),
        ),
        (
            {
                "kind": "handoff",
                "parent_session_id": "parent",
                "reason": "full",
                "metadata": {"a": 1},
            },
            "handoff",
            (None, None),
        ),
    ],
)
def test_early_relations_are_read(
    relation: Json, kind: str, cause: tuple[str | None, str | None], recorded: Recorded
) -> None:
    path = recorded("versions/v1-alpha12.db.gz")
    change(path, ("UPDATE session_meta SET relation_json = ?", (json.dumps(relation),)))
    with lg.open(path) as store:
        row = store.sessions().iloc[0]
        meta = store.load_meta()
        assert not len(store.problems())
    assert meta is not None
    assert lg_json(meta.relation) == relation
    assert (row["relation"], row["parent_session_id"]) == (kind, "parent")
    told = tuple(
        None if pd.isna(row[name]) else row[name] for name in ("caused_by_type", "caused_by_id")
    )
    assert told == cause


def lg_json(record: Any) -> Json:
    return json.loads(msgspec.json.encode(record))


def test_a_tools_event_answers_its_call(recorded: Recorded) -> None:
    path = recorded("versions/v2-alpha16.db.gz")
    with lg.open(path) as store:
        events, calls, nodes = store.events(), store.tool_calls(), store.nodes()
        found = store.tree().find(text="2 app.log")
    (node_id,) = nodes[nodes["kind"] == "tool"]["node_id"]
    event = events[events["node_id"] == node_id].iloc[0]
    assert (event["kind"], event["type"]) == ("tool", "shell")
    assert json.loads(event["body"])["output"]["outcome"]["status"] == "success"
    call = calls[calls["result_node_id"] == node_id].iloc[0]
    assert (call["call_id"], call["status"], call["tool_name"]) == ("call-2", "ok", "shell")
    assert json.loads(call["result"])["stdout"] == "2 app.log"
    assert node_id in found
    change(
        path,
        (
            "UPDATE graph_nodes SET node_json = replace(node_json, ?, ?) WHERE node_id = ?",
            ('"status":"success"', '"status":"failure"', node_id),
        ),
    )
    with lg.open(path) as store:
        calls = store.tool_calls()
    assert calls[calls["result_node_id"] == node_id].iloc[0]["status"] == "error"


# Later releases


def test_version_5_lies_between_4_and_6(recorded: Recorded) -> None:
    path = recorded("versions/v4-alpha70.db.gz")
    kept = kept_by(path, RUNTIME)
    as_version_5(path)
    assert releases_of(path) == "alpha.71 to alpha.74"
    assert kept_by(path, RUNTIME) == kept
    with lg.open(path) as store:
        assert len(store.queued_work()) == 2


def as_version_5(path: Path) -> None:
    """Make a store of alpha.70 one of alpha.71: its owners have incarnations."""
    change(
        path,
        *(
            f"ALTER TABLE {table} ADD COLUMN {prefix}_owner_{name} TEXT"
            for table, prefix in (
                ("queued_work_batches", "claim"),
                ("session_execution_leases", "lease"),
            )
            for name in ("incarnation_id", "liveness_json")
        ),
        "PRAGMA user_version = 5",
    )


INPUTS = """
    INSERT INTO pending_turn_inputs (input_id, session_id, source_key, ingress_json, state,
        input_json, enqueued_at_ms, claim_id, claim_owner_id) VALUES
    ('in-2', 'sess-root', 'key', '{"scope":"this_turn"}', 'completed',
        '{"items":[{"type":"text","text":"one"},{"type":"picture"},{"type":"text","text":"two"}]}',
        1767225600123, 'claim', 'owner'),
    ('in-3', 'sess-fork', NULL, '{"scope":"next_turn"}', 'cancelled', '{"items":[7]}',
        'soon', NULL, NULL),
    ('in-4', 'sess-root', NULL, '{', 'deferred_next_turn', 'no JSON', 0, NULL, NULL)"""


@pytest.mark.parametrize("name", ["v6-alpha75", "v8-alpha86", "v12-alpha113", "v38-tip"])
def test_inputs_that_wait_for_a_turn_are_a_frame(name: str, recorded: Recorded) -> None:
    path = recorded(f"versions/{name}.db.gz")
    of_many = name == "v38-tip"
    with closing(sqlite3.connect(path)) as connection:
        asked = "SELECT input_json, enqueued_at_ms FROM pending_turn_inputs"
        ((waiting, at),) = connection.execute(asked).fetchall()
    change(path, INPUTS)
    with lg.open(path, session_id="sess-root" if of_many else None) as store:
        found, check = store.pending_inputs(), store.check()
        chosen = store.pending_inputs(columns=["text", "input_id"])
    when = pd.to_datetime([at, 1767225600123, None, 0], unit="ms", utc=True)
    wanted = {
        "session_id": ["sess-root", "sess-root", "sess-fork", "sess-root"],
        "input_id": ["in-1", "in-2", "in-3", "in-4"],
        "enqueue_seq": [1, 2, 3, 4],
        "source_key": [None, "key", None, None],
        "state": ["deferred_next_turn", "completed", "cancelled", "deferred_next_turn"],
        "ingress": ['{"scope":"next_turn"}', '{"scope":"this_turn"}', '{"scope":"next_turn"}', "{"],
        "text": ["queued text", "one\ntwo", None, None],
        "claim_id": [None, "claim", None, None],
        "claim_owner_id": [None, "owner", None, None],
    }
    own = [0, 1, 3] if of_many else [0, 1, 2, 3]
    for column, cells in wanted.items():
        got = [None if pd.isna(cell) else cell for cell in found[column]]
        assert got == [cells[at] for at in own], column
    assert found["enqueued_at"].tolist() == [when[at] for at in own]
    assert found["input"].tolist()[0] == waiting
    assert found["input"].tolist()[-1] == "no JSON"
    pd.testing.assert_frame_equal(chosen, found[["text", "input_id"]])
    odd = check[check["code"] == "queue-unreadable"]
    assert odd[["table", "key"]].values.tolist() == [["pending_turn_inputs", "in-4"]] * 2
    if of_many:
        with lg.open(path, session_id="sess-fork") as store:
            assert store.pending_inputs()["input_id"].tolist() == ["in-3"]
        return
    with lg.open(path, "rw") as store:
        store.vacuum()
        assert store.pending_inputs()["input_id"].tolist() == ["in-1", "in-4"]


def test_no_inputs_wait_before_version_6(recorded: Recorded, tmp_path: Path) -> None:
    for name in ("v3-alpha39", "v4-alpha70", "v7-alpha80"):
        recorded(f"versions/{name}.db.gz")
    with open_corpus(tmp_path) as corpus:
        found = corpus.pending_inputs()
        assert list(found.columns) == SCHEMAS["pending_inputs"].names
        assert [Path(path).name for path in found["path"]] == ["v7-alpha80.db"]
        corpus.to_parquet(tmp_path / "export", frames=["pending_inputs"])
        with open_corpus(tmp_path / "export") as exported:
            pd.testing.assert_frame_equal(exported.pending_inputs(), found)


def test_an_unknown_version_may_lack_columns_of_inputs(recorded: Recorded) -> None:
    path = recorded("versions/v12-alpha113.db.gz")
    change(
        path, "PRAGMA user_version = 99", "ALTER TABLE pending_turn_inputs DROP COLUMN ingress_json"
    )
    with pytest.warns(errors.UnknownVersionWarning):
        store = lg.open(path, options=lg.StoreOptions(allow_unknown=True))
    with store:
        found = store.pending_inputs()
    assert found["text"].tolist() == ["queued text"]
    assert found["ingress"].isna().all()


def test_columns_of_another_version_are_missed(recorded: Recorded) -> None:
    path = recorded("versions/v7-alpha80.db.gz")
    change(path, "PRAGMA user_version = 6")
    with pytest.raises(errors.MissingTableError, match=r"usage_deltas\.cached_input_tokens"):
        lg.open(path)


def test_artifacts_of_every_namespace_are_roots(recorded: Recorded) -> None:
    path = recorded("versions/v8-alpha86.db.gz")
    with lg.open(path) as store:
        (doomed, *_) = store.plan_gc(RUNTIME).doomed_hashes
        (module,) = store.refs().query("source_kind == 'artifact'")["source_id"]
        assert store.get_module_artifact(module) is not None
    change(
        path,
        (
            "INSERT INTO artifact_refs (namespace, artifact_ref, blob_ref) VALUES (?, ?, ?)",
            ("process_execution_env", module, doomed),
        ),
    )
    with lg.open(path, "rw") as store:
        refs = store.refs().query("source_kind == 'artifact'")
        assert sorted(refs["ref"]) == sorted(
            [f"artifact:{module}", f"artifact:process_execution_env/{module}"]
        )
        assert store.gc_unreachable(RUNTIME).root_count == 3
        assert doomed in set(store.blobs()["hash"])


def test_an_artifact_that_names_the_live_manifest_costs_no_states(recorded: Recorded) -> None:
    path = recorded("versions/v12-alpha113.db.gz")
    kept = kept_by(path, RUNTIME)
    with lg.open(path) as store:
        ref = store.load_head().checkpoint_ref  # type: ignore[union-attr]
    change(
        path,
        ("INSERT INTO artifact_refs VALUES ('lashlang_module', 'names-the-manifest', ?)", (ref,)),
    )
    assert kept_by(path, RUNTIME) == kept_by(path, lg.GcPolicy.safe()) - extra(path) == kept


def extra(path: Path) -> set[str]:
    """What only an agent frame keeps: the safe policy's alone."""
    with lg.open(path) as store:
        return set(store.refs().query("source_kind == 'agent_frame'")["blob_hash"])


def test_attachments_of_version_12_are_told_by_their_source(recorded: Recorded) -> None:
    path = recorded("versions/v12-alpha113.db.gz")
    reference = {
        "id": "picture",
        "media_type": {"kind": "image", "type": "png"},
        "byte_len": 3,
        "label": "a view",
    }
    for number, source in enumerate(({"reference": reference}, {"stored": reference}, reference)):
        part = {
            "id": "p",
            "kind": "Attachment",
            "content": "",
            "attachment": {"source": source},
            "prune_state": "Intact",
        }
        node = {
            "node_id": f"a{number}",
            "timestamp": "2026-01-01T00:00:00+00:00",
            "kind": "event",
            "event": {"Conversation": {"id": f"m{number}", "role": "User", "parts": [part]}},
        }
        change(
            path,
            (
                "INSERT INTO graph_nodes (node_id, node_json) VALUES (?, ?)",
                (node["node_id"], json.dumps(node, separators=(",", ":"))),
            ),
        )
    with lg.open(path) as store:
        assert not len(store.problems())
        parts = store.parts().query("kind == 'Attachment'")
        words = store.tree().transcript("a0", every_frame=True).markdown()
    assert parts["attachment_id"].tolist() == ["picture"] * 3
    assert parts["media_type"].tolist() == ["image/png"] * 3
    assert "a view" in words


def test_a_trigger_is_a_cause(recorded: Recorded) -> None:
    path = recorded("versions/v12-alpha113.db.gz")
    cause = {
        "type": "trigger_occurrence",
        "occurrence_id": "o1",
        "subscription_id": "s1",
        "subscription_incarnation": 1,
        "subscription_revision": 2,
    }
    change(
        path,
        (
            "UPDATE graph_nodes SET node_json = json_set(node_json, '$.caused_by', json(?)) "
            "WHERE node_id = 'n02'",
            (json.dumps(cause),),
        ),
    )
    with lg.open(path) as store:
        row = store.nodes().set_index("node_id").loc["n02"]
    assert (row["caused_by_type"], row["caused_by_id"]) == ("trigger_occurrence", "o1")


# Forms that are not swept

UNPROVEN: dict[str, tuple[str, Callable[[Path], None]]] = {
    "alpha.8 to alpha.9": ("v1-alpha12", as_alpha_9),
    "alpha.10 to alpha.11": ("v1-alpha12", lambda path: change(path, "DROP TABLE artifact_refs")),
    "alpha.21 to alpha.24": (
        "v3-alpha20",
        lambda path: change(
            path, "DROP TABLE runtime_turn_checkpoints", "DROP TABLE runtime_effect_journal"
        ),
    ),
    "alpha.71 to alpha.74": ("v4-alpha70", as_version_5),
    "alpha.89": ("v11-alpha110", lambda path: change_head(path, with_plain_variants)),
}
"""By its releases a store of the form beside it, and how it is made one of them."""


def recorded_with_its_collection(dialect: Dialect) -> bool:
    """Whether a store of the form was recorded, and what its release kept in it."""
    numbers = [int(number) for number in re.findall(r"alpha\.(\d+)", dialect.releases)]
    for name in stores.recorded_files("versions/*.db.gz"):
        found = re.fullmatch(r"versions/v(\d+)-(?:alpha(\d+)|tip)\.db\.gz", name)
        if found is None or int(found[1]) != dialect.version:
            continue
        if found[2] is None or numbers[0] <= int(found[2]) <= numbers[-1]:
            answers = stores.find(name.replace(".db.gz", ".expected.json.gz"))
            told = json.loads(gzip.decompress(answers.read_bytes()))
            return {"gc_report", "blob_hashes_after"} <= told.keys()
    return False


def test_a_form_is_swept_if_a_store_of_it_was_recorded() -> None:
    turso = "alpha.25 to alpha.34"
    for one in DIALECTS:
        assert one.sweeps == (recorded_with_its_collection(one) and one.releases != turso), one.name
    assert {one.releases for one in DIALECTS if not one.sweeps} == {turso, *UNPROVEN}


@pytest.fixture(params=UNPROVEN)
def unproven(request: pytest.FixtureRequest, recorded: Recorded) -> tuple[str, Path]:
    """The releases of a form that is not swept, and a store of theirs with garbage."""
    name, make = UNPROVEN[request.param]
    path = recorded(f"versions/{name}.db.gz")
    make(path)
    return request.param, path


def test_a_form_of_which_no_store_was_at_hand_is_not_swept(unproven: tuple[str, Path]) -> None:
    releases, path = unproven
    assert releases_of(path) == releases
    why = re.escape(f"({releases}) is not swept: no store of {releases} was at hand to prove a ")
    before = path.read_bytes()
    with lg.open(path, "rw") as store:
        plan = store.plan_gc(RUNTIME)
        assert re.search(why, plan.refusal)
        assert plan.deleted_blob_count
        for sweeping in (
            lambda: store.sweep(plan),
            lambda: store.sweep(plan, accept_unusual=True, compact=True),
            lambda: store.gc_unreachable(RUNTIME),
            store.vacuum,
            store.compact,
        ):
            with pytest.raises(errors.VersionNotWrittenError, match=why):
                sweeping()
    assert path.read_bytes() == before
    with lg.open(path) as store, pytest.raises(errors.ReadOnlyStoreError):
        store.sweep(plan)


def test_a_plan_that_is_not_swept_says_so(unproven: tuple[str, Path]) -> None:
    _, path = unproven
    with lg.open(path) as store:
        plan = store.plan_gc(RUNTIME)
        forecast = store.forecast(plan)
        store.check("full")
        assert len(store.retention(RUNTIME)) > 0
        page = report(store).html()
    assert forecast.exact
    assert forecast.file_bytes_after_compact < forecast.file_bytes
    for told in (repr(plan), plan._repr_html_()):
        assert plan.refusal in told
        assert "runs it" not in told
    assert plan.refusal in page


def test_the_command_says_what_it_would_delete_and_that_it_is_refused(
    unproven: tuple[str, Path],
) -> None:
    _, path = unproven
    before = path.read_bytes()
    for flags in ([], ["--yes"]):
        done = run("gc", path, "--policy", "runtime", *flags)
        assert done.returncode == 1
        assert "A sweep is refused: schema version" in " ".join(done.stdout.split())
        told = printed_json("gc", path, "--policy", "runtime", *flags)[1]
        assert (told["verdict"], told["dry_run"]) == ("refuse", True)
        assert told["deleted_blob_count"] == len(told["doomed"]) > 0
    info = printed_json("info", path)[1]
    assert info["gc"]["runtime"]["verdict"] == "refuse"
    assert info["gc"]["runtime"]["findings"] == told["findings"]
    assert path.read_bytes() == before


def test_in_a_batch_its_verdict_is_refused(recorded: Recorded, tmp_path: Path) -> None:
    proven = recorded("versions/v7-alpha80.db.gz")
    turso = recorded("versions/v3-alpha34.db.gz")
    path = recorded("versions/v4-alpha70.db.gz")
    as_version_5(path)
    before = path.read_bytes()
    with open_corpus(tmp_path, mode="rw") as corpus:
        plan = corpus.plan_gc(RUNTIME)
        row = plan.frame().set_index("path").loc[str(path)]
        swept = plan.sweep(accept_unusual=True)
        budget = corpus.plan_gc(RUNTIME, free_bytes=0)
    verdicts = {one.path: one.verdict for one in plan.files}
    assert verdicts == {str(proven): "sweep", str(turso): "refused", str(path): "refused"}
    assert (row["error"], row["deleted_blob_count"]) == ("VersionNotWrittenError", 13)
    assert "alpha.71 to alpha.74" in row["message"]
    assert {one.path: one.outcome for one in swept.files}[str(path)] == "skipped"
    assert {one.path: one.reason for one in swept.files}[str(path)] == "refused"
    assert budget.counts["refused"] == 2
    assert path.read_bytes() == before


# Files of the Turso engine


def test_a_file_of_the_turso_engine_with_a_log_is_refused(recorded: Recorded) -> None:
    path = recorded("versions/v3-alpha34.db.gz")
    log = path.with_suffix(".db-log")
    log.write_bytes(b"")
    with lg.open(path) as store:
        assert len(store.nodes()) == 26
        log.write_bytes(b"pending")
        with pytest.raises(errors.PendingLogError, match="7 bytes wait"):
            store.nodes()
    with pytest.raises(errors.PendingLogError, match="lacks the latest commits"):
        lg.open(path)
    assert sorted(one.name for one in path.parent.iterdir()) == [path.name, log.name]


def test_a_file_of_the_turso_engine_that_changes_is_read_again(recorded: Recorded) -> None:
    path = recorded("versions/v3-alpha34.db.gz")
    with lg.open(path) as store:
        assert len(store.nodes()) == 26
        raw = bytearray(path.read_bytes())
        raw[18:20] = b"\x01\x01"
        path.write_bytes(raw)
        change(
            path, "DELETE FROM graph_nodes WHERE node_id = 'n26'", "PRAGMA journal_mode = DELETE"
        )
        raw = bytearray(path.read_bytes())
        raw[18:20] = b"\xff\xff"
        path.write_bytes(raw)
        assert len(store.nodes()) == 25


# Versions that are not known


def test_an_unknown_version_is_read_as_far_as_it_goes(recorded: Recorded) -> None:
    path = recorded("versions/v12-alpha113.db.gz")
    options = lg.StoreOptions(allow_unknown=True)
    with lg.open(path) as store:
        known = {name: getattr(store, name)() for name in ("nodes", "turns", "usage")}
    change(path, "PRAGMA user_version = 99", "DROP TABLE session_execution_leases")
    with pytest.raises(errors.UnsupportedSchemaError, match="allow_unknown=True"):
        lg.open(path)
    with pytest.warns(errors.UnknownVersionWarning, match="read as version 12"):
        store = lg.open(path, options=options)
    with store:
        for name, frame in known.items():
            pd.testing.assert_frame_equal(getattr(store, name)(), frame)
        assert store.sessions().iloc[0]["schema_version"] == 99
        with pytest.raises(errors.DamagedStoreError, match="not known"):
            store.plan_gc()
        with pytest.raises(errors.ReadOnlyStoreError):
            store.gc_unreachable()
    with pytest.raises(errors.UnsupportedSchemaError):
        lg.open(path, "rw", options)
    with open_corpus(path, options=options) as corpus:
        with pytest.warns(errors.DamagedDataWarning, match="in part only"):
            assert corpus.sessions()["schema_version"].tolist() == [99]
        assert corpus.errors()["partly"].tolist() == [True]
    with open_corpus(path) as corpus:
        with pytest.warns(errors.DamagedDataWarning):
            assert not len(corpus.sessions())
        assert corpus.errors()["error"].tolist() == ["UnsupportedSchemaError"]


def test_an_unknown_version_may_lack_tables_and_columns(recorded: Recorded) -> None:
    path = recorded("versions/v4-alpha70.db.gz")
    change(
        path,
        "PRAGMA user_version = 40",
        "DROP TABLE runtime_turn_commits",
        "ALTER TABLE session_meta DROP COLUMN cwd",
    )
    options = lg.StoreOptions(allow_unknown=True)
    with pytest.warns(errors.UnknownVersionWarning):
        store = lg.open(path, options=options)
    with store:
        assert len(store.nodes()) == 26
        assert not len(store.turns())
        row = store.sessions().iloc[0]
        assert (row["name"], row["n_turns"]) == ("Root session", 0)
        assert pd.isna(row["cwd"])
    change(path, "ALTER TABLE graph_nodes RENAME COLUMN node_json TO node")
    with pytest.raises(errors.UnsupportedSchemaError, match="nothing of it can be read"):
        lg.open(path, options=options)


# All together


def test_a_folder_of_all_versions_is_one_frame(recorded: Recorded, tmp_path: Path) -> None:
    names = ("v1-alpha12", "v3-alpha34", "v3-alpha39", "v6-alpha75", "v7-alpha80", "v12-alpha113")
    paths = [recorded(f"versions/{name}.db.gz") for name in names]
    with open_corpus(tmp_path) as corpus:
        assert not len(corpus.errors())
        sessions = corpus.sessions()
        assert sorted(sessions["schema_version"]) == [1, 3, 3, 6, 7, 12]
        for name in ("usage", "nodes", "turns", "blobs", "checkpoints", "queued_work"):
            frame = getattr(corpus, name)()
            schema: FrameSchema = SCHEMAS[name]
            assert {c.name: c.dtype for c in schema.columns} == {
                column: str(dtype) for column, dtype in frame.dtypes.items()
            }
        usage = corpus.usage()
        plan = corpus.plan_gc(RUNTIME)
        corpus.to_parquet(tmp_path / "export")
    assert len(plan.frame()) == len(paths)
    kinds = usage.groupby("path")["accounting"].unique().map(list)
    assert kinds[str(paths[0])] == ["v1"]
    assert kinds[str(paths[-1])] == ["v7"]
    with open_corpus(tmp_path / "export") as exported:
        pd.testing.assert_frame_equal(exported.usage(), usage)


# The table


def test_every_dialect_is_told_apart_and_documented() -> None:
    assert [one.version for one in DIALECTS] == sorted(one.version for one in DIALECTS)
    assert len({one.releases for one in DIALECTS}) == len(DIALECTS)
    for version in VERSIONS:
        last = [one for one in DIALECTS if one.version == version][-1]
        assert last.told_by.__name__ == "always_told"
    numbers = []
    assert DIALECTS[-1].sessions, "the catalogue, which no release wrote"
    for one in DIALECTS[:-1]:
        found = re.fullmatch(r"alpha\.(\d+)(?: to alpha\.(\d+))?", one.releases)
        assert found is not None
        numbers += range(int(found[1]), int(found[2] or found[1]) + 1)
        assert one.proof
        assert one.writes == (one.version == 3 and one.releases != "alpha.25 to alpha.34")
    assert sorted(numbers) == list(range(8, 114))


def test_the_page_about_versions_is_made_of_the_table() -> None:
    assert DOCS.read_text() == document.markdown(), (
        "python -m lashgraph.format.document > docs/versions.md"
    )
