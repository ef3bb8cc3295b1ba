"""explore() without a browser: what it sends is what the store answers."""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Callable, Iterator
from itertools import pairwise
from math import log2
from pathlib import Path
from typing import Any

import ipywidgets
import pytest
import stores
from hypothesis import given
from hypothesis import strategies as st
from traitlets import TraitError
from widget_pages import HOSTILE, Page, tags_of, wired

import lashgraph as lg
from lashgraph.testing.builders import SessionBuilder, Step, ToolCall
from lashgraph.testing.damage import DAMAGES, damage
from lashgraph.testing.large import build_deep_path, build_large_graph
from lashgraph.tree import sketch
from lashgraph.widgets import explore
from lashgraph.widgets.explore_outline import Outline

assert wired


@pytest.fixture
def branched(recorded: Callable[[str], Path]) -> Iterator[lg.Store]:
    with lg.open(recorded("sessions/std-branches-f433cb31431b2d40.db.gz")) as store:
        yield store


def all_rows(page: Page) -> list[dict[str, Any]]:
    total = page.ask("rows", first=0, count=1)["total"]
    found: list[dict[str, Any]] = []
    while len(found) < total:
        found += page.ask("rows", first=len(found), count=400)["rows"]
    return found


def opened_wide(page: Page) -> list[dict[str, Any]]:
    page.widget.expanded = page.widget.graph.ids
    return all_rows(page)


def check_tree(levels: list[int], numbers: list[int], of: list[int]) -> None:
    """Levels go down one by one, and each group of siblings is counted through."""
    assert levels[:1] in ([], [1])
    assert all(below <= above + 1 for above, below in pairwise(levels))
    groups: list[list[int]] = []
    ended: list[list[int]] = []
    for row, level in enumerate(levels):
        while len(groups) > level:
            ended.append(groups.pop())
        if len(groups) < level:
            groups.append([])
        groups[-1].append(row)
    for group in ended + groups:
        assert [numbers[row] for row in group] == list(range(1, len(group) + 1))
        assert {of[row] for row in group} == {len(group)}


# The outline


@st.composite
def forests(draw: st.DrawFn) -> dict[str, str | None]:
    """Nodes in any load order, with forks, missing parents and cycles."""
    count = draw(st.integers(1, 40))
    parent = st.one_of(st.none(), st.integers(0, count + 1), st.just(-1))
    parents = [draw(parent) for _ in range(count)]
    return {
        f"n{at}": None if one is None else f"n{at - 1}" if one == -1 else f"n{one}"
        for at, one in enumerate(parents)
    }


@given(forests(), st.data())
def test_every_node_has_one_row_in_the_open_tree(
    parents: dict[str, str | None], data: st.DataObject
) -> None:
    names = list(parents)
    leaf = data.draw(st.none() | st.sampled_from(names))
    graph = sketch(parents, leaf)
    outline = Outline(graph, leaf)
    outline.open_only(range(len(names)))
    assert sorted(outline.rows) == list(range(len(names)))
    levels = [outline.level(at) for at in outline.rows]
    numbers, of = zip(*map(outline.standing, outline.rows), strict=True)
    check_tree(levels, list(numbers), list(of))
    assert max(levels) <= log2(len(names)) + 3
    path = graph.active_path() if leaf is not None else []
    assert [names[at] for at in range(len(names)) if outline.on_path[at]] == sorted(
        path, key=names.index
    )
    if leaf is not None and graph.depth(leaf) >= 0:
        shown = {names[at]: row for row, at in enumerate(outline.rows)}
        assert [shown[name] for name in path] == sorted(shown[name] for name in path)


