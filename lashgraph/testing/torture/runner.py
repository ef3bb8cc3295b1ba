"""Running trials: seeded, within a time or a number of cases, up to the first failure of each."""

from __future__ import annotations

import random
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

from lashgraph.testing.torture.trial import Case, NotHere, Trial

COMMAND = "python -m lashgraph.testing.torture"


@dataclass
class Outcome:
    """What became of a trial.

    Attributes
    ----------
    trial : str
        Its name.
    seed : int
        The seed of all its cases.
    cases : int
        How many were run.
    seconds : float
        How long that took.
    counts : Counter
        What was done and seen.
    skipped : str or None
        Why it cannot be run on this machine.
    failure : str or None
        The first broken promise, with its traceback.
    again : str or None
        The command that runs the failed case again.
    """

    trial: str
    seed: int
    cases: int = 0
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    skipped: str | None = None
    failure: str | None = None
    again: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """All of it, for a program."""
        told = None if self.failure is None else self.failure.partition("\n")[0]
        found = asdict(self) | {"seconds": round(self.seconds, 1), "failure": told}
        return found | {"counts": dict(sorted(self.counts.items()))}


def run_trial(
    trial: Trial,
    *,
    seed: int = 0,
    seconds: float | None = None,
    cases: Iterable[int] | None = None,
    case_seconds: float = 10.0,
) -> Outcome:
    """Run cases of a trial until one fails.

    Parameters
    ----------
    seed : int
        Another seed makes other cases of the same numbers.
    seconds : float, optional
        No case is begun after so long; without end if not given.
    cases : iterable of int, optional
        Numbers of the cases; 0, 1, 2 and so on if not given.
    case_seconds : float
        How long a case of no end of its own goes on.
    """
    outcome = Outcome(trial.name, seed)
    started = monotonic()
    with tempfile.TemporaryDirectory(prefix="lashgraph-torture-") as place:
        workshop = Path(place) / "workshop"
        workshop.mkdir()
        for number in _until(started, seconds, count() if cases is None else cases):
            chance = random.Random(f"{seed}:{trial.name}:{number}")
            counts = outcome.counts
            case = Case(number, chance, Path(place), workshop, case_seconds, counts)
            try:
                with tempfile.TemporaryDirectory(dir=place, prefix="case-") as folder:
                    case.folder = Path(folder)
                    trial.run(case)
            except NotHere as reason:
                outcome.skipped = str(reason)
                break
            except Exception as error:
                told = "".join(traceback.format_exception(error))
                outcome.failure = f"case {number} of {trial.name!r}: {error}\n{told}"
                outcome.again = f"{COMMAND} --trial {trial.name} --seed {seed} --case {number}"
                break
            finally:
                outcome.seconds = monotonic() - started
            outcome.cases += 1
    return outcome


def _until(started: float, seconds: float | None, numbers: Iterable[int]) -> Iterator[int]:
    for number in numbers:
        if seconds is not None and monotonic() - started >= seconds:
            return
        yield number
