"""The commands that read a session: tree, show, transcript, export."""

from __future__ import annotations

import json
import re
import sqlite3
import warnings
from collections.abc import Callable
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from commands import printed_json, run
from hypothesis import given
from hypothesis import strategies as st
from recorded import folder_state

import lashgraph as lg
from lashgraph.cli.drawing import Item, draw
from lashgraph.cli.names import NodeNames
from lashgraph.cli.passages import readable, safe_json
from lashgraph.errors import InvalidRecordError, UnknownNodeError
from lashgraph.store import session_family
from lashgraph.testing.builders import SessionBuilder, ToolCall

Recorded = Callable[[str], Path]
TOOLS = "sessions/std-tools-366bbb0a4d808158.db.gz"
CODE = "sessions/rlm-code-01c638196ebbe841.db.gz"
BRANCHES = "sessions/std-branches-f433cb31431b2d40.db.gz"
FRAMES = "sessions/std-frames-354909eb8f44e964.db.gz"
FAMILY = (
    "sessions/parent-cli.db.gz",
    "sessions/46005315-cc5f-4766-84af-b25a0aa3749f-61db59e5e79f96bd.db.gz",
    "sessions/ccd7e3a1-ae58-4556-b72f-6fd715dfe61b-e0c69e08d6eb8a70.db.gz",
    "sessions/host-child-ccdbd0e0dc9bbd39.db.gz",
)
HOSTILE = (
    "<img src=x onerror=alert(1)></pre></script><script>alert(2)</script><!-- ]]> &lt; "
    "\x1b[2J\x07\x9b \u202e\u2066rtl\u2069 <style>*{background:url(//evil.example)}</style>"
)


def on_a_terminal(width: int, *arguments: str | Path) -> list[str]:
    """The lines that a command prints on a terminal of this width, with their styles."""
    environment = {"FORCE_COLOR": "1", "COLUMNS": str(width), "TERM": "xterm-256color"}
    return run(*arguments, **environment).stdout.split("\n")


def json_of(*arguments: str | Path) -> Any:
    code, found = printed_json(*arguments)
    assert code == 0
    return found


# The tree


def test_the_tree_has_a_line_for_each_branch(recorded: Recorded) -> None:
    path = recorded(BRANCHES)
    before = folder_state(path.parent)
    done = run("tree", path)
    assert done.returncode == 0, done.stderr
    with lg.open(path) as store:
        tree = store.tree()
        branches = tree.branches()
    first, *lines = done.stdout.splitlines()
    assert f"{len(tree)} nodes, {len(branches)} branches" in first
    assert len(lines) == len(branches)
    marked = [line for line in lines if "●" in line]
    assert len(marked) == (branches["n_on_active_path"] > 0).sum()
    counts = [int(found) for line in lines for found in re.findall(r"[●○] (\d+) node", line)]
    assert sum(counts) == len(tree)
    assert sum("(leaf" in line for line in lines) == 1
    found = json_of("tree", path)
    assert [row["branch_id"] for row in found["branches"]] == branches["branch_id"].tolist()
    assert found["leaf_node_id"] == tree.leaf
    assert folder_state(path.parent) == before


def test_the_active_path_is_bold_on_a_terminal_and_goes_to_the_leaf_that_is_asked(
    recorded: Recorded,
) -> None:
    path = recorded(BRANCHES)
    with lg.open(path) as store:
        tree = store.tree()
    for leaf in tree.leaves():
        lines = on_a_terminal(80, "tree", path, "--leaf", leaf[:14])
        bold = {line.split("\x1b[1m")[1] for line in lines[1:] if "\x1b[1m" in line}
        on_path = set(tree.active_path(leaf))
        branches = {tree.branch_of(name) for name in on_path}
        assert len(bold) == len(branches)
        assert all(line.startswith("●") for line in bold)


def test_the_tree_of_messages_is_the_runtimes(recorded: Recorded) -> None:
    path = recorded(BRANCHES)
    with lg.open(path) as store:
        messages = store.tree().message_tree()
    lines = run("tree", path, "--messages").stdout.splitlines()[1:]
    assert len(lines) == len(messages)
    for role in ("User", "Assistant"):
        assert sum(f" {role}  " in line for line in lines) == (messages["role"] == role).sum()
    found = json_of("tree", path, "--messages")["messages"]
    assert [row["node_id"] for row in found] == messages["node_id"].tolist()


