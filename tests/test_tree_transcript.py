"""Transcripts: what stands in them, and that no text gets out of its place."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lashgraph as lg
from lashgraph import SessionGraph, errors
from lashgraph.format import html as markup
from lashgraph.format.node import as_nodes
from lashgraph.testing.builders import SessionBuilder, Step, ToolCall
from lashgraph.testing.strategies import graphs
from lashgraph.tree import AgentFrames, Transcript

HOSTILE = "<script>alert(1)</script>\n```\n## fake\n</pre>&amp;\"' \u202ertl \x00\x1b[31m"


def message(
    node_id: str, role: str, *parts: dict[str, Any], parent: str | None = None, **more: Any
) -> dict[str, Any]:
    """A node with a message."""
    node = {"node_id": node_id, "timestamp": "2026-01-01T00:00:00+00:00", "kind": "event"}
    if parent is not None:
        node["parent_node_id"] = parent
    made = [
        {"id": f"{node_id}.p{at}", "content": "", "prune_state": "Intact", **part}
        for at, part in enumerate(parts)
    ]
    frame = more.pop("agent_frame_id", None)
    node |= {} if frame is None else {"agent_frame_id": frame}
    body = {"id": node_id, "role": role, "parts": made, **more}
    return {**node, "event": {"Conversation": body}}


def said(kind: str, content: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "content": content, **more}


def step(node_id: str, entry: Any, parent: str | None = None) -> dict[str, Any]:
    """A node with a step."""
    payload = {"RlmTrajectoryEntry": entry}
    node = message(node_id, "User", parent=parent)
    return {**node, "event": {"Protocol": {"plugin_id": "rlm_protocol", "payload": payload}}}


def transcript(*nodes: dict[str, Any]) -> Transcript:
    """The transcript of a chain of nodes."""
    chain = [
        {**node, "parent_node_id": nodes[at - 1]["node_id"]} if at else node
        for at, node in enumerate(nodes)
    ]
    return SessionGraph(as_nodes(chain), nodes[-1]["node_id"]).transcript()


# What stands in it


def test_transient_messages_and_repeated_ids_are_left_out() -> None:
    origin = {"kind": "plugin", "plugin_id": "p"}
    found = transcript(
        message("a", "User", said("Text", "first")),
        message("b", "System", said("Text", "gone"), origin={**origin, "transient": True}),
        message("c", "System", said("Text", "kept"), origin=origin),
        {**message("a", "User", said("Text", "again")), "node_id": "d"},
    )
    assert [each.parts[0].content for each in found.messages] == ["first", "kept"]
    assert (len(found), found.active_event_count) == (2, 4)


@pytest.mark.parametrize(
    ("frames", "asked", "ids"),
    [
        (None, {}, ["none", "one", "two"]),
        (None, {"agent_frame": "f1"}, ["none", "one"]),
        (AgentFrames("f1", (("f1", None), ("f2", "f1"))), {}, ["none", "one"]),
        (AgentFrames("f2", (("f1", None), ("f2", "f1"))), {}, ["two"]),
        (AgentFrames("f2", (("f1", None),)), {}, ["none", "two"]),
        (AgentFrames("f3"), {}, ["none"]),
        (AgentFrames("f2", (("f2", "f1"),)), {"agent_frame": "f1"}, ["none", "one"]),
        (AgentFrames("f2", (("f2", "f1"),)), {"every_frame": True}, ["none", "one", "two"]),
    ],
)
def test_the_nodes_of_an_agent_frame_are_taken(
    frames: AgentFrames | None, asked: dict[str, Any], ids: list[str]
) -> None:
    nodes = [
        message("none", "User"),
        message("one", "User", parent="none", agent_frame_id="f1"),
        message("two", "User", parent="one", agent_frame_id="f2"),
    ]
    tree = SessionGraph(as_nodes(nodes), "two", agent_frames=frames)
    assert [entry.node.node_id for entry in tree.transcript(**asked).entries] == ids


def test_an_agent_frame_that_nobody_knows_is_an_error() -> None:
    tree = SessionGraph(as_nodes([message("a", "User", agent_frame_id="f")]), "a")
    with pytest.raises(errors.InvalidRecordError, match="no agent frame 'g'; known: f"):
        tree.transcript(agent_frame="g")
    with pytest.raises(errors.InvalidRecordError, match="not both"):
        tree.transcript(agent_frame="f", every_frame=True)


@pytest.mark.parametrize(
    ("head", "frames"),
    [
        (None, AgentFrames("root:frame:initial")),
        ("not JSON", AgentFrames("root:frame:initial")),
        (b"\xff", AgentFrames("root:frame:initial")),
        ('{"session_id": 5, "agent_frames": 5}', AgentFrames("root:frame:initial")),
        ('{"session_id": "s", "current_agent_frame_id": ""}', AgentFrames("s:frame:initial")),
        (
            '{"current_agent_frame_id": "b", "agent_frames": [{"frame_id": "a"}, 1, {},'
            '{"frame_id": "b", "previous_frame_id": "a"}, {"frame_id": "b"}]}',
            AgentFrames("b", (("a", None), ("b", "a"))),
        ),
    ],
)
def test_agent_frames_are_read_from_any_head(head: Any, frames: AgentFrames) -> None:
    assert AgentFrames.of_head(head) == frames


# Chat


def test_chat_records_are_those_of_the_usual_form() -> None:
    named = {"tool_call_id": "c1", "tool_name": "look"}
    image = {"reference": {"id": "x", "media_type": {"kind": "image", "type": "png"}}}
    image["reference"] |= {"byte_len": 1, "label": "shot"}
    deleted = {"prune_state": {"Deleted": {"breadcrumb": "a log", "archive_hash": "h"}}}
    found = transcript(
        message("s", "System", said("Text", "Be brief.")),
        message("q", "User", said("Text", "See"), said("Image", "", attachment=image)),
        message(
            "a",
            "Assistant",
            said("Reasoning", "hm"),
            said("Prose", "Looking."),
            said("ToolCall", "{not json", **named),
            said("ToolCall", "{}", tool_name="other"),
        ),
        message(
            "r",
            "User",
            said("ToolResult", "found", **named),
            said("ToolResult", "", tool_call_id="c2", **deleted),
            said("Text", "go on"),
        ),
        message("e", "Event", said("Text", "woken")),
        message("n", "Assistant"),
    )
    assert found.chat() == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "See\n\n[Image attached: shot]"},
        {
            "role": "assistant",
            "content": "Looking.",
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "look", "arguments": "{not json"},
                },
                {
                    "id": "a.p3",
                    "type": "function",
                    "function": {"name": "other", "arguments": "{}"},
                },
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "name": "look", "content": "found"},
        {"role": "tool", "tool_call_id": "c2", "content": "[Deleted: a log]"},
        {"role": "user", "content": "go on"},
        {"role": "user", "name": "event", "content": "woken"},
        {"role": "assistant", "content": ""},
    ]


def test_steps_stand_where_they_were_run() -> None:
    with SessionBuilder(":memory:", "s") as session:
        session.code_turn("Sum?", [Step("print(1)", ["1", "2"]), Step("submit 3", (), {"n": 3})])
        session.code_turn("Again", [Step("boom", error="unknown name")])
        found = session.store.tree().transcript()
    assert [entry.speaker for entry in found.entries] == ["User", "Step", "Step", "User", "Step"]
    records = found.chat()
    shown = [(record["role"], record["content"]) for record in records]
    assert shown == [
        ("user", "Sum?"),
        ("assistant", "Step 1."),
        ("tool", "1\n2"),
        ("assistant", "Step 2."),
        ("tool", ""),
        ("assistant", '{"n":3}'),
        ("user", "Again"),
        ("assistant", "Step 1."),
        ("tool", "Error: unknown name"),
    ]
    call = records[1]["tool_calls"][0]
    assert json.loads(call["function"]["arguments"]) == {"code": "print(1)"}
    assert call["id"] == records[2]["tool_call_id"]
    assert found.steps[1].final_output == '{"n":3}'


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        ({}, []),
        ({"reasoning": "thought"}, [("assistant", "thought")]),
        ({"code": 5, "output": "x"}, [("assistant", None), ("tool", "x")]),
        (
            {"output": ["a", {"b": [1, None]}]},
            [("assistant", "a"), ("assistant", '{"b":[1,null]}')],
        ),
        ({"final_output": None}, [("assistant", "")]),
        ({"code": "x", "protocol_iteration": True}, [("assistant", None), ("tool", "")]),
        ({"code": "x", "reasoning": "```\ny\n```"}, [("assistant", "```\ny\n```"), ("tool", "")]),
        ("text", []),
        (None, []),
    ],
)
def test_steps_of_any_shape_are_read(entry: Any, shown: list[Any]) -> None:
    found = transcript(step("p", entry))
    assert [(record["role"], record["content"]) for record in found.chat()] == shown
    assert all(each.iteration is None for each in found.steps)
    json.loads(found.json())
    found.markdown().encode()
    found.html().encode()


def test_numbers_beyond_a_double_stay_as_they_were_written() -> None:
    node = step("p", {"final_output": 0})
    text = json.dumps(node).replace('"final_output": 0', '"final_output": 1e999')
    (row,), _ = lg.format.lines.decode_rows([text.encode()])
    assert row is not None
    found = SessionGraph([row], "p").transcript()
    assert found.steps[0].final_output == "1e999"
    assert '"final_output":1e999' in found.json()


# Documents


@given(graphs())
def test_json_holds_every_entry(nodes: list[Any]) -> None:
    tree = SessionGraph(as_nodes(nodes))
    for leaf in tree.leaves():
        found = tree.transcript(leaf)
        read = json.loads(found.json())
        assert read["leaf_node_id"] == leaf
        assert [each["node_id"] for each in read["entries"]] == [
            entry.node.node_id for entry in found.entries
        ]
        kept = [each["message"]["id"] for each in read["entries"] if "message" in each]
        assert kept == [each.id for each in found.messages]
        for record in found.chat():
            assert record["role"] in ("user", "assistant", "system", "tool")
            assert record["content"] is not None or record["tool_calls"]


class Seen(HTMLParser):
    """The tags, the attributes and the text of a document."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


