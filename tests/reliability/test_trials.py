"""A share of each trial of the torture command."""

from __future__ import annotations

import pytest

from lashgraph.testing.torture import TRIALS
from lashgraph.testing.torture.runner import run_trial
from lashgraph.testing.torture.trial import Trial
from reliability.shares import share_of


@pytest.mark.parametrize(
    "trial",
    [trial for trial in TRIALS if share_of(trial.name).cases],
    ids=lambda trial: trial.name,
)
def test_a_share_of_each_trial(trial: Trial) -> None:
    share = share_of(trial.name)
    outcome = run_trial(trial, cases=share.cases, case_seconds=share.seconds)
    assert outcome.failure is None, f"{outcome.failure}\n{outcome.again}"
    if outcome.skipped is not None:
        pytest.skip(outcome.skipped)
    assert outcome.cases == len(share.cases)
    assert outcome.counts
