"""Commits of the runtime's state: what one takes and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lashgraph.errors import InvalidRecordError
from lashgraph.format import jsontext
from lashgraph.format.checkpoint import Checkpoint, Manifest, from_mapping
from lashgraph.format.head import AgentFrame, SessionConfig
from lashgraph.format.node import Node, as_nodes
from lashgraph.format.strict import Choice, Invalid, Natural, Pairs, Record, build
from lashgraph.format.usage import UsageDelta


class Unchanged(Record, frozen=True):
    """The graph stays; the leaf may move."""

    leaf_node_id: str | None = None


class Appended(Record, frozen=True):
    """Nodes added at the end of the graph, with the new leaf."""

    nodes: Any
    leaf_node_id: str | None = None


class GraphDelta(Choice, frozen=True, forbid_unknown_fields=True):
    """What a commit does to the graph."""

    Unchanged: Unchanged | None = None
    Append: Appended | None = None
    ReplaceFull: Appended | None = None


class TurnStamp(Record, frozen=True):
    """Names a turn, so that committing it twice writes it once."""

    session_id: str
    turn_id: str
    turn_commit_hash: str


class RuntimeCommit(Record, frozen=True, kw_only=True):
    """One commit of a session's state."""

    session_id: str
    expected_head_revision: Natural | None = None
    config: SessionConfig
    agent_frames: list[AgentFrame] = []
    current_agent_frame_id: str = ""
    graph: GraphDelta
    checkpoint: Checkpoint
    usage_deltas: list[UsageDelta] = []
    turn_commit: TurnStamp | None = None
    completed_queue_claims: list[Any] = []
    committed_attachment_ids: list[str] = []


class TurnResult(Record, frozen=True):
    """What a turn's commit answered: recorded, and answered again when it is replayed."""

    head_revision: Natural
    checkpoint_ref: str
    manifest: Manifest


class PreparedCommit(Record, frozen=True):
    """A commit whose every part was checked before the transaction begins."""

    commit: RuntimeCommit
    nodes: list[Node]
    replaces: bool
    leaf_node_id: str | None


def prepare(commit: RuntimeCommit | Mapping[str, Any]) -> PreparedCommit:
    """Take a commit, or a mapping of the same shape.

    Raises
    ------
    InvalidRecordError
        A part has not the shape that the runtime takes; the message names it.
    """
    made = commit if isinstance(commit, RuntimeCommit) else from_mapping(commit, RuntimeCommit)
    graph = made.graph
    change = graph.Unchanged or graph.Append or graph.ReplaceFull
    if change is None:
        raise InvalidRecordError("a commit's graph is one of Unchanged, Append, ReplaceFull")
    nodes = as_nodes(change.nodes) if isinstance(change, Appended) else []
    return PreparedCommit(
        commit=made,
        nodes=nodes,
        replaces=graph.ReplaceFull is not None,
        leaf_node_id=change.leaf_node_id,
    )


def decode_turn_result(text: bytes | str, form: type[TurnResult] = TurnResult) -> TurnResult:
    """Read the recorded result of a turn.

    Parameters
    ----------
    form : type
        The record of results of the release, as its dialect names it.

    Raises
    ------
    Invalid
        It cannot be read; the text says why.
    """
    try:
        return build(jsontext.parse(text, Pairs), form)
    except jsontext.JsonError as error:
        raise Invalid(str(error)) from None


def encode_turn_result(result: TurnResult) -> str:
    """The text of a turn's result as it is stored."""
    return jsontext.encode(result).decode()