texts = st.text(max_size=30) | st.sampled_from([HOSTILE, "`" * 5, "~~~", "<!--", "]]>", "\r\n"])


@given(st.lists(texts, min_size=3, max_size=3))
def test_no_text_gets_out_of_its_place(found: list[str]) -> None:
    clean = [text.encode("utf-8", "replace").decode() for text in found]
    named = {"tool_call_id": clean[1], "tool_name": clean[2]}
    made = transcript(
        message("q", "User", said("Text", clean[0])),
        message("a", "Assistant", said("ToolCall", clean[1], **named)),
        step("p", {"code": clean[2], "error": clean[1], "reasoning": clean[0]}),
    )
    page = made.html()
    seen = Seen()
    seen.feed(page)
    assert seen.tags <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "dl", "dt", "dd", "bdi"),
        *("article", "time", "div", "pre", "details", "summary"),
    }
    assert seen.attributes <= {
        *("lang", "charset", "http-equiv", "content", "name", "class", "dir"),
    }
    shown = "".join(seen.text)
    assert all(markup.visible(text) in shown for text in clean)
    document = made.markdown()
    outside, inside = unfenced(document)
    headings = [line for line in outside if line.startswith("#")]
    assert headings == ["# Transcript", "## 1. User", "## 2. Assistant", "## 3. Step"]
    assert {markup.visible(text) for text in clean if text} <= set(inside)
    assert not any("<" in re.sub("`[^`]+`", "", line) for line in outside)
    for each in (page, document, repr(made), made._repr_html_()):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", each)


