"""What each of a crowd does to one file, in a process of its own: commit turns, sweep, read."""

from __future__ import annotations

import contextlib
import hashlib
import random
import sqlite3
import time
import warnings
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from lashgraph.errors import (
    DatabaseError,
    StalePlanError,
    StoreChangedError,
    StoreLockedError,
)
from lashgraph.reach import GcPolicy
from lashgraph.store import Store, StoreOptions
from lashgraph.store import open as open_store
from lashgraph.testing import oracle
from lashgraph.testing.torture.trial import require

_SHORT = StoreOptions(busy_timeout=0.05)
"""So short that waiting for a lock does end in an error now and then."""

_PAUSE = 0.004
_POLICIES = (GcPolicy.safe(), GcPolicy.safe(keep_turns=2), GcPolicy.runtime())
_LOOKS = (
    "snapshots by SQL",
    "snapshots of a store held open",
    "snapshots of a store just opened",
)

Told = dict[str, Any]


def turn(session_id: str, writer: str, number: int) -> dict[str, Any]:
    """A commit like the runtime's writer makes them, as the package takes it."""
    turn_id = f"{writer}-{number}"
    nodes = [
        {
            "node_id": f"{turn_id}-{part}",
            "timestamp": "2026-05-05T00:00:00+00:00",
            "kind": "plugin",
            "plugin_type": "torture",
            "body": {"of": turn_id},
        }
        for part in range(2)
    ]
    return {
        "session_id": session_id,
        "config": {
            "provider_id": "sample",
            "model": {"id": "m", "limits": {"context_window_tokens": 1_000}},
        },
        "graph": {"Append": {"nodes": nodes, "leaf_node_id": nodes[-1]["node_id"]}},
        "checkpoint": {
            "turn_state": {"turn_index": number},
            "execution_state": list(f"{turn_id} {'x' * 900}".encode()),
        },
        "usage_deltas": [
            {"source": "turn", "model": writer, "usage": {"input_tokens": 10, "output_tokens": 1}}
        ],
        "turn_commit": {
            "session_id": session_id,
            "turn_id": turn_id,
            "turn_commit_hash": hashlib.sha256(turn_id.encode()).hexdigest(),
        },
    }


def commit_on(path: str, writer: str, until: float) -> Told:
    """Commit turns; what is not acknowledged is tried again, what is, is sometimes told twice."""
    chance = random.Random(writer)
    counts: Counter[str] = Counter()
    made: list[dict[str, Any]] = []
    with open_store(path, "rw", _SHORT) as store:
        while time.monotonic() < until:
            change = turn(store.session_id, writer, len(made))
            try:
                done = store.commit_runtime_state(change)
            except StoreLockedError:
                counts["commits that waited too long and were tried again"] += 1
                continue
            require(not done.replayed, f"{writer}: turn {len(made)} was there before")
            nodes = [node["node_id"] for node in change["graph"]["Append"]["nodes"]]
            stamp = change["turn_commit"]["turn_id"]
            made.append({"turn_id": stamp, "nodes": nodes, "revision": done.head_revision})
            if chance.random() < 0.05:
                with contextlib.suppress(StoreLockedError):
                    again = store.commit_runtime_state(change)
                    require(again.replayed, f"{writer}: {stamp} was written twice")
                    counts["turns told twice"] += 1
            time.sleep(_PAUSE)
    return {"made": made, "counts": counts}


def commit_as_runtime(path: str, writer: str, until: float) -> Told:
    """Commit turns by the runtime's own transactions."""
    from lashgraph.testing.torture import runtime_writer

    made: list[dict[str, Any]] = []
    with closing(runtime_writer.connect(path)) as connection:
        while time.monotonic() < until:
            made.append(runtime_writer.write_turn(connection, writer, len(made)))
            time.sleep(_PAUSE)
    return {"made": made, "counts": {}}


