"""The session head: configuration, agent frames, and what keeps the session alive."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from lashgraph.format import jsontext
from lashgraph.format.checkpoint import TurnOptions, from_mapping
from lashgraph.format.node import Cause
from lashgraph.format.strict import Invalid, Natural, Octet, Pairs, Record, always, build

_HASH = re.compile("[0-9a-f]{64}")


class ModelLimits(Record, frozen=True, forbid_unknown_fields=True):
    """Token limits of a model."""

    context_window_tokens: Natural
    output_token_capacity: Natural | None = None


class Model(Record, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model and its limits."""

    id: str
    variant: str | None = None
    limits: ModelLimits


class SessionConfig(Record, frozen=True):
    """Which provider and model a session runs on."""

    provider_id: str
    model: Model


class AgentPolicy(Record, frozen=True, forbid_unknown_fields=True):
    """How an agent may run."""

    model: Model
    provider_id: str
    session_id: str | None = always(None)
    autonomous: bool = always(False)
    max_turns: Natural | None = always(None)
    prompt: Any = None


class Assignment(Record, frozen=True):
    """What an agent frame was started with."""

    policy: AgentPolicy
    plugin_options: Any = always({})
    plugin_source: str = always("current_session_fork")
    tool_access: Any = always({})
    subagent: Any = None
    usage_source: Any = None


class AgentFrame(Record, frozen=True, kw_only=True):
    """One agent frame of a session: a stretch of work under one assignment."""

    frame_id: str
    session_id: str
    previous_frame_id: str | None = None
    status: Literal["active", "superseded"] = always("active")
    reason: str = always("initial")
    caused_by: Cause | None = None
    created_at: str
    assignment: Assignment
    protocol_turn_options: TurnOptions = always(TurnOptions(payload={}))
    execution_state_ref: str | None = None
    execution_state_snapshot: list[Octet] | None = None


class Head(Record, frozen=True, kw_only=True):
    """The session head. The row's revision counts, not the one in the JSON."""

    session_id: str = always("root")
    head_revision: Natural = always(0)
    config: SessionConfig
    agent_frames: list[AgentFrame] = always([])
    current_agent_frame_id: str = ""
    checkpoint_ref: str | None = None
    leaf_node_id: str | None = None
    graph_node_count: Natural = always(0)

    def at(self, *, revision: int, node_count: int) -> Head:
        """The same head at another revision, over a graph of so many nodes."""
        return msgspec.structs.replace(self, head_revision=revision, graph_node_count=node_count)


def as_head(head: Head | Mapping[str, Any]) -> Head:
    """Take a head, or a mapping of the same shape."""
    return head if isinstance(head, Head) else from_mapping(head, Head)


def decode_head(text: bytes | str, revision: int | None = None, form: type[Head] = Head) -> Head:
    """Read a head exactly as the runtime would.

    Parameters
    ----------
    revision : int, optional
        The revision that counts, instead of the one in the text.
    form : type
        The record of heads of the release, as its dialect names it.

    Raises
    ------
    Invalid
        The runtime could not read it; the text says why.
    """
    try:
        head = build(jsontext.parse(text, Pairs), form)
    except jsontext.JsonError as error:
        raise Invalid(str(error)) from None
    models = [head.config.model, *(frame.assignment.policy.model for frame in head.agent_frames)]
    for model in models:
        if model.limits.context_window_tokens == 0:
            raise Invalid("context_window_tokens is 0")
    return head if revision is None else msgspec.structs.replace(head, head_revision=revision)


def encode_head(head: Head) -> str:
    """The text of a head as it is stored."""
    return jsontext.encode(head).decode()


class HeadRefs(NamedTuple):
    """What a head names, read as leniently as safety allows.

    Attributes
    ----------
    session_id : str
        The session, or empty.
    checkpoint_refs : tuple of str
        The checkpoint; more than one only where the key stands twice.
    execution_states : tuple of (str, str)
        Agent frame id, or its number where it has none, and hash.
    """

    session_id: str
    checkpoint_refs: tuple[str, ...]
    execution_states: tuple[tuple[str, str], ...]


def head_refs(text: bytes | str) -> HeadRefs:
    """Read what a head keeps alive, also where the runtime refuses the head as a whole.

    Raises
    ------
    Invalid
        Not a JSON object with a config, or its checkpoint_ref is no text: it could hide a root.
    """
    try:
        tree = jsontext.parse(text, Pairs)
    except jsontext.JsonError as error:
        raise Invalid(str(error)) from None
    if not isinstance(tree, Pairs):
        raise Invalid("the head is not a JSON object")
    if not _all(tree, "config"):
        raise Invalid("field 'config' is missing")
    refs = _all(tree, "checkpoint_ref")
    if any(ref is not None and not _is_text(ref) for ref in refs):
        raise Invalid("checkpoint_ref is not a text")
    if None in refs and len(set(refs)) > 1:
        raise Invalid("checkpoint_ref stands there both as a text and as null")
    names = [name for name in _all(tree, "session_id") if _is_text(name)]
    frames = [frame for frames in _all(tree, "agent_frames") for frame in _listed(frames)]
    return HeadRefs(
        names[-1] if names else "",
        tuple(dict.fromkeys(ref for ref in refs if ref is not None)),
        tuple(state for index, frame in enumerate(frames) for state in _states(frame, str(index))),
    )


def _all(tree: Any, key: str) -> list[Any]:
    """Every value under a key, as a reader cannot know which of two was meant."""
    return [item for name, item in tree if name == key] if isinstance(tree, Pairs) else []


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) and not isinstance(value, Pairs) else [value]


def _states(frame: Any, name: str) -> Iterator[tuple[str, str]]:
    """Every execution state named in an agent frame, at any depth, and the frame that names it.

    A frame written as an array names it by no key, and not every release has it in one place: of
    such a one every hash is taken.
    """
    if isinstance(frame, list) and not isinstance(frame, Pairs):
        yield from ((name, text) for text in frame if _is_text(text) and _HASH.fullmatch(text))
    yield from _states_below(frame, name)


def _states_below(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Pairs):
        names = [one for one in _all(value, "frame_id") if _is_text(one)]
        name = names[-1] if names else name
        for key, item in value:
            if key == "execution_state_ref":
                yield from ((name, text) for text in _texts(item))
            else:
                yield from _states_below(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _states_below(item, name)


def _texts(value: Any) -> Iterator[str]:
    if _is_text(value):
        yield value
    elif isinstance(value, list):
        for item in [item for _, item in value] if isinstance(value, Pairs) else value:
            yield from _texts(item)


def _is_text(value: Any) -> bool:
    """Whether a value is a text that SQLite can hold: one without half of a surrogate pair."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
