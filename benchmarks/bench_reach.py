"""Reachability: why, retained sizes and sets of refs against the mark itself."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest import scaled
from ratios import Ratios

import lashgraph as lg
from lashgraph.format.blob import EXECUTION_STATE, MANIFEST, TOOL_STATE, Descriptor, wrap
from lashgraph.format.checkpoint import Manifest, encode_manifest
from lashgraph.format.commit import TurnResult, encode_turn_result
from lashgraph.reach import mark
from lashgraph.reach.layers import Layers

TURNS, MESSAGES = scaled(1_000), scaled(1_000)
ARCHIVES_PER_MESSAGE = 97
POLICY = lg.GcPolicy.safe(keep_turns=TURNS)


class Maker:
    """Inserts blobs, turns and messages as the runtime stores them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.random = random.Random(0)

    def blob(self, kind: Descriptor, content: bytes) -> str:
        key = hashlib.sha256(content).hexdigest()
        self.connection.execute(
            "INSERT OR IGNORE INTO blobs (hash, content) VALUES (?, ?)",
            (key, wrap(kind, content, "balanced")),
        )
        return key

    def turn(self, number: int) -> str:
        """A checkpoint whose execution state is its own, and whose tools stay for ten turns."""
        named = Manifest(
            tool_state_ref=self.blob(TOOL_STATE, b"tools %d" % (number // 10)),
            execution_state_ref=self.blob(EXECUTION_STATE, self.random.randbytes(700)),
        )
        key = self.blob(MANIFEST, encode_manifest(named))
        result = TurnResult(head_revision=number + 1, checkpoint_ref=key, manifest=named)
        self.connection.execute(
            "INSERT INTO runtime_turn_commits (session_id, turn_id, turn_commit_hash, "
            "result_json, committed_at_ms) VALUES ('large', ?, '', ?, ?)",
            (f"t{number}", encode_turn_result(result), number),
        )
        return key

    def message(self, number: int, archived: list[str]) -> None:
        """A message whose parts were pruned; the first archive is one of the message before."""
        own = [
            self.blob(Descriptor(kind="GenericBlob"), self.random.randbytes(700))
            for _ in range(ARCHIVES_PER_MESSAGE)
        ]
        parts = [
            {
                "id": f"p{at}",
                "kind": "ToolResult",
                "content": "",
                "prune_state": {"Deleted": {"breadcrumb": "", "archive_hash": key}},
            }
            for at, key in enumerate(archived[-1:] + own)
        ]
        archived += own
        message = {"id": f"m{number}", "role": "User", "parts": parts}
        node = {
            "node_id": f"m{number}",
            "timestamp": "2026-01-01T00:00:00+00:00",
            "kind": "event",
            "event": {"Conversation": message},
        }
        self.connection.execute(
            "INSERT INTO graph_nodes (node_id, node_json) VALUES (?, ?)",
            (f"m{number}", json.dumps(node, separators=(",", ":"))),
        )


@pytest.fixture(scope="module")
def rooted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About 100,000 blobs of 1 kB under 2,000 roots: 1,000 turns, 1,000 messages."""
    path = tmp_path_factory.mktemp("reach") / "reach.db"
    with lg.open(path, "create") as store:
        store.save_head(
            {
                "session_id": "large",
                "config": {
                    "provider_id": "sample",
                    "model": {"id": "m", "limits": {"context_window_tokens": 200_000}},
                },
            }
        )
    with closing(sqlite3.connect(path)) as connection:
        maker = Maker(connection)
        checkpoints = [maker.turn(number) for number in range(TURNS)]
        archived: list[str] = []
        for number in range(MESSAGES):
            maker.message(number, archived)
        connection.execute(
            "UPDATE session_head SET head_json = json_set(head_json, '$.checkpoint_ref', ?)",
            (checkpoints[-1],),
        )
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture(scope="module")
def reach(rooted: Path) -> lg.Reachability:
    with lg.open(rooted) as store:
        return store.reachability(POLICY)


def fresh(reach: lg.Reachability) -> lg.Reachability:
    """The same facts, nothing asked of them yet."""
    return lg.Reachability(reach._facts)


def marked(path: Path) -> object:
    with lg.open(path) as store:
        return store._database.read(lambda connection: mark(connection, POLICY))


def test_reachability(benchmark: Any, rooted: Path, ratios: Ratios) -> None:
    def make() -> object:
        with lg.open(rooted) as store:
            return store.reachability(POLICY)

    ratios.compare(
        benchmark,
        "`reachability`: the mark, kinds of all blobs, refs that are no roots",
        make,
        ("the mark", lambda: marked(rooted)),
        target="none set",
    )


def test_retained(benchmark: Any, rooted: Path, reach: lg.Reachability, ratios: Ratios) -> None:
    assert len(reach.blobs()) >= 90 * MESSAGES
    ratios.compare(
        benchmark,
        "`retained` of 100,000 blobs under 2,000 roots, of which nothing was asked before",
        lambda: fresh(reach).retained(),
        (
            "the mark and building its arrays",
            lambda: (marked(rooted), Layers(reach._facts)),
        ),
        target="≤ 1.5",
    )


def test_retained_from_the_file(
    benchmark: Any, rooted: Path, reach: lg.Reachability, ratios: Ratios
) -> None:
    def ask() -> object:
        with lg.open(rooted) as store:
            return store.reachability(POLICY).retained()

    ratios.compare(
        benchmark,
        "`reachability().retained()`: the mark too, kinds, refs that are no roots",
        ask,
        (
            "the mark and building its arrays",
            lambda: (marked(rooted), Layers(reach._facts)),
        ),
        target="none set",
    )


def test_freed_by(benchmark: Any, rooted: Path, reach: lg.Reachability, ratios: Ratios) -> None:
    rng = random.Random(1)
    keys = list(reach.roots()["ref"].unique())
    sets = [rng.sample(keys, 10) for _ in range(1_000)]
    ratios.compare(
        benchmark,
        "`freed_by` of 1,000 sets of 10 refs each",
        lambda: fresh(reach).freed_by(sets),
        ("the mark", lambda: marked(rooted)),
        target="≤ 20",
    )


def test_why(benchmark: Any, rooted: Path, reach: lg.Reachability, ratios: Ratios) -> None:
    key = max(reach.live)
    ratios.compare(
        benchmark,
        "`why` of one of 100,000 blobs, the first that is asked",
        lambda: fresh(reach).why(key),
        ("the mark", lambda: marked(rooted)),
        target="none set",
    )
