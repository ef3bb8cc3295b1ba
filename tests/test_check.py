"""Checks: each damage by its code, no false alarm, and no file that a check cannot end on."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import tracemalloc
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import networkx as nx
import pandas as pd
import pytest
from commands import printed_json, run
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import folder_state, rows
from stores import recorded_files, recorded_params, stem, unpack
from test_writing import CONFIG, node

import lashgraph as lg
from lashgraph import errors
from lashgraph.check import CODES, LEVELS, SEVERITIES, document
from lashgraph.reach import mark
from lashgraph.testing.builders import SessionBuilder, Step, ToolCall
from lashgraph.testing.damage import DAMAGES, damage
from lashgraph.testing.large import build_deep_path, build_large_blobs

Recorded = Callable[[str], Path]
PAGE = 4096
ROOT = Path(__file__).resolve().parents[1]


def codes(findings: pd.DataFrame) -> set[str]:
    return set(findings["code"])


def checked(path: Path, level: Any = "full") -> pd.DataFrame:
    with lg.open(path) as store:
        return store.check(level)


# Recorded stores

DAMAGED: dict[str, tuple[set[str], set[str]]] = {
    "artifact-absent-blob": ({"artifact-missing"}, set()),
    "artifact-is-manifest": ({"artifact-names-manifest"}, set()),
    "artifact-old-manifest": ({"artifact-names-manifest"}, {"runtime-gc-deletes"}),
    "blob-hash-mismatch": (set(), {"blob-altered", "state-unreadable"}),
    "child-absent": ({"state-missing", "turn-dangling"}, set()),
    "head-checkpoint-null": ({"head-checkpoint-lost"}, set()),
    "head-empty-object": ({"head-unreadable"}, set()),
    "head-extra-field": ({"head-newer"}, set()),
    "head-frames-bad": ({"head-refused"}, set()),
    "head-missing-config": ({"head-unreadable"}, set()),
    "head-newer-model-field": ({"head-refused"}, set()),
    "head-not-json": ({"head-unreadable"}, set()),
    "head-row-absent": ({"head-lost"}, set()),
    "head-superseded-frame": (set(), {"runtime-gc-deletes"}),
    "healthy": (set(), set()),
    "manifest-absent": ({"manifest-missing", "turn-dangling"}, set()),
    "manifest-bin-content": ({"turn-dangling"}, set()),
    "manifest-duplicate-field": ({"manifest-unreadable"}, set()),
    "manifest-empty-bytes": ({"manifest-unreadable"}, set()),
    "manifest-garbage": ({"manifest-unreadable"}, set()),
    "manifest-hash-mismatch": ({"manifest-altered"}, set()),
    "manifest-int": ({"manifest-unreadable"}, set()),
    "manifest-no-turn-state": ({"turn-dangling"}, set()),
    "manifest-positional": ({"turn-dangling"}, set()),
    "manifest-raw": ({"turn-dangling"}, set()),
    "manifest-ref-not-string": ({"manifest-unreadable"}, set()),
    "manifest-trailing-bytes": ({"turn-dangling"}, set()),
    "manifest-unknown-compression": ({"manifest-unreadable"}, set()),
    "manifest-unknown-field": ({"manifest-newer", "turn-dangling"}, set()),
    "manifest-unknown-kind": ({"manifest-unreadable"}, set()),
    "manifest-zlib-corrupt": ({"manifest-unreadable"}, set()),
    "manifest-zlib-truncated": ({"manifest-unreadable"}, set()),
    "node-cycle": ({"node-cycle"}, set()),
    "node-id-mismatch": ({"node-key-differs"}, set()),
    "node-missing-parent": ({"active-path-cut", "parent-missing", "head-count-differs"}, set()),
    "node-names-archive": ({"head-count-differs"}, {"runtime-gc-deletes"}),
    "node-not-json": ({"node-unreadable", "head-count-differs"}, set()),
    "node-tombstoned-parent": ({"parent-tombstoned", "head-count-differs"}, set()),
    "node-unreadable-names-blob": (
        {"node-unreadable", "head-count-differs"},
        {"runtime-gc-deletes"},
    ),
    "turn-result-not-json": ({"turn-unreadable"}, set()),
}
"""Of each damaged store the codes that a quick check finds, and those that only a full one does."""


@pytest.mark.parametrize("gz", recorded_params("damaged/*.db.gz"))
def test_each_damage_has_its_code(gz: Path, tmp_path: Path) -> None:
    path = unpack(gz, tmp_path)
    before = folder_state(tmp_path)
    quick, more = DAMAGED[stem(gz)]
    assert codes(checked(path, "quick")) == quick
    assert codes(checked(path, "full")) == quick | more
    assert folder_state(tmp_path) == before


@pytest.mark.parametrize("gz", recorded_params("sessions/*.db.gz"))
def test_a_session_of_the_runtime_gives_no_alarm(gz: Path, tmp_path: Path) -> None:
    """Neither as it was left nor after lash's own collection and a vacuum."""
    path = unpack(gz, tmp_path)
    findings = checked(path)
    assert set(findings["severity"]) <= {"note"}, findings.to_string()
    with lg.open(path, "rw") as store:
        store.gc_unreachable(lg.GcPolicy.runtime())
        store.vacuum()
        findings = store.check("full")
    assert "error" not in set(findings["severity"]), findings.to_string()
    warned = codes(findings[findings["severity"] == "warning"])
    assert warned <= {"parent-missing"}
    assert "runtime-gc-deletes" not in codes(findings)


