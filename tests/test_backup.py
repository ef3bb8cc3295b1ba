"""Backups, alarms, verification, restoring: nothing is deleted unless all before it went well."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from processes import run_script
from recorded import blob_hashes, folder_state, sha256
from stores import recorded_params
from test_forecast import in_form
from test_frames import check_schema
from test_writing import commit, node

import lashgraph as lg
from lashgraph import GcPolicy, errors
from lashgraph.gc import backup as backups
from lashgraph.gc import reports_frame, restore, run
from lashgraph.gc.backup import NOTE, SUFFIX
from lashgraph.sqlite import blobs, copies, database
from lashgraph.store import compare

HEALTHY = "damaged/healthy.db.gz"
Recorded = Callable[[str], Path]
AT = lg.StoreOptions(clock=lambda: 1_800_000_000.25)
PATIENCE = lg.StoreOptions(busy_timeout=0.05)


@pytest.fixture
def path(recorded: Recorded) -> Path:
    return recorded(HEALTHY)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "made" / "backups"


def swept(path: Path, folder: Path, **more: Any) -> lg.GcReport:
    with lg.open(path, "rw", AT) as store:
        return store.sweep(store.plan_gc(), backup=folder, **more)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []


def change(path: Path, sql: str, *values: Any) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(sql, values)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


# Backups


def test_a_backup_holds_the_store_as_it_was(path: Path, folder: Path, tmp_path: Path) -> None:
    before = tmp_path / "before.db"
    before.write_bytes(path.read_bytes())
    report = swept(path, folder)
    assert report.backup is not None
    backup = Path(report.backup)
    assert backup.parent == folder
    assert compare(before, backup).is_same
    lost = compare(backup, path)
    assert len(lost.lost("blob")) == len(lost.differences) == report.deleted_blob_count
    with lg.open(backup) as store:
        assert not len(store.check(level="full"))


def test_a_backup_is_named_by_file_time_and_plan(path: Path, folder: Path) -> None:
    with lg.open(path, "rw", AT) as store:
        plan = store.plan_gc()
        store.sweep(plan, backup=folder)
    stem = f"healthy-20270115T080000Z-{plan.fingerprint[:16]}{SUFFIX}"
    assert names(folder) == [stem, stem + NOTE]
    note = json.loads((folder / (stem + NOTE)).read_text())
    assert note["restores"] == str(path.resolve())


def test_a_backup_never_overwrites(path: Path, folder: Path) -> None:
    first = swept(path, folder).backup
    assert first is not None
    kept = sha256(Path(first).read_bytes())
    restore(first)
    second = swept(path, folder).backup
    assert second == first.replace(SUFFIX, f"-2{SUFFIX}")
    assert sha256(Path(first).read_bytes()) == kept
    assert len(names(folder)) == 4


def test_the_name_of_a_session_is_no_name_of_a_file(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / ("lång " * 40 + ".db")
    with lg.open(path, "create") as store:
        store.commit_runtime_state(commit(session_id="../../elsewhere\n"))
        store.put_blob(b"garbage")
        report = store.sweep(store.plan_gc(), backup=folder)
    assert report.backup is not None
    assert Path(report.backup).parent == folder
    assert len(os.fsencode(names(folder)[1])) <= 255
    assert "elsewhere" not in "".join(names(folder))


def test_a_store_in_memory_has_a_backup_too(folder: Path, tmp_path: Path) -> None:
    with lg.open(":memory:") as store:
        key = store.put_blob(b"nobody names this")
        report = store.sweep(store.plan_gc(), backup=folder)
        assert store.get_blob(key) is None
    assert report.backup is not None
    with lg.open(report.backup) as kept:
        assert kept.get_blob(key) == b"nobody names this"
    with pytest.raises(errors.BackupError, match="to=") as caught:
        restore(report.backup)
    assert caught.value.path == report.backup
    assert restore(report.backup, tmp_path / "new.db").changes is None


def test_a_backup_while_others_read_and_wait(path: Path, folder: Path) -> None:
    """What is committed when the sweep takes the lock stands in the backup."""
    with lg.open(path, "rw") as store, closing(sqlite3.connect(path)) as other:
        other.execute("SELECT count(*) FROM blobs").fetchone()
        plan = store.plan_gc()
        other.execute("INSERT INTO blobs VALUES ('late', x'01')")
        other.commit()
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM blobs").fetchone()
        report = store.sweep(plan, backup=folder)
        assert report.backup is not None
    assert "late" in blob_hashes(Path(report.backup))
    assert "late" in blob_hashes(path)


@pytest.mark.parametrize("place", ["file", "below a file", "read-only", "nul", "number"])
def test_a_folder_that_takes_no_backup(place: str, path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    chosen: Any = {
        "file": tmp_path / "file",
        "below a file": tmp_path / "file" / "folder",
        "read-only": "/proc/lashgraph/backups",
        "nul": "a\0b",
        "number": 7,
    }[place]
    before = blob_hashes(path)
    wanted = errors.InvalidRecordError if place in ("nul", "number") else errors.BackupError
    with pytest.raises(wanted) as caught:
        swept(path, chosen)
    assert blob_hashes(path) == before
    if wanted is errors.BackupError:
        assert "nothing was deleted" in str(caught.value)
        assert str(chosen) in str(caught.value)


def test_a_stale_or_unusual_plan_makes_no_backup(path: Path, folder: Path) -> None:
    with lg.open(path, "rw") as store:
        plan = store.plan_gc()
        store.sweep(plan)
        with pytest.raises(errors.StalePlanError):
            store.sweep(plan, backup=folder)
    assert not folder.exists()


FULL_DISK = """
import resource, sys
import lashgraph as lg
path, folder, limit, how = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
with lg.open(path, "rw") as store:
    plan = store.plan_gc()
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        store.sweep(plan, **({"backup": folder} if how == "backup" else {"compact": True}))
    except lg.LashgraphError as error:
        print(type(error).__name__, error)
