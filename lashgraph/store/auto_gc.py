"""The collection that runs by itself after commits."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable

from lashgraph.errors import AutoGcWarning, LashgraphError
from lashgraph.gc import AutoGcOutcome, GcReport
from lashgraph.reach import GcPolicy

_log = logging.getLogger("lashgraph")


class AutoGc:
    """Counts commits and collects when one is due; it never makes a commit fail.

    The count is in memory, from 0 for each open store. Work that is queued counts, and never
    collects by itself.
    """

    def __init__(self, policy: GcPolicy, collect: Callable[[], GcReport], path: str) -> None:
        self._interval = policy.auto_run_every_commits or 0
        self._collect = collect
        self._path = path
        self._count = 0
        self._lock = threading.Lock()

    def after_enqueue(self) -> None:
        """Count queued work."""
        with self._lock:
            self._count += 1

    def after_commit(self) -> AutoGcOutcome | None:
        """Count a commit, and collect if that makes one due."""
        if not self._interval:
            return None
        with self._lock:
            self._count += 1
            due = self._count % self._interval == 0
        if not due:
            return None
        try:
            return AutoGcOutcome(self._collect(), None)
        except LashgraphError as error:
            _log.warning("automatic collection refused: %s", error)
            warnings.warn(
                f"{self._path}: the commit stands; the automatic collection after it was refused: "
                f"{error}",
                AutoGcWarning,
                stacklevel=3,
            )
            return AutoGcOutcome(None, error)
