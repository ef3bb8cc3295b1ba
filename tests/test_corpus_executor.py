"""Who reads does not matter: processes that are kept, threads, executors, workers that die."""

# ruff: noqa: F811 - fixtures are taken by their names

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
import time
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from corpora import built, corpus, one_by_one, sessions_or_death  # noqa: F401 - fixtures
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from processes import run_script

from lashgraph.corpus import Corpus, open_corpus
from lashgraph.corpus.chunks import Piece, cut
from lashgraph.corpus.lanes import Lanes
from lashgraph.corpus.spread import Spread
from lashgraph.errors import DamagedDataWarning, InvalidRecordError
from lashgraph.frames import SCHEMAS

COLUMNS = ["path", "n_turns", "model"]


@pytest.fixture
def many(built: Path, tmp_path: Path) -> Path:
    """Twenty-seven sessions of four megabytes, enough for several pieces of work."""
    sources = sorted(built.glob("*.db"))
    for number in range(27):
        shutil.copy(sources[number % len(sources)], tmp_path / f"{number:02}.db")
    return tmp_path


def deadly(corpus: Corpus, names: set[str], executor: Any) -> Any:
    """sessions() where some files kill their reader."""
    ask = partial(sessions_or_death, columns=COLUMNS, deadly=frozenset(names))
    return corpus._frame(SCHEMAS["sessions"], ask, COLUMNS, executor=executor)


@pytest.mark.parametrize("wrong", [0, -1, True, 2.0, "2", object()])
def test_what_is_no_executor_is_refused(corpus: Corpus, wrong: Any) -> None:
    with pytest.raises(InvalidRecordError, match="executor is None, a number of processes"):
        corpus.sessions(executor=wrong)


def test_an_executor_that_was_shut_down_is_told(corpus: Corpus) -> None:
    with ThreadPoolExecutor(1) as threads:
        pass
    with pytest.raises(InvalidRecordError, match="the executor takes no work"):
        corpus.sessions(executor=threads)


def test_processes_are_kept_for_later_calls_and_end_with_the_corpus(built: Path) -> None:
    before = set(multiprocessing.active_children())
    with open_corpus(built) as corpus:
        corpus.turns(executor=2)
        first = {child.pid for child in set(multiprocessing.active_children()) - before}
        corpus.filter(relation="child").usage(executor=2)
        assert {child.pid for child in set(multiprocessing.active_children()) - before} == first
        assert 1 <= len(first) <= 2
    assert not set(multiprocessing.active_children()) - before
    assert len(corpus.turns(executor=1)) == len(corpus.turns())  # it may be used again
    corpus.close()


def test_workers_that_are_killed_cost_nothing(many: Path) -> None:
    with open_corpus(many) as corpus:
        wanted = corpus.sessions()
        before = set(multiprocessing.active_children())
        corpus.usage(executor=2)
        stop = threading.Event()
        killed = []

        def kill() -> None:
            for child in set(multiprocessing.active_children()) - before:
                assert child.pid is not None
                os.kill(child.pid, signal.SIGKILL)
                killed.append(child.pid)
            stop.set()

        timer = threading.Timer(0.2, kill)
        timer.start()
        while not stop.is_set():
            assert_frame_equal(corpus.sessions(executor=2), wanted)
        timer.join()
        assert killed
        assert_frame_equal(corpus.sessions(executor=2), wanted)
        assert corpus.errors().empty


def test_the_file_that_kills_its_reader_is_an_error_and_all_others_are_read(many: Path) -> None:
    names = {"05.db", "06.db", "26.db"}
    others = [path for path in sorted(many.glob("*.db")) if path.name not in names]
    with open_corpus(many) as corpus:
        with pytest.warns(DamagedDataWarning, match="3 files could not be read"):
            found = deadly(corpus, names, 2)
        assert_frame_equal(found, one_by_one(others, "sessions", columns=COLUMNS))
        errors = corpus.errors()
        assert {os.path.basename(path) for path in errors["path"]} == names
        assert set(errors["error"]) == {"BrokenProcessPool"}
        assert errors["message"].str.contains("the worker that read it died").all()
        assert len(corpus.sessions(executor=2)) == 27
        assert corpus.errors().empty


