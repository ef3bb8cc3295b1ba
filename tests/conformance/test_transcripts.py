"""Each recorded run of operations, replayed on a file of our own, gives the runtime's answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from recorded import (
    Json,
    check,
    decoded_tables,
    final_tables,
    read_lines,
    rows,
    short,
    shown,
    shown_batch,
    shown_report,
    shown_session,
    without_nulls,
)
from stores import recorded_params

import lashgraph
from lashgraph import GcPolicy, StoreOptions
from lashgraph.errors import (
    DamagedStoreError,
    DuplicateNodeError,
    HeadRevisionConflictError,
    LashgraphError,
    SessionBindingError,
    TurnCommitConflictError,
)
from lashgraph.testing import oracle


@pytest.mark.parametrize("transcript", recorded_params("transcripts/*.jsonl.gz"))
def test_every_answer_and_the_final_file_are_the_runtimes(transcript: Path, tmp_path: Path) -> None:
    first, *steps, last = read_lines(transcript)
    path = tmp_path / "replay.db"
    options = StoreOptions(
        blob_profile=first["profile"],
        gc_policy=GcPolicy.runtime(auto_run_every_commits=first["auto_gc_every_commits"]),
    )
    with lashgraph.open(path, mode="create", options=options) as store:
        replay = Replay(store, path)
        for number, step in enumerate(steps, start=2):
            replay.run(step, f"{transcript.name} line {number}, {step['op']}")
    expected, got = decoded_tables(last["final"]), final_tables(path)
    for table in expected:
        check(expected[table], got[table], f"{transcript.name}, the file at the end", table)
    assert set(got) == set(expected)
    for policy in (GcPolicy.runtime(), GcPolicy.safe()):
        check_against_oracle(path, policy, transcript.name)


def check_against_oracle(path: Path, policy: GcPolicy, name: str) -> None:
    """A dry run over the file at the end names what the independent oracle names."""
    judged = oracle.judge(path, policy=policy.name)
    with lashgraph.open(path) as store:
        try:
            verdict, doomed = "sweep", set(store.plan_gc(policy).doomed_hashes)
        except DamagedStoreError:
            verdict, doomed = "refuse", set()
    assert (verdict, doomed) == (judged.verdict, set(judged.doomed)), f"{name}, {policy.name}"


@dataclass
class Replay:
    """One open store, and what was done to it so far."""

    store: Any
    path: Path
    turns: set[tuple[str, str]] = field(default_factory=set)

    def run(self, step: Json, context: str) -> None:
        """Run one operation and compare its answer."""
        run: Callable[[Json], Json] = getattr(self, f"do_{step['op']}")
        expected = answer(step)
        try:
            got = run(step)
        except LashgraphError as error:
            check_refusal(step["result"], error, context)
            return
        except AssertionError as error:
            raise AssertionError(f"{context}: {error}") from error
        if "error" in step["result"]:
            raise AssertionError(f"{context}: expected {short(step['result'])}, got {short(got)}")
        check(expected, got, context)

    # blobs

    def do_put_blob(self, step: Json) -> Json:
        data = bytes.fromhex(step["hex"])
        key = self.store.put_blob(data)
        assert self.store.get_blob(key) == data, "the blob reads back otherwise"
        return {"hash": key}

    def do_put_artifact(self, step: Json) -> Json:
        data = bytes.fromhex(step["hex"])
        key = self.store.put_artifact_blob(step["descriptor"], data)
        assert self.store.get_blob(key) == data, "the blob reads back otherwise"
        return {"hash": key}

    def do_put_checkpoint(self, step: Json) -> Json:
        return shown(self.store.put_checkpoint(step["checkpoint"]))

    def do_put_module(self, step: Json) -> Json:
        content = bytes.fromhex(step["hex"])
        key = self.store.put_module_artifact(step["artifact_ref"], content)
        kept = self.store.get_module_artifact(step["artifact_ref"])
        assert kept == content, "the module reads back otherwise"
        return {"blob_ref": key}

    def do_gc(self, _step: Json) -> Json:
        return shown_report(self.store.gc_unreachable(GcPolicy.runtime()))

    # commits

    def do_commit(self, step: Json) -> Json:
        stamp = step["commit"]["turn_commit"]
        turn = (stamp["session_id"], stamp["turn_id"]) if stamp else None
        result = self.store.commit_runtime_state(step["commit"])
        assert result.replayed == (turn in self.turns), "replayed says otherwise"
        if turn is not None:
            self.turns.add(turn)
        answered = {
            "head_revision": result.head_revision,
            "checkpoint_ref": result.checkpoint_ref,
            "manifest": shown(result.manifest),
        }
        return {"result": answered}

    # the graph

    def do_append_nodes(self, step: Json) -> Json:
        taken = {row[0] for row in rows(self.path, "SELECT node_id FROM graph_nodes")}
        return self.written(self.store.append_session_graph_nodes, step["nodes"], taken)

    def do_replace_graph(self, step: Json) -> Json:
        return self.written(self.store.replace_session_graph, step["graph"]["nodes"], set())

    def written(self, write: Callable[[Json], None], nodes: Json, taken: set[str]) -> Json:
        """Write nodes; what the runtime loses without a word must raise and change nothing."""
        ids = [node["node_id"] for node in nodes]
        if len(set(ids)) == len(ids) and taken.isdisjoint(ids):
            write(nodes)
        else:
            before = final_tables(self.path)
            with pytest.raises(DuplicateNodeError):
                write(nodes)
            assert final_tables(self.path) == before, "a refused write changed the file"
        return {"ok": True}

    def do_tombstone(self, step: Json) -> Json:
        live = "SELECT node_id FROM graph_nodes WHERE tombstoned = 0"
        before = {row[0] for row in rows(self.path, live)}
        self.store.tombstone_nodes(step["ids"])
        after = {row[0] for row in rows(self.path, live)}
        assert after == before - set(step["ids"]), "other nodes are tombstoned"
        return {"ok": True}

    def do_vacuum(self, _step: Json) -> Json:
        return {"removed_node_count": self.store.vacuum()}

    def do_load_graph(self, _step: Json) -> Json:
        graph = self.store.load_session_graph()
        return {"ids": graph.ids, "leaf": graph.leaf}

    def do_load_node(self, step: Json) -> Json:
        return {"node": shown(self.store.load_node(step["id"]))}

    def do_load_session(self, step: Json) -> Json:
        session = self.store.load_session(scope=step["scope"], leaf=step.get("leaf"))
        return {"session": shown_session(session)}

    # head, metadata, usage

    def do_load_head_meta(self, _step: Json) -> Json:
        return {"meta": shown(self.store.load_head())}

    def do_save_meta(self, step: Json) -> Json:
        self.store.save_meta(step["meta"])
        return {"ok": True}

    def do_load_meta(self, _step: Json) -> Json:
        return {"meta": without_nulls(shown(self.store.load_meta()))}

    def do_picker(self, _step: Json) -> Json:
        return {"picker": without_nulls(shown(self.store.picker_info()))}

    def do_append_usage(self, step: Json) -> Json:
        self.store.append_usage_deltas(step["entries"])
        return {"ok": True}

    def do_load_usage(self, _step: Json) -> Json:
        return {"entries": shown(self.store.load_usage_deltas())}

    # attachments and the queue

    def do_intent(self, step: Json) -> Json:
        self.store.record_attachment_intent(
            step["attachment_id"], step["session_id"], step["uri"], step["at"]
        )
        return {"ok": True}

    def do_commit_refs(self, step: Json) -> Json:
        self.store.commit_attachments(step["session_id"], step["ids"])
        return {"ok": True}

    def do_forget(self, step: Json) -> Json:
        self.store.forget_attachment(step["attachment_id"])
        return {"ok": True}

    def do_list_uncommitted(self, step: Json) -> Json:
        listed = self.store.list_uncommitted_attachments(step["older_than"])
        return {"ids": [attachment.attachment_id for attachment in listed]}

    def do_enqueue(self, step: Json) -> Json:
        return {"batch": shown_batch(self.store.enqueue_work(step["draft"]), clock=False)}

    def do_list_queued(self, step: Json) -> Json:
        batches = self.store.list_queued_work(step["session_id"])
        return {"batches": [shown_batch(batch, clock=False) for batch in batches]}


def answer(step: Json) -> Json:
    """The recorded answer, with null optional fields of the outermost record left out."""
    result = step["result"]
    if step["op"] in ("load_meta", "picker"):
        (name,) = result
        return {name: without_nulls(result[name])}
    if step["op"] == "load_session" and result["session"] is not None:
        session = dict(result["session"])
        session["checkpoint"] = without_nulls(session["checkpoint"])
        return {"session": session}
    return result


REFUSALS: dict[str, tuple[type[LashgraphError], str, tuple[str, ...]]] = {
    "HeadRevisionConflict": (
        HeadRevisionConflictError,
        r"expected Some\((\d+)\), actual (\d+)$",
        ("expected", "actual"),
    ),
    "SessionBindingMismatch": (
        SessionBindingError,
        r"already bound to session `(.+)` and cannot be reused for `(.+)`$",
        ("bound_to", "session_id"),
    ),
    "RuntimeTurnCommitConflict": (
        TurnCommitConflictError,
        r"turn `(.+)` for session `(.+)` was already committed",
        ("turn_id", "session_id"),
    ),
    "Backend": (
        DuplicateNodeError,
        r"UNIQUE constraint failed: graph_nodes\.node_id$",
        (),
    ),
}
"""Our error for each refusal, what the runtime's message says, the attributes that say it."""


def check_refusal(result: Json, error: LashgraphError, context: str) -> None:
    """Compare our error with the runtime's refusal: its class, and the facts it carries."""
    got = f"{type(error).__name__}: {error}"
    if "error" not in result:
        raise AssertionError(f"{context}: expected {short(result)}, got {got}") from error
    cls, pattern, attributes = REFUSALS[result["error"]]
    says = re.search(pattern, result["message"])
    assert says is not None, f"{context}: this refusal is of a kind not seen: {short(result)}"
    assert isinstance(error, cls), f"{context}: expected {cls.__name__}, got {got}"
    facts = [str(getattr(error, name, None)) for name in attributes]
    check(list(says.groups()), facts, context, ", ".join(attributes))
