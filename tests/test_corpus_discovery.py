"""What belongs to a corpus: listing leaves files alone and says what it leaves out."""

# ruff: noqa: F811 - fixtures are taken by their names

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from corpora import built, folder  # noqa: F401 - fixtures
from processes import run_script

import lashgraph as lg
from lashgraph.corpus import open_corpus
from lashgraph.errors import (
    DamagedDataWarning,
    InvalidRecordError,
    NotAFileError,
    ReadOnlyStoreError,
    StoreNotFoundError,
)
from lashgraph.store import StoreDirectory


def names(paths: list[str]) -> list[str]:
    return [os.path.basename(path) for path in paths]


def test_a_folder_a_pattern_a_file_and_a_list(folder: Path) -> None:
    whole = open_corpus(folder).paths()
    assert whole == sorted(map(str, folder.glob("*.db")))
    assert open_corpus(f"{folder}/survey-*.db").paths() == [
        path for path in whole if "survey-" in path
    ]
    assert open_corpus(whole[3]).paths() == [whole[3]]
    assert open_corpus([whole[3], folder / "fresh-*.db", whole[0]]).paths() == sorted(
        [whole[0], whole[3], *map(str, folder.glob("fresh-*.db"))]
    )
    assert open_corpus(folder, pattern="long-*").paths() == [p for p in whole if "/long-" in p]


def test_the_default_is_the_place_of_the_runtime(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LASH_HOME", str(tmp_path / "home"))
    with pytest.raises(StoreNotFoundError, match="set LASH_HOME"):
        open_corpus()
    shutil.copytree(folder, tmp_path / "home" / "sessions")
    assert len(open_corpus()) == 9
    monkeypatch.delenv("LASH_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".lash").symlink_to(tmp_path / "home")
    assert len(open_corpus()) == 9
    assert len(open_corpus("~/home/sessions")) == 9


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFoundError, match="no such file"):
        open_corpus(tmp_path / "nowhere")
    with pytest.raises(StoreNotFoundError, match="no file matches"):
        open_corpus(f"{tmp_path}/*.db")
    corpus = open_corpus([tmp_path, tmp_path / "gone.db"])
    assert corpus.errors()[["stage", "error"]].values.tolist() == [["list", "StoreNotFoundError"]]
    assert not len(corpus)
    for wrong in (3, [3], "a\0b"):
        with pytest.raises(InvalidRecordError):
            open_corpus(wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidRecordError, match="mode 'create'"):
        open_corpus(tmp_path, mode="create")  # type: ignore[arg-type]
    with pytest.raises(InvalidRecordError, match="options"):
        open_corpus(tmp_path, options=3)  # type: ignore[arg-type]
    with pytest.raises(InvalidRecordError, match="pattern"):
        open_corpus(tmp_path, pattern=3)  # type: ignore[arg-type]


def test_an_empty_folder_is_an_empty_corpus(tmp_path: Path) -> None:
    corpus = open_corpus(tmp_path)
    assert (len(corpus), corpus.paths(), corpus.sessions().empty) == (0, [], True)
    assert corpus.errors().empty
    assert corpus.skipped().empty
    assert corpus.sample(3).paths() == []


def test_folders_inside_are_gone_through_on_demand(folder: Path) -> None:
    inner = folder / "inner" / "deep.db"  # a folder may be called like a file
    inner.mkdir(parents=True)
    shutil.copy(next(folder.glob("fresh-*.db")), inner / "a.db")
    (folder / "inner" / "loop").symlink_to(folder)
    assert len(open_corpus(folder)) == 9
    corpus = open_corpus(folder, recursive=True)
    assert len(corpus) == 10
    assert str(inner / "a.db") in corpus.paths()
    assert corpus.skipped()[["path", "reason"]].values.tolist() == [
        [str(folder / "inner" / "loop"), "linked-folder"]
    ]
    assert len(open_corpus(f"{folder}/**/*.db", recursive=True)) == 10


def test_of_several_names_of_one_file_one_is_read(folder: Path) -> None:
    first = sorted(folder.glob("*.db"))[0]
    (folder / "0-link.db").symlink_to(first)
    os.link(first, folder / "z-hard.db")
    (folder / "0-lost.db").symlink_to(folder / "nothing")
    corpus = open_corpus([folder, first])
    assert len(corpus) == 9
    assert corpus.paths()[0] == str(first)
    told = corpus.skipped().set_index("path")["what"].to_dict()
    assert told == {
        str(folder / "0-link.db"): f"another name of {first}",
        str(folder / "z-hard.db"): f"another name of {first}",
    }
    assert corpus.errors()["path"].tolist() == [str(folder / "0-lost.db")]


def test_what_is_no_session_is_left_out_with_a_reason(
    folder: Path, recorded: Callable[[str], Path]
) -> None:
    for kind in ("artifacts", "effects", "host-events", "processes"):
        name = f"wake-drained__{kind}.db"
        shutil.move(recorded(f"sessions/siblings/{name}.gz"), folder / name)
    with closing(sqlite3.connect(folder / "other.db")) as connection:
        connection.execute("CREATE TABLE notes (text)")
    (folder / "none.db").write_bytes(b"")
    (folder / "gone.db-wal").write_bytes(b"left")
    (folder / "dir.db").mkdir()
    with lg.open(folder / "new.db", mode="create"):
        pass  # a session that nothing was written to is one all the same
    corpus = open_corpus(folder)
    assert len(corpus.sessions()) == len(corpus) == 10
    skipped = corpus.skipped()
    assert dict(zip(names(skipped["path"].tolist()), skipped["reason"], strict=True)) == {
        "dir.db": "no-file",
        "gone.db-wal": "leftover",
        "none.db": "empty",
        "other.db": "other-database",
        "wake-drained__artifacts.db": "artifacts",
        "wake-drained__effects.db": "sibling",
        "wake-drained__host-events.db": "sibling",
        "wake-drained__processes.db": "sibling",
    }
    assert corpus.errors().empty


def test_an_empty_file_with_a_log_is_no_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"")
    (tmp_path / "a.db-wal").write_bytes(b"x" * 5000)
    corpus = open_corpus(tmp_path)
    with pytest.warns(DamagedDataWarning):
        assert corpus.nodes().empty
    assert corpus.errors()["error"].tolist() == ["EmptyFileError"]