def unfenced(document: str) -> tuple[list[str], list[str]]:
    """The lines of Markdown outside fences, and the texts inside them."""
    outside: list[str] = []
    inside: list[str] = []
    fence, block = "", [""]
    for line in document.split("\n"):
        if fence:
            if re.fullmatch(f"`{{{len(fence)},}}", line.strip()):
                inside.append("\n".join(block))
                fence = ""
            else:
                block.append(line)
        elif line.startswith("```"):
            fence, block = line, []
        else:
            outside.append(line)
    assert not fence
    return outside, inside


def test_html_loads_and_runs_nothing() -> None:
    page = transcript(message("q", "User", said("Text", HOSTILE))).html()
    assert "default-src 'none'" in html.unescape(page)
    assert "<script" not in page
    assert not re.search(r"(src|href)=", re.sub("<style>.*</style>", "", page, flags=re.DOTALL))


def test_a_repr_is_a_few_lines() -> None:
    with SessionBuilder(":memory:", "s") as session:
        for number in range(9):
            session.turn(f"Question {number}?", HOSTILE, [ToolCall("t", {}, "r")])
        found = session.store.tree().transcript()
    lines = repr(found).splitlines()
    assert lines[0].startswith("<Transcript: 36 messages and 0 steps up to 'm")
    assert lines[1] == "  User: Question 0?"
    assert lines[-1] == "  … 30 more; .markdown() has them all"
    assert "<script" not in found._repr_html_()


def test_html_takes_no_made_up_names() -> None:
    for tag, attributes in (("p onclick", {}), ("p", {"x y": 1})):
        with pytest.raises(ValueError, match="no name"):
            markup.element(tag, **attributes)
