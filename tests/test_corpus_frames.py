"""The frames of a corpus are those of its stores, whoever reads them."""

# ruff: noqa: F811 - fixtures are taken by their names

from __future__ import annotations

import gzip
import inspect
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
import stores
from corpora import FRAMES, built, corpus, folder, one_by_one  # noqa: F401 - fixtures
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import lashgraph as lg
from lashgraph.columns import (
    Column,
    FrameSchema,
    closed,
    count,
    flag,
    maybe,
    maybe_flag,
    number,
    text,
    time,
)
from lashgraph.corpus import Corpus, open_corpus, schema
from lashgraph.corpus.transport import Parcel, to_arrow, to_frame
from lashgraph.errors import InvalidRecordError, UnknownColumnError


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_is_that_of_each_store_one_below_the_other(corpus: Corpus, name: str) -> None:
    wanted = one_by_one(corpus, name)
    none = ("attachments", "queued_work", "pending_inputs", "problems", "check")
    assert len(wanted) or name in none
    assert_frame_equal(getattr(corpus, name)(), wanted)


@pytest.mark.parametrize("name", FRAMES)
def test_processes_give_the_same(corpus: Corpus, name: str) -> None:
    assert_frame_equal(getattr(corpus, name)(executor=2), getattr(corpus, name)())


@pytest.mark.parametrize("name", FRAMES)
def test_threads_give_the_same(corpus: Corpus, name: str) -> None:
    with ThreadPoolExecutor(3) as threads:
        assert_frame_equal(getattr(corpus, name)(executor=threads), getattr(corpus, name)())


@pytest.mark.parametrize("name", FRAMES)
def test_an_empty_corpus_has_the_same_columns(tmp_path: Path, name: str) -> None:
    found = getattr(open_corpus(tmp_path), name)()
    with lg.open(":memory:") as store:
        wanted = getattr(store, name)()
    assert found.empty
    assert found.dtypes.to_dict() == wanted.dtypes.to_dict()
    assert list(found.columns) == list(wanted.columns)


def test_arguments_of_frames_reach_the_stores(corpus: Corpus) -> None:
    paths = list(corpus)
    assert_frame_equal(
        corpus.messages(tombstoned=True, executor=2), one_by_one(paths, "messages", tombstoned=True)
    )
    assert_frame_equal(
        corpus.blobs(verify=True, content_bytes=True),
        one_by_one(paths, "blobs", verify=True, content_bytes=True),
    )
    assert_frame_equal(corpus.check("full"), one_by_one(paths, "check", level="full"))
    with pytest.raises(InvalidRecordError, match="level 'deep'"):
        corpus.check("deep")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_takes_what_it_takes_of_a_store(name: str) -> None:
    of_store = inspect.signature(getattr(lg.Store, name)).parameters
    of_corpus = inspect.signature(getattr(Corpus, name)).parameters
    for parameter, said in of_store.items():
        assert of_corpus[parameter].default == said.default, parameter
    assert set(of_corpus) - set(of_store) <= {"strict", "executor", "progress"}
    assert of_corpus["executor"].kind is inspect.Parameter.KEYWORD_ONLY


def test_columns_are_chosen_in_their_order(corpus: Corpus) -> None:
    columns = ["timestamp", "node_id", "path"]
    assert_frame_equal(corpus.nodes(columns=columns), one_by_one(corpus, "nodes", columns=columns))
    assert corpus.nodes(columns=[]).shape == (len(corpus.nodes()), 0)
    with pytest.raises(UnknownColumnError, match="did you mean 'node_id'"):
        corpus.nodes(columns=["node_ids"])


def test_a_frame_says_what_it_was_made_of(corpus: Corpus) -> None:
    facts = corpus.usage().attrs["lashgraph"]
    assert facts["frame"] == "usage"
    assert facts["files"] == 9
    assert facts["errors"] == 0
    assert facts == corpus.usage(executor=2).attrs["lashgraph"]


def test_a_change_of_a_file_changes_the_fingerprint(folder: Path) -> None:
    corpus = open_corpus(folder)
    before = corpus.turns().attrs["lashgraph"]["fingerprint"]
    assert corpus.turns().attrs["lashgraph"]["fingerprint"] == before
    with lg.open(corpus.paths()[0], mode="rw") as store:
        store.put_blob(b"more")
    assert corpus.turns().attrs["lashgraph"]["fingerprint"] != before


@pytest.mark.parametrize("kind", ["sessions", "damaged"])
@pytest.mark.filterwarnings("ignore::lashgraph.errors.DamagedDataWarning")
def test_recorded_stores_give_the_same_with_any_executor(kind: str, tmp_path: Path) -> None:
    for packed in stores.recorded_files(f"{kind}/*.db.gz").values():
        (tmp_path / packed.name.removesuffix(".gz")).write_bytes(
            gzip.decompress(packed.read_bytes())
        )
    with open_corpus(tmp_path) as corpus:
        assert corpus.paths()
        for name in ("sessions", "nodes", "messages", "parts", "blobs", "turns", "check"):
            found = getattr(corpus, name)()
            failed = set(corpus.errors().query("not partly")["path"])
            assert_frame_equal(getattr(corpus, name)(executor=2), found)
            assert_frame_equal(found, one_by_one(set(corpus) - failed, name))


def test_every_frame_has_a_schema(corpus: Corpus) -> None:
    for name in ("families", "shared_blobs", "processes", "effects", "host_events", "errors"):
        found = getattr(corpus, name)()
        described = schema(name)
        assert list(found.columns) == described["column"].tolist()
        assert [str(dtype) for dtype in found.dtypes] == described["dtype"].tolist()
        assert list(found.columns)[:2] == ["path", "session_id"]
    assert schema("nodes").equals(lg.schema("nodes"))
    with pytest.raises(UnknownColumnError, match="no frame 'nope'"):
        schema("nope")


# Frames as Arrow tables, against pandas

COLUMNS = (
    text("words", ""),
    count("whole", ""),
    maybe("maybe_whole", ""),
    number("real", ""),
    flag("yes", ""),
    maybe_flag("maybe_yes", ""),
    time("at", ""),
    closed("kind", "", "a", "b", "c"),
    Column("large", "UInt64", ""),
)
WHOLE = st.integers(-(1 << 63), (1 << 63) - 1)
VALUES = {
    "words": st.none() | st.text(st.characters(exclude_categories=["Cs"])),
    "whole": WHOLE,
    "maybe_whole": st.none() | WHOLE,
    "real": st.floats(),
    "yes": st.booleans(),
    "maybe_yes": st.none() | st.booleans(),
    "at": st.none() | st.datetimes().map(lambda at: at.isoformat() + "+00:00"),
    "kind": st.none() | st.sampled_from("abc"),
    "large": st.none() | st.integers(0, (1 << 64) - 1),
}
ROWS = st.lists(st.fixed_dictionaries(VALUES), max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, max_size=4))
def test_tables_become_the_frame_that_pandas_makes_of_frames(parts: list[list[dict]]) -> None:  # type: ignore[type-arg]
    declared = FrameSchema("any", "", COLUMNS)
    frames = [
        declared.build({name: [row[name] for row in rows] for name in VALUES}, len(rows), "", "")
        for rows in [[], *parts]
    ]
    tables = [Parcel(to_arrow(COLUMNS, frame)).__reduce__() for frame in frames]
    travelled = [unpack(*arguments).table for unpack, arguments in tables]
    found = to_frame(COLUMNS, travelled, sum(map(len, frames)))
    assert_frame_equal(found, pd.concat(frames, ignore_index=True))
