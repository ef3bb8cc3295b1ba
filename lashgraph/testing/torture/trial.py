"""A trial: one way of torturing stores, case after case, each made anew from its number."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


class Failed(AssertionError):  # noqa: N818 - what a trial says, not what the package raises
    """A promise that was broken."""


class NotHere(Exception):  # noqa: N818 - no error: a trial that this machine cannot run
    """What a case needs is missing on this machine; the message says what."""


@dataclass
class Case:
    """One case of a trial.

    Attributes
    ----------
    number : int
        From 0; with the seed it says all there is to say about the case.
    chance : random.Random
        Every choice of the case comes from here.
    folder : Path
        An empty folder, removed after the case.
    workshop : Path
        A folder that all cases of the trial share.
    seconds : float
        How long a case of no end of its own should go on.
    counts : Counter
        What was done and seen, added up over the cases.
    """

    number: int
    chance: random.Random
    folder: Path
    workshop: Path
    seconds: float
    counts: Counter[str] = field(default_factory=Counter)

    def count(self, what: str, times: int = 1) -> None:
        """Count something for the summary."""
        self.counts[what] += times


@dataclass(frozen=True)
class Trial:
    """One way of torturing stores.

    Attributes
    ----------
    name : str
        What it is called on the command line.
    about : str
        What it does, and what must hold, in a line.
    share : int
        Its part of the time, measured against the shares of the others.
    run : callable
        Runs one case; raises `Failed` or anything else where a promise is broken, `NotHere` where
        the machine lacks something.
    """

    name: str
    about: str
    share: int
    run: Callable[[Case], None]


def require(condition: object, message: str) -> None:
    """See that something holds.

    Raises
    ------
    Failed
        It does not.
    """
    if not condition:
        raise Failed(message)
