"""One file of many sessions: each reads as lash reads it, a collection goes over all of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from recorded import (
    Json,
    blob_hashes,
    check,
    folder_state,
    read_json,
    shown,
    shown_report,
    without_nulls,
)
from stores import recorded_params, unpack

import lashgraph as lg
from lashgraph import errors
from lashgraph.frames.catalogue import SCHEMAS

SESSIONS = ["sess-root", "sess-fork", "sess-fork2", "sess-child"]


class Catalogue:
    """A catalogue, a copy of the test's own, and what lash said of it."""

    def __init__(self, gz: Path, folder: Path) -> None:
        self.path = unpack(gz, folder)
        answers = gz.with_name(f"{gz.name.removesuffix('.db.gz')}.expected.json.gz")
        self.expected: Json = read_json(answers)

    def open(self, session: str, mode: Any = "r") -> lg.Store:
        return lg.open(self.path, mode, session_id=session)

    def of(self, session: str) -> Json:
        return self.expected["sessions"][session]


@pytest.fixture(params=recorded_params("versions/v38*.db.gz"))
def catalogue(request: pytest.FixtureRequest, tmp_path: Path) -> Catalogue:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    return Catalogue(request.param, folder)


def test_without_a_name_the_sessions_are_listed(catalogue: Catalogue) -> None:
    with pytest.raises(errors.WhichSessionError, match="holds many sessions") as caught:
        lg.open(catalogue.path)
    assert caught.value.session_ids == tuple(sorted(catalogue.expected["sessions"]))
    with pytest.raises(errors.WhichSessionError, match="holds no session 'sess-gone'"):
        catalogue.open("sess-gone")


@pytest.mark.parametrize("session", SESSIONS)
def test_a_session_loads_as_lash_loads_it(catalogue: Catalogue, session: str) -> None:
    expected = catalogue.of(session)
    before = folder_state(catalogue.path.parent)
    with catalogue.open(session) as store:
        assert store.session_id == session
        assert store.nodes()["node_id"].tolist() == expected["load_session_graph_ids"]
        path = store.load_active_path()
        assert [node.node_id for node in path.nodes] == expected["active_path_ids"]
        head = store.load_head()
        assert head is not None
        assert head.leaf_node_id == expected["leaf_node_id"]
        assert head.head_revision == expected["head"]["head_revision"]
        assert head.checkpoint_ref == expected["head"]["checkpoint_ref"]
        assert head.current_agent_frame_id == expected["head"]["current_frame_node_id"]
        ledger = [without_nulls(shown(entry)) for entry in store.token_ledger()]
        check(expected["token_ledger"], ledger, session, "ledger")
        assert store.problems().empty
    assert folder_state(catalogue.path.parent) == before


@pytest.mark.parametrize("session", SESSIONS)
def test_its_nodes_hold_what_lash_answers(catalogue: Catalogue, session: str) -> None:
    expected = {node["node_id"]: node for node in catalogue.of(session)["nodes"]}
    with catalogue.open(session) as store:
        for node in store.load_session_graph().nodes:
            made = without_nulls(shown(node))
            wanted = expected[node.node_id]
            assert made.pop("agent_frame_id")
            made.pop("parent_node_id", None)
            wanted = {k: v for k, v in wanted.items() if k != "parent_node_id"}
            if wanted["kind"] == "frame_open":
                assert (made["kind"], made["plugin_type"]) == ("plugin", "frame_open")
                made = {**made["body"], "kind": "frame_open"}
                wanted = {k: v for k, v in wanted.items() if k in made}
                assert wanted == made
            else:
                check(wanted, {k: v for k, v in made.items() if k in wanted}, session, "node")


@pytest.mark.parametrize("session", SESSIONS)
def test_its_checkpoint_is_what_lash_answers(catalogue: Catalogue, session: str) -> None:
    expected = catalogue.of(session)["checkpoint"]["components"]
    with catalogue.open(session) as store:
        head = store.load_head()
        assert head is not None
        assert head.checkpoint_ref is not None
        found = store.get_checkpoint(head.checkpoint_ref)
        assert found is not None
        for name in ("tool_state", "plugin_snapshot", "execution_state"):
            ref = getattr(found, f"{name}_ref")
            wanted = expected.get(name)
            assert ref == (wanted and wanted["descriptor"]["blob_ref"])
            if ref is not None:
                blob = store.get_blob(ref)
                assert blob is not None
                assert blob.hex() == wanted["hex"]
                assert getattr(found, name) is not None


def test_relations_make_families(catalogue: Catalogue) -> None:
    found = {}
    for session in SESSIONS:
        with catalogue.open(session) as store:
            row = store.sessions().iloc[0]
            found[session] = (row.relation, row.parent_session_id, row.schema_version)
    assert found["sess-root"][0] == "root"
    assert found["sess-fork"] == found["sess-fork2"] == ("fork", "sess-root", 38)
    assert found["sess-child"] == ("child", "sess-root", 38)
    with catalogue.open("sess-child") as store:
        assert store.sessions()["caused_by_type"].tolist() == ["tool_call"]


