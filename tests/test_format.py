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

from lashgraph.errors import DamagedBlobError
from lashgraph.format import Descriptor, Manifest, Node, jsontext, packed
from lashgraph.format.blob import (
    MANIFEST,
    PREFIX,
    TOOL_STATE,
    ZLIB_FROM,
    content_hash,
    peek,
    unwrap,
    unwrap_or_raise,
    wrap,
)
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


strings_to_skip = st.lists(st.sampled_from(["\\", '"', "[", "]", "{", "}", "n", "é"])).map("".join)
shallow = st.recursive(
    strings_to_skip | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(strings_to_skip, inner, max_size=3),
    max_leaves=8,
)


def deepest(text: str) -> int:
    """How many levels a JSON text has, character by character."""
    depth = most = 0
    inside = escaped = False
    for character in text:
        if inside:
            inside = escaped or character != '"'
            escaped = not escaped and character == "\\"
        elif character == '"':
            inside = True
        elif character in "{[":
            depth += 1
            most = max(most, depth)
        elif character in "}]":
            depth -= 1
    return most


@given(st.lists(shallow, max_size=4), st.integers(118, 130), st.booleans(), st.booleans())
def test_the_depth_of_a_text_is_what_a_walk_through_it_finds(
    besides: list[Any], around: int, is_map: bool, is_ascii: bool
) -> None:
    value: Any = besides
    for _ in range(around):
        value = {'"[\\': value, "\\": 1} if is_map else ["\\", value, '\\"]']
    for whole in (value, [*besides, value, *besides], [besides] * 70):
        text = json.dumps(whole, ensure_ascii=is_ascii)
        if deepest(text) > jsontext.MAX_DEPTH:
            with pytest.raises(jsontext.JsonError, match="nested deeper than 127 levels"):
                jsontext.parse(text, dict)
        else:
            assert jsontext.parse(text, dict) == whole


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


EVENT = (
    b'{"node_id":"a","timestamp":"t","kind":"event","event":{"Conversation":{"id":"m",'
    b'"role":"User","parts":[{"id":"p","kind":"Text","content":"x","prune_state":"Intact"}]}}}'
)


@pytest.mark.parametrize(
    "row",
    [
        EVENT.replace(b'"User"', b"0"),
        EVENT.replace(b'"Text"', b"0"),
        EVENT.replace(b'"Intact"', b"0"),
        EVENT.replace(b'"event":{', b'"event":{"Protocol":null,'),
        EVENT.replace(b'"event":{', b'"event":{"Unknown":1,'),
        EVENT.replace(b'"Intact"', b'{"Deleted":null}'),
        ROW.replace(b"}", b',"caused_by":{"type":[]}}'),
        ROW.replace(b"}", b',"caused_by":{"type":"process_event","process_id":"p","sequence":-0}}'),
        b'["a",null,null,null,"t","plugin",null,"x",1]',
    ],
)
def test_variants_and_numbers_of_a_row_are_taken_as_json_has_them(row: bytes) -> None:
    """JSON names a variant; only MessagePack may count it. Its -0 is a float."""
    with pytest.raises(Invalid):
        decode_node(row)
    assert [d.position for d in decode_rows([EVENT, row])[1]] == [1]


@pytest.mark.parametrize(
    "row",
    [
        ROW.replace(b"}", b',"event":5,"event":6}'),
        EVENT.replace(b'"kind":"event"', b'"kind":"event","plugin_type":5,"body":1,"body":2'),
        EVENT.replace(b'"Intact"', b'{"Intact":null}'),
        EVENT.replace(b'"User"', b'{"User":null}'),
    ],
)
def test_what_the_other_kind_of_node_holds_is_ignored(row: bytes) -> None:
    (node,), damages = decode_rows([row])
    assert not damages
    assert node in (decode_node(ROW), decode_node(EVENT))


def test_minus_zero_is_written_as_the_float_it_reads_as() -> None:
    assert bytes(decode_node(ROW.replace(b"1", b"[-0,0]")).body_json) == b"[-0.0,0]"  # type: ignore[arg-type]


