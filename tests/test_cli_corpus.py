"""The command line over folders: where the bytes are, and what sessions say."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import pytest
from commands import printed_json, run
from recorded import folder_state

import lashgraph as lg
from lashgraph.testing.builders import SessionBuilder, ToolCall
from lashgraph.testing.folder import build_folder

FILES, DAMAGED = 24, 3


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with damaged stores, a torn one, and what is no session."""
    folder = tmp_path_factory.mktemp("many")
    paths = build_folder(folder, files=FILES, damaged=DAMAGED)
    whole = next(path for path in paths if path.name.startswith("hoarder-01"))
    (folder / "torn.db").write_bytes(whole.read_bytes()[:30_000])
    (folder / "empty.db").touch()
    return folder


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    build_folder(folder, files=5, damaged=0)
    return folder


def test_the_summary_of_a_folder(made: Path) -> None:
    before = folder_state(made)
    done = run("corpus", "show", made)
    assert done.returncode == 1
    headings = ("by session", "by kind of blob", "by tool", "by family", "no sessions", "damage")
    assert [words in done.stdout for words in headings] == [True] * len(headings)
    assert "torn.db" in done.stdout
    assert "empty.db" in done.stdout
    assert done.stderr == ""
    assert run("corpus", made).stdout == done.stdout
    assert folder_state(made) == before


def test_the_summary_adds_up(made: Path) -> None:
    code, found = printed_json("corpus", "show", made, "--workers", "2")
    assert code == 1
    sums = found["sums"]
    assert sums["n_sessions"] == len(found["sessions"]) == FILES
    assert sums["file_bytes"] == sum(row["file_bytes"] for row in found["sessions"])
    assert sums["blob_bytes"] == sum(row["stored_bytes"] for row in found["kinds"])
    assert sums["n_tool_calls"] == sum(row["n_calls"] for row in found["tools"])
    assert sums["n_turns"] == sum(row["n_turns"] for row in found["families"])
    assert sum(row["n_sessions"] for row in found["families"]) >= FILES - 2  # orphans have a parent
    assert [row["path"] for row in found["skipped"]] == [str(made / "empty.db")]
    assert str(made / "torn.db") in {row["path"] for row in found["unread"]}
    assert len(found["problems"]) == DAMAGED
    with lg.open_corpus(made) as corpus, warnings.catch_warnings():
        warnings.simplefilter("ignore", lg.errors.DamagedDataWarning)
        calls, facts = corpus.tool_calls(), corpus.shared_blobs().attrs["lashgraph"]
    assert sums["deduplicated_bytes"] == facts["deduplicated_bytes"]
    told = {row["tool_name"]: row["result_bytes"] for row in found["tools"]}
    of = calls.groupby("tool_name")["result"]
    assert told == {name: sum(len(text.encode()) for text in texts) for name, texts in of}


def test_a_sound_folder_ends_with_0(sound: Path) -> None:
    code, found = printed_json("corpus", "show", sound)
    assert (code, found["problems"], found["unread"], found["skipped"]) == (0, [], [], [])
    [family] = [row for row in found["families"] if row["n_sessions"] > 1]
    assert (family["root_session_id"], family["n_sessions"]) == ("lead-01", 4)
    assert family["file_bytes"] == sum(path.stat().st_size for path in sound.glob("[lsr]*.db"))


def test_an_empty_folder_and_none(tmp_path: Path) -> None:
    code, found = printed_json("corpus", "show", tmp_path)
    assert (code, found["sums"]["n_sessions"], found["tools"]) == (0, 0, [])
    assert "0 sessions" in run("corpus", "show", tmp_path).stdout
    assert "Found in 0 texts" in run("search", tmp_path, "lock").stdout
    for command in (("corpus", "show"), ("search",)):
        done = run(*command, tmp_path / "none", *(["x"] if command == ("search",) else []))
        assert done.returncode == 2
        assert "none" in done.stderr


