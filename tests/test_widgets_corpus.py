"""corpus() without a browser: what it sends is what the corpus answers."""

# ruff: noqa: F811 - fixtures are taken by their names

from __future__ import annotations

import shutil
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from corpora import built, folder  # noqa: F401 - fixtures
from traitlets import TraitError
from widget_pages import HOSTILE, Page, tags_of, wired

import lashgraph as lg
from lashgraph.format.sizes import bytes_text
from lashgraph.testing.builders import SessionBuilder
from lashgraph.testing.damage import damage
from lashgraph.widgets import corpus as show

assert wired


@pytest.fixture
def many(folder: Path) -> Iterator[lg.Corpus]:
    with lg.open_corpus(folder) as corpus:
        yield corpus


def all_rows(page: Page) -> list[dict[str, Any]]:
    total = page.ask("rows", first=0, count=1)["total"]
    found: list[dict[str, Any]] = []
    while len(found) < total:
        found += page.ask("rows", first=len(found), count=400)["rows"]
    return found


def paths(page: Page) -> list[str]:
    return [row["id"] for row in all_rows(page)]


def test_the_table_shows_sessions(many: lg.Corpus, wired: type[Page]) -> None:
    page = wired(show(many))
    sessions = many.sessions().set_index("path")
    names = [column["name"] for column in page.state["_columns"]]
    rows = all_rows(page)
    assert sorted(row["id"] for row in rows) == sorted(sessions.index)
    for row in rows:
        cells = dict(zip(names, row["cells"], strict=True))
        session = sessions.loc[row["id"]]
        assert cells["session_id"] == session["session_id"]
        assert cells["n_nodes"] == f"{session['n_nodes']:,}"
        assert cells["reclaimable_bytes"] == bytes_text(session["reclaimable_bytes"])
        last = session["last_at"]
        assert cells["last_at"] == ("" if pd.isna(last) else f"{last:%Y-%m-%d %H:%M}")
        assert row["read"]
        assert row["error"] == ""


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", ["session_id", "n_nodes", "file_bytes", "last_at"])
def test_rows_are_sorted(
    many: lg.Corpus, wired: type[Page], sort: str, *, descending: bool
) -> None:
    page = wired(show(many))
    page.set(sort=sort, descending=descending)
    expected = (
        many.sessions()
        .sort_values("path")
        .sort_values(sort, ascending=not descending, kind="stable", na_position="last")
    )
    assert paths(page) == expected["path"].tolist()
    assert page.widget.shown["path"].tolist() == expected["path"].tolist()


@pytest.mark.parametrize(
    ("filters", "query"),
    [
        ({"n_turns": ">= 3"}, None),
        ({"n_turns": "1..2", "relation": "child"}, None),
        ({"file_bytes": "< 150 kB"}, None),
        ({"reclaimable_bytes": "= 0"}, None),
        ({"session_id": "SURVEY"}, None),
        ({}, "child-a"),
    ],
)
def test_filters_leave_what_passes(
    many: lg.Corpus, wired: type[Page], filters: dict[str, str], query: str | None
) -> None:
    page = wired(show(many))
    page.set(filters=filters, query=query or "")
    sessions = many.sessions()
    tests = {
        ">= 3": lambda values: values >= 3,
        "1..2": lambda values: (values >= 1) & (values <= 2),
        "< 150 kB": lambda values: values < 150_000,
        "= 0": lambda values: values == 0,
        "child": lambda values: values == "child",
        "SURVEY": lambda values: values.str.contains("survey"),
    }
    passed = np.ones(len(sessions), bool)
    for name, text in filters.items():
        passed &= tests[text](sessions[name]).to_numpy()
    if query is not None:
        passed &= sessions["session_id"].str.contains(query).to_numpy()
    assert 0 < passed.sum() < len(sessions)
    assert sorted(paths(page)) == sorted(sessions["path"][passed])
    assert page.state["_rows"]["of"] == len(sessions)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("filters", {"n_turns": ">= x"}, "write 3, >= 3, < 2 MB or 1..5"),
        ("filters", {"nowhere": "3"}, "no column 'nowhere' here"),
        ("filters", {"n_turns": 3}, "is a text, not 3"),
        ("sort", "nowhere", "no column 'nowhere' here"),
        ("selection", "nowhere", "'nowhere': no file of this corpus"),
        ("opened", "nowhere", "'nowhere': no file of this corpus"),
        ("by", "weight", "by"),
    ],
)
def test_what_cannot_be_is_refused(
    many: lg.Corpus, wired: type[Page], name: str, value: Any, said: str
) -> None:
    page = wired(show(many))
    before = getattr(page.widget, name)
    with pytest.raises(TraitError, match=said.replace(">", "").split(",")[0]):
        setattr(page.widget, name, value)
    page.set(**{name: value})
    assert said in page.state["error"]
    assert page.state[name] == getattr(page.widget, name) == before
    page.set(query="survey")
    assert page.state["error"] == ""


