"""Random lives of a store, checked step by step against a model. Needs Hypothesis (extra ``dev``).

What a collection keeps is the oracle's to say; the model knows everything else.
"""

from __future__ import annotations

import copy
import hashlib
import shutil
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from lashgraph.errors import (
    DamagedStoreError,
    DuplicateNodeError,
    HeadRevisionConflictError,
    LashgraphError,
    StalePlanError,
    TurnCommitConflictError,
)
from lashgraph.gc import restore
from lashgraph.reach import GcPolicy
from lashgraph.store import StoreOptions
from lashgraph.store import open as open_store
from lashgraph.testing import oracle, strategies
from lashgraph.testing.torture.looking import check_sound
from lashgraph.testing.torture.trial import Case, require

_SESSION = "s"
_IDS = tuple(f"n{number}" for number in range(8))
_TURNS = ("t0", "t1", "t2")
_CONTENTS = tuple(bytes([number]) * 700 for number in range(5))
_OPTIONS = StoreOptions(clock=lambda: 1_800_000_000.0, busy_timeout=1.0)

_KEYS = st.sampled_from([hashlib.sha256(content).hexdigest() for content in _CONTENTS])
_NODES = st.lists(
    st.sampled_from(_IDS).flatmap(
        lambda node_id: strategies.nodes(node_id, st.sampled_from([None, *_IDS]), _KEYS)
    ),
    max_size=4,
)


@dataclass
class _Model:
    """What the store must hold: plain values."""

    nodes: dict[str, bool] = field(default_factory=dict)
    revision: int = 0
    leaf: str | None = None
    turns: dict[str, tuple[str, int]] = field(default_factory=dict)
    used: int = 0
    blobs: set[str] = field(default_factory=set)
    artifacts: dict[str, str] = field(default_factory=dict)

    @property
    def alive(self) -> list[str]:
        return [node_id for node_id, alive in self.nodes.items() if alive]