LIMITS = '{"id":"m","limits":{"context_window_tokens":1}}'
HEAD = '{"config":{"provider_id":"p","model":%s},"agent_frames":[%s]%s}'
FRAME = (
    '{"frame_id":"f","session_id":"s","created_at":"t","status":"active","assignment":{"policy":'
    '{"model":' + LIMITS + ',"provider_id":"p"}},"execution_state_snapshot":[0,255]}'
)


@pytest.mark.parametrize(
    "head",
    [
        HEAD % (LIMITS, FRAME.replace('"active"', "0"), ""),
        HEAD % (LIMITS, FRAME.replace("255", "256"), ""),
        HEAD % (LIMITS, FRAME.replace("255", "true"), ""),
        HEAD % (LIMITS, FRAME.replace('"status"', '"caused_by":{"type":{}},"status"'), ""),
        HEAD % (LIMITS, FRAME, ',"head_revision":-0'),
        HEAD % (LIMITS, FRAME, ',"current_agent_frame_id":null'),
        HEAD % (LIMITS, FRAME, ',"checkpoint_ref":"\\ud800"'),
        HEAD % (LIMITS.replace('"id"', '"tier":1,"id"'), FRAME, ""),
        HEAD % (LIMITS, FRAME.replace('"provider_id"', '"tier":1,"provider_id"'), ""),
    ],
)
def test_a_head_that_the_runtime_refuses_is_refused(head: str) -> None:
    assert decode_head(HEAD % (LIMITS, FRAME, ',"new":[1]')).agent_frames[0].reason == "initial"
    with pytest.raises(Invalid):
        decode_head(head)


def test_what_a_turn_used_may_be_negative() -> None:
    manifest = {"turn_state": {"turn_index": 1, "token_usage": {"input_tokens": -5}}}
    read = decode(msgpack.packb(manifest), Manifest)
    assert read.turn_state is not None
    assert read.turn_state.token_usage.input_tokens == -5
    assert decode(encode_manifest(read), Manifest) == read


@pytest.mark.parametrize(
    ("content", "unknown"),
    [
        (msgpack.packb({0: None, 1: "t"}), []),
        (msgpack.packb({1: "t", 9: "z"}), ["9"]),
        (msgpack.packb({b"tool_state_ref": b"t"}), []),
        (msgpack.packb([None, "t"]), []),
        (b"\x82\xa2\xff\xfe\x01" + msgpack.packb("tool_state_ref") + b"\xa1t", ["\udcff\udcfe"]),
        (msgpack.packb({"tool_state_ref": "t", "new": {"deep": [1]}}), ["new"]),
    ],
)
def test_the_forms_of_a_manifest(content: bytes, unknown: list[str]) -> None:
    found: list[str] = []
    assert decode(content, Manifest, found) == Manifest(tool_state_ref="t")
    assert found == unknown


def payload(value: bytes) -> bytes:
    options = b"\x81" + msgpack.packb("payload") + value
    state = b"\x82" + msgpack.packb("turn_index") + b"\x01"
    state += msgpack.packb("protocol_turn_options") + options
    return bytes(b"\x81" + msgpack.packb("turn_state") + state)


@pytest.mark.parametrize(
    "content",
    [
        b"\x81\x91\x01\x01",
        msgpack.packb({"tool_state_ref": b"\xff"}),
        msgpack.packb({-1: "t"}),
        payload(b"\x91" * 900 + b"\x01"),
        payload(msgpack.packb(b"bytes")),
        payload(msgpack.packb({1: 2})),
    ],
)
def test_what_is_no_manifest_is_invalid(content: bytes) -> None:
    with pytest.raises(Invalid):
        decode(content, Manifest, [])


def test_an_envelope_names_variants_by_position_too() -> None:
    stored = msgpack.packb({0: {0: 1, 1: [0]}, 1: 0, 2: [1, 2, 200]})
    assert unwrap(stored)[:3] == ("CheckpointManifest", "None", bytes([1, 2, 200]))


