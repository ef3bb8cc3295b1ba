"""corpus() in a browser: what is seen is what the corpus answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from rig_page import NotebookPage
from rig_views import EVIL, drawn, ran_nothing

import lashgraph as lg
from lashgraph.testing.builders import SessionBuilder
from lashgraph.testing.corpus import build_corpus

OPEN = """import lashgraph as lg
many = lg.open_corpus("sessions")
view = lg.widgets.corpus(many)
view"""
expect.set_options(timeout=20_000)


@pytest.fixture
def folder(nb: NotebookPage) -> Path:
    build_corpus(nb.folder / "sessions")
    return nb.folder / "sessions"


def show(nb: NotebookPage, frontend: str = "lab") -> Page:
    page = nb.run([OPEN], frontend)
    expect(page.locator(".lgw-co-row").first).to_be_visible(timeout=30_000)
    expect(page.locator(".lgw-co-kind").first).to_be_visible()
    return page


def paths(page: Page) -> list[str]:
    """Files of the rows, from top to bottom; a corpus of the notebook's folder names them so."""
    return drawn(page, ".lgw-co-row", "path")


def row(page: Page, path: str) -> Locator:
    return page.locator(f".lgw-co-row[data-path='{path}']")


def is_selected(page: Page, path: str) -> None:
    expect(row(page, path)).to_be_visible()
    expect(row(page, path)).to_have_attribute("aria-selected", "true")
    expect(page.locator(".lgw-co-about dd").first).to_have_text(path)


def frame(page: Page, path: str) -> Locator:
    """The rectangle of a session."""
    return page.locator(f".lgw-co-frame[data-path='{path}']")


def test_sessions_are_sorted_filtered_and_selected(nb: NotebookPage, folder: Path) -> None:
    page = show(nb)
    with lg.open_corpus(folder) as corpus:
        sessions = corpus.sessions()
    sessions["path"] = [f"sessions/{Path(path).name}" for path in sessions["path"]]
    page.get_by_role("button", name="file", exact=True).click()
    largest = sessions.sort_values("file_bytes", ascending=False, kind="stable")["path"].tolist()
    nb.until(lambda: paths(page) == largest)
    assert nb.value("[view.sort, view.descending]") == ["file_bytes", True]
    header = page.get_by_role("columnheader", name="file", exact=True)
    expect(header).to_have_attribute("aria-sort", "descending")
    assert nb.value("view.shown['path'].tolist()") == largest
    page.locator(".lgw-co-row").nth(1).click()
    is_selected(page, largest[1])
    assert nb.value("view.selection") == largest[1]
    page.keyboard.press("End")
    is_selected(page, largest[-1])
    page.keyboard.press("ArrowUp")
    is_selected(page, largest[-2])
    page.keyboard.press("Home")
    is_selected(page, largest[0])
    chosen, drawn = page.locator(".lgw-co-chosen"), frame(page, largest[0])
    for side in ("x", "y", "width", "height"):
        expect(chosen).to_have_attribute(side, drawn.get_attribute(side) or "")
    frame(page, largest[1]).click()
    is_selected(page, largest[1])
    page.get_by_label("Filter of turns").fill(">= 12")
    passed = sessions.set_index("path").loc[largest].query("n_turns >= 12").index.tolist()
    nb.until(lambda: paths(page) == passed)
    assert nb.value("view.filters") == {"n_turns": ">= 12"}
    expect(page.get_by_text(f"{len(passed)} of {len(largest)}")).to_be_visible()
    page.get_by_label("Filter of turns").fill(">= many")
    expect(page.get_by_role("alert")).to_contain_text("write 3, >= 3, < 2 MB or 1..5")
    nb.until(lambda: paths(page) == passed)
    page.get_by_role("button", name="Clear filters").click()
    nb.until(lambda: paths(page) == largest)
    expect(page.get_by_role("alert")).to_be_hidden()
    nb.value("setattr(view, 'query', 'survey')")
    expect(page.get_by_label("Search names")).to_have_value("survey")
    nb.until(lambda: len(paths(page)) == 3)
    page.get_by_label("What the picture tells").select_option("kind")
    expect(page.locator(".lgw-co-kind", has_text="CheckpointManifest")).to_be_visible()
    nb.until(lambda: nb.value("view.by") == "kind")
    nb.shot("filtered")


