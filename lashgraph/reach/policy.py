"""Policies: what a garbage collection keeps beside what it must."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, Self

from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import as_count, as_texts, shown
from lashgraph.tree.times import bound

Time = str | datetime | date
"""A point in time; without an offset it is UTC."""


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
    since : datetime or None
        Keep the checkpoints of the turns that were committed at this time or later, too; a text,
        a date or a pandas Timestamp is taken, UTC if it names no offset.
    keep : tuple of str
        More refs to keep, by their keys in the column ``ref`` of ``store.refs()``.
    drop : tuple of str
        Refs that would be roots and are not to be; what only they keep is deleted. The head cannot
        be dropped.
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
    since: datetime | None = None
    drop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.name not in ("safe", "runtime"):
            raise InvalidRecordError(f"policy {shown(self.name)}; known: 'safe', 'runtime'")
        as_count(self.keep_turns, "keep_turns")
        if self.auto_run_every_commits is not None:
            as_count(self.auto_run_every_commits, "auto_run_every_commits")
        object.__setattr__(self, "keep", tuple(as_texts(self.keep, "keep")))
        object.__setattr__(self, "drop", tuple(as_texts(self.drop, "drop")))
        object.__setattr__(self, "since", _time(self.since))
        both = sorted({*self.keep} & {*self.drop})
        if both:
            raise InvalidRecordError(f"{both[0]!r} is to be kept and to be dropped; choose one")
        if "head" in self.drop:
            raise InvalidRecordError(
                "the head cannot be dropped: it is the session as it stands; "
                "store.reachability().freed_by(['head']) says what it holds"
            )

    @classmethod
    def safe(
        cls,
        *,
        keep_turns: int = 0,
        keep: Iterable[str] = (),
        auto_run_every_commits: int | None = None,
        since: Time | None = None,
        drop: Iterable[str] = (),
    ) -> Self:
        """The default: refuse rather than guess."""
        return cls().replace(
            keep_turns=keep_turns,
            keep=keep,
            auto_run_every_commits=auto_run_every_commits,
            since=since,
            drop=drop,
        )

    @classmethod
    def runtime(
        cls,
        *,
        keep_turns: int = 0,
        keep: Iterable[str] = (),
        auto_run_every_commits: int | None = None,
        since: Time | None = None,
        drop: Iterable[str] = (),
    ) -> Self:
        """What lash's own collection keeps."""
        return cls("runtime").replace(
            keep_turns=keep_turns,
            keep=keep,
            auto_run_every_commits=auto_run_every_commits,
            since=since,
            drop=drop,
        )

    @property
    def is_safe(self) -> bool:
        """Whether this is the safe policy."""
        return self.name == "safe"

    def is_since(self, committed_at_ms: int | None) -> bool:
        """Whether a turn of this time is kept for its age; one without a time is, to be safe."""
        if self.since is None:
            return False
        return committed_at_ms is None or committed_at_ms >= self.since.timestamp() * 1000

    def replace(self, **changes: Any) -> Self:
        """A policy that differs in the fields given."""
        try:
            return dataclasses.replace(self, **changes)
        except TypeError:
            known = ", ".join(field.name for field in dataclasses.fields(self))
            raise InvalidRecordError(
                f"a policy has no {', '.join(sorted(changes))}; its fields: {known}"
            ) from None


def _time(value: Time | None) -> datetime | None:
    found = bound(value, "since")
    if found is None:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=found // 1000)
