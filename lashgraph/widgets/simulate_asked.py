"""What a simulation is asked, and what a store and a corpus both answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from matplotlib.axes import Axes

from lashgraph.corpus import CorpusGcPlan, CorpusGcReport
from lashgraph.format.sizes import bytes_text, counted
from lashgraph.gc import GcPlan, GcReport
from lashgraph.reach import GcPolicy

Plan = GcPlan | CorpusGcPlan
Report = GcReport | CorpusGcReport
Piece = dict[str, Any]
"""A part of what is shown, as a browser takes it."""

_LONGEST_WORD = 80


@dataclass(frozen=True)
class Asked:
    """What the controls say.

    Attributes
    ----------
    policy : str
        Name of the policy.
    keep_turns : int
        How many of the latest turns keep their checkpoints; with a budget the least.
    free_bytes, max_file_bytes : int or None
        Budgets.
    keep, drop : tuple of str
        Refs to keep beside the roots, and roots to drop.
    """

    policy: str
    keep_turns: int
    free_bytes: int | None
    max_file_bytes: int | None
    keep: tuple[str, ...]
    drop: tuple[str, ...]

    def changed(self, policy: GcPolicy) -> GcPolicy:
        """A policy with what the controls say."""
        return policy.replace(
            name=self.policy, keep_turns=self.keep_turns, keep=self.keep, drop=self.drop
        )


@dataclass(frozen=True)
class SweepOptions:
    """How a plan is swept; `backup` is a folder, or None where none is wanted."""

    backup: str | None
    compact: bool
    accept_unusual: bool


class Side(Protocol):
    """A store, or a corpus."""

    plan_type: type[Plan]
    has_file_budget: bool
    columns: tuple[str, ...]

    @property
    def policy(self) -> GcPolicy:
        """The policy that it collects by."""

    @property
    def title(self) -> str:
        """Which one it is."""

    def read_only(self) -> str:
        """Why nothing can be swept; empty if it can."""

    def choices(self) -> Piece:
        """What the controls offer."""

    def plan(self, asked: Asked, policy: GcPolicy) -> Any:
        """The plan for what the controls say."""

    def figures(self, plan: Any) -> Piece:
        """What a plan comes to."""

    def draw(self, plan: Any) -> Axes:
        """What a plan comes to, as a picture."""

    def later(self, plan: Any) -> Iterator[Piece]:
        """What takes longer."""

    def forget(self) -> None:
        """Read anew what was kept."""

    def can_run(self, plan: Any, *, accept_unusual: bool) -> str:
        """Why a plan is not swept yet; empty if it can be."""

    def word(self, plan: Any, *, accept_unusual: bool) -> str:
        """What is to be typed to confirm."""

    def is_stale(self, plan: Any) -> str:
        """Why a plan does not fit any more; empty if it does."""

    def sweep(self, plan: Any, how: SweepOptions) -> Any:
        """Run a plan."""

    def report(self, report: Any) -> Piece:
        """What a sweep did."""


def weighed(count: int, size: int, unit: str = "blob") -> str:
    """A number of things and what they weigh."""
    return f"{counted(count, unit)}, {bytes_text(size)}"


def word_or(name: str, other: str) -> str:
    """A name that can be typed, or something else where it cannot."""
    can_be_typed = name.isascii() and name.isprintable() and name == name.strip()
    return name if can_be_typed and 0 < len(name) <= _LONGEST_WORD else other