@pytest.mark.filterwarnings("ignore::lashgraph.errors.DamagedDataWarning")
def test_a_pool_of_the_caller_that_breaks_is_replaced(many: Path) -> None:
    corpus = open_corpus(many)
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        assert len(deadly(corpus, {"13.db"}, pool)) == 26
        with pytest.raises(BrokenProcessPool):
            pool.submit(len, "")
        assert len(corpus.sessions(executor=pool)) == 27
    assert wait_until(lambda: not set(multiprocessing.active_children()) - before)


def wait_until(true: Any) -> bool:
    for _ in range(100):
        if true():
            return True
        time.sleep(0.1)
    return False


def test_many_threads_may_use_one_corpus(many: Path) -> None:
    wanted = one_by_one(many.glob("*.db"), "usage")
    with open_corpus(many) as corpus, ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(corpus.usage, executor=1 + number % 2) for number in range(6)]
        for future in asked:
            assert_frame_equal(future.result(), wanted)


BAR = """
import sys
from lashgraph.corpus import open_corpus
if __name__ == "__main__":
    with open_corpus(sys.argv[1]) as corpus:
        corpus.usage(executor=2, progress=True)
        corpus.usage(progress=True)
        corpus.usage()
"""


def test_a_bar_is_shown_on_demand(built: Path) -> None:
    shown = run_script(BAR, str(built)).stderr
    bars = [bar for bar in shown.splitlines() if "usage: 100%" in bar and "9/9" in bar]
    assert bars
    assert shown.count("usage:   0%") == 2


# Pieces of work


@given(st.lists(st.integers(0, 1 << 28), max_size=300), st.integers(1, 64))
def test_pieces_hold_every_file_once_and_in_order(weights: list[int], workers: int) -> None:
    pieces = cut(weights, workers)
    assert [at for piece in pieces for at in range(*piece)] == list(range(len(weights)))
    for piece in pieces:
        held = sum(weights[piece.start : piece.end])
        assert piece.n_files == 1 or held <= 32 << 20


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_a_piece_is_split_into_smaller_ones(start: int, count: int) -> None:
    piece = Piece(start, start + count)
    parts = piece.split()
    assert [at for part in parts for at in range(*part)] == list(range(*piece))
    assert len(parts) == min(count, 8)
    assert min(part.n_files for part in parts) >= 1


class Mortal(Lanes):
    """Lanes on which some positions kill: with the pool, as processes do, or by themselves."""

    def __init__(self, deadly: set[int], ahead: int, *, takes_all: bool) -> None:
        super().__init__(1, ahead)
        self.deadly = deadly
        self.takes_all = takes_all
        self.deaths = 0
        self._futures: list[Future[list[int]]] = []
        self._broken = False

    def submit(self, _work: Any, *args: Any) -> Future[Any]:
        if self._broken:
            raise BrokenProcessPool("gone")
        (piece,) = args
        future: Future[list[int]] = Future()
        self._futures.append(future)
        if not self.deadly & set(range(*piece)):
            future.set_result(list(range(*piece)))
        elif self.takes_all:
            self.deaths += 1
            self._broken = True
            for one in self._futures:
                if not one.done():
                    one.set_exception(BrokenProcessPool("gone"))
        else:
            self.deaths += 1
            future.set_exception(OSError("killed"))
        return future

    def renew(self) -> Lanes:
        self._broken = False
        self._futures = []
        return self


@settings(deadline=None)
@given(
    st.integers(0, 120),
    st.sets(st.integers(0, 119), max_size=5),
    st.integers(1, 9),
    st.integers(1, 40),
    st.booleans(),
)
def test_exactly_what_kills_is_lost(
    count: int, deadly: set[int], ahead: int, size: int, takes_all: bool
) -> None:
    lanes = Mortal(deadly, ahead, takes_all=takes_all)
    spread: Spread[list[int]] = Spread(lanes, lambda where, piece: where.submit(None, piece))
    pieces = [Piece(start, min(start + size, count)) for start in range(0, count, size)]
    read: list[int] = []
    lost: list[int] = []
    for piece, result, error in spread.results(pieces):
        if result is None:
            assert error is not None
            lost += range(*piece)
        else:
            assert result == list(range(*piece))
            read += result
    assert sorted(lost) == sorted(deadly & set(range(count)))
    assert sorted(read + lost) == list(range(count))
    assert lanes.deaths <= 4 * len(lost)