@pytest.mark.parametrize("cut", [b"\xdc", b"\xdc\x00", b"\xdd", b"\xdd\x00\x00\x00"])
def test_a_cut_array_is_not_an_empty_one(cut: bytes) -> None:
    assert packed.octets_at(cut, 0) is None
    with pytest.raises(Invalid):
        decode_execution_state(cut)
    envelope = wrap(TOOL_STATE, b"", "lowlatency")
    assert unwrap(envelope[:-1] + cut).damage


def test_what_only_looks_like_an_envelope_is_told_by_its_key() -> None:
    """Bytes stored raw may be a map of such a field; their key is then their own hash."""
    stored = msgpack.packb({"content": "of something else"})
    assert unwrap(stored).damage
    assert unwrap_or_raise(content_hash(stored), stored).content == stored
    with pytest.raises(DamagedBlobError):
        unwrap_or_raise("0" * 64, stored)


def test_a_checkpoint_that_is_both_null_and_named_is_none_to_trust() -> None:
    twice = '{"config":{},"checkpoint_ref":"a","checkpoint_ref":%s}'
    assert head_refs(twice % '"b"').checkpoint_refs == ("a", "b")
    with pytest.raises(Invalid):
        head_refs(twice % "null")


@given(st.lists(st.tuples(st.integers(0, 255), st.booleans()), max_size=40))
def test_integers_of_any_width_read_back(octets: list[tuple[int, bool]]) -> None:
    array = b"\xdd" + len(octets).to_bytes(4, "big")
    for value, wide in octets:
        array += bytes([0xCC, value]) if wide or value >= 128 else bytes([value])
    assert decode_execution_state(array) == bytes(value for value, _ in octets)


def test_a_truth_value_is_no_byte() -> None:
    with pytest.raises(Invalid):
        decode_execution_state(msgpack.packb([1, True]))


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


@pytest.mark.parametrize(
    "row",
    [b"\xff", ROW.replace(b'"kind"', b'"\xff"'), ROW.replace(b'":"', b'":"\xff', 1)],
)
def test_a_row_that_is_no_utf8_is_damaged_and_no_traceback(row: bytes) -> None:
    nodes, damages = decode_rows([ROW, row, ROW])
    assert [node is None for node in nodes] == [False, True, False]
    assert [damage.position for damage in damages] == [1]


def test_lenient_reading_delivers_what_is_no_json_as_it_is() -> None:
    for text in (b"\xff", b'{"a":"\xff"}', b"{", "[" * 100_000):
        assert jsontext.lenient(text) == text
    assert jsontext.lenient(None) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            '"media_type":{"kind":"image","type":"png"}',
            '"media_type":{"kind":"audio","type":"png"}',
        ),
        ('"media_type":{"kind":"image","type":"png"}', '"media_type":{"type":"png"}'),
        ('"caused_by":{"type":"turn","session_id":"s","turn_id":"t"}', '"caused_by":["s","t"]'),
    ],
)
def test_a_variant_that_does_not_say_which_it_is_is_none(before: str, after: str) -> None:
    text = (
        '{"node_id":"a","caused_by":{"type":"turn","session_id":"s","turn_id":"t"},'
        '"timestamp":"2026-01-01T00:00:00+00:00","kind":"event","event":{"Conversation":{"id":"m",'
        '"role":"User","parts":[{"id":"p","kind":"Image","content":"","attachment":{"reference":'
        '{"id":"x","media_type":{"kind":"image","type":"png"},"byte_len":1}},'
        '"prune_state":"Intact"}]}}}'
    )
    assert not decode_rows([text.encode()])[1]
    assert before in text
    assert len(decode_rows([text.replace(before, after).encode()])[1]) == 1