"""


@pytest.mark.parametrize(("how", "named"), [("backup", "BackupError"), ("compact", "room")])
def test_a_full_disk_deletes_nothing(how: str, named: str, tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "s.db"
    with lg.open(path, "create") as store:
        for number in range(40):
            store.put_module_artifact(f"m{number}", os.urandom(8_000))
        store.put_blob(os.urandom(8_000))
    before = blob_hashes(path)
    done = run_script(FULL_DISK, str(path), str(folder), "200000", how)
    assert done.returncode == 0, done.stderr
    assert named in done.stdout
    assert "nothing was deleted" in done.stdout
    assert not names(folder)
    assert blob_hashes(path) == before


# Compaction


def test_a_sweep_may_compact_the_file(path: Path) -> None:
    with lg.open(path, "rw") as store:
        plan = store.plan_gc()
        forecast = plan.forecast()
        report = store.sweep(plan, compact=True)
        assert names(path.parent) == ["healthy.db", "healthy.db-shm", "healthy.db-wal"]
    assert report.compacted
    assert not report.freed_content_in_file
    assert report.after.freelist_count == 0
    assert report.file_bytes_after == forecast.file_bytes_after_compact == path.stat().st_size
    assert blob_hashes(path) == set(plan.kept()["hash"])


def test_a_log_that_cannot_be_folded_in_leaves_the_sweep_and_is_told_of(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "folded", lambda _connection: False)
    with lg.open(path, "rw") as store:
        plan = store.plan_gc()
        report = store.sweep(plan, compact=True, secure=True)
        assert report.deleted_blob_count == plan.deleted_blob_count
        assert report.freed_content_in_file
        assert store.plan_gc().deleted_blob_count == 0


def test_freed_content_is_told_of_while_a_reader_holds_the_log(path: Path) -> None:
    with lg.open(path, "rw", PATIENCE) as store:
        store.put_blob(b"so that there is a log")
        with lg.open(path) as reader, reader.snapshot():
            reader.blobs()
            report = store.sweep(store.plan_gc(), compact=True)
    assert report.compacted
    assert report.freed_content_in_file


def test_a_compaction_that_fails_leaves_the_sweep(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writer takes the lock between the two."""
    compact = run.write_anew

    def taken(connection: sqlite3.Connection) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            compact(connection)

    monkeypatch.setattr(run, "write_anew", taken)
    with lg.open(path, "rw", PATIENCE) as store:
        plan = store.plan_gc()
        with pytest.raises(errors.DatabaseError, match="the sweep stands") as caught:
            store.sweep(plan, compact=True)
    assert caught.value.report.deleted_blob_count == plan.deleted_blob_count
    assert blob_hashes(path) == set(plan.kept()["hash"])


# Alarms


def set_back(path: Path) -> None:
    """The head names the checkpoint of the first turn again."""
    with lg.open(path) as store:
        first = store.turns().sort_values("head_revision")["checkpoint_ref"].iloc[0]
    change(
        path,
        "UPDATE session_head SET head_json = json_set(head_json, ?, ?)",
        "$.checkpoint_ref",
        first,
    )


