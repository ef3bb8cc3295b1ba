"""Retention: which turns a policy keeps, what each choice comes to, and budgets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from stores import recorded_params, unpack

import lashgraph as lg
from lashgraph import errors

Recorded = Callable[[str], Path]
LONG = "sessions/std-tools-366bbb0a4d808158.db.gz"


def kept(plan: lg.GcPlan) -> set[str]:
    return set(plan.kept()["hash"])


@pytest.mark.parametrize("gz", recorded_params("sessions/*.db.gz"))
def test_each_choice_is_what_a_plan_says(gz: Path, tmp_path: Path) -> None:
    with lg.open(unpack(gz, tmp_path)) as store:
        table = store.retention()
        turns = store.turns()
        assert table["keep_turns"].tolist() == list(range(len(turns) + 1))
        assert table["freed_bytes"].is_monotonic_decreasing
        for row in table.iloc[:: max(1, len(table) // 12)].itertuples():
            plan = store.plan_gc(keep_turns=row.keep_turns)
            assert (plan.deleted_blob_count, plan.deleted_bytes) == (
                row.freed_blobs,
                row.freed_bytes,
            )
            assert (plan.kept_blob_count, plan.kept_bytes) == (row.kept_blobs, row.kept_bytes)
        oldest = table["oldest_turn_id"].tolist()
        assert oldest[1:] == turns["turn_id"].tolist()[::-1]


def test_since_a_time_keeps_the_turns_from_then_on(recorded: Recorded) -> None:
    with lg.open(recorded(LONG)) as store:
        turns = store.turns()
        third_last = turns["committed_at"].iloc[-3]
        by_count = store.plan_gc(keep_turns=3)
        for since in (third_last, third_last.isoformat(), third_last.to_pydatetime()):
            assert kept(store.plan_gc(since=since)) == kept(by_count)
        later = store.plan_gc(since=third_last + pd.Timedelta("1ms"))
        assert kept(later) == kept(store.plan_gc(keep_turns=2))
        everything = store.plan_gc(since="1970-01-01")
        assert kept(everything) == kept(store.plan_gc(keep_turns=len(turns)))
        assert kept(store.plan_gc(since="2100-01-01")) == kept(store.plan_gc())
        both = store.plan_gc(since=third_last, keep_turns=5)
        assert kept(both) == kept(store.plan_gc(keep_turns=5))


def test_times_without_an_offset_are_utc_and_no_time_is_refused() -> None:
    naive = lg.GcPolicy.safe(since="2026-01-02T03:04:05")
    assert naive == lg.GcPolicy.safe(since="2026-01-02T05:04:05+02:00")
    assert naive.since is not None
    assert naive.since.utcoffset() == pd.Timedelta(0)
    for bad in ("yesterday", 5, object()):
        with pytest.raises(errors.InvalidRecordError, match="since"):
            lg.GcPolicy.safe(since=bad)  # type: ignore[arg-type]


def test_what_is_dropped_is_freed_with_all_that_only_it_keeps(recorded: Recorded) -> None:
    with lg.open(recorded("sessions/rlm-code-01c638196ebbe841.db.gz"), "rw") as store:
        refs = store.refs()
        artifact = refs.loc[refs["source_kind"] == "artifact", "ref"].iloc[0]
        module = refs.loc[refs["ref"] == artifact, "blob_hash"].iloc[0]
        whole, without = store.plan_gc(), store.plan_gc(drop=[artifact])
        assert kept(whole) - kept(without) == {module}
        assert store.sweep(without).deleted_blob_count == whole.deleted_blob_count + 1


def test_the_head_cannot_be_dropped_and_neither_can_what_is_no_root(recorded: Recorded) -> None:
    with lg.open(recorded(LONG)) as store:
        with pytest.raises(errors.InvalidRecordError, match="freed_by"):
            store.plan_gc(drop=["head"])
        turn = store.turns()["ref"].iloc[0]
        with pytest.raises(errors.UnknownRefError, match="no root under this policy"):
            store.plan_gc(drop=[turn])
        assert store.plan_gc(keep_turns=99, drop=[turn]).deleted_blob_count > 0


def test_a_ref_is_kept_or_dropped_and_not_both() -> None:
    with pytest.raises(errors.InvalidRecordError, match="choose one"):
        lg.GcPolicy.safe(keep=["artifact:a"], drop=["artifact:a"])


def test_a_budget_keeps_the_most_history_that_frees_enough(recorded: Recorded) -> None:
    with lg.open(recorded(LONG)) as store:
        table = store.retention()
        for wanted in (0, 1, *table["freed_bytes"].tolist()):
            plan = store.plan_gc(free_bytes=wanted)
            assert plan.deleted_bytes >= wanted
            more = table[table["keep_turns"] > plan.policy.keep_turns]
            assert (more["freed_bytes"] < wanted).all()
        best = int(table["freed_bytes"].iloc[0])
        with pytest.raises(errors.BudgetError, match=f"{best:,}") as caught:
            store.plan_gc(free_bytes=best + 1)
        assert (caught.value.wanted, caught.value.best) == (best + 1, best)
        least = store.plan_gc(keep_turns=3).deleted_bytes
        with pytest.raises(errors.BudgetError):
            store.plan_gc(keep_turns=3, free_bytes=least + 1)
        for bad in (-1, 1.5, "many", True):
            with pytest.raises(errors.InvalidRecordError, match="free_bytes"):
                store.plan_gc(free_bytes=bad)  # type: ignore[arg-type]
            with pytest.raises(errors.InvalidRecordError, match="max_file_bytes"):
                store.plan_gc(max_file_bytes=bad)  # type: ignore[arg-type]


def test_a_file_budget_keeps_the_most_history_that_fits(recorded: Recorded) -> None:
    path = recorded("sessions/rlm-code-01c638196ebbe841.db.gz")
    with lg.open(path, "rw") as store:
        sizes = {
            turns: store.plan_gc(keep_turns=turns).forecast().file_bytes_after_compact
            for turns in range(len(store.turns()) + 1)
        }
        assert len(set(sizes.values())) > 2
        for budget in sorted(set(sizes.values())):
            plan = store.plan_gc(max_file_bytes=budget)
            assert sizes[plan.policy.keep_turns] <= budget
            assert all(sizes[more] > budget for more in sizes if more > plan.policy.keep_turns)
        least = min(sizes.values())
        with pytest.raises(errors.BudgetError, match=f"{least:,}") as caught:
            store.plan_gc(max_file_bytes=least - 1)
        assert caught.value.best == least
        middle = sorted(set(sizes.values()))[1]
        plan = store.plan_gc(max_file_bytes=middle)
        store.sweep(plan, compact=True)
    assert path.stat().st_size == sizes[plan.policy.keep_turns] <= middle


def test_turns_kept_for_their_age_are_kept_in_every_choice(recorded: Recorded) -> None:
    with lg.open(recorded(LONG)) as store:
        since = store.turns()["committed_at"].iloc[-3]
        table = store.retention(since=since)
        assert table["freed_bytes"].iloc[0] == store.plan_gc(since=since).deleted_bytes
        assert table["freed_bytes"].iloc[:4].nunique() == 1
        plan = store.plan_gc(since=since, free_bytes=int(table["freed_bytes"].iloc[0]))
        assert plan.deleted_bytes == table["freed_bytes"].iloc[0]


def test_an_unreadable_turn_is_no_choice(recorded: Recorded) -> None:
    with (
        lg.open(recorded("damaged/turn-result-not-json.db.gz")) as store,
        pytest.raises(errors.DamagedStoreError, match="turns to keep"),
    ):
        store.retention()


def test_a_store_without_turns_has_one_choice() -> None:
    with lg.open(":memory:") as store:
        store.put_blob(b"nobody names this")
        table = store.retention()
        assert table["keep_turns"].tolist() == [0]
        assert table["freed_bytes"].tolist() == [17]
