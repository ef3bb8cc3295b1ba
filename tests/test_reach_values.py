"""Reachability as a value: it outlives its store, travels, shows itself, and refuses nonsense."""

from __future__ import annotations

import pickle
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from reach_by_hand import Plan, made, plans, reachability
from stores import recorded_params, unpack
from test_frames import check_schema

import lashgraph as lg
from lashgraph import GcPolicy, errors
from lashgraph.sqlite import blobs, kinds

Recorded = Callable[[str], Path]
TOOLS = "sessions/std-tools-366bbb0a4d808158.db.gz"
LONG = "sessions/long-300-c8fddabf35d16add.db.gz"


@pytest.fixture
def reach(recorded: Recorded) -> lg.Reachability:
    with lg.open(recorded(TOOLS)) as store:
        return store.reachability(keep_turns=2)


def test_it_travels_and_answers_alike_after_the_store_is_closed(reach: lg.Reachability) -> None:
    keys = list(reach.roots()["ref"].unique())
    again = pickle.loads(pickle.dumps(reach))
    assert repr(again) == repr(reach)
    pd.testing.assert_frame_equal(again.retained(), reach.retained())
    pd.testing.assert_frame_equal(
        again.freed_by([keys, keys[:1]]), reach.freed_by([keys, keys[:1]])
    )
    pd.testing.assert_frame_equal(again.blobs(), reach.blobs())
    for key in reach.live | reach.dead:
        why = reach.why(key, all=True)
        assert again.why(key, all=True).lines() == why.lines()
        assert pickle.loads(pickle.dumps(why)).lines() == why.lines()
    assert set(again.to_networkx().edges) == set(reach.to_networkx().edges)


def test_it_holds_no_contents() -> None:
    secret = b"the name of the patient"
    with lg.open(":memory:") as store:
        store.put_module_artifact("a", secret)
        store.put_blob(secret + b" and more")
        reach = store.reachability()
    reach.retained()
    assert secret not in pickle.dumps(reach)


def test_it_shows_a_few_numbers_and_the_next_call(reach: lg.Reachability) -> None:
    for text in (repr(reach), reach._repr_html_()):
        for word in ("safe policy", "dead", "dangling", "retained()", "why(hash)"):
            assert word in text
    assert f"{len(reach.live):,} blobs" in repr(reach)


def test_a_refused_collection_is_told(recorded: Recorded) -> None:
    with lg.open(recorded("damaged/manifest-absent.db.gz")) as store:
        reach = store.reachability()
    assert "refused" in repr(reach)
    assert "missing" in reach._repr_html_()
    check_schema("retained", reach.retained())


def test_frames_say_what_they_were_made_of(recorded: Recorded) -> None:
    with lg.open(recorded(TOOLS)) as store:
        reach = store.reachability(GcPolicy.runtime())
        fingerprint = store.nodes().attrs["lashgraph"]["fingerprint"]
    attrs = reach.retained().attrs["lashgraph"]
    assert attrs == {
        "frame": "retained",
        "version": lg.__version__,
        "fingerprint": fingerprint,
        "policy": "runtime",
    }


@given(plans())
def test_roots_and_blobs_agree_with_the_mark(plan: Plan) -> None:
    with made(plan) as connection:
        reach = reachability(connection, plan.policy)
    table, roots = reach.blobs(), reach.roots()
    check_schema("reached", table)
    check_schema("roots", roots)
    by_state = {state: set(rows["hash"]) for state, rows in table.groupby("state", observed=True)}
    assert by_state.get("live", set()) == reach.live
    assert by_state.get("dead", set()) == reach.dead
    assert by_state.get("dangling", set()) == reach.dangling
    for row in table.itertuples():
        chains = reach.why(row.hash, all=True).chains if row.n_roots else ()
        keys = list(dict.fromkeys(roots["ref"]))
        reaching = sorted({chain.ref for chain in chains}, key=keys.index)
        assert row.n_roots == len(reaching)
        assert reaching[:1] == ([] if pd.isna(row.first_root) else [row.first_root])
        assert pd.isna(row.only_root) == (len(reaching) != 1)
    graph = reach.to_networkx()
    assert {key for key, facts in graph.nodes(data=True) if facts.get("live")} == (
        reach.live | reach.dangling
    )


