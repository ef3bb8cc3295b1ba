"""Families and shared content, against networkx and SQL."""

# ruff: noqa: F811 - fixtures are taken by their names

from __future__ import annotations

import io
import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

import networkx as nx
import pandas as pd
import pytest
from corpora import built, corpus, folder, recorded_sessions  # noqa: F401 - fixtures
from hypothesis import given, settings
from hypothesis import strategies as st

import lashgraph as lg
from lashgraph.corpus import open_corpus
from lashgraph.corpus.families import families_frame, family_graph
from lashgraph.errors import UnknownColumnError
from lashgraph.frames import tokens
from lashgraph.testing.builders import SessionBuilder

# Families

NAMES = list("abcdefgh")
SESSION = st.fixed_dictionaries(
    {
        "session_id": st.sampled_from([*NAMES[:6], ""]),
        "parent_session_id": st.none() | st.sampled_from(NAMES),
        "n_turns": st.integers(0, 9),
        "file_bytes": st.integers(0, 99),
        "wal_bytes": st.integers(0, 9),
    }
)
TOKENS = tuple(column.name for column in tokens.TOKENS)


def sessions_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    with lg.open(":memory:") as store:
        empty = store.sessions()
    data: dict[str, Any] = {
        "path": [f"{number}.db" for number in range(len(rows))],
        "name": [None] * len(rows),
        **{name: [1] * len(rows) for name in TOKENS},
    }
    data |= {name: [row[name] for row in rows] for name in (rows[0] if rows else {})}
    columns = {
        name: pd.array(data.get(name, [None] * len(rows)), dtype=dtype)
        for name, dtype in empty.dtypes.items()
        if name in data
        or name in ("session_id", "parent_session_id", "n_turns")
        or name in ("file_bytes", "wal_bytes")
    }
    return pd.DataFrame(columns)


@settings(deadline=None, max_examples=200)
@given(st.lists(SESSION, max_size=12))
def test_families_are_what_networkx_finds(rows: list[dict[str, Any]]) -> None:
    found = families_frame(sessions_of(rows))
    ids = [row["session_id"] for row in rows]
    place = {name: ids.index(name) for name in set(ids) - {""}}
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(rows)))
    missing = sorted({r["parent_session_id"] for r in rows} - {None} - set(place))
    place |= {name: len(rows) + number for number, name in enumerate(missing)}
    graph.add_nodes_from(place[name] for name in missing)
    for number, row in enumerate(rows):
        if row["parent_session_id"] is not None:
            graph.add_edge(place[row["parent_session_id"]], number)
    assert found["session_id"].tolist() == ids + missing
    on_cycle = {
        node
        for group in nx.strongly_connected_components(graph)
        for node in group
        if len(group) > 1 or graph.has_edge(node, node)
    }
    for node in graph:
        row = found.loc[node]
        below = nx.descendants(graph, node)
        above = nx.ancestors(graph, node)
        assert row["n_descendants"] == len(below)
        assert row["n_children"] == graph.out_degree(node)
        whole = [rows[one] for one in {node, *below} if one < len(rows)]
        assert row["total_n_turns"] == sum(one["n_turns"] for one in whole)
        assert row["total_file_bytes"] == sum(one["file_bytes"] + one["wal_bytes"] for one in whole)
        assert row["total_reasoning_tokens"] == len(whole)
        if (above | {node}) & on_cycle:
            assert pd.isna(row["depth"])
            assert pd.isna(row["root_session_id"])
        else:
            assert row["depth"] == len(above)
            (root,) = (one for one in above | {node} if not graph.in_degree(one))
            assert row["root_session_id"] == found["session_id"][root]
        assert (row["status"] == "cycle") == (node in on_cycle)
        assert (row["status"] == "missing") == (node >= len(rows))
    drawn = family_graph(found)
    assert drawn.number_of_nodes() == len(found)
    assert set(drawn.nodes(data="status")) == {
        (row.path if row.status == "copy" or not row.session_id else row.session_id, row.status)
        for row in found.itertuples()
    }


