"""Large stores to measure with; rows are inserted directly, in the runtime's own form."""

from __future__ import annotations

import hashlib
import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

from lashgraph.format import jsontext
from lashgraph.store import open as open_store

_WORDS = 4_000
_BATCH = 2_000
_START = datetime(2026, 3, 2, tzinfo=UTC)


def build_large_graph(
    path: str | os.PathLike[str], nodes: int = 200_000, text_bytes: int = 1_150, seed: int = 0
) -> None:
    """A session of many nodes: questions, answers with tool calls, results, protocol events.

    Parameters
    ----------
    path : path
        Must not exist.
    nodes : int
        How many; one in a hundred starts a branch from an earlier node.
    text_bytes : int
        Bytes of text in each node, about.

    Examples
    --------
    >>> import lashgraph as lg, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "large.db"
    >>> build_large_graph(path, nodes=500)
    >>> with lg.open(path) as store:
    ...     len(store.nodes()), store.problems().empty
    (500, True)
    """
    _create(path)
    with closing(sqlite3.connect(path)) as connection:
        _insert_nodes(connection, _rows(nodes, text_bytes, seed))
        connection.commit()
    _finish(path)


def build_deep_path(path: str | os.PathLike[str], depth: int = 50_000) -> str:
    """A session that is one long path; returns its leaf."""
    _create(path)
    with closing(sqlite3.connect(path)) as connection:
        _insert_nodes(connection, _rows(depth, 200, 0, branches=False))
        connection.commit()
    return _finish(path)


def build_large_blobs(
    path: str | os.PathLike[str],
    *,
    blobs: int = 60_000,
    live: int = 6_000,
    total_bytes: int = 500_000_000,
    nodes: int = 0,
    seed: int = 0,
) -> None:
    """A session of many blobs, of which artifact refs name some.

    Parameters
    ----------
    path : path
        Must not exist.
    blobs, live : int
        How many blobs, and how many of them stay alive, spread over the table.
    total_bytes : int
        Bytes of all contents, about.
    nodes : int
        Nodes of the session graph beside them.

    Examples
    --------
    >>> import lashgraph as lg, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "large.db"
    >>> build_large_blobs(path, blobs=200, live=20, total_bytes=100_000)
    >>> with lg.open(path) as store:
    ...     store.plan_gc().deleted_blob_count
    180
    """
    _create(path)
    rng = random.Random(seed)
    mean = total_bytes // max(blobs, 1)
    every = max(blobs // live, 1) if live else blobs + 1
    with closing(sqlite3.connect(path)) as connection:
        refs = []
        for start in range(0, blobs, _BATCH):
            contents = [
                rng.randbytes(rng.randint(mean // 2, mean * 3 // 2))
                for _ in range(min(_BATCH, blobs - start))
            ]
            keys = [hashlib.sha256(content).hexdigest() for content in contents]
            connection.executemany(
                "INSERT INTO blobs (hash, content) VALUES (?, ?)",
                zip(keys, contents, strict=True),
            )
            refs += [key for number, key in enumerate(keys, start) if number % every == 0]
        connection.executemany(
            "INSERT INTO artifact_refs (artifact_ref, blob_ref) VALUES (?, ?)",
            ((f"lashlang:v1:sha256:{key}", key) for key in refs[:live]),
        )
        _insert_nodes(connection, _rows(nodes, 1_150, seed))
        connection.commit()
    _finish(path)


def _create(path: str | os.PathLike[str]) -> None:
    open_store(path, "create").close()


def _insert_nodes(connection: sqlite3.Connection, rows: Iterator[tuple[str, str]]) -> None:
    connection.executemany("INSERT INTO graph_nodes (node_id, node_json) VALUES (?, ?)", rows)


def _finish(path: str | os.PathLike[str]) -> str:
    """Give the session a head at its last node; closing folds the log into the file."""
    with open_store(path, "rw") as store:
        with store._database.exclusive("finish") as connection:
            found = connection.execute(
                "SELECT node_id, (SELECT count(*) FROM graph_nodes) FROM graph_nodes "
                "ORDER BY seq DESC LIMIT 1"
            ).fetchone()
        leaf, count = found or (None, 0)
        store.save_head(
            {
                "session_id": "large",
                "config": {
                    "provider_id": "sample",
                    "model": {"id": "m", "limits": {"context_window_tokens": 200_000}},
                },
                "leaf_node_id": leaf,
                "graph_node_count": count,
            }
        )
        return str(leaf)


def _rows(
    count: int, text_bytes: int, seed: int, *, branches: bool = True
) -> Iterator[tuple[str, str]]:
    rng = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(_WORDS)]
    words += ["naïve", "“quoted”", 'say "no"', "line\nbreak", "a\\b", "日本語", "🦀"] * 20
    pool = " ".join(rng.choices(words, k=200_000))
    ids: list[str] = []
    parent: str | None = None
    for number in range(count):
        start = rng.randrange(len(pool) - 2 * text_bytes)
        text = pool[start : start + rng.randint(text_bytes // 2, text_bytes * 3 // 2)]
        time = _START + timedelta(seconds=number)
        key = rng.randbytes(16).hex()
        node_id = f"protocol:{key}" if number % 5 == 3 else f"m{key}"
        node: dict[str, object] = {"node_id": node_id}
        if parent is not None:
            node["parent_node_id"] = parent
        node["agent_frame_id"] = "large:frame:initial"
        node["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%S.123456789+00:00")
        node |= _event(node_id, number, text)
        yield node_id, jsontext.encode(node).decode()
        ids.append(node_id)
        parent = rng.choice(ids) if branches and number % 100 == 99 else node_id


def _event(node_id: str, number: int, text: str) -> dict[str, object]:
    kind = number % 5
    if kind == 3:
        payload = {"RlmDiagnostic": {"payload": {"step": number, "text": text}, "phase": "run"}}
        event: dict[str, object] = {"Protocol": {"plugin_id": "rlm_protocol", "payload": payload}}
        return {"kind": "event", "event": event}
    call = {"tool_call_id": f"call_{number - number % 5}", "tool_name": "search_logs"}
    shapes: dict[int, tuple[str, list[tuple[str, str, dict[str, str]]]]] = {
        0: ("User", [("Text", text, {})]),
        1: ("Assistant", [("Prose", text, {}), ("ToolCall", '{"limit":5}', call)]),
        2: ("User", [("ToolResult", text, call)]),
        4: ("Assistant", [("Prose", text, {})]),
    }
    role, parts = shapes[kind]
    made = [
        {"id": f"{node_id}.p{index}", "kind": part, "content": content, **more}
        | {"prune_state": "Intact"}
        for index, (part, content, more) in enumerate(parts)
    ]
    return {
        "kind": "event",
        "event": {"Conversation": {"id": node_id, "role": role, "parts": made}},
    }
