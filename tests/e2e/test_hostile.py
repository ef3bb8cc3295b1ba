"""A store whose every text is an attack, shown in a real browser: no page runs or loads any."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from hostile_views import documents, figures, hostile_folder, values
from playwright.sync_api import Page
from rig_page import NotebookPage

from lashgraph.testing.hostile import BEACON, MARK, TEXTS

TESTS = Path(__file__).resolve().parents[1]


class Tripwire:
    """Notes what a page does that only a script or a reference in it could make it do."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.dialogs: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))

    def open(self, path: Path) -> None:
        """Open a file, and touch what could act when it is touched."""
        self.page.goto(path.as_uri())
        self.asked.remove(path.as_uri())
        for place in ("[tabindex]", "[onmouseover]", "a", "summary"):
            for found in self.page.locator(place).all()[:3]:
                found.focus()
                found.hover(force=True)
                found.click(force=True)
        self.page.wait_for_timeout(200)

    def ran(self) -> bool:
        """Whether a script did."""
        return bool(self.page.evaluate(f"() => window.{MARK} === 1"))


@pytest.fixture
def wire(page: Page) -> Tripwire:
    return Tripwire(page)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return hostile_folder(tmp_path_factory.mktemp("hostile") / "sessions")


def written(path: Path, body: str) -> Path:
    path.write_text(f'<!DOCTYPE html><meta charset="utf-8"><body>{body}', encoding="utf-8")
    return path


def test_the_wire_is_tripped_by_each_text_that_runs(wire: Tripwire, tmp_path: Path) -> None:
    for name in ("image", "script", "vector", "frame", "style"):
        wire.open(written(tmp_path / f"{name}.html", TEXTS[name]))
        assert wire.ran(), name
    assert BEACON in wire.asked
    wire.open(written(tmp_path / "attribute.html", f'<p title="{TEXTS["attribute"]}">x</p>'))
    assert wire.ran()


def test_values_run_and_load_nothing(wire: Tripwire, folder: list[Path], tmp_path: Path) -> None:
    shown = [
        value._repr_html_()
        for _, value in values(folder, tmp_path)
        if hasattr(value, "_repr_html_")
    ]
    assert len(shown) > 100
    wire.open(written(tmp_path / "values.html", "<hr>".join(shown)))
    assert not wire.ran()
    assert not wire.asked
    assert not wire.dialogs
    told = wire.page.locator("body").inner_text()
    for name in ("image", "script", "attribute", "link", "entity", "mathjax"):
        assert TEXTS[name] in told, name


def test_documents_run_and_load_nothing(wire: Tripwire, folder: list[Path], tmp_path: Path) -> None:
    for name, document in documents(folder[0]).items():
        if name.endswith(".html"):
            path = tmp_path / name
            path.write_text(document, encoding="utf-8")
            wire.open(path)
            assert not wire.ran(), name
            assert TEXTS["script"] in wire.page.locator("body").inner_text(), name
    assert not wire.asked
    assert not wire.dialogs


def test_figures_in_a_page_run_and_load_nothing(
    wire: Tripwire, folder: list[Path], tmp_path: Path
) -> None:
    drawn = []
    for axes in figures(folder).values():
        svg = StringIO()
        axes.get_figure(root=True).savefig(svg, format="svg")  # type: ignore[union-attr]
        drawn.append(f"<svg{svg.getvalue().partition('<svg')[2]}")
    wire.open(written(tmp_path / "figures.html", "".join(drawn)))
    assert not wire.ran()
    assert not wire.asked
    assert wire.page.locator("svg").count() == len(drawn)


def test_a_notebook_that_shows_all_of_it_runs_and_loads_nothing(nb: NotebookPage) -> None:
    page = nb.run(
        [
            f"import sys\nsys.path.insert(0, {str(TESTS)!r})\n"
            "from pathlib import Path\n"
            "from IPython.display import Markdown, display\n"
            "from hostile_views import documents, figures, hostile_folder, values\n"
            "paths = hostile_folder(Path('sessions'))",
            "shown = [value for name, value in values(paths, Path()) if name[:4] != 'why ']\n"
            "display(*shown)",
            "drawn = list(figures(paths).values())\ndisplay(*drawn)",
            "texts = [text for name, text in documents(paths[0]).items() if name[-3:] == '.md']\n"
            "display(*map(Markdown, texts))",
        ]
    )
    page.wait_for_timeout(500)
    assert page.evaluate(f"() => window.{MARK}") is None
    outputs = page.locator(".jp-OutputArea-output")
    assert outputs.count() == nb.value("len(shown) + len(drawn) + len(texts)")
    assert outputs.locator("script, iframe, [onerror], [onload], [onfocus]").count() == 0
    assert outputs.locator("a[href^='javascript']").count() == 0
    assert outputs.locator("img").count() == nb.value("len(drawn)")
