"""What values show of themselves: short, without a scan of contents, escaped."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import lashgraph as lg

Recorded = Callable[[str], Path]
HOSTILE = '<img src=x onerror="alert(1)">'


def test_a_store_tells_a_few_numbers_and_the_next_call(recorded: Recorded) -> None:
    store = lg.open(recorded("sessions/std-tools-366bbb0a4d808158.db.gz"))
    for text in ("'std-tools'", "25 nodes", "8 turns", "22 blobs", "155.6 kB", ".sessions()"):
        assert text in repr(store)
    html = store._repr_html_()
    for text in ("std-tools", "25", "155.6 kB", ".plan_gc()"):
        assert text in html
    store.close()
    assert "closed" in repr(store)
    assert "closed" in store._repr_html_()


def test_a_repr_reads_no_content_and_no_json(recorded: Recorded) -> None:
    with lg.open(recorded("sessions/std-tools-366bbb0a4d808158.db.gz")) as store:
        statements: list[str] = []
        with store.snapshot():
            connection = store._database._snapshot
            assert connection is not None
            connection.set_trace_callback(statements.append)
            repr(store)
            store._repr_html_()
            connection.set_trace_callback(None)
    assert statements
    assert not [s for s in statements if "node_json" in s or "content" in s or "result_json" in s]


def test_text_of_a_file_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with lg.open(path, "create") as store:
        store.save_meta(
            {"session_id": HOSTILE, "session_name": HOSTILE, "created_at": "unix:1", "model": "m"}
        )
        assert "<img" not in store._repr_html_()
        assert "&lt;img" in store._repr_html_()


def test_a_file_that_is_locked_or_gone_still_has_a_repr(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    lg.open(path, "create").close()
    with lg.open(path, options=lg.StoreOptions(busy_timeout=0)) as store:
        holder = sqlite3.connect(path)
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        assert "s.db" in repr(store)
        holder.close()
        path.unlink()
        assert "s.db" in repr(store)
        assert "s.db" in store._repr_html_()
