"""How a store is opened."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import shown
from lashgraph.format.blob import ZLIB_FROM, BlobProfile
from lashgraph.format.limits import ReadLimits
from lashgraph.reach import GcPolicy


@dataclass(frozen=True)
class StoreOptions:
    """Options of a store. A frozen value.

    Attributes
    ----------
    blob_profile : {"balanced", "compact", "lowlatency"}, optional
        Which blobs are compressed when written: from 4096 bytes, from 1024, never. By default
        ``"balanced"`` for files and ``"lowlatency"`` for ``":memory:"``, as in lash.
    gc_policy : GcPolicy
        What a collection keeps unless another policy is given to it, and after how many commits
        one runs by itself. ``GcPolicy.safe()`` by default.
    busy_timeout : float
        Seconds to wait for another connection's lock.
    clock : callable
        Seconds since 1970, UTC; every time that is written comes from here.
    allow_unknown : bool
        Read a file of a schema version that is not known, as far as the nearest known form reads
        it, with an `UnknownVersionWarning`; nothing is ever deleted from such a file.
    read_limits : ReadLimits
        How much is read of a file that may come from anywhere.

    Raises
    ------
    InvalidRecordError
        A value is not of its kind.

    Examples
    --------
    >>> import lashgraph as lg
    >>> options = lg.StoreOptions(gc_policy=lg.GcPolicy.safe(keep_turns=3))
    >>> lg.open(":memory:", options=options).plan_gc().policy.keep_turns
    3
    """

    blob_profile: BlobProfile | None = None
    gc_policy: GcPolicy = field(default_factory=GcPolicy.safe)
    busy_timeout: float = 15.0
    clock: Callable[[], float] = time.time
    allow_unknown: bool = False
    read_limits: ReadLimits = field(default_factory=ReadLimits)

    def __post_init__(self) -> None:
        if self.blob_profile is not None and self.blob_profile not in tuple(ZLIB_FROM):
            raise InvalidRecordError(
                f"blob_profile {shown(self.blob_profile)}; known: {', '.join(ZLIB_FROM)}"
            )
        if not isinstance(self.gc_policy, GcPolicy):
            raise InvalidRecordError(f"gc_policy is a GcPolicy, not {shown(self.gc_policy)}")
        timeout = self.busy_timeout
        if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout < 0:
            raise InvalidRecordError(f"busy_timeout is a number of seconds, not {shown(timeout)}")
        if not isinstance(self.read_limits, ReadLimits):
            raise InvalidRecordError(f"read_limits is ReadLimits, not {shown(self.read_limits)}")
        if not callable(self.clock):
            raise InvalidRecordError(f"clock is a function, not {shown(self.clock)}")

    def profile_of(self, *, in_memory: bool) -> BlobProfile:
        """The profile to write with."""
        return self.blob_profile or ("lowlatency" if in_memory else "balanced")

    def clock_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        return int(self.clock() * 1000)