def test_what_a_collection_leaves_dangling_is_a_note(recorded: Recorded) -> None:
    findings = checked(recorded("sessions/rlm-frames-gc-1007d3fa542c3a1c.db.gz"))
    counts = Counter(zip(findings["severity"], findings["code"], strict=True))
    assert counts == {("note", "agent-frame-dangling"): 2, ("note", "turn-dangling"): 7}


@pytest.mark.parametrize("gz", recorded_params("sessions/siblings/*sessions*.db.gz"))
def test_sibling_sessions_are_sound(gz: Path, tmp_path: Path) -> None:
    assert set(checked(unpack(gz, tmp_path))["severity"]) <= {"note"}


@pytest.mark.parametrize("gz", recorded_params("damaged/*.db.gz"))
def test_problems_are_a_part_of_the_findings(gz: Path, tmp_path: Path) -> None:
    with lg.open(unpack(gz, tmp_path)) as store:
        findings, problems = store.check(), store.problems()
    listed = [CODES[code].is_problem for code in findings["code"]]
    named = ["table", "key", "what"]
    expected = findings.loc[listed, named].to_numpy().tolist()
    assert sorted(problems[named].to_numpy().tolist()) == sorted(expected)


@pytest.mark.parametrize("gz", recorded_params("damaged/*.db.gz"))
def test_whatever_makes_a_collection_refuse_is_an_alarm(gz: Path, tmp_path: Path) -> None:
    with lg.open(unpack(gz, tmp_path)) as store:
        policy = lg.GcPolicy.safe(keep_turns=1)
        refusals = store._database.read(lambda connection: mark(connection, policy).findings)
        findings = store.check()
    alarms = findings[findings["severity"] != "note"]
    named = set(zip(alarms["table"], alarms["key"], strict=True))
    assert {(finding.table, finding.key) for finding in refusals} <= named


