"""simulate() in a real browser: its figures are plan_gc's, and its sweep takes the plan's blobs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import stores
from playwright.sync_api import Locator, Page, expect
from recorded import blob_hashes
from rig_page import NotebookPage

import lashgraph as lg
from lashgraph.testing.builders import SessionBuilder
from lashgraph.testing.corpus import build_corpus

LONG = "sessions/long-300-c8fddabf35d16add.db.gz"
CODE = "sessions/rlm-code-01c638196ebbe841.db.gz"
HOSTILE = '<img src=x onerror="window.hostile=1"><script>window.hostile=2</script>$x^2$\u202e'
CELL = """import lashgraph as lg
store = lg.open("store.db", {!r})
view = lg.widgets.simulate(store)
view"""
WAIT = 30_000


def put(nb: NotebookPage, name: str) -> Path:
    """A store of this name beside the notebook."""
    path = nb.folder / "store.db"
    if name == "built":
        shutil.copy(build_corpus(nb.folder / "corpus")[0], path)
    else:
        stores.unpack(stores.find(name), nb.folder).rename(path)
    return path


def widget(page: Page) -> Locator:
    found = page.get_by_role("group", name="Simulation of a garbage collection")
    expect(found).to_be_visible(timeout=WAIT)
    return found


def expect_figures(view: Locator, plan: lg.GcPlan) -> None:
    """The figures, the marked point and the largest doomed blob are those of the plan."""
    wanted = {
        "before": plan.deleted_bytes + plan.kept_bytes,
        "freed": plan.deleted_bytes,
        "after": plan.kept_bytes,
    }
    for name, size in wanted.items():
        figure = view.locator(f"[data-figure='{name}']")
        expect(figure).to_have_attribute("data-bytes", str(size), timeout=WAIT)
    dot = view.locator(".lgw-sim-dot")
    expect(dot).to_have_attribute("data-turns", str(plan.policy.keep_turns), timeout=WAIT)
    expect(dot).to_have_attribute("data-bytes", str(plan.kept_bytes))
    doomed = plan.doomed().nlargest(1, "stored_bytes", keep="first")["hash"].tolist()
    rows = view.locator(".lgw-sim-doomed tbody tr")
    if doomed:
        expect(rows.first).to_have_attribute("data-row", doomed[0])
    else:
        expect(rows).to_have_count(0)


def confirm(view: Locator, word: str, backup: str) -> None:
    """Ask for the sweep, name the backup's folder, type the word; the button waits for both."""
    view.get_by_role("button", name="Sweep …").click()
    go = view.get_by_role("button", name="Sweep now")
    expect(go).to_be_disabled(timeout=WAIT)
    assert view.locator(".lgw-sim-word").inner_text() == word
    view.get_by_label("To confirm, type").fill(word)
    expect(go).to_be_disabled()
    view.get_by_label("Folder for the backup").fill(backup)
    expect(go).to_be_enabled()
    view.get_by_label("To confirm, type").fill(word[:-1])
    expect(go).to_be_disabled()
    view.get_by_label("To confirm, type").fill(word)
    go.click()


