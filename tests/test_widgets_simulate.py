"""simulate() without a browser: its plans are plan_gc's, and its sweeps delete exactly the plan."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import traitlets
from recorded import blob_hashes, sha256
from widget_pages import Page, wired

import lashgraph as lg
from lashgraph import errors
from lashgraph.testing.builders import SessionBuilder
from lashgraph.testing.corpus import build_corpus
from lashgraph.testing.damage import DAMAGES, damage
from lashgraph.widgets import Simulation, simulate
from lashgraph.widgets.simulate_worker import Newest

assert wired
Recorded = Callable[[str], Path]

LONG = "sessions/long-300-c8fddabf35d16add.db.gz"
CODE = "sessions/rlm-code-01c638196ebbe841.db.gz"
HEALTHY = "damaged/healthy.db.gz"
HOSTILE = '<img src=x onerror="alert(1)">\u202e'
SECONDS = 60.0


@pytest.fixture(scope="module")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sessions to copy; nobody writes to them."""
    folder = tmp_path_factory.mktemp("corpus")
    build_corpus(folder)
    return folder


@pytest.fixture
def folder(corpus_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(corpus_folder, tmp_path / "sessions"))


@pytest.fixture(params=[LONG, CODE, "built"])
def path(request: pytest.FixtureRequest, recorded: Recorded, folder: Path) -> Path:
    return (
        sorted(folder.glob("research*.db"))[0]
        if request.param == "built"
        else recorded(request.param)
    )


@pytest.fixture
def store(path: Path) -> Iterator[lg.Store]:
    with lg.open(path, "rw") as opened:
        yield opened


@pytest.fixture
def code(recorded: Recorded) -> Iterator[lg.Store]:
    with lg.open(recorded(CODE), "rw") as opened:
        yield opened


def same(one: lg.GcPlan, other: lg.GcPlan) -> bool:
    return (one.fingerprint, one.doomed_hashes) == (other.fingerprint, other.doomed_hashes)


def figures(page: Page) -> dict[str, int]:
    return {one["name"]: one["bytes"] for one in page.state["_shown"]["figures"]}


def ready(page: Page) -> Page:
    """Wait for the plan, and for all that follows it."""
    page.widget.wait(SECONDS)
    return page


def reviewed(page: Page) -> str:
    """Ask for the sweep; returns the word that confirms it."""
    assert "refused" not in page.ask("review")
    page.widget._work.wait(SECONDS)
    assert page.state["_sweep"]["step"] == "review", page.state["_sweep"]
    return str(page.state["_sweep"]["word"])


# Plans


