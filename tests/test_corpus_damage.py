"""One bad file never ends a run: it is a row of errors(), and all others are read."""

# ruff: noqa: F811 - fixtures are taken by their names

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from corpora import Inline, built, folder, one_by_one  # noqa: F401 - fixtures
from pandas.testing import assert_frame_equal
from processes import run_script

import lashgraph as lg
from lashgraph.corpus import Corpus, open_corpus
from lashgraph.errors import (
    DamagedDataWarning,
    DamagedNodeError,
    LashgraphError,
    NotSQLiteError,
)
from lashgraph.testing.builders import SessionBuilder

FRAMES = ("sessions", "nodes", "parts", "blobs", "turns")


def make_forty(built: Path, folder: Path) -> Path:
    place = folder / "forty"
    place.mkdir()
    sources = sorted(built.glob("*.db"))
    for number in range(40):
        shutil.copy(sources[number % len(sources)], place / f"{number:02}.db")
    return place


@pytest.fixture
def forty(built: Path, tmp_path: Path) -> Path:
    """Forty sessions."""
    return make_forty(built, tmp_path)


@pytest.fixture(scope="module")
def undamaged(built: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """The frames of forty whole sessions, each store read by itself; paths are names of files."""
    paths = list(make_forty(built, tmp_path_factory.mktemp("whole")).glob("*.db"))
    return {name: by_file_name(one_by_one(paths, name)) for name in FRAMES}


def by_file_name(frame: pd.DataFrame) -> pd.DataFrame:
    """The same where the folder does not show."""
    return frame.assign(path=pd.array(list(map(os.path.basename, frame["path"])), dtype="str"))


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 3)


def scribble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for page in range(4096, len(content), 3 * 4096):
        content[page : page + 4096] = b"\xa5" * 4096
    path.write_bytes(content)