def test_a_selected_session_can_be_opened(many: lg.Corpus, wired: type[Page]) -> None:
    page = wired(show(many))
    with pytest.raises(lg.LashgraphError, match="no session is selected"):
        page.widget.selected_store()
    path = many.paths()[2]
    page.set(selection=path)
    assert ["file", path] in page.state["_facts"]
    with page.widget.selected_store() as store:
        assert store.path == path
    place = page.ask("place", path=path)["row"]
    assert paths(page)[place] == path
    page.set(filters={"session_id": "no such"})
    assert page.ask("place", path=path)["row"] is None


def test_a_session_is_opened_inside(many: lg.Corpus, wired: type[Page]) -> None:
    page = wired(show(many))
    path = many.paths()[1]
    page.set(opened=path)
    inner = page.widget.explorer
    assert page.state["explorer"] == f"IPY_MODEL_{inner.model_id}"
    assert page.widget.selection == path
    with many.open(path) as store:
        assert inner.graph.ids == store.tree().ids
    name = inner.graph.ids[0]
    assert wired(inner).ask("json", node=name)["stored"]
    other = many.paths()[0]
    page.widget.opened = other
    assert page.widget.explorer is not inner
    assert inner.comm is None
    page.set(opened=None)
    assert page.state["explorer"] is None
    assert page.widget.selection == other


def test_the_picture_shows_every_byte(many: lg.Corpus, wired: type[Page]) -> None:
    page = wired(show(many))
    sessions = many.sessions()
    blobs = many.blobs()
    area = {"garbage": sessions["reclaimable_bytes"].sum()}
    area["live"] = sessions["blob_bytes"].sum() - area["garbage"]
    check_picture(page.ask("picture"), sessions, area)
    kinds = blobs.groupby("kind", observed=True)["stored_bytes"].sum()
    check_picture(page.ask("picture", by="kind"), sessions, kinds.to_dict())
    page.set(by="kind")
    check_picture(page.ask("picture"), sessions, kinds.to_dict())
    page.set(filters={"session_id": "survey"})
    some = sessions[sessions["session_id"].str.contains("survey")]
    kept = blobs[blobs["path"].isin(some["path"])]
    kinds = kept.groupby("kind", observed=True)["stored_bytes"].sum()
    check_picture(page.ask("picture"), some, kinds.to_dict())


def check_picture(picture: dict[str, Any], sessions: pd.DataFrame, area: dict[str, int]) -> None:
    """Areas are bytes: of kinds, and of sessions."""
    whole = picture["width"] * picture["height"] / sum(area.values())
    for kind, size in area.items():
        drawn = sum(w * h for name, _, _, w, h in picture["pieces"] if name == kind)
        assert drawn == pytest.approx(size * whole, rel=0.03, abs=2)
    held = dict(zip(sessions["path"], sessions["blob_bytes"], strict=True))
    borders = {path: w * h for path, _, _, _, _, w, h in picture["borders"]}
    assert set(borders) == {path for path, size in held.items() if size}
    for path, drawn in borders.items():
        assert drawn == pytest.approx(held[path] * whole, rel=0.03, abs=2)


def test_files_that_fail_are_rows(folder: Path, wired: type[Page]) -> None:
    broken, partly = sorted(folder.glob("*.db"))[:2]
    broken.write_bytes(broken.read_bytes()[:5_000])
    damage(partly, "node-not-json")
    (folder / "noise.db").write_bytes(b"SQLite format 3\x00" + bytes(200))
    with lg.open_corpus(folder) as corpus, warnings.catch_warnings():
        warnings.simplefilter("error")
        page = wired(show(corpus))
        rows = {row["id"]: row for row in all_rows(page)}
        errors = corpus.errors()
    assert {row["id"] for row in rows.values() if row["error"]} == set(errors["path"])
    for path, message in zip(errors["path"], errors["message"], strict=True):
        assert message in rows[path]["error"]
    assert not rows[str(broken)]["read"]
    assert rows[str(broken)]["cells"][0] == broken.name
    failed = sum(not row["read"] for row in rows.values())
    assert f"{failed} files cannot be read" in page.state["notice"]
    with pytest.raises(TraitError, match=broken.stem):
        page.widget.opened = str(broken)
    page.set(selection=str(broken))
    assert page.widget.error == ""
    page.set(opened=str(broken))
    assert broken.name in page.state["error"]
    assert page.state["opened"] is None
    page.set(query="file is not a database", filters={})
    assert set(paths(page)) <= set(errors["path"])


