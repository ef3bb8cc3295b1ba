"""The frames of a store, for all sessions of a corpus."""

from __future__ import annotations

from functools import partial
from typing import get_args

import pandas as pd

from lashgraph.check import Level
from lashgraph.corpus.choosing import ChoosingCorpus
from lashgraph.corpus.lanes import Workers
from lashgraph.corpus.running import Columns
from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import shown
from lashgraph.frames import SCHEMAS
from lashgraph.store import Store


class FramingCorpus(ChoosingCorpus):
    """Every entity of many sessions as a DataFrame: what each `Store` gives, one after the other.

    Columns, dtypes and meanings are those of the store's frame; rows are in order of the files'
    paths, then in the store's own order, whoever read them.

    All frames share these parameters, as far as they have them.

    columns : sequence of str, optional
        Only these columns, in this order; what is not asked for is not computed. All of them by
        default; ``schema(name)`` tells them.
    tombstoned : bool
        Whether nodes that wait for vacuum are taken in.
    strict : bool
        Raise the first error, by path, of a file that cannot be read or only in part. Otherwise
        there is one `DamagedDataWarning`, and ``errors()`` has a row for each such file.
    executor : int or Executor, optional
        Who reads: this process by default; so many processes, which are kept for later calls; or
        an executor of yours, such as that of a Dask cluster (``client.get_executor()``).
    progress : bool
        Show a bar.

    Each raises `UnknownColumnError` for a column that it does not have.
    """

    def sessions(
        self,
        *,
        columns: Columns = None,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """One row for each session: who it is, how much it holds, where the bytes are.

        ``schema("sessions")`` tells the columns.

        Examples
        --------
        >>> import lashgraph.corpus, tempfile
        >>> from lashgraph.testing.corpus import build_corpus
        >>> folder = tempfile.mkdtemp()
        >>> _ = build_corpus(folder)
        >>> with lashgraph.corpus.open_corpus(folder) as corpus:
        ...     corpus.sessions(columns=["session_id", "n_turns"]).head(2).values.tolist()
        [['branches', 17], ['code-runner', 12]]
        """
        ask = partial(Store.sessions, columns=columns)
        return self._frame(
            SCHEMAS["sessions"], ask, columns, strict=strict, executor=executor, progress=progress
        )

    def nodes(
        self,
        *,
        columns: Columns = None,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every row of every session graph, tombstoned and unreadable ones too.

        ``schema("nodes")`` tells the columns.
        """
        ask = partial(Store.nodes, columns=columns)
        return self._frame(
            SCHEMAS["nodes"], ask, columns, strict=strict, executor=executor, progress=progress
        )

    def messages(
        self,
        *,
        columns: Columns = None,
        tombstoned: bool = False,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every message of every conversation, on all branches.

        ``schema("messages")`` tells the columns.
        """
        ask = partial(Store.messages, columns=columns, tombstoned=tombstoned)
        return self._frame(
            SCHEMAS["messages"], ask, columns, strict=strict, executor=executor, progress=progress
        )

    def parts(
        self,
        *,
        columns: Columns = None,
        tombstoned: bool = False,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every part of every message: prose, tool calls, results, reasoning.

        ``schema("parts")`` tells the columns.
        """
        ask = partial(Store.parts, columns=columns, tombstoned=tombstoned)
        return self._frame(
            SCHEMAS["parts"], ask, columns, strict=strict, executor=executor, progress=progress
        )

    def tool_calls(
        self,
        *,
        columns: Columns = None,
        tombstoned: bool = False,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every tool call beside the result that answers it on its path.

        ``schema("tool_calls")`` tells the columns.
        """
        ask = partial(Store.tool_calls, columns=columns, tombstoned=tombstoned)
        return self._frame(
            SCHEMAS["tool_calls"], ask, columns, strict=strict, executor=executor, progress=progress
        )

    def events(
        self,
        *,
        columns: Columns = None,
        tombstoned: bool = False,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every protocol event and plugin entry; ``schema("events")`` tells the columns."""
        ask = partial(Store.events, columns=columns, tombstoned=tombstoned)
        return self._frame(
            SCHEMAS["events"], ask, columns, strict=strict, executor=executor, progress=progress
        )

    def steps(
        self,
        *,
        columns: Columns = None,
        tombstoned: bool = False,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every step of code-executing sessions; ``schema("steps")`` tells the columns."""
        ask = partial(Store.steps, columns=columns, tombstoned=tombstoned)
        return self._frame(
            SCHEMAS["steps"], ask, columns, strict=strict, executor=executor, progress=progress
        )

    def agent_frames(
        self,
        *,
        columns: Columns = None,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every agent frame of every head; ``schema("agent_frames")`` tells the columns."""
        ask = partial(Store.agent_frames, columns=columns)
        return self._frame(
            SCHEMAS["agent_frames"],
            ask,
            columns,
            strict=strict,
            executor=executor,
            progress=progress,
        )

    def blobs(
        self,
        *,
        columns: Columns = None,
        content_bytes: bool = False,
        verify: bool = False,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every blob, and which policy keeps it; ``schema("blobs")`` tells the columns.

        Parameters
        ----------
        columns : sequence of str, optional
            Only these columns, in this order.
        content_bytes : bool
            Whether to decode each blob for the length of its content; this reads them all.
        verify : bool
            Whether to hash each content, for the column ``hash_ok``; this reads them all too.
        strict : bool
            Raise the first error, by path, of a file that cannot be read or only in part.
        executor : int or Executor, optional
            Who reads; this process if not given.
        progress : bool
            Show a bar.
        """
        ask = partial(Store.blobs, columns=columns, content_bytes=content_bytes, verify=verify)
        return self._frame(
            SCHEMAS["blobs"], ask, columns, strict=strict, executor=executor, progress=progress
        )

    def refs(
        self,
        *,
        columns: Columns = None,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every place that names a blob; ``schema("refs")`` tells the columns."""
        ask = partial(Store.refs, columns=columns)
        return self._frame(
            SCHEMAS["refs"], ask, columns, strict=strict, executor=executor, progress=progress
        )

    def checkpoints(
        self,
        *,
        columns: Columns = None,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every checkpoint; ``schema("checkpoints")`` tells the columns."""
        ask = partial(Store.checkpoints, columns=columns)
        return self._frame(
            SCHEMAS["checkpoints"],
            ask,
            columns,
            strict=strict,
            executor=executor,
            progress=progress,
        )

    def turns(
        self,
        *,
        columns: Columns = None,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every recorded turn; ``schema("turns")`` tells the columns."""
        ask = partial(Store.turns, columns=columns)
        return self._frame(
            SCHEMAS["turns"], ask, columns, strict=strict, executor=executor, progress=progress
        )

    def history(
        self,
        *,
        columns: Columns = None,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Live and garbage bytes after each turn; ``schema("history")`` tells the columns."""
        ask = partial(Store.history, columns=columns)
        return self._frame(
            SCHEMAS["history"], ask, columns, strict=strict, executor=executor, progress=progress
        )

    def usage(
        self,
        *,
        columns: Columns = None,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every recorded usage of tokens; ``schema("usage")`` tells the columns."""
        ask = partial(Store.usage, columns=columns)
        return self._frame(
            SCHEMAS["usage"], ask, columns, strict=strict, executor=executor, progress=progress
        )

    def attachments(
        self,
        *,
        columns: Columns = None,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every known attachment; ``schema("attachments")`` tells the columns."""
        ask = partial(Store.attachments, columns=columns)
        return self._frame(
            SCHEMAS["attachments"],
            ask,
            columns,
            strict=strict,
            executor=executor,
            progress=progress,
        )

    def queued_work(
        self,
        *,
        columns: Columns = None,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every batch in a queue; ``schema("queued_work")`` tells the columns."""
        ask = partial(Store.queued_work, columns=columns)
        return self._frame(
            SCHEMAS["queued_work"],
            ask,
            columns,
            strict=strict,
            executor=executor,
            progress=progress,
        )

    def pending_inputs(
        self,
        *,
        columns: Columns = None,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every input queued for a turn; ``schema("pending_inputs")`` tells the columns."""
        ask = partial(Store.pending_inputs, columns=columns)
        return self._frame(
            SCHEMAS["pending_inputs"],
            ask,
            columns,
            strict=strict,
            executor=executor,
            progress=progress,
        )

    def problems(
        self,
        *,
        columns: Columns = None,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """What cannot be read or names what is not there, one row each.

        ``schema("problems")`` tells the columns.
        """
        ask = partial(Store.problems, columns=columns)
        return self._frame(
            SCHEMAS["problems"], ask, columns, strict=strict, executor=executor, progress=progress
        )

    def check(
        self,
        level: Level = "quick",
        *,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """What is wrong with the sessions, or odd about them: one row for each finding.

        Parameters
        ----------
        level : {"quick", "full"}
            Full also reads and hashes every content and checks SQLite's indexes.
        strict : bool
            Raise the first error, by path, of a file that cannot be read or only in part.
        executor : int or Executor, optional
            Who reads; this process if not given.
        progress : bool
            Show a bar.

        Returns
        -------
        DataFrame
            Of each session the gravest first; ``schema("findings")`` tells the columns.

        Raises
        ------
        InvalidRecordError
            There is no such level.
        """
        if level not in get_args(Level):
            raise InvalidRecordError(f"level {shown(level)}; known: 'quick', 'full'")
        ask = partial(Store.check, level=level)
        return self._frame(
            SCHEMAS["findings"], ask, None, strict=strict, executor=executor, progress=progress
        )
