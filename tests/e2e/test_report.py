"""Reports in a browser: from a file, without a network, and nothing in them acts."""

from __future__ import annotations

import re
import time
import warnings
from pathlib import Path

import pytest
import stores
from playwright.sync_api import BrowserContext, Page, expect

import lashgraph as lg
from lashgraph.errors import DamagedDataWarning
from lashgraph.report import report
from lashgraph.testing.corpus import build_corpus
from lashgraph.testing.hostile import MARK, build_hostile

LONG = "sessions/long-300-c8fddabf35d16add.db.gz"
CODE = "sessions/rlm-code-01c638196ebbe841.db.gz"
SCREENSHOTS = Path(__file__).parent / "screenshots"


class Watched:
    """A page, and all that went wrong or out on it."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.requests: list[str] = []
        self.faults: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda message: self.faults.append(message.text))
        self.page.on("dialog", lambda dialog: self.faults.append(dialog.message))

    def show(self, path: Path) -> Page:
        """Open a report; it is the only thing that is asked for."""
        self.page.goto(path.as_uri())
        self.page.wait_for_load_state("networkidle")
        assert self.requests == [path.as_uri()]
        assert self.faults == []
        return self.page


@pytest.fixture
def watched(context: BrowserContext) -> Watched:
    context.set_offline(True)
    return Watched(context)


def save(path: Path) -> Path:
    """The report on a file or a folder, beside it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedDataWarning)
        if path.is_dir():
            with lg.open_corpus(path) as corpus:
                made = report(corpus)
        else:
            with lg.open(path) as store:
                made = report(store, children=False)
    return made.save(path.with_name(f"{path.stem}-report.html"))


def cells(page: Page, caption: str) -> dict[str, list[str]]:
    """The body of the table whose caption has a text, by its first column."""
    table = page.locator("table").filter(has=page.locator("caption", has_text=caption))
    rows = table.locator("tbody tr").all()
    texts = [row.locator("td, th").all_inner_texts() for row in rows]
    return {row[0]: row[1:] for row in texts}


@pytest.mark.parametrize("name", [LONG, CODE])
def test_a_session_s_page_opens_offline(name: str, watched: Watched, tmp_path: Path) -> None:
    path = stores.unpack(stores.find(name), tmp_path)
    page = watched.show(save(path))
    with lg.open(path) as store:
        plan, blobs = store.plan_gc(), store.blobs()
    reasons = cells(page, "Blobs by what the plan does")
    assert reasons["unreachable"] == [f"{plan.deleted_blob_count:,}", f"{plan.deleted_bytes:,}"]
    kinds = cells(page, "Blobs by kind")
    assert set(kinds) == set(blobs["kind"])
    for figure in page.locator("figure").all():
        box = figure.locator("svg, img").bounding_box()
        assert box is not None
        assert box["width"] > 600
        assert box["height"] > 80
        assert figure.locator("[role=img]").get_attribute("aria-label")
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"report-{path.stem}.png", full_page=True)


def test_links_lead_to_their_sections_and_the_keyboard_reaches_them(
    watched: Watched, tmp_path: Path
) -> None:
    path = stores.unpack(stores.find(CODE), tmp_path)
    page = watched.show(save(path))
    page.emulate_media(reduced_motion="reduce")
    link = page.get_by_role("navigation").get_by_role("link", name="What a collection would do")
    link.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#collection$"))
    expect(page.locator("#collection-heading")).to_be_in_viewport()
    assert watched.faults == []


def test_a_dark_page_has_dark_figures(watched: Watched, tmp_path: Path) -> None:
    path = stores.unpack(stores.find(CODE), tmp_path)
    page = watched.show(save(path))

    def light_of(selector: str) -> float:
        style = f"getComputedStyle(document.querySelector('{selector}'))"
        rgb = page.evaluate(f"({style}.fill + {style}.backgroundColor).match(/\\d+/g).map(Number)")
        return sum(rgb[:3]) / 3

    paper = "figure svg path"
    assert light_of(paper) == 255
    page.emulate_media(color_scheme="dark")
    assert light_of(paper) < 40
    page.emulate_media(media="print")
    assert light_of(paper) == 255


def test_a_narrow_page_scrolls_in_its_figures_alone(watched: Watched, tmp_path: Path) -> None:
    path = stores.unpack(stores.find(LONG), tmp_path)
    watched.page.set_viewport_size({"width": 380, "height": 800})
    page = watched.show(save(path))
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
    wide = page.locator("figure .wide").first
    wide.focus()
    page.keyboard.press("ArrowRight")
    until = time.monotonic() + 10
    while not wide.evaluate("found => found.scrollLeft"):  # the page lets no waiting script in
        assert time.monotonic() < until


def test_a_folder_s_page_tells_what_failed(watched: Watched, tmp_path: Path) -> None:
    folder = tmp_path / "sessions"
    folder.mkdir()
    build_corpus(folder)
    (folder / "broken.db").write_bytes(b"no database")
    page = watched.show(save(folder))
    assert list(cells(page, "What could not be read")) == ["broken.db"]
    with lg.open_corpus(folder) as corpus, warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedDataWarning)
        plan = corpus.plan_gc()
    verdicts = cells(page, "Files by verdict")
    assert {name: int(row[0]) for name, row in verdicts.items()} == {
        name: count for name, count in plan.counts.items() if count
    }
    page.screenshot(path=SCREENSHOTS / "report-folder.png", full_page=True)


@pytest.mark.parametrize("many", [False, True], ids=["file", "folder"])
def test_hostile_text_does_nothing(watched: Watched, tmp_path: Path, *, many: bool) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    path = build_hostile(folder / "hostile.db")
    page = watched.show(save(folder if many else path))
    assert page.evaluate(f"window.{MARK}") is None
    assert page.locator("script, iframe, main img:not([src^='data:'])").count() == 0
    for link in page.locator("a").all():
        assert (link.get_attribute("href") or "").startswith("#")
    page.get_by_role("link").first.hover()
    assert f"window.{MARK}=1" in page.locator("body").inner_text()
    assert watched.faults == []
    assert len(watched.requests) == 1
