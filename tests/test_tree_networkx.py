"""Session graphs as graphs of networkx and back, and finding nodes."""

from __future__ import annotations

import io
import re
from typing import Any

import msgspec
import networkx as nx
import pytest
from hypothesis import given
from test_tree import Parents, circles, forests, plain
from test_tree_transcript import message, said, step
from test_writing import node

from lashgraph import SessionGraph, errors
from lashgraph.format.node import as_nodes
from lashgraph.testing.strategies import graphs
from lashgraph.tree import sketch
from lashgraph.tree.graphs import NODE_ATTRIBUTES

EVERY = [
    *NODE_ATTRIBUTES,
    *("parent_node_id", "position", "depth", "n_children", "branch_id", "message_id"),
    *("text", "json"),
]
TIME = "2026-01-01T00:00:00+00:00"


def written(graph: nx.DiGraph[str]) -> nx.DiGraph[str]:
    """A graph written as GraphML and read again."""
    file = io.BytesIO()
    nx.write_graphml(graph, file)
    file.seek(0)
    read: nx.DiGraph[str] = nx.read_graphml(file)
    return read


def values(record: Any) -> Any:
    """A record as Python values."""
    return msgspec.json.decode(msgspec.json.encode(record))


# Out


def test_a_node_has_the_attributes_that_it_has() -> None:
    tree = sketch({"a": None, "b": "a", "c": "b", "x": "gone"}, "c")
    made = tree.to_networkx()
    assert list(made.nodes) == ["a", "b", "c", "x"]
    assert made.graph == {"leaf": "c"}
    assert made.nodes["b"] == {
        "kind": "plugin",
        "plugin_type": "sketch",
        "timestamp": "2026-01-01T00:00:01+00:00",
        "on_active_path": True,
        "parent_status": "present",
    }
    assert made.nodes["x"]["parent_status"] == "missing"
    chosen = tree.to_networkx(attributes=["depth", "branch_id", "n_children", "position"])
    facts = {"depth": 1, "branch_id": "a", "n_children": 1, "position": 1}
    assert chosen.nodes["b"] == facts
    assert tree.to_networkx(attributes=[]).nodes["b"] == {}
    read = written(made)
    assert (dict(read.nodes), read.adj, read.graph["leaf"]) == (dict(made.nodes), made.adj, "c")


@given(graphs())
def test_attributes_are_plain_values_that_graphml_holds(nodes: list[Any]) -> None:
    tree = SessionGraph(as_nodes(nodes), nodes[-1]["node_id"] if nodes else None)
    for level, attributes in (("nodes", EVERY), ("messages", EVERY), ("branches", None)):
        made = tree.to_networkx(level, attributes)
        for _, facts in made.nodes(data=True):
            assert {type(value) for value in facts.values()} <= {str, int, bool}
        read = written(made)
        assert set(read.nodes) == set(made.nodes)
        assert set(read.edges) == set(made.edges)


def test_messages_are_linked_past_what_is_none() -> None:
    tree = SessionGraph(
        as_nodes(
            [
                message("q", "User", said("Text", "2 + 2?")),
                step("p", {"code": "4"}, parent="q"),
                node("n", "p"),
                message("late", "Assistant", parent="n"),
                {**message("early", "Assistant", parent="n"), "timestamp": "2025-01-01T00:00:00Z"},
            ]
        ),
        "late",
    )
    made = tree.to_networkx("messages", ["text", "depth", "on_active_path"])
    assert list(made.edges) == [("q", "early"), ("q", "late")]
    assert made.nodes["q"] == {"text": "2 + 2?", "depth": 0, "on_active_path": True}
    assert tree.message_tree()["node_id"].tolist() == ["q", "early", "late"]


@given(forests)
def test_messages_have_their_nearest_ancestor_as_parent(parents: Parents) -> None:
    spoken = {name for name in parents if int(name[1:]) % 2}
    rows = [
        message(name, "User", parent=up) if name in spoken else node(name, up)
        for name, up in parents.items()
    ]
    tree = SessionGraph(as_nodes(rows))
    graph = plain(parents)
    graph.remove_edges_from(list(graph.in_edges(circles(graph))))
    frame = tree.message_tree()
    assert set(frame["node_id"]) == spoken
    for row in frame.itertuples():
        path, (up,) = [], [row.node_id]
        while (up := next(iter(graph.predecessors(up)), None)) is not None:
            path.append(up)
        above = [name for name in path if name in spoken]
        assert row.depth == len(above)
        assert [row.parent_node_id] == above[:1] or not above