def lose_the_head(path: Path) -> None:
    change(path, "DELETE FROM session_head")
    change(path, "DELETE FROM artifact_refs")


@pytest.mark.parametrize(
    ("damage", "told"), [(set_back, "newest recorded turn"), (lose_the_head, "no root at all")]
)
def test_what_nothing_explains_is_refused(
    damage: Callable[[Path], None], told: str, path: Path, folder: Path
) -> None:
    damage(path)
    policy = GcPolicy.runtime()
    before = blob_hashes(path)
    with lg.open(path, "rw") as store:
        plan = store.plan_gc(policy)
        assert told in " ".join(plan.alarms)
        assert "UNUSUAL" in repr(plan)
        assert "Unusual" in plan._repr_html_()
        with pytest.raises(errors.UnusualPlanError, match="accept_unusual=True") as caught:
            store.sweep(plan, backup=folder)
        assert caught.value.alarms == plan.alarms
        assert not folder.exists()
        assert blob_hashes(path) == before
        assert store.sweep(plan, accept_unusual=True).deleted_blob_count > 0


@pytest.mark.parametrize("damage", [set_back, lose_the_head])
def test_a_collection_in_one_step_never_alarms(damage: Callable[[Path], None], path: Path) -> None:
    damage(path)
    options = lg.StoreOptions(gc_policy=GcPolicy.runtime(auto_run_every_commits=1))
    with lg.open(path, "rw", options) as store:
        if damage is set_back:
            assert store.gc_unreachable().deleted_blob_count > 0
        else:
            outcome = store.commit_runtime_state(commit()).auto_gc
            assert outcome is not None
            assert outcome.report is not None
            assert outcome.report.deleted_blob_count > 0


def test_much_garbage_is_no_alarm(recorded: Recorded) -> None:
    path = recorded("sessions/long-300-c8fddabf35d16add.db.gz")
    with lg.open(path, "rw") as store:
        plan = store.plan_gc()
        assert plan.deleted_share > 0.9
        assert f"{plan.deleted_share:.0%}" in repr(plan)
        assert plan.alarms == ()
        assert store.sweep(plan).deleted_blob_count > 1_000


def test_a_dropped_turn_is_no_surprise(path: Path) -> None:
    set_back(path)
    with lg.open(path) as store:
        newest = store.turns().sort_values("head_revision")["turn_id"].iloc[-1]
        kept = store.plan_gc(GcPolicy.runtime(keep_turns=1))
        assert kept.alarms == ()
        dropped = store.plan_gc(GcPolicy.runtime(keep_turns=1, drop=[f"turn:{newest}"]))
        assert dropped.alarms == ()


def test_nodes_without_garbage_raise_no_alarm(tmp_path: Path) -> None:
    with lg.open(tmp_path / "s.db", "create") as store:
        store.append_session_graph_nodes([node("a")])
        plan = store.plan_gc(GcPolicy.runtime())
        assert store.sweep(plan).deleted_blob_count == 0


# Verification