WITH_COUNTS = {
    "byte_len": '{"node_id":"a","timestamp":"t","kind":"event","event":{"Conversation":{"id":"m",'
    '"role":"User","parts":[{"id":"p","kind":"Image","content":"","attachment":{"reference":'
    '{"id":"x","media_type":{"kind":"image","type":"png"},"byte_len":COUNT,"width":1}},'
    '"prune_state":"Intact"}]}}}',
    "origin": '{"node_id":"a","timestamp":"t","kind":"event","event":{"Conversation":{"id":"m",'
    '"role":"User","parts":[],"origin":{"kind":"process","process_id":"p","event_type":"e",'
    '"sequence":COUNT}}}}',
    "cause of the origin": '{"node_id":"a","timestamp":"t","kind":"event","event":{"Conversation":'
    '{"id":"m","role":"User","parts":[],"origin":{"kind":"process","process_id":"p",'
    '"event_type":"e","sequence":1,"caused_by":{"type":"process_event","process_id":"p",'
    '"sequence":COUNT}}}}}',
    "cause": '{"node_id":"a","caused_by":{"type":"process_event","process_id":"p",'
    '"sequence":COUNT},"timestamp":"t","kind":"plugin","plugin_type":"p","body":1}',
}


@pytest.mark.parametrize("row", WITH_COUNTS.values(), ids=WITH_COUNTS)
def test_a_count_beyond_64_bits_is_damage_however_many_rows_are_read(row: str) -> None:
    for count, is_read in ((7, True), ((1 << 64) - 1, True), (1 << 64, False), (1 << 70, False)):
        text = row.replace("COUNT", str(count)).encode()
        spaced = text.replace(b":", b": ")  # not as the runtime writes it: read field by field
        for rows in ([text], [text, ROW], [spaced]):
            nodes, damages = decode_rows(rows)
            assert (nodes[0] is not None) == (not damages) == is_read, (count, rows)


@pytest.mark.parametrize("side", ["width", "height"])
def test_a_side_of_an_image_beyond_32_bits_is_damage(side: str) -> None:
    row = WITH_COUNTS["byte_len"].replace("COUNT", "1").replace('"width":1', f'"{side}":SIDE')
    for length, is_read in ((0, True), ((1 << 32) - 1, True), (1 << 32, False), (-1, False)):
        text = row.replace("SIDE", str(length)).encode()
        for rows in ([text], [text, ROW], [text.replace(b":", b": ")]):
            nodes, damages = decode_rows(rows)
            assert (nodes[0] is not None) == (not damages) == is_read, (length, rows)


@pytest.mark.parametrize("kind", ['{"event":null}', '["event"]', "0", "null"])
def test_a_kind_is_told_by_its_name_alone(kind: str) -> None:
    row = b'{"node_id":"a","timestamp":"t","kind":"event","event":{"Protocol":{"plugin_id":"p",'
    row += b'"payload":1}}}'
    assert not decode_rows([row])[1]
    assert len(decode_rows([row.replace(b'"event",', kind.encode() + b",")])[1]) == 1
    with pytest.raises(Invalid, match="kind"):
        decode_node(row.replace(b'"event",', kind.encode() + b","))


STATE, OTHER = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([{"frame_id": "f", "execution_state_ref": STATE}], [("f", STATE)]),
        (
            [{"execution_state_ref": STATE}, {"execution_state_ref": OTHER}],
            [("0", STATE), ("1", OTHER)],
        ),
        ({"frame_id": "f", "execution_state_ref": STATE}, [("f", STATE)]),
        ({"x": {"frame_id": "f", "execution_state_ref": STATE}}, [("f", STATE)]),
        ([["f", "s", None, "active", STATE, None, [1, 2]]], [("0", STATE)]),
        ([[["f", STATE]], {"a": [{"execution_state_ref": [OTHER]}]}], [("1", OTHER)]),
        ([{"frame_id": "f", "state": {"execution_state_ref": {"hash": STATE}}}], [("f", STATE)]),
        ([STATE, None, 7, {"frame_id": "f", "execution_state_snapshot": [1]}], []),
    ],
)
def test_states_are_found_however_agent_frames_are_written(
    frames: Any, expected: list[tuple[str, str]]
) -> None:
    head = json.dumps({"config": {}, "agent_frames": frames})
    assert list(head_refs(head).execution_states) == expected
