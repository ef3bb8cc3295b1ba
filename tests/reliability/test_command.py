"""The torture command: what it prints, how it ends, and that it is reproducible."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lashgraph.testing.torture import TRIALS, __main__
from lashgraph.testing.torture.runner import run_trial
from lashgraph.testing.torture.trial import Case, NotHere, Trial, require


def third_time(case: Case) -> None:
    (case.folder / "left").write_text("gone with the case")
    case.count("drawn", case.chance.randrange(1, 100))
    require(case.number != 2, "three is too much")


def nowhere(_case: Case) -> None:
    raise NotHere("no such machine")


def summary_of(capsys: pytest.CaptureFixture[str]) -> tuple[str, Any]:
    told = capsys.readouterr().out
    return told, json.loads(told.splitlines()[-1])


@pytest.fixture
def two_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    trials = (Trial("third", "fails at once", 1, third_time), Trial("none", "no", 1, nowhere))
    monkeypatch.setattr(__main__, "TRIALS", trials)


@pytest.mark.usefixtures("two_trials")
def test_the_first_failure_ends_it_and_is_said_how_to_run_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert __main__.main(["--minutes", "1", "--seed", "7"]) == 1
    told, summary = summary_of(capsys)
    again = "python -m lashgraph.testing.torture --trial third --seed 7 --case 2"
    assert f"FAILED; run this case again:\n  {again}\n" in told
    assert "three is too much" in told
    assert (summary["ok"], summary["seed"], len(summary["trials"])) == (False, 7, 1)
    assert summary["trials"][0]["again"] == again
    assert summary["trials"][0]["failure"] == "case 2 of 'third': three is too much"
    drawn = summary["trials"][0]["counts"]
    assert __main__.main(["--trial", "third", "--seed", "7", "--case", "1"]) == 0
    _, one = summary_of(capsys)
    assert 0 < one["trials"][0]["counts"]["drawn"] < drawn["drawn"]
    assert __main__.main(again.split()[3:]) == 1


@pytest.mark.usefixtures("two_trials")
def test_what_a_machine_lacks_is_said_and_fails_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert __main__.main(["--trial", "none", "--minutes", "1"]) == 0
    told, summary = summary_of(capsys)
    assert "no such machine" in told
    assert summary["ok"]
    assert summary["trials"][0]["skipped"] == "no such machine"


@pytest.mark.usefixtures("two_trials")
def test_a_case_without_its_trial_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["--case", "1"]) == 2
    assert "--trial" in capsys.readouterr().err


def test_the_list_names_every_trial(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["--list"]) == 0
    told = capsys.readouterr().out
    assert [line.split()[0] for line in told.splitlines()] == [trial.name for trial in TRIALS]


def test_time_that_is_up_begins_no_case() -> None:
    outcome = run_trial(Trial("never", "", 1, third_time), seconds=0)
    assert (outcome.cases, outcome.failure) == (0, None)