def test_a_pass_over_prefixes_finds_the_kinds_that_blobs_have(recorded: Recorded) -> None:
    with lg.open(recorded(LONG)) as store:
        rows = store._database.read(blobs.sizes)
        found = store._database.read(lambda c: kinds.of_all(c, rows))
        assert found == store.blobs()["kind"].tolist()
        assert len(set(found)) == 3


@pytest.mark.parametrize("gz", recorded_params("damaged/*.db.gz"))
def test_damaged_stores_are_answered(gz: Path, tmp_path: Path) -> None:
    with lg.open(unpack(gz, tmp_path)) as store:
        kind = store.blobs().set_index("hash")["kind"].to_dict()
        for policy in (GcPolicy.safe(), GcPolicy.runtime()):
            reach = store.reachability(policy)
            assert reach.retained()["counted_bytes"].sum() >= reach.live_bytes
            keys = list(reach.roots()["ref"].unique())
            assert reach.freed_by([keys])["freed_bytes"].tolist() == [reach.live_bytes]
            for key, found in kind.items():
                assert reach.why(key).kind == found


# Wrong arguments


@pytest.mark.parametrize(
    ("refs", "adding", "error", "word"),
    [
        (["artifact:none"], [], errors.UnknownRefError, "store.refs"),
        ([], ["turn:none"], errors.UnknownRefError, "store.refs"),
        ("head", [], errors.InvalidRecordError, "refs is a list"),
        (7, [], errors.InvalidRecordError, "refs is a list"),
        ([7], [], errors.InvalidRecordError, "refs"),
        ([["head"], [7]], [], errors.InvalidRecordError, "refs"),
        (["head", ["head"]], [], errors.InvalidRecordError, "both keys and lists"),
        ([["head"], []], [[], [], []], errors.InvalidRecordError, "2 sets in refs and 3"),
        (["head"], ["head"], errors.InvalidRecordError, "both dropped and added"),
    ],
)
def test_sets_that_make_no_sense_are_refused(
    reach: lg.Reachability, refs: Any, adding: Any, error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        reach.freed_by(refs, adding=adding)


def test_a_ref_that_is_no_root_cannot_be_dropped(recorded: Recorded) -> None:
    with lg.open(recorded(TOOLS)) as store:
        reach, turn = store.reachability(), store.turns()["ref"].iloc[0]
    with pytest.raises(errors.UnknownRefError, match="is no root under the safe policy") as caught:
        reach.freed_by([[turn]])
    assert caught.value.ref == turn
    assert reach.freed_by(adding=[turn])["n_added"].tolist() > [0]


def test_a_turn_that_cannot_be_read_cannot_be_added(recorded: Recorded) -> None:
    with lg.open(recorded("damaged/turn-result-not-json.db.gz")) as store:
        reach = store.reachability()
    with pytest.raises(errors.DamagedStoreError, match="cannot be known") as caught:
        reach.freed_by(adding=["turn:t1"])
    assert caught.value.findings


def test_a_damaged_manifest_of_a_turn_cannot_be_added(recorded: Recorded) -> None:
    path = recorded(TOOLS)
    with lg.open(path) as store:
        turn = store.turns().iloc[0]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "UPDATE blobs SET content = x'c1' WHERE hash = ?", (turn["checkpoint_ref"],)
        )
        connection.commit()
    with lg.open(path) as store:
        reach = store.reachability()
    with pytest.raises(errors.DamagedStoreError, match=turn["checkpoint_ref"]):
        reach.freed_by(adding=[turn["ref"]])


def test_rows_of_freed_by_are_as_many_as_sets(reach: lg.Reachability) -> None:
    turn = reach.roots().query("source_kind == 'turn_commit'")["ref"].iloc[0]
    assert len(reach.freed_by([])) == 0
    check_schema("freed", reach.freed_by([]))
    assert reach.freed_by([[]])["n_freed"].tolist() == [0]
    assert len(reach.freed_by(["head", "head"])) == 1
    assert reach.freed_by(["head", "head"])["dropped"].tolist() == ['["head"]']
    assert len(reach.freed_by([["head"]], adding=[[], []])) == 2
    assert len(reach.freed_by([["head"], [turn]], adding=[])) == 2
    check_schema("freed", reach.freed_by(pd.Series(["head", turn])))