def test_each_control_gives_the_plan_of_plan_gc(store: lg.Store, wired: type[Page]) -> None:
    view = simulate(store)
    page = wired(view)
    assert same(view.plan, store.plan_gc())
    turn = store.turns()["ref"].iloc[0]
    best = store.plan_gc().deleted_bytes
    asked: list[dict[str, Any]] = [
        {"keep_turns": 2},
        {"policy": "runtime"},
        {"keep_turns": 0, "keep": [turn]},
        {"policy": "safe", "keep": [], "keep_turns": 3, "drop": [store.turns()["ref"].iloc[-1]]},
        {"drop": [], "keep_turns": 0, "free_bytes": best // 2},
    ]
    now: dict[str, Any] = {}
    for controls in asked:
        page.set(**controls)
        now |= controls
        policy = lg.GcPolicy(now.get("policy", "safe"))
        changes = {name: now[name] for name in ("keep_turns", "keep", "drop") if name in now}
        wanted = store.plan_gc(policy, free_bytes=now.get("free_bytes"), **changes)
        assert same(ready(page).widget.plan, wanted), controls
        before = wanted.deleted_bytes + wanted.kept_bytes
        assert figures(page) == {
            "before": before,
            "freed": wanted.deleted_bytes,
            "after": wanted.kept_bytes,
        }
        assert page.state["_shown"]["keep_turns"] == wanted.policy.keep_turns


def test_a_budget_of_the_file_is_met(code: lg.Store, wired: type[Page]) -> None:
    most = code.plan_gc(keep_turns=2).forecast().file_bytes_after_compact
    page = wired(simulate(code))
    page.set(max_file_bytes=most)
    assert same(ready(page).widget.plan, code.plan_gc(max_file_bytes=most))
    assert page.state["_shown"]["keep_turns"] >= 2


def test_the_rest_of_what_is_shown(store: lg.Store, wired: type[Page]) -> None:
    view = simulate(store)
    view.keep_turns = 2
    page = ready(wired(view))
    plan = store.plan_gc(keep_turns=2)
    frame = plan.doomed().nlargest(200, "stored_bytes", keep="first")
    blobs = store.blobs().set_index("hash")
    rows = page.state["_shown"]["rows"]
    assert [row[0] for row in rows] == frame["hash"].tolist()
    assert [row[1] for row in rows] == blobs.loc[frame["hash"], "kind"].tolist()
    assert bool(page.state["_shown"]["left_out"]) == (plan.deleted_blob_count > 200)
    retention = store.retention()[["keep_turns", "kept_bytes", "freed_bytes"]]
    line = page.state["_later"]["retention"]
    assert [[row["turns"], row["kept"], row["freed"]] for row in line] == retention.values.tolist()
    kept = {row["turns"]: row["kept"] for row in line}
    assert kept[page.state["_shown"]["keep_turns"]] == figures(page)["after"]
    told = dict(page.state["_later"]["file"])
    after = lg.gc.plan.bytes_text(plan.forecast().file_bytes_after_compact)
    assert told["file after sweep and compact()"] == after
    by_reason = sum(one["bytes"] for one in page.state["_shown"]["kept_by"])
    assert by_reason == plan.kept_bytes


def test_the_controls_begin_as_the_store_collects(recorded: Recorded) -> None:
    policy = lg.GcPolicy.runtime(keep_turns=2, since="2020-01-01")
    with lg.open(recorded(CODE), options=lg.StoreOptions(gc_policy=policy)) as store:
        view = simulate(store)
        assert (view.policy, view.keep_turns) == ("runtime", 2)
        assert view.wait(SECONDS).policy == policy


@pytest.mark.parametrize(
    ("controls", "error", "title"),
    [
        ({"keep": ["turn:none"]}, errors.UnknownRefError, "There is no such ref"),
        ({"free_bytes": 10**12}, errors.BudgetError, "No choice meets the budget"),
        ({"max_file_bytes": 1}, errors.BudgetError, "No choice meets the budget"),
        ({"drop": ["head"]}, errors.InvalidRecordError, "There is no plan"),
    ],
)
def test_what_cannot_be_planned_is_told(
    controls: dict[str, Any], error: type[Exception], title: str, code: lg.Store, wired: type[Page]
) -> None:
    view = simulate(code)
    page = wired(view)
    page.set(**controls)
    with pytest.raises(error) as caught:
        view.wait(SECONDS)
    shown = page.state["_shown"]
    assert (shown["state"], shown["title"]) == ("refused", title)
    assert shown["message"] == str(caught.value)
    assert view.plan is None
    assert "there is no plan" in page.ask("review")["refused"]
    view.keep, view.drop, view.free_bytes, view.max_file_bytes = [], [], None, None
    assert same(view.wait(SECONDS), code.plan_gc())


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_store_tells_why_it_is_refused(
    kind: str, folder: Path, wired: type[Page]
) -> None:
    path = sorted(folder.glob("research*.db"))[0]
    damage(path, kind)
    before = sha256(path.read_bytes())
    with lg.open(path) as store:
        page = wired(simulate(store))
        try:
            wanted = store.plan_gc()
        except errors.DamagedStoreError as error:
            assert page.state["_shown"]["findings"] == list(error.findings)
            assert page.state["_shown"]["message"] == str(error)
            assert page.state["_sweep"]["why_not"] == "there is no plan"
            assert error.findings[0] in page.widget._repr_mimebundle_()[0]["text/html"]
        else:
            assert same(ready(page).widget.plan, wanted)
    assert sha256(path.read_bytes()) == before


@pytest.mark.parametrize(
    "controls", [{"keep_turns": -1}, {"policy": "none"}, {"free_bytes": -5}, {"keep": [3]}]
)
def test_controls_take_only_what_they_may(
    controls: dict[str, Any], code: lg.Store, wired: type[Page]
) -> None:
    view = simulate(code)
    page = ready(wired(view))
    ((name, value),) = controls.items()
    before = getattr(view, name)
    with pytest.raises(traitlets.TraitError):
        setattr(view, name, value)
    page.set(**controls)
    assert page.state["error"]
    assert page.state[name] == getattr(view, name) == before
    assert same(ready(page).widget.plan, code.plan_gc())


def test_a_plan_that_is_set_is_shown_as_it_is(code: lg.Store, wired: type[Page]) -> None:
    view = simulate(code)
    page = ready(wired(view))
    turn = code.turns()["ref"].iloc[0]
    plan = code.plan_gc(lg.GcPolicy.runtime(keep_turns=2, keep=[turn]))
    view.plan = plan
    assert view.wait(SECONDS) is view.plan is plan
    names = ("policy", "keep_turns", "keep")
    assert [page.state[name] for name in names] == ["runtime", 2, [turn]]
    assert figures(page)["freed"] == plan.deleted_bytes
    view.plan = None
    assert same(view.wait(SECONDS), plan)
    assert view.plan is not plan
    for wrong in (3, "plan", lg.open_corpus([]).plan_gc()):
        with pytest.raises(traitlets.TraitError, match="plan is a GcPlan"):
            view.plan = wrong


def test_observers_see_each_plan(code: lg.Store) -> None:
    view = simulate(code)
    seen: list[Any] = []
    view.observe(lambda change: seen.append(change["new"]), "plan")
    view.keep_turns = 2
    plan = view.wait(SECONDS)
    assert seen == [None, plan]


# Threads


def test_controls_do_not_wait_for_plans_and_the_newest_wins(
    code: lg.Store, wired: type[Page]
) -> None:
    view = simulate(code)
    page = ready(wired(view))
    seen: list[Any] = []
    view.observe(lambda change: seen.append(change["new"]), "plan")
    with code.snapshot():  # whoever asks the store waits until this block ends
        started = time.monotonic()
        for turns in range(1, 31):
            page.set(keep_turns=turns % 4)
        page.set(keep_turns=3)
        assert time.monotonic() - started < 5
        assert page.state["_shown"]["state"] == "planning"
        assert view.plan is None
        assert "being computed" in page.ask("review")["refused"]
        with pytest.raises(TimeoutError):
            view.wait(0.01)
        assert "being computed" in repr(view)
    assert view.wait(SECONDS).policy.keep_turns == 3
    assert [plan.policy.keep_turns for plan in seen if plan is not None] == [3]


def test_a_thread_ends_when_nothing_is_left(code: lg.Store) -> None:
    view = simulate(code)
    view.keep_turns = 1
    view.wait(SECONDS)
    assert not [one for one in threading.enumerate() if one.name == "lashgraph-widget"]


def test_of_what_waits_only_the_newest_is_done() -> None:
    work, began, go = Newest(), threading.Event(), threading.Event()
    done: list[int] = []

    def first() -> None:
        began.set()
        go.wait(SECONDS)
        done.append(0)

    work.ask(first)
    assert began.wait(SECONDS)
    for number in range(1, 10):
        work.ask(partial(done.append, number))
    assert not work.wait(0.01)
    go.set()
    assert work.wait(SECONDS)
    assert done == [0, 9]


def test_a_store_in_memory_is_simulated(wired: type[Page]) -> None:
    with lg.open(":memory:") as store:
        key = store.put_blob(b"nobody names this")
        page = ready(wired(simulate(store)))
        assert page.widget.plan.doomed_hashes == (key,)
        page.set(no_backup=True)
        page.ask("sweep", typed=reviewed(page))
        ready(page)
        assert page.state["_sweep"]["step"] == "done"
        assert len(store.blobs()) == 0


# Sweeps


def test_a_sweep_deletes_exactly_the_plan(path: Path, tmp_path: Path, wired: type[Page]) -> None:
    before = blob_hashes(path)
    original = shutil.copy(path, tmp_path / "original.db")
    with lg.open(path, "rw") as store:
        view = simulate(store)
        page = wired(view)
        page.set(keep_turns=1)
        plan = view.wait(SECONDS)
        word = reviewed(page)
        assert word == store.session_id
        page.set(backup=str(tmp_path / "backups"), compact=True)
        assert "refused" not in page.ask("sweep", typed=word)
        view.wait(SECONDS)
        assert page.state["_sweep"]["step"] == "done"
        assert view.report.compacted
        assert dict(page.state["_sweep"]["facts"]) == view.report.told()
        assert before - blob_hashes(path) == set(plan.doomed_hashes)
        assert figures(page) == {"before": plan.kept_bytes, "freed": 0, "after": plan.kept_bytes}
        assert page.state["_sweep"]["why_not"] == "there is no garbage"
        assert page.state["stale"] == ""
    (backup,) = (tmp_path / "backups").glob("*.backup")
    assert view.report.backup == str(backup)
    assert lg.compare(original, backup).is_same


def test_nothing_is_deleted_without_the_word_and_the_backup(
    code: lg.Store, tmp_path: Path, wired: type[Page]
) -> None:
    page = ready(wired(simulate(code)))
    before = blob_hashes(Path(code.path))
    assert "look at the plan first" in page.ask("sweep", typed=code.session_id)["refused"]
    word = reviewed(page)
    for wrong in ("", None, word.upper(), word[:-1], f"{word}x", 3):
        assert f"type {word}" in page.ask("sweep", typed=wrong)["refused"]
    assert "name a folder for the backup" in page.ask("sweep", typed=word)["refused"]
    page.ask("close")
    page.set(backup=str(tmp_path / "backups"))
    assert "look at the plan first" in page.ask("sweep", typed=word)["refused"]
    page.widget._work.wait(SECONDS)
    assert blob_hashes(Path(code.path)) == before
    assert not (tmp_path / "backups").exists()
    assert page.widget.report is None


def test_another_plan_ends_the_review(code: lg.Store, wired: type[Page]) -> None:
    page = ready(wired(simulate(code)))
    word = reviewed(page)
    page.set(no_backup=True, keep_turns=2)
    ready(page)
    assert page.state["_sweep"]["step"] == "idle"
    assert "look at the plan first" in page.ask("sweep", typed=word)["refused"]


def test_a_backup_that_cannot_be_made_ends_the_sweep(
    code: lg.Store, tmp_path: Path, wired: type[Page]
) -> None:
    page = ready(wired(simulate(code)))
    before = blob_hashes(Path(code.path))
    (tmp_path / "file").write_text("no folder")
    word = reviewed(page)
    page.set(backup=str(tmp_path / "file"))
    page.ask("sweep", typed=word)
    ready(page)
    assert page.state["_sweep"]["step"] == "failed"
    assert str(tmp_path / "file") in page.state["_sweep"]["message"]
    assert blob_hashes(Path(code.path)) == before


def test_nothing_is_swept_in_a_store_that_was_opened_for_reading(
    path: Path, wired: type[Page]
) -> None:
    before = sha256(path.read_bytes())
    with lg.open(path) as store:
        page = ready(wired(simulate(store)))
        assert "opened for reading" in page.state["_sweep"]["why_not"]
        assert "opened for reading" in page.ask("review")["refused"]
        page.set(no_backup=True)
        assert "opened for reading" in page.ask("sweep", typed=store.session_id)["refused"]
        page.widget._work.wait(SECONDS)
    assert sha256(path.read_bytes()) == before


def test_what_no_release_proved_is_not_swept(recorded: Recorded, wired: type[Page]) -> None:
    path = recorded("versions/v1-alpha12.db.gz")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE artifact_refs")  # as alpha.10 writes it
    with lg.open(path, "rw") as store:
        view = simulate(store)
        page = ready(wired(view))
        assert view.plan.deleted_blob_count
        assert page.state["_sweep"]["why_not"] == view.plan.refusal != ""
        assert view.plan.refusal in page.ask("review")["refused"]


def test_a_stale_plan_is_shown_and_not_swept(recorded: Recorded, wired: type[Page]) -> None:
    path = recorded(CODE)
    with lg.open(path, "rw") as store:
        view = simulate(store)
        page = ready(wired(view))
        plan, word = view.plan, reviewed(page)
        with lg.open(path, "rw") as other:
            other.put_module_artifact("lashlang:v1:sha256:new", b"{}")
        before = blob_hashes(path)
        page.set(no_backup=True)
        page.ask("sweep", typed=word)
        view._work.wait(SECONDS)
        assert page.state["_sweep"]["step"] == "stale"
        assert "the roots moved" in page.state["_sweep"]["message"]
        assert blob_hashes(path) == before
        assert view.plan is plan
        page.ask("review")
        view._work.wait(SECONDS)
        assert page.state["_sweep"]["step"] == "stale"
        page.ask("again")
        assert view.wait(SECONDS).fingerprint != plan.fingerprint
        page.ask("sweep", typed=reviewed(page))
        view.wait(SECONDS)
        assert before - blob_hashes(path) == set(plan.doomed_hashes)


def test_a_plan_of_another_store_is_stale(code: lg.Store, folder: Path, wired: type[Page]) -> None:
    page = ready(wired(simulate(code)))
    with lg.open(sorted(folder.glob("research*.db"))[0]) as other:
        page.widget.plan = other.plan_gc()
    ready(page)
    page.ask("review")
    page.widget._work.wait(SECONDS)
    assert page.state["_sweep"]["step"] == "stale"
    assert "another" in page.state["_sweep"]["message"]


def test_an_alarming_plan_must_be_accepted(recorded: Recorded, wired: type[Page]) -> None:
    path = recorded(HEALTHY)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM session_head")
        connection.execute("DELETE FROM artifact_refs")
        connection.commit()
    before = blob_hashes(path)
    with lg.open(path, "rw") as store:
        view = simulate(store)
        page = wired(view)
        page.set(policy="runtime", no_backup=True)
        plan = view.wait(SECONDS)
        assert page.state["_shown"]["alarms"] == list(plan.alarms) != []
        assert "unusual" in page.ask("review")["refused"]
        page.set(accept_unusual=True)
        assert page.state["_sweep"]["why_not"] == ""
        page.set(keep_turns=1)
        view.wait(SECONDS)
        page.set(keep_turns=0)
        view.wait(SECONDS)
        assert page.state["accept_unusual"] is False
        assert "unusual" in page.ask("review")["refused"]
        page.set(accept_unusual=True)
        page.ask("sweep", typed=reviewed(page))
        view.wait(SECONDS)
    assert page.state["_sweep"]["step"] == "done"
    assert before - blob_hashes(path) == set(plan.doomed_hashes)


def test_a_closed_store_is_told(code: lg.Store, wired: type[Page]) -> None:
    view = simulate(code)
    page = ready(wired(view))
    code.close()
    page.set(keep_turns=2)
    with pytest.raises(errors.StoreClosedError):
        view.wait(SECONDS)
    assert "the store was closed" in page.state["_shown"]["message"]
    page = wired(simulate(code))
    assert "the store was closed" in page.state["error"]
    assert "the store was closed" in page.state["_shown"]["message"]


def test_hostile_names_are_texts(tmp_path: Path, wired: type[Page]) -> None:
    path = tmp_path / "hostile.db"
    with SessionBuilder(path, HOSTILE) as session:
        for number in range(3):
            session.turn(f"{number}?", HOSTILE)
    with lg.open(path, "rw") as store:
        page = ready(wired(simulate(store)))
        assert reviewed(page).startswith("sweep ")
        html = page.widget._repr_mimebundle_()[0]["text/html"]
    assert "&lt;img src=x" in html
    assert "<img src=x" not in html
    assert "\u202e" not in html


# Corpora


def test_a_corpus_has_a_row_for_each_file(folder: Path, wired: type[Page]) -> None:
    damage(sorted(folder.glob("long-chat*.db"))[0], "head-not-json")
    with lg.open_corpus(folder) as corpus:
        view = simulate(corpus)
        page = ready(wired(view))
        plan = corpus.plan_gc()
        assert view.plan.fingerprint == plan.fingerprint
        rows = page.state["_shown"]["rows"]
        told = {row[0]: (row[1], row[5]) for row in rows}
        wanted = {Path(row.path).name: (row.verdict, row.message or "") for row in plan.files}
        assert told == wanted
        assert figures(page)["freed"] == plan.deleted_bytes
        page.set(keep_turns=3, free_bytes=1_000)
        wanted_plan = corpus.plan_gc(keep_turns=3, free_bytes=1_000)
        assert view.wait(SECONDS).fingerprint == wanted_plan.fingerprint
        assert "opened for reading" in page.state["_sweep"]["why_not"]
        with pytest.raises(traitlets.TraitError, match="max_file_bytes is a budget of one store"):
            view.max_file_bytes = 3
        assert "refused" in view._repr_mimebundle_()[0]["text/html"]


def test_a_corpus_is_swept_as_planned(folder: Path, tmp_path: Path, wired: type[Page]) -> None:
    before = {path: blob_hashes(path) for path in folder.glob("*.db")}
    with lg.open_corpus(folder, mode="rw") as corpus:
        view = simulate(corpus)
        page = ready(wired(view))
        plan = view.plan
        word = reviewed(page)
        assert word == f"sweep {plan.counts['sweep']} files"
        assert f"type {word}" in page.ask("sweep", typed="sweep")["refused"]
        assert {path: blob_hashes(path) for path in before} == before
        page.set(backup=str(tmp_path / "backups"))
        page.ask("sweep", typed=word)
        view.wait(SECONDS)
        assert page.state["_sweep"]["step"] == "done"
        assert view.report.counts["done"] == plan.counts["sweep"]
        assert view.report.deleted_bytes == plan.deleted_bytes
        assert dict(page.state["_sweep"]["facts"]) == view.report.told()
        assert view.plan.counts["sweep"] == 0
    for row in plan.files:
        lost = len(before[Path(row.path)]) - len(blob_hashes(Path(row.path)))
        assert lost == (row.deleted_blob_count if row.verdict == "sweep" else 0)
    assert len(list((tmp_path / "backups").glob("*.backup"))) == plan.counts["sweep"]


def test_an_empty_corpus_has_nothing_to_sweep(wired: type[Page]) -> None:
    page = ready(wired(simulate(lg.open_corpus([], mode="rw"))))
    assert page.state["_shown"]["rows"] == []
    assert page.state["_sweep"]["why_not"] == "there is nothing to sweep"


@pytest.mark.parametrize("value", [None, "session.db", 3])
def test_what_is_neither_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="simulate takes a Store"):
        simulate(value)


def test_what_it_is_in_one_line(code: lg.Store) -> None:
    view = simulate(code)
    assert isinstance(view, Simulation)
    told = view._repr_mimebundle_()[0]
    assert f"deletes {view.plan.deleted_blob_count} blobs" in told["text/plain"]
    assert 'src="data:image/png;base64,iVBOR' in told["text/html"]
    assert view.plan.doomed()["hash"][0] in told["text/html"]