@given(forests(), st.lists(st.integers(0, 39), max_size=12))
def test_opening_and_closing_one_by_one_ends_where_opening_at_once_does(
    parents: dict[str, str | None], clicks: list[int]
) -> None:
    graph = sketch(parents)
    outline = Outline(graph, None)
    for click in clicks:
        at = outline.rows[click % len(outline.rows)]
        if not outline.can_open(at):
            continue
        before = list(outline.rows)
        row, gone, came = outline.toggle(at)
        assert outline.rows[: row + 1] == before[: row + 1]
        assert outline.rows[row + 1 + came :] == before[row + 1 + gone :]
    again = Outline(graph, None)
    again.open_only(outline.opened)
    assert again.rows == outline.rows


@given(forests())
def test_the_way_to_a_node_shows_it(parents: dict[str, str | None]) -> None:
    graph = sketch(parents)
    for at in range(len(graph)):
        outline = Outline(graph, None)
        outline.open_only(outline.way_to(at))
        assert outline.place(at) is not None


# Rows against the store


@pytest.mark.parametrize("path", stores.recorded_params("sessions/*.db.gz"))
def test_rows_say_what_the_frames_say(path: Path, tmp_path: Path, wired: type[Page]) -> None:
    with lg.open(stores.unpack(path, tmp_path)) as store:
        page = wired(explore(store))
        rows = opened_wide(page)
        nodes = store.nodes().query("~tombstoned").set_index("node_id")
        messages = store.messages().set_index("node_id")
    assert sorted(row["id"] for row in rows) == sorted(nodes.index)
    check_tree(*[[row[name] for row in rows] for name in ("level", "number", "of")])
    for row in rows:
        node = nodes.loc[row["id"]]
        assert row["path"] == node["on_active_path"]
        assert row["fork"] == (node["n_children"] > 1)
        assert row["time"] == node["timestamp"].strftime("%H:%M:%S")
        if row["id"] in messages.index:
            assert row["who"] == messages.loc[row["id"], "author"]
    head = store_leaf(page)
    assert [row["id"] for row in rows if row["leaf"]] == ([head] if head else [])


def store_leaf(page: Page) -> str | None:
    leaf: str | None = page.state["_session"]["head"]
    return leaf


def test_a_long_session_is_sent_in_pieces(tmp_path: Path, wired: type[Page]) -> None:
    sizes = []
    for depth in (600, 6_000):
        build_deep_path(tmp_path / f"{depth}.db", depth)
        with lg.open(tmp_path / f"{depth}.db") as store:
            page = wired(explore(store))
        assert page.state["_rows"]["total"] == depth
        assert page.ask("rows", first=depth - 5, count=400)["rows"][-1]["level"] == 2
        sizes.append(page.bytes)
    assert sizes[1] < sizes[0] + 1_000 < 120_000


def test_opening_a_branch_sends_that_branch(tmp_path: Path, wired: type[Page]) -> None:
    build_large_graph(tmp_path / "large.db", nodes=3_000, text_bytes=300)
    with lg.open(tmp_path / "large.db") as store:
        page = wired(explore(store))
        graph = store.tree()
    closed = [row for row in all_rows(page) if row["open"] is False]
    assert closed
    for row in closed[:5]:
        sent = len(page.sent)
        page.ask("toggle", node=row["id"])
        changed = page.events[-1]["changed"]
        branch = {row["id"], *graph.descendants(row["id"])}
        assert {one["id"] for one in changed["rows"]} <= branch
        assert changed["rows"][0] | {"open": False} == row
        assert changed["came"] >= row["nodes"] - 1
        assert sum(one["bytes"] for one in page.sent[sent:]) < 40_000
        assert row["id"] in page.state["expanded"]
        page.ask("toggle", node=row["id"])
        assert page.events[-1]["changed"]["gone"] == changed["came"]
        assert row["id"] not in page.widget.expanded


# Traits, both ways


