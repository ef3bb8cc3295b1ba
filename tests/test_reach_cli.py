"""``lashgraph why``: what it prints, and how it ends."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from commands import printed_json, run
from recorded import folder_state

import lashgraph as lg

Recorded = Callable[[str], Path]
TOOLS = "sessions/std-tools-366bbb0a4d808158.db.gz"


def test_why_prints_the_chains_and_leaves_no_trace(recorded: Recorded) -> None:
    path = recorded(TOOLS)
    with lg.open(path) as store:
        reach = store.reachability()
    live, dead = max(reach.live), max(reach.dead)
    before = folder_state(path.parent)
    done = run("why", path, live)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:] == reach.why(live).lines()
    assert live in done.stdout.splitlines()[0]
    done = run("why", path, dead[:24])
    assert done.returncode == 0
    assert done.stdout.splitlines()[1:] == reach.why(dead).lines()
    assert folder_state(path.parent) == before


def test_all_and_policies(recorded: Recorded) -> None:
    path = recorded(TOOLS)
    with lg.open(path) as store:
        reach = store.reachability(lg.GcPolicy.runtime(keep_turns=50))
    key = max(reach.live, key=lambda key: reach.why(key, all=True).n_chains)
    options = ("--policy", "runtime", "--keep-turns", "50")
    every = run("why", path, key, "--all", *options)
    assert every.stdout.splitlines()[1:] == reach.why(key, all=True).lines()
    short = run("why", path, key, *options)
    assert "more chains; --all prints them" in short.stdout.splitlines()[-1]


def test_why_as_json(recorded: Recorded) -> None:
    path = recorded(TOOLS)
    with lg.open(path) as store:
        reach = store.reachability()
    for key in (max(reach.live), max(reach.dead)):
        code, told = printed_json("why", path, key)
        why = reach.why(key)
        assert (code, told["blob_hash"], told["state"]) == (0, key, why.state)
        assert told["lines"] == why.lines()
        assert len(told["steps"]) == len(why.frame())
        assert (told["superseding"] is None) == why.is_kept


def test_a_lost_blob_ends_with_1(recorded: Recorded) -> None:
    path = recorded(TOOLS)
    with lg.open(path) as store:
        key = max(store.reachability().live - {store.load_head().checkpoint_ref})
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM blobs WHERE hash = ?", (key,))
        connection.commit()
    done = run("why", path, key)
    assert done.returncode == 1
    assert "not in the store, though roots reach it" in done.stdout


@pytest.fixture
def two(tmp_path: Path) -> Path:
    path = tmp_path / "two.db"
    with lg.open(path, "create") as store, store._database.exclusive("fill") as connection:
        for end in "01":
            connection.execute("INSERT INTO blobs VALUES (?, x'00')", ("ab" + end * 62,))
    return path


def test_ambiguous_and_unknown_hashes_end_with_2(two: Path) -> None:
    done = run("why", two, "ab")
    assert done.returncode == 2
    for end in "01":
        assert "ab" + end * 62 in done.stderr
    code, told = printed_json("why", two, "ab")
    assert (code, told["candidates"]) == (2, ["ab" + end * 62 for end in "01"])
    done = run("why", two, "cd")
    assert done.returncode == 2
    assert "'cd'" in done.stderr
    assert json.loads(run("why", two, "ab0", "--json").stdout)["blob_hash"] == "ab" + "0" * 62


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database " * 20)
    assert run("why", tmp_path / "notes.txt", "ab").returncode == 1
    assert run("why", tmp_path / "none.db", "ab").returncode == 2
    assert run("why", tmp_path / "none.db").returncode == 2
