"""The bench: an operation's folder before and after, copies of it to break, and what must hold."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lashgraph.store import open as open_store
from lashgraph.testing.torture import strace
from lashgraph.testing.torture.looking import (
    ABSENT,
    check_sound,
    check_unlocked,
    content,
    content_of,
    live,
)
from lashgraph.testing.torture.operations import OPERATIONS, Operation, State, perform, stores_of
from lashgraph.testing.torture.trial import Case, Failed, require

_WORK = "work"


class Bench(NamedTuple):
    """An operation, and what its folder holds before it and after.

    Attributes
    ----------
    places : tuple of Path
        The folder before: with its logs folded in, and with what it holds in logs.
    lives : dict of str to set of str
        By the content of a store, the blobs that must be in it.
    """

    operation: Operation
    places: tuple[Path, Path]
    before: State
    after: State
    lives: Mapping[str, frozenset[str]]

    def copy(self, case: Case) -> Path:
        """The folder before, for a case to break."""
        place = case.chance.choice(self.places)
        return Path(shutil.copytree(place, case.folder / _WORK))

    def check_whole(self, folder: Path, case: Case) -> bool:
        """See that each part of a folder is as before or as after, and sound.

        Returns
        -------
        bool
            Whether all of it is as after.

        Raises
        ------
        Failed
            Something between, something damaged, or something live that is missing.
        """
        found = self._known(folder)
        for path in stores_of(folder):
            expected = found.get(path.name, content_of(path))
            if expected != ABSENT:
                self._check_store(path, expected)
        require(self._known(folder) == found, f"{folder}: looking at it changed it")
        self.operation.check(folder, self.before, self.after)
        is_after = found == self.after
        case.count(f"found as {'after' if is_after else 'before'} it")
        return is_after

    def check_completed(self, folder: Path) -> None:
        """See that another run of the operation does what is left of it.

        Raises
        ------
        Failed
            It does not.
        """
        self.operation.run(folder)
        found = self.operation.state(folder)
        require(found == self.after, f"a second run left {self._told(found)}")
        for path in stores_of(folder):
            check_unlocked(path)
            check_sound(path)
        self.operation.check(folder, self.before, self.after)

    def _known(self, folder: Path) -> State:
        found = self.operation.state(folder)
        require(
            self.before.keys() == found.keys() == self.after.keys(),
            f"{folder} holds {sorted(found)}, not {sorted(self.before)}",
        )
        for name, content_now in found.items():
            known = self.before[name], self.after[name]
            if content_now not in known:
                raise Failed(f"{name} is neither as before nor as after: {self._told(found)}")
        return found

    def _check_store(self, path: Path, expected: str) -> None:
        with open_store(path) as store:
            require(store._database.read(content) == expected, f"{path}: read otherwise")
        check_sound(path)
        require(content_of(path) == expected, f"{path}: changed by being repaired")
        lives = self.lives.get(expected)
        require(lives is None or live(path) == lives, f"{path}: live blobs are missing")

    def _told(self, found: State) -> str:
        return ", ".join(
            f"{name}: "
            + (
                "before"
                if now == self.before[name]
                else "after"
                if now == self.after[name]
                else "?"
            )
            for name, now in found.items()
        )


@cache
def bench_of(workshop: Path, name: str) -> Bench:
    """The bench of an operation, made once in a workshop."""
    operation = OPERATIONS[name]
    place = workshop / name.replace(" ", "-")
    plain, logged = place / "plain", place / "logged"
    plain.mkdir(parents=True)
    operation.build(plain)
    before = operation.state(plain)
    done = Path(shutil.copytree(plain, place / "done"))
    operation.run(done)
    after = operation.state(done)
    shutil.copytree(plain, logged)
    for path in stores_of(logged):
        _move_into_log(path)
    lives = {
        state[path.name]: live(path)
        for folder, state in ((plain, before), (done, after))
        for path in stores_of(folder)
        if path.name in state
    }
    return Bench(operation, (plain, logged), before, after, lives)


def _move_into_log(path: Path) -> None:
    """Let what a store holds stand in its log, as where its writer was killed."""
    files = [path, Path(f"{path}-wal")]
    aside = [Path(f"{file}.aside") for file in files]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("UPDATE blobs SET content = content")
        connection.execute("UPDATE graph_nodes SET node_json = node_json")
        for source, target in zip(files, aside, strict=True):
            shutil.copyfile(source, target)
    for target, source in zip(files, aside, strict=True):
        source.rename(target)


def has_log(folder: Path) -> bool:
    """Whether stores in a folder have logs."""
    return any(folder.glob("*.db-wal"))


def to_count(workshop: Path, name: str, logged: bool) -> Path:
    """A copy of an operation's folder that is used up by counting."""
    place = tempfile.mkdtemp(dir=workshop, prefix="counted-")
    return Path(shutil.copytree(bench_of(workshop, name).places[logged], place, dirs_exist_ok=True))


def calls_of(workshop: Path, name: str, folder: Path) -> list[strace.Step]:
    """The system calls of an operation on such a folder that change files.

    Raises
    ------
    NotHere
        There is no strace.
    """
    strace.check_strace()
    return _calls(workshop, name, has_log(folder))


@cache
def _calls(workshop: Path, name: str, logged: bool) -> list[strace.Step]:
    place = to_count(workshop, name, logged)
    return strace.steps(perform, place, name, str(place))
