"""reachability() in a real browser: what is shown of a blob is what why() says of it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import stores
from playwright.sync_api import Locator, Page, expect
from rig_page import NotebookPage

import lashgraph as lg
from lashgraph.testing.builders import SessionBuilder
from lashgraph.testing.corpus import build_corpus
from lashgraph.testing.large import build_large_blobs

LONG = "sessions/long-300-c8fddabf35d16add.db.gz"
CODE = "sessions/rlm-code-01c638196ebbe841.db.gz"
HOSTILE = '<img src=x onerror="window.hostile=1"><script>window.hostile=2</script>$x^2$\u202e'
CELL = """import lashgraph as lg
store = lg.open("store.db")
view = lg.widgets.reachability(store)
view"""
WAIT = 20_000


def put(nb: NotebookPage, name: str) -> Path:
    """A store of this name beside the notebook."""
    path = nb.folder / "store.db"
    if name == "built":
        made = build_corpus(nb.folder / "corpus")[0]
        shutil.copy(made, path)
    else:
        stores.unpack(stores.find(name), nb.folder).rename(path)
    return path


def widget(page: Page) -> Locator:
    found = page.get_by_role("group", name="What keeps what alive")
    expect(found).to_be_visible(timeout=WAIT)
    return found


def options(view: Locator) -> Locator:
    return view.get_by_role("listbox").get_by_role("option")


def lines(view: Locator) -> list[str]:
    return view.locator(".lgw-reach-answer > .lgw-reach-chains li").all_inner_texts()


def expect_answer(view: Locator, key: str, reach: lg.Reachability) -> None:
    """The answer for this blob is shown, and its row is the chosen one."""
    expect(view.locator(f".lgw-reach-answer [data-hash='{key}']")).to_be_visible(timeout=WAIT)
    assert lines(view) == reach.why(key).lines()
    chosen = view.get_by_role("listbox").get_by_role("option", selected=True)
    expect(chosen).to_have_attribute("data-hash", key)


def read(path: Path) -> tuple[lg.Reachability, list[str]]:
    """What is true of the store: its reachability, and its blobs, the largest first."""
    with lg.open(path) as store:
        reach = store.reachability()
    blobs = reach.blobs().sort_values("stored_bytes", ascending=False, kind="stable")
    return reach, blobs["hash"].tolist()


@pytest.mark.parametrize("name", [LONG, CODE, "built"])
def test_a_click_in_the_picture_tells_why(nb: NotebookPage, name: str) -> None:
    reach, hashes = read(put(nb, name))
    page = nb.run([CELL])
    view = widget(page)
    picture = view.locator(".lgw-reach-over")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box is not None
    seen: dict[str, str] = {}
    for x in range(4, int(box["width"]), 7):
        page.mouse.move(box["x"] + x, box["y"] + 36)
        tip = view.locator(".lgw-reach-tip").inner_text()
        found = [key for key in hashes if tip and key.startswith(tip.split()[0])]
        if not found or reach.why(found[0]).state in seen:
            continue
        page.mouse.click(box["x"] + x, box["y"] + 36)
        expect_answer(view, found[0], reach)
        seen[reach.why(found[0]).state] = found[0]
    assert set(seen) == {"live", "dead"}
    nb.until(lambda: nb.value("view.selection") == list(seen.values())[-1])
    nb.shot("clicked")


@pytest.mark.parametrize("name", [LONG, CODE, "built"])
def test_the_keyboard_chooses_and_tells_why(nb: NotebookPage, name: str) -> None:
    reach, hashes = read(put(nb, name))
    page = nb.run([CELL, "view.selection"])
    view = widget(page)
    listed = view.get_by_role("listbox")
    listed.press("ArrowDown")
    expect_answer(view, hashes[0], reach)
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect_answer(view, hashes[2], reach)
    page.keyboard.press("End")
    expect_answer(view, hashes[-1], reach)
    wanted = hashes[len(hashes) // 2]
    page.keyboard.type(wanted[:6])
    expect_answer(view, wanted, reach)
    page.wait_for_timeout(1_000)  # what was typed is forgotten
    page.keyboard.type("dd")  # which deletes a cell where the notebook gets it
    other = hashes[len(hashes) // 3]
    view.get_by_label("The beginning of a hash").fill(other[:8])
    expect_answer(view, other, reach)
    nb.until(lambda: nb.value("view.selection") == other)
    assert len(nb.cells()) == 2  # no key came through to the notebook


def test_a_filter_leaves_what_matches(nb: NotebookPage) -> None:
    reach, _ = read(put(nb, LONG))
    blobs = reach.blobs()
    page = nb.run([CELL])
    view = widget(page)
    view.get_by_label("State").select_option("dead")
    view.locator("[data-kind='PluginSessionSnapshot']").click()
    view.get_by_label("Least stored bytes").fill("3 kB")
    wanted = blobs[
        (blobs["state"] == "dead")
        & (blobs["kind"] == "PluginSessionSnapshot")
        & (blobs["stored_bytes"] >= 3_000)
    ].sort_values("stored_bytes", ascending=False, kind="stable")
    told = f"{len(wanted):,} of {len(blobs):,} blobs"
    expect(view.locator(".lgw-reach-count")).to_contain_text(told, timeout=WAIT)
    first = options(view).first
    expect(first).to_have_attribute("data-hash", wanted["hash"].iloc[0])
    expect(first).to_have_attribute("aria-setsize", str(len(wanted)))
    nb.until(lambda: nb.value("len(view.matching())") == len(wanted))
    nb.shot("filtered")
    view.get_by_label("Most stored bytes").fill("many")
    expect(view.locator(".lgw-reach-count")).to_contain_text("many is no number of bytes")
    view.get_by_role("button", name="Show all").click()
    expect(view.locator(".lgw-reach-count")).to_contain_text(f"{len(blobs):,} blobs,")
    nb.until(lambda: nb.value("[view.kinds, view.min_bytes, view.state]") == [[], None, ""])


def test_python_chooses_and_filters(nb: NotebookPage) -> None:
    reach, _ = read(put(nb, CODE))
    page = nb.run([CELL])
    view = widget(page)
    key = sorted(reach.live)[0]
    nb.value(f"setattr(view, 'selection', {key[:9]!r})")
    expect_answer(view, key, reach)
    nb.value("setattr(view, 'state', 'live')")
    expect(view.get_by_label("State")).to_have_value("live")
    shown = options(view)
    expect(shown).to_have_count(len(reach.live))
    assert {row.get_attribute("data-hash") for row in shown.all()} == reach.live


def test_ten_thousand_blobs_are_filtered_by_the_browser(nb: NotebookPage) -> None:
    build_large_blobs(nb.folder / "store.db", blobs=10_000, live=1_000, total_bytes=5_000_000)
    page = nb.run([CELL])
    view = widget(page)
    expect(view.locator(".lgw-reach-count")).to_contain_text("10,000 blobs,", timeout=WAIT)
    page.wait_for_timeout(500)
    before = nb.received
    view.get_by_label("State").select_option("live")
    expect(view.locator(".lgw-reach-count")).to_contain_text("1,000 of 10,000", timeout=1_000)
    page.wait_for_timeout(500)
    assert nb.received - before < 20_000
    nb.shot("large")


def test_it_answers_while_a_cell_runs(nb: NotebookPage) -> None:
    reach, hashes = read(put(nb, CODE))
    page = nb.run([CELL])
    view = widget(page)
    nb.begin("import time\nwhile view.state != 'dead': time.sleep(0.05)\nended = view.selection")
    for _ in range(2):
        view.get_by_role("listbox").press("ArrowDown")
    expect_answer(view, hashes[1], reach)
    view.get_by_label("State").select_option("dead")
    nb.finish()
    assert nb.value("ended") == hashes[1]


def test_each_front_end_tells_why(nb: NotebookPage, frontend: str) -> None:
    reach, hashes = read(put(nb, "built"))
    page = nb.run([CELL], frontend)
    view = widget(page)
    options(view).first.click()
    expect_answer(view, hashes[0], reach)
    page.keyboard.press("ArrowDown")
    expect_answer(view, hashes[1], reach)
    nb.shot("answer")


def test_hostile_names_run_nothing(nb: NotebookPage) -> None:
    path = nb.folder / "store.db"
    with SessionBuilder(path, HOSTILE) as session:
        for number in range(3):
            session.turn(f"{number}?", HOSTILE)
        session.store.put_module_artifact(f"lashlang:v1:sha256:{HOSTILE}", b"{}")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO blobs (hash, content) VALUES (?, ?)", (HOSTILE, b"0"))
        connection.commit()
    reach, hashes = read(path)
    page = nb.run(
        [
            CELL,
            "from IPython.display import HTML\nHTML(str(view._static()))",
        ]
    )
    view = widget(page)
    for key in hashes:
        view.get_by_role("listbox").press("ArrowDown")
        shown = lg.format.html.visible(key)
        expect(view.locator(".lgw-reach-answer .lgw-reach-hash")).to_have_text(shown)
        expect(view.locator(".lgw-reach-verdict")).to_be_visible(timeout=WAIT)
    roots = reach.roots()["ref"].tolist()
    nb.value(f"setattr(view, 'selection', {lg.format.html.visible(roots[-1])!r})")
    expect(view.locator(".lgw-reach-title")).to_have_text("root", timeout=WAIT)
    assert page.evaluate("window.hostile") is None
    assert page.locator("img[src=x]").count() == 0


def test_a_closed_and_an_empty_store_say_so(nb: NotebookPage) -> None:
    page = nb.run(
        [
            "import lashgraph as lg\nempty = lg.open(':memory:')\nlg.widgets.reachability(empty)",
            "empty.close()\nlg.widgets.reachability(empty)",
        ]
    )
    views: Any = page.get_by_role("group", name="What keeps what alive")
    expect(views.nth(0)).to_contain_text("There are no blobs.", timeout=WAIT)
    expect(views.nth(1).get_by_role("alert")).to_contain_text("the store was closed", timeout=WAIT)
