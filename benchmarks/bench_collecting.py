"""Collecting: dry runs and sweeps against the bare statements."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from bench_reading import connect
from ratios import Ratios

import lashgraph as lg
from lashgraph.format.blob import unwrap
from lashgraph.format.checkpoint import Manifest, decode
from lashgraph.testing.builders import SessionBuilder, ToolCall

BLOBS = "SELECT hash, length(content) FROM blobs"
NODES = "SELECT node_json FROM graph_nodes"
DELETE = "DELETE FROM blobs WHERE hash NOT IN (SELECT blob_ref FROM artifact_refs)"
MANIFESTS = (
    "SELECT content FROM runtime_turn_commits "
    "JOIN blobs ON hash = json_extract(result_json, '$.checkpoint_ref')"
)


def dry_run(path: Path, policy: lg.GcPolicy) -> lg.GcPlan:
    with lg.open(path) as store:
        return store.plan_gc(policy)


def bare_reads(path: Path, *statements: str) -> None:
    with closing(connect(path)) as connection:
        for statement in statements:
            for _ in connection.execute(statement):
                pass


def test_dry_run_of_the_runtime_policy(benchmark: Any, blobs: Path, ratios: Ratios) -> None:
    ratios.compare(
        benchmark,
        "dry run, runtime policy, 60,000 blobs",
        lambda: dry_run(blobs, lg.GcPolicy.runtime()),
        (f"bare `{BLOBS}`", lambda: bare_reads(blobs, BLOBS)),
        target="≤ 3",
    )


def test_dry_run_of_the_safe_policy(benchmark: Any, blobs: Path, ratios: Ratios) -> None:
    ratios.compare(
        benchmark,
        "dry run, safe policy, beside 100,000 nodes",
        lambda: dry_run(blobs, lg.GcPolicy.safe()),
        ("the same and one scan of node_json", lambda: bare_reads(blobs, BLOBS, NODES)),
        target="≤ 3",
    )


def test_memory_of_a_dry_run(blobs: Path, ratios: Ratios) -> None:
    dry_run(blobs, lg.GcPolicy.safe())
    tracemalloc.start()
    plan = dry_run(blobs, lg.GcPolicy.safe())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    hashes = plan.deleted_blob_count + plan.kept_blob_count
    content = plan.deleted_bytes + plan.kept_bytes
    ratios.note(
        "peak memory of a dry run",
        "bytes of content",
        peak / content,
        "in proportion to hashes",
        f"{peak // hashes} bytes a hash",
    )


def bare_delete(path: Path, secure: bool) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA secure_delete = {secure:d}")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(DELETE)


def sweep(path: Path, secure: bool) -> None:
    with lg.open(path, "rw") as store:
        store.gc_unreachable(lg.GcPolicy.runtime(), secure=secure)


@pytest.mark.parametrize("secure", [False, True])
def test_sweep(benchmark: Any, blobs: Path, tmp_path: Path, ratios: Ratios, secure: bool) -> None:
    copy = tmp_path / "copy.db"

    def fresh() -> tuple[Path, bool]:
        for path in tmp_path.iterdir():
            path.unlink()
        shutil.copyfile(blobs, copy)
        os.sync()
        return copy, secure

    ratios.compare(
        benchmark,
        f"sweep of 54,000 of 60,000 blobs, secure={secure}",
        sweep,
        (f"bare set-wise DELETE, secure_delete {'on' if secure else 'off'}", bare_delete),
        target="≤ 1.3",
        rounds=3,
        prepare=fresh,
    )


def log_bytes(path: Path) -> int:
    return Path(f"{path}-wal").stat().st_size


def test_log_of_a_sweep(blobs_copy: Path, blobs: Path, tmp_path: Path, ratios: Ratios) -> None:
    with closing(sqlite3.connect(blobs_copy)) as holder:
        holder.execute("SELECT 1 FROM blobs").fetchone()
        with lg.open(blobs_copy, "rw") as store:
            plan = store.plan_gc(lg.GcPolicy.runtime())
            store.sweep(plan)
            ours = log_bytes(blobs_copy)
    rows = Path(shutil.copyfile(blobs, tmp_path / "rows.db"))
    with closing(sqlite3.connect(rows, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for key in plan.doomed_hashes:
            connection.execute("DELETE FROM blobs WHERE hash = ?", (key,))
        connection.execute("COMMIT")
        one_by_one = log_bytes(rows)
    ratios.note(
        "write-ahead log of the sweep",
        "deleting row by row",
        ours / one_by_one,
        "≤ 0.5",
        f"{ours / 1e6:.0f} MB",
    )


@pytest.fixture(scope="module")
def long_session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 turns, each with a manifest and states of its own: 1,200 blobs."""
    path = tmp_path_factory.mktemp("long") / "long.db"
    with SessionBuilder(path, "long") as session:
        for turn in range(300):
            session.remember(900)
            session.turn("And now?", "Next.", (ToolCall(f"tool_{turn}", {}, "done"),))
    return path


def read_manifests(path: Path) -> list[Manifest]:
    """The manifest of each turn, from its blob, read as strictly as the package reads."""
    with closing(connect(path)) as connection:
        rows = connection.execute(MANIFESTS).fetchall()
    return [decode(unwrap(content).content, Manifest) for (content,) in rows]


def history(path: Path) -> object:
    with lg.open(path) as store:
        return store.history()


def simulation(path: Path) -> object:
    with lg.open(path) as store:
        return store.simulate_gc([1, 5, 10, 20, 50])


@pytest.mark.parametrize(
    ("what", "frame"),
    [("`history`", history), ("`simulate_gc` for five intervals", simulation)],
    ids=["history", "simulation"],
)
def test_history(
    benchmark: Any, long_session: Path, ratios: Ratios, what: str, frame: Callable[[Path], object]
) -> None:
    assert len(read_manifests(long_session)) == 300
    ratios.compare(
        benchmark,
        f"{what} of 300 turns with 1,200 blobs",
        lambda: frame(long_session),
        ("reading its manifests", lambda: read_manifests(long_session)),
        target="≤ 3" if frame is history else "none set",
        rounds=15,
    )
