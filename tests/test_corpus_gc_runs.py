"""Batches that are killed, stopped, locked out, or run out of disk: nothing is lost."""

# ruff: noqa: F811 - fixtures are taken by their names

from __future__ import annotations

import errno
import json
import os
import pickle
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from corpora import Inline, built  # noqa: F401 - fixtures
from processes import Program, run_script
from recorded import blob_hashes, folder_state

import lashgraph as lg
from lashgraph.corpus import CorpusGcPlan, CorpusGcReport, open_corpus
from lashgraph.corpus.gcrows import Swept
from lashgraph.corpus.journal import Journal, read_journal
from lashgraph.corpus.lock import this_owner
from lashgraph.errors import (
    CorpusLockedError,
    DatabaseError,
    LashgraphError,
    UnwritablePathError,
)
from lashgraph.testing.builders import SessionBuilder

LOCK, JOURNAL = ".lashgraph-gc.lock", ".lashgraph-gc.jsonl"
FILES = 24

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture
def many(built: Path, tmp_path: Path) -> Path:
    """Sessions with garbage in each."""
    place = tmp_path / "many"
    place.mkdir()
    sources = [
        path for start in ("branches", "code", "research") for path in built.glob(f"{start}-*.db")
    ]
    for number in range(FILES):
        shutil.copy(sources[number % len(sources)], place / f"{number:02}.db")
    return place


Blobs = dict[str, frozenset[str]]


def hashes(folder: Path) -> Blobs:
    return {path.name: frozenset(blob_hashes(path)) for path in sorted(folder.glob("*.db"))}


def kept_by(plan: CorpusGcPlan) -> Blobs:
    """What is to be left in each file."""
    kept = {}
    for row in plan.files:
        with lg.open(row.path) as store:
            kept[Path(row.path).name] = frozenset(store.plan_gc().kept()["hash"])
    return kept


def lines(journal: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal.read_text().splitlines()]


def ended(journal: Path) -> list[str]:
    return [Path(line["end"]).name for line in lines(journal) if "end" in line]


def sound(folder: Path) -> None:
    for path in folder.glob("*.db"):
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


# Killed and taken up again

SWEEPING = """
import os, pickle, signal, sys, time
from pathlib import Path
import tqdm.auto
from lashgraph.corpus import open_corpus

class Bar:
    def __init__(self, **_options):
        self.count = 0
    def update(self, count):
        self.count += count
        if self.count == after:
            if what == "kill":
                os.killpg(os.getpgid(0), signal.SIGKILL)
            if what == "interrupt":
                os.killpg(os.getpgid(0), signal.SIGINT)
                time.sleep(1)
            if what == "wait":
                print("waiting", flush=True)
                while not Path(folder, "go on").exists():
                    time.sleep(0.01)
    def close(self):
        pass

if __name__ == "__main__":
    folder, what, after, executor, compact = sys.argv[1:6]
    after, executor = int(after), int(executor) or None
    tqdm.auto.tqdm = Bar
    with open_corpus(folder, mode="rw") as corpus:
        plan = corpus.plan_gc()
        Path(folder, "plan.pickle").write_bytes(pickle.dumps(plan))
        try:
            report = plan.sweep(executor=executor, compact=compact == "compact", progress=True)
        except KeyboardInterrupt as stopped:
            print(stopped)
        else:
            print(report)
"""


