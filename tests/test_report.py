"""The page about a session or many: its numbers are those of the frames, and it does nothing."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import sqlite3
import sys
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import stores
from matplotlib.figure import Figure
from recorded import folder_state

import lashgraph as lg
from lashgraph.check import CODES
from lashgraph.cli import main
from lashgraph.errors import DamagedDataWarning, InvalidRecordError, UnwritablePathError
from lashgraph.format.html import Markup
from lashgraph.report import Report, report
from lashgraph.report.figures import MOST_MARKS, picture
from lashgraph.report.svg import inline_svg
from lashgraph.report.tables import counts, names, sums, table, times, words
from lashgraph.testing.corpus import build_corpus
from lashgraph.testing.hostile import BEACON, MARK, build_hostile

LONG = "sessions/long-300-c8fddabf35d16add.db.gz"
CODE = "sessions/rlm-code-01c638196ebbe841.db.gz"
PARENT = "sessions/parent-cli.db.gz"
TOOLS = "sessions/std-tools-366bbb0a4d808158.db.gz"
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
OPTIONS = lg.StoreOptions(clock=NOW.timestamp)
_VOID = {"meta", "img", "br"}
_LINKS = {"href", "src", "xlink:href", "action", "formaction", "data", "poster", "srcset"}


class Page(HTMLParser):
    """What a browser would make of a page: its elements, tables by caption, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.facts: dict[str, str] = {}
        self._rows: list[list[str]] = []
        self._caption = self._fact = ""
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len(dict(attrs)), f"an attribute of {tag} stands twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)
        if tag == "table":
            self._rows, self._caption = [], ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
        elif tag == "dt":
            self._fact = ""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "table":
            self.tables[self._caption.partition(". ")[2]] = self._rows

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if "caption" in self.open:
            self._caption += data
        elif "td" in self.open or "th" in self.open:
            self._rows[-1][-1] += data
        elif "dt" in self.open:
            self._fact += data
        elif "dd" in self.open:
            self.facts[self._fact] = self.facts.get(self._fact, "") + data

    def table(self, caption: str) -> list[dict[str, str]]:
        """The rows of the table whose caption begins so, by what stands above."""
        [rows] = [found for told, found in self.tables.items() if told.startswith(caption)]
        return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]

    def ids(self) -> list[str]:
        return [found["id"] or "" for _, found in self.elements if "id" in found]


def as_number(cell: str) -> int:
    return int(cell.replace(",", ""))


def page_of(path: Path, **options: Any) -> tuple[Report, Page]:
    with lg.open(path, options=OPTIONS) as store, warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedDataWarning)
        made = report(store, **options)
    return made, Page(made.html())


