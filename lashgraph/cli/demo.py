"""``lashgraph demo``: the main job, from sample stores to a verified sweep."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from pathlib import Path

from lashgraph.cli.output import Output
from lashgraph.cli.store import DONE, REFUSED, show_plan
from lashgraph.cli.tree import draw_tree
from lashgraph.errors import InvalidRecordError
from lashgraph.format.sizes import bytes_text
from lashgraph.gc import GcPlan, GcReport
from lashgraph.store import Store
from lashgraph.store import open as open_store
from lashgraph.testing import oracle
from lashgraph.testing.corpus import build_corpus

MARKER = ".lashgraph-demo"
SWEPT = "swept-copy.db"


def run_demo(folder: Path, seed: int, out: Output) -> int:
    """Make a corpus and show on one store of it what the package does."""
    _prepare(folder)
    paths = build_corpus(folder / "sessions", seed=seed)
    out.say(f"{len(paths)} sample stores in {folder / 'sessions'}", style="bold")
    for path in paths:
        out.say(f"  {path.name}  {bytes_text(path.stat().st_size)}")
    path = paths[0]
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    with open_store(path) as store:
        _show_frames(store, out)
        out.heading("store.tree(): the session tree, the active path in bold")
        draw_tree(store.tree(), out)
        out.heading("store.plan_gc(): a dry run")
        plan = store.plan_gc()
        show_plan(plan, store, out)
        figures = _draw(store, folder)
    copy = folder / SWEPT
    shutil.copyfile(path, copy)
    with open_store(copy, "rw") as store:
        report = store.sweep(store.plan_gc())
        compacted = store.compact()
    out.heading(f"store.sweep(plan) and store.compact(), on a copy: {copy}")
    out.say(
        f"deleted {report.deleted_blob_count:,} blobs, {bytes_text(report.deleted_bytes)}; "
        f"the file went from {bytes_text(compacted.file_bytes_before)} to "
        f"{bytes_text(compacted.file_bytes_after)}"
    )
    checks = _verify(path, copy, plan, report) | {
        "the original is byte for byte what it was": (
            hashlib.sha256(path.read_bytes()).hexdigest() == before
        )
    }
    for what, true in checks.items():
        out.say(f"  {'ok ' if true else 'NO '} {what}", style=None if true else "bold red")
    out.heading("Figures")
    for figure in figures:
        out.say(f"  {figure}")
    _say_next(path, out)
    return DONE if all(checks.values()) else REFUSED


def _prepare(folder: Path) -> None:
    """Take a folder that is new, empty, or of an earlier demo, whose own files are redone."""
    marker = folder / MARKER
    if folder.exists() and not marker.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidRecordError(
            f"{folder}: not empty and not made by this command; name another folder"
        )
    shutil.rmtree(folder / "sessions", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in ("", "-wal", "-shm"):
        (folder / f"{SWEPT}{suffix}").unlink(missing_ok=True)
    marker.touch()


def _show_frames(store: Store, out: Output) -> None:
    out.heading(f"lashgraph.open({store.path!r}): its frames")
    shown = {
        "sessions": ("session_id", "model", "n_nodes", "n_turns", "n_blobs", "reclaimable_bytes"),
        "nodes": ("node_id", "depth", "kind", "role", "on_active_path", "json_bytes"),
        "blobs": ("hash", "kind", "compression", "stored_bytes", "reachable_safe", "n_refs"),
        "refs": ("ref", "source_kind", "field", "is_root_safe", "dangling"),
        "turns": ("turn_id", "committed_at", "head_revision", "input_tokens", "output_tokens"),
        "usage": ("source", "model", "input_tokens", "output_tokens"),
    }
    for name, columns in shown.items():
        out.heading(f"store.{name}()")
        out.frame(getattr(store, name)(), columns, rows=4)


def _draw(store: Store, folder: Path) -> list[Path]:
    from lashgraph import plot
    from lashgraph.plot.figure import figure_of

    figures = {
        "session-tree.png": plot.session_tree(store.tree()),
        "retention.png": plot.retention(store.history()),
    }
    for name, axes in figures.items():
        figure_of(axes).savefig(folder / name, dpi=130)
    return [folder / name for name in figures]


def _verify(original: Path, copy: Path, plan: GcPlan, report: GcReport) -> dict[str, bool]:
    """Facts that must hold after a sweep, each found by a way of its own."""
    with open_store(original) as store:
        nodes_before = store.load_session_graph().ids
    with open_store(copy) as store:
        blobs, nodes_after = store.blobs(), store.load_session_graph().ids
        left = store.plan_gc().deleted_blob_count
        checkpoint = store.load_session(scope="active")
    judged = oracle.judge(original, policy=plan.policy.name)
    connection = sqlite3.connect(copy)
    integrity = connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()
    return {
        "the sweep deleted what the dry run had said, blob for blob": (
            set(blobs["hash"]) == set(plan.kept()["hash"])
            and report.deleted_bytes == plan.deleted_bytes
        ),
        "an independent mark names the same blobs": judged.doomed == set(plan.doomed_hashes),
        "every node is still there, and the checkpoint loads": (
            nodes_after == nodes_before
            and checkpoint is not None
            and checkpoint.checkpoint is not None
        ),
        "a second dry run finds nothing more": left == 0,
        "SQLite's integrity check passes": integrity == "ok",
    }


def _say_next(path: Path, out: Output) -> None:
    out.heading("Try next")
    for line in (
        f"lashgraph info {path}",
        f"lashgraph gc {path} --keep-turns 3",
        f"python -c \"import lashgraph as lg; print(lg.open(r'{path}').nodes())\"",
    ):
        out.say(f"  {line}")
