"""explore() in a browser: what is seen is what the store answers."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import stores
from playwright.sync_api import Locator, Page, expect
from rig_page import NotebookPage
from rig_views import EVIL, MARK, drawn, ran_nothing

import lashgraph as lg
from lashgraph.format.html import visible
from lashgraph.testing.builders import SessionBuilder, Step, ToolCall
from lashgraph.testing.large import build_large_graph

OPEN = """import lashgraph as lg
store = lg.open({!r})
view = lg.widgets.explore(store)
view"""
NOTES = f'[x](javascript:{MARK})<svg onload="{MARK}">'
SECOND = 1.0
expect.set_options(timeout=20_000)


def recorded(nb: NotebookPage, name: str) -> Path:
    return stores.unpack(stores.find(f"sessions/{name}.db.gz"), nb.folder)


def show(nb: NotebookPage, path: Path, frontend: str = "lab") -> tuple[Page, lg.SessionGraph]:
    with lg.open(path) as store:
        graph = store.tree()
    page = nb.run([OPEN.format(path.name)], frontend)
    expect(page.get_by_role("treeitem").first).to_be_visible(timeout=30_000)
    return page, graph


def rows(page: Page) -> list[str]:
    """Node ids of the rows that are drawn, from top to bottom."""
    return drawn(page, ".lgw-ex-row", "node")


def row(page: Page, node_id: str) -> Locator:
    return page.locator(f"[role=treeitem][data-node='{node_id}']")


def shown_node(page: Page, node_id: str) -> None:
    """The row is selected, and the panel is about its node."""
    expect(row(page, node_id)).to_have_attribute("aria-selected", "true")
    expect(page.locator(".lgw-ex-facts dd").first).to_have_text(node_id)


def shown_path(nb: NotebookPage, path: list[str]) -> None:
    """The rows that are marked are those of the path."""
    nb.until(lambda: drawn(nb.page, ".lgw-ex-on-path", "node") == path)


def contents(graph: lg.SessionGraph, node_id: str) -> list[str]:
    """Texts of a node that stand in the panel as they are."""
    message = graph[node_id].message
    if message is None:
        return []
    kinds = ("Text", "Prose", "ToolResult")
    return [part.content for part in message.parts if part.kind in kinds and part.content]


@pytest.mark.parametrize(
    "name", ["long-300-c8fddabf35d16add", "rlm-code-01c638196ebbe841", "std-tools-366bbb0a4d808158"]
)
def test_a_node_is_selected_by_mouse_keyboard_and_python(nb: NotebookPage, name: str) -> None:
    path = recorded(nb, name)
    page, graph = show(nb, path)
    order = graph.active_path()
    panel = page.locator(".lgw-ex-panel")
    for place in (1, 2, 3):
        page.get_by_role("treeitem").nth(place).click()
        shown_node(page, order[place])
        assert nb.value("view.selection") == order[place]
        for text in contents(graph, order[place]):
            assert visible(text) in panel.evaluate("panel => panel.textContent")
    page.keyboard.press("ArrowDown")
    shown_node(page, order[4])
    page.keyboard.press("End")
    shown_node(page, order[-1])
    page.keyboard.press("ArrowUp")
    shown_node(page, order[-2])
    page.keyboard.press("PageUp")
    page.keyboard.press("Home")
    shown_node(page, order[0])
    for key in "dd":  # in a notebook's command mode that deletes the cell
        page.keyboard.press(key)
    page.keyboard.press("End")
    shown_node(page, order[-1])
    assert len(nb.cells()) == 1
    chosen = order[len(order) // 2]
    nb.value(f"setattr(view, 'selection', {chosen!r})")
    shown_node(page, chosen)
    page.get_by_role("button", name="JSON", exact=True).click()
    stored = nb.value(f"store.node_json({chosen!r}).decode()")
    expect(page.locator(".lgw-ex-json")).to_be_visible()
    assert json.loads(page.locator(".lgw-ex-json").inner_text()) == json.loads(stored)
    page.get_by_role("button", name="Leaf", exact=True).click()
    shown_node(page, graph.leaf or "")
    nb.shot("leaf")


def test_branches_open_and_paths_are_switched(nb: NotebookPage) -> None:
    page, graph = show(nb, recorded(nb, "std-branches-f433cb31431b2d40"))
    closed = page.locator("[role=treeitem][aria-expanded=false]").first
    name = closed.get_attribute("data-node") or ""
    level = int(closed.get_attribute("aria-level") or 0)
    before = rows(page)
    closed.click()
    page.keyboard.press("ArrowRight")
    expect(row(page, name)).to_have_attribute("aria-expanded", "true")
    nb.until(lambda: len(rows(page)) > len(before))
    came = [one for one in rows(page) if one not in before]
    assert set(came) <= set(graph.descendants(name))
    for one in came:
        expect(row(page, one)).to_have_attribute("aria-level", str(level + 1))
    nb.until(lambda: name in nb.value("view.expanded"))
    page.keyboard.press("ArrowRight")
    shown_node(page, came[0])
    page.keyboard.press("ArrowLeft")
    shown_node(page, name)
    page.keyboard.press("ArrowLeft")
    nb.until(lambda: rows(page) == before)
    nb.until(lambda: name not in nb.value("view.expanded"))
    row(page, name).locator(".lgw-row-act").click()
    nb.until(lambda: len(rows(page)) > len(before))
    for leaf in graph.leaves():
        page.get_by_label("Path to the leaf").select_option(leaf)
        shown_path(nb, graph.active_path(leaf))
        expect(row(page, leaf)).to_be_visible()
        assert nb.value("view.leaf") == leaf
    other = next(leaf for leaf in graph.leaves() if leaf != graph.leaf)
    for leaf in (other, graph.leaf):
        nb.value(f"setattr(view, 'leaf', {leaf!r})")
        shown_path(nb, graph.active_path(leaf))


def test_what_is_searched_is_found(nb: NotebookPage) -> None:
    page, graph = show(nb, recorded(nb, "long-300-c8fddabf35d16add"))
    search = page.get_by_label("Search what is said")
    search.fill("PLEASE DO STEP 29")
    expected = [one for one in graph.ids if "please do step 29" in " ".join(contents(graph, one))]
    expect(page.get_by_text(f"{len(expected)} found")).to_be_visible()
    assert rows(page) == nb.value("view.found") == expected
    search.press("Enter")
    shown_node(page, expected[0])
    page.keyboard.press("ArrowDown")
    shown_node(page, expected[1])
    page.keyboard.press("Escape")
    expect(search).to_have_value("")
    shown_node(page, expected[1])
    after = graph.active_path()[graph.active_path().index(expected[1]) + 1]
    expect(row(page, after)).to_be_visible()
    nb.value("setattr(view, 'query', 'step 7 done')")
    expect(search).to_have_value("step 7 done")
    expect(page.get_by_text("1 found")).to_be_visible()


def test_it_is_driven_while_a_cell_runs(nb: NotebookPage) -> None:
    page, graph = show(nb, recorded(nb, "std-branches-f433cb31431b2d40"))
    order = graph.active_path()
    nb.begin(
        f"import time\nwhile view.selection != {order[5]!r}: time.sleep(0.05)\n"
        "ended = (view.selection, view.query)"
    )
    for name in (order[1], order[3]):
        row(page, name).click()
        shown_node(page, name)
    page.locator("[role=treeitem][aria-expanded=false] .lgw-row-act").first.click()
    expect(page.locator("[role=treeitem][aria-expanded=true]")).to_have_count(2)
    page.get_by_label("Search what is said").fill("answer")
    expect(page.get_by_text("found")).to_be_visible()
    page.get_by_label("Search what is said").fill("")
    expect(page.get_by_text("found")).to_have_count(0)
    row(page, order[5]).click()
    nb.finish()
    assert nb.value("ended") == [order[5], ""]
    shown_node(page, order[5])


def test_it_is_shown_in_each_front_end(nb: NotebookPage, frontend: str) -> None:
    page, graph = show(nb, recorded(nb, "std-branches-f433cb31431b2d40"), frontend)
    name = graph.active_path()[2]
    row(page, name).click()
    shown_node(page, name)
    for text in contents(graph, name):
        expect(page.locator(".lgw-ex-panel")).to_contain_text(text)
    nb.shot(frontend)


def test_hostile_texts_run_nothing(nb: NotebookPage) -> None:
    path = nb.folder / "hostile.db"
    with SessionBuilder(path, EVIL, model=EVIL) as session:
        session.turn(EVIL, NOTES, [ToolCall(EVIL, {EVIL: NOTES}, EVIL)], reasoning=EVIL)
        session.code_turn(EVIL, [Step(EVIL, [NOTES], final_output={EVIL: EVIL}, error=EVIL)])
        entry = {"node_id": EVIL, "parent_node_id": session.leaf, "timestamp": EVIL}
        body = {"kind": "plugin", "plugin_type": EVIL, "body": {EVIL: [NOTES]}}
        session.store.append_session_graph_nodes([entry | body])
    page, graph = show(nb, path)
    for number in range(len(graph)):
        item = page.get_by_role("treeitem").nth(number)
        item.click()
        expect(item).to_have_attribute("aria-selected", "true")
        name = item.get_attribute("data-node") or ""
        expect(page.locator(".lgw-ex-facts dd").first).to_have_text(visible(name))
        page.get_by_role("button", name="JSON", exact=True).click()
        expect(page.locator(".lgw-ex-json")).to_contain_text("onerror")
    nb.value(f"setattr(view, 'selection', {EVIL!r})")
    expect(page.locator(".lgw-ex-facts dd").first).to_have_text(EVIL)
    nb.value(f"setattr(view, 'leaf', {EVIL!r})")
    page.get_by_label("Search what is said").fill(EVIL)
    expect(page.get_by_text("found")).to_be_visible()
    nb.value(f"view.tell(ValueError({EVIL!r}))")
    expect(page.get_by_role("alert")).to_have_text(f"ValueError: {EVIL}Dismiss")
    nb.value(f"setattr(view, 'notice', {EVIL!r})")
    nb.begin("from IPython.display import HTML, display\ndisplay(HTML(str(view._static())))\nview")
    nb.finish()
    ran_nothing(page)
    nb.shot("hostile")


def test_a_lost_kernel_and_a_closed_store_are_told(nb: NotebookPage) -> None:
    page, graph = show(nb, recorded(nb, "std-branches-f433cb31431b2d40"))
    nb.value("store.close()")
    name = graph.active_path()[1]
    row(page, name).click()
    shown_node(page, name)
    expect(page.get_by_role("status").first).to_contain_text("the store was closed")
    page.get_by_role("button", name="Reload").click()
    expect(page.get_by_role("alert")).to_contain_text("the store was closed; open it again")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_role("alert")).to_be_hidden()
    nb.restart()
    expect(page.get_by_role("status").first).to_contain_text("The kernel that made this has ended")
    assert rows(page)[1] == name


def test_fifty_thousand_nodes_are_shown_at_once(nb: NotebookPage) -> None:
    path = nb.folder / "large.db"
    build_large_graph(path, nodes=50_000, text_bytes=200)
    with lg.open(path) as store:
        graph = store.tree()
    setup = "import time, lashgraph as lg, lashgraph.widgets\nstore = lg.open('large.db')"
    measure = "began = time.perf_counter()\nstore.nodes()\nspent = time.perf_counter() - began"
    page = nb.run([setup, measure, "lg.widgets.explore(lg.open(':memory:'))"])
    spent = nb.value("spent")
    expect(page.locator(".lgw")).to_be_visible()
    before = nb.received
    began = time.perf_counter()
    nb.begin("view = lg.widgets.explore(store)\nview")
    page.get_by_role("treeitem").first.wait_for()
    painted = time.perf_counter() - began
    nb.finish()
    print(f"nodes() {spent:.2f} s, first paint {painted:.2f} s")
    assert painted <= 2 * spent + SECOND
    chosen = graph.ids[40_000]
    nb.value(f"setattr(view, 'selection', {chosen!r})")
    shown_node(page, chosen)
    assert page.get_by_role("treeitem").count() < 100
    page.locator(".lgw-rows").last.focus()
    page.keyboard.press("End")
    last = nb.value("view._names(view._outline.rows[-1:])[0]")
    shown_node(page, last)
    assert nb.received - before < 2_000_000