@pytest.mark.parametrize("executor", ["0", "2"])
@pytest.mark.parametrize("with_plan", [False, True])
def test_a_batch_that_was_killed_is_taken_up_by_the_next(
    many: Path, executor: str, with_plan: bool
) -> None:
    before, wanted = hashes(many), kept_by(open_corpus(many).plan_gc())
    killed = run_script(SWEEPING, str(many), "kill", "7", executor, "")
    assert killed.returncode == -signal.SIGKILL
    between = hashes(many)
    for name, found in between.items():
        assert found in (before[name], wanted[name]), f"{name} is half swept"
    done = {name for name in between if between[name] == wanted[name]}
    assert 7 <= len(done) < FILES
    assert set(ended(many / JOURNAL)) <= done
    assert (many / LOCK).exists()
    untouched = {name: (many / name).read_bytes() for name in done}
    with open_corpus(many, mode="rw") as corpus:
        plan = corpus.plan_gc()
        if with_plan:
            plan = pickle.loads((many / "plan.pickle").read_bytes())
        report = plan.sweep()
    assert hashes(many) == wanted
    assert report.counts["done"] == FILES - len(done)
    assert {Path(row.path).name for row in report.files if row.outcome == "skipped"} == done
    assert {row.reason for row in report.files} == {None, "gone" if with_plan else "nothing"}
    assert all((many / name).read_bytes() == content for name, content in untouched.items())
    [head] = [line for line in lines(many / JOURNAL)[1:] if "journal" in line]
    assert [dead["host"] for dead in head["took_over"]] == [socket.gethostname()]
    assert not (many / LOCK).exists()
    sound(many)


def test_kills_at_any_moment_leave_whole_files(many: Path) -> None:
    before, wanted = hashes(many), kept_by(open_corpus(many).plan_gc())

    def so_far() -> int:
        journal = many / JOURNAL
        return journal.read_bytes().count(b'"end"') if journal.exists() else 0

    for _ in range(4):
        child = Program(SWEEPING, str(many), "go", "0", "0", "compact")
        seen = so_far()
        while child.is_running and so_far() < seen + 3:
            time.sleep(0.001)
        if child.is_running:
            os.killpg(child.pid, signal.SIGKILL)
        child.end()
        for name, found in hashes(many).items():
            assert found in (before[name], wanted[name]), f"{name} is half swept"
    with open_corpus(many, mode="rw") as corpus:
        corpus.plan_gc().sweep(compact=True)
    assert hashes(many) == wanted
    sound(many)
    for path in many.glob("*.db"):
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA freelist_count").fetchone() == (0,), path


@pytest.mark.parametrize("executor", ["0", "2"])
def test_an_interrupt_ends_after_whole_files_and_says_how_far_it_came(
    many: Path, executor: str
) -> None:
    before, wanted = hashes(many), kept_by(open_corpus(many).plan_gc())
    stopped = run_script(SWEEPING, str(many), "interrupt", "5", executor, "")
    assert stopped.returncode == 0, stopped.stderr
    assert "Traceback" not in stopped.stderr
    done = {name for name, found in hashes(many).items() if found == wanted[name]}
    assert stopped.stdout.startswith(f"sweep(): stopped after {len(done)} of {FILES} files; ")
    assert set(ended(many / JOURNAL)) == done
    assert 5 <= len(done) < FILES
    assert all(hashes(many)[name] == before[name] for name in set(before) - done)
    assert not (many / LOCK).exists()
    assert open_corpus(many, mode="rw").plan_gc().sweep().counts["done"] == FILES - len(done)
    assert hashes(many) == wanted


