"""Why a blob is kept: chains against brute force, and what superseded a dead one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import networkx as nx
import pandas as pd
import pytest
from hypothesis import given
from reach_by_hand import ABSENT, Plan, made, plans, reachability, ways
from stores import recorded_params, unpack
from test_frames import check_schema

import lashgraph as lg
from lashgraph import GcPolicy, errors
from lashgraph.reach import Chain, Why

Recorded = Callable[[str], Path]
FRAMES = "sessions/rlm-frames-1dda3e9e568fca5d.db.gz"
TOOLS = "sessions/std-tools-366bbb0a4d808158.db.gz"
LONG = "sessions/long-300-c8fddabf35d16add.db.gz"


def passed(chain: Chain) -> tuple[str, tuple[str, ...]]:
    return chain.ref, tuple([step.blob_hash for step in chain.steps])


@given(plans())
def test_all_chains_are_those_of_brute_force(plan: Plan) -> None:
    with made(plan) as connection:
        reach = reachability(connection, plan.policy)
        for key in [*reach._facts.hashes, ABSENT]:
            expected = ways(connection, plan.policy, key)
            if key not in reach._layers.hash_at:
                assert not expected
                continue
            every, short = reach.why(key, all=True), reach.why(key)
            assert every.is_kept is bool(expected)
            if not expected:
                assert every.state == ("gone" if key == ABSENT else "dead")
                continue
            assert every.state == ("dangling" if key == ABSENT else "live")
            assert {passed(chain) for chain in every.chains} == expected
            least = min(len(blobs) for _, blobs in expected)
            assert {passed(chain) for chain in short.chains} == {
                (ref, blobs) for ref, blobs in expected if len(blobs) == least
            }
            assert short.n_chains == len(every.chains) == len(set(every.chains))


def graph_of_refs(store: lg.Store) -> nx.DiGraph:
    """Roots and manifests of the safe policy, from the frame of refs alone."""
    refs = store.refs()
    graph = nx.DiGraph()
    roots = refs[refs["is_root_safe"]]
    graph.add_edges_from(("the roots", ref) for ref in roots["ref"])
    graph.add_edges_from(zip(roots["ref"], roots["blob_hash"], strict=True))
    children = refs[refs["source_kind"] == "manifest"]
    graph.add_edges_from(zip(children["source_id"], children["blob_hash"], strict=True))
    return graph.subgraph({"the roots", *nx.descendants(graph, "the roots")})


@pytest.mark.parametrize("gz", recorded_params("sessions/*.db.gz"))
def test_shortest_chains_are_those_of_networkx(gz: Path, tmp_path: Path) -> None:
    with lg.open(unpack(gz, tmp_path)) as store:
        graph, reach = graph_of_refs(store), store.reachability()
    assert reach.live
    for key in reach.live:
        why = reach.why(key)
        expected = {
            (ref, tuple(blobs)) for _, ref, *blobs in nx.all_shortest_paths(graph, "the roots", key)
        }
        assert {passed(chain) for chain in why.chains} == expected
        assert why.to_networkx().edges <= graph.edges
        every = reach.why(key, all=True).to_networkx()
        above = nx.ancestors(graph, key) - {"the roots"} | {key}
        assert set(every.edges) == set(graph.subgraph(above).edges)


@pytest.mark.parametrize("gz", recorded_params("sessions/*.db.gz"))
def test_a_dead_blob_has_its_last_turn_and_the_next(gz: Path, tmp_path: Path) -> None:
    with lg.open(unpack(gz, tmp_path)) as store:
        reach = store.reachability()
        last = store.blobs().set_index("hash")["last_turn_id"]
        turns = store.turns().set_index("turn_id")
        head = store.load_head()
    for key in reach.dead:
        why = reach.why(key)
        assert (why.state, why.is_kept) == ("dead", False)
        if pd.isna(last[key]):
            assert why.superseding is None
            continue
        turn, found = turns.loc[last[key]], why.superseding
        assert found.last.ref == turn["ref"]
        field = found.last.steps[-1].field
        after = turns[turns["position"] == turn["position"] + 1]
        if len(after):
            assert found.ref == after["ref"].iloc[0]
            assert found.checkpoint == after["checkpoint_ref"].iloc[0]
            assert found.blob_hash == (
                after[field].iloc[0] if pd.notna(after[field].iloc[0]) else ""
            )
            assert found.blob_hash != key
        else:
            assert (found.ref, found.checkpoint) == ("head", head.checkpoint_ref)


def test_the_lines_of_a_kept_and_of_a_dead_blob(recorded: Recorded) -> None:
    with lg.open(recorded(LONG)) as store:
        reach, turns = store.reachability(), store.turns()
    last, before = turns.iloc[-1], turns.iloc[-2]
    key, head, old = last["tool_state_ref"], last["checkpoint_ref"], before["plugin_snapshot_ref"]

    def cut(text: str) -> str:
        return f"{text[:4]}…"

    assert str(reach.why(key)) == f"head -> checkpoint {cut(head)} -> tool_state_ref -> {cut(key)}"
    assert reach.why(head).lines() == [f"head -> checkpoint_ref -> {cut(head)}"]
    assert reach.why(old).lines() == [
        f"{cut(old)} is dead: no root of the safe policy reaches it",
        f"last named by {before['ref']} -> checkpoint {cut(before['checkpoint_ref'])} -> "
        f"plugin_snapshot_ref -> {cut(old)}",
        f"superseded by {last['ref']} -> checkpoint {cut(head)} -> plugin_snapshot_ref -> "
        f"{cut(last['plugin_snapshot_ref'])}",
    ]


def test_what_names_a_dead_blob_without_keeping_it_is_told(recorded: Recorded) -> None:
    with lg.open(recorded(FRAMES)) as store:
        refs = store.refs()
        frames = refs[(refs["source_kind"] == "agent_frame") & ~refs["is_root_runtime"]]
        why = store.reachability(GcPolicy.runtime()).why(frames["blob_hash"].iloc[0])
    assert why.state == "dead"
    assert f"named by {frames['ref'].iloc[0]} -> execution_state_ref" in str(why)
    assert str(why).endswith("which is no root")
    assert not why.frame()["is_root"].any()


def test_a_blob_that_nothing_names() -> None:
    with lg.open(":memory:") as store:
        key = store.put_blob(b"x")
        why = store.reachability().why(key)
    assert why.lines()[1:] == ["nothing in the store names it"]
    assert (why.kind, why.stored_bytes, why.n_chains) == ("raw", 1, 0)
    check_schema("why", why.frame())
    assert set(why.to_networkx()) == {why.blob_hash}


def test_blobs_that_are_not_there(recorded: Recorded) -> None:
    path = recorded(TOOLS)
    with lg.open(path, "rw") as store:
        old = store.turns()["checkpoint_ref"].iloc[0]
        store.gc_unreachable()
        head = store.load_head().checkpoint_ref
        child = store.get_checkpoint(head).tool_state_ref
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM blobs WHERE hash = ?", (child,))
        connection.commit()
    with lg.open(path) as store:
        reach = store.reachability()
    gone, dangling = reach.why(old), reach.why(child[:20])
    assert (gone.state, gone.kind, gone.stored_bytes) == ("gone", None, None)
    assert "is not in the store: no root" in gone.lines()[0]
    assert "last named by turn:" in gone.lines()[1]
    assert (dangling.state, dangling.is_kept) == ("dangling", True)
    assert "though roots reach it" in dangling.lines()[0]
    assert dangling.frame()["stored_bytes"].isna().tolist() == [False, True]
    states = reach.blobs().set_index("hash")["state"]
    assert (states[old], states[child]) == ("gone", "dangling")


def test_the_frame_and_the_graph_hold_the_same_chains(recorded: Recorded) -> None:
    with lg.open(recorded(TOOLS)) as store:
        reach = store.reachability(keep_turns=100)
    key = max(reach.live, key=lambda key: reach.why(key, all=True).n_chains)
    why = reach.why(key, all=True)
    frame = why.frame()
    check_schema("why", frame)
    assert frame["chain"].nunique() == why.n_chains > 2
    graph = why.to_networkx()
    assert set(graph.edges) == set(zip(frame["source"], frame["blob_hash"], strict=True))
    assert nx.is_directed_acyclic_graph(graph)
    assert graph.nodes[key]["stored_bytes"] == why.stored_bytes
    assert all(graph.nodes[ref]["layer"] == "root" for ref in frame["ref"])
    assert frame.attrs["lashgraph"]["frame"] == "why"


# Hashes


def a_store_of(*hashes: str) -> lg.Store:
    store = lg.open(":memory:")
    with store._database.exclusive("fill") as connection:
        connection.executemany("INSERT INTO blobs VALUES (?, x'00')", [(key,) for key in hashes])
    return store


A, B, C = "ab" * 32, "abc" + "0" * 61, "f" * 64


def test_a_prefix_that_tells_one_hash_is_enough() -> None:
    with a_store_of(A, B, C) as store:
        reach = store.reachability()
    assert reach.why("f").blob_hash == reach.why("FF").blob_hash == C
    assert reach.why("abc").blob_hash == reach.why(B).blob_hash == B
    assert reach.why("aba").blob_hash == A
    assert [reach.why(key).lines()[0][:5] for key in (A, B, C)] == ["abab…", "abc0…", "ffff…"]


def test_an_ambiguous_prefix_lists_what_it_could_be() -> None:
    with a_store_of(A, B, C) as store:
        reach = store.reachability()
    with pytest.raises(errors.AmbiguousHashError) as caught:
        reach.why("ab")
    assert caught.value.candidates == (A, B)
    assert A in str(caught.value)
    with pytest.raises(errors.UnknownBlobError, match=r"store\.blobs\(\)") as unknown:
        reach.why("12")
    assert (unknown.value.blob, isinstance(unknown.value, KeyError)) == ("12", True)
    with pytest.raises(errors.InvalidRecordError):
        reach.why(7)  # type: ignore[arg-type]


def test_many_candidates_are_cut_in_the_message_alone() -> None:
    keys = [f"{number:064x}" for number in range(50)]
    with a_store_of(*keys) as store, pytest.raises(errors.AmbiguousHashError) as caught:
        store.reachability().why("0")
    assert caught.value.candidates == tuple(keys)
    assert "and 40 more" in str(caught.value)


def test_shown_hashes_are_as_long_as_they_must_be() -> None:
    near = ["a" * 20 + "b" * 44, "a" * 20 + "c" * 44]
    with a_store_of(*near) as store:
        reach = store.reachability()
    for key in near:
        shown = reach.why(key).lines()[0].split("…")[0]
        assert shown == key[:21]
        assert reach.why(shown).blob_hash == key


# Untrusted text


def test_text_of_a_store_stays_on_its_line_and_is_escaped() -> None:
    name = "a\n<b onclick=x>\x1b[2J"
    with lg.open(":memory:") as store:
        key = store.put_module_artifact(name, json.dumps({}).encode())
        why: Why = store.reachability().why(key)
    assert why.lines() == [f"artifact:a␊<b onclick=x>␛[2J -> blob_ref -> {key[:4]}…"]
    assert "<b onclick" not in why._repr_html_()
    assert "&lt;b onclick" in why._repr_html_()
    assert "live" in repr(why)
