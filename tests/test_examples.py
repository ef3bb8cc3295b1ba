"""Every example runs as it is, and on sessions of the real runtime."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from recorded import folder_state

import lashgraph as lg

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
TOOLS = "sessions/std-tools-366bbb0a4d808158.db.gz"
Recorded = Callable[[str], Path]
Run = Callable[..., str]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run an example as a script and return what it prints."""

    def running(name: str, *arguments: Path) -> str:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return running


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_needs_nothing(
    path: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(path.name).count("\n") > 2
    assert list(tmp_path.iterdir()) == []
    assert f"examples/{path.name}" in path.read_text()


def test_failing_tools_of_a_real_session(recorded: Recorded, run: Run) -> None:
    path = recorded(TOOLS)
    before = folder_state(path.parent)
    for place in (path, path.parent):
        printed = run("failing_tools.py", place)
        assert printed.count("\n  error: ") == 2
        for tool in ("fail_tool", "does_not_exist"):
            assert f"'std-tools': '{tool}' with" in printed
    assert folder_state(path.parent) == before


def test_chat_records_of_a_real_session(recorded: Recorded, run: Run) -> None:
    (line,) = run("chat_records.py", recorded(TOOLS)).splitlines()
    messages = json.loads(line)["messages"]
    calls = [call["id"] for message in messages for call in message.get("tool_calls", [])]
    answers = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert calls == answers
    assert max(len(message["content"] or "") for message in messages) < 2_100


def test_a_batch_names_what_it_would_refuse_and_writes_nothing(
    recorded: Recorded, run: Run
) -> None:
    path = recorded(TOOLS)
    recorded("damaged/manifest-absent.db.gz")
    before = folder_state(path.parent)
    with lg.open(path) as store:
        plan = store.plan_gc(keep_turns=3)
    printed = run("batch_dry_run.py", path.parent)
    assert f"1 sessions: {plan.deleted_bytes:,} bytes" in printed
    assert "refused: 'manifest-absent.db': 'blobs " in printed
    assert folder_state(path.parent) == before


@pytest.mark.parametrize("name", ["node-cycle", "node-missing-parent"])
def test_the_shape_of_a_damaged_tree(name: str, recorded: Recorded, run: Run) -> None:
    printed = run("tree_shape.py", recorded(f"damaged/{name}.db.gz"))
    assert printed.splitlines()[1].startswith(name)


def test_what_keeps_the_blobs_of_a_real_session(recorded: Recorded, run: Run) -> None:
    path = recorded(TOOLS)
    before = folder_state(path.parent)
    with lg.open(path) as store:
        reach = store.reachability()
        plan = store.plan_gc()
        compacted = store.forecast(plan).file_bytes_after_compact
    printed = run("what_keeps_it.py", path)
    assert f"{reach.live_bytes:,} bytes live, {reach.dead_bytes:,} dead" in printed
    assert "\nhead -> checkpoint " in printed
    frees = f"keeping  0 turns frees {plan.deleted_bytes:,} bytes of blobs"
    (line,) = (line for line in printed.splitlines() if line.startswith(frees))
    assert line.endswith(f" becomes {compacted:,}")
    assert folder_state(path.parent) == before


def test_what_keeps_the_blobs_where_a_collection_is_refused(recorded: Recorded, run: Run) -> None:
    printed = run("what_keeps_it.py", recorded("damaged/manifest-absent.db.gz"))
    assert "\nno collection:\n  blobs " in printed


def test_a_folder_without_sessions_is_no_error(run: Run, tmp_path: Path) -> None:
    assert "0 sessions" in run("batch_dry_run.py", tmp_path)
    with pytest.raises(SystemExit, match="no sessions there"):
        run("failing_tools.py", tmp_path)