def test_a_selection_is_shown_wherever_it_was_made(branched: lg.Store, wired: type[Page]) -> None:
    page = wired(explore(branched))
    view = page.widget
    nodes = branched.nodes()
    aside = nodes.query("~on_active_path and is_leaf")["node_id"].iloc[0]
    assert aside not in {row["id"] for row in all_rows(page)}
    view.selection = aside
    rows = page.state["_rows"]
    assert rows["rows"][rows["at"] - rows["first"]]["id"] == aside
    assert page.state["_detail"]["id"] == aside
    assert view.node == branched.load_node(aside)
    page.set(selection=nodes["node_id"].iloc[0])
    assert view.selection == page.state["_detail"]["id"] == nodes["node_id"].iloc[0]
    page.set(selection=None)
    assert view.node is None
    assert page.state["_detail"] == {}


def test_an_unknown_node_is_refused(branched: lg.Store, wired: type[Page]) -> None:
    page = wired(explore(branched))
    for name in ("selection", "leaf"):
        before = page.state[name]
        with pytest.raises(TraitError, match="no node 'nowhere' in this graph of 25 nodes"):
            setattr(page.widget, name, "nowhere")
        page.set(**{name: "nowhere"})
        assert "no node 'nowhere'" in page.state["error"]
        assert page.state[name] == getattr(page.widget, name) == before
    with pytest.raises(TraitError, match="nowhere"):
        page.widget.expanded = ["nowhere"]
    page.set(error="")
    assert page.widget.error == ""


def test_another_leaf_shows_another_path(branched: lg.Store, wired: type[Page]) -> None:
    page = wired(explore(branched))
    leaves = branched.tree().leaves()
    assert {one["id"] for one in page.state["_session"]["leaves"]} == set(leaves)
    for leaf in leaves:
        page.set(leaf=leaf)
        expected = branched.tree().active_path(leaf)
        rows = all_rows(page)
        assert [row["id"] for row in rows if row["path"]] == page.widget.path == expected
        assert [row["id"] for row in rows if row["leaf"]] == [leaf]
        assert {row["level"] for row in rows if row["path"]} <= {1, 2}


def test_the_query_lists_what_says_it(branched: lg.Store, wired: type[Page]) -> None:
    page = wired(explore(branched))
    page.set(query="  BRANCH a ")
    parts = branched.parts()
    said = parts[parts["content"].str.casefold().str.contains("branch a", regex=False)]
    expected = list(dict.fromkeys(said["node_id"]))
    assert expected
    assert page.widget.found == [row["id"] for row in all_rows(page)] == expected
    assert page.state["_rows"]["found"]
    page.set(query="app_lookup")
    calls = branched.tool_calls()
    assert set(calls["call_node_id"]) <= set(page.widget.found)
    page.set(query="no such words")
    assert page.widget.found == all_rows(page) == []
    page.set(query="")
    assert len(all_rows(page)) == page.state["_rows"]["total"] > 0


def test_a_node_that_was_found_is_shown_in_the_tree_again(
    branched: lg.Store, wired: type[Page]
) -> None:
    page = wired(explore(branched))
    page.widget.query = "branch a question 5"
    (found,) = page.widget.found
    page.set(selection=found)
    assert page.widget.query != ""
    page.set(query="")
    rows = page.state["_rows"]
    assert rows["rows"][rows["at"] - rows["first"]]["id"] == found
    page.set(query="answer")
    assert page.ask("place", node=found)["row"] is not None
    assert page.widget.query == page.state["query"] == ""


def test_typing_finds_the_next_row(branched: lg.Store, wired: type[Page]) -> None:
    page = wired(explore(branched))
    labels = [row["text"].casefold() for row in all_rows(page)]
    first = next(row for row, text in enumerate(labels) if text.startswith("answer"))
    assert page.ask("typed", text="ANSW", first=0)["row"] == first
    assert page.ask("typed", text="answ", first=len(labels) - 1)["row"] in (first, len(labels) - 1)
    assert page.ask("typed", text="zzz", first=3)["row"] is None


def test_collapsing_leaves_the_path_and_the_selection(
    branched: lg.Store, wired: type[Page]
) -> None:
    page = wired(explore(branched))
    everything = opened_wide(page)
    page.ask("collapse")
    rows = all_rows(page)
    assert len(rows) < len(everything)
    assert {row["id"] for row in rows} >= set(page.widget.path)