def check_inert(page: Page) -> None:
    """Nothing in it runs, loads, or leaves it."""
    assert {tag for tag, _ in page.elements}.isdisjoint(
        {"script", "iframe", "object", "embed", "link", "base", "form", "foreignobject", "animate"}
    )
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in _LINKS:
                assert value is not None
                assert value.startswith(("#", "data:image/png;base64,")), (tag, name, value[:80])
            if name == "style":
                assert "url(" not in (value or "").replace("url(#", "")
    [policy] = [
        found["content"]
        for tag, found in page.elements
        if tag == "meta" and found.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def check_links(page: Page) -> None:
    """Each id stands once, and each link and reference leads to one."""
    ids = page.ids()
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        href = attributes.get("href") or ""
        named = [href[1:]] if href.startswith("#") else []
        for value in attributes.values():
            named += re.findall(r"url\(#([^)]+)\)", value or "")
        named += (attributes.get("aria-labelledby") or "").split()
        assert set(named) <= set(ids)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A recorded store in a folder of its own, unpacked once."""
    known: dict[str, Path] = {}

    def found(name: str) -> Path:
        if name not in known:
            known[name] = stores.unpack(stores.find(name), tmp_path_factory.mktemp("store"))
        return known[name]

    return found


@pytest.mark.parametrize("name", [LONG, CODE])
def test_the_numbers_are_those_of_the_frames(name: str, unpacked: Callable[[str], Path]) -> None:
    path = unpacked(name)
    made, page = page_of(path)
    assert len(made.html()) < 2_000_000
    check_inert(page)
    check_links(page)
    assert made.complete
    assert made.made_at == NOW
    with lg.open(path) as store:
        [session] = store.sessions().to_dict("records")
        blobs, turns, usage = store.blobs(), store.turns(), store.usage()
        plan = store.plan_gc()
        forecast, retention = store.forecast(plan), store.retention()
        branches = store.tree().branches()
        held = store.reachability().retained()

    assert page.facts["session"] == session["session_id"]
    for fact, column in (("nodes", "n_nodes"), ("messages", "n_messages"), ("turns", "n_turns")):
        assert as_number(page.facts[fact]) == session[column]
    assert f"({session['file_bytes']:,} bytes)" in page.facts["file"]
    assert f"({session['blob_bytes']:,} bytes)" in page.facts["blobs, as stored"]
    last = f"{session['last_at']:%Y-%m-%d %H:%M:%S}"
    assert page.facts["last node (UTC)"] == last

    *kinds, total = page.table("Blobs by kind")
    for row in kinds:
        of = blobs[blobs["kind"] == row["kind"]]
        assert as_number(row["blobs"]) == len(of)
        assert as_number(row["stored (bytes)"]) == of["stored_bytes"].sum()
        dead = of.loc[~of["reachable_safe"], "stored_bytes"].sum()
        assert as_number(row["of it dead (bytes)"]) == dead
    assert as_number(total["stored (bytes)"]) == blobs["stored_bytes"].sum()
    assert as_number(total["of it dead (bytes)"]) == plan.deleted_bytes

    for row in page.table("Roots"):
        [root] = held[held["ref"] == row["root"]].to_dict("records")
        assert as_number(row["held alone (bytes)"]) == root["retained_bytes"]
    first = page.table("Branches")[0]
    assert as_number(first["nodes"]) == branches["n_nodes"].max()
    for row in page.table("The turns that wrote the most")[:-2]:
        [turn] = turns[turns["position"] == as_number(row["turn"]) - 1].to_dict("records")
        assert row["id"] == turn["turn_id"]
        assert as_number(row["new blobs (bytes)"]) == turn["new_blob_bytes"]
        assert as_number(row["input (tokens)"]) == turn["input_tokens"]
    tokens = page.table("Tokens by what used them")
    assert as_number(tokens[-1]["input (tokens)"]) == usage["input_tokens"].sum()

    reasons = {row["why"]: as_number(row["blobs"]) for row in page.table("Blobs by what the plan")}
    assert reasons["unreachable"] == plan.deleted_blob_count
    assert reasons["all"] == len(blobs)
    after = forecast.file_bytes_after_compact
    assert f"({after:,} bytes)" in page.facts["file after compact() too"]
    for row in page.table("What a collection would free"):
        [choice] = retention[retention["keep_turns"] == as_number(row["turns kept"])].to_dict(
            "records"
        )
        assert as_number(row["freed (bytes)"]) == choice["freed_bytes"]
        assert as_number(row["kept (bytes)"]) == choice["kept_bytes"]
    assert as_number(page.table("What a collection would free")[-1]["turns kept"]) == len(turns)


def test_tools_and_their_failures_are_told(unpacked: Callable[[str], Path]) -> None:
    path = unpacked(TOOLS)
    with lg.open(path) as store:
        calls = store.tool_calls()
    _, page = page_of(path)
    *tools, total = page.table("Tools")
    for row in tools:
        of = calls[calls["tool_name"] == row["tool"]]
        assert as_number(row["calls"]) == len(of)
        assert as_number(row["failed"]) == (of["status"] == "error").sum()
    assert as_number(total["calls"]) == len(calls)
    failed = page.table("Calls that failed")
    assert [row["tool"] for row in failed] == calls.loc[
        calls["status"] == "error", "tool_name"
    ].tolist()


def test_the_same_input_and_clock_make_the_same_page(unpacked: Callable[[str], Path]) -> None:
    path = unpacked(CODE)
    first, second = (page_of(path)[0].html() for _ in range(2))
    assert first == second
    assert "2026-03-04 05:06:07 UTC" in first


def test_a_policy_is_that_of_the_whole_page(unpacked: Callable[[str], Path]) -> None:
    path = unpacked(LONG)
    with lg.open(path) as store:
        plan = store.plan_gc(lg.GcPolicy.runtime(), keep_turns=7)
    _, page = page_of(path, policy=lg.GcPolicy.runtime(), keep_turns=7)
    assert as_number(page.table("Blobs by kind")[-1]["of it dead (bytes)"]) == plan.deleted_bytes
    text = "".join(page.texts)
    assert f"{plan.deleted_bytes:,} bytes" in text
    assert "the runtime policy, keeping the latest 7 turns" in text


EVERY = int(os.environ.get("LASHGRAPH_EXAMPLES", "0")) >= 100
"""Whether all damaged stores are reported on, or one of each kind."""

KINDS = (
    "healthy",
    "head-not-json",
    "head-row-absent",
    "manifest-absent",
    "node-cycle",
    "node-not-json",
    "turn-result-not-json",
)


@pytest.mark.parametrize(
    "name",
    stores.recorded_files("damaged/*.db.gz") if EVERY else [f"damaged/{k}.db.gz" for k in KINDS],
)
def test_damage_is_told_with_its_advice(name: str, unpacked: Callable[[str], Path]) -> None:
    file = unpacked(name)
    with lg.open(file) as store:
        findings, problems = store.check(), store.problems()
        refusal = store.reachability().findings
    made, page = page_of(file, children=False)
    check_inert(page)
    check_links(page)
    assert made.complete == (not len(problems))
    rows = (
        page.table("Findings of a quick check")[: findings["code"].nunique()]
        if len(findings)
        else []
    )
    found = {row["kind"]: as_number(row["findings"]) for row in rows}
    assert found == findings["code"].astype(str).value_counts().to_dict()
    text = "".join(page.texts)
    for code in found:
        assert CODES[code].advice in text
    for reason in refusal:
        assert reason[:200] in " ".join(text.split())
    assert ("A collection is refused." in text) == bool(refusal)


def test_an_empty_store_has_a_page() -> None:
    with lg.open(":memory:", options=OPTIONS) as store:
        made = report(store)
    page = Page(made.html())
    check_inert(page)
    check_links(page)
    assert made.complete
    assert page.facts["nodes"] == "0"
    assert sum(tag == "svg" for tag, _ in page.elements) == 7
    assert not page.tables or all(page.tables.values())


def test_what_sqlite_cannot_read_ends_its_section_alone(
    unpacked: Callable[[str], Path], tmp_path: Path
) -> None:
    path = Path(shutil.copy(unpacked(CODE), tmp_path / "cut.db"))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        [page_of_blobs] = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'graph_nodes'"
        ).fetchone()
        [size] = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page_of_blobs - 1) * size)
        file.write(bytes(size))
    made, page = page_of(path, children=False)
    assert not made.complete
    broken = {section.anchor for section in made.sections if not section.complete}
    assert "tree" in broken
    assert {"collection", "retention"}.isdisjoint(broken) or "tokens" not in broken
    assert "This could not be read: " in "".join(page.texts)
    assert page.table("Findings of a quick check")


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    path = build_hostile(tmp_path / "hostile.db")
    made, page = page_of(path)
    check_inert(page)
    check_links(page)
    for acting in ("\x1b", "\u202e", "\x00", "<!--", "\ud800"):
        assert acting not in made.html()
    text = " ".join("".join(page.texts).split())
    assert f"window.{MARK}=1" in text
    assert f'<img src="{BEACON}" onerror="window.{MARK}=1">' in text
    assert made._repr_html_().count("<script") == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sample sessions, and files that are none."""
    place = tmp_path_factory.mktemp("many")
    paths = build_corpus(place)
    (place / "broken.db").write_bytes(b"no database")
    (place / "cut.db").write_bytes(paths[0].read_bytes()[:9_000])
    (place / "empty.db").write_bytes(b"")
    return place


def report_of(folder: Path, **options: Any) -> tuple[Report, Page]:
    with lg.open_corpus(folder, options=OPTIONS) as corpus, warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedDataWarning)
        made = report(corpus, **options)
    return made, Page(made.html())


