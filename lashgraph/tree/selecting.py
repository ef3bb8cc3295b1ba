"""Choosing nodes: those below one, of a span of time, or that say something."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Self

import numpy as np

from lashgraph.columns import NO_TIME
from lashgraph.tree import find
from lashgraph.tree.paths import PathQueries
from lashgraph.tree.times import as_nanoseconds, bound


class Selecting(PathQueries):
    """Parts of a graph, each a graph again, and nodes found by what they hold."""

    def subtree(self, node_id: str) -> Self:
        """A node and all nodes below it, as a graph.

        Returns
        -------
        SessionGraph
            In load order; it keeps the leaf if that is among them. The node still names its
            parent, which is then missing.

        Raises
        ------
        UnknownNodeError
            It is not in the graph.

        Examples
        --------
        >>> from lashgraph.tree import sketch
        >>> sketch({"a": None, "b": "a", "c": "b", "d": "a"}).subtree("b").ids
        ['b', 'c']
        """
        at = self._at(node_id)
        return self._part(sorted({at, *self._below(at)}))

    def between(
        self,
        start: str | datetime | date | np.datetime64 | None = None,
        end: str | datetime | date | np.datetime64 | None = None,
    ) -> Self:
        """The nodes of a span of time, as a graph.

        Parameters
        ----------
        start, end : str, datetime or pandas Timestamp, optional
            The bounds belong to the span; one that is not given is none. Without an offset they
            are UTC.

        Returns
        -------
        SessionGraph
            In load order, without nodes whose timestamp cannot be read. Parents out of the span
            are missing; the leaf is kept if it is in the span.

        Raises
        ------
        InvalidRecordError
            A bound is no time.

        Examples
        --------
        >>> from lashgraph.tree import sketch
        >>> tree = sketch({"a": None, "b": "a", "c": "b"})  # a second apart, from 2026-01-01
        >>> tree.between("2026-01-01T00:00:01", "2026-01-01T00:00:02").ids
        ['b', 'c']
        """
        first, last = bound(start, "start"), bound(end, "end")
        times = as_nanoseconds([node.timestamp for node in self.nodes])
        chosen = self._shown & (times != NO_TIME)
        if first is not None:
            chosen &= times >= first
        if last is not None:
            chosen &= times <= last
        return self._part(np.flatnonzero(chosen).tolist())

    def _part(self, positions: Iterable[int]) -> Self:
        nodes = [self.nodes[at] for at in positions]
        kept = any(node.node_id == self.leaf for node in nodes)
        return replace(self, nodes=nodes, leaf=self.leaf if kept else None, unreadable=())

    def find(
        self,
        *,
        text: str | None = None,
        regex: str | re.Pattern[str] | None = None,
        role: str | None = None,
        tool: str | None = None,
        plugin_type: str | None = None,
    ) -> list[str]:
        r"""The nodes that pass every criterion given.

        Parameters
        ----------
        text : str, optional
            Stands in one of the node's texts, case counted: in a part of a message, or in a text
            anywhere inside the payload of a protocol event or the body of a plugin node.
        regex : str or pattern, optional
            Is found in one of them; ``"(?i)…"`` ignores case.
        role : {"User", "Assistant", "System", "Event"}, optional
            Role of a message.
        tool : str, optional
            Name of a tool that the message calls, or gives the result of.
        plugin_type : str, optional
            Type of a plugin node.

        Returns
        -------
        list of str
            Node ids in load order; all of them if nothing is asked.

        Raises
        ------
        InvalidRecordError
            A criterion is no text, the role unknown, or the pattern cannot be compiled.

        Examples
        --------
        >>> from lashgraph.testing.builders import SessionBuilder, ToolCall
        >>> with SessionBuilder(":memory:", "s") as session:
        ...     _ = session.turn("2 + 2?", "4", [ToolCall("add", {"a": 2, "b": 2}, "4")])
        ...     tree = session.store.tree()
        >>> [tree[found].message.role for found in tree.find(tool="add")]
        ['Assistant', 'User']
        >>> len(tree.find(role="User", regex=r"\d \+ \d"))
        1
        """
        wanted = find.tests(text, regex, role, tool, plugin_type)
        shown = self._shown.tolist()
        return [
            node.node_id
            for node, answers in zip(self.nodes, shown, strict=True)
            if answers and all(test(node) for test in wanted)
        ]
