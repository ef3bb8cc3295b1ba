"""A catalogue among other files: its sessions are sessions of the corpus, its bytes count once."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal
from recorded import blob_hashes, read_json
from stores import find, unpack

import lashgraph as lg
from lashgraph import errors
from lashgraph.corpus.parquet_format import ALL

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


def test_it_is_chosen_whole_or_not_at_all(mixed: Path) -> None:
    with lg.open_corpus(mixed) as corpus:
        rows = corpus.sessions()
        for where in ("n_nodes >= 0", "schema_version == 38", "session_id == ''"):
            chosen = corpus.filter(where).sessions()
            assert_frame_equal(chosen, rows.query(where).reset_index(drop=True))
        with pytest.raises(errors.InvalidRecordError, match="1 of the 4 sessions") as told:
            corpus.filter("session_id == 'sess-fork'").sessions()
        assert told.value.path == str(mixed / "durable-core.db")
        assert len(corpus.filter("schema_version == 38").sample(5)) == 1


def test_a_batch_goes_over_it_once(catalogue: Path, tmp_path: Path) -> None:
    expected = read_json(find("versions/v38-tip.expected.json.gz"))
    with lg.open_corpus(catalogue.parent, mode="rw") as corpus:
        plan = corpus.plan_gc(lg.GcPolicy.runtime())
        assert plan.frame()["path"].tolist() == [str(catalogue)]
        report = plan.sweep(backup=tmp_path / "backup", accept_unusual=True)
        assert report.deleted_blob_count == expected["gc_report"]["deleted_blob_count"]
    assert blob_hashes(catalogue) == set(expected["blob_hashes_after"])


# Parquet


@pytest.fixture
def mixed(catalogue: Path) -> Path:
    """A folder with a catalogue, and with a file of one session that has much of the same in it."""
    unpack(find("versions/v12-alpha113.db.gz"), catalogue.parent)
    return catalogue.parent


def same(found: lg.Corpus, live: lg.Corpus) -> None:
    for name in (*ALL, "families", "shared_blobs", "files"):
        got, wanted = getattr(found, name)(), getattr(live, name)()
        assert_frame_equal(got, wanted, obj=name)
        assert got.attrs == wanted.attrs, name


@pytest.mark.parametrize("executor", [None, 2])
def test_its_sessions_come_along_in_an_export(
    mixed: Path, tmp_path: Path, executor: int | None
) -> None:
    export = tmp_path / "export"
    with lg.open_corpus(mixed) as live:
        report = live.to_parquet(export, executor=executor)
        assert (report.files, report.read, report.failed) == (2, 2, 0)
        assert live.errors().empty
        with lg.open_corpus(export) as found:
            same(found, live)
            assert len(found.sessions()) == len(SESSIONS) + 1
            assert ds.dataset(export / "nodes").count_rows() == len(live.nodes())
            for session in ("sess-child", "sess-fork"):
                with found.open(session) as store:
                    assert store.session_id == session


def test_what_belongs_to_the_file_is_exported_once(catalogue: Path, tmp_path: Path) -> None:
    with lg.open_corpus(catalogue) as live:
        live.to_parquet(tmp_path / "export")
    with lg.open_corpus(tmp_path / "export") as found:
        assert set(found.blobs()["hash"]) == blob_hashes(catalogue)
        assert (
            len(found.blobs()) == found.sessions()["n_blobs"].sum() == len(blob_hashes(catalogue))
        )
        assert found.sessions()["file_bytes"].sum() == catalogue.stat().st_size
        assert found.refs()["session_id"].nunique() == 1
        assert found.shared_blobs().empty


def test_only_a_changed_catalogue_is_exported_again(mixed: Path, tmp_path: Path) -> None:
    catalogue, export = mixed / "durable-core.db", tmp_path / "export"
    with lg.open_corpus(mixed) as live:
        live.to_parquet(export)
    with lg.open_corpus(mixed) as live:
        report = live.to_parquet(export)
        assert (report.read, report.kept) == (0, 2)
    parts = {path: path.stat().st_ino for path in export.rglob("part-*")}
    with lg.open(catalogue, "rw", session_id="sess-fork") as store:
        assert store.gc_unreachable().deleted_blob_count
    with lg.open_corpus(mixed) as live:
        report = live.to_parquet(export)
        assert (report.read, report.kept) == (1, 1)
        with lg.open_corpus(export) as found:
            same(found, live)
    kept = {path for path in export.rglob("part-*") if parts.get(path) == path.stat().st_ino}
    assert {one for path in kept for one in paths_in(path)} == {str(mixed / "v12-alpha113.db")}
    catalogue.unlink()
    with lg.open_corpus(mixed) as live:
        assert live.to_parquet(export).removed == 1
        with lg.open_corpus(export) as found:
            same(found, live)


def paths_in(part: Path) -> list[str]:
    return pq.read_table(part, columns=["path"])["path"].unique().to_pylist()


def test_a_damaged_session_of_it_is_told_in_an_export(catalogue: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(catalogue)) as connection:
        connection.execute(
            "UPDATE graph_nodes SET node_json = '{' WHERE session_id = 'sess-child' "
            "AND generation = 1"
        )
        connection.commit()
    with lg.open_corpus(catalogue) as live:
        with pytest.warns(errors.DamagedDataWarning):
            wanted = live.nodes()
        told = live.errors()
    with lg.open_corpus(catalogue) as live, pytest.warns(errors.DamagedDataWarning):
        assert live.to_parquet(tmp_path / "export", frames=["nodes"]).failed == 1
    with lg.open_corpus(tmp_path / "export") as found:
        with pytest.warns(errors.DamagedDataWarning):
            assert_frame_equal(found.nodes(), wanted)
        assert_frame_equal(found.errors(), told)
        assert found.errors()["session_id"].tolist() == ["sess-child"]