def sweep_on(path: str, seed: int, until: float) -> Told:
    """Plan and sweep, by all policies, with backups, compactions, and in one step."""
    chance = random.Random(seed)
    counts: Counter[str] = Counter()
    backups = f"{path}.backups"
    with open_store(path, "rw", _SHORT) as store:
        while time.monotonic() < until:
            policy = chance.choice(_POLICIES)
            try:
                match chance.randrange(12):
                    case 0:
                        store.compact()
                        counts["compactions"] += 1
                    case 1:
                        report = store.sweep(store.plan_gc(policy), backup=backups)
                        counts["sweeps with a backup"] += 1
                        for file in Path(backups).iterdir():
                            file.unlink()
                        counts["blobs deleted"] += report.deleted_blob_count
                    case 2 | 3 | 4:
                        report = store.gc_unreachable(policy, secure=chance.random() < 0.3)
                        counts["collections in one step"] += 1
                        counts["blobs deleted"] += report.deleted_blob_count
                    case _:
                        plan = store.plan_gc(policy)
                        if chance.random() < 0.3:
                            time.sleep(_PAUSE)
                        report = store.sweep(plan)
                        counts["sweeps of a plan"] += 1
                        counts["blobs deleted"] += report.deleted_blob_count
            except StalePlanError:
                counts["stale plans refused"] += 1
            except StoreLockedError:
                counts["sweeps that waited too long"] += 1
            except DatabaseError as error:
                require("locked" in str(error) or "busy" in str(error), str(error))
                counts["sweeps that waited too long"] += 1
            time.sleep(_PAUSE)
    return {"made": [], "counts": counts}


def read_on(path: str, seed: int, until: float) -> Told:
    """Look at snapshots, by the package and by the oracle, each of which must be one state."""
    chance = random.Random(seed)
    counts: Counter[str] = Counter()
    held = open_store(path, "r", _SHORT)
    with held, warnings.catch_warnings():
        warnings.simplefilter("error")
        while time.monotonic() < until:
            how = chance.randrange(3)
            try:
                if how == 0:
                    _look_by_sql(path)
                elif how == 1:
                    _look(held)
                else:
                    with open_store(path, "r", _SHORT) as store:
                        _look(store)
            except (StoreChangedError, StoreLockedError) as error:
                counts[f"looks refused: {type(error).__name__}"] += 1
            else:
                counts[_LOOKS[how]] += 1
            time.sleep(_PAUSE)
    return {"made": [], "counts": counts}


def _look(store: Store) -> None:
    with store.snapshot():
        head = store.load_head()
        ids = store.load_session_graph().ids
        turns = store.turns()
        keys = set(store.blobs()["hash"])
        assert head is not None
        ref = str(head.checkpoint_ref)
        manifest = store.get_checkpoint(ref)
        plan = store.plan_gc()
    require(head.graph_node_count == len(ids), f"{len(ids)} nodes, {head.graph_node_count} told")
    require(head.leaf_node_id in ids, f"no leaf {head.leaf_node_id}")
    require(head.head_revision == len(turns), f"{len(turns)} turns at {head.head_revision}")
    assert manifest is not None, f"no checkpoint {ref}"
    require({ref, str(manifest.execution_state_ref)} <= keys, f"{ref}: children are gone")
    require(set(plan.doomed_hashes) <= keys, "a plan of blobs that are not there")
    require(ref not in plan.doomed_hashes, "the live checkpoint is to be deleted")


def _look_by_sql(path: str) -> None:
    with closing(sqlite3.connect(path, timeout=15, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        judged = oracle.judge(connection)
        revision, count = connection.execute(
            "SELECT head_revision, (SELECT count(*) FROM runtime_turn_commits) FROM session_head"
        ).fetchone()
        connection.execute("ROLLBACK")
    require(judged.verdict == "sweep", str(judged.reasons))
    missing = judged.retained_blob_count - len(judged.kept)
    require(not missing, f"{missing} live blobs are gone")
    require(revision == count, f"{count} turns at revision {revision}")