def test_no_line_is_wider_than_the_terminal(recorded: Recorded) -> None:
    path = recorded(TOOLS)
    for command in (["tree"], ["tree", "--messages"], ["transcript"], ["transcript", "--full"]):
        for width in (80, 120):
            lines = on_a_terminal(width, command[0], path, *command[1:])
            # The first line and what stands in a heading may be longer: the terminal wraps them.
            plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines[1:]]
            assert max(map(len, plain)) <= width
            assert max(map(len, plain)) > 40


@pytest.mark.parametrize("name", ["node-cycle", "node-missing-parent", "node-not-json"])
def test_damaged_trees_are_drawn_as_far_as_they_go(name: str, recorded: Recorded) -> None:
    path = recorded(f"damaged/{name}.db.gz")
    done = run("tree", path)
    lost = name == "node-not-json"
    assert done.returncode == (1 if lost else 0)
    assert ("cannot be read" in done.stderr) is lost
    assert ("(on a cycle)" in done.stdout) is (name == "node-cycle")
    assert "Traceback" not in done.stderr
    with warnings.catch_warnings(), lg.open(path) as store:
        warnings.simplefilter("ignore", lg.errors.DamagedDataWarning)
        n_branches = len(store.tree().branches())
    assert len(done.stdout.splitlines()) == n_branches + 1


