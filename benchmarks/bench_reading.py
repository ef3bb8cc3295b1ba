"""Reading: frames, graphs and paths against pandas by hand and against bare SQLite."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
from ratios import Ratios

import lashgraph as lg

ROWS = "SELECT seq, node_id, node_json, tombstoned FROM graph_nodes ORDER BY seq"
PATH = """
    WITH RECURSIVE path(node_id, parent, node_json, depth) AS (
        SELECT node_id, json_extract(node_json, '$.parent_node_id'), node_json, 0
        FROM graph_nodes WHERE node_id = ? AND tombstoned = 0
        UNION ALL
        SELECT g.node_id, json_extract(g.node_json, '$.parent_node_id'), g.node_json, depth + 1
        FROM path JOIN graph_nodes AS g ON g.node_id = path.parent AND g.tombstoned = 0)
    SELECT node_json FROM path ORDER BY depth DESC"""


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    connection.text_factory = bytes
    return connection


def bare_fetch(path: Path) -> list[Any]:
    with closing(connect(path)) as connection:
        return connection.execute(ROWS).fetchall()


def by_hand(path: Path) -> pd.DataFrame:
    """The same columns, as one writes them without this package."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
        frame = pd.read_sql(ROWS, connection)
        head = json.loads(connection.execute("SELECT head_json FROM session_head").fetchone()[0])
    records = [json.loads(text) for text in frame["node_json"]]
    frame["json_bytes"] = [len(text.encode()) for text in frame["node_json"]]
    for column in ("parent_node_id", "agent_frame_id", "timestamp", "kind", "plugin_type"):
        frame[column] = [record.get(column) for record in records]
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], utc=True, format="ISO8601")
    events = [record.get("event") or {} for record in records]
    frame["role"] = [event.get("Conversation", {}).get("role") for event in events]
    causes = [record.get("caused_by") or {} for record in records]
    frame["caused_by_type"] = [cause.get("type") for cause in causes]
    frame["caused_by_session_id"] = [cause.get("session_id") for cause in causes]
    named = [record.get("parent_node_id") for record in records]
    parents = dict(zip(frame["node_id"], named, strict=True))
    depth: dict[str, int] = {}
    for node_id, parent in parents.items():
        depth[node_id] = 0 if parent is None else depth[parent] + 1
    frame["depth"] = frame["node_id"].map(depth)
    children = frame["parent_node_id"].value_counts()
    frame["n_children"] = frame["node_id"].map(children).fillna(0).astype(int)
    frame["is_leaf"] = frame["n_children"] == 0
    frame["parent_status"] = frame["parent_node_id"].isna().map({True: "root", False: "present"})
    active, at = set(), head.get("leaf_node_id")
    while at is not None:
        active.add(at)
        at = parents.get(at)
    frame["on_active_path"] = frame["node_id"].isin(active)
    return frame.drop(columns=["node_json"])


def nodes_frame(path: Path) -> pd.DataFrame:
    with lg.open(path) as store:
        return store.nodes()


def test_nodes_frame_and_by_hand(benchmark: Any, graph: Path, ratios: Ratios) -> None:
    ratios.compare(
        benchmark,
        "nodes frame, 200,000 nodes",
        lambda: nodes_frame(graph),
        ("`read_sql` and `json.loads` by hand", lambda: by_hand(graph)),
        target="≤ 0.25",
        rounds=3,
    )


def test_nodes_frame_and_bare_fetch(benchmark: Any, graph: Path, ratios: Ratios) -> None:
    ratios.compare(
        benchmark,
        "nodes frame, 200,000 nodes",
        lambda: nodes_frame(graph),
        ("bare fetch of the rows as bytes", lambda: bare_fetch(graph)),
        target="≤ 3",
    )


def test_load_session_graph(benchmark: Any, graph: Path, ratios: Ratios) -> None:
    def load() -> lg.SessionGraph:
        with lg.open(graph) as store:
            return store.load_session_graph()

    ratios.compare(
        benchmark,
        "`load_session_graph`, 200,000 nodes",
        load,
        ("bare fetch of the rows as bytes", lambda: bare_fetch(graph)),
        target="≤ 2",
    )


def test_active_path(benchmark: Any, deep: tuple[Path, str], ratios: Ratios) -> None:
    path, leaf = deep

    def bare() -> list[Any]:
        with closing(connect(path)) as connection:
            return connection.execute(PATH, (leaf,)).fetchall()

    def load() -> lg.SessionGraph:
        with lg.open(path) as store:
            return store.load_active_path(leaf)

    ratios.compare(
        benchmark,
        "active path of 50,000 nodes",
        load,
        ("bare recursive query", bare),
        target="≤ 1.3",
    )


def test_import(benchmark: Any, ratios: Ratios) -> None:
    def importing(name: str) -> None:
        subprocess.run([sys.executable, "-c", f"import {name}"], check=True)

    ratios.compare(
        benchmark,
        "`import lashgraph`",
        lambda: importing("lashgraph"),
        ("`import pandas`", lambda: importing("pandas")),
        target="≤ 1.3",
    )


def test_import_and_open(benchmark: Any, graph: Path, ratios: Ratios) -> None:
    code = f"import lashgraph; lashgraph.open({str(graph)!r}).close()"
    ratios.compare(
        benchmark,
        "import and open a store",
        lambda: subprocess.run([sys.executable, "-c", code], check=True),
        (
            "`import pandas`",
            lambda: subprocess.run([sys.executable, "-c", "import pandas"], check=True),
        ),
        target="≤ 1.3",
    )