@pytest.mark.parametrize("level", ["node", None, 1, ["nodes"]])
def test_an_unknown_level_is_an_error_of_our_own(level: Any) -> None:
    with pytest.raises(errors.InvalidRecordError, match="known: nodes, messages, branches"):
        sketch({}).to_networkx(level)


@pytest.mark.parametrize("attributes", [["colour"], "colour", [None], [["kind"]]])
def test_an_unknown_attribute_is_an_error_of_our_own(attributes: Any) -> None:
    for level in ("nodes", "messages", "branches"):
        with pytest.raises(errors.UnknownColumnError, match="known: "):
            sketch({"a": None}).to_networkx(level, attributes)


def test_text_that_xml_cannot_hold_is_replaced() -> None:
    rows = as_nodes([message("a", "User", said("Text", "x\x00y\ufffe\x1bz\n\t"))])
    made = SessionGraph(rows).to_networkx(attributes=["text", "json"])
    assert made.nodes["a"]["text"] == "x�y��z\n\t"
    assert values(SessionGraph.from_networkx(written(made)).nodes) == values(rows)


# And back


@given(graphs())
def test_nodes_come_back_from_their_json(nodes: list[Any]) -> None:
    tree = SessionGraph(as_nodes(nodes), nodes[0]["node_id"] if nodes else None)
    made = tree.to_networkx(attributes=["json"])
    for graph in (made, written(made)):
        back = SessionGraph.from_networkx(graph)
        assert back.leaf == tree.leaf
        assert sorted(back.ids) == sorted(tree.ids)
        for each in tree:
            assert values(back[each.node_id]) == values(each)


@given(forests)
def test_links_come_back_from_the_default_attributes(parents: Parents) -> None:
    tree = sketch(parents)
    made = tree.to_networkx(attributes=[*NODE_ATTRIBUTES, "parent_node_id"])
    if circles(plain(parents)):
        with pytest.raises(errors.InvalidRecordError, match="on a cycle"):
            SessionGraph.from_networkx(made)
        return
    back = SessionGraph.from_networkx(made)
    assert [each.parent_node_id for each in back] == list(parents.values())
    assert back.parent_status() == tree.parent_status()


def test_nodes_are_made_of_their_attributes() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph(leaf="p")
    graph.add_node("q", timestamp=TIME, kind="event", role="User", text="hi", colour="red")
    graph.add_node("p", timestamp=TIME, kind="event", plugin_id="rlm", payload='{"b":1,"a":[]}')
    graph.add_node("n", timestamp=TIME, kind="plugin", plugin_type="note", agent_frame_id="f")
    graph.add_edges_from([("q", "p"), ("q", "n")])
    tree = SessionGraph.from_networkx(graph)
    assert tree.active_path() == ["q", "p"]
    assert [part.content for part in tree["q"].message.parts] == ["hi"]
    assert tree["p"].event.protocol.payload == {"a": [], "b": 1}
    assert (tree["n"].body, tree["n"].agent_frame_id) == (None, "f")
    assert SessionGraph.from_networkx(graph, leaf="n").active_path() == ["q", "n"]
    with pytest.raises(errors.UnknownNodeError, match="gone"):
        SessionGraph.from_networkx(graph, leaf="gone")


