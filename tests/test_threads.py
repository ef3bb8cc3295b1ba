"""One store, many threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lashgraph as lg

Recorded = Callable[[str], Path]
SESSION = "sessions/std-tools-366bbb0a4d808158.db.gz"


def answers(store: lg.Store) -> list[object]:
    session = store.load_session()
    assert session is not None
    return [
        store.load_session_graph().ids,
        store.load_active_path().ids,
        store.nodes()["node_id"].tolist(),
        store.plan_gc().doomed_hashes,
        session.checkpoint,
    ]


def test_readers_on_many_threads_get_the_same(recorded: Recorded) -> None:
    with lg.open(recorded(SESSION)) as store:
        expected = answers(store)
        with ThreadPoolExecutor(8) as pool:
            assert all(got == expected for got in pool.map(answers, [store] * 24))


def test_a_store_moves_between_threads_while_it_is_written(recorded: Recorded) -> None:
    with lg.open(recorded(SESSION), "rw") as store, ThreadPoolExecutor(6) as pool:
        expected = answers(store)[:3]
        writes = [pool.submit(store.put_blob, bytes([n]) * 100) for n in range(40)]
        reads = [pool.submit(answers, store) for _ in range(10)]
        keys = {write.result() for write in writes}
        assert all(read.result()[:3] == expected for read in reads)
        assert keys <= set(store.blobs()["hash"])
        assert keys <= set(store.plan_gc().doomed_hashes)


def test_a_snapshot_of_one_thread_makes_the_others_wait(recorded: Recorded) -> None:
    with lg.open(recorded(SESSION), "rw") as store, ThreadPoolExecutor(1) as pool:
        with store.snapshot():
            before = len(store.blobs())
            write = pool.submit(store.put_blob, b"after the snapshot")
            assert len(store.blobs()) == before
            assert not write.done()
        write.result()
        assert len(store.blobs()) == before + 1
