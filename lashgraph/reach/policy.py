"""Policies: what a garbage collection keeps beside what it must."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Self

from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import as_texts, shown


@dataclass(frozen=True)
class GcPolicy:
    """What counts as a root, and when a collection runs by itself. A frozen value.

    Attributes
    ----------
    name : {"safe", "runtime"}
        ``safe`` keeps whatever any live part of the store names and refuses where damage could
        hide a root. ``runtime`` keeps exactly what lash keeps, and refuses where lash would
        destroy live data by mistake.
    keep_turns : int
        Keep the checkpoints of the latest turns, the head's included.
    keep : tuple of str
        More refs to keep, by their keys in the column ``ref`` of ``store.refs()``.
    auto_run_every_commits : int or None
        Collect after so many commits; None or 0: never.

    Examples
    --------
    >>> GcPolicy.safe(keep_turns=3).replace(keep=["turn:t1"]).keep
    ('turn:t1',)
    """

    name: Literal["safe", "runtime"] = "safe"
    keep_turns: int = 0
    keep: tuple[str, ...] = ()
    auto_run_every_commits: int | None = None

    def __post_init__(self) -> None:
        if self.name not in ("safe", "runtime"):
            raise InvalidRecordError(f"policy {shown(self.name)}; known: 'safe', 'runtime'")
        for field in ("keep_turns", "auto_run_every_commits"):
            value = getattr(self, field)
            if value is not None and (type(value) is not int or value < 0):
                raise InvalidRecordError(f"{field} is a count of 0 or more, not {shown(value)}")
        if self.keep_turns is None:
            raise InvalidRecordError("keep_turns is a count of 0 or more, not None")
        object.__setattr__(self, "keep", _several(self.keep))

    @classmethod
    def safe(
        cls,
        *,
        keep_turns: int = 0,
        keep: Iterable[str] = (),
        auto_run_every_commits: int | None = None,
    ) -> Self:
        """The default: refuse rather than guess."""
        return cls("safe", keep_turns, _several(keep), auto_run_every_commits)

    @classmethod
    def runtime(
        cls,
        *,
        keep_turns: int = 0,
        keep: Iterable[str] = (),
        auto_run_every_commits: int | None = None,
    ) -> Self:
        """What lash's own collection keeps."""
        return cls("runtime", keep_turns, _several(keep), auto_run_every_commits)

    @property
    def is_safe(self) -> bool:
        """Whether this is the safe policy."""
        return self.name == "safe"

    def replace(self, **changes: Any) -> Self:
        """A policy that differs in the fields given."""
        try:
            return dataclasses.replace(self, **changes)
        except TypeError:
            known = ", ".join(field.name for field in dataclasses.fields(self))
            raise InvalidRecordError(
                f"a policy has no {', '.join(sorted(changes))}; its fields: {known}"
            ) from None


def _several(keep: Iterable[str]) -> tuple[str, ...]:
    """Refs as a tuple; one text alone would be taken letter by letter."""
    return tuple(as_texts(keep, "keep"))
