"""Hashes in a head's text that no field names: kept by the safe policy, with their place told."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lashgraph as lg
from lashgraph import GcPolicy, errors
from lashgraph.format.blob import MANIFEST, content_hash, wrap
from lashgraph.reach import collect_refs, head_text_refs
from lashgraph.testing import oracle
from lashgraph.testing.builders import SessionBuilder, Step

Recorded = Callable[[str], Path]


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """A session with two agent frames, each with a state of its own, and no record of turns."""
    path = tmp_path / "session.db"
    with SessionBuilder(path, "session") as made:
        made.code_turn("first", [Step("x = 1", ["1"])])
        made.new_agent_frame("compaction")
        made.remember(700)
        made.turn("second", "answer")
        made.garbage(2, 90)
    change(path, "DELETE FROM runtime_turn_commits")
    return path


def change(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement, values)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def head_of(path: Path) -> dict[str, object]:
    with closing(sqlite3.connect(path)) as connection:
        (text,) = connection.execute("SELECT head_json FROM session_head").fetchone()
    head: dict[str, object] = json.loads(text)
    return head


def set_head(path: Path, text: str) -> None:
    change(path, "UPDATE session_head SET head_json = ?", text)


def kept(path: Path, policy: GcPolicy | None = None) -> frozenset[str]:
    with lg.open(path) as store:
        return frozenset(store.plan_gc(policy or GcPolicy.safe()).kept()["hash"])


def odd_roots(path: Path) -> dict[str, str]:
    """Place by hash."""
    with lg.open(path) as store:
        roots = store.reachability().roots()
    odd = roots[roots["source_kind"] == "head_text"]
    return dict(zip(odd["blob_hash"], odd["field"], strict=True))


def test_a_sound_head_has_none(session: Path) -> None:
    assert not odd_roots(session)


@pytest.mark.parametrize(
    "key", ["checkpoint_ref", "agent_frames", "execution_state_ref", "frame_id", "session_id"]
)
def test_a_key_that_damage_renames_costs_nothing(key: str, session: Path) -> None:
    before = kept(session)
    runtime = GcPolicy.runtime()
    set_head(session, json.dumps(head_of(session)).replace(f'"{key}"', f'"{key[:-1]}~"'))
    assert kept(session) == before == oracle.judge(session).kept
    assert kept(session, runtime) == oracle.judge(session, "runtime").kept
    with lg.open(session, "rw") as store:
        store.sweep(store.plan_gc(), accept_unusual=True)
        assert set(store.blobs()["hash"]) == before


def test_agent_frames_by_their_ids_cost_nothing(session: Path) -> None:
    before = kept(session)
    head = head_of(session)
    frames = {frame["frame_id"]: frame for frame in head["agent_frames"]}  # type: ignore[attr-defined]
    set_head(session, json.dumps(head | {"agent_frames": frames}))
    assert kept(session) == before == oracle.judge(session).kept


@pytest.mark.parametrize("ascii_only", [False, True])
def test_digits_count_in_either_case_and_escaped(ascii_only: bool, session: Path) -> None:
    before = kept(session)
    head = head_of(session)
    state = next(frame["execution_state_ref"] for frame in head["agent_frames"])  # type: ignore[attr-defined]
    spelled = "".join(f"\\u{ord(digit):04X}" for digit in state) if ascii_only else state.upper()
    set_head(session, json.dumps(head).replace(state, spelled))
    assert kept(session) == before == oracle.judge(session).kept


def test_why_says_which_text_and_where(session: Path) -> None:
    head = head_of(session)
    checkpoint = str(head.pop("checkpoint_ref"))
    head["old refs"] = [{"of": f"was {checkpoint}"}]
    set_head(session, json.dumps(head))
    with lg.open(session) as store:
        reach = store.reachability()
        manifest = store.get_checkpoint(checkpoint)
        assert manifest is not None
        assert manifest.tool_state_ref
        named, tools = reach.why(checkpoint), reach.why(manifest.tool_state_ref)
        (line,) = named.lines()
        assert line.startswith('the head\'s text at $["old refs"][0].of -> ')
        (line,) = tools.lines()
        assert line.startswith('the head\'s text at $["old refs"][0].of -> checkpoint ')
        assert " -> tool_state_ref -> " in line
        assert named.frame()["ref"].tolist() == [f"head_text:{checkpoint}"]
        refs = store.refs().set_index("ref").loc[f"head_text:{checkpoint}"]
        assert (refs["is_root_safe"], refs["is_root_runtime"]) == (True, False)
        assert refs["source_id"] == "session"
        dropped = store.plan_gc(drop=[f"head_text:{checkpoint}"])
        assert checkpoint in dropped.doomed_hashes
        added = store.plan_gc(GcPolicy.runtime(), keep=[f"head_text:{checkpoint}"])
        assert {checkpoint, manifest.tool_state_ref} <= set(added.kept()["hash"])


def test_of_a_text_that_is_no_json_the_place_is_not_told(session: Path) -> None:
    checkpoint = str(head_of(session)["checkpoint_ref"])
    set_head(session, json.dumps(head_of(session))[:-1])
    with lg.open(session) as store:
        (line,) = store.reachability().why(checkpoint).lines()
        assert line.startswith("the head's text -> ")
    for policy in (GcPolicy.safe(), GcPolicy.runtime()):
        with lg.open(session, "rw") as store, pytest.raises(errors.DamagedStoreError):
            store.gc_unreachable(policy)
        assert oracle.judge(session, policy.name).verdict == "refuse"


def test_a_manifest_that_only_the_text_names_and_that_is_damaged_is_refused(session: Path) -> None:
    head = head_of(session)
    checkpoint = str(head.pop("checkpoint_ref"))
    set_head(session, json.dumps(head | {"checkpoint": checkpoint}))
    broken = wrap(MANIFEST, b"\xc1", "balanced")
    change(session, "UPDATE blobs SET content = ? WHERE hash = ?", broken, checkpoint)
    with lg.open(session, "rw") as store:
        with pytest.raises(errors.DamagedStoreError, match=f"head_text:{checkpoint}"):
            store.gc_unreachable()
        assert checkpoint in set(store.check()["key"])
    assert oracle.judge(session).verdict == "refuse"


def test_the_heads_of_other_sessions_count_in_a_catalogue(recorded: Recorded) -> None:
    path = recorded("versions/v38-tip.db.gz")
    with pytest.raises(errors.WhichSessionError) as caught:
        lg.open(path)
    own, other, *_ = caught.value.session_ids
    garbage = content_hash(b"named by the text alone")
    change(
        path, "INSERT INTO blobs (hash, content) VALUES (?, ?)", garbage, b"named by the text alone"
    )
    with lg.open(path, session_id=own) as store:
        assert garbage in store.plan_gc().doomed_hashes
    for session_id, text in (
        (other, f"the text of head@{other} at $.odd -> "),
        (own, "the head's"),
    ):
        statement = (
            "UPDATE session_head SET head_json = json_set(head_json, '$.odd', ?) "
            "WHERE session_id = ?"
        )
        change(path, statement, garbage, session_id)
        with lg.open(path, session_id=own) as store:
            assert garbage not in store.plan_gc().doomed_hashes
            assert any(line.startswith(text) for line in store.reachability().why(garbage).lines())


@given(st.text('0123456789abcdefAF\\u006"{[:,]}', max_size=40), st.integers(0, 3), st.booleans())
def test_any_text_names_what_the_oracle_finds(noise: str, at: int, upper: bool) -> None:
    content = b"named by a text"
    key = content_hash(content)
    shown = key.upper() if upper else key
    head = {
        "config": {"x": noise},
        "more": [noise + shown, {shown + noise: 1}, shown[1:], noise][at],
    }
    with lg.open(":memory:") as store, store._database.exclusive("change") as connection:
        connection.execute("INSERT INTO blobs VALUES (?, ?)", (key, content))
        connection.execute(
            "INSERT INTO session_head (singleton, session_id, head_json, head_revision) "
            "VALUES (1, 's', ?, 1)",
            (json.dumps(head),),
        )
        found = head_text_refs(connection, collect_refs(connection), {key})
        assert {ref.blob_hash for ref in found} == oracle.judge(connection).kept
        assert bool(found) is (at < 2)
