"""Retained sizes and sets of refs against marking again without them."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reach_by_hand import (
    Plan,
    live_without_manifest,
    made,
    plans,
    reachability,
    reached_by_root,
    sizes,
)
from recorded import rows
from stores import recorded_params, unpack

import lashgraph as lg
from lashgraph import GcPolicy
from lashgraph.reach.columns import KINDS
from lashgraph.reach.facts import gather
from lashgraph.testing import oracle


@given(plans())
def test_retained_is_what_a_mark_without_it_loses(plan: Plan) -> None:
    policy = plan.policy
    with made(plan) as connection:
        reach, size = reachability(connection, policy), sizes(connection)
        table = reach.retained()
        live = oracle.kept_by(connection, policy.name, keep_turns=policy.keep_turns)
        reached = reached_by_root(connection, policy)
        roots = table[table["layer"] == "root"]
        assert roots["ref"].tolist() == list(reached)
        for row in table.itertuples():
            kind, _, key = row.ref.partition(":")
            if row.layer == "root":
                left = oracle.kept_by(
                    connection, policy.name, [row.ref], keep_turns=policy.keep_turns
                )
                own = reached[row.ref] & size.keys()
            else:
                assert kind == "manifest"
                left = frozenset(live_without_manifest(connection, policy, key))
                assert row.shallow_bytes == size[key]
                own = live - left
                assert key in own
            lost = live - left
            assert (row.n_retained, row.retained_bytes) == (len(lost), total(size, lost))
            if row.layer == "root":
                assert (row.n_blobs, row.reached_bytes) == (len(own), total(size, own))
                assert row.shared_bytes == total(size, own - lost)


def total(size: dict[str, int], keys: frozenset[str] | set[str]) -> int:
    return sum(size[key] for key in keys)


@given(plans())
def test_the_sums_add_up_to_the_live_total(plan: Plan) -> None:
    with made(plan) as connection:
        reach, size = reachability(connection, plan.policy), sizes(connection)
        reached = reached_by_root(connection, plan.policy)
    live = oracle_live(reached) & size.keys()
    assert reach.live == live
    assert reach.live_bytes == total(size, live)
    roots = reach.retained().query("layer == 'root'")
    shared_once = {key for key in live if sum([key in blobs for blobs in reached.values()]) > 1}
    assert roots["retained_bytes"].sum() + total(size, shared_once) == reach.live_bytes
    assert roots["counted_bytes"].sum() == reach.live_bytes
    assert roots["n_retained"].sum() + len(shared_once) == len(live)
    assert (roots["reached_bytes"] == roots["retained_bytes"] + roots["shared_bytes"]).all()


def oracle_live(reached: dict[str, set[str]]) -> set[str]:
    return set().union(*reached.values())


@given(plans(), st.data())
def test_freed_by_a_set_is_what_a_mark_without_it_loses(plan: Plan, data: st.DataObject) -> None:
    policy = plan.policy
    with made(plan) as connection:
        reach, size = reachability(connection, policy), sizes(connection)
        keys = list(dict.fromkeys(reach.roots()["ref"]))
        sets = data.draw(st.lists(st.lists(st.sampled_from(keys)), min_size=1, max_size=5))
        table = reach.freed_by(sets)
        live = oracle.kept_by(connection, policy.name, keep_turns=policy.keep_turns)
        for row, dropped in zip(table.itertuples(), sets, strict=True):
            left = oracle.kept_by(connection, policy.name, dropped, keep_turns=policy.keep_turns)
            lost = live - left
            assert (row.n_freed, row.freed_bytes) == (len(lost), total(size, lost))
            assert (row.n_added, row.live_bytes) == (0, total(size, left))
    assert table["position"].tolist() == list(range(len(sets)))
    for change in ("freed", "added"):
        by_kind = [table[f"{change}_bytes_{kind}"] for kind in KINDS]
        assert np.sum(by_kind, axis=0).tolist() == table[f"{change}_bytes"].tolist()
        by_kind = [table[f"n_{change}_{kind}"] for kind in KINDS]
        assert np.sum(by_kind, axis=0).tolist() == table[f"n_{change}"].tolist()


@given(plans(), st.data())
def test_a_superset_never_frees_less(plan: Plan, data: st.DataObject) -> None:
    with made(plan) as connection:
        reach = reachability(connection, plan.policy)
    keys = st.lists(st.sampled_from(sorted(set(reach.roots()["ref"]))))
    small, more = data.draw(keys), data.draw(keys)
    table = reach.freed_by([small, small + more])
    assert table["freed_bytes"].is_monotonic_increasing
    assert table["n_freed"].is_monotonic_increasing


@given(plans(), st.data())
def test_adding_is_what_a_mark_that_keeps_them_finds(plan: Plan, data: st.DataObject) -> None:
    policy = plan.policy
    with made(plan) as connection:
        reach, size = reachability(connection, policy), sizes(connection)
        named = [key for key in reach._facts.hashes if f"manifest:{key}" in reach._layers.key_at]
        known = [f"turn:t{n}" for n in range(len(plan.turns))]
        known += [f"agent_frame:f{n}" for n in range(len(plan.frames))]
        known += [f"archive:n{n}" for n in range(len(plan.archives))]
        known += [f"manifest:{key}" for key in named]
        added = data.draw(st.lists(st.sampled_from(known), unique=True))
        droppable = sorted(set(reach.roots()["ref"]) - {"head", *added})
        dropped = data.draw(st.lists(st.sampled_from(droppable), unique=True)) if droppable else []
        row = reach.freed_by([dropped], adding=added or [[]]).iloc[0]
        after = gather(connection, policy.replace(keep=added, drop=dropped), "").live
    before, after = reach.live & size.keys(), after & size.keys()
    assert (row["n_freed"], row["freed_bytes"]) == count(size, before - after)
    assert (row["n_added"], row["added_bytes"]) == count(size, after - before)
    assert row["live_bytes"] == total(size, after)


def count(size: dict[str, int], keys: frozenset[str]) -> tuple[int, int]:
    return len(keys), total(size, keys)


# Stores of the real runtime


@pytest.mark.parametrize("gz", recorded_params("sessions/*.db.gz"))
@pytest.mark.parametrize("policy", [GcPolicy.safe(keep_turns=3), GcPolicy.runtime()], ids=str)
def test_real_sessions_agree_with_the_oracle(gz: Path, policy: GcPolicy, tmp_path: Path) -> None:
    path = unpack(gz, tmp_path)
    size = dict(rows(path, "SELECT hash, length(content) FROM blobs"))
    with lg.open(path) as store:
        reach = store.reachability(policy)
        keys = sorted(set(reach.roots()["ref"]))
        deleted = store.plan_gc(policy).deleted_bytes
    assert reach.dead_bytes == deleted
    live = oracle.kept_by(path, policy.name, keep_turns=policy.keep_turns)
    assert reach.live == live
    chooser = random.Random(0)
    sets = [[key] for key in keys]
    sets += [chooser.sample(keys, chooser.randint(0, len(keys))) for _ in range(3)] + [keys]
    table = reach.freed_by(sets)
    for row, dropped in zip(table.itertuples(), sets, strict=True):
        left = oracle.kept_by(path, policy.name, dropped, keep_turns=policy.keep_turns)
        assert (row.n_freed, row.freed_bytes) == count(size, live - left)
    assert table["freed_bytes"].iloc[-1] == reach.live_bytes
    held = reach.retained().set_index("ref")
    for key, (freed, blobs) in zip(
        keys, zip(table["freed_bytes"], table["n_freed"], strict=True), strict=False
    ):
        assert (held.loc[key, "retained_bytes"], held.loc[key, "n_retained"]) == (freed, blobs)
    for row in held.loc[held["layer"] == "manifest"].itertuples():
        left = live_without_manifest(path, policy, row.Index.removeprefix("manifest:"))
        assert row.retained_bytes == total(size, live - left)


def test_a_manifest_that_an_agent_frame_names_is_not_followed_from_there() -> None:
    plan = Plan(GcPolicy.safe(), [9], [(0, None, None)], 1, [], [1], [], [])
    with made(plan) as connection:
        reach, size = reachability(connection, plan.policy), sizes(connection)
    state, manifest = reach._facts.hashes
    table = reach.retained().set_index("ref")
    assert table.loc["head", "retained_bytes"] == size[state]
    assert table.loc["head", "shared_bytes"] == size[manifest]
    assert table.loc["agent_frame:f0", "retained_bytes"] == 0
    assert table.loc[f"manifest:{manifest}", "retained_bytes"] == sum(size.values())
    assert reach.freed_by(["head", "agent_frame:f0"])["freed_bytes"].tolist() == [
        sum(size.values())
    ]