# The selected node


def test_a_call_stands_beside_its_result(tmp_path: Path, wired: type[Page]) -> None:
    with SessionBuilder(tmp_path / "s.db", "s") as session:
        call = ToolCall("add", {"a": 2, "b": 2}, "it is four")
        session.turn("2 + 2?", "4", [call])
        store = session.store
        (row,) = store.tool_calls().to_dict("records")
        page = wired(explore(store))
        page.set(selection=row["call_node_id"])
        pieces = page.state["_detail"]["pieces"]
        assert json.loads(pieces[-2]["text"]) == {"a": 2, "b": 2}
        answered = pieces[-1]
        assert answered["text"] == "it is four"
        assert answered["other"] == row["result_node_id"]
        page.set(selection=row["result_node_id"])
        asked = page.state["_detail"]["pieces"][-1]
        assert json.loads(asked["text"]) == {"a": 2, "b": 2}
        assert asked["other"] == row["call_node_id"]


def test_a_step_shows_code_and_output(tmp_path: Path, wired: type[Page]) -> None:
    with SessionBuilder(tmp_path / "s.db", "s") as session:
        session.code_turn("count", [Step("print(6 * 7)", ["42"], final_output="done")])
        (step,) = session.store.steps().to_dict("records")
        page = wired(explore(session.store))
    page.set(selection=step["node_id"])
    shown = {piece["label"]: piece["text"] for piece in page.state["_detail"]["pieces"]}
    assert shown["code"] == "print(6 * 7)"
    assert shown["output"] == "42"
    assert shown["final output"] == "done"


def test_the_json_is_that_of_the_file(branched: lg.Store, wired: type[Page]) -> None:
    page = wired(explore(branched))
    for name in branched.nodes()["node_id"]:
        reply = page.ask("json", node=name)
        stored = branched.node_json(name)
        assert reply["stored"]
        assert stored is not None
        assert json.loads(reply["json"]) == json.loads(stored)


def test_a_long_text_is_sent_when_it_is_asked_for(tmp_path: Path, wired: type[Page]) -> None:
    text = "".join(f"{number:07d} " for number in range(20_000))
    with SessionBuilder(tmp_path / "s.db", "s") as session:
        session.turn("long?", text)
        page = wired(explore(session.store))
        answer = session.store.messages().query("role == 'Assistant'")["node_id"].iloc[0]
    page.set(selection=answer)
    (piece,) = page.state["_detail"]["pieces"]
    assert piece["cut"]
    assert text.startswith(piece["text"])
    assert piece["length"] == len(text)
    assert page.bytes < 120_000
    assert page.ask("text", node=answer, piece=0)["text"] == text
    assert "has 1 texts" in page.ask("text", node=answer, piece=1)["error"]


# Input that is not as it should be


@pytest.mark.parametrize("wrong", [None, "session.db", 3, [], object()])
def test_what_is_no_store_is_a_type_error(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"explore takes a Store, as lashgraph.open gives it, not"):
        explore(wrong)


def test_an_empty_store_has_no_rows(wired: type[Page]) -> None:
    with lg.open(":memory:") as store:
        page = wired(explore(store))
        assert all_rows(page) == []
        assert page.widget.error == page.widget.notice == page.widget.stale == ""
        assert "0 nodes" in repr(page.widget)
        assert page.ask("collapse") == {"answer": "test:2"}


@pytest.mark.parametrize("kind", sorted(DAMAGES))
def test_damage_is_told(kind: str, tmp_path: Path, wired: type[Page]) -> None:
    with SessionBuilder(tmp_path / "s.db", "s") as session:
        for number in range(3):
            session.turn(f"question {number}", f"answer {number}", [ToolCall("t", {}, "r")])
    damage(tmp_path / "s.db", kind)
    with lg.open(tmp_path / "s.db") as store:
        page = wired(explore(store))
        rows = opened_wide(page)
        problems = store.problems()
        told = page.ask("problems")
    assert told["count"] == len(problems) > 0
    assert told["rows"] == problems[["table", "key", "what"]].astype(str).values.tolist()
    assert len(rows) == len(page.widget.graph) > 0
    if kind == "node-not-json":
        assert "1 of the nodes cannot be read and are left out" in page.state["notice"]


