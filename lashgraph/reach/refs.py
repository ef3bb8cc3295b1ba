"""Refs: every place in a store that names a blob, under one key each."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from itertools import chain
from typing import Any, Literal, NamedTuple

from lashgraph.format import jsontext
from lashgraph.format.commit import TurnResult, decode_turn_result
from lashgraph.format.head import HeadRefs, head_refs
from lashgraph.format.names import ARCHIVE_KEY, has_escape, hashes_in
from lashgraph.format.strict import Invalid, Pairs
from lashgraph.sqlite import artifacts, commits, heads, nodes
from lashgraph.sqlite.connect import dialect_of, text_of

_ESCAPED_ASCII = re.compile(rb"\\u00([2-7][0-9a-fA-F])")
_SURROGATE = re.compile("[\ud800-\udfff]")

SourceKind = Literal[
    "head",
    "anchor",
    "agent_frame",
    "head_text",
    "artifact",
    "manifest",
    "turn_commit",
    "archive",
    "unreadable_node",
]


class Ref(NamedTuple):
    """One naming of a blob.

    Attributes
    ----------
    ref : str
        Key of the source: ``head``, ``artifact:…``, ``agent_frame:…``, ``head_text:…``, ``turn:…``,
        ``archive:…``.
    source_kind : str
        What names the blob.
    source_id : str
        Which one of that kind.
    field : str
        The field that holds the name.
    blob_hash : str
        The blob named, present or not.
    """

    ref: str
    source_kind: SourceKind
    source_id: str
    field: str
    blob_hash: str


class TurnRefs(NamedTuple):
    """What a recorded turn names, and where it stands in the order of turns."""

    ref: str
    turn: commits.TurnRow
    result: TurnResult | None
    reason: str

    def named(self) -> list[Ref]:
        """The checkpoint that the turn recorded, and what it recorded of its manifest."""
        if self.result is None:
            return []
        named = [("checkpoint_ref", self.result.checkpoint_ref), *self.result.manifest.children()]
        return [Ref(self.ref, "turn_commit", self.turn.turn_id, name, key) for name, key in named]


class StoreRefs(NamedTuple):
    """All refs of a store, without those inside manifests.

    Attributes
    ----------
    head : HeadRefs or None
        What the head names; None where it is absent or unreadable.
    head_damage : str
        Why the head is unreadable; empty otherwise.
    has_head : bool
        Whether there is a head row.
    artifacts : list of Ref
        By artifact ref.
    turns : list of TurnRefs
        Latest last; unreadable ones first.
    others : list of Ref
        Heads of the other sessions of the file, and nodes that are pinned.
    other_turns : list of TurnRefs
        Turns of the other sessions of the file.
    """

    head: HeadRefs | None
    head_damage: str
    has_head: bool
    session_id: str
    artifacts: list[Ref]
    turns: list[TurnRefs]
    others: list[Ref]
    other_turns: list[TurnRefs]

    def head_roots(self) -> list[Ref]:
        """The checkpoint that the head names."""
        if self.head is None:
            return []
        return [
            Ref("head", "head", self.session_id, "checkpoint_ref", checkpoint)
            for checkpoint in self.head.checkpoint_refs
        ]

    def agent_frames(self) -> list[Ref]:
        """The execution states that the head's agent frames name."""
        if self.head is None:
            return []
        return [
            Ref(f"agent_frame:{frame}", "agent_frame", frame, "execution_state_ref", state)
            for frame, state in self.head.execution_states
        ]


def collect_refs(connection: sqlite3.Connection) -> StoreRefs:
    """Read every ref of the head, the artifacts and the turns."""
    row = heads.row(connection)
    head, damage = None, ""
    if row is not None:
        try:
            head = head_refs(row.json)
        except Invalid as error:
            damage = str(error)
    session_id = (head.session_id if head else "") or (row.session_id if row else "")
    is_one_of_many = bool(dialect_of(connection).sessions)
    return StoreRefs(
        head=head,
        head_damage=damage,
        has_head=row is not None,
        session_id=session_id,
        artifacts=[
            Ref(f"artifact:{name}", "artifact", name, "blob_ref", target)
            for name, target in artifacts.refs(connection)
        ],
        turns=_turns(connection, session_id),
        others=_others(connection),
        other_turns=_turns(connection, session_id, "other_turns") if is_one_of_many else [],
    )


