"""Every frame, column by column, against a slow and obvious computation from the raw rows."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import frames_by_hand as graph_by_hand
import frames_by_hand_blobs as blobs_by_hand
import frames_by_hand_calls as calls_by_hand
import frames_by_hand_tables as tables_by_hand
import pandas as pd
import pytest
from frames_by_hand import Columns, Parsed
from frames_by_hand_blobs import Kept
from recorded import plain
from stores import recorded_params, unpack

import lashgraph as lg
from lashgraph.errors import DamagedDataWarning
from lashgraph.testing import oracle
from lashgraph.testing.corpus import build_corpus

NODE_FRAMES: dict[str, Callable[..., Columns]] = {
    "messages": graph_by_hand.messages,
    "parts": graph_by_hand.parts,
    "tool_calls": calls_by_hand.tool_calls,
    "events": calls_by_hand.events,
    "steps": calls_by_hand.steps,
}
PLAIN_FRAMES: dict[str, Callable[..., Columns]] = {
    "nodes": graph_by_hand.nodes,
    "agent_frames": tables_by_hand.agent_frames,
    "turns": blobs_by_hand.turns,
    "history": blobs_by_hand.history,
    "usage": tables_by_hand.usage,
    "attachments": tables_by_hand.attachments,
    "queued_work": tables_by_hand.queued_work,
}
KEPT_FRAMES: dict[str, Callable[..., Columns]] = {
    "sessions": tables_by_hand.sessions,
    "blobs": blobs_by_hand.blobs,
    "refs": blobs_by_hand.refs,
    "checkpoints": blobs_by_hand.checkpoints,
}
ALL_FRAMES = [*PLAIN_FRAMES, *KEPT_FRAMES, *NODE_FRAMES]
ELSEWHERE = {"path", "session_id", "file_bytes", "wal_bytes", "freelist_bytes", "n_problems"}
"""Columns that are compared by `test_the_columns_of_files` and `compare` itself."""


def cells(series: pd.Series[Any]) -> list[Any]:
    """A column as plain values: None where missing, times in nanoseconds since 1970."""
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return [None if pd.isna(cell) else cell.value for cell in series]
    return [None if pd.isna(cell) else cell for cell in series.tolist()]


def compare(frame: pd.DataFrame, expected: Columns, name: str) -> None:
    """Each declared column, cell by cell."""
    declared = set(frame.columns) - ELSEWHERE
    assert declared == expected.keys() - ELSEWHERE, name
    for column in declared:
        got = cells(frame[column])
        for at, wanted in enumerate(expected[column]):
            if isinstance(wanted, Parsed) and at < len(got):
                got[at] = None if got[at] is None else Parsed(json.loads(got[at]))
        assert got == expected[column], f"{name}.{column}"


def kept_by(path: Path) -> Kept:
    """What the independent oracle keeps; all of it where a collection is refused."""
    found = []
    for policy in ("safe", "runtime"):
        verdict = oracle.judge(path, policy)
        refused = verdict.verdict == "refuse"
        with plain(path) as connection:
            there = {row[0] for row in connection.execute("SELECT hash FROM blobs")}
        found.append(there if refused else set(verdict.kept))
    return Kept(*found)


def check_all(path: Path) -> None:
    """Compare all frames of a store."""
    kept = kept_by(path)
    with (
        plain(path) as raw,
        lg.open(path) as store,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", DamagedDataWarning)
        session = graph_by_hand.session_id(raw)
        made: dict[str, tuple[pd.DataFrame, Columns]] = {}
        for name, by_hand in PLAIN_FRAMES.items():
            made[name] = getattr(store, name)(), by_hand(raw)
        for name, by_hand in KEPT_FRAMES.items():
            options = {"content_bytes": True, "verify": True} if name == "blobs" else {}
            made[name] = getattr(store, name)(**options), by_hand(raw, kept)
        for name, by_hand in NODE_FRAMES.items():
            for dead in (False, True):
                frame = getattr(store, name)(tombstoned=dead)
                made[f"{name}(tombstoned={dead})"] = frame, by_hand(raw, tombstoned=dead)
    for name, (frame, expected) in made.items():
        compare(frame, expected, name)
        assert set(frame["path"]) <= {str(path)}
        if "session_id" not in expected:
            assert set(frame["session_id"]) <= {session}
        else:
            assert frame["session_id"].tolist() == expected["session_id"]


@pytest.mark.parametrize("gz", recorded_params("sessions/*.db.gz"))
def test_frames_of_recorded_sessions(gz: Path, tmp_path: Path) -> None:
    check_all(unpack(gz, tmp_path))


@pytest.mark.parametrize("gz", recorded_params("damaged/*.db.gz"))
def test_frames_of_damaged_stores(gz: Path, tmp_path: Path) -> None:
    check_all(unpack(gz, tmp_path))


def test_frames_of_built_stores(tmp_path: Path) -> None:
    for path in build_corpus(tmp_path):
        check_all(path)
