"""Every notebook runs from top to bottom, and draws what it says it draws."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

import nbformat
import pytest
from ipykernel.kernelspec import write_kernel_spec
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
KERNEL = "this-interpreter"
DRAWING = "drawing"
"""The tag of a cell that draws a figure."""
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a kernel that runs on this interpreter and on nobody's settings."""
    write_kernel_spec(tmp_path / "jupyter" / "kernels" / KERNEL)
    for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / "jupyter"))
    monkeypatch.delenv("MPLBACKEND", raising=False)  # with Agg, a kernel shows no figure
    return KERNEL


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def figures(cell: nbformat.NotebookNode) -> list[bytes]:
    """The PNG figures among the outputs of a cell; the picture of a widget is none."""
    shown = [output.get("data", {}) for output in cell.get("outputs", [])]
    drawn = [data["image/png"] for data in shown if "image/png" in data and WIDGET not in data]
    return [b64decode(one) for one in drawn]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs_and_draws(path: Path, kernel: str, tmp_path: Path) -> None:
    notebook = read(path)
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=120, kernel_name=kernel, resources=where).execute()
    nbformat.write(notebook, tmp_path / path.name)  # the executed copy, for a look at it
    for cell in notebook.cells:
        drawn = figures(cell)
        assert bool(drawn) == (DRAWING in cell.metadata.get("tags", [])), cell.source
        for figure in drawn:
            assert figure.startswith(b"\x89PNG")
            assert len(figure) > 5_000
        for output in cell.get("outputs", []):
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.text
    assert any(DRAWING in cell.metadata.get("tags", []) for cell in notebook.cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    for cell in read(path).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS
