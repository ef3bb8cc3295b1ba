"""Bytes over turns: what each brought, when it became garbage, what collections would have done."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from stores import recorded_params, unpack

import lashgraph as lg
from lashgraph import errors

Recorded = Callable[[str], Path]
TOOLS = "sessions/std-tools-366bbb0a4d808158.db.gz"


@pytest.mark.parametrize("gz", recorded_params("sessions/*.db.gz"))
def test_the_kinds_of_new_bytes_and_what_became_garbage_add_up(gz: Path, tmp_path: Path) -> None:
    with lg.open(unpack(gz, tmp_path)) as store:
        history = store.history()
    kinds = history.filter(regex="^new_.+_bytes$")
    assert kinds.shape[1] == 4
    assert kinds.sum(axis=1).tolist() == history["new_bytes"].tolist()
    grown = history["garbage_bytes"].diff().fillna(history["garbage_bytes"])
    assert (grown <= history["became_garbage_bytes"]).all()


@pytest.mark.parametrize("gz", recorded_params("sessions/*.db.gz"))
def test_simulations_against_sets_kept_by_hand(gz: Path, tmp_path: Path) -> None:
    with lg.open(unpack(gz, tmp_path)) as store:
        refs, history = store.refs(), store.history()
        sizes = store.blobs().set_index("hash")["stored_bytes"].to_dict()
        for keep_turns in (0, 2):
            simulated = store.simulate_gc([0, 1, 3, 1000], keep_turns=keep_turns)
            for every, rows in simulated.groupby("every"):
                by_hand = []
                there: set[str] = set()
                names = [
                    set(refs.loc[refs["ref"] == r, "blob_hash"]) & sizes.keys()
                    for r in history["ref"]
                ]
                for at, named in enumerate(names):
                    there |= named
                    freed = 0
                    if every and (at + 1) % every == 0:
                        kept = set().union(*names[max(at + 1 - max(keep_turns, 1), 0) : at + 1])
                        freed = sum(sizes[key] for key in there - kept)
                        there &= kept
                    by_hand.append((sum(sizes[key] for key in there), freed))
                assert list(zip(rows["stored_bytes"], rows["freed_bytes"], strict=True)) == by_hand
    live = simulated[simulated["every"] == 1]
    assert len(live) == len(history)


def test_collecting_after_each_turn_keeps_what_is_live(recorded: Recorded) -> None:
    with lg.open(recorded(TOOLS)) as store:
        history, simulated = store.history(), store.simulate_gc([1, 0])
        always, never = simulated[simulated["every"] == 1], simulated[simulated["every"] == 0]
        assert always["stored_bytes"].tolist() == history["live_bytes"].tolist()
        known = history["live_bytes"] + history["garbage_bytes"]
        assert never["stored_bytes"].tolist() == known.tolist()
        assert never["freed_bytes"].sum() == 0


def test_the_turn_that_made_a_blob_garbage_is_the_one_whose_collection_frees_it(
    recorded: Recorded, tmp_path: Path
) -> None:
    path = recorded(TOOLS)
    with lg.open(path) as store:
        blobs, turns = store.blobs(), store.turns()
    last = turns["turn_id"].iloc[-1]
    by_turns = blobs.dropna(subset=["last_turn_id"])
    live = by_turns[by_turns["garbage_turn_id"].isna()]
    assert (live["last_turn_id"] == last).all()
    order = {turn: at for at, turn in enumerate(turns["turn_id"])}
    dead = by_turns.dropna(subset=["garbage_turn_id"])
    steps = dead["garbage_turn_id"].map(order) - dead["last_turn_id"].map(order)
    assert (steps == 1).all()
    copy = Path(shutil.copyfile(path, tmp_path / "copy.db"))
    with lg.open(copy, "rw") as store:
        doomed = set(store.plan_gc(lg.GcPolicy.runtime()).doomed()["hash"])
    assert set(dead["hash"]) <= doomed


@pytest.mark.parametrize("bad", [[-1], ["1"], "10", 5, [1.5]])
def test_an_interval_is_a_count(bad: object) -> None:
    with (
        lg.open(":memory:") as store,
        pytest.raises(errors.InvalidRecordError, match="every"),
    ):
        store.simulate_gc(bad)  # type: ignore[arg-type]
