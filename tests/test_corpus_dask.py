"""A corpus on a cluster of dask.distributed: processes that stand for machines."""

# ruff: noqa: F811 - fixtures are taken by their names

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from corpora import built, corpus, one_by_one, sessions_or_death  # noqa: F401 - fixtures
from pandas.testing import assert_frame_equal

import lashgraph as lg
from lashgraph.corpus import Corpus, open_corpus
from lashgraph.errors import DamagedDataWarning
from lashgraph.frames import SCHEMAS

pytest.importorskip("distributed", reason="needs the extra: pip install lashgraph[dask]")

pytestmark = [
    # what dask itself warns of when it is imported, and when a worker is killed
    pytest.mark.filterwarnings("default"),
    pytest.mark.filterwarnings("error::lashgraph.errors.LashgraphWarning"),
]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """A client of a cluster of two processes; a task that kills one worker is given up."""
    import dask
    from distributed import Client, LocalCluster

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as made,
    ):
        yield made


def test_a_cluster_gives_the_same(client: Any, corpus: Corpus) -> None:
    executor = client.get_executor()
    for name in ("sessions", "nodes", "parts", "tool_calls", "blobs", "turns", "check"):
        assert_frame_equal(getattr(corpus, name)(executor=executor), getattr(corpus, name)())
    found = corpus.search("lock", executor=executor)
    assert_frame_equal(found, corpus.search("lock"))
    assert len(found)


def test_a_changed_file_is_read_again(client: Any, built: Path, tmp_path: Path) -> None:
    """Dask answers what it was asked before from memory, if it takes it for the same."""
    path = Path(shutil.copy(next(built.glob("fresh-*.db")), tmp_path))
    corpus, executor = open_corpus(tmp_path), client.get_executor()
    before = len(corpus.blobs(executor=executor))
    with lg.open(path, mode="rw") as store:
        store.put_blob(b"one more")
    assert len(corpus.blobs(executor=executor)) == before + 1


def test_a_worker_that_dies_costs_the_file_that_killed_it(client: Any, corpus: Corpus) -> None:
    paths = corpus.paths()
    bad = Path(paths[4]).name
    columns = ["path", "n_turns"]
    ask = partial(sessions_or_death, columns=columns, deadly=frozenset([bad]))
    with pytest.warns(DamagedDataWarning, match="1 files could not be read"):
        found = corpus._frame(SCHEMAS["sessions"], ask, columns, executor=client.get_executor())
    others = [path for path in paths if not path.endswith(bad)]
    assert_frame_equal(found, one_by_one(others, "sessions", columns=columns))
    assert corpus.errors()[["path", "error"]].values.tolist() == [[paths[4], "KilledWorker"]]
    assert len(corpus.sessions(columns=columns, executor=client.get_executor())) == 9
    assert corpus.errors().empty
