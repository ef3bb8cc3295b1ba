"""Interrupts at every sharp moment of a write: the old state or the new one, and no lock left."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import lashgraph as lg
from lashgraph.corpus import lock
from lashgraph.testing.builders import SessionBuilder
from lashgraph.testing.torture.crowd import turn
from lashgraph.testing.torture.interrupts import interrupted_at
from lashgraph.testing.torture.looking import check_sound, check_unlocked, content_of

AT_ONE_TIME = lg.StoreOptions(clock=lambda: 1_800_000_000.0, busy_timeout=0)
WRITES: dict[str, Callable[[lg.Store], object]] = {
    "commit": lambda store: store.commit_runtime_state(turn("one", "w", 0)),
    "vacuum": lambda store: store.vacuum(),
    "collection": lambda store: store.gc_unreachable(),
    "read": lambda store: store.load_session_graph(),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with SessionBuilder(tmp_path / "one.db", "one") as session:
        session.turn("Hello?", "Hello.")
        session.tombstone([str(session.leaf)])
        session.garbage(3, 500)
    return tmp_path / "one.db"


@pytest.mark.parametrize("name", WRITES)
def test_an_interrupt_leaves_no_transaction_open(name: str, path: Path) -> None:
    work = WRITES[name]
    done = path.with_name("done.db")
    states = {content_of(path)}
    shutil.copy(path, done)
    with lg.open(done, "rw", AT_ONE_TIME) as store:
        moments = interrupted_at(-1, partial(work, store), sharp=True).moments
    states.add(content_of(done))
    assert moments > 5
    for moment in range(1, moments + 1):
        copy = Path(shutil.copy(path, path.with_name(f"{moment}.db")))
        with lg.open(copy, "rw", AT_ONE_TIME) as store:
            assert interrupted_at(moment, partial(work, store), sharp=True).interrupted
            check_unlocked(copy)
            assert content_of(copy) in states
            work(store)
        assert content_of(copy) == content_of(done)
        check_sound(copy)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of files that
# an interrupt kept from being closed at once
def test_an_interrupt_leaves_no_lock_of_a_batch(tmp_path: Path) -> None:
    def take() -> None:
        with lock.locked(str(tmp_path), 0.0):
            pass

    moments = interrupted_at(-1, take, sharp=False).moments
    for moment in range(1, moments + 1):
        interrupted_at(moment, take, sharp=False)
        take()
        assert not list(tmp_path.iterdir())
