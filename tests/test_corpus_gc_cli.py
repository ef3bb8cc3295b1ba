"""The command line: a collection of a folder of stores."""

# ruff: noqa: F811 - fixtures are taken by their names

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from commands import printed_json, run
from corpora import built, folder  # noqa: F401 - fixtures
from recorded import blob_hashes, folder_state

import lashgraph as lg
from lashgraph.corpus import open_corpus
from lashgraph.corpus.lock import NAME as LOCK
from lashgraph.corpus.lock import this_owner
from lashgraph.testing.damage import damage


def test_a_dry_run_says_what_would_go_and_leaves_no_trace(folder: Path) -> None:
    state = folder_state(folder)
    plan = open_corpus(folder).plan_gc()
    done = run("corpus", "gc", folder)
    assert done.returncode == 0, done.stderr
    assert f"{plan.counts['sweep']} of 9 stores have {plan.deleted_blob_count:,} blobs" in (
        done.stdout
    )
    assert "This was a dry run: nothing was deleted. --yes deletes." in done.stdout
    code, told = printed_json("corpus", "gc", folder, "--keep-turns", "2", "--workers", "2")
    kept = open_corpus(folder).plan_gc(keep_turns=2)
    assert (code, told["dry_run"], told["verdicts"]) == (0, True, kept.counts)
    assert told["deleted_bytes"] == kept.deleted_bytes < plan.deleted_bytes
    assert [row["deleted_bytes"] for row in told["plan"]] == [
        row.deleted_bytes for row in kept.files
    ]
    assert folder_state(folder) == state


def test_yes_sweeps_backs_up_and_compacts(folder: Path, tmp_path: Path) -> None:
    plan = open_corpus(folder).plan_gc()
    size = sum(path.stat().st_size for path in folder.glob("*.db"))
    code, told = printed_json(
        "corpus",
        "gc",
        folder,
        "--yes",
        "--workers",
        "2",
        "--backup",
        tmp_path / "kept",
        "--compact",
    )
    assert code == 0
    assert told["deleted_bytes"] == plan.deleted_bytes
    assert told["outcomes"] == {"done": plan.counts["sweep"], "skipped": 3, "failed": 0}
    after = sum(path.stat().st_size for path in folder.glob("*.db"))
    assert size - after == told["file_bytes_before"] - told["file_bytes_after"] > 0
    assert len(list((tmp_path / "kept").glob("*.backup"))) == plan.counts["sweep"]
    assert Path(told["journal"]).parent == tmp_path / "kept"
    again = run("corpus", "gc", folder, "--yes")
    assert again.returncode == 0
    assert "0 of 9 stores have 0 blobs" in again.stdout


def test_what_was_left_out_is_told_and_ends_with_1(folder: Path) -> None:
    refused = next(folder.glob("wasteful-*.db"))
    damage(refused, "head-not-json")
    (folder / "bad.db").write_bytes(b"no database" * 99)
    before = refused.read_bytes()
    done = run("corpus", "gc", folder, "--yes")
    assert done.returncode == 1
    text = done.stdout.replace("\n", "")
    assert f"refused: {refused}: session_head head_json" in text
    assert "bad.db: not an SQLite database" in text
    assert "5 stores; 5 skipped, 0 failed" in text
    assert refused.read_bytes() == before


def test_an_unusual_store_is_swept_only_if_asked(folder: Path) -> None:
    path = next(folder.glob("wasteful-*.db"))
    damage(path, "head-checkpoint-null")
    before = blob_hashes(path)
    command = ("corpus", "gc", folder, "--policy", "runtime", "--yes")
    code, told = printed_json(*command)
    assert (code, told["verdicts"]["alarm"]) == (1, 1)
    assert blob_hashes(path) == before
    code, told = printed_json(*command, "--accept-unusual")
    assert (code, told["outcomes"]["done"]) == (0, 1)
    assert blob_hashes(path) < before


def test_a_budget_and_folders_inside(folder: Path) -> None:
    (folder / "inside").mkdir()
    for path in folder.glob("*.db"):
        shutil.move(path, folder / "inside")
    assert "0 of 0 stores" in run("corpus", "gc", folder).stdout
    code, told = printed_json("corpus", "gc", folder, "--recursive", "--free-bytes", "1000")
    assert (code, told["verdicts"]["sweep"], told["verdicts"]["spared"]) == (0, 1, 5)
    refused = run("corpus", "gc", folder, "--recursive", "--free-bytes", str(10**12))
    assert refused.returncode == 1
    assert "cannot be freed" in refused.stderr


def test_what_is_not_there_and_who_is_at_work(folder: Path) -> None:
    missing = run("corpus", "gc", folder / "no such")
    assert (missing.returncode, "no such" in missing.stderr) == (2, True)
    assert run("corpus", "gc", folder, "--policy", "boldly").returncode == 2
    owner = this_owner(0.0) | {"pid": os.getppid(), "birth": None}
    (folder / LOCK).write_text(json.dumps(owner))
    state = folder_state(folder)
    refused = run("corpus", "gc", folder, "--yes")
    assert refused.returncode == 1
    assert "another batch collection is at work here" in refused.stderr
    assert folder_state(folder) == state
    with lg.open(next(folder.glob("wasteful-*.db"))) as store:
        assert store.plan_gc().deleted_blob_count
