"""Redaction of stores and values that Hypothesis draws: whatever they say, the form stays."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import msgpack
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redacted import facts

import lashgraph as lg
from lashgraph.format import packed
from lashgraph.redact import redact
from lashgraph.redact.json_text import with_tail
from lashgraph.redact.packed_bytes import Octets, Rewriting, pack
from lashgraph.redact.replacer import Replacer
from lashgraph.redact.shapes import FREE, MANIFEST, NODE
from lashgraph.testing.strategies import commits, graphs, json_values, nodes, texts

FRAMES = ("nodes", "parts", "tool_calls", "agent_frames", "turns", "refs", "blobs")


def jsonable(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def form(value: Any) -> Any:
    """What a JSON value is without what it says."""
    if isinstance(value, dict):
        return [form(item) for item in value.values()]
    if isinstance(value, list):
        return [form(item) for item in value]
    return len(value.encode()) if isinstance(value, str) else type(value).__name__


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_store_has_a_copy_of_the_same_form(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "any.db"
        with lg.open(source, mode="create") as store:
            contents = data.draw(st.lists(st.binary(max_size=60) | texts(40).map(str.encode)))
            keys = [store.put_blob(content) for content in contents]
            archives = st.sampled_from(keys) if keys else None
            store.commit_runtime_state(data.draw(commits(archives=archives)))
            more = data.draw(graphs(4))
            store.append_session_graph_nodes(
                [{**node, "node_id": f"more-{node['node_id']}"} for node in more]
            )
            for key in keys[:2]:
                store.put_blob(f"it names {key}".encode())
        report = redact(source, Path(place) / "shared", seed=data.draw(st.integers(0, 9)))
        assert report.files[0].outcome == "redacted", report.files[0].message
        copy = Path(place) / "shared" / str(report.files[0].output)
        assert facts(copy, frames=FRAMES) == facts(source, frames=FRAMES)


@given(json_values(), st.sampled_from([None, 2]))
def test_json_keeps_its_form_and_length(value: Any, indent: int | None) -> None:
    for ascii_only in (False, True):
        text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
        made = with_tail(text, FREE, Replacer(b"secret"))
        assert len(made.encode()) == len(text.encode())
        assert form(json.loads(made)) == form(value)
        nested, again = jsonable(text), jsonable(Replacer(b"secret").text(text))
        assert len(again.encode()) == len(nested.encode())


@given(st.lists(texts(30), unique=True))
def test_texts_stay_different_and_as_long(drawn: list[str]) -> None:
    replace = Replacer(b"secret")
    made = [replace.text(text) for text in drawn]
    assert len(set(made)) == len(drawn)
    assert [len(text.encode()) for text in made] == [len(text.encode()) for text in drawn]
    assert [len(jsonable(text)) for text in made] == [len(jsonable(text)) for text in drawn]
    assert [replace.text(text) for text in drawn] == made


@given(nodes())
def test_a_node_keeps_its_times_roles_and_kinds(node: Any) -> None:
    made = json.loads(with_tail(jsonable(node), NODE, Replacer(b"secret")))
    assert list(made) == list(node)
    assert (made["timestamp"], made["kind"]) == (node["timestamp"], node["kind"])
    if "Conversation" in node.get("event", ()):
        before, after = node["event"]["Conversation"], made["event"]["Conversation"]
        assert after["role"] == before["role"]
        assert [part["kind"] for part in after["parts"]] == [
            part["kind"] for part in before["parts"]
        ]


@given(json_values() | st.dictionaries(texts(6), st.binary(max_size=40)), st.binary(max_size=8))
def test_messagepack_keeps_its_form_and_length(value: Any, tail: bytes) -> None:
    replace = Replacer(b"secret")

    def inner(octets: Octets) -> bytes:
        return pack(octets, replace.octets(octets.data))

    for written in (packed.pack(value), msgpack.packb(value)):
        made = Rewriting(written + tail, replace, inner).whole(MANIFEST)
        assert len(made) == len(written) + len(tail)
        assert sum(byte >> 7 for byte in made) == sum(byte >> 7 for byte in written + tail)
        again = Rewriting(written + tail, Replacer(b"secret"), inner).whole(MANIFEST)
        assert again == made


@given(st.binary(max_size=200), st.binary(max_size=30))
def test_bytes_that_are_nothing_do_no_harm(data: bytes, start: bytes) -> None:
    replace = Replacer(b"secret")
    for given_bytes in (data, b"\x83\xaadescriptor" + start + data):
        made = Rewriting(given_bytes, replace, lambda o: pack(o, replace.octets(o.data)))
        assert len(made.as_far_as_readable(MANIFEST)) == len(given_bytes)