def test_a_sweep_that_deletes_more_is_undone(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = blobs.delete

    def too_much(connection: sqlite3.Connection, doomed: list[int], total: int) -> int:
        connection.execute("DELETE FROM graph_nodes WHERE seq = 1")
        connection.execute("DELETE FROM blobs WHERE rowid = (SELECT max(rowid) FROM blobs)")
        return delete(connection, doomed, total)

    monkeypatch.setattr(blobs, "delete", too_much)
    before = blob_hashes(path)
    with pytest.raises(errors.VerificationError, match="sweep was undone") as caught:
        swept(path, folder)
    assert caught.value.backup is not None
    assert caught.value.backup in str(caught.value)
    assert any("node" in finding for finding in caught.value.findings)
    assert blob_hashes(path) == blob_hashes(Path(caught.value.backup)) == before


def test_a_damaged_file_is_not_swept(path: Path, tmp_path: Path) -> None:
    """An index of another column than it says: SQLite's check sees it, the plan does not."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("CREATE INDEX extra ON runtime_turn_commits (turn_id)")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, '(turn_id)', '(session_id)') "
            "WHERE name = 'extra'"
        )
    before = blob_hashes(path)
    with lg.open(path, "rw") as store:
        plan = store.plan_gc()
        with pytest.raises(errors.VerificationError, match="integrity check"):
            store.sweep(plan)
        with pytest.raises(errors.BackupError, match="integrity check"):
            store.sweep(plan, backup=tmp_path / "backups")
    assert blob_hashes(path) == before
    assert names(tmp_path / "backups") == []


# Interrupts


def interrupt(*_args: Any) -> None:
    raise KeyboardInterrupt


def large(path: Path) -> Path:
    """So many pages that they are copied in several steps."""
    with lg.open(path, "rw") as store:
        store.put_blob(bytes(3_000_000))
    in_form(path, 1024, 0)
    return path


def test_an_interrupted_backup_leaves_nothing(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large(path)
    before = blob_hashes(path)
    with lg.open(path, "rw") as store:
        plan = store.plan_gc()
        with monkeypatch.context() as patch:
            patch.setattr(copies, "_listen", interrupt)
            with pytest.raises(KeyboardInterrupt):
                store.sweep(plan, backup=folder)
        assert names(folder) == []
        assert blob_hashes(path) == before
        assert store.sweep(plan, backup=folder).deleted_blob_count == plan.deleted_blob_count


def test_a_backup_is_named_only_when_its_note_is_there(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is killed in between leaves no backup of nothing."""
    noted = []

    def named(_partial: str, target: str) -> None:
        noted.append(json.loads(Path(f"{target}.json").read_text())["restores"])
        interrupt()

    with lg.open(path, "rw") as store:
        plan = store.plan_gc()
        with monkeypatch.context() as patch:
            patch.setattr(backups, "give_name", named)
            with pytest.raises(KeyboardInterrupt):
                store.sweep(plan, backup=folder)
        assert noted == [str(path)]
        assert names(folder) == []


def test_a_note_without_a_backup_is_left_alone(path: Path, folder: Path) -> None:
    first, second = (str(swept(path, folder).backup) for _ in range(2))
    Path(second).unlink()
    third = str(swept(path, folder).backup)
    assert second == first.replace(SUFFIX, f"-2{SUFFIX}")
    assert third == first.replace(SUFFIX, f"-3{SUFFIX}")
    assert Path(second + NOTE).exists()


def test_an_interrupted_restore_leaves_the_old_state(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large(path)
    backup = swept(path, folder).backup
    assert backup is not None
    before = blob_hashes(path)
    with monkeypatch.context() as patch:
        patch.setattr(copies, "_listen", interrupt)
        with pytest.raises(KeyboardInterrupt):
            restore(backup)
    assert blob_hashes(path) == before
    assert restore(backup).changes is not None
    assert compare(backup, path).is_same


# Restoring


def test_a_restore_brings_everything_back(path: Path, folder: Path, tmp_path: Path) -> None:
    before = tmp_path / "before.db"
    before.write_bytes(path.read_bytes())
    backup = swept(path, folder, compact=True, secure=True).backup
    assert backup is not None
    state = folder_state(folder)
    done = restore(backup)
    assert compare(before, path).is_same
    assert done.changes is not None
    assert done.changes.added() == done.changes.added("blob")
    assert "added" in repr(done)
    assert "added" in done._repr_html_()
    assert folder_state(folder) == state
    with lg.open(path, "rw") as store:
        store.put_blob(b"and goes on")
        assert not len(store.check(level="full").query("severity == 'error'"))


@pytest.mark.parametrize("gz", recorded_params("sessions/*.db.gz"))
def test_every_recorded_session_is_swept_compacted_and_restored(
    gz: Path, folder: Path, tmp_path: Path
) -> None:
    path, before = tmp_path / "s.db", tmp_path / "before.db"
    path.write_bytes(gzip.decompress(gz.read_bytes()))
    before.write_bytes(path.read_bytes())
    with lg.open(path, "rw") as store:
        plan = store.plan_gc(keep_turns=1)
        foretold = plan.forecast().file_bytes_after_compact
        report = store.sweep(plan, backup=folder, compact=True)
    assert report.file_bytes_after == path.stat().st_size == foretold
    found = compare(before, path)
    assert found.lost() == found.lost("blob") == tuple(sorted(plan.doomed_hashes))
    assert not found.added()
    assert not found.changed()
    assert report.backup is not None
    assert compare(before, report.backup).is_same
    restore(report.backup)
    assert compare(before, path).is_same


def test_links_and_permissions_stay(path: Path, folder: Path, tmp_path: Path) -> None:
    hard, soft = tmp_path / "hard.db", tmp_path / "soft.db"
    os.link(path, hard)
    soft.symlink_to(path)
    path.chmod(0o640)
    backup = swept(path, folder).backup
    assert backup is not None
    restore(backup, soft)
    assert soft.is_symlink()
    assert hard.stat().st_ino == path.stat().st_ino
    assert path.stat().st_mode & 0o777 == 0o640
    assert compare(backup, hard).is_same


def test_a_log_of_the_old_state_is_not_written_into_the_new(
    path: Path, folder: Path, tmp_path: Path
) -> None:
    """A writer died: its log still stands beside the file."""
    backup = swept(path, folder).backup
    assert backup is not None
    with closing(sqlite3.connect(path, isolation_level=None)) as dying:
        dying.execute("PRAGMA wal_autocheckpoint = 0")
        dying.execute("INSERT INTO blobs VALUES ('late', x'01')")
        dead = tmp_path / "dead" / "s.db"
        dead.parent.mkdir()
        for suffix in ("", "-wal"):
            Path(f"{dead}{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
    with pytest.raises(errors.BackupError, match="1 blob lost"):
        restore(backup, dead)
    assert "late" in blob_hashes(dead)
    restore(backup, dead, accept_loss=True)
    assert compare(backup, dead).is_same
    assert "late" not in blob_hashes(dead)


def test_a_store_with_another_page_size_is_written_over(path: Path, folder: Path) -> None:
    backup = swept(path, folder).backup
    assert backup is not None
    in_form(path, 16384, 2)
    restore(backup)
    assert compare(backup, path).is_same


def test_work_since_the_backup_is_not_lost_unasked(path: Path, folder: Path) -> None:
    backup = swept(path, folder).backup
    assert backup is not None
    with lg.open(path, "rw") as store:
        store.append_session_graph_nodes([node("later")])
    before = sha256(path.read_bytes())
    with pytest.raises(errors.BackupError, match="1 node lost") as caught:
        restore(backup)
    assert caught.value.comparison.lost("node") == ("later",)
    assert sha256(path.read_bytes()) == before
    assert restore(backup, accept_loss=True).changes is not None
    assert compare(backup, path).is_same


@pytest.mark.parametrize("mode", ["r", "rw"])
def test_a_store_that_is_open_is_not_replaced(mode: Any, path: Path, folder: Path) -> None:
    backup = swept(path, folder).backup
    assert backup is not None
    with lg.open(path, "rw") as store:
        store.put_blob(b"garbage again")
        if mode == "r":
            store.close()
            holder: Any = sqlite3.connect(path)
            holder.execute("SELECT count(*) FROM blobs").fetchone()
        else:
            holder = store
        with closing(holder), pytest.raises(errors.StoreLockedError):
            restore(backup, accept_loss=True, busy_timeout=0.05)
    assert not compare(backup, path).is_same
    restore(backup, accept_loss=True)
    assert compare(backup, path).is_same


def test_another_session_is_not_written_over(path: Path, folder: Path, tmp_path: Path) -> None:
    backup = swept(path, folder).backup
    assert backup is not None
    with lg.open(tmp_path / "other.db", "create") as store:
        store.commit_runtime_state(commit(session_id="another"))
    before = sha256((tmp_path / "other.db").read_bytes())
    with pytest.raises(errors.SessionBindingError, match="'another'"):
        restore(backup, tmp_path / "other.db", accept_loss=True)
    with pytest.raises(errors.BackupError, match="backup itself"):
        restore(backup, backup)
    assert sha256((tmp_path / "other.db").read_bytes()) == before


def test_where_nothing_stands_a_new_file_is_made(path: Path, folder: Path, tmp_path: Path) -> None:
    backup = swept(path, folder).backup
    assert backup is not None
    path.unlink()
    assert restore(backup).changes is None
    assert compare(backup, path).is_same
    orphan = tmp_path / "gone.db"
    Path(f"{orphan}-wal").write_bytes(b"log of a file that is gone")
    with pytest.raises(errors.BackupError, match="move it away"):
        restore(backup, orphan)
    with pytest.raises(errors.BackupError, match="nothing was restored"):
        restore(backup, tmp_path / "no" / "such" / "folder.db")
    assert not orphan.exists()


@pytest.mark.parametrize("content", [b"", b"no database" * 100, "other"])
def test_what_is_no_session_is_not_written_over(
    content: Any, path: Path, folder: Path, tmp_path: Path
) -> None:
    backup = swept(path, folder).backup
    assert backup is not None
    target = tmp_path / "target.db"
    if content == "other":
        with closing(sqlite3.connect(target)) as connection:
            connection.execute("CREATE TABLE mine (x)")
            connection.commit()
    else:
        target.write_bytes(content)
    before = target.read_bytes()
    with pytest.raises(errors.BackupError, match="move it away"):
        restore(backup, target, accept_loss=True)
    assert target.read_bytes() == before


def test_a_damaged_backup_is_not_put_back(path: Path, folder: Path) -> None:
    backup = Path(swept(path, folder).backup or "")
    before = blob_hashes(path)
    content = bytearray(backup.read_bytes())
    content[4096 * 3 : 4096 * 4] = bytes(4096)
    backup.write_bytes(content)
    with pytest.raises(errors.LashgraphError):
        restore(backup)
    backup.write_bytes(b"")
    with pytest.raises(errors.EmptyFileError):
        restore(backup)
    backup.unlink()
    with pytest.raises(errors.StoreNotFoundError):
        restore(backup)
    assert blob_hashes(path) == before


@pytest.mark.parametrize(
    "note", ["", "[]", '{"restores": 5}', '{"restores": "here.db"}', "[" * 9999]
)
def test_a_note_that_names_no_file(note: str, path: Path, folder: Path, tmp_path: Path) -> None:
    backup = swept(path, folder).backup
    assert backup is not None
    Path(backup + NOTE).write_text(note)
    with pytest.raises(errors.BackupError, match="to="):
        restore(backup)
    assert restore(backup, tmp_path / "new.db").path == str(tmp_path / "new.db")


def test_a_full_disk_while_restoring_leaves_the_old_state(path: Path, folder: Path) -> None:
    large(path)
    backup = swept(path, folder, compact=True).backup
    assert backup is not None
    before = blob_hashes(path)
    script = (
        "import resource, sys\nfrom lashgraph.gc import restore\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))\n"
        "try:\n    restore(sys.argv[1])\nexcept Exception as error:\n"
        "    print(type(error).__name__, error)"
    )
    done = run_script(script, backup)
    assert done.returncode == 0, done.stderr
    assert "BackupError" in done.stdout
    assert "nothing was replaced" in done.stdout
    assert blob_hashes(path) == before


# Reports


def test_a_report_is_a_row(path: Path, folder: Path) -> None:
    with lg.open(path, "rw") as store:
        first = store.sweep(store.plan_gc(), backup=folder)
        second = store.gc_unreachable(GcPolicy.runtime())
    frame = first.frame()
    check_schema("gc_reports", frame)
    row = frame.iloc[0]
    assert (row["path"], row["session_id"], row["policy"]) == (str(path), "s", "safe")
    assert row["deleted_bytes"] == first.deleted_bytes
    assert row["file_bytes_after"] == first.file_bytes_after == path.stat().st_size
    assert row["free_bytes_after"] == first.after.freelist_count * 4096
    assert row["backup"] == first.backup
    both = reports_frame([first, second])
    check_schema("gc_reports", both)
    assert both["policy"].tolist() == ["safe", "runtime"]
    assert both["backup"].isna().tolist() == [False, True]
    check_schema("gc_reports", reports_frame([]))


def test_a_report_and_a_plan_show_themselves(path: Path, folder: Path) -> None:
    hostile = path.with_name("<b>.db")
    path.rename(hostile)
    with lg.open(hostile, "rw") as store:
        plan = store.plan_gc()
        html = plan._repr_html_()
        assert "kept by head" in html
        assert "unreachable" in html
        report = store.sweep(plan, backup=folder)
    assert report.backup is not None
    assert report.backup in repr(report)
    assert "compact()" in report._repr_html_()
    for made in (html, report._repr_html_(), compare(hostile, report.backup)._repr_html_()):
        assert "<b>.db" not in made
        assert "&lt;b&gt;" in made
    totals = plan.by_reason()
    assert totals["unreachable"] == (plan.deleted_blob_count, plan.deleted_bytes)
    assert sum(count for count, _ in totals.values()) == len(plan.doomed()) + len(plan.kept())


def test_a_sweep_with_a_backup_from_many_threads(path: Path, folder: Path) -> None:
    with lg.open(path, "rw") as store:
        plan = store.plan_gc()
        outcomes: list[str] = []

        def go() -> None:
            try:
                store.sweep(plan, backup=folder)
                outcomes.append("swept")
            except errors.StalePlanError:
                outcomes.append("stale")

        threads = [threading.Thread(target=go) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(outcomes) == ["stale"] * 3 + ["swept"]
    assert len(names(folder)) == 2
