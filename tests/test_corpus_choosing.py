"""Searching and choosing sessions, against json, re and pandas."""

# ruff: noqa: F811 - fixtures are taken by their names

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from corpora import built, corpus, folder, one_by_one  # noqa: F401 - fixtures
from pandas.testing import assert_frame_equal

from lashgraph.corpus import Corpus, open_corpus
from lashgraph.errors import InvalidRecordError, UnknownColumnError

# Search


def by_hand(paths: list[str], pattern: str) -> set[tuple[str, str]]:
    """Nodes whose JSON holds a text that matches, found with json and re alone."""

    def texts(value: Any) -> list[str]:
        if isinstance(value, str):
            return [value]
        inside = value.values() if isinstance(value, dict) else value
        return (
            [text for one in inside for text in texts(one)]
            if isinstance(value, (dict, list))
            else []
        )

    found = set()
    for path in paths:
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("SELECT node_json FROM graph_nodes WHERE NOT tombstoned")
            for (text,) in rows:
                node = json.loads(text)
                event = node.get("event", {})
                if "Conversation" in event:
                    said = [part["content"] for part in event["Conversation"]["parts"]]
                else:
                    said = texts(event.get("Protocol", {}).get("payload", node.get("body", "")))
                if any(re.search(pattern, one) for one in said):
                    found.add((path, node["node_id"]))
    return found


@pytest.mark.parametrize("pattern", ["lock", "worker-1 wrote 3+", "(?i)NIGHTLY", "rows = await"])
def test_search_finds_what_a_search_by_hand_finds(corpus: Corpus, pattern: str) -> None:
    found = corpus.search(regex=pattern)
    assert set(found[["path", "node_id"]].itertuples(index=False, name=None)) == by_hand(
        corpus.paths(), pattern
    )
    assert len(found)
    assert_frame_equal(found, corpus.search(regex=re.compile(pattern), executor=2))
    if re.escape(pattern) == pattern:
        assert_frame_equal(found, corpus.search(pattern))


def test_hits_say_where_and_what(corpus: Corpus) -> None:
    parts = corpus.parts().set_index(["path", "node_id", "part_index"])
    found = corpus.search("3:00").query("part_index.notna()")
    for hit in found.itertuples():
        content = parts.loc[(hit.path, hit.node_id, hit.part_index), "content"]
        assert content[hit.start : hit.start + 4] == "3:00"
        assert content.count("3:00") == hit.n_matches
        assert "3:00" in hit.snippet
        assert "\n" not in hit.snippet
        assert len(hit.snippet) < 400


def test_search_is_narrowed_by_role_and_tool(corpus: Corpus) -> None:
    everywhere = corpus.search("worker-1")
    by_tool = corpus.search("worker-1", tool="read_log")
    assert set(by_tool["tool_name"]) == {"read_log"}
    assert len(by_tool) == (everywhere["tool_name"] == "read_log").sum() > 0
    by_role = corpus.search("Sum", role="User")
    assert set(by_role["role"]) == {"User"}
    tombstoned = corpus.search("Gone.", tombstoned=True)
    assert tombstoned["tombstoned"].all()
    assert len(tombstoned) == 1
    assert corpus.search("Gone.").empty
    assert corpus.search("worker-1", columns=["snippet"]).columns.tolist() == ["snippet"]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"text": "a", "regex": "b"},
        {"text": ""},
        {"text": 3},
        {"regex": "("},
        {"regex": re.compile(b"a")},
        {"regex": 3},
        {"text": "a", "role": "Nobody"},
        {"text": "a", "tool": 3},
    ],
)
def test_wrong_searches_are_refused(corpus: Corpus, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRecordError):
        corpus.search(**wrong)


# Filters and samples


def kept(corpus: Corpus, *arguments: Any, **conditions: Any) -> set[str]:
    return set(corpus.filter(*arguments, **conditions).sessions()["session_id"])


