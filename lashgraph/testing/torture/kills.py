"""Killed at any moment: a process ends without a word, at a system call or within SQLite."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from lashgraph.testing.torture import strace
from lashgraph.testing.torture.bench import Bench, bench_of, calls_of, has_log, to_count
from lashgraph.testing.torture.operations import OPERATIONS, perform
from lashgraph.testing.torture.processes import Ended, run
from lashgraph.testing.torture.trial import Case, NotHere, Trial, require

_EVERY = 40
"""Instructions of SQLite's machine between two steps."""

_NAMES = tuple(OPERATIONS)


def perform_by_steps(name: str, folder: str, deadly: int) -> int:
    """An operation whose process is killed at a step of SQLite's; gives how many there were."""
    taken = 0

    def step() -> None:
        nonlocal taken
        taken += 1
        if taken == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    _on_every_connection(step)
    OPERATIONS[name].run(Path(folder))
    return taken


def _on_every_connection(step: Callable[[], None]) -> None:
    connect = sqlite3.connect

    def connected(*arguments: Any, **options: Any) -> sqlite3.Connection:
        made: sqlite3.Connection = connect(*arguments, **options)
        made.set_progress_handler(step, _EVERY)
        return made

    sqlite3.connect = connected  # type: ignore[assignment]


def _kill(case: Case) -> None:
    bench = bench_of(case.workshop, _NAMES[case.number % len(_NAMES)])
    name = bench.operation.name
    folder = bench.copy(case)
    within = case.number // len(_NAMES) % 3 == 2 and bench.operation.call is not None
    ended = None if within else _at_a_system_call(bench, folder, case)
    if ended is None and "processes" in name:
        return
    if ended is None:
        ended = _at_a_step_of_sqlite(bench, folder, case)
    killed = ended.exitcode == -signal.SIGKILL
    # of several processes one may be killed: the others then do its work
    require(killed or ("processes" in name and ended.done), f"{name}: not killed: {ended}")
    case.count(f"killed in: {name}")
    bench.check_whole(folder, case)
    bench.check_completed(folder)


def _at_a_system_call(bench: Bench, folder: Path, case: Case) -> Ended | None:
    """None where system calls cannot be broken; the folder is then as it was."""
    name = bench.operation.name
    log = case.folder / "strace.log"
    try:
        step = case.chance.choice(calls_of(case.workshop, name, folder))
        ended = strace.broken(log, step, "signal=KILL", perform, name, str(folder))
    except NotHere as reason:
        case.count(f"not killed at a system call: {reason}")
        return None
    case.count("killed at a system call")
    return ended


def _at_a_step_of_sqlite(bench: Bench, folder: Path, case: Case) -> Ended:
    name = bench.operation.name
    steps = _count(case.workshop, name, has_log(folder))
    case.count("killed within SQLite")
    return run(perform_by_steps, name, str(folder), case.chance.randint(1, steps))


@cache
def _count(workshop: Path, name: str, logged: bool) -> int:
    """How many steps SQLite takes in an operation."""
    ended = run(perform_by_steps, name, str(to_count(workshop, name, logged)), -1)
    require(ended.done, f"{name}: {ended}")
    return int(ended.answer)


KILLS = Trial(
    "kills",
    "a process is killed at a system call or within SQLite; all is as before or as after",
    4,
    _kill,
)
