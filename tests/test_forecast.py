"""Forecasts: what a file will be, to the byte, or an interval that holds it."""

from __future__ import annotations

import gzip
import os
import pickle
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recorded import blob_hashes, folder_state, plain
from stores import recorded_params
from test_writing import commit

import lashgraph as lg
from lashgraph import GcPolicy, errors
from lashgraph.gc import Forecast
from lashgraph.gc.bounds import Figures
from lashgraph.testing.builders import SessionBuilder
from lashgraph.testing.strategies import commits, policies

HEALTHY = "damaged/healthy.db.gz"
Recorded = Callable[[str], Path]
NO_ROOM = {"memory_limit": 0, "disk_limit": 0}


class OnDisk(NamedTuple):
    """What SQLite and the file system say of a file whose log is folded in."""

    file_bytes: int
    in_use: int
    free: int
    blobs: int
    blob_bytes: int


def on_disk(path: Path) -> OnDisk:
    with plain(path) as connection:

        def one(sql: str) -> int:
            return int(connection.execute(sql).fetchone()[0] or 0)

        free = one("PRAGMA freelist_count")
        used = one("PRAGMA page_count") - free
        count, size = (
            one("SELECT count(*) FROM blobs"),
            one("SELECT sum(length(content)) FROM blobs"),
        )
    return OnDisk(path.stat().st_size, used, free, count, size)


def in_form(path: Path, page_size: int, auto_vacuum: int) -> None:
    """Give a file another page size and mode of auto_vacuum."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for setting in (
            "journal_mode = DELETE",
            f"page_size = {page_size}",
            f"auto_vacuum = {auto_vacuum}",
        ):
            connection.execute(f"PRAGMA {setting}").fetchone()
        connection.execute("VACUUM")


def three_figures_agree(path: Path, policy: GcPolicy) -> None:
    """The dry run, the sweep's report and the difference on disk."""
    with lg.open(path, "rw"):
        pass  # missing indexes are made, the log is folded in
    before = on_disk(path)
    with lg.open(path) as store:
        plan = store.plan_gc(policy)
    forecast = plan.forecast()
    interval = plan.forecast(**NO_ROOM)
    assert forecast.exact
    assert on_disk(path) == before
    with lg.open(path, "rw") as store:
        report = store.sweep(plan, accept_unusual=True)
    after = on_disk(path)
    with lg.open(path, "rw") as store:
        compacted = store.compact()
    anew = on_disk(path)

    assert plan.deleted_blob_count == report.deleted_blob_count == before.blobs - after.blobs
    assert (
        plan.deleted_bytes
        == forecast.logical_bytes
        == report.deleted_bytes
        == before.blob_bytes - after.blob_bytes
    )
    assert forecast.file_bytes == report.file_bytes_before == before.file_bytes
    assert forecast.file_bytes_after_sweep == report.file_bytes_after == after.file_bytes
    assert forecast.freelist_after_sweep == report.after.freelist_count == after.free
    assert forecast.pages_freed == report.pages_freed == before.in_use - after.in_use
    assert forecast.file_bytes_after_compact == compacted.file_bytes_after == anew.file_bytes
    for figure in Figures._fields:
        low, high = interval.bounds(figure)
        assert low <= getattr(forecast, figure) <= high, figure


POLICIES = [GcPolicy.safe(), GcPolicy.runtime()]


