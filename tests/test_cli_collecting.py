"""The command line: collections with backup and compaction, alarms, restoring, comparing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from commands import printed_json, run
from recorded import blob_hashes, folder_state

Recorded = Callable[[str], Path]
HEALTHY = "damaged/healthy.db.gz"


def test_gc_backs_up_and_compacts_and_restore_undoes_it(recorded: Recorded, tmp_path: Path) -> None:
    path = recorded(HEALTHY)
    before, state = blob_hashes(path), folder_state(tmp_path)
    code, dry = printed_json("gc", path)
    assert (code, dry["alarms"], dry["forecast"]["exact"]) == (0, [], True)
    assert folder_state(tmp_path) == state
    code, done = printed_json("gc", path, "--yes", "--backup", tmp_path / "kept", "--compact")
    assert code == 0
    least, most = dry["forecast"]["file_bytes_after_compact"]
    assert least == most == done["file_bytes_after"] == path.stat().st_size
    assert not done["freed_content_in_file"]
    code, found = printed_json("compare", path, done["backup"])
    assert code == 1
    assert {row["change"] for row in found["differences"]} == {"added"}
    restored = run("restore", done["backup"])
    assert restored.returncode == 0, restored.stderr
    assert f"{len(before) - done['kept_blob_count']} blobs added" in restored.stdout
    assert blob_hashes(path) == before
    same = run("compare", path, done["backup"])
    assert (same.returncode, "the same" in same.stdout) == (0, True)


def test_gc_says_where_the_backup_is(recorded: Recorded, tmp_path: Path) -> None:
    path = recorded(HEALTHY)
    done = run("gc", path, "--yes", "--backup", tmp_path / "kept")
    assert "lashgraph restore puts it back" in done.stdout
    assert "after the sweep" in done.stdout
    [backup] = (tmp_path / "kept").glob("*.backup")
    assert backup.name in done.stdout.replace("\n", "")


def test_gc_refuses_what_nothing_explains(recorded: Recorded) -> None:
    path = recorded("damaged/head-checkpoint-null.db.gz")
    before = blob_hashes(path)
    dry = run("gc", path, "--policy", "runtime")
    assert dry.returncode == 0
    assert "UNUSUAL" in dry.stdout
    refused = run("gc", path, "--policy", "runtime", "--yes")
    assert refused.returncode == 1
    assert "nothing was deleted" in refused.stderr
    assert blob_hashes(path) == before
    done = run("gc", path, "--policy", "runtime", "--yes", "--accept-unusual")
    assert done.returncode == 0
    assert blob_hashes(path) < before


def test_a_backup_folder_that_is_a_file(recorded: Recorded, tmp_path: Path) -> None:
    path = recorded(HEALTHY)
    before = blob_hashes(path)
    (tmp_path / "file").write_text("mine")
    done = run("gc", path, "--yes", "--backup", tmp_path / "file")
    assert done.returncode == 1
    assert "no backup could be made" in done.stderr
    assert blob_hashes(path) == before
    assert (tmp_path / "file").read_text() == "mine"


def test_restore_undoes_no_work_unasked(recorded: Recorded, tmp_path: Path) -> None:
    path = recorded(HEALTHY)
    _, done = printed_json("gc", path, "--yes", "--backup", tmp_path / "kept")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO blobs VALUES ('later', x'01')")
        connection.commit()
    refused = run("restore", done["backup"])
    assert refused.returncode == 1
    assert "1 blob lost" in refused.stderr
    assert "later" in blob_hashes(path)
    code, restored = printed_json("restore", done["backup"], "--accept-loss")
    assert (code, restored["path"]) == (0, str(path.resolve()))
    assert "later" not in blob_hashes(path)
    missing = run("restore", tmp_path / "none.backup", "--to", path)
    assert missing.returncode == 2
