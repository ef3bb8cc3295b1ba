"""A whole check: its parts in order, each of which survives what SQLite cannot read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

from lashgraph.check.blobs import blob_findings
from lashgraph.check.codes import LEVELS, Level
from lashgraph.check.declared import CODES
from lashgraph.check.finding import CheckFinding, guarded, unreadable
from lashgraph.check.graph import GraphRows, graph_findings
from lashgraph.check.head import head_findings, meta_findings, turn_findings
from lashgraph.check.ledger import queue_findings, usage_findings
from lashgraph.check.refs import LiveRefs, dangling_findings, loss_findings
from lashgraph.errors import InvalidRecordError
from lashgraph.format.checkpoint import Manifest
from lashgraph.reach import collect_refs
from lashgraph.reach.refs import StoreRefs
from lashgraph.sqlite import artifacts, commits, heads, integrity
from lashgraph.sqlite.integrity import BlobCell

_ORDER = {name: place for place, name in enumerate(CODES)}
_SQLITE = {"sqlite-damage", "sqlite-unreadable"}
_MANIFESTS = ("manifest-unreadable", "manifest-altered")


def check(connection: sqlite3.Connection, level: Level = "quick") -> list[CheckFinding]:
    """Everything that is wrong with a store, or odd about it.

    Parameters
    ----------
    connection : sqlite3.Connection
        With an open read transaction, so that all parts see one snapshot.
    level : {"quick", "full"}
        Quick scans the nodes once and reads of blobs the first bytes, and live manifests whole.
        Full also reads and hashes every content, one at a time, and checks SQLite's indexes.

    Returns
    -------
    list of CheckFinding
        The gravest first, then in the order of the declared codes, then in the file's order.

    Raises
    ------
    InvalidRecordError
        There is no such level.
    """
    if level not in LEVELS:
        raise InvalidRecordError(f"level {level!r}; known: {', '.join(map(repr, LEVELS))}")
    full = level == "full"
    found = [*_database(connection, full=full), *_contents(connection, full=full)]
    unread = _SQLITE & {finding.code for finding in found}
    if full and not unread and not integrity.odd_turns(connection):
        found += guarded("graph_nodes", loss_findings(connection))
    return sorted(dict.fromkeys(found), key=lambda finding: _ORDER[finding.code])


def find_problems(
    connection: sqlite3.Connection, graph: GraphRows | None = None
) -> list[CheckFinding]:
    """What cannot be read or names what is not there, in the order of the file's tables.

    These are findings of a quick check, without SQLite's own.

    Parameters
    ----------
    graph : GraphRows, optional
        A scan of the graph on the same snapshot, if one was made already.
    """
    found = _contents(connection, full=False, graph=graph)
    return [finding for finding in dict.fromkeys(found) if finding.about.is_problem]


def _database(connection: sqlite3.Connection, *, full: bool) -> Iterator[CheckFinding]:
    def own() -> Iterator[CheckFinding]:
        try:
            for line in integrity.own_check(connection, full=full):
                yield CheckFinding("sqlite-damage", "", "", line)
        except sqlite3.Error as error:
            if not integrity.is_damage(error):
                raise
            yield CheckFinding("sqlite-damage", "", "", f"SQLite's own check fails: {error}")

    def keys() -> Iterator[CheckFinding]:
        for table, rowid, parent in integrity.broken_foreign_keys(connection):
            if table != "queued_work_items":
                what = f"it names a row of {parent} that is not there"
                yield CheckFinding("foreign-key", table, f"rowid {rowid}", what)

    def schema() -> Iterator[CheckFinding]:
        for name in integrity.acting_objects(connection):
            yield CheckFinding("schema-acts", "sqlite_master", name, f"the file brings {name}")

    yield from own()
    yield from guarded("", keys())
    yield from guarded("sqlite_master", schema())


def _contents(
    connection: sqlite3.Connection, *, full: bool, graph: GraphRows | None = None
) -> list[CheckFinding]:
    """The rows of every table, one part after the other."""
    refs, found = _refs(connection)
    cells, cell_damage = _cells(connection)
    present = {cell.key: cell for cell in cells if type(cell.key) is str}
    if refs is not None:
        found += guarded("session_head", head_findings(connection, refs))
    found += guarded("session_meta", meta_findings(connection))
    found += guarded("graph_nodes", graph_findings(connection, graph))
    manifests: dict[str, Manifest] = {}
    if refs is not None:
        found += guarded("runtime_turn_commits", turn_findings(connection, refs))
        if not cell_damage:
            live = LiveRefs(connection, refs, present, full=full)
            found += guarded("blobs", live.findings())
            found += dangling_findings(refs, present)
            manifests = live.manifests
    told = {finding.key for finding in found if finding.code in _MANIFESTS}
    found += cell_damage
    found += guarded("blobs", blob_findings(connection, cells, told, full=full))
    of_head = [] if refs is None else [ref.blob_hash for ref in refs.head_roots()]
    checkpoints = [manifests[key] for key in of_head if key in manifests]
    turns = [] if refs is None else refs.turns
    found += guarded("usage_deltas", usage_findings(connection, checkpoints, turns))
    found += guarded("queued_work_items", queue_findings(connection))
    return found


def _refs(connection: sqlite3.Connection) -> tuple[StoreRefs | None, list[CheckFinding]]:
    """All refs, or the tables that prevent them from being read."""
    try:
        odd = integrity.odd_turns(connection)
        if not odd:
            return collect_refs(connection), []
    except sqlite3.Error as error:
        if not integrity.is_damage(error):
            raise
        odd = []
    what = "its time is no number; no refs were checked"
    found = [CheckFinding("turn-unreadable", "runtime_turn_commits", key, what) for key in odd]
    tables: dict[str, Callable[[sqlite3.Connection], object]] = {
        "session_head": heads.row,
        "artifact_refs": artifacts.refs,
        "runtime_turn_commits": commits.turns,
    }
    for table, read in tables.items():
        found += guarded(table, _only_reading(connection, read))
    return None, found


def _cells(connection: sqlite3.Connection) -> tuple[list[BlobCell], list[CheckFinding]]:
    try:
        return integrity.blob_cells(connection), []
    except sqlite3.Error as error:
        if not integrity.is_damage(error):
            raise
        return [], [unreadable("blobs", "", error)]


def _only_reading(
    connection: sqlite3.Connection, read: Callable[[sqlite3.Connection], object]
) -> Iterator[CheckFinding]:
    read(connection)
    yield from ()