def test_a_folder_has_the_numbers_of_its_frames(folder: Path) -> None:
    before = folder_state(folder)
    made, page = report_of(folder)
    check_inert(page)
    check_links(page)
    assert folder_state(folder) == before
    assert not made.complete
    assert made.path == str(folder)
    with lg.open_corpus(folder) as corpus, warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedDataWarning)
        sessions, blobs, calls = corpus.sessions(), corpus.blobs(), corpus.tool_calls()
        plan, errors, skipped = corpus.plan_gc(), corpus.errors(), corpus.skipped()
        shared, families = corpus.shared_blobs(), corpus.families()
    *rows, total = page.table("Sessions")
    assert {row["session"] for row in rows} == set(sessions["session_id"])
    assert as_number(total["file (bytes)"]) == sessions["file_bytes"].sum()
    assert as_number(total["turns"]) == sessions["n_turns"].sum() == as_number(page.facts["turns"])
    assert as_number(page.table("Blobs by kind")[-1]["blobs"]) == len(blobs)
    n_calls = (calls["status"] != "orphan_result").sum()
    assert as_number(page.table("Tools")[-1]["calls"]) == n_calls
    assert as_number(page.facts["contents in several files"]) == len(shared)
    [family] = page.table("Families")
    [root] = families[families["n_children"] > 0].to_dict("records")
    assert family["first of the family"] == root["session_id"]
    assert as_number(family["turns"]) == root["total_n_turns"]
    verdicts = {row["verdict"]: as_number(row["files"]) for row in page.table("Files by verdict")}
    assert verdicts.pop("all") == len(plan.files)
    assert verdicts == {name: count for name, count in plan.counts.items() if count}
    *swept, total = page.table("Files that would be swept")
    assert len(swept) == plan.counts["sweep"]
    assert as_number(total["deleted (bytes)"]) == plan.deleted_bytes
    unread = page.table("What could not be read")
    assert {row["file"] for row in unread} == {"broken.db", "cut.db"}
    assert {row["error"] for row in unread} == set(errors["error"])
    assert {row["file"] for row in page.table("Files that are no sessions")} == {
        Path(path).name for path in skipped["path"]
    }


