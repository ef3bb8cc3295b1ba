"""Stores to measure on, made once for each run of the benchmarks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from ratios import MARK_BEGIN, MARK_END, Ratios

from lashgraph.testing.large import build_deep_path, build_large_blobs, build_large_graph

SCALE = float(os.environ.get("LASHGRAPH_BENCH_SCALE", "1"))
"""Share of the full size; the table in README.md is of 1."""


def scaled(count: int) -> int:
    return max(int(count * SCALE), 100)


@pytest.fixture(scope="session")
def ratios() -> Ratios:
    return Ratios(scale=SCALE)


@pytest.fixture(scope="session")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session of 200,000 nodes, about 283 MB of JSON."""
    path = tmp_path_factory.mktemp("graph") / "graph.db"
    build_large_graph(path, nodes=scaled(200_000))
    return path


@pytest.fixture(scope="session")
def deep(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A path of 50,000 nodes, and its leaf."""
    path = tmp_path_factory.mktemp("deep") / "deep.db"
    return path, build_deep_path(path, depth=scaled(50_000))


@pytest.fixture(scope="session")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60,000 blobs of 500 MB, 6,000 of them alive, beside 100,000 nodes."""
    path = tmp_path_factory.mktemp("blobs") / "blobs.db"
    build_large_blobs(
        path,
        blobs=scaled(60_000),
        live=scaled(6_000),
        total_bytes=int(500_000_000 * SCALE),
        nodes=scaled(100_000),
    )
    return path


@pytest.fixture
def blobs_copy(blobs: Path, tmp_path: Path) -> Path:
    """A fresh copy to sweep."""
    return Path(shutil.copyfile(blobs, tmp_path / "copy.db"))


@pytest.fixture(scope="session", autouse=True)
def the_table(ratios: Ratios) -> Iterator[None]:
    """Print the table at the end; at full size with LASHGRAPH_BENCH_WRITE set, keep it."""
    yield
    if not ratios.rows:
        return
    print(f"\n\n{ratios.table()}")
    if os.environ.get("LASHGRAPH_BENCH_WRITE"):
        readme = Path(__file__).with_name("README.md")
        text = readme.read_text()
        before, after = text.split(MARK_BEGIN)[0], text.split(MARK_END)[1]
        readme.write_text(f"{before}{MARK_BEGIN}\n{ratios.table()}\n{MARK_END}{after}")
