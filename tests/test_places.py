"""Other people's files and odd places: who owns what is written, where, and what is left behind."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import lashgraph as lg
from lashgraph import errors
from lashgraph.sqlite import place
from lashgraph.testing.builders import SessionBuilder

NOBODY = 65534

as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may become another user"
)


def make_session(path: Path) -> Path:
    with SessionBuilder(path, "s", seed=1) as made:
        made.turn("Why?", "Because.")
        made.turn("How?", "So.")
        made.garbage(3, 5_000)
    return path


@pytest.fixture
def room() -> Iterator[Path]:
    """A folder that every user reaches."""
    folder = Path(tempfile.mkdtemp(prefix="lashgraph-room-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def another_user() -> Iterator[None]:
    """What is done inside is done by a user who owns nothing."""
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def modes(folder: Path) -> dict[str, int]:
    return {entry.name: entry.stat().st_mode & 0o777 for entry in folder.iterdir()}


@as_root
def test_another_users_secret_is_not_read(room: Path) -> None:
    path = make_session(room / "secret.db")
    path.chmod(0o600)
    with lg.open_corpus(path) as corpus:
        assert len(corpus.sessions()) == 1  # and all of Python that it needs is loaded
    with another_user():
        for mode in ("r", "rw"):
            with pytest.raises(errors.NotAFileError, match=r"secret\.db: permission to read"):
                lg.open(path, mode)  # type: ignore[arg-type]
        with lg.open_corpus(room) as corpus:
            with pytest.warns(errors.DamagedDataWarning, match="secret.db"):
                assert corpus.sessions().empty
            assert corpus.errors().path.tolist() == [str(path)]


@as_root
def test_another_users_file_is_read_and_not_written(room: Path) -> None:
    path = make_session(room / "theirs.db")
    before = path.read_bytes()
    with another_user():
        with lg.open(path) as store:
            plan = store.plan_gc()
        with pytest.raises(errors.UnwritablePathError, match=r"theirs\.db: .*mode='r' reads it"):
            lg.open(path, "rw")
        with pytest.raises(errors.OpenError, match=r"new\.db"):
            lg.open(room / "new.db", "create")
    assert plan.deleted_blob_count >= 3
    assert path.read_bytes() == before
    assert os.listdir(room) == ["theirs.db"]


@as_root
def test_owner_and_mode_stay_through_every_write(room: Path) -> None:
    path = make_session(room / "session.db")
    path.chmod(0o640)
    os.chown(path, NOBODY, NOBODY)
    with lg.open(path, "rw") as store:
        report = store.sweep(store.plan_gc(), backup=room / "backups", compact=True)
        store.compact()
    assert report.backup is not None
    lg.restore(report.backup)
    found = path.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (NOBODY, NOBODY, 0o640)


@pytest.mark.skipif(os.name == "nt", reason="file modes")
def test_a_copy_of_a_private_file_is_private(room: Path) -> None:
    path = make_session(room / "private.db")
    path.chmod(0o600)
    before = os.umask(0o022)
    try:
        with lg.open(path, "rw") as store:
            store.sweep(store.plan_gc(), backup=room / "backups")
    finally:
        os.umask(before)
    assert set(modes(room / "backups").values()) == {0o600}


@pytest.mark.parametrize("compact", [False, True])
def test_nothing_is_left_behind(room: Path, compact: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_session(room / "session.db")
    temporary = room / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with lg.open(path, "rw") as store:
        plan = store.plan_gc()
        plan.forecast(memory_limit=0)  # in a file
        report = store.sweep(plan, backup=room / "backups", compact=compact)
    with lg.open(path) as store:
        assert store.nodes().empty is False
    assert report.backup is not None
    lg.restore(report.backup)
    assert not list(temporary.iterdir())
    assert sorted(os.listdir(room)) == ["backups", "session.db", "temporary"]
    assert len(os.listdir(room / "backups")) == 2  # the backup, and its note


def test_a_very_long_path(tmp_path: Path) -> None:
    """SQLite opens no path of more than 512 bytes, and names of files end at 255."""
    folder = tmp_path
    while len(bytes(folder)) < 700:
        folder = folder / ("n" * 60)
    folder.mkdir(parents=True)
    path = folder / "session.db"
    shutil.copy(make_session(tmp_path / "session.db"), path)
    with pytest.raises(errors.OpenError, match=r"session\.db: a path of more than 503 bytes"):
        lg.open(path)
    with pytest.raises(errors.OpenError, match="cannot be reached"):
        lg.open(tmp_path / ("x" * 300))
    with lg.open_corpus(folder) as corpus:
        assert len(corpus.errors()) == 1


def test_a_file_system_without_shared_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_session(tmp_path / "session.db")
    with lg.open(path) as store:
        healthy = store.nodes()
    before = path.read_bytes()
    plain = place.uri
    monkeypatch.setattr(place, "uri", lambda *a, **k: plain(*a, **k) + "&vfs=unix-none")
    with lg.open(path) as store:
        assert store.nodes().equals(healthy)
        assert store.plan_gc().deleted_blob_count >= 3
    with pytest.raises(errors.LashgraphError, match=r"session\.db"):
        lg.open(path, "rw")
    assert path.read_bytes() == before
