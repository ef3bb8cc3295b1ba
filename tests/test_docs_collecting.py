"""The page about collections: its examples run, and what it names is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lashgraph import errors
from lashgraph.gc import Forecast, restore
from lashgraph.store import compare

PAGE = Path(__file__).resolve().parents[1] / "docs" / "collecting.md"


def test_the_examples_run(
    recorded: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded("damaged/healthy.db.gz").rename(tmp_path / "session.db")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"compare": compare, "restore": restore}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 2
    for block in (blocks[0].replace("lg.restore(report.backup)", ""), blocks[1]):
        exec(re.sub(r"\blg\.(compare|restore)\b", r"\1", block), names)
    assert names["found"].lost() == tuple(sorted(names["plan"].doomed_hashes))
    assert restore(names["report"].backup).changes is not None
    assert compare(names["report"].backup, "session.db").is_same


def test_every_figure_and_error_that_it_names_is_there() -> None:
    page = PAGE.read_text()
    figures = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert len(figures) == 5
    assert all(hasattr(Forecast, name) or name in Forecast.__annotations__ for name in figures)
    named = set(re.findall(r"`(\w+Error)`", page))
    assert len(named) > 5
    assert all(issubclass(getattr(errors, name), errors.LashgraphError) for name in named)
