"""The tree of one session, and what its nodes say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from matplotlib.axes import Axes

from lashgraph.errors import InvalidRecordError, LashgraphError
from lashgraph.format.arguments import as_count, as_text, shown
from lashgraph.format.html import Markup, element, visible
from lashgraph.format.node import encode_node
from lashgraph.format.sizes import counted
from lashgraph.plot import session_tree as draw
from lashgraph.store import Store
from lashgraph.tree.entries import author_of
from lashgraph.widgets import explore_rows
from lashgraph.widgets.base import answer, error_text
from lashgraph.widgets.explore_detail import harmless, pieces, pretty
from lashgraph.widgets.explore_state import SessionTree

_MOST_ROWS = 400
_MOST_CAME = 100
_MOST_PROBLEMS = 100
_MOST_TEXT = 1_500_000
_STATIC = 15
"""Nodes at each end of the path that the static table shows."""


def explore(store: Store) -> Explorer:
    """Show a session as a tree, and all that the selected node says.

    The session is read once and kept: the widget answers after the store is closed, too, and says
    so when the file is no longer what was read.

    Parameters
    ----------
    store : Store
        As ``lashgraph.open`` gives it; it is only read.

    Returns
    -------
    Explorer
        A notebook shows it. Its traits `selection`, `leaf`, `query` and `expanded` are set by the
        user and by Python alike.

    Raises
    ------
    TypeError
        This is no Store.

    Examples
    --------
    >>> import lashgraph as lg
    >>> from lashgraph.testing.builders import SessionBuilder
    >>> with SessionBuilder(":memory:", "s") as session:
    ...     _ = session.turn("2 + 2?", "It is four.")
    ...     view = lg.widgets.explore(session.store)
    >>> view.query = "FOUR"
    >>> view.selection = view.found[0]
    >>> view.node.message.role
    'Assistant'
    """
    if not isinstance(store, Store):
        raise TypeError(f"explore takes a Store, as lashgraph.open gives it, not {shown(store)}")
    return Explorer(store)


class Explorer(SessionTree):
    """A session's tree beside the selected node; made by `explore`.

    Attributes
    ----------
    selection : str or None
        Id of the node that is shown. Setting it opens the branches that it stands in. An id that
        is not in the graph is refused with a TraitError.
    leaf : str or None
        Where the shown path ends; at first the leaf of the session's head.
    query : str
        What nodes say that are listed, capitals and small letters alike; node ids, names of tools
        and types of plugin entries count, too. Empty shows the tree.
    expanded : list of str
        First nodes of the branches that are open.
    graph : SessionGraph
        What was read.
    """

    scripts: ClassVar = ("rows.js", "explore_view.js", "explore.js")
    styles: ClassVar = ("rows.css", "explore.css")

    @answer("rows")
    def _more_rows(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        first = as_count(asked.get("first"), "first")
        return self._window(first, min(as_count(asked.get("count"), "count"), _MOST_ROWS))

    @answer("toggle")
    def _toggle(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Open or close a branch: every view is sent the beginning of that branch, and no more."""
        with self._lock:
            at = self._position(asked)
            if not self._outline.can_open(at) or self._outline.place(at) is None:
                raise InvalidRecordError(f"node {asked['node']!r} is no row that can be opened")
            row, gone, came = self._outline.toggle(at)
            self._epoch += 1
            changed = self._window(row, 1 + min(came, _MOST_CAME))
            opened = self._names(self._outline.opened)
            self.send({"changed": changed | {"gone": gone, "came": came}})
            self.expanded = opened
        return {}

    @answer("collapse")
    def _collapse(self, _asked: Mapping[str, Any]) -> None:
        """Close all branches but those that the path and the selected node stand in."""
        with self._lock:
            self.expanded = self._names(self._ways()) or self._first_line()

    @answer("place")
    def _place(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Which row a node is in; it is made to be one."""
        with self._lock:
            at = self._position(asked)
            if self._outline.place(at) is None:
                self._show(at)
            return {"row": self._outline.place(at), "epoch": self._epoch}

    @answer("outer")
    def _outer(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Which row a row stands under."""
        with self._lock:
            outer = self._outline.outer(self._position(asked))
            return {"row": None if outer is None else self._outline.place(outer)}

    @answer("typed")
    def _typed(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The next row that begins with what was typed, from a row on and round the end."""
        text = as_text(asked.get("text"), "text").casefold()
        start = as_count(asked.get("first"), "first")
        with self._lock:
            rows = list(self._outline.rows)
        nodes = self.graph.nodes
        for row in (*range(start, len(rows)), *range(min(start, len(rows)))):
            if explore_rows.label(nodes[rows[row]]).casefold().startswith(text):
                return {"row": row}
        return {"row": None}

    @answer("text")
    def _whole_text(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """One of a node's texts, with its end."""
        number = as_count(asked.get("piece"), "piece")
        with self._lock:
            self._position(asked)
            found = pieces(self.graph, self._outline, asked["node"])
        if number >= len(found):
            raise InvalidRecordError(f"node {asked['node']!r} has {len(found)} texts")
        text = found[number][0].text
        cut = f"\n… {len(text) - _MOST_TEXT:,} characters more" if len(text) > _MOST_TEXT else ""
        return {"text": visible(text[:_MOST_TEXT]) + cut}

    @answer("json")
    def _json(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON of a node as it is in the file; as it was read where that cannot be had."""
        with self._lock:
            node = self.graph.nodes[self._position(asked)]
        try:
            stored = self._store.node_json(node.node_id)
        except LashgraphError:
            stored = None
        text = encode_node(node).encode() if stored is None else stored
        return {"json": harmless(pretty(text)), "stored": stored is not None}

    @answer("problems")
    def _problems(self, _asked: Mapping[str, Any]) -> dict[str, Any]:
        """What is wrong with the store: asked for when the first rows are shown."""
        try:
            found = self._store.problems()
        except LashgraphError as error:
            return {"rows": [], "count": 0, "unknown": error_text(error)}
        rows = found[["table", "key", "what"]].head(_MOST_PROBLEMS).astype(str).values.tolist()
        return {"rows": [[visible(cell) for cell in row] for row in rows], "count": len(found)}

    def _position(self, asked: Mapping[str, Any]) -> int:
        name = as_text(asked.get("node"), "node")
        self.graph[name]
        return self._outline.at(name)

    # Without a browser

    def _summary(self) -> str:
        told = f"{counted(len(self.graph), 'node')}, path of {counted(len(self.path), 'node')}"
        chosen = "" if self.selection is None else f", {self.selection!r} selected"
        return f"explore({self._store.path!r}): session {self.graph.session_id!r}, {told}{chosen}"

    def _drawn(self) -> Axes | None:
        """The tree with the shown path."""
        graph = self.graph
        return draw(graph if self.leaf == graph.leaf else replace(graph, leaf=self.leaf))

    def _listed(self) -> list[Markup]:
        """The shown path as a table; of a long one its ends."""
        path = self.path
        shown = [*enumerate(path[:_STATIC], 1)]
        rest = [*enumerate(path, 1)][max(_STATIC, len(path) - _STATIC) :]
        skipped = len(path) - len(shown) - len(rest)
        rows = [self._static_row(*one) for one in shown]
        if skipped:
            rows.append(element("tr", element("td", "…"), element("td", f"{skipped:,} more")))
        rows += [self._static_row(*one) for one in rest]
        head = element("tr", *[element("th", name) for name in ("", "who", "time", "node", "says")])
        return [element("table", head, *rows)]

    def _static_row(self, number: int, name: str) -> Markup:
        node = self.graph[name]
        says = " ".join([*explore_rows.tools(node), explore_rows.label(node)])
        cells = (number, author_of(node), node.timestamp, name, says)
        return element("tr", *[element("td", element("bdi", cell)) for cell in cells])
