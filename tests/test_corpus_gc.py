"""Batch collection: each file's own plan, swept as planned, and what is left as it is."""

# ruff: noqa: F811 - fixtures are taken by their names

from __future__ import annotations

import gzip
import pickle
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import stores
from corpora import built, folder, recorded_sessions  # noqa: F401 - fixtures
from pandas.testing import assert_frame_equal
from recorded import blob_hashes, folder_state, read_json

import lashgraph as lg
from lashgraph.corpus import CorpusGcPlan, CorpusGcReport, open_corpus
from lashgraph.corpus import schema as corpus_schema
from lashgraph.corpus.gcrows import OUTCOMES, REASONS, VERDICTS
from lashgraph.corpus.journal import NAME as JOURNAL
from lashgraph.corpus.lock import NAME as LOCK
from lashgraph.errors import (
    BackupError,
    BudgetError,
    DamagedStoreError,
    InvalidRecordError,
    ReadOnlyStoreError,
)
from lashgraph.store import StoreOptions
from lashgraph.testing.builders import SessionBuilder
from lashgraph.testing.damage import damage

IMPATIENT = StoreOptions(busy_timeout=0.05)


def hashes(paths: Iterable[Path]) -> dict[str, frozenset[str]]:
    """The blobs of each file."""
    return {path.name: frozenset(blob_hashes(path)) for path in paths}


def stored_bytes(paths: Iterable[Path]) -> int:
    total = 0
    for path in paths:
        with closing(sqlite3.connect(path)) as connection:
            total += connection.execute("SELECT total(length(content)) FROM blobs").fetchone()[0]
    return int(total)


def swept_by_hand(source: Path, target: Path, **policy: Any) -> dict[str, frozenset[str]]:
    """What each store's own plan and sweep leave, on copies."""
    shutil.copytree(source, target)
    for path in sorted(target.glob("*.db")):
        with lg.open(path, "rw") as store:
            store.sweep(store.plan_gc(**policy))
    return hashes(target.glob("*.db"))


def verdicts(plan: CorpusGcPlan) -> dict[str, str]:
    return {Path(row.path).name: row.verdict for row in plan.files}


def outcomes(report: CorpusGcReport) -> dict[str, tuple[str, str | None]]:
    return {Path(row.path).name: (row.outcome, row.reason) for row in report.files}


def comparable(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns=["seconds", "backup"])


# The plan


def test_a_row_is_what_the_stores_own_plan_says(folder: Path) -> None:
    before = folder_state(folder)
    plan = open_corpus(folder).plan_gc(keep_turns=2)
    assert folder_state(folder) == before
    paths = sorted(folder.glob("*.db"))
    assert [row.path for row in plan.files] == list(map(str, paths))
    for row, path in zip(plan.files, paths, strict=True):
        with lg.open(path) as store:
            own = store.plan_gc(keep_turns=2)
            assert row.session_id == store.session_id
        assert row.verdict == ("sweep" if own.deleted_blob_count else "nothing")
        assert (row.keep_turns, row.fingerprint) == (2, own.fingerprint)
        for name in (
            "root_count",
            "retained_blob_count",
            "deleted_blob_count",
            "deleted_bytes",
            "kept_blob_count",
            "kept_bytes",
        ):
            assert getattr(row, name) == getattr(own, name), name
        assert row.file_bytes == path.stat().st_size
    assert plan.deleted_bytes == sum(row.deleted_bytes or 0 for row in plan.files) > 0


def test_the_frame_has_the_declared_columns_and_so_has_an_empty_one(
    folder: Path, tmp_path: Path
) -> None:
    declared = corpus_schema("corpus_gc_plan")
    (tmp_path / "none").mkdir()
    for place in (folder, tmp_path / "none"):
        frame = open_corpus(place).plan_gc().frame()
        assert frame.columns.tolist() == declared["column"].tolist()
        assert [str(dtype) for dtype in frame.dtypes] == declared["dtype"].tolist()
    report = open_corpus(tmp_path / "none", mode="rw").plan_gc().sweep()
    declared = corpus_schema("corpus_gc_report")
    assert report.frame().columns.tolist() == declared["column"].tolist()
    assert [str(dtype) for dtype in report.frame().dtypes] == declared["dtype"].tolist()
    assert (report.journal, list((tmp_path / "none").iterdir())) == (None, [])