@pytest.mark.parametrize("path", stores.recorded_params("damaged/*.db.gz"))
def test_recorded_damage_is_no_obstacle(path: Path, tmp_path: Path, wired: type[Page]) -> None:
    try:
        store = lg.open(stores.unpack(path, tmp_path))
    except lg.LashgraphError:
        pytest.skip("cannot be opened at all")
    with store, warnings.catch_warnings():
        warnings.simplefilter("error")
        page = wired(explore(store))
        rows = opened_wide(page)
        for row in rows[:: max(len(rows) // 10, 1)]:
            page.set(selection=row["id"])
            assert page.state["_detail"]["id"] == row["id"]
        assert page.ask("problems")["count"] == len(store.problems())
        assert page.widget.error == "" or not rows


def test_a_closed_store_leaves_what_was_read(branched: lg.Store, wired: type[Page]) -> None:
    page = wired(explore(branched))
    branched.close()
    name = page.widget.path[3]
    page.set(selection=name)
    assert page.state["_detail"]["id"] == name
    assert "the store was closed; what was read from it stays here" in page.state["stale"]
    reply = page.ask("json", node=name)
    assert not reply["stored"]
    assert json.loads(reply["json"])["node_id"] == name
    page.ask("reload")
    assert "the store was closed; open it again" in page.state["error"]
    assert len(all_rows(page)) > 0


def test_a_store_that_was_closed_before_is_told(branched: lg.Store, wired: type[Page]) -> None:
    branched.close()
    page = wired(explore(branched))
    assert "the store was closed; open it again" in page.state["error"]
    assert all_rows(page) == []


def test_a_changed_file_is_told_and_read_again(tmp_path: Path, wired: type[Page]) -> None:
    with SessionBuilder(tmp_path / "s.db", "s") as session:
        session.turn("one", "first")
    with lg.open(tmp_path / "s.db") as store:
        page = wired(explore(store))
        first = page.widget.path[0]
        page.set(selection=first)
        page.ask("look")
        assert page.state["stale"] == ""
        with lg.open(tmp_path / "s.db", mode="rw") as other:
            other.append_session_graph_nodes(
                [
                    {
                        "node_id": "new",
                        "parent_node_id": first,
                        "timestamp": "2026-01-01T00:00:00+00:00",
                        "kind": "plugin",
                        "plugin_type": "note",
                        "body": 1,
                    }
                ]
            )
        page.ask("look")
        assert "the file changed since it was read at" in page.state["stale"]
        assert "new" not in page.widget.graph
        page.ask("reload")
        assert page.state["stale"] == page.state["error"] == ""
        assert "new" in {row["id"] for row in all_rows(page)}
        assert page.widget.selection == first
        (tmp_path / "s.db").unlink()
        page.ask("look")
        assert "the file is gone" in page.state["stale"]


def test_a_session_that_went_on_is_followed_unless_a_leaf_was_chosen(
    tmp_path: Path, wired: type[Page]
) -> None:
    with SessionBuilder(tmp_path / "s.db", "s") as session:
        session.turn("one", "first")
        view = wired(explore(session.store)).widget
        early = view.leaf
        session.turn("two", "second")
        view.reload()
        assert view.leaf == session.leaf != early
        assert len(view.path) == 4
        view.leaf = early
        session.turn("three", "third")
        view.reload()
        assert view.leaf == early
        assert len(view.graph) == 6


@pytest.mark.parametrize(
    ("question", "facts", "said"),
    [
        ("rows", {"first": -1, "count": 3}, "first is a count of 0 or more, not -1"),
        ("rows", {"first": 0}, "count is a count of 0 or more, not None"),
        ("toggle", {"node": 3}, "node is a text, not 3"),
        ("toggle", {"node": "nowhere"}, "no node 'nowhere'"),
        ("json", {}, "node is a text, not None"),
        (["list"], {}, "TypeError"),
        ("nonsense", {}, "TypeError: no answer to 'nonsense'"),
    ],
)
def test_a_question_that_goes_wrong_is_told(
    branched: lg.Store, wired: type[Page], question: Any, facts: dict[str, Any], said: str
) -> None:
    page = wired(explore(branched))
    reply = page.ask(question, **facts)
    assert said in reply["error"]
    assert page.state["error"] == page.widget.error == reply["error"]
    assert page.widget.failure is not None


def test_hostile_texts_stay_texts(tmp_path: Path, wired: type[Page]) -> None:
    with SessionBuilder(tmp_path / "s.db", HOSTILE) as session:
        session.turn(HOSTILE, HOSTILE, [ToolCall(HOSTILE, {"a": HOSTILE}, HOSTILE)])
        session.store.append_session_graph_nodes(
            [
                {
                    "node_id": HOSTILE,
                    "parent_node_id": session.leaf,
                    "timestamp": HOSTILE,
                    "kind": "plugin",
                    "plugin_type": HOSTILE,
                    "body": {HOSTILE: HOSTILE},
                }
            ]
        )
        page = wired(explore(session.store))
        page.set(selection=HOSTILE)
        page.set(leaf=HOSTILE)
        rows = opened_wide(page)
        bundle = page.widget._repr_mimebundle_()[0]
    assert page.widget.error == ""
    assert any(row["id"] == HOSTILE for row in rows)
    shown = HOSTILE.replace("\u202e", "\ufffd")
    assert dict(map(tuple, page.state["_detail"]["facts"]))["node"] == shown
    assert all("\u202e" not in row["text"] for row in rows)
    tags = tags_of(bundle["text/html"])
    assert tags <= {"div", "p", "img", "table", "tr", "th", "td", "bdi"}
    assert "\u202e" not in bundle["text/html"] + bundle["text/plain"]


def test_the_static_form_shows_the_path(branched: lg.Store, wired: type[Page]) -> None:
    view = wired(explore(branched)).widget
    data, _ = view._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == view.model_id
    assert data["text/plain"].startswith("<explore(")
    assert "25 nodes, path of 9 nodes" in data["text/plain"]
    places = [data["text/html"].index(name) for name in view.path]
    assert places == sorted(places)


def test_any_thread_may_drive_it(tmp_path: Path, wired: type[Page]) -> None:
    build_large_graph(tmp_path / "large.db", nodes=800, text_bytes=100)
    with lg.open(tmp_path / "large.db") as store:
        page = wired(explore(store))
        view = page.widget
        names, leaves = view.graph.ids, view.graph.leaves()
        failed: list[BaseException] = []

        def drive(number: int) -> None:
            try:
                for step in range(30):
                    name = names[(37 * number + 11 * step) % len(names)]
                    page.set(selection=name)
                    place = page.ask("place", node=name)
                    page.ask("rows", first=place["row"] or 0, count=20)
                    page.ask("json", node=name)
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=drive, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        with store.snapshot():
            for leaf in leaves:
                view.leaf = leaf
        for thread in threads:
            thread.join(60)
        assert not failed
        assert not any(thread.is_alive() for thread in threads)
        assert view.error == ""
        path = view.graph.active_path(leaves[-1])
        assert [row["id"] for row in all_rows(page) if row["path"]] == path


def test_one_state_is_shown_by_all_views(branched: lg.Store, wired: type[Page]) -> None:
    view = explore(branched)
    page = wired(view)
    other = ipywidgets.Text()
    link = ipywidgets.link((view, "query"), (other, "value"))
    page.set(query="answer 3")
    assert other.value == "answer 3"
    link.unlink()
    other.close()
