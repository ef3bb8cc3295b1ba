"""JSON that a store holds: the head and the records of turns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from lashgraph.testing.oracle.envelopes import MANIFEST
from lashgraph.testing.oracle.shapes import (
    Pairs,
    Struct,
    Unreadable,
    entries,
    maybe,
    natural,
    struct,
    text,
    want,
)

_LEVELS = 127


def read_json(stored: bytes) -> Any:
    """A whole JSON text; maps come as `Pairs`."""
    try:
        value = json.loads(
            stored.decode(), object_pairs_hook=Pairs, parse_constant=_no_value, parse_int=_number
        )
        want(_levels(value) <= _LEVELS, "nested too deep")
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not JSON: {error}") from None
    return value


def _no_value(name: str) -> Any:
    raise Unreadable(f"{name} is no JSON value")


def _number(digits: str) -> int | float:
    """An integer; minus zero and numbers that Python will not take as one become floats."""
    return float(digits) if digits == "-0" or len(digits) > 4000 else int(digits)


def _levels(value: Any) -> int:
    if not isinstance(value, list):
        return 0
    return 1 + max((_levels(item) for _, item in entries(value)), default=0)


# The head


class Head(NamedTuple):
    """What a head names: all of it where a key stands twice."""

    session_id: str
    checkpoints: list[str]
    states: list[tuple[str, str]]


def read_head(stored: bytes) -> Head:
    """What a head names, also where the runtime refuses it for some other field."""
    tree = read_json(stored)
    want(isinstance(tree, Pairs), "no object")
    want(bool(_all(tree, "config")), "no config")
    checkpoints = _all(tree, "checkpoint_ref")
    for name in checkpoints:
        maybe(text)(name)
    named = list(dict.fromkeys(name for name in checkpoints if name is not None))
    want(not named or None not in checkpoints, "checkpoint_ref is both a text and null")
    ids = list(texts_in(_all(tree, "session_id"), below=False))
    frames: list[Any] = []
    for value in _all(tree, "agent_frames"):
        is_array = isinstance(value, list) and not isinstance(value, Pairs)
        frames += value if is_array else [value]
    states = []
    for index, frame in enumerate(frames):
        if not isinstance(frame, Pairs) and isinstance(frame, list):
            inside = texts_in(frame, below=False)
            states += [(str(index), one) for one in inside if _is_hash(one)]
        states += _states(frame, str(index))
    return Head(ids[-1] if ids else "", named, states)


def _is_hash(name: str) -> bool:
    return len(name) == 64 and set(name) <= set("0123456789abcdef")


def _states(value: Any, owner: str) -> list[tuple[str, str]]:
    """Every state under its key, however deep, with the innermost frame id above it."""
    if not isinstance(value, list):
        return []
    owner = [owner, *texts_in(_all(value, "frame_id"), below=False)][-1]
    found = []
    for key, item in entries(value):
        if isinstance(value, Pairs) and key == "execution_state_ref":
            found += [(owner, name) for name in texts_in([item], below=True)]
        else:
            found += _states(item, owner)
    return found


def _all(tree: Any, key: str) -> list[Any]:
    return [item for name, item in tree if name == key] if isinstance(tree, Pairs) else []


def texts_in(values: list[Any], *, below: bool) -> Iterator[str]:
    """The texts among some values, or also inside them; what is none is passed over."""
    for value in values:
        if below and isinstance(value, list):
            yield from texts_in([item for _, item in entries(value)], below=True)
            continue
        try:
            yield text(value)
        except Unreadable:
            continue


# Turns

_TURN = struct(
    {"head_revision": natural, "checkpoint_ref": text, "manifest": MANIFEST},
    required="head_revision checkpoint_ref manifest",
)


def read_turn(stored: bytes) -> Struct:
    """The recorded result of a turn."""
    turn: Struct = _TURN(read_json(stored))
    return turn