def test_a_long_line_of_children_is_rolled_up() -> None:
    rows = [
        {
            "session_id": str(number),
            "parent_session_id": str(number - 1) if number else None,
            "n_turns": 1,
            "file_bytes": 0,
            "wal_bytes": 0,
        }
        for number in range(20_000)
    ]
    found = families_frame(sessions_of(rows))
    assert found["total_n_turns"].tolist() == list(range(20_000, 0, -1))
    assert found["depth"].tolist() == list(range(20_000))


def test_the_family_of_the_real_runtime(recorded_sessions: Path) -> None:
    corpus = open_corpus(recorded_sessions)
    found = corpus.families(executor=2)
    corpus.close()
    children = found.query("parent_session_id == 'parent'")
    assert len(children) == 3
    assert (children["status"] == "child").all()
    (parent,) = found.query("session_id == 'parent' and n_children == 3").itertuples()
    assert parent.total_n_turns == parent.n_turns + children["n_turns"].sum()
    graph = corpus.family_graph()
    assert set(graph.successors("parent")) == set(children["session_id"])
    nx.write_graphml(graph, io.BytesIO())


def test_parents_without_a_file_are_named(folder: Path) -> None:
    next(folder.glob("survey-parent-*.db")).unlink()
    with pytest.raises(UnknownColumnError):
        open_corpus(folder).families(columns=["nope"])
    found = open_corpus(folder).families(columns=["session_id", "status", "total_n_turns"])
    assert found.tail(1).values.tolist() == [["survey-parent", "missing", 2]]
    assert (found["status"] == "orphan").sum() == 2


# Shared content


def test_shared_blobs_are_those_that_sql_finds(folder: Path) -> None:
    copies: dict[str, list[int]] = defaultdict(list)
    for path in sorted(folder.glob("*.db")):
        with closing(sqlite3.connect(path)) as connection:
            for key, size in connection.execute("SELECT hash, length(content) FROM blobs"):
                copies[key].append(size)
    found = open_corpus(folder).shared_blobs()
    several = {key: sizes for key, sizes in copies.items() if len(sizes) > 1}
    assert set(found["hash"]) == set(several)
    for row in found.itertuples():
        sizes = several[row.hash]
        assert (row.n_files, row.total_bytes) == (len(sizes), sum(sizes))
        assert row.extra_bytes == sum(sizes) - min(sizes)
        assert row.stored_bytes == sizes[0]
    assert found["extra_bytes"].is_monotonic_decreasing
    sums = found.attrs["lashgraph"]
    assert sums["blob_bytes"] == sum(map(sum, copies.values()))
    assert sums["deduplicated_bytes"] == sum(map(min, copies.values()))


def test_one_content_in_two_forms_is_one_content(tmp_path: Path) -> None:
    for name, profile in (("a", "compact"), ("b", "lowlatency")):
        options = lg.StoreOptions(blob_profile=profile)  # type: ignore[arg-type]
        with lg.open(tmp_path / f"{name}.db", "create", options) as store:
            key = store.put_module_artifact("m", b"same " * 1000)
    found = open_corpus(tmp_path).shared_blobs()
    assert found.empty  # modules alone: neither is a session
    for name in "ab":
        with lg.open(tmp_path / f"{name}.db", "rw") as store:
            store.save_meta(
                {"session_id": name, "session_name": "", "created_at": "unix:0", "model": "m"}
            )
    (row,) = open_corpus(tmp_path).shared_blobs().itertuples()
    assert key is None or isinstance(key, str)
    assert row.n_files == 2
    assert row.stored_bytes < row.extra_bytes < row.total_bytes


def test_a_corpus_without_shared_content(tmp_path: Path) -> None:
    with SessionBuilder(tmp_path / "a.db", "a") as session:
        session.garbage(3, 100)
    found = open_corpus(tmp_path).shared_blobs(columns=["hash", "n_files"])
    assert found.shape == (0, 2)
    assert found.attrs["lashgraph"]["deduplicated_bytes"] > 0
