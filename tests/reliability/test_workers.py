"""Workers of a batch that die over a file, each time anew."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

import lashgraph as lg
from lashgraph.testing.builders import SessionBuilder
from lashgraph.testing.torture.looking import content_of
from reliability.deadly import DeadlyPath


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_file_that_kills_every_worker_is_a_row_and_the_rest_is_done(tmp_path: Path) -> None:
    for number in range(5):
        with SessionBuilder(tmp_path / f"{number}.db", f"s{number}") as session:
            session.turn("Hello?", "Hello.")
            session.garbage(3, 500)
    deadly = tmp_path / "2.db"
    before = content_of(deadly)
    with lg.open_corpus(tmp_path, mode="rw") as corpus:
        plan = corpus.plan_gc()
        files = [
            row._replace(path=DeadlyPath(row.path)) if row.path == str(deadly) else row
            for row in plan.files
        ]
        report = dataclasses.replace(plan, files=tuple(files)).sweep(executor=2)
        errors = corpus.errors()
    ended = {Path(row.path).name: row.reason or row.outcome for row in report.files}
    assert ended.pop("2.db") == "failed"
    # what was under way beside it may have been done, and is tried again
    assert set(ended.values()) <= {"done", "gone"}
    assert errors["path"].tolist() == [str(deadly)]
    assert errors["stage"].tolist() == ["sweep"]
    assert "died" in errors["message"].iloc[0]
    assert content_of(deadly) == before
    with lg.open_corpus(tmp_path, mode="rw") as corpus:
        assert corpus.plan_gc().counts == {**plan.counts, "sweep": 1, "nothing": 4}
