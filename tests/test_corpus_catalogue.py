"""A catalogue among other files: its sessions are sessions of the corpus, its bytes count once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from recorded import blob_hashes, read_json
from stores import find, unpack

import lashgraph as lg
from lashgraph import errors

SESSIONS = ["sess-child", "sess-fork", "sess-fork2", "sess-root"]


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    folder = tmp_path / "factory"
    folder.mkdir()
    path = folder / "durable-core.db"
    shutil.move(unpack(find("versions/v38-tip.db.gz"), folder), path)
    return path


def test_its_sessions_are_the_corpus(catalogue: Path) -> None:
    with lg.open_corpus(catalogue) as corpus:
        found = corpus.sessions()
        assert found["session_id"].tolist() == SESSIONS
        assert set(found["path"]) == {str(catalogue)}
        assert found["file_bytes"].sum() == catalogue.stat().st_size
        assert corpus.errors().empty
        assert len(corpus.blobs()) == found["n_blobs"].sum() == len(blob_hashes(catalogue))
        nodes = corpus.nodes()
        for session in SESSIONS:
            with lg.open(catalogue, session_id=session) as store:
                own = nodes.loc[nodes["session_id"] == session, "node_id"].tolist()
                assert own == store.nodes()["node_id"].tolist()
            with corpus.open(session) as store:
                assert store.session_id == session
        with pytest.raises(errors.WhichSessionError):
            corpus.open(str(catalogue))
        family = corpus.families()
        assert set(family["session_id"]) == set(SESSIONS)


def test_beside_files_of_one_session(catalogue: Path) -> None:
    unpack(find("versions/v12-alpha113.db.gz"), catalogue.parent)
    with lg.open_corpus(catalogue.parent) as corpus:
        assert len(corpus.sessions()) == len(SESSIONS) + 1
        assert corpus.usage()["accounting"].nunique() == 2
        assert corpus.sessions(executor=2).equals(corpus.sessions())


def test_a_batch_goes_over_it_once(catalogue: Path, tmp_path: Path) -> None:
    expected = read_json(find("versions/v38-tip.expected.json.gz"))
    with lg.open_corpus(catalogue.parent, mode="rw") as corpus:
        plan = corpus.plan_gc(lg.GcPolicy.runtime())
        assert plan.frame()["path"].tolist() == [str(catalogue)]
        report = plan.sweep(backup=tmp_path / "backup", accept_unusual=True)
        assert report.deleted_blob_count == expected["gc_report"]["deleted_blob_count"]
    assert blob_hashes(catalogue) == set(expected["blob_hashes_after"])


def test_its_export_says_that_it_is_not_offered(catalogue: Path, tmp_path: Path) -> None:
    with lg.open_corpus(catalogue) as corpus:
        with pytest.warns(errors.DamagedDataWarning, match="WhichSessionError"):
            corpus.to_parquet(tmp_path / "export")
        assert corpus.errors()["error"].tolist() == ["WhichSessionError"]
