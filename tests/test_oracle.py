"""The package against the oracle, on stores that are damaged twice.

Random stores by the thousand::

    python -m lashgraph.testing.torture --trial stores --minutes 30
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import stores
from hypothesis import given
from hypothesis import strategies as st

import lashgraph as lg
from lashgraph import GcPolicy, errors
from lashgraph.testing import oracle, strategies
from lashgraph.testing.torture.harms import ENVELOPES, ODD
from lashgraph.testing.torture.random_stores import (
    HARMS,
    Harms,
    agree,
    built_store,
    harmed,
    made_stores,
    one_file,
)

# Stores to damage


@cache
def recorded_store(name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return one_file(stores.unpack(stores.find(name), Path(folder)))


HEALTHY_NAME = "damaged/healthy.db.gz"
HEALTHY = st.sampled_from(
    [
        HEALTHY_NAME,
        "damaged/artifact-old-manifest.db.gz",
        "damaged/head-superseded-frame.db.gz",
        "sessions/rlm-frames-1dda3e9e568fca5d.db.gz",
    ]
)


@given(HEALTHY, HARMS, strategies.policies(), st.booleans())
def test_two_damages_of_a_recorded_store(
    name: str, harms: Harms, policy: GcPolicy, planned: bool
) -> None:
    with harmed(recorded_store(name), harms) as path:
        agree(path, policy, planned=planned)


@given(HARMS, strategies.policies(), st.booleans())
def test_two_damages_of_a_built_store(harms: Harms, policy: GcPolicy, planned: bool) -> None:
    with harmed(built_store(), harms) as path:
        agree(path, policy, planned=planned)


@given(made_stores(), HARMS, strategies.policies(), st.booleans())
def test_two_damages_of_any_store(
    store: bytes, harms: Harms, policy: GcPolicy, planned: bool
) -> None:
    with harmed(store, harms) as path:
        agree(path, policy, planned=planned)


@pytest.mark.parametrize("pick", range(len(ENVELOPES)))
@pytest.mark.parametrize("kind", ODD)
def test_envelopes_however_they_are_written(kind: str, pick: int) -> None:
    for policy in (GcPolicy.safe(keep_turns=1), GcPolicy.runtime()):
        with harmed(recorded_store(HEALTHY_NAME), (kind, "nothing", pick)) as path:
            agree(path, policy, planned=True)


# What is kept without some roots


@given(HARMS, strategies.policies(), st.data())
def test_without_some_roots_the_oracle_keeps_what_a_plan_that_drops_them_keeps(
    harms: Harms, policy: GcPolicy, data: st.DataObject
) -> None:
    with harmed(built_store(), harms) as path, lg.open(path) as store:
        graph = store.reachability(policy).to_networkx()
        roots = {key for key, facts in graph.nodes(data=True) if facts["layer"] == "root"}
        droppable = sorted(roots - {"head"})
        dropped = data.draw(st.lists(st.sampled_from(droppable)) if droppable else st.just([]))
        try:
            kept = oracle.kept_by(path, policy.name, dropped, keep_turns=policy.keep_turns)
        except oracle.Refusal:
            with pytest.raises(errors.DamagedStoreError):
                store.plan_gc(policy, drop=dropped)
        else:
            assert set(store.plan_gc(policy, drop=dropped).kept()["hash"]) == kept


def test_without_the_head_only_what_others_name_is_kept(
    recorded: Callable[[str], Path],
) -> None:
    path = recorded("damaged/head-superseded-frame.db.gz")
    with lg.open(path) as store:
        key = store.load_head().checkpoint_ref  # type: ignore[union-attr]
        manifest = store.get_checkpoint(str(key))
        refs = store.refs()
    assert manifest is not None
    children = {manifest.tool_state_ref, manifest.plugin_snapshot_ref, manifest.execution_state_ref}
    named = refs[refs["source_kind"].isin(["artifact", "agent_frame"])]
    everything = oracle.kept_by(path)
    assert everything == oracle.judge(path).kept == {key, *children, *named["blob_hash"]}
    assert everything - oracle.kept_by(path, without=["head"]) == {key, *children}
    assert oracle.kept_by(path, "runtime", ["head", "turn:of-no-such-id"]) == set(
        named.loc[named["source_kind"] == "artifact", "blob_hash"]
    )
    assert oracle.kept_by(path, without=["head", *named["ref"]]) == frozenset()


def test_a_turn_that_is_dropped_is_not_replaced_by_an_older_one(
    recorded: Callable[[str], Path],
) -> None:
    path = recorded(HEALTHY_NAME)
    kept = [oracle.kept_by(path, keep_turns=count) for count in range(4)]
    assert kept[0] == kept[1] < kept[2] <= kept[3]
    assert oracle.kept_by(path, without=["turn:t2"], keep_turns=2) == kept[1]


def test_wrong_questions_are_refused(recorded: Callable[[str], Path]) -> None:
    path = recorded(HEALTHY_NAME)
    with pytest.raises(ValueError, match="known: 'safe', 'runtime'"):
        oracle.judge(path, "careful")
    with pytest.raises(ValueError, match="not one text"):
        oracle.kept_by(path, without="head")
    with pytest.raises(oracle.Refusal, match="missing"):
        oracle.kept_by(recorded("damaged/manifest-absent.db.gz"))
