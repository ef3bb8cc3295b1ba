"""Garbage collection over a corpus, before it runs."""

from __future__ import annotations

from functools import partial
from typing import Any

from lashgraph.corpus.batch import Batch
from lashgraph.corpus.beside import BesideCorpus
from lashgraph.corpus.discovery import CorpusFile
from lashgraph.corpus.gcplan import CorpusGcPlan
from lashgraph.corpus.gcrows import GC_PLAN, Planned
from lashgraph.corpus.lanes import How, Workers
from lashgraph.corpus.planning import plan_file, spare
from lashgraph.corpus.running import Outcome
from lashgraph.corpus.tasks import Job
from lashgraph.corpus.transport import to_frame
from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import as_count, shown
from lashgraph.reach import GcPolicy

STAGE = "plan_gc"


class CollectingCorpus(BesideCorpus):
    """Garbage collection of many files."""

    def plan_gc(
        self,
        policy: GcPolicy | None = None,
        *,
        free_bytes: int | None = None,
        executor: Workers = None,
        progress: bool = False,
        **changes: Any,
    ) -> CorpusGcPlan:
        """A dry run over all files: which would be swept, what that frees, and which not and why.

        Nothing is written, whatever the mode of the corpus. Each file's plan is the one that its
        own `Store.plan_gc` makes.

        Parameters
        ----------
        policy : GcPolicy, optional
            The options' policy if not given.
        free_bytes : int, optional
            A budget for all files together, in stored bytes of blobs. Files are taken whole, those
            with the most garbage first, until it is met; of the last of them as many turns are
            kept as the rest of the budget allows, and all others are left as they are. The
            policy's ``keep_turns`` is the least that each file keeps.
        executor : int or Executor, optional
            Who reads; this process if not given.
        progress : bool
            Show a bar.
        **changes
            Fields of the policy to change, such as ``keep_turns=3``.

        Returns
        -------
        CorpusGcPlan

        Raises
        ------
        BudgetError
            All files together have less garbage than ``free_bytes``; ``best`` says how much.
        InvalidRecordError
            An argument is not of its kind.

        Examples
        --------
        >>> import lashgraph.corpus, tempfile
        >>> from lashgraph.testing.corpus import build_corpus
        >>> folder = tempfile.mkdtemp()
        >>> _ = build_corpus(folder)
        >>> corpus = lashgraph.corpus.open_corpus(folder)
        >>> corpus.plan_gc().counts["sweep"], corpus.plan_gc(free_bytes=1_000).counts["sweep"]
        (6, 1)
        """
        chosen = self._shared.options.gc_policy if policy is None else policy
        if not isinstance(chosen, GcPolicy):
            raise InvalidRecordError(f"policy is a GcPolicy, not {shown(chosen)}")
        wanted = chosen.replace(**changes)
        if free_bytes is not None:
            as_count(free_bytes, "free_bytes")
        with self._shared.lock:
            how = How(executor, progress)
            files = self._files(how)
            rows = _rows(self._run_over(files, self._job(wanted), how))
            if free_bytes is not None:
                rows, last, rest = spare(rows, free_bytes)
                if last >= 0:
                    [file] = [file for file in files if file.path == rows[last].path]
                    rows[last] = self._within(file, rows[last], wanted, rest)
        batch = Batch(self._shared, self._failures)
        return CorpusGcPlan(wanted, self._mode, tuple(rows), free_bytes, self._shared.sent, batch)

    def _job(self, policy: GcPolicy, free_bytes: int | None = None) -> Job:
        ask = partial(plan_file, policy=policy, free_bytes=free_bytes)
        return Job(STAGE, ask, GC_PLAN.columns, self._shared.sent)

    def _within(self, file: CorpusFile, row: Planned, policy: GcPolicy, rest: int) -> Planned:
        """The plan of a file that keeps as many turns as a budget allows."""
        found = _rows(self._run_over([file], self._job(policy, rest), How()))
        # what cannot be read any more keeps the plan that it has, and is skipped if it changed
        return found[0] if found and found[0].verdict == "sweep" else row


def _rows(outcome: Outcome) -> list[Planned]:
    """What a run gave, by path; files that failed have rows, too."""
    count = sum(note.rows for note in outcome.read)
    frame = to_frame(GC_PLAN.columns, outcome.tables, count).astype(object)
    frame = frame.where(frame.notna(), None)
    rows = [Planned(*record) for record in frame.itertuples(index=False, name=None)]
    rows += [Planned.failed(failure) for failure in outcome.failures if not failure.partly]
    return sorted(rows, key=lambda row: row.path)
