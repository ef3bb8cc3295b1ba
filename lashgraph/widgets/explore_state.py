"""What a session's tree shows: the graph that was read, the rows, the selected node."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import traitlets

from lashgraph.errors import DamagedDataError, LashgraphError
from lashgraph.format.html import visible
from lashgraph.format.node import Node
from lashgraph.store import Store
from lashgraph.tree import SessionGraph
from lashgraph.tree.find import texts_of
from lashgraph.widgets import explore_rows
from lashgraph.widgets.base import View, checked, error_text, told
from lashgraph.widgets.explore_detail import detail
from lashgraph.widgets.explore_outline import Outline
from lashgraph.widgets.watching import Watch, unwarned

_PAGE = 60
_BEFORE = 20
_MOST_LEAVES = 200
_MOST_NAMED = 3


class SessionTree(View):
    """The state of an `Explorer`, linked with the browser."""

    selection = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    leaf = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    query = traitlets.Unicode("").tag(sync=True)
    expanded = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _rows = traitlets.Dict().tag(sync=True)
    _detail = traitlets.Dict().tag(sync=True)
    _session = traitlets.Dict().tag(sync=True)

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watch = Watch(store)
        self._lock = threading.RLock()
        self._epoch = 0
        self._loading = False
        self.graph = SessionGraph([])
        self._outline = Outline(self.graph, None)
        super().__init__()
        self.reload()

    # What Python asks

    @property
    def node(self) -> Node | None:
        """The selected node; None if there is none."""
        return None if self.selection is None else self.graph[self.selection]

    @property
    def path(self) -> list[str]:
        """Node ids of the shown path, root first."""
        return self.graph.active_path(self.leaf) if self.leaf is not None else []

    @property
    def found(self) -> list[str]:
        """Node ids that `query` finds, in load order; empty without a query."""
        with self._lock:
            return self._names(self._outline.found or ())

    def reload(self) -> None:
        """Read the file again; what was chosen stays where it is still there."""
        self._watch.mark()
        try:
            graph, notice = _read(self._store)
        except LashgraphError as error:
            self.tell(error)
            self.look()
            return
        is_first = not len(self.graph)
        chosen = None if self.leaf == self.graph.leaf else self.leaf
        opened, selection = self.expanded, self.selection
        self._loading = True
        try:
            with self._lock, self.hold_sync():
                self.graph = graph
                leaves = [leaf for leaf in (chosen, graph.leaf) if leaf in graph]
                self.leaf = leaves[0] if leaves else None
                self.selection = selection if selection in graph else None
                self.notice = notice
                self._outline = Outline(graph, self.leaf)
                opened = self._first_line() if is_first else [one for one in opened if one in graph]
                lines = [self._outline.line_of(self._outline.at(one)) for one in opened]
                self._lay_out([*lines, *self._ways()])
                self._session = self._told_session()
                self._detail = self._told_node()
        finally:
            self._loading = False
        self._search()
        self.look()

    def _first_line(self) -> list[str]:
        """What is open before anything was chosen: the line of the path, else the first one."""
        return (self.path or self.graph.roots() or self.graph.ids)[:1]

    def _why_stale(self) -> str:
        return self._watch.why_stale()

    # Traits

    @traitlets.validate("selection", "leaf")
    @checked
    def _known_node(self, proposal: dict[str, Any]) -> str | None:
        value: str | None = proposal["value"]
        if value is not None:
            self.graph[value]
        return value

    @traitlets.validate("expanded")
    @checked
    def _known_lines(self, proposal: dict[str, Any]) -> list[str]:
        for name in proposal["value"]:
            self.graph[name]
        with self._lock:
            outline = self._outline
            lines = {outline.line_of(outline.at(name)) for name in proposal["value"]}
            return self._names(line for line in sorted(lines) if outline.begins(line))

    @traitlets.observe("selection")
    @told
    def _selected(self, _change: object) -> None:
        if self._loading:
            return
        with self._lock:
            self._detail = self._told_node()
            at = None if self.selection is None else self._outline.at(self.selection)
            is_seen = at is None or self._outline.place(at) is not None
        if at is not None and not is_seen:
            self._show(at)

    @traitlets.observe("leaf")
    @told
    def _leaf_chosen(self, _change: object) -> None:
        if self._loading:
            return
        with self._lock, self.hold_sync():
            opened = self._outline.opened
            found = self._outline.found
            self._outline = Outline(self.graph, self.leaf)
            self._outline.find(found)
            opened = [self._outline.line_of(at) for at in opened]
            self._lay_out([*opened, *self._ways()])
            self._session = self._told_session()
            self._detail = self._told_node()
            self._show_rows(self.leaf)

    @traitlets.observe("query")
    @told
    def _asked_for(self, _change: object) -> None:
        self._search()

    @traitlets.observe("expanded")
    @told
    def _opened(self, _change: object) -> None:
        with self._lock:
            lines = [self._outline.at(name) for name in self.expanded]
            if self._loading or lines == self._outline.opened:
                return
            self._outline.open_only(lines)
            self._show_rows(self.selection)

    # Rows

    def _search(self) -> None:
        """List what the query finds, or show the tree with the selected node in it."""
        query = self.query.strip()
        found = _matches(self.graph, self._outline, query) if query else None
        with self._lock:
            self._outline.find(found)
            selected = None if self.selection is None else self._outline.at(self.selection)
            if found is None and selected is not None and self._outline.place(selected) is None:
                self._show(selected)
            else:
                self._show_rows(self.selection)

    def _show(self, at: int) -> None:
        """Open the branches that a node stands in, and leave the list of what was found."""
        with self._lock:
            self._outline.find(None)
            self._lay_out([*self._outline.opened, *self._outline.way_to(at)])
            self._show_rows(self.graph.nodes[at].node_id)
        self.query = ""

    def _lay_out(self, lines: Iterable[int]) -> None:
        self._outline.open_only(lines)
        self.expanded = self._names(self._outline.opened)

    def _show_rows(self, node_id: str | None) -> None:
        """Send the rows around a node, all others being out of date."""
        self._epoch += 1
        at = None if node_id is None else self._outline.place(self._outline.at(node_id))
        window = self._window(0 if at is None else max(at - _BEFORE, 0), _PAGE)
        self._rows = window | {"at": at, "found": self._outline.found is not None}

    def _window(self, first: int, count: int) -> dict[str, Any]:
        """Rows as the browser gets them."""
        with self._lock:
            outline = self._outline
            return {
                "epoch": self._epoch,
                "total": len(outline.rows),
                "first": first,
                "rows": [
                    explore_rows.row(self.graph, outline, self.leaf, at)
                    for at in outline.rows[first : first + count]
                ],
            }

    def _ways(self) -> list[int]:
        """The lines that are open where the path and the selected node are to be seen."""
        seen = [one for one in (self.leaf, self.selection) if one is not None]
        return [way for one in seen for way in self._outline.way_to(self._outline.at(one))]

    def _names(self, positions: Iterable[int]) -> list[str]:
        return [self.graph.nodes[at].node_id for at in positions]

    # What is said of the session and of the node

    def _told_node(self) -> dict[str, Any]:
        if self.selection is None:
            return {}
        return detail(self.graph, self._outline, self.selection)

    def _told_session(self) -> dict[str, Any]:
        graph = self.graph
        leaves = graph.leaves()
        shown = dict.fromkeys([*filter(None, (self.leaf, graph.leaf)), *reversed(leaves)])
        depths = graph.depths()
        return {
            "session": visible(graph.session_id),
            "file": visible(self._store.path),
            "nodes": len(graph),
            "leaf_count": len(leaves),
            "path_nodes": len(self.path),
            "head": graph.leaf if graph.leaf in graph else None,
            "leaves": [
                {
                    "id": name,
                    "text": explore_rows.label(graph[name]),
                    "time": explore_rows.clock(graph[name].timestamp),
                    "depth": depths[self._outline.at(name)],
                }
                for name in list(shown)[:_MOST_LEAVES]
                if name in graph
            ],
        }


def _read(store: Store) -> tuple[SessionGraph, str]:
    """The session's graph, and what is to be said of it; without a leaf where the head is lost."""
    with unwarned():
        try:
            graph, notice = store.tree(), ""
        except DamagedDataError as error:
            graph, notice = store.load_session_graph(), error_text(error)
    lost = graph.unreadable
    if lost:
        named = ", ".join(f"{key} ({reason})" for key, reason in lost[:_MOST_NAMED])
        more = f" and {len(lost) - _MOST_NAMED:,} more" if len(lost) > _MOST_NAMED else ""
        told = f"{len(lost):,} of the nodes cannot be read and are left out: {named}{more}"
        notice = f"{notice}\n{told}".strip()
    return graph, visible(notice)


def _matches(graph: SessionGraph, outline: Outline, query: str) -> list[int]:
    """Nodes that say something, or whose id, tools or type are named so; in load order."""
    folded = query.casefold()
    return [
        at
        for at, node in enumerate(graph.nodes)
        if any([folded in name.casefold() for name in _names_of(node)])
        or any(folded in text.casefold() for text in texts_of(node))
        if outline.is_known(at)
    ]


def _names_of(node: Node) -> list[str]:
    parts = node.message.parts if node.message is not None else ()
    names = [part.tool_name for part in parts if part.tool_name is not None]
    return [node.node_id, *names, node.plugin_type or ""]
