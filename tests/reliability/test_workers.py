"""Workers of a batch that die over a file, each time anew."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import lashgraph as lg
from lashgraph.testing.builders import SessionBuilder
from lashgraph.testing.torture.looking import content_of
from reliability.deadly import DeadlyPath

ORPHANS = """
import multiprocessing, os, signal, sys
import lashgraph as lg
if __name__ == "__main__":
    with lg.open_corpus(sys.argv[1]) as corpus:
        corpus.sessions(executor=2)
        print(*(worker.pid for worker in multiprocessing.active_children()), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


def is_running(pid: str) -> bool:
    """Whether there is such a process, and not only its number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_workers_end_when_their_parent_was_killed(tmp_path: Path) -> None:
    for number in range(4):
        with SessionBuilder(tmp_path / f"{number}.db", f"s{number}") as session:
            session.turn("Hello?", "Hello.")
    done = subprocess.run(
        [sys.executable, "-c", ORPHANS, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=120,
    )
    workers = done.stdout.split()
    assert done.returncode == -signal.SIGKILL
    assert workers
    until = time.monotonic() + 30
    while any(map(is_running, workers)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(is_running, workers))


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_file_that_kills_every_worker_is_a_row_and_the_rest_is_done(tmp_path: Path) -> None:
    for number in range(5):
        with SessionBuilder(tmp_path / f"{number}.db", f"s{number}") as session:
            session.turn("Hello?", "Hello.")
            session.garbage(3, 500)
    deadly = tmp_path / "2.db"
    before = content_of(deadly)
    with lg.open_corpus(tmp_path, mode="rw") as corpus:
        plan = corpus.plan_gc()
        files = [
            row._replace(path=DeadlyPath(row.path)) if row.path == str(deadly) else row
            for row in plan.files
        ]
        report = dataclasses.replace(plan, files=tuple(files)).sweep(executor=2)
        errors = corpus.errors()
    ended = {Path(row.path).name: row.reason or row.outcome for row in report.files}
    assert ended.pop("2.db") == "failed"
    # what was under way beside it may have been done, and is tried again
    assert set(ended.values()) <= {"done", "gone"}
    assert errors["path"].tolist() == [str(deadly)]
    assert errors["stage"].tolist() == ["sweep"]
    assert "died" in errors["message"].iloc[0]
    assert content_of(deadly) == before
    with lg.open_corpus(tmp_path, mode="rw") as corpus:
        assert corpus.plan_gc().counts == {**plan.counts, "sweep": 1, "nothing": 4}


def test_a_process_that_cannot_be_started_costs_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the server that starts processes was killed in between."""
    for number in range(3):
        with SessionBuilder(tmp_path / f"{number}.db", f"s{number}") as session:
            session.turn("Hello?", "Hello.")
    submit = ProcessPoolExecutor.submit
    calls = []

    def failing(pool: ProcessPoolExecutor, *arguments: Any) -> Future[Any]:
        calls.append(pool)
        if len(calls) == 2:
            raise EOFError("unexpected EOF")
        return submit(pool, *arguments)

    monkeypatch.setattr(ProcessPoolExecutor, "submit", failing)
    with lg.open_corpus(tmp_path, mode="rw") as corpus:
        plan = corpus.plan_gc(executor=2)
        assert len(corpus.sessions(executor=2)) == 3
        assert corpus.errors().empty
    assert plan.counts["nothing"] == 3
    assert len(calls) > 2