def test_two_processes_plan_and_sweep_what_one_does(folder: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    (other / "bad.db").write_bytes(b"no database" * 99)
    (folder / "bad.db").write_bytes(b"no database" * 99)
    with open_corpus(folder, mode="rw") as one, open_corpus(other, mode="rw") as two:
        plans = one.plan_gc(keep_turns=1), two.plan_gc(keep_turns=1, executor=2)
        frames = [plan.frame().drop(columns=["path", "message"]) for plan in plans]
        assert_frame_equal(frames[0], frames[1])
        reports = plans[0].sweep(), plans[1].sweep(executor=2)
        found = [comparable(report.frame()).drop(columns=["path", "message"]) for report in reports]
        assert_frame_equal(found[0], found[1])
        assert reports[0].counts["done"] > 3
    assert hashes(folder.glob("*-*.db")) == hashes(other.glob("*-*.db"))


@pytest.mark.parametrize("executor", [None, 2])
@pytest.mark.parametrize("policy", [{}, {"keep_turns": 3}])
def test_dry_run_sweep_and_disk_say_the_same(
    folder: Path, tmp_path: Path, executor: int | None, policy: dict[str, Any]
) -> None:
    expected = swept_by_hand(folder, tmp_path / "by hand", **policy)
    paths = sorted(folder.glob("*.db"))
    blobs, size = sum(map(len, hashes(paths).values())), stored_bytes(paths)
    with open_corpus(folder, mode="rw") as corpus:
        dry = corpus.plan_gc(executor=executor, **policy)
        report = dry.sweep(executor=executor)
    assert hashes(paths) == expected
    assert blobs - sum(map(len, expected.values())) == dry.deleted_blob_count
    assert report.deleted_blob_count == dry.deleted_blob_count
    assert size - stored_bytes(paths) == dry.deleted_bytes == report.deleted_bytes
    assert report.counts["done"] == dry.counts["sweep"]
    for row, swept in zip(dry.files, report.files, strict=True):
        if row.verdict == "sweep":
            assert swept.deleted_bytes == row.deleted_bytes
            assert swept.kept_blob_count == row.kept_blob_count


def test_recorded_sessions_are_swept_and_their_siblings_left(
    recorded_sessions: Path, tmp_path: Path
) -> None:
    beside = {
        path.name: path.read_bytes()
        for path in recorded_sessions.iterdir()
        if path.name in ("processes.db", "effects.db", "host-events.db", "triggers.db")
    }
    with open_corpus(recorded_sessions, mode="rw") as corpus:
        paths = sorted(map(Path, corpus))
        place = tmp_path / "copies"
        place.mkdir()
        for path in paths:
            shutil.copy(path, place)
        expected = swept_by_hand(place, tmp_path / "by hand")
        report = corpus.plan_gc().sweep(backup=tmp_path / "kept")
        assert report.counts["failed"] == 0
        assert len(report.files) == len(paths)
    assert hashes(paths) == expected
    for name, content in beside.items():
        assert (recorded_sessions / name).read_bytes() == content
    for row in report.files:
        if row.outcome == "done":
            with lg.open(row.path) as store, lg.open(str(row.backup)) as kept:
                lost = len(kept.blobs()) - len(store.blobs())
                assert lost == row.deleted_blob_count


def test_a_part_of_a_corpus_is_planned_and_swept_alone(folder: Path) -> None:
    before = hashes(folder.glob("*.db"))
    corpus = open_corpus(folder, mode="rw")
    report = corpus.filter("session_id == 'wasteful'").plan_gc().sweep()
    assert report.counts == {"done": 1, "skipped": 0, "failed": 0}
    changed = {name for name, found in hashes(folder.glob("*.db")).items() if found != before[name]}
    assert changed == {Path(report.files[0].path).name}


def test_compacted_files_shrink_and_backups_restore_them(folder: Path, tmp_path: Path) -> None:
    before = hashes(folder.glob("*.db"))
    sizes = sum(path.stat().st_size for path in folder.glob("*.db"))
    report = open_corpus(folder, mode="rw").plan_gc().sweep(backup=tmp_path / "kept", compact=True)
    after = sum(path.stat().st_size for path in folder.glob("*.db"))
    assert sizes - after == report.file_bytes_before - report.file_bytes_after > 0
    for row in report.files:
        if row.outcome == "done":
            assert row.compacted
            lg.restore(str(row.backup))
    assert hashes(folder.glob("*.db")) == before


# A plan as a value


def test_a_plan_is_frozen_and_survives_pickling(folder: Path) -> None:
    with open_corpus(folder, mode="rw") as corpus:
        plan = corpus.plan_gc()
    other = pickle.loads(pickle.dumps(plan))
    assert_frame_equal(other.frame(), plan.frame())
    assert other.fingerprint == plan.fingerprint
    with pytest.raises(AttributeError):
        plan.mode = "r"  # type: ignore[misc]
    report = other.sweep(executor=2)
    assert report.deleted_bytes == plan.deleted_bytes
    again = pickle.loads(pickle.dumps(report))
    assert_frame_equal(again.frame(), report.frame())


def test_plans_and_reports_show_their_totals(folder: Path) -> None:
    (folder / "a<b>.db").write_bytes(b"no database" * 99)
    plan = open_corpus(folder, mode="rw").plan_gc()
    done = plan.counts["sweep"]
    assert f"sweeps {done} of 10 files" in repr(plan)
    assert f"{plan.deleted_bytes:,} bytes" in repr(plan)
    assert "1 unreadable" in repr(plan)
    assert "<td>unreadable</td><td>1</td>" in plan._repr_html_()
    report = plan.sweep()
    assert f"{done} files swept" in repr(report)
    assert "1 unreadable" in repr(report)
    assert "CorpusGcReport (safe)" in report._repr_html_()
    assert "mode 'rw' can sweep" in repr(open_corpus(folder).plan_gc())


def test_a_plan_for_reading_is_not_swept(folder: Path) -> None:
    before = folder_state(folder)
    plan = open_corpus(folder).plan_gc()
    for each in (plan, pickle.loads(pickle.dumps(plan))):
        with pytest.raises(ReadOnlyStoreError, match="mode='rw'"):
            each.sweep(backup=folder / "kept")
    assert folder_state(folder) == before


@pytest.mark.parametrize(
    "arguments",
    [
        {"policy": "safe"},
        {"free_bytes": -1},
        {"free_bytes": 1.5},
        {"keep_turns": -1},
        {"no_such_field": 1},
        {"executor": 0},
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_is_read(
    folder: Path, arguments: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRecordError):
        open_corpus(folder).plan_gc(**arguments)


def test_bad_arguments_of_a_sweep_delete_nothing(folder: Path, tmp_path: Path) -> None:
    before = folder_state(folder)
    plan = open_corpus(folder, mode="rw").plan_gc()
    (tmp_path / "file").write_text("in the way")
    for arguments, error in (
        ({"backup": 7}, InvalidRecordError),
        ({"executor": "two"}, InvalidRecordError),
        ({"journal": b"a\0b"}, InvalidRecordError),
        ({"backup": tmp_path / "file"}, BackupError),
    ):
        with pytest.raises(error):
            plan.sweep(**arguments)
    assert folder_state(folder) == before


# Files that are left as they are


def test_damaged_recorded_stores_get_the_verdict_of_the_record(tmp_path: Path) -> None:
    place = tmp_path / "damaged"
    place.mkdir()
    for name, packed in stores.recorded_files("damaged/*.db.gz").items():
        (place / Path(name).stem).write_bytes(gzip.decompress(packed.read_bytes()))
    expected = read_json(stores.find("damaged/expected.json"))
    before = {path.name: path.read_bytes() for path in place.glob("*.db")}
    blobs_before = hashes(place.glob("*.db"))
    with open_corpus(place, mode="rw") as corpus:
        plan = corpus.plan_gc()
        found = verdicts(plan)
        assert len(found) == len(before) > 5
        report = plan.sweep()
    refused = 0
    for name, verdict in found.items():
        wanted = expected[name.removesuffix(".db")]["expected"]["safe_policy"]
        lost = blobs_before[name] - frozenset(blob_hashes(place / name))
        if wanted["verdict"] == "sweep":
            assert lost == set(wanted["deleted"]) or verdict == "alarm"
            assert verdict in ("sweep", "nothing", "alarm")
        else:
            refused += 1
            assert verdict == "refused", name
            assert (place / name).read_bytes() == before[name]
            assert outcomes(report)[name] == ("skipped", "refused")
            with lg.open(place / name) as store, pytest.raises(DamagedStoreError) as raised:
                store.plan_gc()
            [row] = [row for row in plan.files if Path(row.path).name == name]
            assert row.message == "; ".join(raised.value.findings)
    assert refused > 2


def test_files_that_cannot_be_read_are_rows_of_the_plan_and_of_the_errors(folder: Path) -> None:
    (folder / "cut.db").write_bytes((folder / next(folder.glob("long-*")).name).read_bytes()[:9999])
    (folder / "text.db").write_bytes(b"no database" * 99)
    content = {name: (folder / name).read_bytes() for name in ("cut.db", "text.db")}
    corpus = open_corpus(folder, mode="rw")
    plan = corpus.plan_gc()
    assert {name for name, found in verdicts(plan).items() if found == "unreadable"} == {*content}
    report = plan.sweep()
    assert all(outcomes(report)[name] == ("skipped", "unreadable") for name in content)
    assert report.counts["done"] == plan.counts["sweep"] > 3
    assert {Path(path).name for path in corpus.errors()["path"]} == {*content}
    for name, before in content.items():
        assert (folder / name).read_bytes() == before


def test_an_alarm_is_swept_only_if_that_is_accepted(recorded: Callable[[str], Path]) -> None:
    path = recorded("damaged/head-checkpoint-null.db.gz")
    before = blob_hashes(path)
    corpus = open_corpus([path], mode="rw")
    plan = corpus.plan_gc(lg.GcPolicy.runtime())
    assert plan.counts["alarm"] == 1
    assert plan.deleted_bytes == 0
    assert plan.files[0].deleted_bytes
    refused = plan.sweep()
    assert outcomes(refused)[path.name] == ("skipped", "alarm")
    assert blob_hashes(path) == before
    done = plan.sweep(accept_unusual=True)
    assert done.counts["done"] == 1
    assert done.deleted_bytes == plan.files[0].deleted_bytes
    assert blob_hashes(path) < before


def test_a_file_that_is_being_written_is_skipped_and_swept_later(folder: Path) -> None:
    path = next(folder.glob("wasteful-*.db"))
    before = blob_hashes(path)
    corpus = open_corpus(folder, mode="rw", options=IMPATIENT)
    plan = corpus.plan_gc()
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        report = plan.sweep()
        writer.execute("ROLLBACK")
    assert outcomes(report)[path.name] == ("skipped", "locked")
    assert report.counts["done"] == plan.counts["sweep"] - 1
    assert blob_hashes(path) == before
    assert "StoreLockedError" in report.frame()["error"].tolist()
    again = corpus.plan_gc()
    assert again.counts["sweep"] == 1
    assert again.sweep().counts["done"] == 1
    assert blob_hashes(path) < before


def test_a_file_that_lets_nobody_read_is_planned_as_locked(folder: Path) -> None:
    path = next(folder.glob("wasteful-*.db"))
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("UPDATE session_meta SET cwd = 'elsewhere'")
        writer.execute("PRAGMA locking_mode = EXCLUSIVE")
        writer.execute("UPDATE session_meta SET cwd = 'here'")
        plan = open_corpus(folder, mode="rw", options=IMPATIENT).plan_gc()
        assert verdicts(plan)[path.name] == "locked"
        report = plan.sweep()
        assert outcomes(report)[path.name] == ("skipped", "locked")
        assert report.counts["done"] == plan.counts["sweep"] > 3


def test_what_changed_since_the_plan_is_skipped(folder: Path) -> None:
    corpus = open_corpus(folder, mode="rw")
    plan = corpus.plan_gc()
    names = {
        start: next(folder.glob(f"{start}-*.db")) for start in ("wasteful", "branches", "long-chat")
    }
    with lg.open(names["wasteful"], "rw") as store:  # a root moved
        store.put_blob(b"named by nobody")
    names["branches"].unlink()
    with SessionBuilder(folder / "new.db", "long-chat") as other:  # another file at its place
        other.turn("one", "two")
        other.garbage(2, 100)
    (folder / "new.db").replace(names["long-chat"])
    before = {start: path.read_bytes() for start, path in names.items() if path.exists()}
    report = plan.sweep()
    for path in names.values():
        assert outcomes(report)[path.name] == ("skipped", "changed")
    assert report.counts["done"] == plan.counts["sweep"] - 3
    assert {start: names[start].read_bytes() for start in before} == before
    assert not names["branches"].exists()


def test_a_session_that_went_on_since_the_plan_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "session.db"
    with SessionBuilder(path, "session") as session:
        for number in range(4):
            session.turn(f"question {number}", "answer")
        plan = open_corpus(tmp_path, mode="rw").plan_gc()
        session.turn("one more", "answer")
    before = blob_hashes(path)
    assert outcomes(plan.sweep())["session.db"] == ("skipped", "changed")
    assert blob_hashes(path) == before


def test_what_is_gone_already_is_skipped(folder: Path) -> None:
    plan = open_corpus(folder, mode="rw").plan_gc()
    path = next(folder.glob("wasteful-*.db"))
    with lg.open(path, "rw") as store:
        store.gc_unreachable()
    report = plan.sweep()
    assert outcomes(report)[path.name] == ("skipped", "gone")
    assert report.deleted_bytes == plan.deleted_bytes - next(
        row.deleted_bytes or 0 for row in plan.files if row.path == str(path)
    )


def test_a_ref_to_keep_that_a_store_does_not_have_refuses_that_store(folder: Path) -> None:
    with lg.open(next(folder.glob("wasteful-*.db"))) as store:
        turn = next(ref for ref in store.refs()["ref"] if ref.startswith("turn:"))
    plan = open_corpus(folder).plan_gc(keep=[turn])
    assert verdicts(plan)[next(folder.glob("wasteful-*.db")).name] == "sweep"
    refused = [row for row in plan.files if row.verdict == "refused"]
    assert {row.error for row in refused} <= {"UnknownRefError"}
    assert all(turn in (row.message or "") for row in refused)


def test_five_percent_damaged_files_do_not_end_a_batch(built: Path, tmp_path: Path) -> None:
    place = tmp_path / "forty"
    place.mkdir()
    sources = [path for path in sorted(built.glob("*.db")) if not path.name.startswith("fresh")]
    for number in range(40):
        shutil.copy(sources[number % len(sources)], place / f"{number:02}.db")
    damage(place / "07.db", "head-not-json")
    (place / "23.db").write_bytes(b"\0" * 5000)
    with open_corpus(place, mode="rw") as corpus:
        plan = corpus.plan_gc(executor=2)
        assert (verdicts(plan)["07.db"], verdicts(plan)["23.db"]) == ("refused", "unreadable")
        report = plan.sweep(executor=2)
        assert report.counts["done"] == plan.counts["sweep"] > 25
        assert report.counts["failed"] == 0
        assert corpus.plan_gc().counts["sweep"] == 0


# Budgets


def test_a_budget_takes_the_largest_garbage_first(folder: Path) -> None:
    corpus = open_corpus(folder, mode="rw")
    whole = corpus.plan_gc()
    sizes = sorted((row.deleted_bytes or 0 for row in whole.files), reverse=True)
    budget = sizes[0] + 1
    plan = corpus.plan_gc(free_bytes=budget)
    taken = [row for row in plan.files if row.verdict == "sweep"]
    most = {row.path: row.deleted_bytes or 0 for row in whole.files}
    assert sorted((most[row.path] for row in taken), reverse=True) == sizes[:2]
    assert {row.verdict for row in plan.files} == {"sweep", "spared", "nothing"}
    assert budget <= plan.deleted_bytes < whole.deleted_bytes
    before = stored_bytes(folder.glob("*.db"))
    assert plan.sweep().deleted_bytes == plan.deleted_bytes
    assert before - stored_bytes(folder.glob("*.db")) == plan.deleted_bytes


def test_the_last_file_of_a_budget_keeps_as_many_turns_as_it_may(folder: Path) -> None:
    corpus = open_corpus(folder, mode="rw")
    most = max(corpus.plan_gc().files, key=lambda row: row.deleted_bytes or 0)
    budget = (most.deleted_bytes or 0) // 2
    [row] = [row for row in corpus.plan_gc(free_bytes=budget).files if row.verdict == "sweep"]
    with lg.open(row.path) as store:
        choices = store.retention()
    fitting = choices[choices["freed_bytes"] >= budget]
    assert row.keep_turns == fitting["keep_turns"].max() > 0
    assert row.deleted_bytes == fitting["freed_bytes"].iloc[-1] < (most.deleted_bytes or 0)
    report = corpus.plan_gc(free_bytes=budget).sweep()
    assert report.deleted_bytes == row.deleted_bytes


def test_a_budget_of_nothing_or_of_all_or_of_more(folder: Path) -> None:
    corpus = open_corpus(folder)
    whole = corpus.plan_gc()
    assert corpus.plan_gc(free_bytes=0).counts["sweep"] == 0
    assert corpus.plan_gc(free_bytes=whole.deleted_bytes).deleted_bytes == whole.deleted_bytes
    with pytest.raises(BudgetError) as raised:
        corpus.plan_gc(free_bytes=whole.deleted_bytes + 1)
    assert (raised.value.wanted, raised.value.best) == (
        whole.deleted_bytes + 1,
        whole.deleted_bytes,
    )


# The page


def test_the_page_names_every_verdict_and_its_example_runs(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "corpora.md").read_text()
    section = page.partition("## Collecting garbage")[2]
    assert tuple(re.findall(r"^\| `(\w+)` \| [^|]*\|$", section, re.MULTILINE)) == VERDICTS
    named = set(re.findall(r"`(\w+)`", section))
    assert set(OUTCOMES) | set(REASONS) <= named
    for name in (JOURNAL, LOCK):
        assert f"`{name}`" in section
    folder.rename(tmp_path / "sessions")
    monkeypatch.chdir(tmp_path)
    [example] = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    assert names["report"].deleted_bytes == names["plan"].deleted_bytes > 0
    assert Path(names["report"].journal) == tmp_path / "backups" / JOURNAL
