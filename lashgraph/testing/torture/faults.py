"""Failing disks: no room and I/O errors at every write, files that may not grow, a full disk."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from lashgraph.errors import LashgraphError
from lashgraph.testing.torture import strace
from lashgraph.testing.torture.bench import Bench, bench_of, calls_of
from lashgraph.testing.torture.operations import OPERATIONS, perform
from lashgraph.testing.torture.processes import Ended, run
from lashgraph.testing.torture.trial import Case, NotHere, Trial, require

_NAMES = tuple(OPERATIONS)
_CALL, _LASTING, _SIZE, _DISK = range(4)
"""Ways to fail: one call, all calls from one on, files of at most so many bytes, a small disk."""

_SPARE = 400_000
_PAGE = 4096
_NEW_NAMESPACE = 0x00020000
_PRIVATE = (1 << 14) | (1 << 18)
_REMOUNT = 32


def _fail(case: Case) -> None:
    bench = bench_of(case.workshop, _NAMES[case.number % len(_NAMES)])
    way = case.number // len(_NAMES) % 4
    folder = bench.copy(case)
    if way == _DISK:
        _on_a_small_disk(bench, folder, case)
        return
    ended = None if way == _SIZE else _at_a_call(bench, folder, case, lasting=way == _LASTING)
    if ended is None:
        ended = _of_small_files(bench, folder, case)
    name = bench.operation.name
    require(ended.exitcode == 0, f"{name}: ended by {ended.exitcode}")
    _check_told(bench, folder, Told(ended.error, ended.is_ours), case)
    bench.check_completed(folder)


class Told(NamedTuple):
    """What an operation raised, and whether that is an error of ours."""

    error: str | None
    is_ours: bool


def _check_told(bench: Bench, folder: Path, told: Told, case: Case) -> None:
    """See that what went wrong was told by an error of ours, and that all is whole."""
    name = bench.operation.name
    require(told.error is None or told.is_ours, f"{name}: a foreign error: {told.error}")
    is_after = bench.check_whole(folder, case)
    # a batch has a row for what failed, and raises nothing
    require(
        is_after or told.error is not None or "batch" in name,
        f"{name}: said to be done, and is not",
    )
    if is_after and bench.before != bench.after and told.error is not None:
        require("nothing was" not in told.error, f"{name}: done, and told: {told.error}")
    case.count(f"told: {told.error.partition(':')[0] if told.error else 'done all the same'}")


def _at_a_call(bench: Bench, folder: Path, case: Case, *, lasting: bool) -> Ended | None:
    """None where system calls cannot be broken; the folder is then as it was."""
    name = bench.operation.name
    error = case.chance.choice(strace.ERRORS)
    try:
        calls = calls_of(case.workshop, name, folder)
    except NotHere as reason:
        case.count(f"no call made to fail: {reason}")
        return None
    steps = [step for step in calls if step.takes(error)]
    if "processes" in name:  # they talk by `write`, which is not to fail
        steps = [step for step in steps if step.call != "write"]
    step = case.chance.choice(steps)
    case.count(f"{error} at a call" if not lasting else f"{error} at a call and all after it")
    log = case.folder / "strace.log"
    how = f"error={error}"
    return strace.broken(log, step, how, perform, name, str(folder), lasting=lasting)


def _of_small_files(bench: Bench, folder: Path, case: Case) -> Ended:
    largest = max((path.stat().st_size for path in folder.rglob("*") if path.is_file()), default=0)
    limit = case.chance.randrange(1, largest + _SPARE)
    case.count("files of at most so many bytes")
    return run(perform_with_small_files, bench.operation.name, str(folder), limit)


def perform_with_small_files(name: str, folder: str, limit: int) -> None:
    """An operation, in a process whose files cannot grow beyond some bytes."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    perform(name, folder)


# A disk of its own


def _on_a_small_disk(bench: Bench, folder: Path, case: Case) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    used = sum(-(-path.stat().st_size // _PAGE) * _PAGE for path in files)
    room = used + _PAGE * 4 + case.chance.randrange(_SPARE)
    ended = run(perform_on_a_small_disk, bench, str(folder), room, case)
    if ended.error is not None and ended.error.startswith("NotHere"):
        case.count("small disks: not permitted here")
        return
    require(ended.done, f"{bench.operation.name}: {ended.error or ended.exitcode}")
    case.count("small disks")
    case.counts.update(ended.answer)


def perform_on_a_small_disk(bench: Bench, folder: str, room: int, case: Case) -> dict[str, int]:
    """An operation on a disk of some bytes, which grows afterwards; gives what was counted."""
    case.counts = Counter()
    with _small_disk(folder, room) as (place, grow):
        try:
            perform(bench.operation.name, str(place))
            told = Told(None, False)
        except Exception as error:
            told = Told(f"{type(error).__name__}: {error}", isinstance(error, LashgraphError))
        grow()  # looking needs room for copies
        _check_told(bench, place, told, case)
        bench.check_completed(place)
    return dict(case.counts)


@contextmanager
def _small_disk(folder: str, room: int) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Put a folder on a disk in memory that nobody else sees."""
    if sys.platform != "linux":
        raise NotHere("disks in memory are mounted as Linux does it")
    import ctypes

    system = ctypes.CDLL(None, use_errno=True)
    aside = Path(f"{folder}.aside")
    Path(folder).rename(aside)
    Path(folder).mkdir()
    target = folder.encode()
    if system.unshare(_NEW_NAMESPACE) or system.mount(b"none", b"/", None, _PRIVATE, None):
        raise NotHere("no disk may be mounted")
    if system.mount(b"tmpfs", target, b"tmpfs", 0, f"size={room}".encode()):
        raise NotHere("no disk may be mounted")

    def grow() -> None:
        system.mount(b"tmpfs", target, b"tmpfs", _REMOUNT, b"size=200m")

    try:
        place = Path(shutil.copytree(aside, Path(folder) / "on-disk"))
        yield place, grow
    finally:
        system.umount2(target, 2)


FAULTS = Trial(
    "faults",
    "disks are full and calls fail; errors are ours, and all is as before or as after",
    3,
    _fail,
)
