"""Codecs: what is written reads back, and no bytes whatever bring another library's error."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lashgraph.format import Descriptor, Manifest, Node, jsontext, packed
from lashgraph.format.blob import MANIFEST, PREFIX, TOOL_STATE, ZLIB_FROM, peek, unwrap, wrap
from lashgraph.format.checkpoint import decode, decode_execution_state, encode_manifest
from lashgraph.format.commit import decode_turn_result
from lashgraph.format.head import decode_head, head_refs
from lashgraph.format.lines import decode_rows
from lashgraph.format.node import as_node, decode_node, encode_node
from lashgraph.format.session import decode_relation
from lashgraph.format.strict import Invalid
from lashgraph.testing import strategies

octets = st.binary(max_size=300) | st.lists(st.sampled_from([0, 127, 128, 204, 255])).map(bytes)
packable = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 300) | st.floats() | st.text() | octets,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.integers(0, 4) | st.text() | octets | st.booleans(), inner)
        | st.fixed_dictionaries(
            {},
            optional={
                "descriptor": st.fixed_dictionaries({"kind": inner}) | inner,
                "compression": st.sampled_from(["None", "Zlib", 0, 1]) | inner,
                "content": inner,
                "turn_state": inner,
                "tool_state_ref": inner,
            },
        )
    ),
)


@given(octets, st.sampled_from(list(ZLIB_FROM)))
def test_an_envelope_reads_back(content: bytes, profile: Any) -> None:
    for descriptor in (MANIFEST, TOOL_STATE, Descriptor(kind="GenericBlob")):
        stored = wrap(descriptor, content, profile)
        blob = unwrap(stored)
        assert (blob.kind, blob.content, blob.damage) == (descriptor.kind, content, "")
        assert peek(stored[:PREFIX]) == (blob.kind, blob.compression)
        plain = msgpack.unpackb(stored)
        assert list(plain) == ["descriptor", "compression", "content"]
        assert bytes(plain["content"]) == content


@pytest.mark.parametrize(("profile", "threshold"), [("balanced", 4096), ("compact", 1024)])
def test_profiles_compress_from_their_length_on(profile: Any, threshold: int) -> None:
    for length, compression in ((threshold - 1, "None"), (threshold, "Zlib")):
        assert unwrap(wrap(TOOL_STATE, bytes(length), profile)).compression == compression
    assert unwrap(wrap(Descriptor(kind="ToolState"), bytes(9999), profile)).compression == "None"
    assert unwrap(wrap(TOOL_STATE, bytes(9999), "lowlatency")).compression == "None"


@given(octets | packable.map(msgpack.packb))
def test_any_bytes_can_be_unwrapped(stored: bytes) -> None:
    blob = unwrap(stored)
    if blob.kind in ("raw", "damaged"):
        assert blob.content == stored
    seen = peek(stored[:PREFIX])
    assert seen is None or seen[0] in (blob.kind, "raw") or blob.damage
    assert bool(blob.damage) == (blob.kind == "damaged")


@given(octets | packable.map(msgpack.packb))
def test_any_bytes_are_a_state_or_invalid(content: bytes) -> None:
    for read in (lambda: decode(content, Manifest), lambda: decode_execution_state(content)):
        try:
            read()
        except Invalid:
            continue


@given(octets)
def test_octets_read_back_in_every_form(content: bytes) -> None:
    array = packed.pack_octets(content)
    assert array == msgpack.packb(list(content))
    assert packed.octets_at(array, 0) == content
    for form in (array, msgpack.packb(content), msgpack.packb([*content]) + b"\x00rest"):
        assert decode_execution_state(form) == content
    wide = (
        b"\xdc"
        + len(content).to_bytes(2, "big")
        + b"".join(b"\xcd\x00" + bytes([b]) for b in content)
    )
    assert decode_execution_state(wide) == content


def test_integers_are_packed_as_the_runtime_does() -> None:
    for value in (0, 127, 128, 255, 256, 65_536, 1 << 40, (1 << 64) - 1, -1, -32, -33, -40_000):
        assert packed.pack(value) == msgpack.packb(value)
    assert packed.pack(1.0) == b"\xcb\x3f\xf0" + bytes(6)
    manifest = Manifest(tool_state_ref="a" * 64)
    assert encode_manifest(manifest) == msgpack.packb({"tool_state_ref": "a" * 64})
    assert decode(encode_manifest(manifest), Manifest) == manifest


# JSON


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_read_back(value: float) -> None:
    text = jsontext.float_text(value)
    assert math.copysign(1, json.loads(text)) == math.copysign(1, value)
    assert json.loads(text) == value
    assert any(mark in text for mark in ".e")


@given(strategies.json_values())
def test_free_json_is_canonical(value: Any) -> None:
    text = bytes(jsontext.free(value))
    assert json.loads(text) == value
    assert bytes(jsontext.free(json.loads(text))) == text
    assert text.decode() == text.decode().replace("\u2028", "\u2028")


def mutations(text: str) -> st.SearchStrategy[str]:
    """A JSON text, or one a few characters away from it."""
    cut = st.integers(0, len(text))
    drop = st.tuples(cut, st.integers(0, 3)).map(lambda p: text[: p[0]] + text[p[0] + p[1] :])
    double = st.tuples(cut, cut).map(lambda p: text[: max(p)] + text[min(p) :])
    put = st.tuples(cut, st.sampled_from(['"', "\\ud800", "\\u0041", "null", "[", " ", "1e5"]))
    return st.just(text) | drop | double | put.map(lambda p: text[: p[0]] + p[1] + text[p[0] :])


@given(st.data(), strategies.nodes())
def test_quick_and_careful_decoding_agree(data: st.DataObject, mapping: Any) -> None:
    """Whatever a row holds, the bulk decoder and the strict one say the same of it."""
    text = data.draw(mutations(encode_node(as_node(mapping))))
    careful: Node | None
    try:
        careful = decode_node(text)
    except Invalid:
        careful = None
    (quick,), damages = decode_rows([text.encode()])
    assert (quick is None) == (careful is None) == bool(damages)
    if quick is not None and careful is not None:
        assert json.loads(msgspec.json.encode(quick)) == json.loads(msgspec.json.encode(careful))


TWICE = b'{"node_id":"a","timestamp":"t","kind":"plugin","plugin_type":"x","body":1,"body":2}'
ROW = b'{"node_id":"a","timestamp":"t","kind":"plugin","plugin_type":"x","body":1}'


@pytest.mark.parametrize(
    "row",
    [
        TWICE,
        ROW + b" x",
        b"\xef\xbb\xbf" + ROW,
        ROW.replace(b"1", b'"\\ud800"'),
        ROW.replace(b"1", b'"\xff"'),
        ROW.replace(b"1", b"[" * 127 + b"]" * 127),
        ROW.replace(b'"a"', b"null"),
        ROW.replace(b"plugin", b"poem"),
        ROW.replace(b'"body":1', b'"bodi":1'),
        b"[]",
        b"",
    ],
)
def test_one_bad_row_is_left_out_and_its_neighbours_are_not(row: bytes) -> None:
    nodes, damages = decode_rows([ROW, row, ROW])
    assert [node is not None for node in nodes] == [True, False, True]
    assert [damage.position for damage in damages] == [1]


@pytest.mark.parametrize(
    "row",
    [
        ROW.replace(b"{", b'{"new_field": [1], ', 1),
        ROW.replace(b":", b" : "),
        ROW.replace(b"1", b"[" * 126 + b"]" * 126),
        ROW.replace(b"1", b'{"k":1,"k":2}'),
        ROW.replace(b"1", b'"\\ud83e\\udd80"'),
        ROW.replace(b"}", b',"caused_by":null}'),
        ROW.replace(b"1", b"[1e510, -1e510, " + b"9" * 5000 + b"]"),
    ],
)
def test_an_unusual_row_is_read(row: bytes) -> None:
    nodes, damages = decode_rows([ROW, row])
    assert not damages
    assert all(node is not None for node in nodes)


def test_a_number_beyond_a_double_is_kept_as_written() -> None:
    row = ROW.replace(b"1", b"[1e510,-1e510,18446744073709551616]")
    (node,), _ = decode_rows([row])
    assert node is not None
    assert node.body == [math.inf, -math.inf, 1 << 64]
    assert as_node(node).body_json == msgspec.Raw(b"[1e510,-1e510,1.8446744073709552e+19]")


@given(st.text() | strategies.json_values().map(json.dumps))
def test_any_text_is_a_record_or_invalid(text: str) -> None:
    for read in (decode_head, head_refs, decode_turn_result, decode_node):
        try:
            read(text)
        except Invalid:
            continue
    assert decode_relation(text).kind == "root"


def test_hashes_are_those_of_the_content() -> None:
    content = b"x" * 5000
    stored = wrap(MANIFEST, content, "balanced")
    assert hashlib.sha256(unwrap(stored).content).digest() == hashlib.sha256(content).digest()
    assert len(stored) < 200
