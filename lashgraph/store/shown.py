"""What a store shows of itself: a few numbers and the next call, as text and as HTML."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from lashgraph.errors import LashgraphError
from lashgraph.format.html import element
from lashgraph.format.sizes import bytes_text
from lashgraph.sqlite import heads
from lashgraph.sqlite.database import Database

_COUNTED = {"nodes": "graph_nodes", "turns": "runtime_turn_commits", "blobs": "blobs"}
_NEXT = {
    ".sessions()": "one row of all figures",
    ".tree()": "the session graph",
    ".messages()": "what was said",
    ".plan_gc()": "what a collection would free",
    ".check()": "what is wrong",
}


def facts(database: Database) -> Mapping[str, str]:
    """Session, counts and size; counts come from indexes. Empty where the file cannot be read."""

    def read(connection: sqlite3.Connection) -> dict[str, str]:
        found = {"session": heads.session_id(connection) or "(none yet)"}
        for name, table in _COUNTED.items():
            count = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            found[name] = f"{count:,}"
        sizes = database.file_sizes()
        found["file"] = bytes_text(sizes.database + sizes.log)
        return found

    try:
        return database.read(read)
    except LashgraphError:
        return {}


def as_text(database: Database) -> str:
    """A store on one line."""
    if database.closed:
        return f"<lashgraph.Store {database.path!r}, closed>"
    found = facts(database)
    told = ""
    if found:
        counts = ", ".join(f"{found[name]} {name}" for name in _COUNTED)
        told = f": session {found['session']!r}, {counts}, {found['file']}"
    mode = f"mode {database.mode!r}"
    return f"<lashgraph.Store {database.path!r}, {mode}{told}; .sessions() tells more>"


def as_html(database: Database) -> str:
    """A store as a small table."""
    state = "closed" if database.closed else f"mode {database.mode!r}"
    title = element("b", "lashgraph.Store "), element("code", database.path), f" ({state})"
    rows = [] if database.closed else list(facts(database).items())
    table = element(
        "table",
        *(element("tr", element("th", name), element("td", value)) for name, value in rows),
    )
    calls: list[object] = ["next: "]
    for call, what in _NEXT.items():
        calls += [element("code", call), f" {what} · "]
    calls[-1] = str(calls[-1]).removesuffix(" · ")
    return element("div", element("div", *title), table, element("div", *calls))
