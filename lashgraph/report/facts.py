"""What a report asks of a store or of many: each frame once, when a section first needs it."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

import pandas as pd

from lashgraph.corpus import Corpus, CorpusGcPlan
from lashgraph.corpus.families import families_frame
from lashgraph.corpus.lanes import Workers
from lashgraph.corpus.shared import SharedBytes, shared_frame
from lashgraph.corpus.summary import CALLS_NEEDED
from lashgraph.frames import SCHEMAS
from lashgraph.gc import Forecast, GcPlan
from lashgraph.reach import GcPolicy, Reachability
from lashgraph.store import Store
from lashgraph.tree import SessionGraph

_ASKED_OTHERWISE = {"n_problems", "reclaimable_bytes"}
"""Columns of sessions() that the check and the plan tell anyway."""


class StoreFacts:
    """The frames of one store, on the snapshot that the caller holds.

    Parameters
    ----------
    store : Store
        Open.
    policy : GcPolicy
        What live and dead mean.
    """

    def __init__(self, store: Store, policy: GcPolicy) -> None:
        self.store = store
        self.policy = policy

    @cached_property
    def session(self) -> pd.Series[Any]:
        """The row of sessions(), but for what other frames tell."""
        columns = [name for name in SCHEMAS["sessions"].names if name not in _ASKED_OTHERWISE]
        return self.store.sessions(columns=columns).iloc[0]

    @cached_property
    def blobs(self) -> pd.DataFrame:
        """Blobs by hash, kind and stored bytes."""
        return self.store.blobs(columns=["hash", "kind", "stored_bytes"])

    @cached_property
    def live(self) -> pd.Series[bool]:
        """Of each blob, whether the policy keeps it; all are kept where it refuses to collect."""
        if self.reach.findings:
            return pd.Series(True, index=self.blobs.index)
        return self.blobs["hash"].isin(self.reach.live)

    @cached_property
    def tree(self) -> SessionGraph:
        """The session graph."""
        return self.store.tree()

    @cached_property
    def turns(self) -> pd.DataFrame:
        """The recorded turns."""
        return self.store.turns()

    @cached_property
    def calls(self) -> pd.DataFrame:
        """The tool calls."""
        columns = [*CALLS_NEEDED, "call_id", "called_at", "call_node_id", "result_node_id"]
        return self.store.tool_calls(columns=columns)

    @cached_property
    def usage(self) -> pd.DataFrame:
        """The ledger of tokens."""
        return self.store.usage()

    @cached_property
    def history(self) -> pd.DataFrame:
        """Live and garbage bytes after each turn."""
        return self.store.history()

    @cached_property
    def findings(self) -> pd.DataFrame:
        """What a quick check finds."""
        return self.store.check()

    @cached_property
    def reach(self) -> Reachability:
        """What keeps what alive."""
        return self.store.reachability(self.policy)

    @cached_property
    def plan(self) -> GcPlan:
        """The dry run."""
        return self.store.plan_gc(self.policy)

    @cached_property
    def forecast(self) -> Forecast:
        """What the plan does to the file."""
        return self.store.forecast(self.plan)

    @cached_property
    def retention(self) -> pd.DataFrame:
        """What keeping each number of turns comes to."""
        return self.store.retention(self.policy)


class CorpusFacts:
    """The frames of many stores.

    Parameters
    ----------
    corpus : Corpus
        Open.
    policy : GcPolicy
        What a collection keeps.
    executor : int or Executor, optional
        Who reads; this process if not given.
    progress : bool
        Show bars.
    """

    def __init__(
        self, corpus: Corpus, policy: GcPolicy, executor: Workers, *, progress: bool
    ) -> None:
        self.corpus = corpus
        self.policy = policy
        self._how: dict[str, Any] = {"executor": executor, "progress": progress}

    @cached_property
    def folder(self) -> str:
        """The folder that all files have in common."""
        folders = [os.path.dirname(path) for path in self.corpus.files()["path"]]
        return os.path.commonpath(folders) if folders else ""

    @cached_property
    def sessions(self) -> pd.DataFrame:
        """A row for each session."""
        columns = [name for name in SCHEMAS["sessions"].names if name not in _ASKED_OTHERWISE]
        return self.corpus.sessions(columns=columns, **self._how)

    @cached_property
    def families(self) -> pd.DataFrame:
        """Who started whom."""
        return families_frame(self.sessions)

    @cached_property
    def blobs(self) -> pd.DataFrame:
        """Blobs by file, hash, kind and stored bytes."""
        columns = ["path", "session_id", "hash", "kind", "stored_bytes", self.reachable]
        return self.corpus.blobs(columns=columns, **self._how)

    @property
    def reachable(self) -> str:
        """The column of blobs() that tells live from dead."""
        return f"reachable_{self.policy.name}"

    @cached_property
    def shared(self) -> tuple[pd.DataFrame, SharedBytes]:
        """Content that stands in several files, and what it costs."""
        return shared_frame(self.blobs)

    @cached_property
    def calls(self) -> pd.DataFrame:
        """The tool calls."""
        return self.corpus.tool_calls(columns=CALLS_NEEDED, **self._how)

    @cached_property
    def findings(self) -> pd.DataFrame:
        """What a quick check finds in each file."""
        return self.corpus.check(**self._how)

    @cached_property
    def plan(self) -> CorpusGcPlan:
        """The dry run of a batch."""
        return self.corpus.plan_gc(self.policy, **self._how)
