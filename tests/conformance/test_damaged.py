"""One damage in an otherwise healthy store: what is read, what goes, and what is refused.

Where the runtime loses live data the expected verdict differs from what it did; the rest of its
answers are ours too.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from recorded import Json, blob_hashes, read_json, rows, sha256, shown_report
from stores import missing_params, recorded_files, stem, unpack

import lashgraph
from lashgraph import GcPolicy
from lashgraph.errors import DamagedDataWarning, DamagedStoreError, LashgraphError
from lashgraph.testing import oracle


class Case(NamedTuple):
    """One damaged store and the policy to collect under."""

    gz: Path
    policy_name: str

    @property
    def recorded(self) -> Json:
        """What was recorded of the store."""
        return expectations(self.gz.parent / "expected.json")[stem(self.gz)]

    @property
    def expected(self) -> Json:
        """The verdict under the policy."""
        return self.recorded["expected"][self.policy_name]

    @property
    def policy(self) -> GcPolicy:
        """The policy that the recorded name stands for."""
        return policy_named(self.policy_name)


@functools.cache
def expectations(path: Path) -> Json:
    """The recorded answers of all damaged stores of one root."""
    return read_json(path)


def policy_named(name: str) -> GcPolicy:
    """``runtime_policy``, ``safe_policy`` or ``safe_policy_keep_turns_N``."""
    if name == "runtime_policy":
        return GcPolicy.runtime()
    turns = re.fullmatch(r"safe_policy(?:_keep_turns_(\d+))?", name)
    assert turns is not None, f"a policy of no known name: {name}"
    return GcPolicy.safe(keep_turns=int(turns[1] or 0))


def damaged_stores() -> list[Path]:
    return list(recorded_files("damaged/*.db.gz").values())


def each_store() -> list[Any]:
    return [pytest.param(gz, id=stem(gz)) for gz in damaged_stores()] + missing_params()


def each_case() -> list[Any]:
    params = [
        pytest.param(Case(gz, name), id=f"{stem(gz)}-{name}")
        for gz in damaged_stores()
        for name in expectations(gz.parent / "expected.json")[stem(gz)]["expected"]
    ]
    return params + missing_params()


# Collections


class Outcome(NamedTuple):
    """What a dry run or a collection gave: a verdict, the blobs named or gone, its figures."""

    verdict: str
    deleted: set[str]
    report: Json


def dry_run(path: Path, policy: GcPolicy) -> Outcome:
    with lashgraph.open(path) as store:
        try:
            plan = store.plan_gc(policy)
        except DamagedStoreError as error:
            assert error.findings, "a refusal names what is wrong"
            return Outcome("refuse", set(), None)
    assert len(plan.doomed_hashes) == len(set(plan.doomed_hashes))
    assert list(plan.doomed()["hash"]) == list(plan.doomed_hashes)
    assert set(plan.kept()["hash"]) == blob_hashes(path) - set(plan.doomed_hashes)
    return Outcome("sweep", set(plan.doomed_hashes), shown_report(plan))


def collection(path: Path, policy: GcPolicy) -> Outcome:
    return _sweep(path, lambda store: store.gc_unreachable(policy))


def planned_sweep(path: Path, policy: GcPolicy) -> Outcome:
    return _sweep(path, lambda store: store.sweep(store.plan_gc(policy), accept_unusual=True))


def _sweep(path: Path, run: Callable[[Any], Any]) -> Outcome:
    before = blob_hashes(path)
    report = None
    with lashgraph.open(path, mode="rw") as store:
        try:
            report = run(store)
        except DamagedStoreError as error:
            assert error.findings, "a refusal names what is wrong"
    gone = before - blob_hashes(path)
    if report is None:
        return Outcome("refuse", gone, None)
    return Outcome("sweep", gone, shown_report(report))


WAYS: list[Callable[[Path, GcPolicy], Outcome]] = [dry_run, collection, planned_sweep]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", each_case())
def test_a_collection_deletes_what_it_should_or_refuses(
    case: Case, way: Callable[[Path, GcPolicy], Outcome], tmp_path: Path
) -> None:
    path = unpack(case.gz, tmp_path)
    bytes_before = sha256(path.read_bytes())
    assert blob_hashes(path) == set(case.recorded["blobs_before"])
    outcome = way(path, case.policy)
    verdict = case.expected["verdict"]
    if verdict == "no_loss":
        assert outcome.deleted <= set(case.expected["may_delete"])
    else:
        assert outcome.verdict == verdict
        assert outcome.deleted == set(case.expected["deleted"])
    if outcome.verdict == "refuse" or way is dry_run:
        assert sha256(path.read_bytes()) == bytes_before
        assert_nothing_beside(path)


def assert_nothing_beside(path: Path) -> None:
    """No write-ahead log with content stands beside a file."""
    log = path.with_name(path.name + "-wal")
    assert not log.exists() or log.stat().st_size == 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", each_case())
def test_the_figures_of_a_collection_are_the_runtimes_where_it_lost_nothing(
    case: Case, way: Callable[[Path, GcPolicy], Outcome], tmp_path: Path
) -> None:
    outcome = way(unpack(case.gz, tmp_path), case.policy)
    runtime = case.recorded["runtime"]
    if outcome.verdict == "refuse":
        assert outcome.report is None
    elif case.policy_name == "runtime_policy" and outcome.deleted == set(runtime["deleted"]):
        assert outcome.report == runtime["gc_report"]
    else:
        assert outcome.report["deleted_blob_count"] == len(outcome.deleted)


@pytest.mark.parametrize("case", each_case())
def test_the_independent_oracle_agrees(case: Case, tmp_path: Path) -> None:
    path = unpack(case.gz, tmp_path)
    policy = case.policy
    judged = oracle.judge(path, policy=policy.name, keep_turns=policy.keep_turns)
    ours = dry_run(path, policy)
    assert (judged.verdict, set(judged.doomed)) == (ours.verdict, ours.deleted)


@pytest.mark.parametrize("case", each_case())
def test_a_second_collection_finds_nothing_to_delete(case: Case, tmp_path: Path) -> None:
    path = unpack(case.gz, tmp_path)
    first = collection(path, case.policy)
    second = collection(path, case.policy)
    assert (second.verdict, second.deleted) == (first.verdict, set())


# Reading


@contextmanager
def told_of_damage() -> Iterator[list[str]]:
    """Collect what is warned of; every warning must be about damaged data."""
    told: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield told
    assert all(issubclass(warning.category, DamagedDataWarning) for warning in caught), caught
    told.extend(str(warning.message) for warning in caught)


@pytest.mark.parametrize("gz", each_store())
def test_nodes_load_as_in_the_runtime_and_no_row_vanishes_silently(
    gz: Path, tmp_path: Path
) -> None:
    path = unpack(gz, tmp_path)
    expected = Case(gz, "").recorded["runtime"]["load_graph"]
    with lashgraph.open(path) as store, told_of_damage() as told:
        graph = store.load_session_graph()
    assert graph.ids == expected
    assert graph.leaf is None
    live = rows(path, "SELECT count(*) FROM graph_nodes WHERE tombstoned = 0")[0][0]
    if live > len(expected):
        assert told, "rows were left out without a word"


@pytest.mark.parametrize("gz", each_store())
def test_the_active_path_is_the_runtimes(gz: Path, tmp_path: Path) -> None:
    path = unpack(gz, tmp_path)
    runtime = Case(gz, "").recorded["runtime"]
    expected = runtime["active_path"]
    with lashgraph.open(path) as store, told_of_damage():
        if "error" in expected:
            with pytest.raises(LashgraphError):
                store.load_session(scope="active")
            with pytest.raises(LashgraphError):
                store.load_active_path()
            return
        session = store.load_session(scope="active")
        active = store.load_active_path()
    if expected == "never returns":
        for ids in (active.ids, session.graph.ids):
            assert sorted(ids) == sorted(runtime["load_graph"])
    elif expected == {"session": None}:
        assert session is None
        assert active.ids == []
    else:
        assert active.ids == expected["ids"]
        assert session.graph.ids == expected["ids"]
        assert tool_generation(session.checkpoint) == expected["checkpoint_tool_generation"]


def tool_generation(checkpoint: Any) -> int | None:
    """The generation of a checkpoint's tool state, None where either could not be read."""
    state = checkpoint.tool_state if checkpoint is not None else None
    return state.generation if state is not None else None


@pytest.mark.parametrize("gz", each_store())
def test_damage_is_listed_among_the_problems(gz: Path, tmp_path: Path) -> None:
    with lashgraph.open(unpack(gz, tmp_path)) as store, told_of_damage():
        problems = store.problems()
    assert problems.empty == (stem(gz) in NO_PROBLEM), problems.to_string()


NO_PROBLEM: set[str] = {
    "artifact-is-manifest",
    "artifact-old-manifest",
    "blob-hash-mismatch",
    "head-extra-field",
    "head-superseded-frame",
    "healthy",
    "manifest-bin-content",
    "manifest-no-turn-state",
    "manifest-positional",
    "manifest-raw",
    "manifest-trailing-bytes",
    "node-names-archive",
    "node-tombstoned-parent",
}
"""Stores that hold nothing unreadable or missing, however unusual they are.

The contents of blobs are not hashed for this list: that reads the whole file.
"""
