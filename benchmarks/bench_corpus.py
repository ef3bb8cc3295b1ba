"""Corpora: many files against the single stores one by one, and opening against bare reads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ratios import Ratios

import lashgraph as lg
from lashgraph.corpus import Corpus, open_corpus
from lashgraph.testing.builders import SessionBuilder, ToolCall

SCALE = float(os.environ.get("LASHGRAPH_BENCH_SCALE", "1"))
FILES, LISTED = max(int(200 * SCALE), 16), max(int(10_000 * SCALE), 1_000)
_DIFFERENT = 4

MEMORY = """
import gc, sys
from lashgraph.corpus import open_corpus

def status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key))

if __name__ == "__main__":
    executor = int(sys.argv[2]) or None
    with open_corpus(sys.argv[1]) as corpus:
        corpus.sample(3).parts(executor=executor)
        gc.collect()
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        before = status("VmRSS")
        frame = corpus.parts(executor=executor)
        peak = status("VmHWM") - before
        print(peak, frame.memory_usage(deep=True).sum())
"""


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of about 2 MB; four are built, the others are copies of them."""
    folder = tmp_path_factory.mktemp("sessions")
    for number in range(_DIFFERENT):
        with SessionBuilder(folder / f"{number:04}.db", f"s{number}", seed=number) as session:
            for turn in range(80):
                if turn % 6 == 0:
                    session.remember(30_000)
                call = ToolCall("search_logs", {"n": turn}, "a line of the log\n" * 200)
                session.turn(f"Question {turn}. " + "Why? " * 60, "Because. " * 250, [call])
            session.garbage(10, 20_000)
    for number in range(_DIFFERENT, FILES):
        shutil.copy(folder / f"{number % _DIFFERENT:04}.db", folder / f"{number:04}.db")
    return folder


@pytest.fixture(scope="module")
def corpus(sessions: Path) -> Iterator[Corpus]:
    """Their corpus, with two processes that have started."""
    with open_corpus(sessions) as made:
        made.sample(8).sessions(executor=2)
        yield made


def one_by_one(folder: Path, name: str) -> pd.DataFrame:
    found = []
    for path in sorted(folder.glob("*.db")):
        with lg.open(path) as store:
            found.append(getattr(store, name)())
    return pd.concat(found, ignore_index=True)


@pytest.mark.parametrize("name", ["sessions", "nodes", "parts"])
def test_serial_and_single_stores(
    benchmark: Any, sessions: Path, corpus: Corpus, ratios: Ratios, name: str
) -> None:
    ratios.compare(
        benchmark,
        f"corpus of {FILES} files, `{name}()`",
        getattr(corpus, name),
        ("the single stores one by one", lambda: one_by_one(sessions, name)),
        target="≤ 1.3",
        rounds=3,
    )


@pytest.mark.parametrize("name", ["sessions", "nodes", "parts"])
def test_two_processes_and_serial(
    benchmark: Any, corpus: Corpus, ratios: Ratios, name: str
) -> None:
    ratios.compare(
        benchmark,
        f"corpus of {FILES} files, `{name}(executor=2)`",
        lambda: getattr(corpus, name)(executor=2),
        ("the same in one process", getattr(corpus, name)),
        target="≤ 0.59 (1.7 times as fast)",
        rounds=3,
    )


def test_opening(benchmark: Any, tmp_path_factory: pytest.TempPathFactory, ratios: Ratios) -> None:
    folder = tmp_path_factory.mktemp("listed")
    head = b"SQLite format 3\x00" + bytes(84)
    for number in range(LISTED):
        (folder / f"{number:05}.db").write_bytes(head)

    def bare() -> None:
        with os.scandir(folder) as entries:
            for entry in entries:
                with open(entry.path, "rb") as file:
                    file.read(100)

    ratios.compare(
        benchmark,
        f"opening a corpus of {LISTED:,} files",
        lambda: open_corpus(folder),
        ("`os.scandir` and reading 100 bytes of each", bare),
        target="≤ 3",
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("executor", ["0", "2"])
def test_memory_of_a_frame(sessions: Path, ratios: Ratios, executor: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(sessions), executor],
        capture_output=True,
        text=True,
        check=True,
    )
    peak, size = map(int, done.stdout.split())
    how = "in one process" if executor == "0" else "by two processes"
    ratios.note(
        f"peak memory of `parts()` of {FILES} files, {how}",
        "the frame's own size",
        peak / size,
        "≤ 2.5",
        f"{peak / 1e6:,.0f} MB",
    )