def test_a_filter_keeps_what_pandas_keeps(corpus: Corpus) -> None:
    whole = corpus.sessions()
    for query in ("n_turns > 10", "relation == 'child' or n_blobs > 20", "`n_turns` == 1"):
        assert kept(corpus, query) == set(whole.query(query)["session_id"])
    sizes = whole["file_bytes"] + whole["wal_bytes"]
    middle = int(sizes.median())
    assert kept(corpus, min_bytes=middle) == set(whole[sizes >= middle]["session_id"])
    assert kept(corpus, max_bytes=middle) == set(whole[sizes <= middle]["session_id"])
    at = whole["last_at"].median()
    assert kept(corpus, since=at) == set(whole[whole["last_at"] >= at]["session_id"])
    assert kept(corpus, until=str(at)) == set(whole[whole["first_at"] <= at]["session_id"])
    assert kept(corpus, relation="child") == {"survey-child-a", "survey-child-b"}
    assert kept(corpus, model="sample-*") == set(whole["session_id"])
    assert kept(corpus, model=["x", "sample-mode"]) == set()
    assert kept(corpus, model=[]) == set()
    for cwd, all_of_them in (
        ("/home/researcher", True),
        ("/home/researcher/project/", True),
        ("/", True),
        ("/home/research", False),
        ("/home/researcher/project/sub", False),
    ):
        assert kept(corpus, cwd=cwd) == (set(whole["session_id"]) if all_of_them else set()), cwd
    assert kept(corpus, lambda found: found["n_branches"] > 3, min_bytes=1) == set(
        whole[whole["n_branches"] > 3]["session_id"]
    )
    assert kept(corpus) == set(whole["session_id"])


def test_parts_of_a_corpus_are_corpora(corpus: Corpus) -> None:
    part = corpus.filter("n_turns > 10").filter(max_bytes=500_000)
    assert_frame_equal(part.nodes(executor=2), one_by_one(part, "nodes"))
    assert set(part) < set(corpus)
    assert len(part.files()) == len(part)
    assert part.errors().empty
    assert part.families()["session_id"].tolist() == part.sessions()["session_id"].tolist()


def test_a_sample_is_drawn_by_its_seed(corpus: Corpus) -> None:
    draws = [corpus.sample(3, seed).paths() for seed in range(20)]
    assert all(len(draw) == 3 and draw == sorted(draw) for draw in draws)
    assert corpus.sample(3, 7).paths() == draws[7]
    assert len(set(map(tuple, draws))) > 10
    assert corpus.sample(100).paths() == corpus.paths()
    assert corpus.sample(0).sessions().empty


@pytest.mark.filterwarnings("ignore::lashgraph.errors.DamagedDataWarning")
def test_a_filter_tells_of_files_that_it_cannot_judge(folder: Path) -> None:
    (folder / "bad.db").write_bytes(b"x" * 999)
    part = open_corpus(folder).filter("n_turns > 10")
    assert len(part) == 5
    assert part.errors()["path"].tolist() == [str(folder / "bad.db")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"where": 3},
        {"relation": "cousin"},
        {"min_bytes": "1"},
        {"max_bytes": True},
        {"since": "yesterday-ish"},
        {"model": 3},
        {"cwd": 3},
    ],
)
def test_wrong_conditions_are_refused_at_once(corpus: Corpus, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRecordError):
        corpus.filter(**wrong)


def test_wrong_queries_are_told_when_they_are_used(corpus: Corpus) -> None:
    for query in ("n_turn > 3", "n_turns >", "n_turns + 1", "model > 3"):
        with pytest.raises((InvalidRecordError, UnknownColumnError), match="filter"):
            len(corpus.filter(query))
    for function in (lambda _: [True], lambda found: found["n_turns"], lambda _: 3):
        with pytest.raises(InvalidRecordError, match="the filter gives"):
            len(corpus.filter(function))
    with pytest.raises(InvalidRecordError):
        corpus.sample(-1)
