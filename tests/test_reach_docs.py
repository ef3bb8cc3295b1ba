"""The page about reachability: its examples run, and its columns are there."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import lashgraph as lg
from lashgraph.reach.columns import STATES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reachability.md"


def test_the_examples_give_what_stands_there() -> None:
    done = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert done.attempted > 15
    assert done.failed == 0


def test_the_page_tells_every_kind_of_bytes_and_every_state() -> None:
    page = PAGE.read_text()
    told = set(re.findall(r"^- \*\*(\w+)\*\*:", page, re.MULTILINE))
    columns = lg.schema("retained")["column"]
    assert {f"{name}_bytes" for name in told} == set(columns[columns.str.endswith("_bytes")])
    assert tuple(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == STATES
