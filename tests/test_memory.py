"""Memory: bulk reads stream, and a dry run holds hashes, not contents."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

import lashgraph as lg
from lashgraph.testing.large import build_large_blobs, build_large_graph


def traced(work: Callable[[], object]) -> tuple[int, int]:
    """Bytes that are held afterwards, and at the most in between."""
    tracemalloc.start()
    try:
        result = work()
        held, peak = tracemalloc.get_traced_memory()
        assert result is not None
        return held, peak
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graph") / "graph.db"
    build_large_graph(path, nodes=4_000)
    return path


def test_a_graph_takes_less_than_twice_its_json(graph: Path) -> None:
    with lg.open(graph) as store:
        json_bytes = int(store.nodes()["json_bytes"].sum())
        assert json_bytes > 5_000_000
        held, peak = traced(store.load_session_graph)
    assert held < 2 * json_bytes
    assert peak < 2 * json_bytes


def test_a_frame_keeps_no_nodes(graph: Path) -> None:
    with lg.open(graph) as store:
        json_bytes = int(store.nodes()["json_bytes"].sum())
        _, peak = traced(store.nodes)
        assert peak < json_bytes
        _, peak = traced(lambda: store.messages(columns=["node_id", "role"]))
        assert peak < json_bytes


def test_a_dry_run_holds_hashes_and_not_contents(tmp_path: Path) -> None:
    path = tmp_path / "blobs.db"
    build_large_blobs(path, blobs=2_000, live=200, total_bytes=20_000_000, nodes=100)
    with lg.open(path) as store:
        store.plan_gc()
        _, peak = traced(store.plan_gc)
    assert peak < 2_000 * 1_000