def test_search_finds_what_the_corpus_finds(sound: Path) -> None:
    with lg.open_corpus(sound) as corpus:
        wanted = {
            (): corpus.search("[Tool execution failed]"),
            ("--tool", "search_logs"): corpus.search("worker", tool="search_logs"),
            ("--role", "User"): corpus.search("the", role="User"),
            ("--regex",): corpus.search(regex=r"(?i)LOCK|queue"),
        }
    asked = ("[Tool execution failed]", "worker", "the", r"(?i)LOCK|queue")
    assert all(len(hits) for hits in list(wanted.values())[1:])
    for pattern, (options, hits) in zip(asked, wanted.items(), strict=True):
        code, found = printed_json("search", sound, pattern, *options)
        assert code == 0
        assert [row["node_id"] for row in found["hits"]] == hits["node_id"].tolist()
        assert [row["snippet"] for row in found["hits"]] == hits["snippet"].tolist()


def test_search_prints_hits_below_their_sessions(sound: Path) -> None:
    done = run("search", sound, "lock", "--lines", "1")
    assert done.returncode == 0
    with lg.open_corpus(sound) as corpus:
        hits = corpus.search("lock")
    assert len(hits) == 2
    assert hits["path"].iloc[0] in done.stdout
    assert hits["node_id"].iloc[0] in done.stdout
    assert hits["node_id"].iloc[1] not in done.stdout
    assert "Found in 2 texts of 2 sessions" in done.stdout


def test_search_in_damaged_stores_says_so(made: Path) -> None:
    done = run("search", made, "lock")
    assert done.returncode == 1
    assert "Found in" in done.stdout
    assert "torn.db" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    "options", [("(", "--regex"), ("x", "--role", "Nobody"), ("",), ("x", "--workers", "0")]
)
def test_searches_that_mean_nothing(sound: Path, options: tuple[str, ...]) -> None:
    done = run("search", sound, *options)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_texts_of_a_store_move_no_terminal(tmp_path: Path) -> None:
    with SessionBuilder(tmp_path / "bad.db", "\x1b[2Jid") as session:
        tool = ToolCall("\x1b]0;tool\x07", {}, "[bold]clear\x1b[2J the screen")
        session.turn("Ask [red]now[/red].", "Done.", [tool])
    for arguments in (("corpus", "show", tmp_path), ("search", tmp_path, "the screen")):
        done = run(*arguments)
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout
        assert "\x07" not in done.stdout
    assert "[bold]clear" in done.stdout


def test_one_store_is_a_folder_of_one(sound: Path, tmp_path: Path) -> None:
    path = shutil.copy(next(sound.glob("lead-*.db")), tmp_path / "one.db")
    code, found = printed_json("corpus", "show", path)
    assert (code, found["sums"]["n_sessions"]) == (0, 1)


def test_an_export_is_the_same_folder(made: Path, tmp_path: Path) -> None:
    to = tmp_path / "parquet"
    frames = [word for name in ("sessions", "blobs", "tool_calls") for word in ("--frame", name)]
    code, first = printed_json("corpus", "export", made, "--to", to, *frames)
    assert (code, first["files"], first["read"], first["kept"]) == (1, FILES, FILES, 0)
    assert str(made / "torn.db") in {row["path"] for row in first["unread"]}
    again = run("corpus", "export", made, "--to", to)
    assert again.returncode == 1
    assert f"0 read, {FILES:,} as before, 0 gone" in again.stdout
    (live_code, live), (code, found) = (
        printed_json("corpus", "show", place) for place in (made, to)
    )
    assert code == live_code == 1
    for name in ("sums", "families", "sessions", "kinds", "tools", "problems", "skipped"):
        assert found[name] == live[name], name


def test_an_export_of_a_sound_folder_ends_with_0(sound: Path, tmp_path: Path) -> None:
    done = run("corpus", "export", sound, "--to", tmp_path / "out", "--frame", "usage")
    assert done.returncode == 0, done.stderr
    assert "5 sessions" in done.stdout
    with lg.open_corpus(sound) as corpus, lg.open_corpus(tmp_path / "out") as exported:
        assert exported.usage().equals(corpus.usage())


def test_an_export_to_a_place_of_others(sound: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    done = run("corpus", "export", sound, "--to", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error:")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert run("corpus", "export", sound, "--to", tmp_path / "new", "--frame", "x").returncode
    assert run("corpus", "export", sound).returncode == 2