def _others(connection: sqlite3.Connection) -> list[Ref]:
    """Checkpoints that keep the other sessions of the file alive, and nodes that are pinned."""
    statement = dialect_of(connection).other_roots
    if not statement:
        return []
    rows = sorted(tuple(map(text_of, row)) for row in connection.execute(statement))
    return [
        Ref(key, "anchor" if kind == "anchor" else "head", source, "checkpoint_ref", checkpoint)
        for key, kind, source, checkpoint in rows
    ]


def _turns(
    connection: sqlite3.Connection, session_id: str, table: str = "runtime_turn_commits"
) -> list[TurnRefs]:
    found = []
    form = dialect_of(connection).records.result
    for turn in commits.turns(connection, table):
        try:
            result, reason = decode_turn_result(turn.result_json, form), ""
        except Invalid as error:
            result, reason = None, str(error)
        found.append(TurnRefs(turn_key(turn, session_id), turn, result, reason))
    found.sort(
        key=lambda t: (
            -1 if t.result is None else t.result.head_revision,
            t.turn.committed_at_ms or 0,
            t.turn.rowid,
        )
    )
    return found


def turn_key(turn: commits.TurnRow, session_id: str) -> str:
    """Key of a turn; one of another session than the file's says which."""
    foreign = "" if turn.session_id == session_id else f"@{turn.session_id}"
    return f"turn:{turn.turn_id}{foreign}"


def node_refs(connection: sqlite3.Connection) -> list[Ref]:
    """Blobs that live nodes name: archives of pruned parts, and hashes in unreadable rows.

    A node that can be read names what stands under a key ``archive_hash``, wherever in it. Of one
    that cannot be read every run of 64 hex digits is taken for a name, escaped digits too.
    """
    found: list[Ref] = []
    for row in nodes.suspects(connection):
        key = f"archive:{row.node_id}"
        if row.is_readable:
            archives = _archive_hashes(row.text)
            found += (Ref(key, "archive", row.node_id, "archive_hash", name) for name in archives)
        else:
            seen = dict.fromkeys(chain.from_iterable(map(hashes_in, spellings(row.text))))
            found += (Ref(key, "unreadable_node", row.node_id, "node_json", name) for name in seen)
    return found


def spellings(text: bytes) -> Iterator[bytes]:
    """A text, and where letters and digits of it are escaped, the same with these as such."""
    yield text
    if has_escape(text):
        yield _ESCAPED_ASCII.sub(lambda found: bytes([int(found[1], 16)]), text)


def _archive_hashes(text: bytes) -> list[str]:
    """What stands in a node under a key ``archive_hash``: both, where such a key stands twice.

    A quick decoder drops one of two equal keys; that shows where it finds fewer names than the
    text has. A text that no file can hold, half of a surrogate pair, names nothing.
    """
    escaped = _ESCAPED_ASCII.search(text) is not None
    wanted = text.count(ARCHIVE_KEY)
    if not wanted and not escaped:
        return []
    names = list(_under_archive_key(jsontext.value_of(text)))
    if escaped or len(names) != wanted:
        names = list(_under_archive_key(jsontext.parse(text, Pairs)))
    return [name for name in names if _SURROGATE.search(name) is None]


def _under_archive_key(value: Any) -> Iterator[str]:
    if isinstance(value, (dict, Pairs)):
        for key, item in value.items() if isinstance(value, dict) else value:
            if key == "archive_hash" and isinstance(item, str):
                yield item
            else:
                yield from _under_archive_key(item)
    elif isinstance(value, list):
        for item in value:
            yield from _under_archive_key(item)
