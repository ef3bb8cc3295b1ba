"""One Store used from eight threads at once."""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from lashgraph.errors import StalePlanError
from lashgraph.store import Store
from lashgraph.store import open as open_store
from lashgraph.testing.builders import SessionBuilder
from lashgraph.testing.torture.crowd import turn
from lashgraph.testing.torture.looking import check_sound, live
from lashgraph.testing.torture.trial import Case, Trial, require

_THREADS = 8
_MOST = 5.0


def _share(case: Case) -> None:
    path = case.folder / "shared.db"
    with SessionBuilder(path, "shared", seed=case.number) as session:
        session.turn("Hello?", "Hello.")
        session.garbage(20, 3_000)
    until = time.monotonic() + min(case.seconds / 4, _MOST)
    seed = case.chance.randrange(1 << 30)
    with open_store(path, "rw") as store, ThreadPoolExecutor(_THREADS) as pool:
        works = [pool.submit(_use, store, number, seed, until) for number in range(_THREADS)]
        told = [work.result() for work in works]
        turns = set(store.turns()["turn_id"])
        nodes = set(store.load_session_graph().ids)
    made = [
        f"thread-{number}-{one}" for number, (count, _) in enumerate(told) for one in range(count)
    ]
    require(set(made) <= turns, "turns are lost")
    require({f"{one}-1" for one in made} <= nodes, "nodes are lost")
    require(len(turns) == len(made) + 1, f"{len(turns)} turns of {len(made)}")
    for _, counts in told:
        case.counts.update(counts)
    check_sound(path)
    live(path)


def _use(store: Store, thread: int, seed: int, until: float) -> tuple[int, Counter[str]]:
    """All kinds of calls, one after the other; gives how many turns were committed."""
    chance = random.Random(f"{seed}:{thread}")
    made = 0
    counts: Counter[str] = Counter()
    while time.monotonic() < until:
        match chance.randrange(6):
            case 0 | 1:
                done = store.commit_runtime_state(turn("shared", f"thread-{thread}", made))
                require(not done.replayed, "a turn was there before")
                made += 1
                counts["turns committed"] += 1
            case 2:
                key = store.put_blob(chance.randbytes(500))
                require(len(key) == 64, key)
                counts["blobs put"] += 1
            case 3:
                counts[_sweep(store)] += 1
            case _:
                _look(store)
                counts["snapshots"] += 1
    return made, counts


def _sweep(store: Store) -> str:
    plan = store.plan_gc()
    try:
        store.sweep(plan)
    except StalePlanError:
        return "stale plans refused"
    return "sweeps"


def _look(store: Store) -> None:
    with store.snapshot():
        head = store.load_head()
        assert head is not None
        count, turns = len(store.load_session_graph().ids), len(store.turns())
    require(head.graph_node_count == count, f"{count} nodes, {head.graph_node_count} told")
    require(head.head_revision == turns, f"{turns} turns at revision {head.head_revision}")


THREADS = Trial(
    "threads", "eight threads use one Store; nothing is lost, snapshots are one state", 1, _share
)
