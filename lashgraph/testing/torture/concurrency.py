"""Crowded: writers, a sweeper and readers on one file at once, and a plan that was overtaken."""

from __future__ import annotations

import pickle
import sqlite3
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from lashgraph.errors import StalePlanError
from lashgraph.store import open as open_store
from lashgraph.testing.builders import SessionBuilder
from lashgraph.testing.torture.crowd import (
    commit_as_runtime,
    commit_on,
    read_on,
    sweep_on,
    turn,
)
from lashgraph.testing.torture.looking import check_sound, check_unlocked, live
from lashgraph.testing.torture.processes import child, run
from lashgraph.testing.torture.trial import Case, Trial, require

_WRITERS = ((commit_on,) * 4, (commit_as_runtime,) * 4, (commit_on, commit_as_runtime) * 2)
_WRITTEN_BY = ("the package", "bare SQL", "both")
_READERS = 2


def _crowd(case: Case) -> None:
    path = case.folder / "crowded.db"
    with SessionBuilder(path, "crowded", seed=case.number) as session:
        session.remember(2_000)
        session.turn("Hello?", "Hello.")
        session.garbage(20, 3_000)
    revisions = 1
    case.count(f"crowds with turns written by {_WRITTEN_BY[case.number % 3]}")
    told = _all_at_once(path, _WRITERS[case.number % 3], case)
    made = [one for each in told for one in each["made"]]
    for each in told:
        case.counts.update(each["counts"])
    case.count("turns committed", len(made))
    _check_nothing_lost(path, made, revisions)
    check_unlocked(path)
    check_sound(path)
    live(path)
    _check_overtaken(path, case)


def _all_at_once(path: Path, writers: Sequence[Any], case: Case) -> list[dict[str, Any]]:
    """Let everybody begin at the same time, and wait for all of them."""
    with ExitStack() as crowd:
        until = time.monotonic() + case.seconds + 1
        seed = case.chance.randrange(1 << 30)
        jobs = [
            *((work, f"writer-{number}") for number, work in enumerate(writers)),
            (sweep_on, seed),
            *((read_on, seed + number) for number in range(_READERS)),
        ]
        children = [crowd.enter_context(child(work, str(path), who, until)) for work, who in jobs]
        for each in children:
            each.go()
        ended = [each.ended() for each in children]
    for (work, who), how in zip(jobs, ended, strict=True):
        require(how.done, f"{work.__name__} ({who}): {how.error or how.exitcode}")
    return [how.answer for how in ended]


def _check_nothing_lost(path: Path, made: Sequence[dict[str, Any]], before: int) -> None:
    """See that each turn that was acknowledged is there once, with all that belongs to it."""
    with closing(sqlite3.connect(path)) as connection:

        def column(sql: str) -> list[Any]:
            return [value for (value,) in connection.execute(sql)]

        turns = column("SELECT turn_id FROM runtime_turn_commits")
        nodes = set(column("SELECT node_id FROM graph_nodes"))
        [revision] = column("SELECT head_revision FROM session_head")
        [usage] = column("SELECT count(*) FROM usage_deltas")
    wanted = [one["turn_id"] for one in made]
    lost = set(wanted) - set(turns)
    require(not lost, f"{len(lost)} of {len(wanted)} turns are lost: {sorted(lost)[:3]}")
    require(len(turns) == len(wanted) + before, f"{len(turns)} turns of {len(wanted)}")
    lost = {node for one in made for node in one["nodes"]} - nodes
    require(not lost, f"{len(lost)} nodes are lost: {sorted(lost)[:3]}")
    require(revision == len(turns), f"{len(turns)} turns at revision {revision}")
    require(usage == len(turns), f"usage of {usage} of {len(turns)} turns")
    revisions = [one["revision"] for one in made]
    require(len(set(revisions)) == len(revisions), "two turns of one revision")


def commit_once(path: str, writer: str) -> None:
    """One turn, from a process of its own."""
    with open_store(path, "rw") as store:
        store.commit_runtime_state(turn(store.session_id, writer, 0))


def sweep_pickled(path: str, plan: str) -> str:
    """Sweep a plan that another process made; gives what came of it."""
    with open_store(path, "rw") as store:
        try:
            store.sweep(pickle.loads(bytes.fromhex(plan)))
        except StalePlanError:
            return "stale"
    return "swept"


def put_garbage(path: str) -> None:
    """A blob that nothing names."""
    with open_store(path, "rw") as store:
        store.put_blob(b"garbage of later")


def _check_overtaken(path: Path, case: Case) -> None:
    """Plan in one process, commit in another, sweep in a third."""
    with open_store(path, "rw") as store:
        store.put_blob(b"garbage")
    with open_store(path) as store:
        plan = store.plan_gc()
        sent = pickle.dumps(plan).hex()
    require(run(put_garbage, str(path)).done, "garbage cannot be put")
    require(run(commit_once, str(path), f"later-{case.number}").done, "no commit")
    ended = run(sweep_pickled, str(path), sent)
    require(ended.answer == "stale", f"an overtaken plan: {ended}")
    with open_store(path) as store:
        require(set(plan.doomed_hashes) <= set(store.blobs()["hash"]), "it deleted something")
        plan = store.plan_gc()
    require(run(put_garbage, str(path)).done, "garbage cannot be put")
    ended = run(sweep_pickled, str(path), pickle.dumps(plan).hex())
    require(ended.answer == "swept", f"a plan that was not overtaken: {ended}")
    case.count("plans overtaken by a commit of another process")


CONCURRENCY = Trial(
    "concurrency",
    "four writers, a sweeper and two readers on one file; no turn is lost, no live blob deleted",
    4,
    _crowd,
)
