"""What is broken off: every operation that writes, on stores that it has much to do with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lashgraph.corpus import open_corpus
from lashgraph.errors import StoreExistsError
from lashgraph.gc import restore
from lashgraph.store import Store, StoreOptions
from lashgraph.store import open as open_store
from lashgraph.testing.builders import SessionBuilder, Step
from lashgraph.testing.torture.looking import ABSENT, check_sound, content_of
from lashgraph.testing.torture.trial import require

STORE = "store.db"
BACKUPS = "backups"
_EXPORT = "parquet"
_FRAMES = ("sessions", "nodes", "blobs")
_FILES = 4
_NOW = 1_800_000_000.0
"""Any time, but one: what an operation leaves must not depend on when it ran."""

State = dict[str, str]


def _clock() -> float:
    return _NOW


OPTIONS = StoreOptions(clock=_clock)


@dataclass(frozen=True)
class Operation:
    """Something that writes, and what must hold wherever it is broken off.

    Attributes
    ----------
    name : str
        What it is called.
    build : callable
        Makes the state before in an empty folder.
    run : callable
        Does it in such a folder; run again it completes what was broken off, and changes nothing
        if there was nothing to complete.
    call : callable or None
        The same on a store that is open.
    state : callable
        What the folder holds; each part of it is as before or as after.
    check : callable
        What must hold besides, in whatever state.
    """

    name: str
    build: Callable[[Path], None]
    run: Callable[[Path], None]
    call: Callable[[Store, Path], None] | None
    state: Callable[[Path], State]
    check: Callable[[Path, State, State], None]

    def __reduce__(self) -> tuple[Any, ...]:
        return _named, (self.name,)


def stores_of(folder: Path) -> list[Path]:
    """The session files in a folder."""
    return sorted(folder.glob("*.db"))


# Stores


def _session(path: Path, seed: int = 0, turns: int = 5) -> None:
    """A session with agent frames, a module, tombstones, an archive, and garbage of all sizes."""
    with SessionBuilder(path, f"session-{seed}", seed=seed) as session:
        for number in range(turns):
            session.remember(3_000 + 2_500 * number)
            session.turn(f"Question {number}?", "An answer. " * 20)
        session.code_turn("Count.", [Step("x = 1", ["1"])])
        session.module(f"module {seed}")
        session.new_agent_frame("compaction")
        session.archive("long ago " * 300, "see the archive")
        session.turn("Forget this.", "Gone.")
        session.tombstone([str(session.leaf)])
        session.garbage(6, 7_000)


def _nothing(folder: Path) -> None:
    """A folder without a store."""


def _one(folder: Path) -> None:
    _session(folder / STORE)


def _swept(folder: Path) -> None:
    """A store whose garbage is gone and whose pages are free, and a backup of it as it was."""
    _one(folder)
    with open_store(folder / STORE, "rw", OPTIONS) as store:
        store.sweep(store.plan_gc(), backup=folder / BACKUPS)


def _tidy(folder: Path) -> None:
    """A store without garbage."""
    _one(folder)
    with open_store(folder / STORE, "rw", OPTIONS) as store:
        store.gc_unreachable()


def _lost(folder: Path) -> None:
    """A backup whose store is gone."""
    _swept(folder)
    (folder / STORE).unlink()


def _several(folder: Path) -> None:
    for number in range(_FILES):
        _session(folder / f"{number}.db", number, 3)


def _exported(folder: Path) -> None:
    """Sessions of which two changed since they were exported."""
    for number in range(3):
        with SessionBuilder(folder / f"{number}.db", f"session-{number}", seed=number) as session:
            session.turn("Hello?", "Hello.")
    with open_corpus(folder) as corpus:
        corpus.to_parquet(folder / _EXPORT, frames=_FRAMES)
    for number in (0, 2):
        with open_store(folder / f"{number}.db", "rw", OPTIONS) as store:
            store.put_blob(b"one more")


# Operations on a store that is open


def _nodes(kind: str, count: int) -> list[dict[str, Any]]:
    return [
        {
            "node_id": f"{kind}-{number}",
            "timestamp": "2026-05-05T00:00:00+00:00",
            "kind": "plugin",
            "plugin_type": kind,
            "body": "x" * 900,
        }
        for number in range(count)
    ]


def _sweep(store: Store, _folder: Path) -> None:
    store.sweep(store.plan_gc())


def _sweep_and_compact(store: Store, folder: Path) -> None:
    store.sweep(store.plan_gc(), backup=folder / BACKUPS, compact=True)


def _sweep_securely(store: Store, _folder: Path) -> None:
    store.sweep(store.plan_gc(), secure=True)


def _back_up(store: Store, folder: Path) -> None:
    """A sweep of nothing, for its backup."""
    store.sweep(store.plan_gc(), backup=folder / BACKUPS)


def _gc(store: Store, _folder: Path) -> None:
    store.gc_unreachable()


def _append(store: Store, _folder: Path) -> None:
    new = _nodes("appended", 40)
    there = set(store.load_session_graph().ids)
    store.append_session_graph_nodes(node for node in new if node["node_id"] not in there)


def _replace(store: Store, _folder: Path) -> None:
    store.replace_session_graph(_nodes("replaced", 40))


def _vacuum(store: Store, _folder: Path) -> None:
    store.vacuum()


def _compact(store: Store, _folder: Path) -> None:
    store.compact()


def _commit(store: Store, _folder: Path) -> None:
    """A turn; committed again it is answered from its record."""
    text = b"a turn"
    store.commit_runtime_state(
        {
            "session_id": store.session_id,
            "config": {
                "provider_id": "sample",
                "model": {"id": "m", "limits": {"context_window_tokens": 1_000}},
            },
            "graph": {"Append": {"nodes": _nodes("committed", 12), "leaf_node_id": "committed-11"}},
            "checkpoint": {
                "turn_state": {"turn_index": 99},
                "execution_state": list(text * 2_000),
            },
            "usage_deltas": [
                {"source": "turn", "model": "m", "usage": {"input_tokens": 9, "output_tokens": 1}}
            ],
            "turn_commit": {
                "session_id": store.session_id,
                "turn_id": "the-turn",
                "turn_commit_hash": hashlib.sha256(text).hexdigest(),
            },
        }
    )


def _opened(call: Callable[[Store, Path], None]) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        with open_store(folder / STORE, "rw", OPTIONS) as store:
            call(store, folder)

    return run


# Operations on files


def _create(folder: Path) -> None:
    with suppress(StoreExistsError):
        open_store(folder / STORE, "create", OPTIONS).close()


def _restore(folder: Path) -> None:
    [backup] = (folder / BACKUPS).glob("*.backup")
    restore(backup, to=folder / STORE, accept_loss=True)


def _batch(folder: Path, executor: int | None = None) -> None:
    with open_corpus(folder, mode="rw", options=OPTIONS) as corpus:
        corpus.plan_gc().sweep(backup=folder / BACKUPS, compact=True, executor=executor)


def _batch_of_two(folder: Path) -> None:
    _batch(folder, 2)


def _export(folder: Path) -> None:
    with open_corpus(folder) as corpus:
        corpus.to_parquet(folder / _EXPORT)


# States


def store_states(folder: Path) -> State:
    """What each store of a folder holds."""
    found = {path.name: content_of(path) for path in stores_of(folder)}
    return found or {STORE: ABSENT}


def _export_state(folder: Path) -> State:
    with open_corpus(folder / _EXPORT) as corpus:
        nodes, blobs = corpus.nodes(), corpus.blobs()
        rows = [corpus.sessions()["session_id"].tolist()]
        rows += [
            sorted(zip(frame["session_id"], frame[key], strict=True))
            for frame, key in ((nodes, "node_id"), (blobs, "hash"))
        ]
    return {_EXPORT: hashlib.sha256(json.dumps(rows).encode()).hexdigest()}


def _check_nothing(_folder: Path, _before: State, _after: State) -> None:
    pass


def _check_backups(folder: Path, before: State, after: State) -> None:
    """See that whatever is named a backup is one, and says where it was made of."""
    known = {*before.values(), *after.values()}
    for backup in (folder / BACKUPS).glob("*.backup"):
        check_sound(backup)
        require(content_of(backup) in known, f"{backup} holds another state")
        note = Path(f"{backup}.json")
        require(note.exists(), f"{backup} has no note")
        named = json.loads(note.read_text())["restores"]
        require(Path(named).name in before, f"{note} names {named}")


def _on_store(name: str, call: Callable[[Store, Path], None], build: Any = _one) -> Operation:
    return Operation(name, build, _opened(call), call, store_states, _check_backups)


OPERATIONS: Mapping[str, Operation] = {
    made.name: made
    for made in (
        _on_store("sweep", _sweep),
        _on_store("sweep with backup and compaction", _sweep_and_compact),
        _on_store("secure sweep", _sweep_securely),
        _on_store("backup", _back_up, _tidy),
        _on_store("collection in one step", _gc),
        _on_store("append", _append),
        _on_store("replace", _replace),
        _on_store("commit", _commit),
        _on_store("vacuum", _vacuum),
        _on_store("compact", _compact, _tidy),
        Operation("create", _nothing, _create, None, store_states, _check_nothing),
        Operation("restore", _swept, _restore, None, store_states, _check_nothing),
        Operation("restore a lost file", _lost, _restore, None, store_states, _check_nothing),
        Operation("batch", _several, _batch, None, store_states, _check_backups),
        Operation(
            "batch in processes", _several, _batch_of_two, None, store_states, _check_backups
        ),
        Operation("export to Parquet", _exported, _export, None, _export_state, _check_nothing),
    )
}
"""Every operation by its name."""


def _named(name: str) -> Operation:
    return OPERATIONS[name]


def perform(name: str, folder: str) -> None:
    """An operation, in a child."""
    OPERATIONS[name].run(Path(folder))


def perform_on_open_store(name: str, store: Store, folder: str) -> None:
    """An operation on a store that is open."""
    call = OPERATIONS[name].call
    assert call is not None
    call(store, Path(folder))
