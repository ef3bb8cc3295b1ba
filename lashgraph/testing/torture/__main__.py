"""``python -m lashgraph.testing.torture``: run the trials for some minutes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from time import monotonic

from lashgraph.testing.torture import TRIALS
from lashgraph.testing.torture.runner import COMMAND, Outcome, run_trial
from lashgraph.testing.torture.trial import Trial
from lashgraph.version import __version__

_QUIET = "ignore::UserWarning:multiprocessing.resource_tracker"
"""It would warn of the locks of workers that were killed on purpose."""


_LONG_RUN = 10.0
"""Minutes from which cases of no end of their own go on for longer."""

_LONG_CASE, _SHORT_CASE = 60.0, 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 if every promise held, 1 if one was broken."""
    asked = _parser().parse_args(arguments)
    os.environ["PYTHONWARNINGS"] = _QUIET
    if asked.list:
        for trial in TRIALS:
            print(f"{trial.name:14}{trial.about}")
        return 0
    chosen = [trial for trial in TRIALS if not asked.trial or trial.name in asked.trial]
    if asked.case is not None and len(chosen) != 1:
        print("--case needs one --trial", file=sys.stderr)
        return 2
    outcomes = []
    started = monotonic()
    shares = sum(trial.share for trial in chosen)
    for trial in chosen:
        outcome = run_trial(
            trial,
            seed=asked.seed,
            seconds=None if asked.case is not None else 60 * asked.minutes * trial.share / shares,
            cases=None if asked.case is None else [asked.case],
            case_seconds=_LONG_CASE if asked.minutes >= _LONG_RUN else _SHORT_CASE,
        )
        outcomes.append(outcome)
        _tell(trial, outcome)
        if outcome.failure:
            break
    summary = {
        "lashgraph": __version__,
        "seed": asked.seed,
        "seconds": round(monotonic() - started, 1),
        "ok": not any(outcome.failure for outcome in outcomes),
        "trials": [outcome.as_dict() for outcome in outcomes],
    }
    print(json.dumps(summary))
    return 0 if summary["ok"] else 1


def _tell(trial: Trial, outcome: Outcome) -> None:
    print(f"{trial.name}: {trial.about}")
    if outcome.skipped:
        print(f"  not run to its end: {outcome.skipped}")
    print(f"  {outcome.cases:,} cases in {outcome.seconds:.0f} s")
    for what, times in sorted(outcome.counts.items()):
        print(f"  {times:>9,} {what}")
    if outcome.failure:
        print(outcome.failure)
        print(f"FAILED; run this case again:\n  {outcome.again}")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description="Break off, crowd and fill up session stores of its own making, and see that "
        "nothing is lost. Prints what it did and, in the last line, the same as JSON.",
    )
    names = [trial.name for trial in TRIALS]
    parser.add_argument("--minutes", type=float, default=10.0, help="how long, all trials together")
    parser.add_argument("--trial", action="append", choices=names, help="only this one; repeatable")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other cases")
    parser.add_argument("--case", type=int, help="only the case of this number, of one trial")
    parser.add_argument("--list", action="store_true", help="name the trials and end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
