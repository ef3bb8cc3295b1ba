"""Random damage: every call answers or raises an error of ours, and nothing named is deleted."""

from __future__ import annotations

import shutil
import sqlite3
import warnings
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import closing, suppress
from pathlib import Path
from time import monotonic
from typing import Any

from lashgraph.errors import LashgraphError, LashgraphWarning
from lashgraph.format.blob import unwrap
from lashgraph.reach import GcPolicy
from lashgraph.store import Store
from lashgraph.store import open as open_store
from lashgraph.testing import oracle
from lashgraph.testing.builders import SessionBuilder, Step, ToolCall
from lashgraph.testing.torture.mutations import change_cells, change_pages
from lashgraph.testing.torture.trial import Case, Trial, require

_PATIENCE = 60.0
"""Seconds that a call may take on a store of a hundred kilobytes, on a busy machine."""

_BROKEN = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises of a damaged file; its message may be no UTF-8."""

_READS = """
    sessions nodes messages parts tool_calls events steps agent_frames turns history usage
    attachments queued_work blobs refs checkpoints problems load_session load_head
    load_active_path token_ledger picker_info check plan_gc retention tree reachability
""".split()  # noqa: SIM905 - a list of one line each would fill the page


def make_seed(workshop: Path) -> Path:
    """A session that has a little of everything."""
    path = workshop / "seed.db"
    if path.exists():
        return path
    with SessionBuilder(path, "seed") as session:
        session.turn("first", "answer", [ToolCall("look", {"at": 1}, "seen")])
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
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def seed_cells(folder: Path) -> Mapping[str, tuple[bytes, ...]]:
    """The values of such a session, by what reads them."""
    path = make_seed(folder)
    with closing(sqlite3.connect(path)) as connection:

        def cells(statement: str) -> tuple[bytes, ...]:
            return tuple(dict.fromkeys(cell for (cell,) in connection.execute(statement)))

        stored = cells("SELECT content FROM blobs")
        contents = {blob.content: blob.kind for blob in map(unwrap, stored)}
        return {
            "envelope": stored,
            "head": cells("SELECT CAST(head_json AS BLOB) FROM session_head"),
            "manifest": tuple(one for one, kind in contents.items() if kind.endswith("Manifest")),
            "node": cells("SELECT CAST(node_json AS BLOB) FROM graph_nodes"),
            "state": tuple(one for one, kind in contents.items() if kind.startswith("Execution")),
            "turn": cells("SELECT CAST(result_json AS BLOB) FROM runtime_turn_commits"),
        }


def _try(case: Case) -> None:
    seed = make_seed(case.workshop)
    path = case.folder / "store.db"
    shutil.copy(seed, path)
    way = case.chance.choice([change_pages, change_cells, change_cells])
    way(path, case.chance)
    case.count(f"stores changed by {way.__name__}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LashgraphWarning)
        _read_all(path, case)
        _collect(path, oracle.judge(seed).kept, case)


def _read_all(path: Path, case: Case) -> None:
    before = path.read_bytes()
    for name, call in _calls(path, case):
        started = monotonic()
        try:
            call()
            case.count("calls answered")
        except LashgraphError as error:
            require(str(path) in str(error), f"{name}: no file named in: {error}")
            case.count("calls refused")
        took = monotonic() - started
        require(took < _PATIENCE, f"{name} took {took:.0f} s")
    require(path.read_bytes() == before, "reading wrote")


def _calls(path: Path, case: Case) -> Iterator[tuple[str, Callable[[], Any]]]:
    try:
        store = open_store(path)
    except LashgraphError as error:
        require(str(path) in str(error), f"open: no file named in: {error}")
        case.count("files refused")
        return
    with store:
        for name in _READS:
            yield name, getattr(store, name)
        yield "full check", lambda: store.check(level="full")
        yield "transcript", lambda: store.tree().transcript().chat()


def _collect(path: Path, kept: frozenset[str], case: Case) -> None:
    """Collect carefully; whatever was kept before the damage and is named still must stay."""
    held = _hashes(path) & kept
    named = {key for key in held if _is_named(path, key)}
    named |= held & _children(make_seed(case.workshop), named)
    with suppress(LashgraphError), open_store(path, "rw") as store:
        _sweep(store)
        case.count("stores collected")
    gone = held - _hashes(path)
    require(not gone & named, f"deleted, and named still: {sorted(gone & named)}")
    case.count("blobs whose name the damage took away, and that were deleted", len(gone))


def _sweep(store: Store) -> None:
    store.sweep(store.plan_gc(GcPolicy.safe()), accept_unusual=True)


def _hashes(path: Path) -> frozenset[str]:
    with suppress(*_BROKEN), closing(_reader(path)) as connection:
        return frozenset(
            key for (key,) in connection.execute("SELECT hash FROM blobs") if isinstance(key, str)
        )
    return frozenset()


def _is_named(path: Path, key: str) -> bool:
    """Whether an artifact, a node that is alive, or the head, wherever in it, holds a hash."""
    with suppress(*_BROKEN), closing(_reader(path)) as connection:
        for statement in (
            "SELECT 1 FROM session_head "
            "WHERE instr(lower(CAST(CAST(head_json AS BLOB) AS TEXT)), :key)",
            "SELECT 1 FROM artifact_refs WHERE blob_ref = :key",
            "SELECT 1 FROM graph_nodes WHERE tombstoned = 0 "
            "AND instr(CAST(node_json AS BLOB), CAST(:key AS BLOB))",
        ):
            if connection.execute(statement, {"key": key}).fetchone():
                return True
    return False


def _children(seed: Path, keys: Set[str]) -> Set[str]:
    """What the manifests among some blobs name in the session before the damage."""
    with open_store(seed) as store:
        refs = store.refs(columns=["source_kind", "source_id", "blob_hash"])
    of_them = (refs["source_kind"] == "manifest") & refs["source_id"].isin(keys)
    return {*refs.loc[of_them, "blob_hash"]}


def _reader(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    return connection


FUZZ = Trial(
    "fuzz",
    "bits and values changed at random: only errors of ours, nothing deleted that is named",
    6,
    _try,
)