def test_what_a_file_is_shows_anew_when_it_changes(folder: Path) -> None:
    late = folder / "late.db"
    late.write_bytes(b"")
    corpus = open_corpus(folder)
    assert len(corpus) == 9
    late.write_bytes(next(folder.glob("fresh-*.db")).read_bytes())
    assert len(corpus) == 10
    assert len(corpus.sessions()) == 10
    assert corpus.skipped().empty
    late.write_bytes(b"no database at all" * 99)
    with pytest.warns(DamagedDataWarning):
        assert len(corpus.sessions()) == 9
    assert corpus.errors()["error"].tolist() == ["NotSQLiteError"]


def test_odd_names_are_read(folder: Path) -> None:
    source = next(folder.glob("fresh-*.db"))
    for name in ("50%20 ?#&x.db", "naïve 🦀.db", "-wal.db", "'quoted\".db"):
        shutil.copy(source, folder / name)
    assert len(open_corpus(folder).nodes()["path"].unique()) == 13


def test_files_are_listed_without_being_opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "bad.db").write_bytes(b"no database" * 20)

    def never(*_args: object, **_options: object) -> None:
        raise AssertionError("a database was opened")

    monkeypatch.setattr(sqlite3, "connect", never)
    corpus = open_corpus(folder)
    listed = corpus.files()
    assert len(listed) == 10
    assert repr(corpus).startswith("<lashgraph.Corpus, 10 files, ")
    assert "10 files" in corpus._repr_html_()
    chosen = corpus.filter(model="m").sample(3)
    assert repr(chosen).startswith("<lashgraph.Corpus, part of 10 files, ")
    by_name = listed.set_index(listed["path"].map(os.path.basename))
    assert by_name.loc["bad.db", "kind"] == "other"
    assert (by_name["schema_version"].dropna() == 3).all()
    assert by_name["file_bytes"].tolist() == [os.path.getsize(path) for path in listed["path"]]


def test_reading_leaves_no_trace(folder: Path) -> None:
    def state() -> dict[str, tuple[int, int, int]]:
        return {
            entry.name: (entry.stat().st_ino, entry.stat().st_size, entry.stat().st_mtime_ns)
            for entry in os.scandir(folder)
        }

    before = state()
    with open_corpus(folder) as corpus:
        corpus.sessions(executor=2)
        corpus.parts()
        corpus.skipped()
    assert state() == before


LOCKED = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:  # the bytes that SQLite locks to read
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)
        print("free")
    except OSError:
        print("locked")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="locks belong to a descriptor there")
def test_opening_drops_no_lock_of_a_store_that_is_open(folder: Path) -> None:
    path = next(folder.glob("fresh-*.db"))
    with lg.open(path, mode="rw") as store:
        store.put_blob(b"x")
        assert run_script(LOCKED, str(path)).stdout.strip() == "locked"
        corpus = open_corpus(folder)
        listed = corpus.files().set_index("path")
        assert listed.loc[str(path), "kind"] == "unread"
        assert run_script(LOCKED, str(path)).stdout.strip() == "locked"
        assert len(corpus.sessions()) == 9
    assert run_script(LOCKED, str(path)).stdout.strip() == "free"


UNREADABLE = """
import os, sys
from lashgraph.corpus import open_corpus
from lashgraph.errors import OpenError
folder = sys.argv[1]
if os.getuid() == 0:
    os.setuid(65534)  # root may read all
print(open_corpus(folder, recursive=True).errors()[["stage", "error"]].values.tolist())
try:
    open_corpus(folder + "/secret")
except OpenError as error:
    print(type(error).__name__, "Permission denied" in str(error))
"""


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="no users to be another one")
def test_an_unreadable_folder_is_an_error(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    for above in [tmp_path, *tmp_path.parents]:
        if above.stat().st_uid == os.getuid() and above.name.startswith(
            ("pytest-", "popen-", "test_")
        ):
            above.chmod(0o755)
    secret.chmod(0)
    try:
        done = run_script(UNREADABLE, str(tmp_path))
    finally:
        secret.chmod(0o700)
    assert done.stdout.splitlines() == [
        "[['list', 'NotAFileError']]",
        "NotAFileError True",
    ], done.stderr


def test_a_name_that_is_too_long_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotAFileError, match="cannot be looked at"):
        open_corpus(tmp_path / ("x" * 300))


# Opening one of the sessions


def test_a_session_is_opened_by_path_or_by_id(folder: Path) -> None:
    corpus = open_corpus(folder)
    path = StoreDirectory(folder).path_for_session("fresh")
    for key in (path, str(path), "fresh"):
        with corpus.open(key) as store:
            assert store.session_id == "fresh"
            assert store.path == str(path)
    with pytest.raises(StoreNotFoundError, match="neither a file nor a session"):
        corpus.open("nobody")
    with pytest.raises(ReadOnlyStoreError):
        corpus.open("fresh", mode="rw")
    with open_corpus(folder, mode="rw").open("fresh", mode="rw") as store:
        store.put_blob(b"x")
    shutil.copy(path, folder / "copy.db")
    with pytest.raises(InvalidRecordError, match="2 files hold session 'fresh'"):
        open_corpus(folder).open("fresh")
