"""The frames of a store: what a researcher asks of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd

from lashgraph import frames
from lashgraph.check import Level, known_session_id
from lashgraph.format.arguments import as_count, as_list
from lashgraph.frames import Builder, Source
from lashgraph.sqlite import heads
from lashgraph.store.writing import WritingStore
from lashgraph.version import __version__

Columns = Sequence[str] | None


class FramingStore(WritingStore):
    """Every entity of a session as a DataFrame.

    All frames share these parameters, as far as they have them.

    columns : sequence of str, optional
        Only these columns, in this order; what is not asked for is not computed. All of them by
        default; ``lashgraph.schema(name)`` tells them.
    tombstoned : bool
        Whether nodes that wait for vacuum are taken in.
    strict : bool
        Raise `DamagedDataError` at a row that cannot be read, instead of warning.
    progress : bool
        Show a bar.

    Each raises `UnknownColumnError` for a column that it does not have.
    """

    def sessions(self, *, columns: Columns = None, progress: bool = False) -> pd.DataFrame:
        """One row for the session: who it is, how much it holds, where the bytes are.

        Returns
        -------
        DataFrame
            ``lashgraph.schema("sessions")`` tells the columns.
        """
        build = partial(frames.sessions_table, files=self._database.file_sizes())
        return self._frame("sessions", build, columns, progress=progress)

    def nodes(
        self, *, columns: Columns = None, strict: bool = False, progress: bool = False
    ) -> pd.DataFrame:
        """Every row of the session graph, tombstoned and unreadable ones too.

        Returns
        -------
        DataFrame
            ``lashgraph.schema("nodes")`` tells the columns.

        Raises
        ------
        DamagedNodeError
            Only if strict: a row cannot be read.
        UnknownColumnError
            There is no such column.

        Examples
        --------
        >>> import lashgraph as lg
        >>> with lg.open(":memory:") as store:
        ...     store.append_session_graph_nodes([
        ...         {"node_id": "a", "timestamp": "2026-01-01T00:00:00+00:00",
        ...          "kind": "plugin", "plugin_type": "note", "body": 1}])
        ...     store.nodes(columns=["node_id", "kind", "depth"]).values.tolist()
        [['a', 'plugin', 0]]
        """
        return self._frame("nodes", frames.nodes_table, columns, strict=strict, progress=progress)

    def messages(
        self,
        *,
        columns: Columns = None,
        tombstoned: bool = False,
        strict: bool = False,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every message of the conversation, on all branches.

        Returns
        -------
        DataFrame
            ``lashgraph.schema("messages")`` tells the columns.
        """
        build = partial(frames.messages_table, tombstoned=tombstoned)
        return self._frame("messages", build, columns, strict=strict, progress=progress)

    def parts(
        self,
        *,
        columns: Columns = None,
        tombstoned: bool = False,
        strict: bool = False,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every part of every message: prose, tool calls, results, reasoning.

        Returns
        -------
        DataFrame
            ``lashgraph.schema("parts")`` tells the columns.
        """
        build = partial(frames.parts_table, tombstoned=tombstoned)
        return self._frame("parts", build, columns, strict=strict, progress=progress)

    def tool_calls(
        self,
        *,
        columns: Columns = None,
        tombstoned: bool = False,
        strict: bool = False,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every tool call beside the result that answers it on its path.

        Returns
        -------
        DataFrame
            ``lashgraph.schema("tool_calls")`` tells the columns.
        """
        build = partial(frames.tool_calls_table, tombstoned=tombstoned)
        return self._frame("tool_calls", build, columns, strict=strict, progress=progress)

    def events(
        self,
        *,
        columns: Columns = None,
        tombstoned: bool = False,
        strict: bool = False,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every protocol event and plugin entry.

        Returns
        -------
        DataFrame
            ``lashgraph.schema("events")`` tells the columns.
        """
        build = partial(frames.events_table, tombstoned=tombstoned)
        return self._frame("events", build, columns, strict=strict, progress=progress)

    def steps(
        self,
        *,
        columns: Columns = None,
        tombstoned: bool = False,
        strict: bool = False,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every step of a code-executing session: there the work stands in these.

        Returns
        -------
        DataFrame
            ``lashgraph.schema("steps")`` tells the columns.
        """
        build = partial(frames.steps_table, tombstoned=tombstoned)
        return self._frame("steps", build, columns, strict=strict, progress=progress)

    def agent_frames(self, *, columns: Columns = None, strict: bool = False) -> pd.DataFrame:
        """Every agent frame of the head; ``lashgraph.schema("agent_frames")`` has the columns."""
        return self._frame("agent_frames", frames.agent_frames_table, columns, strict=strict)

    def blobs(
        self,
        *,
        columns: Columns = None,
        content_bytes: bool = False,
        verify: bool = False,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Every blob, and which policy keeps it.

        Parameters
        ----------
        columns : sequence of str, optional
            Only these columns, in this order.
        content_bytes : bool
            Whether to decode each blob for the length of its content; this reads them all.
        verify : bool
            Whether to hash each content, for the column ``hash_ok``; this reads them all too.
        progress : bool
            Show a bar while contents are read.

        Returns
        -------
        DataFrame
            ``lashgraph.schema("blobs")`` tells the columns.

        Examples
        --------
        >>> import lashgraph as lg
        >>> with lg.open(":memory:") as store:
        ...     key = store.put_blob(b"hello")
        ...     store.blobs(verify=True)[["kind", "stored_bytes", "hash_ok"]].values.tolist()
        [['raw', 5, True]]
        """
        columns = _chosen("blobs", columns)
        named = columns or ()
        build = partial(
            frames.blobs_table,
            content_bytes=content_bytes or "content_bytes" in named,
            verify=verify or "hash_ok" in named,
        )
        return self._frame("blobs", build, columns, progress=progress)

    def refs(self, *, columns: Columns = None) -> pd.DataFrame:
        """Every place that names a blob; ``lashgraph.schema("refs")`` tells the columns."""
        return self._frame("refs", frames.refs_table, columns)

    def checkpoints(self, *, columns: Columns = None, strict: bool = False) -> pd.DataFrame:
        """Every checkpoint in the store; ``lashgraph.schema("checkpoints")`` tells the columns.

        Raises
        ------
        DamagedDataError
            Only if strict: a manifest cannot be read.
        """
        return self._frame("checkpoints", frames.checkpoints_table, columns, strict=strict)

    def turns(self, *, columns: Columns = None, strict: bool = False) -> pd.DataFrame:
        """Every recorded turn; ``lashgraph.schema("turns")`` tells the columns.

        Raises
        ------
        DamagedDataError
            Only if strict: the record of a turn cannot be read.
        """
        return self._frame("turns", frames.turns_table, columns, strict=strict)

    def history(self, *, columns: Columns = None, strict: bool = False) -> pd.DataFrame:
        """Live and garbage bytes after each turn; ``lashgraph.schema("history")`` has the columns.

        Only blobs that a turn's record names are counted. The runtime also writes checkpoints
        between turns, which no record names: `plan_gc` counts them, as garbage, and this does not.
        ``lashgraph.plot.retention`` draws it.
        """
        return self._frame("history", frames.history_table, columns, strict=strict)

    def simulate_gc(
        self, every: Sequence[int] = (1, 10, 50), *, keep_turns: int = 0, columns: Columns = None
    ) -> pd.DataFrame:
        """What collecting every so many turns would have kept the turns' blobs at.

        The blobs are those of `history`, in stored bytes, not the size of the file. A collection
        here keeps the checkpoints of the latest turns alone; what the safe policy keeps for agent
        frames and archives comes on top.

        Parameters
        ----------
        every : sequence of int
            Turns from one collection to the next; 0 never collects. All are simulated in one pass.
        keep_turns : int
            Turns whose checkpoints each collection keeps; the latest is always kept.
        columns : sequence of str, optional
            Only these columns, in this order.

        Returns
        -------
        DataFrame
            A row for each interval and turn; ``lashgraph.schema("simulation")`` tells the columns.

        Raises
        ------
        InvalidRecordError
            An interval or ``keep_turns`` is no count.
        """
        intervals = [as_count(one, "every") for one in as_list(every, "every", "counts")]
        as_count(keep_turns, "keep_turns")
        build = partial(frames.simulation_table, every=intervals, keep_turns=keep_turns)
        return self._frame("simulation", build, columns)

    def usage(self, *, columns: Columns = None, strict: bool = False) -> pd.DataFrame:
        """Every recorded usage of tokens; ``lashgraph.schema("usage")`` tells the columns."""
        return self._frame("usage", frames.usage_table, columns, strict=strict)

    def attachments(self, *, columns: Columns = None) -> pd.DataFrame:
        """Every known attachment; ``lashgraph.schema("attachments")`` tells the columns."""
        return self._frame("attachments", frames.attachments_table, columns)

    def queued_work(self, *, columns: Columns = None) -> pd.DataFrame:
        """Every batch in the queue; ``lashgraph.schema("queued_work")`` tells the columns."""
        return self._frame("queued_work", frames.queued_work_table, columns)

    def pending_inputs(self, *, columns: Columns = None) -> pd.DataFrame:
        """Every input queued for a turn; ``lashgraph.schema("pending_inputs")`` tells the columns.

        Finished ones are there until `vacuum`. There are none before schema version 6.
        """
        return self._frame("pending_inputs", frames.pending_inputs_table, columns)

    def problems(self, *, columns: Columns = None) -> pd.DataFrame:
        """What cannot be read or names what is not there, one row each: the gist of a quick check.

        ``lashgraph.schema("problems")`` tells the columns.
        """
        return self._frame("problems", frames.problems_table, columns, session_id=known_session_id)

    def check(self, level: Level = "quick") -> pd.DataFrame:
        """What is wrong with the store, or odd about it: one row for each finding.

        Reads only, on one snapshot, and never warns: what cannot be read is a finding.

        Parameters
        ----------
        level : {"quick", "full"}
            Quick scans the nodes once and reads of blobs the first bytes, and live manifests
            whole. Full also reads and hashes every content and checks SQLite's indexes.

        Returns
        -------
        DataFrame
            The gravest first; ``lashgraph.schema("findings")`` tells the columns. A store is sound
            if no row has the severity ``"error"``.

        Raises
        ------
        InvalidRecordError
            There is no such level.

        Examples
        --------
        >>> import lashgraph as lg
        >>> with lg.open(":memory:") as store:
        ...     store.append_session_graph_nodes([
        ...         {"node_id": "b", "parent_node_id": "a", "kind": "plugin", "plugin_type": "note",
        ...          "timestamp": "2026-01-01T00:00:00+00:00", "body": 1}])
        ...     store.check()[["severity", "code", "key"]].values.tolist()
        [['error', 'head-lost', ''], ['warning', 'parent-missing', 'b']]
        """
        build = partial(frames.findings_table, level=level)
        return self._frame("findings", build, None, session_id=known_session_id)

    def _frame(
        self,
        name: str,
        build: Builder,
        columns: Columns,
        *,
        strict: bool = False,
        progress: bool = False,
        session_id: Callable[[sqlite3.Connection], str] = heads.session_id,
    ) -> pd.DataFrame:
        schema = frames.SCHEMAS[name]
        columns = _chosen(name, columns)
        with self._database.snapshot():
            fingerprint = self._database.fingerprint()
            made = self._database.read(
                lambda connection: frames.make(
                    schema,
                    build,
                    Source(connection, self.path, session_id(connection), progress),
                    columns,
                )
            )
        self._tell_damages(made.damages, strict=strict)
        made.frame.attrs["lashgraph"] = {
            "frame": name,
            "version": __version__,
            "fingerprint": fingerprint,
            "policy": self._options.gc_policy.name,
        }
        return made.frame


def _chosen(name: str, columns: Columns) -> list[str] | None:
    """The names of columns asked of a frame, each once and known; None for all of them."""
    if columns is None:
        return None
    return [column.name for column in frames.SCHEMAS[name].chosen(columns)]
