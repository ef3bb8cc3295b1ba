"""The sessions of a corpus: a table, the picture of their bytes, and one of them opened."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import pandas as pd
import traitlets
from matplotlib.axes import Axes

from lashgraph.corpus import Corpus
from lashgraph.corpus.lanes import Workers
from lashgraph.errors import InvalidRecordError, LashgraphError
from lashgraph.format.arguments import as_count, shown
from lashgraph.format.html import Markup, element
from lashgraph.format.sizes import bytes_text, counted
from lashgraph.plot import corpus_bytes as draw
from lashgraph.sqlite.place import PlaceState
from lashgraph.store import Store
from lashgraph.widgets import corpus_map, corpus_table
from lashgraph.widgets.base import View, answer, checked, told
from lashgraph.widgets.corpus_table import Table, column_named
from lashgraph.widgets.explorer import Explorer
from lashgraph.widgets.watching import state_of, unwarned

_PAGE = 60
_MOST_ROWS = 400
_STATIC = 30


def _reference(inner: Explorer | None, _outer: object) -> str | None:
    """How a browser is told of a widget inside another."""
    return None if inner is None else f"IPY_MODEL_{inner.model_id}"


def corpus(corpus: Corpus, *, executor: Workers = None) -> CorpusBrowser:
    """Show the sessions of a corpus, where their bytes are, and any of them as a tree.

    Parameters
    ----------
    corpus : Corpus
        As ``lashgraph.open_corpus`` gives it; it is only read.
    executor : int or Executor, optional
        Who reads; this process if not given.

    Returns
    -------
    CorpusBrowser
        A notebook shows it. Its traits `selection`, `opened`, `query`, `filters`, `sort` and
        `descending` are set by the user and by Python alike.

    Raises
    ------
    TypeError
        This is no Corpus.

    Examples
    --------
    >>> import lashgraph as lg, tempfile
    >>> from lashgraph.testing.corpus import build_corpus
    >>> folder = tempfile.mkdtemp()
    >>> _ = build_corpus(folder)
    >>> view = lg.widgets.corpus(lg.open_corpus(folder))
    >>> view.filters = {"n_turns": ">= 15", "file_bytes": "< 1 MB"}
    >>> view.sort, view.descending = "file_bytes", True
    >>> view.shown["session_id"].tolist()
    ['research-agent', 'long-chat', 'branches']
    """
    if not isinstance(corpus, Corpus):
        raise TypeError(
            f"corpus takes a Corpus, as lashgraph.open_corpus gives it, not {shown(corpus)}"
        )
    return CorpusBrowser(corpus, executor)


class CorpusBrowser(View):
    """Many sessions beside the picture of their bytes; made by `corpus`.

    Attributes
    ----------
    selection : str or None
        The file that is selected, a path as ``sessions()`` has it.
    opened : str or None
        The file that is shown as a tree, by `explorer`.
    explorer : Explorer or None
        The widget inside this one while a session is opened.
    query : str
        What stands in the path, the name, the folder, an error or a text of the row.
    filters : dict
        Conditions by column: a part of a text, or ``"3"``, ``">= 3"``, ``"< 2 MB"``, ``"1..5"``.
    sort : str
        The column that rows are sorted by.
    descending : bool
        Whether the largest comes first.
    by : {"garbage", "kind"}
        What the picture tells of each session: live bytes and garbage, or kinds of blobs.
    """

    scripts: ClassVar = ("rows.js", "explore_view.js", "corpus.js")
    styles: ClassVar = ("rows.css", "explore.css", "corpus.css")

    selection = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    opened = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    explorer = traitlets.Instance(Explorer, allow_none=True).tag(sync=True, to_json=_reference)
    query = traitlets.Unicode("").tag(sync=True)
    filters = traitlets.Dict().tag(sync=True)
    sort = traitlets.Unicode("session_id").tag(sync=True)
    descending = traitlets.Bool(False).tag(sync=True)
    by = traitlets.Enum(["garbage", "kind"], "garbage").tag(sync=True)
    _columns = traitlets.List(traitlets.Dict()).tag(sync=True)
    _rows = traitlets.Dict().tag(sync=True)
    _facts = traitlets.List(traitlets.List()).tag(sync=True)

    def __init__(self, corpus: Corpus, executor: Workers = None) -> None:
        self._corpus = corpus
        self._executor = executor
        self._lock = threading.RLock()
        self._epoch = 0
        self._store: Store | None = None
        self._kinds: pd.DataFrame | None = None
        self._table = Table.empty()
        self._order: list[int] = []
        super().__init__()
        self._columns = [
            {"name": one.name, "title": one.title, "kind": one.kind, "meaning": one.meaning}
            for one in corpus_table.COLUMNS
        ]
        self.reload()

    # What Python asks

    @property
    def shown(self) -> pd.DataFrame:
        """The sessions that pass the filters, as they are sorted: rows of ``sessions()``."""
        with self._lock:
            rows = [at for at in self._order if self._table.is_read(at)]
            return self._table.sessions.iloc[rows].reset_index(drop=True)

    def selected_store(self) -> Store:
        """Open the selected session for reading; the caller closes it.

        Raises
        ------
        InvalidRecordError
            Nothing is selected.
        OpenError
            The file cannot be opened.
        """
        if self.selection is None:
            raise InvalidRecordError("no session is selected; set .selection to its path")
        return self._corpus.open(self.selection)

    def reload(self) -> None:
        """Read all files again; the choice stays where it is still there."""
        self._read_at = datetime.now(UTC)
        try:
            with unwarned():
                self._states = self._now()
                sessions = self._corpus.sessions(
                    columns=corpus_table.NEEDED, executor=self._executor
                )
                errors = self._corpus.errors(executor=self._executor)
        except LashgraphError as error:
            self.tell(error)
            return
        with self._lock, self.hold_sync():
            self._table, self._kinds = Table(sessions, errors), None
            if self.selection not in self._table.paths:
                self.selection = None
            failed = len(self._table) - self._table.n_read
            partly = sum(map(bool, self._table.errors)) - failed
            said = [
                f"{counted(failed, 'file')} cannot be read" if failed else "",
                f"{counted(partly, 'file')} can be read only in part" if partly else "",
            ]
            self.notice = ", ".join(filter(None, said))
            self._lay_out()
        self.look()

    def close(self) -> None:
        """Close the widget, and the session that is opened in it."""
        self._leave()
        super().close()

    # Traits

    @traitlets.validate("selection", "opened")
    @checked
    def _known_file(self, proposal: dict[str, Any]) -> str | None:
        value: str | None = proposal["value"]
        if value is not None:
            with self._lock:
                at = self._table.at(value)
                if proposal["trait"].name == "opened" and not self._table.is_read(at):
                    raise InvalidRecordError(f"{value}: {self._table.errors[at]}")
        return value

    @traitlets.validate("sort")
    @checked
    def _known_column(self, proposal: dict[str, Any]) -> str:
        return column_named(proposal["value"]).name

    @traitlets.validate("filters")
    @checked
    def _readable_filters(self, proposal: dict[str, Any]) -> dict[str, str]:
        value: dict[str, str] = proposal["value"]
        for name, text in value.items():
            if not isinstance(text, str):
                raise InvalidRecordError(f"filter of {shown(name)} is a text, not {shown(text)}")
        with self._lock:
            self._table.order("", value, self.sort, descending=False)
        return value

    @traitlets.observe("query", "filters", "sort", "descending")
    @told
    def _asked_for(self, _change: object) -> None:
        self._lay_out()

    @traitlets.observe("selection")
    @told
    def _selected(self, _change: object) -> None:
        with self._lock:
            at = None if self.selection is None else self._table.at(self.selection)
            self._facts = [] if at is None else self._table.facts(at)

    @traitlets.observe("opened")
    @told
    def _opened(self, _change: object) -> None:
        """Show the tree of a session inside this widget, or leave it."""
        self._leave()
        if self.opened is None:
            return
        try:
            self._store = self._corpus.open(self.opened)
            self.explorer = Explorer(self._store)
        except Exception:
            self.opened = None
            raise
        self.selection = self.opened

    def _leave(self) -> None:
        left, self.explorer = self.explorer, None
        if left is not None:
            left.close()
        if self._store is not None:
            self._store.close()
            self._store = None

    # Rows

    def _lay_out(self) -> None:
        """Filter and sort, and send the first rows."""
        with self._lock:
            self._order = self._table.order(
                self.query, self.filters, self.sort, descending=self.descending
            )
            self._epoch += 1
            self._rows = self._window(0, _PAGE) | {"of": len(self._table)}

    def _window(self, first: int, count: int) -> dict[str, Any]:
        rows = [self._table.row(at) for at in self._order[first : first + count]]
        return {"epoch": self._epoch, "total": len(self._order), "first": first, "rows": rows}

    @answer("rows")
    def _more_rows(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        first = as_count(asked.get("first"), "first")
        count = min(as_count(asked.get("count"), "count"), _MOST_ROWS)
        with self._lock:
            return self._window(first, count)

    @answer("place")
    def _place(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Which row a file is in; None where the filters leave it out."""
        with self._lock:
            at = self._table.at(asked.get("path"))
            return {"row": self._order.index(at) if at in self._order else None}

    @answer("picture")
    def _picture(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The rectangles of the sessions that are shown."""
        sessions = self.shown
        return corpus_map.picture(sessions, self._sizes(sessions, asked.get("by", self.by)))

    def _sizes(self, sessions: pd.DataFrame, by: str) -> pd.DataFrame:
        return self._blobs_by_kind() if by == "kind" else corpus_map.alive_and_dead(sessions)

    def _blobs_by_kind(self) -> pd.DataFrame:
        """All blobs with their kinds, which takes reading the files once more."""
        kinds = self._kinds
        if kinds is None:
            with unwarned():
                kinds = self._corpus.blobs(
                    columns=["path", "kind", "stored_bytes"], executor=self._executor
                )
            self._kinds = kinds
        return kinds

    # Whether this is still so

    def _now(self) -> dict[str, PlaceState | None]:
        return {path: state_of(path) for path in self._corpus.files()["path"]}

    def _why_stale(self) -> str:
        before = self._states
        now = {path: state_of(path) for path in before}
        gone = sum(now[path] is None and state is not None for path, state in before.items())
        moved = sum(now[path] != state for path, state in before.items()) - gone
        said = [
            f"{counted(moved, 'file')} changed" if moved else "",
            f"{counted(gone, 'file')} gone" if gone else "",
        ]
        told = " and ".join(filter(None, said))
        return f"{told} since this was read at {self._read_at:%H:%M:%S} UTC" if told else ""

    # Without a browser

    def _summary(self) -> str:
        table = self._table
        size = bytes_text(int(table.sessions["file_bytes"].sum()))
        failed = len(table) - table.n_read
        lost = f", {counted(failed, 'file')} cannot be read" if failed else ""
        chosen = "" if self.selection is None else f", {self.selection!r} selected"
        return f"corpus: {counted(table.n_read, 'session')}, {size}{lost}{chosen}"

    def _drawn(self) -> Axes | None:
        """Where the bytes of the sessions are that are shown."""
        sessions = self.shown
        return draw(*corpus_map.named(sessions, self._sizes(sessions, self.by)))

    def _listed(self) -> list[Markup]:
        """The first rows as they are sorted, and bars of their bytes."""
        with self._lock:
            order, table = self._order, self._table
            rows = [table.row(at) for at in order[:_STATIC]]
            bytes_of = table.sessions["file_bytes"].fillna(0).tolist()
            sizes = [bytes_of[at] if table.is_read(at) else 0 for at in order[:_STATIC]]
        titles = [*(column.title for column in corpus_table.COLUMNS), "file", "error"]
        lines = [element("tr", *[element("th", title) for title in titles])]
        for row, bar in zip(rows, corpus_table.bars(sizes), strict=True):
            cells = [*row["cells"], bar, row["error"]]
            lines.append(element("tr", *[element("td", element("bdi", cell)) for cell in cells]))
        more = len(order) - len(rows)
        rest = [element("p", f"{counted(more, 'row')} more")] if more else []
        return [element("table", *lines), *rest]