# Every code, on a store made for it


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session of every sort: tools, code, a branch, agent frames, an archive, a module."""
    path = tmp_path_factory.mktemp("sample") / "sample.db"
    with SessionBuilder(path, "sample") as session:
        session.turn("a?", "a.", [ToolCall("search", {"q": 1}, "found")])
        start = session.leaf
        session.code_turn("b?", [Step("1 + 1", ["2"], 2)])
        session.archive("long " * 900, "…")
        session.module("let x = 1")
        session.branch_from(start)
        session.turn("c?", "c.")
        session.new_agent_frame("fork")
        session.turn("d?", "d.")
        session.garbage(2, 100)
        session.store.enqueue_work(
            {
                "session_id": "sample",
                "delivery_policy": "AfterCurrentTurnCommit",
                "slot_policy": "Exclusive",
                "merge_key": None,
                "payloads": [{"x": 1}],
            }
        )
    return path


def test_the_sample_is_sound(sample: Path) -> None:
    assert codes(checked(sample)) == {"runtime-gc-deletes"}


def head_with(**changes: Any) -> Callable[[sqlite3.Connection], None]:
    """Change fields of the head; None takes a field out."""

    def change(connection: sqlite3.Connection) -> None:
        head = json.loads(connection.execute("SELECT head_json FROM session_head").fetchone()[0])
        head = {key: value for key, value in {**head, **changes}.items() if value is not None}
        connection.execute("UPDATE session_head SET head_json = ?", (json.dumps(head),))

    return change


def last_node_with(**changes: Any) -> Callable[[sqlite3.Connection], None]:
    """Change fields of the last node."""

    def change(connection: sqlite3.Connection) -> None:
        seq, text = connection.execute(
            "SELECT seq, node_json FROM graph_nodes ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        made = json.dumps({**json.loads(text), **changes})
        connection.execute("UPDATE graph_nodes SET node_json = ? WHERE seq = ?", (made, seq))

    return change


def copied_message(text: str, role: str = "User") -> Callable[[sqlite3.Connection], None]:
    """Add a node whose message has the id of the first, and another text."""

    def change(connection: sqlite3.Connection) -> None:
        first = json.loads(
            connection.execute("SELECT node_json FROM graph_nodes ORDER BY seq").fetchone()[0]
        )
        message = first["event"]["Conversation"]
        part = {**message["parts"][0], "id": "other", "content": text}
        made = {
            **first,
            "node_id": "copy",
            "event": {"Conversation": {**message, "role": role, "parts": [part]}},
        }
        connection.execute(
            "INSERT INTO graph_nodes (node_id, node_json) VALUES ('copy', ?)", (json.dumps(made),)
        )
        count = "json_set(head_json, '$.graph_node_count', (SELECT count(*) FROM graph_nodes))"
        connection.execute(f"UPDATE session_head SET head_json = {count}")

    return change


LIVE_MANIFEST = "(SELECT head_json ->> '$.checkpoint_ref' FROM session_head)"
GARBAGE = "(SELECT max(rowid) FROM blobs)"
STATE = (
    "(SELECT result_json ->> '$.manifest.tool_state_ref' FROM runtime_turn_commits "
    "ORDER BY rowid DESC LIMIT 1)"
)


def envelope(kind: str, compression: str = "None") -> str:
    """SQL of a blob in an envelope of a kind."""
    parts = [b"\x83\xaadescriptor\x81\xa4kind", bytes([0xA0 + len(kind)]), kind.encode()]
    parts += [b"\xabcompression", bytes([0xA0 + len(compression)]), compression.encode()]
    parts += [b"\xa7content\x91\x01"]
    return f"x'{b''.join(parts).hex()}'"


CHILD = '{"kind":"child","parent_session_id":"p"}'

ODD: list[tuple[str, set[str], str | Callable[[sqlite3.Connection], None]]] = [
    (
        "a foreign key",
        {"foreign-key", "schema-acts"},
        "CREATE TABLE extra (node TEXT REFERENCES graph_nodes(node_id)); "
        "INSERT INTO extra VALUES ('nowhere')",
    ),
    (
        "an item without a batch",
        {"queue-item-without-batch"},
        "DELETE FROM queued_work_batches",
    ),
    (
        "queued work that is no JSON",
        {"queue-unreadable"},
        "UPDATE queued_work_items SET payload_json = '{'; "
        "UPDATE queued_work_batches SET merge_key_json = ''",
    ),
    ("a trigger", {"schema-acts"}, "CREATE TRIGGER t AFTER DELETE ON blobs BEGIN SELECT 1; END"),
    ("a view", {"schema-acts"}, "CREATE VIEW v AS SELECT * FROM blobs"),
    ("no leaf there", {"leaf-missing"}, head_with(leaf_node_id="nowhere")),
    (
        "a dead leaf",
        {"leaf-tombstoned", "head-count-differs"},
        "UPDATE graph_nodes SET tombstoned = 1 WHERE seq = (SELECT max(seq) FROM graph_nodes)",
    ),
    ("a lost count", {"head-count-differs"}, head_with(graph_node_count=1)),
    ("another revision inside", {"head-column-differs"}, head_with(head_revision=99)),
    (
        "another session in the column",
        {"head-column-differs"},
        "UPDATE session_head SET session_id = 'other'",
    ),
    (
        "a head that was set back",
        {"head-behind-turns", "head-column-differs"},
        "UPDATE session_head SET head_revision = 1",
    ),
    (
        "an agent frame that is not listed",
        {"agent-frame-unknown"},
        head_with(current_agent_frame_id="nowhere"),
    ),
    ("a newer field", {"head-newer"}, head_with(mood="good")),
    ("a legacy field", set(), head_with(token_ledger=[])),
    ("a refused head", {"head-refused"}, head_with(agent_frames="none")),
    (
        "a head as bytes",
        {"head-refused"},
        "UPDATE session_head SET head_json = CAST(head_json AS BLOB)",
    ),
    (
        "a head that is no UTF-8",
        {"head-unreadable"},
        "UPDATE session_head SET head_json = CAST(x'7B22FF223A317D' AS TEXT)",
    ),
    (
        "metadata of another session",
        {"session-id-differs"},
        "UPDATE session_meta SET session_id = 'other'",
    ),
    (
        "a turn of another session",
        {"session-id-differs"},
        "UPDATE runtime_turn_commits SET session_id = 'other' WHERE rowid = 1",
    ),
    (
        "a relation that is no JSON",
        {"meta-unreadable"},
        "UPDATE session_meta SET relation_json = '{'",
    ),
    ("a relation that is null", set(), "UPDATE session_meta SET relation_json = NULL"),
    (
        "a turn without a time",
        {"turn-unreadable"},
        "UPDATE runtime_turn_commits SET committed_at_ms = 'noon', result_json = '{'",
    ),
    (
        "a node of another release",
        {"node-unknown-kind"},
        last_node_with(kind="event", event={"Tool": {}}),
    ),
    ("a node that is nothing", {"node-unreadable"}, last_node_with(kind=None)),
    ("a time that is none", {"time-unreadable"}, last_node_with(timestamp="noon")),
    (
        "a time that no frame can show",
        {"time-unreadable"},
        last_node_with(timestamp="9999-01-01T00:00:00+00:00"),
    ),
    (
        "a node older than its parent",
        {"time-backwards"},
        last_node_with(timestamp="2020-01-01T00:00:00Z"),
    ),
    (
        "a time in another zone",
        set(),
        last_node_with(timestamp="2199-01-01T00:00:00-09:00"),
    ),
    ("a copied message", {"message-id-repeated"}, copied_message("a?")),
    ("a message that was altered", {"message-id-conflict"}, copied_message("something else")),
    (
        "a message of another role",
        {"message-id-conflict"},
        copied_message("a?", role="Assistant"),
    ),
    (
        "a blob under another key",
        {"blob-altered"},
        f"UPDATE blobs SET content = x'00' WHERE rowid = {GARBAGE}",
    ),
    (
        "a blob under no key",
        {"blob-key-odd"},
        f"UPDATE blobs SET hash = 'name' WHERE rowid = {GARBAGE}",
    ),
    (
        "a blob under a key of bytes",
        {"blob-key-odd"},
        f"UPDATE blobs SET hash = x'00' WHERE rowid = {GARBAGE}",
    ),
    (
        "a blob that is text",
        {"blob-not-bytes"},
        f"UPDATE blobs SET content = 'text' WHERE rowid = {GARBAGE}",
    ),
    (
        "a cut envelope",
        {"blob-damaged"},
        f"UPDATE blobs SET content = substr({envelope('GenericBlob')}, 1, 40) "
        f"WHERE rowid = {GARBAGE}",
    ),
    (
        "an envelope of another kind",
        {"blob-unknown-kind"},
        f"UPDATE blobs SET content = {envelope('Dream')} WHERE rowid = {GARBAGE}",
    ),
    (
        "another compression",
        {"blob-unknown-kind"},
        f"UPDATE blobs SET content = {envelope('GenericBlob', 'Zstd')} WHERE rowid = {GARBAGE}",
    ),
    (
        "a state that is gone",
        {"state-missing", "turn-dangling"},
        f"DELETE FROM blobs WHERE hash = {STATE}",
    ),
    (
        "a state of another type",
        {"state-unreadable", "blob-altered"},
        f"UPDATE blobs SET content = {envelope('ToolState')} WHERE hash = {STATE}",
    ),
    (
        "a lost ledger",
        {"usage-below-checkpoint"},
        "DELETE FROM usage_deltas WHERE seq > 1",
    ),
    ("no ledger", set(), "DELETE FROM usage_deltas"),
    (
        "a lost ledger of a child",
        {"usage-below-checkpoint"},
        f"UPDATE session_meta SET relation_json = '{CHILD}'; "
        "DELETE FROM usage_deltas WHERE seq > 1",
    ),
    (
        "a child whose turns used none: its checkpoint repeats its parent's usage",
        set(),
        f"UPDATE session_meta SET relation_json = '{CHILD}'; "
        "DELETE FROM usage_deltas WHERE seq > 1; DELETE FROM runtime_turn_commits "
        "WHERE json_extract(result_json, '$.head_revision') < "
        "(SELECT head_revision FROM session_head)",
    ),
    (
        "usage that is no count",
        {"usage-odd"},
        "UPDATE usage_deltas SET input_tokens = -1, output_tokens = 'many'; "
        "DELETE FROM usage_deltas WHERE seq > 1",
    ),
    (
        "more cached than sent",
        {"usage-cached-above-input"},
        "UPDATE usage_deltas SET cached_input_tokens = 90000 WHERE seq = 1",
    ),
    (
        "states that were collected",
        {"agent-frame-dangling", "turn-dangling", "archive-dangling"},
        "DELETE FROM blobs WHERE hash <> " + LIVE_MANIFEST,
    ),
]


@pytest.mark.parametrize(("what", "expected", "change"), ODD, ids=[what for what, *_ in ODD])
def test_each_oddity_has_its_code(
    what: str,
    expected: set[str],
    change: str | Callable[[sqlite3.Connection], None],
    sample: Path,
    tmp_path: Path,
) -> None:
    path = tmp_path / "odd.db"
    path.write_bytes(sample.read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        if isinstance(change, str):
            connection.executescript(change)
        else:
            change(connection)
        connection.commit()
    findings = checked(path)
    aside = {"runtime-gc-deletes"}
    if "collected" in what:
        aside |= {"state-missing", "artifact-missing"}
    assert codes(findings) - aside == expected, findings.to_string()


def test_every_code_is_found_somewhere() -> None:
    """By the two tables above, and by the tests of broken pages below."""
    seen = {code for quick, more in DAMAGED.values() for code in quick | more}
    seen |= {code for _, expected, _ in ODD for code in expected}
    assert seen | {"sqlite-damage", "sqlite-unreadable"} == set(CODES)


@pytest.mark.parametrize("kind", DAMAGES)
def test_damage_made_on_purpose_is_an_error(kind: str, sample: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    path.write_bytes(sample.read_bytes())
    damage(path, kind)
    assert "error" in set(checked(path, "quick")["severity"])


# The graph against a slow and obvious computation

names = st.sampled_from([f"n{number}" for number in range(9)])
links = st.dictionaries(
    names,
    st.tuples(st.none() | names | st.just("absent"), st.integers(0, 5), st.booleans()),
    max_size=9,
)


@settings(deadline=None)
@given(links, st.none() | names)
def test_the_graph_is_judged_as_networkx_does(
    nodes: dict[str, tuple[str | None, int, bool]], leaf: str | None
) -> None:
    with lg.open(":memory:") as store:
        store.append_session_graph_nodes(
            node(name, parent, timestamp=f"2026-01-01T00:00:0{second}+00:00")
            for name, (parent, second, _) in nodes.items()
        )
        store.tombstone_nodes([name for name, (_, _, dead) in nodes.items() if dead])
        store.save_head({"session_id": "s", "config": CONFIG, "leaf_node_id": leaf})
        findings = store.check()
    living = {name: link for name, link in nodes.items() if not link[2]}
    plain: nx.DiGraph[str] = nx.DiGraph()
    plain.add_edges_from((up, name) for name, (up, _, _) in living.items() if up in living)
    circles = {name for ring in nx.simple_cycles(plain) for name in ring}
    missing = {name for name, (up, _, _) in living.items() if up and up not in nodes}
    expected = {
        "parent-missing": missing,
        "parent-tombstoned": {
            name for name, (up, _, _) in living.items() if up in nodes and up not in living
        },
        "node-cycle": circles,
        "time-backwards": {
            name
            for name, (up, second, _) in living.items()
            if up in living and name not in circles and second < living[up][1]
        },
    }
    for code, keys in expected.items():
        assert set(findings.loc[findings["code"] == code, "key"]) == keys, code
    path = {leaf} | (nx.ancestors(plain, leaf) if leaf in plain else set())
    assert ("active-path-cut" in codes(findings)) == bool(path & missing)
    assert ("leaf-tombstoned" in codes(findings)) == (leaf in nodes and leaf not in living)
    assert ("leaf-missing" in codes(findings)) == (leaf is not None and leaf not in nodes)
    assert ("head-count-differs" in codes(findings)) == (len(living) != 0)


def test_a_deep_path_is_no_deep_recursion(tmp_path: Path) -> None:
    build_deep_path(tmp_path / "deep.db", depth=5_000)
    assert checked(tmp_path / "deep.db").empty
    with closing(sqlite3.connect(tmp_path / "deep.db")) as connection:
        connection.execute("DELETE FROM graph_nodes WHERE seq = 1")
        connection.commit()
    assert codes(checked(tmp_path / "deep.db")) == {
        "active-path-cut",
        "parent-missing",
        "head-count-differs",
    }


# Files that SQLite cannot read


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> bytes:
    """A store of many pages: the sample, and larger tables beside its rows."""
    path = tmp_path_factory.mktemp("pages") / "pages.db"
    path.write_bytes(sample.read_bytes())
    with lg.open(path, "rw") as store:
        store.append_session_graph_nodes(node(f"x{i}", body="y" * 900) for i in range(60))
        for number in range(60):
            store.put_blob(bytes([number]) * 3_000)
    return path.read_bytes()


noise = st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=200))


@settings(deadline=None, max_examples=150)
@given(st.lists(noise, min_size=1, max_size=4), st.sampled_from([0, 0, 0, 4096, 5000]))
def test_no_broken_file_makes_a_check_fail(
    pages: bytes, broken: list[tuple[int, bytes]], cut: int
) -> None:
    """Whatever stands in its pages; where the schema is broken it cannot even be opened."""
    content = bytearray(pages[: len(pages) - cut])
    numbers = range(1, len(content) // PAGE)
    starts = [n * PAGE for n in numbers if b"CREATE " not in content[n * PAGE : (n + 1) * PAGE]]
    for place, garbage in broken:
        start = starts[place % len(starts)] + place // len(starts) % (PAGE - len(garbage))
        content[start : start + len(garbage)] = garbage
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "broken.db"
        path.write_bytes(content)
        try:
            store = lg.open(path)
        except errors.LashgraphError:
            return
        with store:
            store.problems()
            store.check("quick")
            store.check("full")


@pytest.mark.parametrize("table", ["blobs", "graph_nodes", "session_head", "usage_deltas"])
def test_a_table_that_cannot_be_read_is_a_finding(table: str, pages: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.db"
    path.write_bytes(pages)
    sql = f"SELECT rootpage FROM sqlite_master WHERE name = '{table}'"
    page = rows(path, sql)[0][0]
    start = PAGE * (page - 1)
    path.write_bytes(pages[:start] + b"\xff" * PAGE + pages[start + PAGE :])
    findings = checked(path, "quick")
    assert {"sqlite-damage", "sqlite-unreadable"} <= codes(findings)
    unread = findings[findings["code"] == "sqlite-unreadable"]
    assert table in set(unread["table"])
    assert (unread["severity"] == "error").all()
    assert run("check", path).returncode == 1


def test_one_unreadable_blob_hides_no_other(pages: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.db"
    path.write_bytes(pages)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "UPDATE blobs SET content = zeroblob(40000) "
            "WHERE rowid = (SELECT min(rowid) FROM blobs)"
        )
        connection.execute(
            "UPDATE blobs SET content = x'00' WHERE rowid = (SELECT max(rowid) FROM blobs)"
        )
        connection.commit()
        size = connection.execute("PRAGMA page_count").fetchone()[0] * PAGE
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = path.read_bytes()
    zeros = whole.rfind(b"\x00" * 4000)
    page = zeros // PAGE * PAGE
    assert 0 < page < size
    path.write_bytes(whole[:page] + b"\xff\xff\xff\xf0" + whole[page + 4 :])
    findings = checked(path)
    altered = findings.loc[findings["code"] == "blob-altered", "key"].tolist()
    assert rows(path, "SELECT hash FROM blobs ORDER BY rowid DESC LIMIT 1")[0][0] in altered
    assert "sqlite-damage" in codes(findings)


# What a check costs, answers and says


def test_a_full_check_holds_one_content_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "blobs.db"
    build_large_blobs(path, blobs=64, live=8, total_bytes=32_000_000)
    with lg.open(path) as store:
        store.check()
        tracemalloc.start()
        try:
            assert store.check("full").empty
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 8_000_000


def test_findings_are_sorted_and_declared(recorded: Recorded) -> None:
    findings = checked(recorded("damaged/node-missing-parent.db.gz"))
    places = [SEVERITIES.index(severity) for severity in findings["severity"]]
    assert places == sorted(places)
    for row in findings.itertuples():
        code = CODES[row.code]
        assert (row.severity, row.advice) == (code.severity, code.advice)
    assert findings.attrs["lashgraph"]["frame"] == "findings"


def test_a_level_that_is_none_is_named(recorded: Recorded) -> None:
    refusal = pytest.raises(errors.InvalidRecordError, match="'quick', 'full'")
    with lg.open(recorded("damaged/healthy.db.gz")) as store, refusal:
        store.check("deep")  # type: ignore[arg-type]


def test_the_codes_are_declared_whole() -> None:
    for name, code in CODES.items():
        assert name == code.name
        assert code.severity in SEVERITIES
        assert code.level in LEVELS
        assert code.meaning.endswith(".")
        assert code.advice.endswith(".")
        assert "|" not in code.meaning + code.advice
        assert not (code.is_problem and (code.severity == "note" or code.level == "full"))
    order = [SEVERITIES.index(code.severity) for code in CODES.values()]
    assert order == sorted(order)


def test_the_page_about_checks_is_the_declared_table() -> None:
    page = (ROOT / "docs" / "checks.md").read_text()
    assert page == document.markdown(), "python -m lashgraph.check.document > docs/checks.md"


def test_the_command_ends_with_1_on_errors_alone(recorded: Recorded) -> None:
    broken, odd, healthy = (
        recorded(f"damaged/{name}.db.gz")
        for name in ("blob-hash-mismatch", "artifact-is-manifest", "healthy")
    )
    assert printed_json("check", broken)[0] == 0
    code, told = printed_json("check", broken, "--level", "full")
    assert (code, told["level"], told["counts"]["error"]) == (1, "full", 2)
    assert [row["code"] for row in told["findings"]] == ["state-unreadable", "blob-altered"]
    assert printed_json("check", healthy) == (
        0,
        {
            "path": str(healthy),
            "level": "quick",
            "counts": {"error": 0, "warning": 0, "note": 0},
            "findings": [],
        },
    )
    done = run("check", odd)
    assert done.returncode == 0
    assert "warning artifact-names-manifest" in done.stdout
    assert CODES["artifact-names-manifest"].advice in done.stdout
    assert run("check", odd, "--level", "deep").returncode == 2
    assert run("check", healthy.parent / "none.db").returncode == 2


def test_the_damaged_table_has_every_recorded_store() -> None:
    assert {stem(path) for path in recorded_files("damaged/*.db.gz").values()} <= set(DAMAGED)
