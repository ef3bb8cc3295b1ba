"""A batch collection on a cluster of dask.distributed."""

# ruff: noqa: F811 - fixtures are taken by their names

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from corpora import built, folder  # noqa: F401 - fixtures
from pandas.testing import assert_frame_equal
from test_corpus_dask import client  # noqa: F401 - a fixture
from test_corpus_gc import comparable, hashes

from lashgraph.corpus import open_corpus

pytestmark = pytest.mark.filterwarnings("default")  # what dask itself warns of


def test_a_cluster_sweeps_what_one_process_does(client: Any, folder: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    executor = client.get_executor()
    mine = open_corpus(folder, mode="rw").plan_gc()
    theirs = open_corpus(other, mode="rw").plan_gc(executor=executor)
    assert [row[1:] for row in theirs.files] == [row[1:] for row in mine.files]
    reports = mine.sweep(), theirs.sweep(executor=executor)
    found = [comparable(report.frame()).drop(columns="path") for report in reports]
    assert_frame_equal(*found)
    assert reports[0].counts["done"] > 3
    assert hashes(folder.glob("*.db")) == hashes(other.glob("*.db"))
    assert open_corpus(other, mode="rw").plan_gc(executor=executor).counts["sweep"] == 0