@pytest.mark.parametrize("policy", POLICIES, ids=["safe", "runtime"])
@pytest.mark.parametrize(
    "gz", recorded_params("sessions/*.db.gz") + recorded_params("damaged/*.db.gz")
)
def test_three_figures_agree_on_recorded_stores(gz: Path, policy: GcPolicy, tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(gzip.decompress(gz.read_bytes()))
    with lg.open(path) as store:
        if store.reachability(policy).findings:
            with pytest.raises(errors.DamagedStoreError):
                store.plan_gc(policy)
            return
    three_figures_agree(path, policy)


@pytest.mark.parametrize("auto_vacuum", [0, 1, 2])
@pytest.mark.parametrize("page_size", [1024, 2048, 4096, 8192, 16384, 32768, 65536])
@pytest.mark.parametrize("name", [HEALTHY, "sessions/std-frames-354909eb8f44e964.db.gz", "built"])
def test_three_figures_agree_whatever_the_pages(
    name: str, page_size: int, auto_vacuum: int, tmp_path: Path, recorded: Recorded
) -> None:
    path = build(tmp_path / "s.db") if name == "built" else recorded(name)
    in_form(path, page_size, auto_vacuum)
    three_figures_agree(path, GcPolicy.safe())


def build(path: Path) -> Path:
    """A session of several turns with garbage of many sizes among what is alive."""
    with SessionBuilder(path, "built", seed=5) as session:
        for turn in range(6):
            session.remember(3_000 * turn + 10)
            session.turn(f"question {turn}", "answer " * 200)
            session.garbage(7, 10 + 900 * turn)
            session.garbage(1, 200_000)
    return path


@pytest.mark.timeout(1_800)  # five hundred stores take some minutes on a slow disk
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    history=st.lists(commits(), min_size=1, max_size=4),
    sizes=st.lists(st.sampled_from([0, 1, 80, 900, 1_500, 4_096, 30_000]), max_size=40),
    policy=policies(),
    form=st.tuples(st.sampled_from([1024, 4096, 16384]), st.sampled_from([0, 1, 2])),
)
def test_three_figures_agree_on_random_stores(
    history: list[Any],
    sizes: list[int],
    policy: GcPolicy,
    form: tuple[int, int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("random") / "s.db"
    with lg.open(path, "create") as store:
        for number, made in enumerate(history):
            for size in sizes[number :: len(history)]:
                store.put_blob(number.to_bytes(2) * (size // 2) + size.to_bytes(3))
            store.commit_runtime_state(made)
    in_form(path, *form)
    with lg.open(path) as store:
        if store.reachability(policy).findings:
            return
    three_figures_agree(path, policy)
    os.unlink(path)


# The copy


def test_a_forecast_leaves_no_trace(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    before = folder_state(path.parent)
    with lg.open(path) as store:
        plan = store.plan_gc()
        assert store.forecast(plan) == plan.forecast()
    assert folder_state(path.parent) == before


def test_a_large_store_is_copied_to_a_temporary_file(recorded: Recorded) -> None:
    with lg.open(recorded(HEALTHY)) as store:
        plan = store.plan_gc()
    here, there = plan.forecast(), plan.forecast(memory_limit=0)
    assert (here.how, there.how) == ("copy in memory", "temporary copy")
    for figure in Figures._fields:
        assert getattr(here, figure) == getattr(there, figure)


def test_a_forecast_sees_what_stands_in_the_log_only(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with lg.open(path, "create") as store:
        store.commit_runtime_state(commit())
        store.put_blob(bytes(500_000))
        plan = store.plan_gc()
        assert path.stat().st_size < 100_000
        found = plan.forecast()
        report = store.sweep(plan, compact=True)
    assert found.file_bytes == report.file_bytes_before > 500_000
    assert found.pages_freed == 500_000 // 4092  # the rest stands in the table's own page
    assert found.file_bytes_after_compact == report.file_bytes_after == path.stat().st_size


def test_a_store_in_memory_is_asked_itself() -> None:
    with lg.open(":memory:") as store:
        store.put_blob(bytes(100_000))
        plan = store.plan_gc()
        found = store.forecast(plan)
        with pytest.raises(errors.StoreNotFoundError, match=r"store\.forecast"):
            plan.forecast()
        report = store.sweep(plan, compact=True)
    assert report.file_bytes_after == found.file_bytes_after_compact
    assert found.pages_freed == 24


# No room


def test_without_room_a_forecast_is_an_interval(recorded: Recorded) -> None:
    with lg.open(recorded(HEALTHY)) as store:
        found = store.forecast(store.plan_gc(), **NO_ROOM)
    assert (found.exact, found.how) == (False, "bounds")
    assert "interval" in repr(found)
    assert " to " in repr(found)
    low, high = found.bounds("pages_freed")
    assert low < high
    with pytest.raises(errors.InexactForecastError, match="between") as caught:
        found.pages_freed  # noqa: B018
    assert (caught.value.low, caught.value.high) == (low, high)
    with pytest.raises(errors.InvalidRecordError, match="pages_freed"):
        found.bounds("pages")


def test_the_interval_is_narrow_where_large_blobs_count(tmp_path: Path) -> None:
    with lg.open(tmp_path / "s.db", "create") as store:
        store.commit_runtime_state(commit())
        for number in range(20):
            store.put_blob(bytes([number]) * 400_000)
        plan = store.plan_gc()
        low, high = store.forecast(plan, **NO_ROOM).bounds("pages_freed")
        assert low <= store.forecast(plan).pages_freed <= high < 1.1 * low


# Bad input


def test_a_plan_of_a_file_that_moved_or_is_gone(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    with lg.open(path, "rw") as store:
        plan = store.plan_gc()
        store.commit_runtime_state(commit(session_id=store.session_id))
    with pytest.raises(errors.StalePlanError, match="plan again"):
        plan.forecast()
    path.unlink()
    with pytest.raises(errors.StoreNotFoundError):
        plan.forecast()
    with lg.open(path, "create") as other:
        other.commit_runtime_state(commit(session_id="another"))
    with pytest.raises(errors.StalePlanError, match="'another'"):
        plan.forecast()


@pytest.mark.parametrize("limits", [{"memory_limit": -1}, {"disk_limit": 1.5}])
def test_limits_are_counts(limits: dict[str, Any]) -> None:
    with lg.open(":memory:") as store, pytest.raises(errors.InvalidRecordError):
        store.forecast(store.plan_gc(), **limits)


def test_forecasts_travel(recorded: Recorded) -> None:
    path = recorded(HEALTHY)
    with lg.open(path) as store:
        plan = store.plan_gc()
    found = pickle.loads(pickle.dumps(plan)).forecast()
    assert isinstance(found, Forecast)
    assert pickle.loads(pickle.dumps(found)) == found == plan.forecast()
    assert "exact" in found._repr_html_()
    assert blob_hashes(path) > set(plan.kept()["hash"])
