"""Interrupted anywhere: Ctrl-C wherever Python hears it, and the same store is used on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from lashgraph.store import open as open_store
from lashgraph.testing.torture.bench import Bench, bench_of, has_log, to_count
from lashgraph.testing.torture.looking import check_unlocked
from lashgraph.testing.torture.operations import (
    OPERATIONS,
    OPTIONS,
    STORE,
    perform,
    perform_on_open_store,
)
from lashgraph.testing.torture.processes import run
from lashgraph.testing.torture.trial import Case, Trial, require

_NAMES = tuple(name for name in OPERATIONS if "processes" not in name)
_HEARD = ("c_return", "call")
"""Where the interpreter looks for signals: after a call of C, and at the start of a function."""

_SHARP = frozenset(
    {
        *("execute", "executemany", "backup", "serialize", "deserialize", "close", "next"),
        *("acquire", "release", "open", "link", "unlink", "replace", "fsync", "write"),
        *("mkdir", "rmdir", "ftruncate", "flock", "posix_fallocate"),
    }
)
"""Functions of C that begin or end something: half of all interrupts come right after one."""


class Heard(NamedTuple):
    """How an interrupted operation ended.

    Attributes
    ----------
    moments : int
        How many moments there were.
    interrupted : bool
        Whether the interrupt came out of it.
    """

    moments: int
    interrupted: bool


def interrupted_at(moment: int, work: Callable[[], None], *, sharp: bool) -> Heard:
    """Call a function, with an interrupt at the so-manieth moment at which one can be heard.

    Parameters
    ----------
    sharp : bool
        Count only the moments at which something has just begun or ended.
    """
    moments = 0

    def hear(_frame: FrameType, event: str, called: Any) -> None:
        nonlocal moments
        if event in _HEARD and (not sharp or _is_sharp(event, called)):
            moments += 1
            if moments == moment:
                sys.setprofile(None)
                raise KeyboardInterrupt

    sys.setprofile(hear)
    try:
        work()
    except KeyboardInterrupt:
        return Heard(moments, True)
    finally:
        sys.setprofile(None)
    return Heard(moments, False)


def _is_sharp(event: str, called: Any) -> bool:
    return event == "c_return" and called.__name__ in _SHARP


def interrupted(name: str, folder: str, moment: int, sharp: bool) -> list[Any]:
    """An operation from opening its store to closing it, in a child."""
    return list(interrupted_at(moment, lambda: perform(name, folder), sharp=sharp))


def interrupted_on_open_store(
    name: str,
    folder: str,
    moment: int,
    sharp: bool,
) -> list[Any]:
    """An operation on an open store, which is done again on that store after the interrupt."""
    with open_store(Path(folder) / STORE, "rw", OPTIONS) as store:
        try:
            heard = interrupted_at(
                moment, lambda: perform_on_open_store(name, store, folder), sharp=sharp
            )
        finally:
            check_unlocked(Path(folder) / STORE)
        if heard.interrupted:
            perform_on_open_store(name, store, folder)
    return list(heard)


def _interrupt(case: Case) -> None:
    bench = bench_of(case.workshop, _NAMES[case.number % len(_NAMES)])
    name = bench.operation.name
    folder = bench.copy(case)
    on_open = bench.operation.call is not None and case.chance.random() < 0.6
    work = interrupted_on_open_store if on_open else interrupted
    sharp = case.chance.random() < 0.5
    moments = _moments(case.workshop, work, name, sharp, has_log(folder))
    moment = case.chance.randint(1, moments)
    ended = run(work, name, str(folder), moment, sharp)
    require(ended.done, f"{name}, interrupted at moment {moment}: {ended.error or ended.exitcode}")
    heard = Heard(*ended.answer)
    case.count("interrupted" if heard.interrupted else "interrupts that were swallowed")
    is_after = bench.check_whole(folder, case)
    if on_open:
        require(is_after, f"{name}: done again after an interrupt, and not done")
        case.count("used on after the interrupt")
    bench.check_completed(folder)
    check_nothing_left(bench, folder)


def check_nothing_left(bench: Bench, folder: Path) -> None:
    """See that no unfinished file is left behind."""
    left = [path.name for path in folder.rglob("*") if path.suffix in {".partial", ".tmp"}]
    require(not left, f"{bench.operation.name}: left behind: {left}")


@cache
def _moments(workshop: Path, work: Callable[..., Any], name: str, sharp: bool, logged: bool) -> int:
    """At how many moments an operation can be interrupted."""
    ended = run(work, name, str(to_count(workshop, name, logged)), -1, sharp)
    require(ended.done, f"{name}: {ended.error or ended.exitcode}")
    return int(ended.answer[0])


INTERRUPTS = Trial(
    "interrupts",
    "Ctrl-C wherever it can be heard; all is as before or as after, and the store is used on",
    2,
    _interrupt,
)
