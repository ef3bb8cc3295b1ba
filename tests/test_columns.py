"""Columns: times as they are stored become times of nanoseconds, or are missing."""

from __future__ import annotations

import pandas as pd
import pytest

from lashgraph.columns import nanoseconds, times

NS = "2026-01-02T03:04:05.123456789+00:00"


def test_nine_digits_are_kept() -> None:
    assert times([NS])[0].nanosecond == 789
    assert times([NS])[0] == pd.Timestamp(NS)


@pytest.mark.parametrize(
    "values",
    [
        ["9999-01-01T00:00:00+00:00", NS, None, "no time"],
        ["0001-01-01T00:00:00+00:00", NS, "", "-1"],
        [1 << 62, 1_767_323_045_123, None, -(10**17)],
        [1 << 80, 1_767_323_045_123, None, True],
    ],
)
def test_what_is_no_time_or_out_of_range_is_missing(values: list[object]) -> None:
    found = times(values)
    assert str(found.dtype) == "datetime64[ns, UTC]"
    assert found.isna().tolist() == [True, False, True, True]
    assert found[1].year == 2026


def test_offsets_are_turned_to_utc() -> None:
    assert times(["2026-01-02T03:00:00+02:00"])[0] == pd.Timestamp("2026-01-02T01:00:00Z")
    assert times(["2026-01-02T03:00:00Z"])[0] == pd.Timestamp("2026-01-02T03:00:00Z")


def test_one_odd_text_among_many_costs_only_itself() -> None:
    texts = [NS] * 1000
    texts[700] = "odd"
    found = times(texts)
    assert found.isna().sum() == 1
    assert (nanoseconds(texts) != nanoseconds([NS])[0]).nonzero()[0].tolist() == [700]


def test_empty() -> None:
    assert str(times([]).dtype) == "datetime64[ns, UTC]"
