"""Roots by policy, and what they keep: plain sets, every question asked anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lashgraph.testing.oracle.documents import Head, read_head, read_turn
from lashgraph.testing.oracle.envelopes import children_of, read_manifest, says_manifest
from lashgraph.testing.oracle.nodes import keys_in_text, names_in_node
from lashgraph.testing.oracle.shapes import Struct, Unreadable
from lashgraph.testing.oracle.tables import Tables, TurnRow


class Refusal(Exception):  # noqa: N818 - it ends a judgement, it is no failure
    """Damage that could hide a root."""


class Root(NamedTuple):
    """One naming of a blob from which a collection starts.

    Attributes
    ----------
    ref : str
        Key of what names it, as in the column ``ref`` of ``store.refs()``.
    target : str
        The blob named.
    is_manifest : bool
        Whether it is followed to the blobs that it names itself.
    must_exist : bool
        Whether a collection is refused if it is missing.
    """

    ref: str
    target: str
    is_manifest: bool = False
    must_exist: bool = False


def roots(tables: Tables, *, safe: bool, keep_turns: int) -> Iterator[Root]:
    """All roots of a policy, repeated ones too.

    Raises
    ------
    Refusal
        A root could stand where nothing can be read.
    """
    if tables.odd_names:
        raise Refusal(f"{tables.odd_names[0]} is no text")
    head = _head(tables)
    if safe:
        _refuse_a_lost_head(tables, head)
    for checkpoint in head.checkpoints if head else ():
        yield Root("head", checkpoint, is_manifest=True, must_exist=safe)
    for name, target in tables.artifacts.items():
        followed = safe and says_manifest(tables.blobs.get(target, b""))
        yield Root(f"artifact:{name}", target, is_manifest=followed)
    if safe:
        for frame, state in head.states if head else ():
            yield Root(f"agent_frame:{frame}", state)
        keys = set(tables.blobs)
        yield from _of_the_heads_text(tables, head, keys)
        for row in tables.nodes:
            for target in names_in_node(row.json, is_text=row.is_text, keys=keys):
                yield Root(f"archive:{row.node_id}", target)
    if keep_turns:
        yield from _turns(tables, head, keep_turns)


def live_from(tables: Tables, start: list[Root], *, safe: bool) -> set[str]:
    """Every hash that some roots reach, present or not.

    Raises
    ------
    Refusal
        A manifest that must be followed cannot be.
    """
    live = set()
    for root in start:
        live.add(root.target)
        if root.is_manifest:
            live.update(_children(tables, root, safe))
    return live


def _of_the_heads_text(tables: Tables, head: Head | None, keys: set[str]) -> Iterator[Root]:
    """Blobs whose digits stand in the head, large or small, and which no field of it names."""
    if tables.head is None or head is None:
        return
    named = {*head.checkpoints, *(state for _, state in head.states)}
    for key in keys_in_text(tables.head[1], keys - named, large_too=True):
        yield Root(f"head_text:{key}", key, is_manifest=says_manifest(tables.blobs[key]))


def _head(tables: Tables) -> Head | None:
    if tables.head is None:
        return None
    try:
        return read_head(tables.head[1])
    except Unreadable as error:
        raise Refusal(f"the head cannot be read: {error}") from None


def _refuse_a_lost_head(tables: Tables, head: Head | None) -> None:
    if head is None and (tables.turns or tables.ever_had_nodes):
        raise Refusal("there is no head, yet there are nodes or turns: it was lost")
    if head is not None and not head.checkpoints and tables.turns:
        raise Refusal("the head has no checkpoint, yet turns recorded some: it was lost")


def _turns(tables: Tables, head: Head | None, count: int) -> Iterator[Root]:
    """The checkpoints of the latest turns, in the order of the head's revisions."""
    results: list[tuple[TurnRow, Struct]] = []
    for row in tables.turns:
        try:
            results.append((row, read_turn(row.json)))
        except (Unreadable, RecursionError) as error:
            raise Refusal(f"turn {row.turn_id} cannot be read: {error}") from None
    results.sort(key=lambda pair: (pair[1]["head_revision"], pair[0].at_ms))
    session_id = (head.session_id if head else "") or (tables.head[0] if tables.head else "")
    for row, result in results[-count:]:
        foreign = "" if row.session_id == session_id else f"@{row.session_id}"
        ref = f"turn:{row.turn_id}{foreign}"
        yield Root(ref, result["checkpoint_ref"], is_manifest=True)
        for child in children_of(result["manifest"]):
            yield Root(ref, child)


def _children(tables: Tables, root: Root, safe: bool) -> list[str]:
    """The blobs that a manifest names."""
    key = root.target
    if key not in tables.blobs:
        if root.must_exist:
            raise Refusal(f"manifest {key} is missing")
        return []
    try:
        manifest = read_manifest(key, tables.blobs[key])
    except Unreadable as error:
        raise Refusal(f"manifest {key} cannot be read: {error}") from None
    if safe and not manifest.matches:
        raise Refusal(f"manifest {key} was altered")
    if safe and manifest.unknown:
        raise Refusal(f"manifest {key} has fields of a newer version: {manifest.unknown}")
    return manifest.children