def test_changed_files_are_told_and_read_again(folder: Path, wired: type[Page]) -> None:
    with lg.open_corpus(folder) as corpus:
        page = wired(show(corpus))
        page.ask("look")
        assert page.state["stale"] == ""
        first, second = corpus.paths()[:2]
        with lg.open(first, mode="rw") as store:
            store.put_blob(b"new" * 1000)
        Path(second).unlink()
        page.ask("look")
        assert "1 file changed and 1 file gone since this was read at" in page.state["stale"]
        page.ask("reload")
        assert page.state["stale"] == ""
        shown = page.widget.shown.set_index("path")
        with corpus.open(first) as store:
            assert shown.loc[first, "blob_bytes"] == store.blobs()["stored_bytes"].sum()
        assert "StoreNotFoundError" in {row["id"]: row["error"] for row in all_rows(page)}[second]


@pytest.mark.parametrize("wrong", [None, "folder", 3, [], object()])
def test_what_is_no_corpus_is_a_type_error(wrong: Any) -> None:
    with pytest.raises(
        TypeError, match=r"corpus takes a Corpus, as lashgraph\.open_corpus gives it"
    ):
        show(wrong)


def test_an_empty_folder_has_no_rows(tmp_path: Path, wired: type[Page]) -> None:
    with lg.open_corpus(tmp_path) as corpus:
        page = wired(show(corpus))
        assert all_rows(page) == []
        assert page.ask("picture")["pieces"] == []
        assert page.widget.error == page.widget.notice == page.widget.stale == ""
        assert "0 sessions" in repr(page.widget)


def test_hostile_texts_stay_texts(tmp_path: Path, wired: type[Page]) -> None:
    name = HOSTILE.replace("/", "|")
    with SessionBuilder(tmp_path / f"{name}.db", HOSTILE, model=HOSTILE) as session:
        session.turn(HOSTILE, HOSTILE)
    with lg.open_corpus(tmp_path) as corpus:
        page = wired(show(corpus))
        (row,) = all_rows(page)
        page.set(selection=row["id"])
        picture = page.ask("picture")
        bundle = page.widget._repr_mimebundle_()[0]
    assert page.widget.error == ""
    shown = HOSTILE.replace("\u202e", "\ufffd").strip()
    assert row["cells"][:2] == [shown, shown]
    assert [border[1].strip() for border in picture["borders"]] == [shown]
    assert tags_of(bundle["text/html"]) <= {"div", "p", "img", "table", "tr", "th", "td", "bdi"}
    assert "\u202e" not in bundle["text/html"] + bundle["text/plain"]


def test_the_static_form_shows_the_sessions(many: lg.Corpus, wired: type[Page]) -> None:
    view = wired(show(many)).widget
    view.sort, view.descending = "file_bytes", True
    data, _ = view._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == view.model_id
    names = view.shown["session_id"].tolist()
    places = [data["text/html"].index(name) for name in names]
    assert places == sorted(places)
    assert data["text/plain"].startswith("<corpus: 9 sessions, ")


def test_any_thread_may_drive_it(many: lg.Corpus, wired: type[Page]) -> None:
    page = wired(show(many))
    failed: list[BaseException] = []
    names = many.paths()

    def drive(number: int) -> None:
        try:
            for step in range(6):
                page.set(sort="n_nodes", descending=bool(step % 2))
                page.set(selection=names[(number + step) % len(names)])
                page.ask("rows", first=0, count=20)
                page.ask("picture")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=drive, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(8):
        page.widget.query = "survey"
        page.widget.query = ""
    for thread in threads:
        thread.join(60)
    assert not failed
    assert not any(thread.is_alive() for thread in threads)
    assert page.widget.error == ""
    assert sorted(paths(page)) == sorted(names)


def test_many_sessions_are_sent_in_pieces(tmp_path: Path, wired: type[Page]) -> None:
    with SessionBuilder(tmp_path / "first.db", "first") as session:
        session.turn("one", "two")
    for number in range(130):
        shutil.copy(tmp_path / "first.db", tmp_path / f"copy-{number:03d}.db")
    with lg.open_corpus(tmp_path) as corpus:
        page = wired(show(corpus))
        assert page.state["_rows"]["total"] == 131
        assert len(page.state["_rows"]["rows"]) == 60
        assert page.bytes < 150_000
        last = page.ask("rows", first=129, count=400)["rows"]
        assert [row["id"] for row in last] == corpus.paths()[129:]
