"""What a kind of finding declares: how grave it is, what it means, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]
Level = Literal["quick", "full"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""From the gravest: something is lost or cannot be read; something does not fit; good to know."""

LEVELS: tuple[Level, ...] = ("quick", "full")
"""How far a check goes; full takes quick in."""


@dataclass(frozen=True)
class Code:
    """One kind of finding.

    Attributes
    ----------
    name : str
        How a program asks for it.
    severity : {"error", "warning", "note"}
        How grave it is.
    meaning : str
        What stands in the file.
    advice : str
        What to do about it.
    level : {"quick", "full"}
        The first level that looks for it.
    is_problem : bool
        Whether ``store.problems()`` lists it: something cannot be read, or names what is not there.
    """

    name: str
    severity: Severity
    meaning: str
    advice: str
    level: Level = "quick"
    is_problem: bool = False