def test_an_empty_store_has_an_empty_tree(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    lg.open(path, "create").close()
    done = run("tree", path)
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert "0 nodes" in done.stdout
    assert run("tree", path, "--messages").stdout.count("\n") == 1
    assert run("transcript", path).returncode == 0
    assert run("export", path, "-o", "-").stdout.startswith("<!DOCTYPE html>")


def test_lines_that_are_left_out_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "long.db"
    with SessionBuilder(path, "long") as session:
        for number in range(20):
            session.turn(f"Q{number}", f"A{number}")
    lines = run("tree", path, "--messages", "--lines", "7").stdout.splitlines()
    assert len(lines) == 9
    assert lines[-1] == "… 33 more lines; --lines 0 draws all"
    assert len(run("tree", path, "--messages", "--lines", "0").stdout.splitlines()) == 41


@st.composite
def forests(draw_from: st.DrawFn) -> list[Item]:
    count = draw_from(st.integers(0, 60))
    items = []
    for at in range(count):
        parent = draw_from(st.integers(-1, at - 1))
        items.append(Item(parent, draw_from(st.integers(1, 9)), draw_from(st.booleans())))
    return items


@given(forests())
def test_every_item_is_drawn_once_below_its_parent(items: list[Item]) -> None:
    drawn = list(draw(items))
    assert sorted(line.at for line in drawn) == list(range(len(items)))
    place = {line.at: number for number, line in enumerate(drawn)}
    for line in drawn:
        parent = items[line.at].parent
        if parent >= 0:
            assert place[parent] < place[line.at]
            above = len(drawn[place[parent]].lines)
            assert len(line.lines) in (above, above + 2)


@given(forests())
def test_a_tree_is_set_in_by_its_logarithm(items: list[Item]) -> None:
    off_path = [Item(item.parent, 1, on_path=False) for item in items]
    deepest = max((len(line.lines) // 2 for line in draw(off_path)), default=0)
    assert 2**deepest <= max(1, len(items))


def test_a_deep_comb_is_drawn_fast_and_narrow() -> None:
    items = [Item(-1, 1, on_path=True)]
    for at in range(0, 100_000, 2):
        items += [Item(at, 1, on_path=False), Item(at, 1, on_path=True)]
    widths = {len(line.lines) for line in draw(items)}
    assert widths == {1, 3}


# Node ids


@given(st.sets(st.text("ab:", min_size=1, max_size=9), max_size=30))
def test_a_short_name_finds_its_node_again(ids: set[str]) -> None:
    names = NodeNames(ids)
    for each in ids:
        assert names.find(names.short(each)) == each
        assert each.startswith(names.short(each))
        assert names.find(each) == each


@given(st.sets(st.text("ab:", min_size=1, max_size=9), max_size=30), st.text("ab:", max_size=5))
def test_a_beginning_means_one_node_or_is_refused(ids: set[str], given_: str) -> None:
    meant = [each for each in ids if each.startswith(given_)]
    names = NodeNames(ids)
    if given_ in ids:
        assert names.find(given_) == given_
    elif len(meant) == 1:
        assert names.find(given_) == meant[0]
    else:
        with pytest.raises(InvalidRecordError if meant else UnknownNodeError):
            names.find(given_)


# One node


def test_a_node_is_shown_with_the_other_end_of_its_calls(recorded: Recorded) -> None:
    path = recorded(TOOLS)
    with lg.open(path) as store:
        call = store.tool_calls().iloc[0]
    caller = run("show", path, call["call_node_id"][:9])
    assert caller.returncode == 0, caller.stderr
    assert caller.stdout.startswith(f"{call['call_node_id']}: Assistant\n")
    assert f"call of {call['tool_name']} ({call['call_id']}):" in caller.stdout
    assert f"ok after {call['seconds']:.3f} s, result in {call['result_node_id']}" in caller.stdout
    assert readable(call["result"]) in caller.stdout.replace("\n    ", "\n")
    answer = run("show", path, call["result_node_id"][:9])
    assert f"called by {call['call_node_id']}" in answer.stdout
    assert call["args"] in answer.stdout


def test_a_step_and_a_plugin_entry_are_shown(recorded: Recorded) -> None:
    code = recorded(CODE)
    with lg.open(code) as store:
        step = store.steps().iloc[0]
    shown = run("show", code, step["node_id"]).stdout
    assert f"{step['node_id']}: Step" in shown
    assert "\n    ".join(step["code"].split("\n")) in shown
    tools = recorded(TOOLS)
    with lg.open(tools) as store:
        entry = store.events().query("type == 'demo.note'").iloc[0]
    shown = run("show", tools, entry["node_id"]).stdout
    assert "plugin entry demo.note" in shown
    assert '"note": "host note"' in shown


@pytest.mark.parametrize("name", [TOOLS, CODE])
def test_json_is_what_the_file_holds(name: str, recorded: Recorded) -> None:
    path = recorded(name)
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT node_id, node_json FROM graph_nodes").fetchall()
    for node_id, text in rows[:6]:
        assert json_of("show", path, node_id) == json.loads(text)
    with lg.open(path) as store:
        assert {node_id: store.node_json(node_id) for node_id, _ in rows} == {
            node_id: text.encode() for node_id, text in rows
        }
        assert store.node_json("no such node") is None


def test_an_ambiguous_beginning_lists_what_it_could_be(recorded: Recorded) -> None:
    path = recorded(TOOLS)
    done = run("show", path, "m")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    listed = re.findall(r"\bm[0-9a-f]{7}\b", done.stderr)
    assert len(listed) == 8
    for each in listed[:2]:
        assert run("show", path, each).returncode == 0
    unknown = run("show", path, "zz")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "none of 25 node ids begins with 'zz'" in unknown.stderr


def test_what_is_tombstoned_or_unreadable_is_shown_too(recorded: Recorded) -> None:
    path = recorded("sessions/std-branches-tombstoned-c1f94a557c1e99e9.db.gz")
    with lg.open(path) as store:
        nodes = store.nodes()
    dead = nodes.loc[nodes["tombstoned"], "node_id"].iloc[0]
    done = run("show", path, dead)
    assert done.returncode == 0
    assert "yes, it waits for vacuum" in done.stdout
    damaged = recorded("damaged/node-not-json.db.gz")
    with closing(sqlite3.connect(damaged)) as connection:
        (torn,) = [
            row
            for row in connection.execute("SELECT node_id, node_json FROM graph_nodes")
            if not is_json(row[1])
        ]
    for arguments in ([], ["--json"]):
        done = run("show", damaged, torn[0], *arguments)
        assert done.returncode == 1
        assert torn[1][:20] in done.stdout
        assert "not JSON" in done.stdout + done.stderr


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


# The transcript


@pytest.mark.parametrize("name", [TOOLS, CODE, BRANCHES, FRAMES])
def test_the_transcript_is_the_sessions(name: str, recorded: Recorded) -> None:
    path = recorded(name)
    with lg.open(path) as store:
        found = store.tree().transcript()
    done = run("transcript", path, "--full")
    assert done.returncode == 0, done.stderr
    heads = re.findall(r"^(\d+)\. (.+?)  \d{4}-", done.stdout, re.MULTILINE)
    assert [head for _, head in heads] == [entry.speaker for entry in found.entries]
    flat = re.sub(r"\n *", "\n", done.stdout)
    for entry in found.entries:
        assert re.sub(r"\n *", "\n", readable(entry.words)) in flat
    assert json_of("transcript", path) == json.loads(found.json())


def test_a_transcript_takes_a_leaf_and_an_agent_frame(recorded: Recorded) -> None:
    path = recorded(FRAMES)
    with lg.open(path) as store:
        tree, frames = store.tree(), store.agent_frames()["frame_id"].tolist()
    for frame in frames:
        found = json_of("transcript", path, "--agent-frame", frame)
        assert found == json.loads(tree.transcript(agent_frame=frame).json())
    every = json_of("transcript", path, "--every-frame")
    assert every == json.loads(tree.transcript(every_frame=True).json())
    middle = every["entries"][3]["node_id"]
    short = json_of("transcript", path, "--every-frame", "--leaf", middle[:10])
    assert short["entries"] == every["entries"][:4]
    both = run("transcript", path, "--every-frame", "--agent-frame", frames[0])
    assert (both.returncode, both.stderr.count("\n")) == (2, 1)
    unknown = run("transcript", path, "--agent-frame", "nobody")
    assert unknown.returncode == 2
    assert frames[0] in unknown.stderr


def test_long_results_are_cut_until_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "long.db"
    result = "\n".join(f"line {number}" for number in range(400))
    with SessionBuilder(path, "long") as session:
        session.turn("Read it.", "Done.", [ToolCall("read", {}, result)])
    short, full = run("transcript", path).stdout, run("transcript", path, "--full").stdout
    assert "line 399" not in short
    left = len(result) - len("\n".join(result.split("\n")[:14]))
    assert f"… {left:,} more characters; --full shows them" in short
    assert "line 399" in full


# Export


class Page(HTMLParser):
    """The elements of a document, their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data!r}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"a processing instruction: {data!r}")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


OURS = {
    **dict.fromkeys(("head", "title", "style", "body", "h1", "h2", "h3", "dl", "dt", "dd", "bdi")),
    **dict.fromkeys(("article", "section", "time", "div", "pre", "details", "summary")),
    **dict.fromkeys(("html", "meta", "nav", "ol", "li", "a")),
}
ATTRIBUTES = {
    "html": {"lang"},
    "meta": {"charset", "http-equiv", "content", "name"},
    "a": {"href"},
    "section": {"id"},
    "article": {"class"},
    "div": {"class", "dir"},
    "pre": {"dir"},
}


def assert_nothing_came_from_the_content(text: str) -> Page:
    page = Page(text)
    for tag, attributes in page.elements:
        assert tag in OURS
        assert set(attributes) <= ATTRIBUTES.get(tag, set()), (tag, attributes)
    ids = [f"#{facts['id']}" for tag, facts in page.elements if tag == "section"]
    links = [facts["href"] for tag, facts in page.elements if tag == "a"]
    assert set(links) <= set(ids)
    assert len(ids) == len(set(ids))
    policy = [facts["content"] for _, facts in page.elements if "http-equiv" in facts]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]
    styles = re.findall("<style>(.*?)</style>", text, re.DOTALL)
    assert len(styles) == 1
    assert "url(" not in styles[0]
    assert "@import" not in styles[0]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    return page


def test_a_family_is_exported_with_links_between_parent_and_children(
    recorded: Recorded, tmp_path: Path
) -> None:
    parent, *_ = map(recorded, FAMILY)
    before = folder_state(parent.parent)
    target = tmp_path / "made"
    target.mkdir()
    done = run("export", parent, cwd=target)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in target.iterdir()] == ["parent-cli.html"]
    text = (target / "parent-cli.html").read_text("utf-8")
    page = assert_nothing_came_from_the_content(text)
    assert len([tag for tag, _ in page.elements if tag == "section"]) == 4
    sections = text.split("<section")[1:]
    assert [re.findall(r'href="#session-(\d)"', each) for each in sections] == [
        ["2", "3", "4"],
        ["1"],
        ["1"],
        ["1"],
    ]
    assert "Parent <b>name</b> — ünïcode" in "".join(page.texts)
    alone = run("export", parent, "--no-children", "-o", "-").stdout
    assert alone.count("<section") == 1
    (target / "parent-cli.html").unlink()
    target.rmdir()
    assert folder_state(parent.parent) == before


def test_hostile_text_stays_text(recorded: Recorded, tmp_path: Path) -> None:
    page = assert_nothing_came_from_the_content(run("export", recorded(TOOLS), "-o", "-").stdout)
    shown = "".join(page.texts)
    assert shown.count("<img src=x onerror=alert(1)>") == 7
    assert "</script><script>alert(2)</script>" in shown
    path = tmp_path / "evil.db"
    with SessionBuilder(path, HOSTILE) as session:
        calls = [ToolCall(HOSTILE, {HOSTILE: HOSTILE}, HOSTILE)]
        session.turn(HOSTILE, HOSTILE, calls, reasoning=HOSTILE)
    child = tmp_path / "evil <img src=x>.db"
    with SessionBuilder(child, f"child {HOSTILE}", parent_session_id=HOSTILE) as session:
        session.turn(HOSTILE, HOSTILE)
    done = run("export", path, "-o", "-")
    page = assert_nothing_came_from_the_content(done.stdout)
    assert "".join(page.texts).count("<img src=x onerror=alert(1)></pre></script>") >= 12
    for command in (["transcript"], ["tree"], ["tree", "--messages"], ["show"]):
        arguments = ["m"] if command == ["show"] else []
        done = run(command[0], path, *command[1:], *arguments)
        assert not re.search(
            "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", done.stdout + done.stderr
        )
        assert "Traceback" not in done.stderr
    for form in ("json", "chat", "markdown"):
        text = run("export", path, "--format", form, "-o", "-").stdout
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
        for line in text.splitlines() if form != "markdown" else []:
            assert HOSTILE in texts_in(json.loads(line))


def texts_in(value: Any) -> set[str]:
    """Every text inside a JSON value."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {value} if isinstance(value, str) else set().union(*map(texts_in, inside))


@pytest.mark.parametrize(
    ("form", "ending"), [("html", "html"), ("json", "json"), ("markdown", "md"), ("chat", "jsonl")]
)
def test_every_form_is_that_of_the_library(
    form: str, ending: str, recorded: Recorded, tmp_path: Path
) -> None:
    parent, *_ = map(recorded, FAMILY)
    family = session_family(parent)
    target = tmp_path / "made"
    target.mkdir()
    assert run("export", parent, "--format", form, cwd=target).returncode == 0
    text = (target / f"parent-cli.{ending}").read_text("utf-8")
    if form == "chat":
        assert [json.loads(line) for line in text.splitlines()] == family.chat()
    elif form == "json":
        assert json.loads(text) == json.loads(family.json())
    else:
        assert text == getattr(family, form)()


def test_export_writes_over_nothing_unasked(recorded: Recorded, tmp_path: Path) -> None:
    path = recorded(TOOLS)
    target = tmp_path / "notes.html"
    target.write_text("mine")
    done = run("export", path, "-o", target)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "--force" in done.stderr
    assert target.read_text() == "mine"
    assert run("export", path, "-o", target, "--force").returncode == 0
    assert target.read_text("utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("where", ["", "-wal", "-shm", "link"])
def test_export_never_writes_over_a_session(where: str, recorded: Recorded, tmp_path: Path) -> None:
    path = recorded(TOOLS)
    target = Path(f"{path}{where}")
    if where == "link":
        target.symlink_to(path)
    elif where:
        target.write_bytes(b"log")
    before = folder_state(tmp_path)
    done = run("export", path, "-o", target, "--force")
    assert done.returncode == 1
    assert "never written over" in done.stderr
    assert folder_state(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["tree", "no-such.db"], 2, "no such file"),
        (["show", "no-such.db", "m"], 2, "no such file"),
        (["transcript", "notes.txt"], 1, "not an SQLite database"),
        (["export", "notes.txt"], 1, "not an SQLite database"),
        (["export", "s.db", "-o", "."], 1, "a folder"),
        (["export", "s.db", "-o", "no/such/folder.html"], 1, "No such file or directory"),
        (["export", "s.db", "-o", "/dev/null", "--force"], 1, "no regular file"),
        (["export", "s.db", "--format", "pdf"], 2, "pdf"),
        (["export", "s.db", "--children-in", "nowhere"], 2, "no such folder"),
        (["tree", "s.db", "--leaf", "zz"], 2, "begins with 'zz'"),
        (["tree", "s.db", "--lines", "-1"], 2, "lines"),
        (["show", "s.db"], 2, "NODE"),
        (["show", "s.db", ""], 2, "node ids begin with ''"),
        (["transcript", "s.db", "--leaf", "zz"], 2, "begins with 'zz'"),
    ],
)
def test_wrong_usage_is_told_apart(
    arguments: list[str], code: int, words: str, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("no database " * 20)
    with SessionBuilder(tmp_path / "s.db", "s") as session:
        session.turn("Hello.", "Hello.")
    before = folder_state(tmp_path)
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert folder_state(tmp_path) == before


@given(st.text())
def test_safe_json_is_the_same_json(text: str) -> None:
    for ascii_only in (True, False):
        written = json.dumps({"a": text}, ensure_ascii=ascii_only)
        safe = safe_json(written)
        assert json.loads(safe) == {"a": text}
        assert safe.isprintable()


@given(st.text())
def test_readable_text_moves_no_cursor(text: str) -> None:
    shown = readable(text)
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\ud800-\udfff]", shown
    )
    assert readable(shown) == shown