def behead(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(b"\0" * 100 + content[100:])


def other_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize("damage", [cut, scribble, behead, other_version])
@pytest.mark.parametrize("executor", [None, 2])
def test_of_forty_files_two_are_damaged(
    forty: Path, undamaged: dict[str, pd.DataFrame], damage: object, executor: int | None
) -> None:
    bad = [forty / "07.db", forty / "23.db"]
    for path in bad:
        damage(path)  # type: ignore[operator]
    good = [path for path in sorted(forty.glob("*.db")) if path not in bad]
    with open_corpus(forty) as corpus:
        for name, whole in undamaged.items():
            with pytest.warns(DamagedDataWarning, match="2 files could not be read, or in part"):
                found = getattr(corpus, name)(executor=executor)
            rest = found[~found["path"].isin(map(str, bad))].reset_index(drop=True)
            assert list(dict.fromkeys(rest["path"])) == list(map(str, good))
            wanted = whole[~whole["path"].isin(path.name for path in bad)].reset_index(drop=True)
            assert_frame_equal(by_file_name(rest), wanted)
            errors = corpus.errors()
            assert set(errors["path"]) == set(map(str, bad))
            assert set(errors["stage"]) <= {"open", *FRAMES}
            assert all(type(getattr(lg.errors, error)) is type for error in errors["error"])
            assert all(path in text for path, text in errors[["path", "message"]].values)
        assert set(map(str, good)) <= set(corpus)


def test_rows_that_cannot_be_read_are_told_and_the_others_read(folder: Path) -> None:
    path = next(folder.glob("long-chat*.db"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE graph_nodes SET node_json = '{' WHERE seq IN (3, 5)")
    corpus = open_corpus(folder)
    with pytest.warns(DamagedDataWarning, match=r"messages\(\): 1 files"):
        found = corpus.messages()
    with pytest.warns(DamagedDataWarning):
        assert_frame_equal(found, one_by_one(corpus, "messages"))
    errors = corpus.errors()
    assert errors[["path", "session_id", "stage", "error", "partly"]].values.tolist() == [
        [str(path), "long-chat", "messages", "DamagedNodeError", True]
    ]
    assert ", and 1 more; problems() lists such rows" in errors["message"][0]
    assert len(corpus) == 9
    with pytest.raises(DamagedNodeError) as raised:
        corpus.messages(strict=True)
    assert raised.value.path == str(path)
    assert len(corpus.problems()) == 2


def test_an_error_leaves_when_the_same_succeeds(folder: Path) -> None:
    path = folder / "bad.db"
    path.write_bytes(b"no database" * 100)
    corpus = open_corpus(folder)
    with pytest.warns(DamagedDataWarning):
        corpus.usage()
    assert corpus.errors()["error"].tolist() == ["NotSQLiteError"]
    with pytest.raises(NotSQLiteError):
        corpus.nodes(strict=True)
    shutil.copy(next(folder.glob("fresh-*.db")), path)
    assert len(corpus.usage()) == len(one_by_one(folder.glob("*.db"), "usage"))
    assert corpus.errors().empty


def test_a_warning_points_to_who_asked(folder: Path) -> None:
    (folder / "bad.db").write_bytes(b"no database" * 100)
    corpus = open_corpus(folder)
    for ask in (corpus.nodes, corpus.families, corpus.shared_blobs, corpus.filter("n_turns>0")):
        with pytest.warns(DamagedDataWarning) as told:
            len(ask) if isinstance(ask, Corpus) else ask()
        assert {warning.filename for warning in told} == {__file__}


def test_a_file_that_goes_during_the_run_is_an_error(forty: Path) -> None:
    gone = forty / "31.db"
    corpus = open_corpus(forty)

    def remove(number: int) -> None:
        if number == 1:
            gone.unlink()

    with pytest.warns(DamagedDataWarning):
        found = corpus.sessions(executor=Inline(remove))
    assert corpus.errors()[["path", "stage", "error"]].values.tolist() == [
        [str(gone), "open", "StoreNotFoundError"]
    ]
    assert_frame_equal(found, one_by_one(forty.glob("*.db"), "sessions"))
    assert len(corpus) == 39


def test_a_file_that_grows_is_read_as_of_one_moment_or_is_an_error(tmp_path: Path) -> None:
    """Each turn adds two nodes, so that an odd number would be half a turn."""
    path = tmp_path / "growing.db"
    stop = threading.Event()
    with SessionBuilder(path, "growing") as session:
        session.turn("one", "two")

        def grow() -> None:
            while not stop.is_set():
                session.turn("more", "and more")

        writer = threading.Thread(target=grow)
        writer.start()
        try:
            corpus = open_corpus(tmp_path)
            read = 0
            for _ in range(15):
                found = corpus.nodes(strict=True)
                read += 1
                assert len(found) % 2 == 0
                assert found["seq"].tolist() == list(range(1, len(found) + 1))
            assert read == 15
        finally:
            stop.set()
            writer.join()


def test_odd_cells_are_no_errors(folder: Path) -> None:
    with closing(sqlite3.connect(next(folder.glob("fresh-*.db")))) as connection, connection:
        connection.execute("UPDATE session_meta SET created_at = 7, model = X'ff', cwd = 1.5")
    corpus = open_corpus(folder)
    assert_frame_equal(corpus.sessions(), one_by_one(corpus, "sessions"))
    assert corpus.errors().empty


INTERRUPTED = """
import os, signal, sys, time
from lashgraph.corpus import Corpus, open_corpus
if __name__ == "__main__":
    executor = int(sys.argv[2]) or None
    corpus = open_corpus(sys.argv[1])
    corpus.sessions(columns=["path"], executor=executor)

    class Stopping(list):
        def update(self, count):
            os.killpg(os.getpgid(0), signal.SIGINT)  # as a terminal does
            time.sleep(1)
        def close(self):
            pass

    import tqdm.auto
    tqdm.auto.tqdm = lambda **_options: Stopping()
    try:
        corpus.parts(executor=executor, progress=True)
    except KeyboardInterrupt as stopped:
        print(stopped)
    print(len(corpus.parts(executor=executor)) > 0)
    corpus.close()
"""


@pytest.mark.parametrize("executor", ["0", "2"])
def test_an_interrupt_stops_and_says_what_was_done(forty: Path, executor: str) -> None:
    done = run_script(INTERRUPTED, str(forty), executor)
    assert done.returncode == 0, done.stderr
    told, again = done.stdout.splitlines()
    assert told.startswith("parts(): stopped after ")
    assert told.endswith(" of 40 files; nothing was written")
    assert again == "True"
    assert "Traceback" not in done.stderr


def test_every_error_is_one_of_ours_and_names_its_file(forty: Path) -> None:
    for number, damage in enumerate((cut, scribble, behead, other_version)):
        damage(forty / f"0{number}.db")
    corpus = open_corpus(forty)
    with pytest.warns(DamagedDataWarning):
        corpus.check("full")
    for failure in corpus._failures.rows():
        assert isinstance(failure.raised(), LashgraphError)
        assert failure.path in str(failure.raised())
