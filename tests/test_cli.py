"""The command line: what it prints, and how it ends."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from commands import Argument, printed_json, run, run_alone
from recorded import blob_hashes, folder_state

import lashgraph as lg

Recorded = Callable[[str], Path]
HEALTHY = "damaged/healthy.db.gz"


def test_the_demo_does_the_main_job(tmp_path: Path) -> None:
    done = run("demo", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "NO " not in done.stdout
    assert done.stdout.count("  ok ") == 6
    folder = tmp_path / "lashgraph-demo"
    for name in ("session-tree.png", "retention.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
        assert (folder / name).stat().st_size > 10_000
    assert len(list((folder / "sessions").glob("*.db"))) == 9
    assert run("demo", cwd=tmp_path).returncode == 0


def test_the_demo_touches_no_folder_of_others(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    done = run("demo", tmp_path)
    assert done.returncode == 2
    assert "name another folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_info_tells_what_a_store_holds(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    before = folder_state(path.parent)
    done = run("info", path)
    assert done.returncode == 0
    assert "CheckpointManifest" in done.stdout
    code, facts = printed_json("info", path)
    assert code == 0
    assert facts["session"]["n_blobs"] == 13
    assert facts["problems"] == []
    assert facts["gc"]["safe"]["deleted_blob_count"] > 0
    assert folder_state(path.parent) == before


def test_info_ends_with_1_where_something_is_wrong(recorded: Recorded) -> None:
    path = recorded("damaged/manifest-absent.db.gz")
    done = run("info", path)
    assert done.returncode == 1
    assert "missing" in done.stdout
    code, facts = printed_json("info", path)
    assert code == 1
    assert facts["gc"]["safe"]["verdict"] == "refuse"
    assert facts["gc"]["runtime"]["verdict"] == "sweep"


def test_gc_is_a_dry_run_until_it_is_told(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    before = folder_state(path.parent)
    done = run("gc", path)
    assert done.returncode == 0
    assert "nothing was deleted" in done.stdout
    code, plan = printed_json("gc", path)
    assert (code, plan["dry_run"]) == (0, True)
    assert folder_state(path.parent) == before
    hashes = blob_hashes(path)
    code, report = printed_json("gc", path, "--yes")
    assert (code, report["dry_run"]) == (0, False)
    doomed = {row["hash"] for row in plan["doomed"]}
    assert blob_hashes(path) == hashes - doomed
    assert report["deleted_blob_count"] == len(doomed)
    assert "Deleted 0 blobs" in run("gc", path, "--yes").stdout


def test_gc_takes_policies_and_refs(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    _, safe = printed_json("gc", path)
    _, runtime = printed_json("gc", path, "--policy", "runtime")
    _, turns = printed_json("gc", path, "--keep-turns", "2")
    assert (safe["policy"], runtime["policy"]) == ("safe", "runtime")
    assert turns["deleted_blob_count"] < safe["deleted_blob_count"]
    done = run("gc", path, "--keep", "turn:unknown")
    assert done.returncode == 2
    assert "store.refs()" in done.stderr


def test_gc_refuses_damage_and_changes_nothing(recorded: Recorded) -> None:
    path = recorded("damaged/head-not-json.db.gz")
    before = folder_state(path.parent)
    done = run("gc", path, "--yes")
    assert done.returncode == 1
    assert "head_json" in done.stderr
    code, refusal = printed_json("gc", path)
    assert (code, refusal["verdict"]) == (1, "refuse")
    assert folder_state(path.parent) == before


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["info", "no-such.db"], 2, "no such file"),
        (["info", "."], 2, "a folder"),
        (["gc"], 2, "FILE"),
        (["gc", "x.db", "--policy", "bold"], 2, "bold"),
        (["sweep"], 2, "sweep"),
        (["info", "notes.txt"], 1, "not an SQLite database"),
        (["info", "notes.txt/x.db"], 2, "no such file"),
        (["info", b"\xff.db"], 2, "no such file"),
        (["demo", "notes.txt"], 2, "name another folder"),
        (["demo", "notes.txt/x"], 1, "Not a directory"),
    ],
)
def test_wrong_usage_is_told_apart(
    arguments: list[Any], code: int, words: str, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("no database " * 20)
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_text_of_a_store_cannot_move_the_terminal(tmp_path: Path) -> None:
    import lashgraph as lg

    path = tmp_path / "hostile.db"
    with lg.open(path, "create") as store:
        store.save_meta(
            {
                "session_id": "\x1b[2J[red]evil[/red]",
                "session_name": "\x1b]0;title\x07",
                "created_at": "",
                "model": "[bold]m",
            }
        )
    done = run("info", path)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout
    assert "[red]evil[/red]" in done.stdout


def test_text_of_a_refusal_cannot_move_the_terminal(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO artifact_refs VALUES ('\x1b[2J', X'00')")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    done = run("gc", path)
    assert done.returncode == 1
    assert "its blob_ref is stored as blob" in done.stderr
    assert "\x1b" not in done.stderr


INSTALLED = (Path(sys.executable).with_name("lashgraph"),)
MODULE = (sys.executable, "-m", "lashgraph")


@pytest.mark.parametrize(
    ("command", "name", "arguments", "code"),
    [
        (MODULE, "healthy", ("info",), 0),
        (MODULE, "head-not-json", ("gc", "--yes"), 1),
        (INSTALLED, "healthy", ("gc", "--policy", "bold"), 2),
    ],
)
def test_a_process_of_its_own_prints_and_ends_as_the_others_here(
    command: tuple[Argument, ...],
    name: str,
    arguments: tuple[str, ...],
    code: int,
    recorded: Recorded,
) -> None:
    """What the other tests find of commands that they run in their own process holds for both."""
    path = recorded(f"damaged/{name}.db.gz")
    alone = run_alone(*command, *arguments, path)
    assert alone.returncode == code
    assert alone == run(*arguments, path, NO_COLOR="1")


def test_the_version_is_printed() -> None:
    assert run("--version").stdout.startswith("lashgraph 0.")


def test_gc_keeps_turns_by_age_and_by_budget(recorded: Recorded) -> None:
    path = recorded("sessions/std-tools-366bbb0a4d808158.db.gz")
    with lg.open(path) as store:
        since = store.turns()["committed_at"].iloc[-3].isoformat()
        three = store.plan_gc(keep_turns=3)
        most = store.retention()["freed_bytes"].iloc[0]
    by_age = run("gc", path, "--since", since, "--json")
    assert json.loads(by_age.stdout)["deleted_bytes"] == three.deleted_bytes
    budget = run("gc", path, "--free-bytes", str(three.deleted_bytes), "--json")
    told = json.loads(budget.stdout)
    assert (told["keep_turns"], told["deleted_bytes"]) == (3, three.deleted_bytes)
    too_much = run("gc", path, "--free-bytes", str(most + 1))
    assert too_much.returncode == 1
    assert f"{most:,}" in too_much.stderr
    assert run("gc", path, "--max-file-bytes", "1000000000").returncode == 0
    assert run("gc", path, "--since", "yesterday").returncode == 2
    assert run("gc", path, "--drop", "head").returncode == 2