def test_processes_make_the_same_page(folder: Path) -> None:
    assert report_of(folder)[0].html() == report_of(folder, executor=2)[0].html()


def test_a_folder_of_nothing_but_broken_files(tmp_path: Path) -> None:
    for name in ("one.db", "two.db"):
        (tmp_path / name).write_bytes(name.encode() * 99)
    made, page = report_of(tmp_path)
    check_inert(page)
    check_links(page)
    assert not made.complete
    assert page.facts["sessions"] == "0"
    assert {row["file"] for row in page.table("What could not be read")} == {"one.db", "two.db"}
    assert {row["verdict"] for row in page.table("Files that are left out")} == {"unreadable"}


def test_an_empty_folder_has_a_page(tmp_path: Path) -> None:
    made, page = report_of(tmp_path)
    check_inert(page)
    assert made.complete
    assert page.facts["sessions"] == "0"


def test_an_export_tells_what_it_holds(folder: Path, tmp_path: Path) -> None:
    with lg.open_corpus(folder) as corpus, warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedDataWarning)
        corpus.to_parquet(tmp_path / "parquet", frames=["sessions", "blobs"])
    made, page = report_of(tmp_path / "parquet")
    states = {section.anchor: section.complete for section in made.sections}
    assert states["sessions"]
    assert states["bytes"]
    assert not states["collection"]
    assert as_number(page.facts["sessions"]) == 9


def test_a_family_is_found_beside_its_file(folder: Path) -> None:
    [parent] = folder.glob("survey-parent*.db")
    made, page = page_of(parent)
    alone, _ = page_of(parent, children=False)
    *members, total = page.table("The session's family")
    assert [row["session"] for row in members] == [
        "survey-child-a",
        "survey-child-b",
        "survey-parent",
    ]
    assert as_number(total["turns"]) == sum(as_number(row["turns"]) for row in members)
    assert "2 files beside it could not be read." in "".join(page.texts)
    assert [section.anchor for section in made.sections][:-1] == [
        section.anchor for section in alone.sections
    ]


def test_long_tables_say_what_they_leave_out() -> None:
    frame = pd.DataFrame(
        {
            "name": ["<b>", *map(str, range(29))],
            "size": np.arange(30),
            "depth": 1,
            "at": pd.NaT,
            "id": "<i>",
        }
    )
    columns = [words("name", "name"), sums("size", "size (bytes)"), counts("depth", "depth")]
    columns += [times("at", "at"), names("id", "id")]
    markup = table(Markup("Things."), frame, columns, unit="thing", most=20)
    [rows] = Page(markup).tables.values()
    assert len(rows) == 1 + 20 + 2
    assert rows[0] == ["name", "size (bytes)", "depth", "at (UTC)", "id"]
    assert rows[1] == ["<b>", "0", "1", "\N{EM DASH}", "<i>"]
    assert rows[-2] == ["10 more things", f"{sum(range(20, 30))}", "", "", ""]
    assert rows[-1] == ["all", f"{sum(range(30))}", "", "", ""]
    assert 'class="number"' in markup


