"""What the tests of corpora share; workers import it too, so what they are asked stands here."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import stores

import lashgraph as lg
from lashgraph.corpus import Corpus, open_corpus
from lashgraph.testing.corpus import build_corpus

FRAMES = (
    "sessions",
    "nodes",
    "messages",
    "parts",
    "tool_calls",
    "events",
    "steps",
    "agent_frames",
    "blobs",
    "refs",
    "checkpoints",
    "turns",
    "history",
    "usage",
    "attachments",
    "queued_work",
    "pending_inputs",
    "problems",
    "check",
)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample sessions, to be copied by tests that change them."""
    folder = tmp_path_factory.mktemp("built")
    build_corpus(folder)
    return folder


@pytest.fixture(scope="session")
def store(built: Path) -> Iterable[lg.Store]:
    """The sample session that has the most in it, for reading."""
    with lg.open(next(built.glob("research-agent*"))) as opened:
        yield opened


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    """A copy of the sample sessions."""
    return Path(shutil.copytree(built, tmp_path / "corpus"))


@pytest.fixture(scope="session")
def corpus(built: Path) -> Iterable[Corpus]:
    """The sample sessions as one corpus, whose processes live as long as the tests."""
    with open_corpus(built) as made:
        yield made


@pytest.fixture
def recorded_sessions(tmp_path: Path) -> Path:
    """Sessions of the real runtime in a folder, and what stands beside them."""
    place = tmp_path / "sessions"
    place.mkdir()
    files = stores.recorded_files("sessions/*.db.gz")
    for name, packed in files.items():
        (place / Path(name).stem).write_bytes(gzip.decompress(packed.read_bytes()))
    if not any("parent-e4" in name for name in files):
        pytest.skip(stores.why_missing() or "the parent is not among the recorded stores")
    return place


def one_by_one(paths: Iterable[str | Path], name: str, **arguments: Any) -> pd.DataFrame:
    """What a corpus has to give: each store's own frame, one below the other."""
    found = []
    for path in sorted(map(str, paths)):
        with lg.open(path) as store:
            found.append(getattr(store, name)(**arguments))
    return pd.concat(found, ignore_index=True)


def sessions_or_death(
    store: lg.Store, columns: list[str] | None, deadly: frozenset[str]
) -> pd.DataFrame:
    """sessions(), where some files kill the process that reads them."""
    if os.path.basename(store.path) in deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    return store.sessions(columns=columns)


class Inline(Executor):
    """An executor that works at once, and does something before each piece of work."""

    def __init__(self, before: Callable[[int], None]) -> None:
        self._before = before
        self._count = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self._before(self._count)
        self._count += 1
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future