@pytest.mark.parametrize("session", SESSIONS)
def test_a_collection_goes_over_the_whole_file(catalogue: Catalogue, session: str) -> None:
    expected = catalogue.expected
    gone = set(expected["blob_hashes_before"]) - set(expected["blob_hashes_after"])
    with catalogue.open(session) as store:
        safe = store.plan_gc()
        assert set(safe.doomed_hashes) <= gone
        assert set(store.plan_gc(keep_turns=1).doomed_hashes) <= set(safe.doomed_hashes)
    with catalogue.open(session, "rw") as store:
        plan = store.plan_gc(lg.GcPolicy.runtime())
        assert set(plan.doomed_hashes) == gone
        report = store.sweep(plan, accept_unusual=True)
        assert shown_report(report) == expected["gc_report"]
    assert blob_hashes(catalogue.path) == set(expected["blob_hashes_after"])
    with closing(sqlite3.connect(catalogue.path)) as connection:
        left = connection.execute("SELECT * FROM checkpoint_blob_refs").fetchall()
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    wanted = [tuple(row.values()) for row in expected["checkpoint_blob_refs_after_gc"]]
    assert sorted(left) == sorted(wanted)
    for other in SESSIONS:
        with catalogue.open(other) as store:
            assert store.problems().empty


def test_turns_of_every_session_are_kept(catalogue: Catalogue) -> None:
    with catalogue.open("sess-child") as store:
        kept = set(store.plan_gc(keep_turns=2).kept()["hash"])
    with catalogue.open("sess-root") as store:
        latest = store.turns()["checkpoint_ref"].tolist()[-2:]
    assert set(latest) <= kept


def test_a_head_that_is_no_json_hides_nothing(catalogue: Catalogue) -> None:
    with catalogue.open("sess-fork") as store:
        plan = store.plan_gc()
    with closing(sqlite3.connect(catalogue.path)) as connection:
        connection.execute("UPDATE session_head SET head_json = '{' WHERE session_id = 'sess-root'")
        connection.commit()
    for session in ("sess-fork", "sess-root"):
        with catalogue.open(session) as store:
            assert store.plan_gc().doomed_hashes == plan.doomed_hashes


def test_a_missing_checkpoint_of_another_session_is_refused(catalogue: Catalogue) -> None:
    with catalogue.open("sess-root") as store:
        head = store.load_head()
    assert head is not None
    with closing(sqlite3.connect(catalogue.path)) as connection:
        connection.execute("DELETE FROM blobs WHERE hash = ?", (head.checkpoint_ref,))
        connection.commit()
    with (
        catalogue.open("sess-child") as store,
        pytest.raises(errors.DamagedStoreError, match=r"head@sess-root"),
    ):
        store.plan_gc()


@pytest.mark.parametrize("session", SESSIONS)
def test_a_vacuum_is_of_one_session(catalogue: Catalogue, session: str) -> None:
    expected = catalogue.expected["vacuum_per_session"][session]
    with catalogue.open(session, "rw") as store:
        assert store.vacuum() == expected["removed_node_count"]
        with pytest.raises(errors.VersionNotWrittenError):
            store.put_blob(b"no")


def test_a_swept_catalogue_is_backed_up_and_restored(catalogue: Catalogue, tmp_path: Path) -> None:
    before = blob_hashes(catalogue.path)
    with catalogue.open("sess-root", "rw") as store:
        report = store.sweep(store.plan_gc(), backup=tmp_path / "b", compact=True)
    assert report.deleted_blob_count
    assert report.backup is not None
    assert blob_hashes(catalogue.path) < before
    lg.restore(report.backup)
    assert blob_hashes(catalogue.path) == before
    with catalogue.open("sess-fork") as store:
        assert store.problems().empty


def below_checkpoint(catalogue: Catalogue, session: str) -> bool:
    with catalogue.open(session) as store:
        return "usage-below-checkpoint" in set(store.check()["code"])


def test_usage_that_a_session_may_have_of_its_ancestor_is_no_finding(catalogue: Catalogue) -> None:
    """Until a turn of its own has used some: then it stands in its own ledger, or was lost."""
    assert not any(below_checkpoint(catalogue, session) for session in SESSIONS)
    with closing(sqlite3.connect(catalogue.path)) as connection:
        connection.execute(
            "INSERT INTO runtime_turn_commits SELECT 'sess-fork', 'of the ancestor', "
            "turn_commit_hash, json_set(result_json, '$.head_revision', 0), committed_at_ms, "
            "request_identity_hash, requested_node_count, requested_ancestor_node_id, "
            "identity_encoding_version FROM runtime_turn_commits "
            "WHERE session_id = 'sess-root' AND turn_id LIKE '%\"t3\"%'"
        )
        connection.execute("DELETE FROM usage_deltas WHERE session_id = 'sess-root' AND seq > 1")
        connection.commit()
    found = [session for session in SESSIONS if below_checkpoint(catalogue, session)]
    assert sorted(found) == ["sess-fork", "sess-root"]


@pytest.mark.parametrize("session", SESSIONS)
def test_every_frame_and_picture_is_made(catalogue: Catalogue, session: str) -> None:
    with catalogue.open(session) as store:
        for name in SCHEMAS:
            if hasattr(store, name):
                assert set(getattr(store, name)()["session_id"]) <= {session}
        lg.plot.session_tree(store.tree())
        lg.plot.reachability(store.reachability())
        lg.plot.gc_plan(store.plan_gc())
        store.tree().transcript().chat()
        assert store.check(level="full")["severity"].ne("error").all()


def test_the_name_of_a_session_is_no_sql(catalogue: Catalogue) -> None:
    odd = "it's {session} \"; DROP TABLE blobs; --"
    with closing(sqlite3.connect(catalogue.path)) as connection:
        for table in ("session_head", "session_meta", "graph_nodes", "runtime_turn_commits"):
            connection.execute(
                f"UPDATE {table} SET session_id = ? WHERE session_id = 'sess-child'", (odd,)
            )
        connection.commit()
    with catalogue.open(odd) as store:
        assert len(store.nodes()) == len(catalogue.of("sess-child")["load_session_graph_ids"])
        assert store.plan_gc().deleted_blob_count