@pytest.mark.parametrize("name", [LONG, CODE, "built"])
def test_turned_controls_show_the_figures_of_the_plan(nb: NotebookPage, name: str) -> None:
    path = put(nb, name)
    page = nb.run([CELL.format("r")])
    view = widget(page)
    with lg.open(path) as store:
        expect_figures(view, store.plan_gc())
        view.get_by_role("spinbutton").fill("3")
        expect_figures(view, store.plan_gc(keep_turns=3))
        slider = view.get_by_role("slider")
        slider.press("ArrowLeft")
        slider.press("ArrowLeft")
        expect_figures(view, store.plan_gc(keep_turns=1))
        view.get_by_label("runtime").check()
        wanted = store.plan_gc(lg.GcPolicy.runtime(keep_turns=1))
        expect_figures(view, wanted)
        nb.until(lambda: nb.value("view.wait(30).fingerprint") == wanted.fingerprint)
        turn = store.turns()["ref"].iloc[0]
        view.get_by_label("Keep too", exact=True).fill(turn)
        view.get_by_label("Keep too", exact=True).press("Enter")
        wanted = store.plan_gc(lg.GcPolicy.runtime(keep_turns=1, keep=[turn]))
        nb.until(lambda: nb.value("view.wait(30).fingerprint") == wanted.fingerprint)
        nb.shot("turned")
        view.get_by_role("button", name=f"Take out {turn}").click()
        nb.value("setattr(view, 'plan', store.plan_gc(keep_turns=2))")
        expect(view.get_by_role("spinbutton")).to_have_value("2", timeout=WAIT)
        expect_figures(view, store.plan_gc(keep_turns=2))
        view.get_by_label("Budget", exact=True).select_option("free_bytes")
        view.get_by_label("Bytes of the budget").fill("1 TB")
        expect(view.locator(".lgw-sim-plan")).to_contain_text("No choice meets", timeout=WAIT)
        best = store.plan_gc().deleted_bytes
        view.get_by_label("Bytes of the budget").fill(str(best // 2))
        view.get_by_role("spinbutton").fill("0")
        wanted = store.plan_gc(lg.GcPolicy.safe(), free_bytes=best // 2)
        expect_figures(view, wanted)
    expect(view.get_by_role("button", name="Sweep …")).to_be_disabled()
    expect(view.locator(".lgw-sim-why-not")).to_contain_text("opened for reading")


@pytest.mark.parametrize("name", [LONG, CODE])
def test_a_sweep_takes_the_blobs_of_the_plan(nb: NotebookPage, name: str) -> None:
    path = put(nb, name)
    before = blob_hashes(path)
    original = shutil.copy(path, nb.folder / "original.db")
    page = nb.run([CELL.format("rw")])
    view = widget(page)
    view.get_by_role("spinbutton").fill("4")
    with lg.open(original) as store:
        plan, word = store.plan_gc(keep_turns=4), store.session_id
    expect_figures(view, plan)
    view.get_by_role("button", name="Sweep …").click()
    view.get_by_role("button", name="Cancel").click()
    assert blob_hashes(path) == before
    confirm(view, word, "backups")
    expect(view.get_by_role("heading", name="Swept and verified")).to_be_visible(timeout=WAIT)
    assert before - blob_hashes(path) == set(plan.doomed_hashes)
    (backup,) = (nb.folder / "backups").glob("*.backup")
    assert lg.compare(original, backup).is_same
    report = view.locator(".lgw-sim-report")
    expect(report).to_contain_text(str(backup))
    expect(report).to_contain_text(f"{plan.deleted_blob_count:,} blobs")
    assert nb.value("view.report.deleted_bytes") == plan.deleted_bytes
    expect(view.locator("[data-figure='freed']")).to_have_attribute("data-bytes", "0", timeout=WAIT)
    nb.shot("swept")
    view.get_by_role("button", name="Close").click()
    expect(view.locator(".lgw-sim-why-not")).to_contain_text("there is no garbage")


def test_a_stale_plan_is_not_swept(nb: NotebookPage) -> None:
    path = put(nb, CODE)
    page = nb.run([CELL.format("rw")])
    view = widget(page)
    with lg.open(path) as store:
        expect_figures(view, store.plan_gc())
        word = store.session_id
    view.get_by_role("button", name="Sweep …").click()
    expect(view.get_by_role("button", name="Sweep now")).to_be_visible(timeout=WAIT)
    with lg.open(path, "rw") as writer:
        writer.put_module_artifact("lashlang:v1:sha256:new", b"{}")
    before = blob_hashes(path)
    view.get_by_label("I want no backup").check()
    view.get_by_label("To confirm, type").fill(word)
    view.get_by_role("button", name="Sweep now").click()
    expect(view.get_by_role("heading", name="The plan is stale")).to_be_visible(timeout=WAIT)
    assert blob_hashes(path) == before
    nb.shot("stale")
    view.get_by_role("button", name="Plan anew").click()
    with lg.open(path) as store:
        expect_figures(view, store.plan_gc())
        nb.until(lambda: nb.value("view.wait(30).fingerprint") == store.plan_gc().fingerprint)


def test_it_plans_and_sweeps_while_a_cell_runs(nb: NotebookPage) -> None:
    path = put(nb, CODE)
    before = blob_hashes(path)
    with lg.open(path) as store:
        plan, word = store.plan_gc(keep_turns=2), store.session_id
    page = nb.run([CELL.format("rw")])
    view = widget(page)
    nb.begin("import time\nwhile view.report is None: time.sleep(0.05)")
    view.get_by_role("spinbutton").fill("2")
    expect_figures(view, plan)
    confirm(view, word, "backups")
    expect(view.get_by_role("heading", name="Swept and verified")).to_be_visible(timeout=WAIT)
    nb.finish()
    assert before - blob_hashes(path) == set(plan.doomed_hashes)


def test_a_corpus_is_planned_and_swept(nb: NotebookPage) -> None:
    folder = nb.folder / "corpus"
    build_corpus(folder)
    with lg.open_corpus(folder) as corpus:
        plan = corpus.plan_gc(keep_turns=2)
    before = {row.path: len(blob_hashes(Path(row.path))) for row in plan.files}
    page = nb.run(
        [
            "import lashgraph as lg\ncorpus = lg.open_corpus('corpus', mode='rw')\n"
            "view = lg.widgets.simulate(corpus)\nview"
        ]
    )
    view = widget(page)
    view.get_by_role("spinbutton").fill("2")
    freed = view.locator("[data-figure='freed']")
    expect(freed).to_have_attribute("data-bytes", str(plan.deleted_bytes), timeout=WAIT)
    told = {
        tuple(row.locator("td").all_inner_texts()[:2])
        for row in view.locator(".lgw-sim-doomed tbody tr").all()
    }
    assert told == {(Path(row.path).name, row.verdict) for row in plan.files}
    confirm(view, f"sweep {plan.counts['sweep']} files", "backups")
    expect(view.get_by_role("heading", name="Swept and verified")).to_be_visible(timeout=WAIT)
    for row in plan.files:
        lost = before[row.path] - len(blob_hashes(Path(row.path)))
        assert lost == (row.deleted_blob_count if row.verdict == "sweep" else 0)
    nb.shot("swept")


def test_each_front_end_simulates(nb: NotebookPage, frontend: str) -> None:
    path = put(nb, "built")
    page = nb.run([CELL.format("r")], frontend)
    view = widget(page)
    view.get_by_role("spinbutton").fill("6")
    with lg.open(path) as store:
        expect_figures(view, store.plan_gc(keep_turns=6))


def test_hostile_names_run_nothing(nb: NotebookPage) -> None:
    path = nb.folder / "store.db"
    with SessionBuilder(path, HOSTILE) as session:
        for number in range(3):
            session.turn(f"{number}?", HOSTILE)
        session.store.put_module_artifact(f"lashlang:v1:sha256:{HOSTILE}", b"{}")
    still = "from IPython.display import HTML\nHTML(str(view._static()))"
    page = nb.run([CELL.format("rw"), still])
    view = widget(page)
    view.get_by_label("Keep too", exact=True).fill(f"turn:{HOSTILE}")
    view.get_by_label("Keep too", exact=True).press("Enter")
    expect(view.locator(".lgw-sim-plan")).to_contain_text("There is no such ref", timeout=WAIT)
    view.get_by_role("button", name=re.compile("^Take out turn:<img")).click()
    view.get_by_role("button", name="Sweep …").click()
    expect(view.locator(".lgw-sim-word")).to_have_text(re.compile(r"^sweep \d+ blobs$"))
    assert page.evaluate("window.hostile") is None
    assert page.locator("img[src=x]").count() == 0


def test_a_kernel_that_ended_is_told(nb: NotebookPage) -> None:
    put(nb, CODE)
    page = nb.run([CELL.format("rw")])
    view: Any = widget(page)
    nb.restart()
    expect(view.locator(".lgw-notice")).to_contain_text("has ended", timeout=WAIT)
    expect(view.locator("[data-figure='before']")).to_be_visible()