def test_a_session_is_opened_inside(nb: NotebookPage, folder: Path) -> None:
    page = show(nb)
    path = next(one for one in paths(page) if "research-agent" in one)
    with lg.open(folder.parent / path) as store:
        order = store.tree().active_path()
    row(page, path).click()
    is_selected(page, path)
    page.keyboard.press("Enter")
    tree = page.get_by_role("tree")
    expect(tree).to_be_visible()
    assert nb.value("[view.opened, view.explorer.graph.session_id]") == [path, "research-agent"]
    page.get_by_role("treeitem").nth(2).click()
    expect(page.locator(".lgw-ex-panel dd").first).to_have_text(order[2])
    assert nb.value("view.explorer.selection") == order[2]
    tree.focus()
    page.keyboard.press("End")
    expect(page.locator(".lgw-ex-panel dd").first).to_have_text(order[-1])
    nb.shot("inside")
    page.get_by_role("button", name="All sessions").click()
    is_selected(page, path)
    assert nb.value("view.explorer is None and view.opened is None")
    nb.value(f"setattr(view, 'opened', {path!r})")
    expect(page.get_by_role("treeitem").first).to_be_visible()


def test_it_is_driven_while_a_cell_runs(nb: NotebookPage, folder: Path) -> None:
    page = show(nb)
    assert folder.is_dir()
    wanted = paths(page)[3]
    nb.begin(f"import time\nwhile view.opened != {wanted!r}: time.sleep(0.05)\nended = view.sort")
    page.get_by_role("button", name="garbage", exact=True).click()
    nb.until(lambda: paths(page)[3] != wanted)
    row(page, wanted).dblclick()
    expect(page.get_by_role("treeitem").first).to_be_visible()
    nb.finish()
    assert nb.value("ended") == "reclaimable_bytes"


def test_it_is_shown_in_each_front_end(nb: NotebookPage, folder: Path, frontend: str) -> None:
    page = show(nb, frontend)
    assert folder.is_dir()
    chosen = paths(page)[4]
    row(page, chosen).dblclick()
    expect(page.get_by_role("treeitem").first).to_be_visible()
    page.get_by_role("button", name="All sessions").click()
    is_selected(page, chosen)
    nb.shot(frontend)


def test_hostile_and_broken_files(nb: NotebookPage) -> None:
    folder = nb.folder / "sessions"
    folder.mkdir()
    name = EVIL.replace("/", "|").replace("'", "")
    with SessionBuilder(folder / f"{name}.db", EVIL, model=EVIL) as session:
        session.turn(EVIL, EVIL)
    with SessionBuilder(folder / "broken.db", "broken") as session:
        session.turn("question", "answer")
    (folder / "broken.db").write_bytes((folder / "broken.db").read_bytes()[:5_000])
    page = show(nb)
    assert set(paths(page)) == {"sessions/broken.db", f"sessions/{name}.db"}
    expect(page.get_by_role("status").first).to_contain_text("1 file cannot be read")
    lost = page.locator(".lgw-co-lost")
    expect(lost).to_contain_text(nb.value("many.errors()['error'].iloc[0]"))
    lost.click()
    page.keyboard.press("Enter")
    page.locator(".lgw-co-row:not(.lgw-co-lost)").click()
    expect(page.locator(".lgw-co-about dd").first).to_have_text(f"sessions/{name}.db")
    expect(page.locator(".lgw-co-name")).to_have_text(EVIL)
    page.get_by_label("What the picture tells").select_option("kind")
    nb.until(lambda: nb.faults.stderr)  # read on the callbacks' thread, where it warns as ever
    assert "DamagedDataWarning: blobs(): 1 files" in nb.faults.stderr.pop()
    page.get_by_role("button", name="Open", exact=True).click()
    page.get_by_role("treeitem").first.click()
    expect(page.locator(".lgw-ex-said")).to_have_text(EVIL)
    nb.begin("from IPython.display import HTML, display\ndisplay(HTML(str(view._static())))\nview")
    nb.finish()
    ran_nothing(page)
    nb.shot("hostile")
