"""What must hold of every reader of bytes, whatever the bytes are."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from lashgraph.format import jsontext, packed
from lashgraph.format.blob import PREFIX, peek, unwrap
from lashgraph.format.checkpoint import decode, decode_execution_state
from lashgraph.format.commit import decode_turn_result
from lashgraph.format.dialects import DIALECTS
from lashgraph.format.head import decode_head, head_refs
from lashgraph.format.lines import decode_rows
from lashgraph.format.names import rows_that_may_name
from lashgraph.format.node import Node, decode_node
from lashgraph.format.strict import Invalid
from lashgraph.testing.torture.fuzz import seed_cells
from lashgraph.testing.torture.mutations import changed
from lashgraph.testing.torture.trial import Case, Trial, require

_NAMES = re.compile(rb"[0-9a-f]{64}|archive_hash")
_LIMIT = 1 << 20


def _node(data: bytes) -> None:
    """Read in bulk and alone, a row is the same node, or dropped; what it may name is seen."""
    for form in _forms("node"):
        (quick,), damages = decode_rows([data], form)
        try:
            alone: Node | None = decode_node(data, form)
        except Invalid:
            alone = None
        require((quick is None) == (alone is None), f"in bulk {quick}, alone {alone}")
        require((quick is None) == bool(damages), f"{quick}, and {damages}")
        if quick is not None:
            require(_value(quick) == _value(alone), f"in bulk {quick}, alone {alone}")
    if _NAMES.search(data):
        require(rows_that_may_name([data]) == [0], "what a row may name was not seen")


def _envelope(data: bytes) -> None:
    """The first bytes of a blob tell nothing else than all of them; content stays in bounds."""
    blob = unwrap(data, _LIMIT)
    told = peek(data[:PREFIX])
    if told is not None and not blob.damage:
        require(told == (blob.kind, blob.compression), f"{told}, and {blob.kind}")
    require(len(blob.content) <= max(_LIMIT, len(data)), "more than its limit")


def _manifest(data: bytes) -> None:
    """A manifest is read, or refused by the reader's own error."""
    for form in _forms("manifest"):
        try:
            made: Any = decode(data, form, [])
        except Invalid:
            continue
        require(all(type(ref) is str for _, ref in made.children()), f"{made.children()}")


def _state(data: bytes) -> None:
    """An array of octets reads the same by the quick way and by the slow one."""
    quick = packed.octets_at(data, 0) if data else None
    if quick is None:
        return
    require(quick == decode_execution_state(data), "two states")
    require(quick == decode(data, bytes), "the quick way reads another state")


def _head(data: bytes) -> None:
    """Whatever a head names that the runtime can read is seen by the lenient reader, too."""
    for form in _forms("head"):
        try:
            head: Any = decode_head(data, form=form)
        except Invalid:
            head = None
        try:
            refs = head_refs(data)
        except Invalid as error:
            require(head is None, f"the runtime reads it, and {error}")
            return
        if head is None:
            continue
        states = {getattr(frame, "execution_state_ref", None) for frame in head.agent_frames}
        require(head.checkpoint_ref in (None, *refs.checkpoint_refs), f"{head}, and {refs}")
        seen = {ref for _, ref in refs.execution_states}
        require(states - {None, msgspec.UNSET} <= seen, f"{states}, and {seen}")


def _turn(data: bytes) -> None:
    """A recorded turn is read, or refused by the reader's own error."""
    for form in _forms("result"):
        try:
            decode_turn_result(data, form)
        except Invalid:
            continue


READERS: Mapping[str, Callable[[bytes], None]] = MappingProxyType(
    {
        "envelope": _envelope,
        "head": _head,
        "manifest": _manifest,
        "node": _node,
        "state": _state,
        "turn": _turn,
    }
)
"""Each takes any bytes; it raises `Failed`, or what no reader may raise, where one is wrong."""


@cache
def _forms(record: str) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(getattr(dialect.records, record) for dialect in DIALECTS))


def _value(node: Node | None) -> Any:
    return jsontext.value_of(jsontext.encode(node))


@cache
def seeds() -> Mapping[str, tuple[bytes, ...]]:
    """Bytes to begin with, of each reader, from a session that has a little of everything."""
    with tempfile.TemporaryDirectory() as folder:
        return seed_cells(Path(folder))


def _try(case: Case) -> None:
    for reader, read in READERS.items():
        for data in seeds()[reader]:
            for _ in range(8):
                read(changed(data, case.chance))
                case.count(f"{reader}s read")


DECODERS = Trial(
    "decoders",
    "values changed at random: every reader answers or refuses, and quick ways read as slow ones",
    2,
    _try,
)