def test_a_picture_of_many_marks_is_an_image() -> None:
    axes = Figure().subplots()
    axes.scatter(range(10), range(10))
    drawn = picture(axes, "f1")
    assert drawn.startswith("<svg")
    axes.scatter(range(MOST_MARKS), range(MOST_MARKS))
    axes.set_title("<b>\nmany", loc="left")
    image = picture(axes, "f1")
    assert image == picture(axes, "f1")
    assert image.startswith('<img src="data:image/png;base64,')
    assert 'alt="&lt;b&gt;. many"' in image
    assert len(image) < 200_000


def test_figures_share_no_ids_and_take_the_page_s_ink() -> None:
    axes = Figure(facecolor="#ffffff").subplots()
    axes.fill([0, 1, 1], [0, 0, 1], hatch="//", edgecolor="#222222")
    axes.set_title("x -- y --> z")
    one, other = (inline_svg(axes.figure, name, "a <drawing>") for name in ("a", "b"))
    assert one.replace('"a-', '"b-').replace("#a-", "#b-") == other
    assert not set(Page(one).ids()) & set(Page(other).ids())
    assert "var(--ink)" in one
    assert "var(--paper)" in one
    assert "#222222" not in one
    assert "<!--" not in one
    assert 'aria-label="a &lt;drawing&gt;"' in one


def test_a_page_is_saved_whole_or_not_at_all(
    unpacked: Callable[[str], Path], tmp_path: Path
) -> None:
    path = unpacked(PARENT)
    made, _ = page_of(path, children=False)
    target = tmp_path / "report.html"
    assert made.save(target) == target
    assert target.read_text() == made.html()
    with pytest.raises(UnwritablePathError, match="overwrite=True"):
        made.save(target)
    target.write_text("old")
    made.save(target, overwrite=True)
    assert target.read_text() == made.html()
    before = path.read_bytes()
    with pytest.raises(UnwritablePathError, match="database"):
        made.save(path, overwrite=True)
    assert path.read_bytes() == before
    with pytest.raises(UnwritablePathError, match="a folder"):
        made.save(tmp_path)
    assert [found.name for found in tmp_path.iterdir()] == ["report.html"]


def test_what_is_no_store_is_refused() -> None:
    with pytest.raises(InvalidRecordError, match="open Store or Corpus"):
        report("session.db")  # type: ignore[arg-type]
    with lg.open(":memory:") as store, pytest.raises(InvalidRecordError, match="GcPolicy"):
        report(store, "safe")  # type: ignore[arg-type]


class Done(NamedTuple):
    code: int
    out: str
    told: str


def run(*arguments: str | Path, cwd: Path) -> Done:
    """The command, in this process."""
    printed = [io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2)]
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(printed[0]),
        contextlib.redirect_stderr(printed[1]),
    ):
        patch.setattr(sys, "argv", ["lashgraph", "report", *map(str, arguments)])
        patch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as ended:
            main()
    texts = [stream.buffer.getvalue().decode() for stream in printed]  # type: ignore[attr-defined]
    return Done(int(ended.value.code or 0), *texts)


def test_the_command_writes_a_page(unpacked: Callable[[str], Path], tmp_path: Path) -> None:
    path = unpacked(CODE)
    done = run(path, "--no-children", "--policy", "runtime", "--keep-turns", "3", cwd=tmp_path)
    assert done.code == 0, done.told
    [written] = tmp_path.iterdir()
    assert written.name == f"{path.stem}-report.html"
    page = Page(written.read_text())
    check_inert(page)
    assert "the runtime policy, keeping the latest 3 turns" in "".join(page.texts)
    again = run(path, cwd=tmp_path)
    assert again.code == 1
    assert "--force" in again.told


def test_the_command_takes_a_folder_and_tells_what_failed(folder: Path, tmp_path: Path) -> None:
    done = run(folder, "-o", "-", cwd=tmp_path)
    assert done.code == 1, done.told
    page = Page(done.out)
    assert as_number(page.facts["sessions"]) == 9
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("asked", "code", "told"),
    [
        (("nowhere.db",), 2, "nowhere.db"),
        (("broken.db",), 1, "not an SQLite database"),
        (("broken.db", "-o", "."), 1, "a folder"),
        (("broken.db", "--policy", "none"), 2, "safe"),
    ],
)
def test_the_command_says_what_it_cannot_do(
    asked: tuple[str, ...], code: int, told: str, tmp_path: Path
) -> None:
    (tmp_path / "broken.db").write_bytes(b"no database")
    done = run(*asked, cwd=tmp_path)
    assert done.code == code
    assert told in done.told
    assert [found.name for found in tmp_path.iterdir()] == ["broken.db"]
