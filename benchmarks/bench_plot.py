"""Pictures against scattering as many points, each drawn to pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import scaled
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from ratios import Ratios

import lashgraph as lg
from lashgraph import SessionGraph
from lashgraph.testing.large import build_large_graph

COUNT = scaled(5_000)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> SessionGraph:
    path = tmp_path_factory.mktemp("plot") / "tree.db"
    build_large_graph(path, nodes=COUNT, text_bytes=200)
    with lg.open(path) as store:
        return store.tree()


def fresh(tree: SessionGraph) -> SessionGraph:
    """The same nodes, nothing asked of them yet."""
    return SessionGraph(tree.nodes, tree.leaf)


def drawn(axes: Axes) -> None:
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.canvas.draw()


def scatter() -> None:
    """As many points as there are nodes, on a plain figure of the same size."""
    rng = np.random.default_rng(0)
    figure = Figure(figsize=(10, 6))
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.scatter(rng.random(COUNT), rng.random(COUNT))
    drawn(axes)


@pytest.mark.parametrize("detail", ["auto", "nodes"])
def test_session_tree(benchmark: Any, tree: SessionGraph, ratios: Ratios, detail: Any) -> None:
    ratios.compare(
        benchmark,
        f"picture of a session tree of 5,000 nodes ({detail})",
        lambda: drawn(lg.plot.session_tree(fresh(tree), detail=detail)),
        ("scattering 5,000 points", scatter),
        target="< 3",
        rounds=20,
    )


def test_blob_sizes(benchmark: Any, ratios: Ratios) -> None:
    rng = np.random.default_rng(0)
    blobs = pd.DataFrame(
        {
            "kind": rng.choice(["ToolState", "CheckpointManifest", "raw"], COUNT),
            "stored_bytes": rng.integers(1, 1_000_000, COUNT),
            "reachable_safe": rng.random(COUNT) < 0.2,
        }
    )
    ratios.compare(
        benchmark,
        "picture of the sizes of 5,000 blobs",
        lambda: drawn(lg.plot.blob_sizes(blobs)),
        ("scattering 5,000 points", scatter),
        target="none set",
        rounds=20,
    )