def test_the_command_line_stops_and_says_how_far_it_came(many: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "lashgraph", "corpus", "gc", str(many), "--yes"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while child.poll() is None:
        journal = many / JOURNAL
        if journal.exists() and journal.read_bytes().count(b'"end"') >= 3:
            os.killpg(child.pid, signal.SIGINT)
            break
        time.sleep(0.005)
    _, told = child.communicate()
    assert child.returncode == 130
    assert told.startswith("sweep(): stopped after ")
    assert not (many / LOCK).exists()
    sound(many)


def test_what_an_earlier_run_of_the_plan_did_is_told_without_opening_it(many: Path) -> None:
    plan = open_corpus(many, mode="rw").plan_gc()
    first = plan.sweep()
    before = folder_state(many)
    again = plan.sweep()
    assert again.counts == {"done": 0, "skipped": FILES, "failed": 0}
    assert again.skipped == {"gone": FILES}
    assert (again.deleted_blob_count, again.deleted_bytes) == (0, 0)
    told = [(row.path, row.deleted_bytes, row.file_bytes_after) for row in first.files]
    assert [(row.path, row.deleted_bytes, row.file_bytes_after) for row in again.files] == told
    assert {name: state for name, state in folder_state(many).items() if name != JOURNAL} == {
        name: state for name, state in before.items() if name != JOURNAL
    }


def test_a_file_that_was_put_back_is_swept_again(many: Path, tmp_path: Path) -> None:
    plan = open_corpus(many, mode="rw").plan_gc()
    report = plan.sweep(backup=tmp_path / "kept")
    [row] = [row for row in report.files if row.path.endswith("05.db")]
    before = blob_hashes(Path(row.path))
    lg.restore(str(row.backup))
    assert blob_hashes(Path(row.path)) > before
    again = plan.sweep(backup=tmp_path / "kept")
    assert [found.path for found in again.files if found.outcome == "done"] == [row.path]
    assert blob_hashes(Path(row.path)) == before


def test_a_compaction_that_was_cut_off_is_made_up_for(many: Path) -> None:
    with open_corpus(many, mode="rw") as corpus:
        corpus.plan_gc().sweep()
        path = many / "02.db"
        with closing(Journal(str(many / JOURNAL), "killed")) as journal:
            journal.head()
            journal.begin(str(path))
        sizes = {each.name: each.stat().st_size for each in many.glob("*.db")}
        report = corpus.plan_gc().sweep(compact=True)
        assert [row.path for row in report.files if row.outcome == "done"] == [str(path)]
        assert report.deleted_bytes == 0
        for each in many.glob("*.db"):
            smaller = each.stat().st_size < sizes[each.name]
            assert smaller == (each == path)
        assert corpus.plan_gc().sweep(compact=True).counts["done"] == 0


# Workers that die


class Deadly(ProcessPoolExecutor):
    """A pool whose worker dies over one file."""

    path = ""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if any(getattr(getattr(arg, "row", None), "path", None) == self.path for arg in args):
            return super().submit(os._exit, 1)
        return super().submit(fn, *args, **kwargs)


@pytest.mark.filterwarnings("default")  # of forking beside threads, which the pool is told to do
def test_a_worker_that_dies_costs_no_file(many: Path) -> None:
    wanted = kept_by(open_corpus(many).plan_gc())
    with open_corpus(many, mode="rw") as corpus, Deadly(2) as pool:
        pool.path = str(many / "09.db")
        report = corpus.plan_gc().sweep(executor=pool)
    assert report.counts["failed"] == 0
    assert hashes(many) == wanted


def test_threads_sweep_what_one_does(many: Path) -> None:
    wanted = kept_by(open_corpus(many).plan_gc())
    with ThreadPoolExecutor(3) as pool:
        report = open_corpus(many, mode="rw").plan_gc().sweep(executor=pool)
    assert report.counts["done"] == FILES
    assert hashes(many) == wanted


# Two batches at once


@pytest.fixture
def at_work(many: Path) -> Iterator[Program]:
    """Another process in the middle of a batch."""
    child = Program(SWEEPING, str(many), "wait", "3", "0", "")
    while child.is_running and child.printed != "waiting\n":
        time.sleep(0.01)
    yield child
    child.kill()
    child.end()


def test_a_second_batch_on_a_folder_refuses(many: Path, at_work: Program) -> None:
    before = folder_state(many)
    with open_corpus(many, mode="rw") as corpus:
        plan = corpus.plan_gc()
        assert plan.counts["sweep"] == FILES - 3
        for executor in (None, 2):
            with pytest.raises(CorpusLockedError, match="another batch collection") as raised:
                plan.sweep(executor=executor)
            assert raised.value.owner["pid"] == at_work.pid
            assert raised.value.owner["host"] == socket.gethostname()
        assert folder_state(many) == before
        assert isinstance(pickle.loads(pickle.dumps(raised.value)), CorpusLockedError)
        (many / "go on").touch()
        at_work.wait()
        assert f"{FILES} files swept" in at_work.printed
        assert plan.sweep().skipped == {"nothing": 3, "gone": FILES - 3}


def test_batches_on_two_folders_do_not_meet(many: Path, at_work: Program, tmp_path: Path) -> None:
    assert at_work.is_running
    other = Path(shutil.copytree(many, tmp_path / "other", ignore=shutil.ignore_patterns(".*")))
    assert open_corpus(other, mode="rw").plan_gc().sweep().counts["done"] == FILES - 3


def test_a_corpus_over_both_folders_is_refused_and_leaves_no_lock(
    many: Path, at_work: Program, tmp_path: Path
) -> None:
    assert at_work.is_running
    other = Path(shutil.copytree(many, tmp_path / "a", ignore=shutil.ignore_patterns(".*")))
    before = folder_state(other)
    with pytest.raises(CorpusLockedError):
        open_corpus([other, many], mode="rw").plan_gc().sweep()
    assert folder_state(other) == before


def dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def of_a_dead_process() -> str:
    return json.dumps(this_owner(0.0) | {"pid": dead_pid()})


def of_one_with_our_number() -> str:
    return json.dumps(this_owner(0.0) | {"birth": "another start"})


def cut_short() -> str:
    return of_a_dead_process()[:9]


@pytest.mark.parametrize("owner", [of_a_dead_process, of_one_with_our_number, cut_short, str])
def test_a_lock_of_a_dead_process_is_taken_over(many: Path, owner: Callable[[], str]) -> None:
    if owner is of_one_with_our_number and sys.platform != "linux":
        pytest.skip("needs /proc to tell two processes of one number apart")
    (many / LOCK).write_text(owner())
    assert open_corpus(many, mode="rw").plan_gc().sweep().counts["done"] == FILES
    assert not (many / LOCK).exists()


def unsupported(*_arguments: Any) -> None:
    raise OSError(errno.ENOTSUP, "no locks")


@pytest.mark.parametrize("changes", [{}, {"host": "elsewhere", "pid": 1}])
def test_a_lock_whose_owner_may_be_alive_is_respected(
    many: Path, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not changes:  # a file system without locks, where only the file says that we are at work
        monkeypatch.setattr("fcntl.flock", unsupported)
    owner = this_owner(0.0) | changes
    (many / LOCK).write_text(json.dumps(owner))
    before = folder_state(many)
    with pytest.raises(CorpusLockedError, match="remove this file") as raised:
        open_corpus(many, mode="rw").plan_gc().sweep()
    assert raised.value.owner == owner
    assert folder_state(many) == before


def test_a_lock_that_somebody_removed_is_no_end_of_the_run(many: Path) -> None:
    def remove(number: int) -> None:
        if number == 2:
            (many / LOCK).unlink()

    report = open_corpus(many, mode="rw").plan_gc().sweep(executor=Inline(remove))
    assert report.counts["done"] == FILES


def test_a_lock_that_is_anothers_by_now_stays(many: Path) -> None:
    def replace(number: int) -> None:
        if number == 2:
            (many / LOCK).unlink()
            (many / LOCK).write_text("another run's")

    report = open_corpus(many, mode="rw").plan_gc().sweep(executor=Inline(replace))
    assert report.counts["done"] == FILES
    assert (many / LOCK).read_text() == "another run's"


# A full disk

FULL = """
import resource, signal, sys
from lashgraph.corpus import open_corpus
folder, kept, limit = sys.argv[1], sys.argv[2], int(sys.argv[3])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
corpus = open_corpus(folder, mode="rw")
plan = corpus.plan_gc()
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
report = plan.sweep(backup=kept or None)
print(report.counts, [row.error for row in report.files if row.outcome == "failed"])
errors = corpus.errors()
print(errors[errors["stage"] == "sweep"]["path"].tolist())
print(report.journal_error)
"""


def test_a_disk_that_is_full_for_some_backups_fails_these_files(many: Path, tmp_path: Path) -> None:
    before, wanted = hashes(many), kept_by(open_corpus(many).plan_gc())
    large = sorted(str(path) for path in many.glob("*.db") if path.stat().st_size > 500_000)
    assert 0 < len(large) < FILES
    done = run_script(FULL, str(many), str(tmp_path / "kept"), "500000")
    assert done.returncode == 0, done.stderr
    counts, failed, _ = done.stdout.splitlines()
    assert counts.startswith(
        f"{{'done': {FILES - len(large)}, 'skipped': 0, 'failed': {len(large)}}} ['BackupError'"
    )
    assert failed == repr(large)
    for name, found in hashes(many).items():
        assert found == (before if str(many / name) in large else wanted)[name]
    sound(many)
    report = open_corpus(many, mode="rw").plan_gc().sweep(backup=tmp_path / "kept")
    assert report.counts["done"] == len(large)
    assert hashes(many) == wanted


def test_a_journal_that_finds_no_room_is_told_and_the_files_are_swept(many: Path) -> None:
    wanted = kept_by(open_corpus(many).plan_gc())
    with closing(Journal(str(many / JOURNAL), "earlier")) as journal:
        for _ in range(3):
            journal.head(note="x" * 500_000)
    size = (many / JOURNAL).stat().st_size
    done = run_script(FULL, str(many), "", "1500900")
    assert done.returncode == 0, done.stderr
    counts, failed, why = done.stdout.splitlines()
    assert counts.startswith(f"{{'done': {FILES}, ")
    assert failed == repr([str(many / JOURNAL)])
    assert "the journal cannot be written" in why
    assert (many / JOURNAL).stat().st_size >= size
    assert (many / JOURNAL).read_bytes().endswith(b"\n")
    assert hashes(many) == wanted


# The journal


def test_the_journal_is_where_it_was_asked_for(many: Path, tmp_path: Path) -> None:
    corpus = open_corpus(many, mode="rw")
    report = corpus.plan_gc().sweep(journal=tmp_path / "mine.jsonl")
    assert report.journal == str(tmp_path / "mine.jsonl")
    assert set(ended(tmp_path / "mine.jsonl")) == {f"{number:02}.db" for number in range(FILES)}
    assert not (many / JOURNAL).exists()


def test_the_journal_of_several_folders_stands_above_them(many: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(many, tmp_path / "other"))
    report = open_corpus([many, other], mode="rw").plan_gc().sweep()
    assert report.journal == str(tmp_path / JOURNAL)
    assert report.counts["done"] == 2 * FILES
    with_backup = open_corpus([many, other], mode="rw").plan_gc().sweep(backup=tmp_path / "kept")
    assert with_backup.journal is None


def test_a_line_that_was_cut_is_passed_over(many: Path) -> None:
    plan = open_corpus(many, mode="rw").plan_gc()
    plan.sweep()
    content, last = (many / JOURNAL).read_bytes(), ended(many / JOURNAL)[-1]
    (many / JOURNAL).write_bytes(content[: content.rindex(b'"end"') + 40])
    assert plan.sweep().skipped == {"gone": FILES}
    history = read_journal(str(many / JOURNAL))
    assert history.unfinished == set()
    assert all(history.done(row) for row in plan.files if not row.path.endswith(last))
    with pytest.raises(ValueError, match=r"Unterminated|delimiter|Expecting"):
        lines(many / JOURNAL)


@pytest.mark.parametrize("content", [b"my notes\n", b'{"a": 1}\n', b"[1]\n", None])
def test_a_file_of_another_kind_is_never_written_to(many: Path, content: bytes | None) -> None:
    path = many / "notes.jsonl"
    if content is None:
        path = many / "03.db"
    else:
        path.write_bytes(content)
    before = folder_state(many)
    with pytest.raises(UnwritablePathError, match="no journal of batch"):
        open_corpus(many, mode="rw").plan_gc().sweep(journal=path)
    assert folder_state(many) == before


def test_odd_lines_of_a_journal_say_nothing(tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl"
    with closing(Journal(str(path), "run")) as journal:
        journal.head()
    odd: list[Any] = [
        7,
        {"begin": 7},
        {"end": 7, "did": {}},
        {"end": "a.db", "did": {"outcome": "gone fishing"}},
        {"end": "a.db", "did": {"no such": 1}},
        {"end": "a.db", "did": {"outcome": "done", "deleted_bytes": "many"}},
        {"end": "a.db", "did": {"outcome": ["done"]}},
        {"end": "b.db", "did": {"outcome": "done"}, "state": [[1, 2], None, 3]},
        {"end": "c.db", "did": {"outcome": "done"}, "state": [[1, 2], 3]},
    ]
    with path.open("a") as file:
        for line in odd:
            file.write(json.dumps(line) + "\n")
        file.write("[" * 100_000 + "\n" + '{"begin": "d.db"}\n')
    assert read_journal(str(path)).unfinished == {"d.db"}


def test_a_folder_without_room_for_a_lock_fails_its_files_only(many: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(many, tmp_path / "other"))
    (other / LOCK).mkdir()
    corpus = open_corpus([many, other], mode="rw")
    before = hashes(other)
    report = corpus.plan_gc().sweep()
    assert report.counts == {"done": FILES, "skipped": 0, "failed": FILES}
    assert hashes(other) == before
    errors = corpus.errors()
    assert set(errors["path"]) == {str(path) for path in other.glob("*.db")}
    assert set(errors["error"]) == {"UnwritablePathError"}


def test_a_compaction_that_failed_counts_as_deleted_and_is_made_up_for(many: Path) -> None:
    [row] = open_corpus([many / "02.db"], mode="rw").plan_gc().files
    with lg.open(row.path, "rw") as store:
        report = store.sweep(store.plan_gc())
    failed = Swept.failed(row, DatabaseError("no room to compact", report=report))
    assert (failed.outcome, failed.error) == ("failed", "DatabaseError")
    assert failed.deleted_bytes == row.deleted_bytes
    whole = CorpusGcReport("safe", (failed,), None, None, 0.0)
    assert (whole.counts["failed"], whole.deleted_bytes) == (1, row.deleted_bytes)
    with closing(Journal(str(many / JOURNAL), "earlier")) as journal:
        journal.head()
        journal.begin(row.path)
        journal.end(row, failed, None)
    again = open_corpus(many, mode="rw").plan_gc().sweep(compact=True)
    assert again.counts["done"] == FILES
    assert {found.compacted for found in again.files} == {True}


def test_every_failure_is_an_error_of_ours(tmp_path: Path) -> None:
    with SessionBuilder(tmp_path / "one.db", "one") as session:
        session.turn("a", "b")
        session.garbage(2, 50)
    with closing(sqlite3.connect(tmp_path / "one.db")) as connection, connection:
        connection.execute(
            "CREATE TRIGGER evil AFTER DELETE ON blobs BEGIN DELETE FROM graph_nodes; END"
        )
    corpus = open_corpus(tmp_path, mode="rw")
    report = corpus.plan_gc().sweep()
    [row] = report.files
    assert (row.outcome, row.error) == ("failed", "UnsafeSchemaError")
    [failure] = corpus._failures.rows()
    assert isinstance(failure.raised(), LashgraphError)
    assert corpus.errors()[["stage", "error"]].values.tolist() == [["sweep", "UnsafeSchemaError"]]
