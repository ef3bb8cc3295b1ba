"""Widgets where no kernel runs: a picture, a table, a text."""

# ruff: noqa: F811 - fixtures are taken by their names

from __future__ import annotations

import re
import shutil
import warnings
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
import pytest
from corpora import built  # noqa: F401 - fixtures
from matplotlib.axes import Axes
from matplotlib.image import imread
from nbclient import NotebookClient
from nbconvert import HTMLExporter, LatexExporter
from test_notebooks import WIDGET, kernel
from widget_pages import Page, wired

import lashgraph as lg
from lashgraph import widgets
from lashgraph.testing.damage import DAMAGES, damage
from lashgraph.widgets import Explorer
from lashgraph.widgets.base import View

assert kernel
assert wired
BRANCHES = "sessions/std-branches-f433cb31431b2d40.db.gz"
SECONDS = 60.0
CELLS = (
    "import lashgraph as lg",
    "lg.widgets.explore(lg.open(path))",
    "lg.widgets.reachability(lg.open(path))",
    "lg.widgets.simulate(lg.open(path))",
    "lg.widgets.corpus(lg.open_corpus(folder))",
    "lg.widgets.simulate(lg.open_corpus(folder))",
)


@pytest.fixture
def views(built: Path, recorded: Callable[[str], Path]) -> Iterator[dict[str, View]]:
    with ExitStack() as opened:
        store = opened.enter_context(lg.open(recorded(BRANCHES)))
        many = opened.enter_context(lg.open_corpus(built))
        yield {
            "explore": widgets.explore(store),
            "reachability": widgets.reachability(store),
            "simulate": widgets.simulate(store),
            "corpus": widgets.corpus(many),
            "simulate a corpus": widgets.simulate(many),
        }


def bundle(view: View) -> dict[str, Any]:
    data: dict[str, Any] = view._repr_mimebundle_()[0]
    return data


def pictures(html: str) -> list[bytes]:
    """The pictures of a page."""
    found = re.findall(r'<img [^>]*src="data:image/png;base64,([^"]+)"', html)
    return [b64decode(one) for one in found]


def drawn(png: bytes) -> float:
    """The share of a picture that is not paper."""
    pixels = imread(BytesIO(png))[..., :3]
    return float((pixels < 1).any(axis=2).mean())


def test_each_has_a_picture_in_its_page_and_beside_it(views: dict[str, View]) -> None:
    for name, view in views.items():
        data, metadata = view._repr_mimebundle_()
        (picture,) = pictures(data["text/html"])
        assert picture == b64decode(data["image/png"]), name
        assert 0.01 < drawn(picture) < 0.9, name
        height, width = imread(BytesIO(picture)).shape[:2]
        told = metadata["image/png"]
        assert told["height"] / told["width"] == pytest.approx(height / width, rel=0.02), name
        assert repr(view) == data["text/plain"], name
        assert WIDGET in data, name


def test_a_converted_notebook_shows_them_without_a_kernel(
    built: Path, recorded: Callable[[str], Path], kernel: str, tmp_path: Path
) -> None:
    path = str(recorded(BRANCHES))
    setup = f"path, folder = {path!r}, {str(built)!r}"
    cells = [nbformat.v4.new_code_cell(source) for source in (setup, *CELLS)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(notebook, timeout=120, kernel_name=kernel, store_widget_state=False)
    client.execute(cwd=str(tmp_path))
    wanted = [
        b64decode(output.data["image/png"])
        for cell in notebook.cells
        for output in cell.outputs
        if output.output_type == "execute_result"
    ]
    assert len(wanted) == len(CELLS) - 1
    html, _ = HTMLExporter().from_notebook_node(notebook)
    assert pictures(html) == wanted
    for _, name in zip(range(9), lg.open(path).tree().active_path(), strict=False):
        assert name in html
    _, resources = LatexExporter().from_notebook_node(notebook)
    assert sorted(resources["outputs"].values()) == sorted(wanted)


def test_the_picture_follows_what_is_shown(views: dict[str, View]) -> None:
    explored = views["explore"]
    assert isinstance(explored, Explorer)
    before = bundle(explored)["image/png"]
    leaf = next(one for one in explored.graph.leaves() if one != explored.leaf)
    explored.leaf = leaf
    assert bundle(explored)["image/png"] != before
    explored.leaf = explored.graph.leaf
    assert bundle(explored)["image/png"] == before
    many: Any = views["corpus"]
    before = bundle(many)["image/png"]
    many.by = "kind"
    by_kind = bundle(many)["image/png"]
    many.filters = {"n_turns": ">= 15"}
    assert len({before, by_kind, bundle(many)["image/png"]}) == 3


def test_a_simulation_tells_the_plan_and_then_the_sweep(
    built: Path, tmp_path: Path, wired: type[Page]
) -> None:
    source = next(built.glob("research*.db"))
    path = Path(shutil.copy(source, tmp_path))
    with lg.open(path, "rw") as store:
        view: Any = widgets.simulate(store)
        page = wired(view)
        plan = view.wait(SECONDS)
        before = bundle(view)
        assert f"deletes {plan.deleted_blob_count} blobs" in before["text/html"]
        largest = plan.doomed().nlargest(1, "stored_bytes")["hash"].iloc[0]
        assert largest in before["text/html"]
        assert "swept" not in before["text/html"]
        page.set(no_backup=True)
        page.ask("review")
        view._work.wait(SECONDS)
        page.ask("sweep", typed=page.state["_sweep"]["word"])
        view.wait(SECONDS)
        after = bundle(view)
    assert "<b>swept</b>" in after["text/html"]
    for name, value in view.report.told().items():
        assert name in after["text/html"]
        assert value in after["text/html"]
    assert "deletes nothing" in after["text/html"]
    assert "deletes nothing" in after["text/plain"]
    assert largest not in after["text/html"]
    assert before["image/png"] != after["image/png"]


@pytest.mark.parametrize("kind", [*DAMAGES, "empty", "closed"])
def test_what_cannot_be_drawn_is_no_failure(kind: str, built: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(next(built.glob("branches*.db")), tmp_path))
    if kind in DAMAGES:
        damage(path, kind)
    with warnings.catch_warnings(), lg.open(":memory:" if kind == "empty" else path) as store:
        warnings.simplefilter("ignore", lg.errors.LashgraphWarning)
        if kind == "closed":
            store.close()
        for show in (widgets.explore, widgets.reachability, widgets.simulate):
            data = bundle(show(store))
            assert data["text/html"].startswith("<div><p>")
            assert "No picture" not in data["text/html"]


def test_why_there_is_no_picture_is_told() -> None:
    class Undrawn(Explorer):
        def _drawn(self) -> Axes:
            raise OverflowError("<b>too large</b>")

    with lg.open(":memory:") as store:
        data = bundle(Undrawn(store))
    assert "image/png" not in data
    assert "No picture: OverflowError: &lt;b&gt;too large" in data["text/html"]