class Lives(RuleBasedStateMachine):
    """One store, from its making to its end."""

    counts: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.TemporaryDirectory(prefix="life-")
        self.folder = Path(self.place.name)
        self.path = self.folder / "life-0.db"
        self.moved = 0
        self.store = open_store(self.path, "create", _OPTIONS)
        self.model = _Model()
        self.saved: list[tuple[str, _Model]] = []
        self.counts["lives"] += 1

    def teardown(self) -> None:
        """End the life: the file is sound."""
        self.store.close()
        check_sound(self.path)
        self.place.cleanup()

    # The graph

    def _clash(self, new: list[Any], there: dict[str, bool]) -> bool:
        ids = [node["node_id"] for node in new]
        return len(set(ids)) < len(ids) or any(node_id in there for node_id in ids)

    @rule(new=_NODES)
    def append(self, new: list[Any]) -> None:
        """Add nodes; a known id adds none of them."""
        try:
            self.store.append_session_graph_nodes(new)
        except DuplicateNodeError:
            require(self._clash(new, self.model.nodes), "refused without a clash")
        else:
            require(not self._clash(new, self.model.nodes), "a clash was taken")
            self.model.nodes |= {node["node_id"]: True for node in new}

    @rule(new=_NODES)
    def replace(self, new: list[Any]) -> None:
        """Replace the graph; an id that stands twice leaves the old one."""
        try:
            self.store.replace_session_graph(new)
        except DuplicateNodeError:
            require(self._clash(new, {}), "refused without a clash")
        else:
            require(not self._clash(new, {}), "a clash was taken")
            self.model.nodes = {node["node_id"]: True for node in new}

    @rule(ids=st.lists(st.sampled_from(_IDS), max_size=3))
    def tombstone(self, ids: list[str]) -> None:
        """Mark nodes dead."""
        wanted = {node_id for node_id in ids if self.model.nodes.get(node_id)}
        require(self.store.tombstone_nodes(ids) == len(wanted), "another number of nodes")
        self.model.nodes |= dict.fromkeys(wanted, False)

    @rule()
    def vacuum(self) -> None:
        """Delete dead nodes."""
        dead = [node_id for node_id, alive in self.model.nodes.items() if not alive]
        require(self.store.vacuum() == len(dead), "another number of nodes")
        for node_id in dead:
            del self.model.nodes[node_id]

    # Commits

    @rule(
        change=strategies.commits(_SESSION, _KEYS),
        new=_NODES,
        how=st.sampled_from(["Append", "Append", "ReplaceFull", "Unchanged"]),
        turn=st.none() | st.tuples(st.sampled_from(_TURNS), st.sampled_from("aaab")),
        expected=st.sampled_from([None, None, 0, -1]),
    )
    def commit(
        self,
        change: dict[str, Any],
        new: list[Any],
        how: str,
        turn: tuple[str, str] | None,
        expected: int | None,
    ) -> None:
        """Commit a turn: new, again, in conflict, or on another head than is there."""
        model = self.model
        leaf = new[-1]["node_id"] if new else None
        graph = (
            {"leaf_node_id": leaf}
            if how == "Unchanged"
            else {"nodes": new} | {"leaf_node_id": leaf}
        )
        usage = {"input_tokens": 3, "output_tokens": 1}
        change = change | {"graph": {how: graph}}
        change["usage_deltas"] = [{"source": "turn", "model": "m", "usage": usage}]
        if turn is not None:
            change["turn_commit"] = {
                "session_id": _SESSION,
                "turn_id": turn[0],
                "turn_commit_hash": turn[1],
            }
        if expected is not None:
            change["expected_head_revision"] = max(model.revision + expected, 0)
        there = model.nodes if how == "Append" else {}
        clash = how != "Unchanged" and self._clash(new, there)
        known = model.turns.get(turn[0]) if turn else None
        moved = change.get("expected_head_revision", model.revision) != model.revision
        wanted: type[LashgraphError] | None = None
        if turn and known:
            wanted = None if known[0] == turn[1] else TurnCommitConflictError
        elif moved:
            wanted = HeadRevisionConflictError
        elif clash:
            wanted = DuplicateNodeError
        before = self._stored()
        try:
            done = self.store.commit_runtime_state(change)
        except LashgraphError as error:
            require(type(error) is wanted, f"{type(error).__name__}, where {wanted} was to come")
            require(self._stored() == before, "a refused commit left blobs")
            return
        require(wanted is None, f"committed, where {wanted} was to come")
        require(done.replayed == (known is not None), f"replayed: {done.replayed}")
        if known is not None:
            require(done.head_revision == known[1], "answered with another revision")
            return
        model.revision += 1
        require(done.head_revision == model.revision, f"revision {done.head_revision}")
        model.leaf = leaf
        model.used += usage["input_tokens"]
        if turn is not None:
            model.turns[turn[0]] = turn[1], model.revision
        if how != "Unchanged":
            kept = model.nodes if how == "Append" else {}
            model.nodes = {**kept, **{node["node_id"]: True for node in new}}
        manifest = done.manifest
        named = {manifest.tool_state_ref, manifest.plugin_snapshot_ref}
        named |= {manifest.execution_state_ref, done.checkpoint_ref}
        after = self._stored()
        require(before <= after <= before | named, "a commit took or left other blobs")
        require(done.checkpoint_ref in after, "a commit without its checkpoint")
        model.blobs = after

    # Blobs

    @rule(content=st.sampled_from(_CONTENTS))
    def put(self, content: bytes) -> None:
        """Store bytes."""
        key = self.store.put_blob(content)
        require(key == hashlib.sha256(content).hexdigest(), "another key")
        self.model.blobs.add(key)

    @rule(name=st.sampled_from(["a", "b"]), content=st.sampled_from(_CONTENTS))
    def name(self, name: str, content: bytes) -> None:
        """Store a module under a name."""
        key = self.store.put_module_artifact(name, content)
        self.model.blobs.add(key)
        self.model.artifacts[name] = key

    # Collections

    @rule(policy=strategies.policies(), how=st.sampled_from(["plan", "backup", "secure", "step"]))
    def collect(self, policy: GcPolicy, how: str) -> None:
        """Collect, and lose exactly what the oracle says."""
        judged = oracle.judge(self.path, policy.name, policy.keep_turns)
        try:
            if how == "step":
                self.store.gc_unreachable(policy)
            else:
                plan = self.store.plan_gc(policy)
                backup = self.folder / "backups" if how == "backup" else None
                report = self.store.sweep(
                    plan, backup=backup, secure=how == "secure", accept_unusual=True
                )
                if report.backup is not None:
                    self.saved.append((report.backup, copy.deepcopy(self.model)))
        except DamagedStoreError:
            require(judged.verdict == "refuse", "refused, and not by the oracle")
            return
        require(judged.verdict == "sweep", f"the oracle refuses: {judged.reasons}")
        self.counts["collections"] += 1
        self.counts["blobs deleted"] += len(judged.doomed)
        self.model.blobs -= judged.doomed

    @precondition(lambda self: self.model.revision)
    @rule(change=strategies.commits(_SESSION, _KEYS), data=st.data())
    def sweep_too_late(self, change: dict[str, Any], data: st.DataObject) -> None:
        """A commit of another connection comes between plan and sweep."""
        try:
            plan = self.store.plan_gc()
        except DamagedStoreError:
            return
        graph = {"Unchanged": {"leaf_node_id": self.model.leaf}}
        turn_state = {"turn_index": data.draw(st.integers(1 << 41, 1 << 42))}
        change = change | {"graph": graph, "checkpoint": {"turn_state": turn_state}}
        with open_store(self.path, "rw", _OPTIONS) as other:
            other.commit_runtime_state(change)
        self.model.revision += 1
        self.model.blobs = self._stored()
        try:
            self.store.sweep(plan)
        except StalePlanError:
            self.counts["stale plans refused"] += 1
        else:
            require(False, "a plan was swept that a commit had overtaken")

    @rule()
    def compact(self) -> None:
        """Write the file anew."""
        self.store.compact()

    # Ends and beginnings

    @rule()
    def reopen(self) -> None:
        """Close and open again."""
        self.store.close()
        self.store = open_store(self.path, "rw", _OPTIONS)

    @rule(within=st.booleans())
    def crash(self, *, within: bool) -> None:
        """Go on with what stands in file and log at this moment, perhaps within a transaction."""
        self.moved += 1
        target = self.folder / f"life-{self.moved}.db"
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            if within:
                other.execute("PRAGMA cache_size = 1")
                other.execute("BEGIN IMMEDIATE")
                other.execute("DELETE FROM blobs")
                other.execute("UPDATE graph_nodes SET node_json = '', tombstoned = 1")
                other.execute(
                    "INSERT INTO blobs SELECT hex(randomblob(32)), randomblob(9000) FROM "
                    "(VALUES (1), (2), (3), (4), (5), (6), (7), (8))"
                )
            for suffix in ("", "-wal"):
                if Path(f"{self.path}{suffix}").exists():
                    shutil.copyfile(f"{self.path}{suffix}", f"{target}{suffix}")
            if within:
                other.execute("ROLLBACK")
        self.store.close()
        self.path = target
        self.store = open_store(self.path, "rw", _OPTIONS)
        self.counts["crashes"] += 1

    @precondition(lambda self: self.saved)
    @rule(data=st.data())
    def put_back(self, data: st.DataObject) -> None:
        """Restore a backup."""
        backup, model = data.draw(st.sampled_from(self.saved))
        self.store.close()
        restore(backup, to=self.path, accept_loss=True)
        self.store = open_store(self.path, "rw", _OPTIONS)
        self.model = copy.deepcopy(model)
        self.counts["backups restored"] += 1

    # What holds after every step

    @invariant()
    def holds_what_the_model_says(self) -> None:
        """The store, read by itself and by another reader, is as the model."""
        self.counts["steps"] += 1
        model = self.model
        with open_store(self.path, "r", _OPTIONS) as reader:
            for store in (self.store, reader):
                head = store.load_head()
                require(store.load_session_graph().ids == model.alive, "other nodes")
                require((head.head_revision if head else 0) == model.revision, "another revision")
                require((head.leaf_node_id if head else None) == model.leaf, "another leaf")
        with closing(sqlite3.connect(self.path)) as connection:
            turns = connection.execute(
                "SELECT turn_id, turn_commit_hash FROM runtime_turn_commits"
            ).fetchall()
            (used,) = connection.execute(
                "SELECT coalesce(sum(input_tokens), 0) FROM usage_deltas"
            ).fetchone()
            artifacts = dict(connection.execute("SELECT * FROM artifact_refs"))
        require(dict(turns) == {turn: known[0] for turn, known in model.turns.items()}, "turns")
        require(used == model.used, f"usage of {used} tokens, not {model.used}")
        require(artifacts == model.artifacts, "other artifacts")
        require(self._stored() == model.blobs, "other blobs")

    def _stored(self) -> set[str]:
        with closing(sqlite3.connect(self.path)) as connection:
            return {str(key) for (key,) in connection.execute("SELECT hash FROM blobs")}


def live_lives(number: int, lives: int, case: Case) -> None:
    """So many random lives; another number makes others."""

    class Counted(Lives):
        counts = case.counts

    run_state_machine_as_test(
        seed(number)(Counted),
        settings=settings(
            max_examples=lives,
            stateful_step_count=25,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
