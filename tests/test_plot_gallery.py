"""The gallery: every figure is made again, none is blank, and the committed ones are small."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lashgraph as lg

GALLERY = Path(__file__).parents[1] / "docs" / "gallery"
COMMITTED = sorted(GALLERY.glob("*.png"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    make = runpy.run_path(str(GALLERY / "make.py"))["make"]
    return {path.name: path for path in make(tmp_path_factory.mktemp("gallery"))}


def test_the_script_makes_what_is_committed(made: dict[str, Path]) -> None:
    assert sorted(made) == [path.name for path in COMMITTED]
    for path in COMMITTED:
        with Image.open(path) as committed, Image.open(made[path.name]) as again:
            assert again.size == pytest.approx(committed.size, rel=0.02)


def test_no_picture_is_blank(made: dict[str, Path]) -> None:
    for path in [*made.values(), *COMMITTED]:
        seen = np.asarray(Image.open(path).convert("L"))
        assert seen.min() < 60, path
        assert 0.01 < (seen < 250).mean() < 0.9, path


def test_pictures_are_small() -> None:
    for path in COMMITTED:
        assert path.stat().st_size < 80_000, path


def test_every_figure_is_in_the_gallery_and_on_its_page() -> None:
    page = (GALLERY / "README.md").read_text()
    assert sorted(re.findall(r"\]\((\w+\.png)\)", page)) == [path.name for path in COMMITTED]
    for name in lg.plot.__all__:
        assert f"lg.plot.{name}(" in page
        assert (GALLERY / f"{name}.png").is_file()
