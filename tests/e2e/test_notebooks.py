"""Each notebook in JupyterLab, one in Notebook 7 and Voila: run, and its figures seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from rig_page import NotebookPage

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
DRAWING = "drawing"
"""The tag of a cell that draws a figure."""
WIDGET = "application/vnd.jupyter.widget-view+json"

PICTURES = """selector => Promise.all(Array.from(document.querySelectorAll(selector)).map(
  async image => { await image.decode(); return [image.naturalWidth, image.naturalHeight]; }))"""


def drawing_cells(path: Path) -> list[int]:
    """Places, among the code cells, of those that draw."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return [at for at, cell in enumerate(cells) if DRAWING in cell.metadata.get("tags", [])]


def pngs(cell: dict[str, Any]) -> int:
    """How many figures; the picture that stands for a widget is none."""
    shown = [output.get("data", {}).keys() for output in cell["outputs"]]
    return sum("image/png" in kinds and WIDGET not in kinds for kinds in shown)


def decoded(nb: NotebookPage, selector: str) -> list[list[int]]:
    """Width and height of the images of a page, each of them decoded."""
    sizes: list[list[int]] = nb.page.evaluate(PICTURES, selector)
    return sizes


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_draws_its_figures_in_lab(nb: NotebookPage, path: Path) -> None:
    nb.run(path, seconds=180)
    cells = nb.cells()
    drawn = [at for at, cell in enumerate(cells) if pngs(cell)]
    assert drawn == drawing_cells(path)
    sizes = decoded(nb, ".jp-OutputArea-output.jp-RenderedImage img")
    assert len(sizes) == sum(map(pngs, cells)) >= len(drawn)
    for width, height in sizes:
        assert width > 300
        assert height > 150


@pytest.mark.parametrize("frontend", ["notebook", "voila"], indirect=True)
def test_a_notebook_draws_its_figures_elsewhere(nb: NotebookPage, frontend: str) -> None:
    path = NOTEBOOKS[0]
    nb.run(path, frontend, seconds=180)
    sizes = decoded(nb, ".jp-RenderedImage img")
    assert len(sizes) == len(drawing_cells(path))
    assert all(width > 300 and height > 150 for width, height in sizes)