NOTE = {"timestamp": TIME, "kind": "plugin", "plugin_type": "note"}


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({}, "'timestamp' is missing"),
        ({"timestamp": TIME}, "'kind' is missing"),
        ({"timestamp": 5, "kind": "event"}, "'timestamp' is 5, not a str"),
        ({"timestamp": TIME, "kind": "message"}, "known: 'event', 'plugin'"),
        ({"timestamp": TIME, "kind": "event"}, "'role' .* or 'plugin_id'"),
        ({"timestamp": TIME, "kind": "event", "role": "Robot"}, "Robot"),
        ({"timestamp": TIME, "kind": "event", "role": "User", "text": 5}, "node 'a'"),
        ({"timestamp": TIME, "kind": "event", "role": "User", "text": "\ud800"}, "node 'a'"),
        ({"timestamp": TIME, "kind": "event", "role": "User", "text": object()}, "node 'a'"),
        ({**NOTE, "body": "1, 2"}, "not JSON"),
        ({**NOTE, "body": '1,"agent_frame_id":"x"'}, "not JSON"),
        ({**NOTE, "body": "[" * 200 + "]" * 200}, "node 'a'"),
        ({"json": "{}"}, "node 'a'"),
        ({"json": None}, "'json' is None"),
        ({"json": "[" * 9999}, "node 'a'"),
        ({"json": sketch({"b": None}).to_networkx(attributes=["json"]).nodes["b"]["json"]}, "'b'"),
    ],
)
def test_a_node_that_lacks_something_is_named(facts: dict[str, Any], why: str) -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("a", **facts)
    with pytest.raises(errors.InvalidRecordError, match=why) as caught:
        SessionGraph.from_networkx(graph)
    assert "node 'a'" in str(caught.value)


@pytest.mark.parametrize(
    ("graph", "why"),
    [
        (nx.Graph(), "takes a networkx.DiGraph, not Graph"),
        (nx.MultiDiGraph(), "not MultiDiGraph"),
        (None, "not NoneType"),
        (nx.DiGraph([(1, 2)]), "node 1: node ids are str"),
        (nx.DiGraph([("a", "c"), ("b", "c")]), "'c' has two parents, 'a' and 'b'"),
        (nx.DiGraph([("a", "a")]), "on a cycle: 'a'"),
        (nx.cycle_graph(list("abcde"), nx.DiGraph), "on a cycle: 'a', 'b', 'c' and 2 more"),
    ],
)
def test_what_is_no_forest_is_refused(graph: Any, why: str) -> None:
    with pytest.raises(errors.InvalidRecordError, match=why):
        SessionGraph.from_networkx(graph)


def test_a_link_that_was_taken_away_leaves_a_root() -> None:
    made = sketch({"a": None, "b": "a"}).to_networkx(attributes=["json"])
    made.remove_edge("a", "b")
    assert SessionGraph.from_networkx(made).parent_status() == ["root", "root"]
    made.remove_node("a")
    assert SessionGraph.from_networkx(made).parent_status() == ["missing"]


# Finding


TREE = SessionGraph(
    as_nodes(
        [
            message("q", "User", said("Text", "What is\nin the log?")),
            message("c", "Assistant", said("ToolCall", "{}", tool_call_id="1", tool_name="look")),
            message("r", "User", said("ToolResult", "A LOG", tool_call_id="1", tool_name="look")),
            step("s", {"code": "x = 1\nlog(x)", "final_output": {"deep": ["the log"]}}),
            {**node("n"), "body": {"log": 1, "text": ["log"]}, "plugin_type": "memo"},
        ]
    )
)


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({}, ["q", "c", "r", "s", "n"]),
        ({"text": "log"}, ["q", "s", "n"]),
        ({"text": "1\nlog"}, ["s"]),
        ({"regex": "(?i)a? ?log$"}, ["r", "s", "n"]),
        ({"regex": re.compile(r"is\nin")}, ["q"]),
        ({"role": "User"}, ["q", "r"]),
        ({"tool": "look"}, ["c", "r"]),
        ({"tool": "look", "role": "User"}, ["r"]),
        ({"plugin_type": "memo"}, ["n"]),
        ({"plugin_type": "memo", "text": "nowhere"}, []),
        ({"text": "log", "regex": "What"}, ["q"]),
        ({"role": "System"}, []),
    ],
)
def test_nodes_are_found_by_all_that_is_asked(asked: dict[str, Any], ids: list[str]) -> None:
    assert TREE.find(**asked) == ids


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"role": "user"}, "roles are User"),
        ({"text": 5}, "not a text"),
        ({"regex": "("}, "unterminated"),
        ({"regex": 5}, "regex=5"),
        ({"regex": re.compile(b"x")}, "bytes"),
        ({"tool": ["look"]}, "not a text"),
    ],
)
def test_a_question_that_cannot_be_asked_is_an_error(asked: dict[str, Any], why: str) -> None:
    with pytest.raises(errors.InvalidRecordError, match=why):
        TREE.find(**asked)
