"""Random stores: dry run, sweep and the oracle agree on each. Needs Hypothesis (extra ``dev``)."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from lashgraph.errors import DamagedStoreError
from lashgraph.reach import GcPolicy
from lashgraph.store import open as open_store
from lashgraph.testing import oracle, strategies
from lashgraph.testing.builders import SessionBuilder, Step
from lashgraph.testing.torture.harms import KINDS, harm
from lashgraph.testing.torture.trial import require

_CONTENTS = [bytes([number]) * 20 for number in range(6)]
_KEYS = st.sampled_from([hashlib.sha256(content).hexdigest() for content in _CONTENTS])
_STAMP = {"session_id": "s", "turn_commit_hash": "h"}

Harms = tuple[str, str, int]
HARMS = st.tuples(st.sampled_from(KINDS), st.sampled_from(KINDS), st.integers(0, 40))
"""Two damages, and which blob each is done to."""

OF_EACH = 20
Treatment = tuple[Harms, GcPolicy, bool]
_TREATMENTS = st.lists(
    st.tuples(HARMS, strategies.policies(), st.booleans()), min_size=OF_EACH, max_size=OF_EACH
)


def agree(path: Path, policy: GcPolicy, *, planned: bool) -> None:
    """See that the package's verdict, plan and collection are what the oracle says.

    Parameters
    ----------
    planned : bool
        Whether a plan is swept, or all is done in one step.

    Raises
    ------
    Failed
        They are not.
    """
    judged = oracle.judge(path, policy.name, policy.keep_turns)
    before, bytes_before = _stored(path), path.read_bytes()
    plan = None
    with open_store(path) as store, contextlib.suppress(DamagedStoreError):
        plan = store.plan_gc(policy)
    verdict = "refuse" if plan is None else "sweep"
    require(verdict == judged.verdict, f"{verdict}, and the oracle: {judged}")
    require(path.read_bytes() == bytes_before, "a dry run wrote")
    with open_store(path, "rw") as store:
        if plan is None:
            try:
                store.gc_unreachable(policy)
            except DamagedStoreError:
                require(_stored(path) == before, "a refused collection deleted")
                return
            require(False, f"swept, and the oracle: {judged.reasons}")
            return
        report = store.sweep(plan, accept_unusual=True) if planned else store.gc_unreachable(policy)
    after = _stored(path)
    gone = {key: size for key, size in before.items() if key not in after}
    require(
        set(gone) == set(plan.doomed_hashes) == judged.doomed,
        f"gone {set(gone)}, planned {plan.doomed_hashes}, by the oracle {judged.doomed}",
    )
    require(set(after) == judged.kept, f"left {set(after)}, by the oracle {judged.kept}")
    for what, counts in (("planned", plan), ("reported", report)):
        told = (
            counts.deleted_blob_count,
            counts.deleted_bytes,
            counts.kept_bytes,
            counts.retained_blob_count,
            counts.root_count,
        )
        found = (
            len(judged.doomed),
            sum(gone.values()),
            sum(after.values()),
            judged.retained_blob_count,
            judged.root_count,
        )
        require(told == found, f"{what}: {told}, found: {found}")


def _stored(path: Path) -> dict[Any, int]:
    """Keys and bytes of the blobs in a file."""
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT hash, length(CAST(content AS BLOB)) FROM blobs"))


@contextlib.contextmanager
def harmed(content: bytes, harms: Harms) -> Iterator[Path]:
    """A store in a file of its own, damaged twice."""
    first, second, pick = harms
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        path.write_bytes(content)
        harm(path, first, pick)
        harm(path, second, pick)
        yield path


@cache
def built_store() -> bytes:
    """Agent frames with states, a branch, tombstones, modules, an archive, garbage."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "built.db"
        with SessionBuilder(path, "built") as session:
            session.turn("first", "answer")
            fork = session.leaf
            session.module("module one")
            session.code_turn("second", [Step("x = 1", ["1"])])
            session.new_agent_frame("compaction")
            session.archive("long ago" * 60, "see the archive")
            session.remember(700)
            session.turn("third", "answer")
            session.branch_from(fork)
            session.turn("fourth", "answer")
            session.tombstone([str(session.leaf)])
            session.garbage(2, 90)
        return one_file(path)


def one_file(path: Path) -> bytes:
    """A store's bytes without a write-ahead log, which costs a test its time."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return path.read_bytes()


@st.composite
def made_stores(draw: st.DrawFn) -> bytes:
    """Stores of a few commits whose nodes, agent frames and artifacts name blobs, there or not."""
    with open_store(":memory:") as store:
        for content in _CONTENTS:
            store.put_blob(content)
        for number in range(draw(st.integers(1, 3))):
            change = draw(strategies.commits(archives=_KEYS))
            stamp = _STAMP | {"turn_id": f"t{number}"}
            store.commit_runtime_state(change | {"turn_commit": stamp})
        named = sorted(store.blobs()["hash"])
        artifacts = draw(st.lists(st.sampled_from(named), max_size=2))
        store.tombstone_nodes([f"n{n}" for n in draw(st.lists(st.integers(0, 4), max_size=2))])
        with store._database.exclusive("make") as connection:
            for number, target in enumerate(artifacts):
                row = (f"artifact {number}", target)
                connection.execute("INSERT INTO artifact_refs VALUES (?, ?)", row)
            return connection.serialize()


def try_stores(number: int, sessions: int, tried: Callable[[], None]) -> None:
    """Random sessions; of each a few stores, damaged twice and collected by random policies.

    Parameters
    ----------
    number : int
        Another number makes other stores.
    sessions : int
        How many; of each there are `OF_EACH` stores.
    tried : callable
        Called for each store.
    """

    @seed(number)
    @settings(
        max_examples=sessions,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.just(built_store()) | made_stores(), _TREATMENTS)
    def each(store: bytes, treatments: list[Treatment]) -> None:
        for harms, policy, planned in treatments:
            tried()
            with harmed(store, harms) as path:
                agree(path, policy, planned=planned)

    each()
