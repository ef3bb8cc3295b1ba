"""What of a store is kept as it is: declared place by place. All else is replaced.

A `Shape` says of one place which keys, words, numbers and times are the format's own. Places that
no shape describes are free: their keys, texts and numbers are replaced.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import get_args

from lashgraph.format.blob import BlobKind, Hint
from lashgraph.format.node import PartKind, Role


@dataclass(frozen=True, eq=False)
class Shape:
    """What is kept in one place of a JSON or MessagePack value.

    Attributes
    ----------
    fields : mapping of str to Shape
        Keys that are kept, in the order of the struct's fields, and what stands under each.
    item : Shape, optional
        What stands in each element of an array, and under each key that is none of the fields.
    words : frozenset of str
        Texts that are kept.
    numbers : bool
        Whether numbers are kept.
    times : bool
        Whether times are kept.
    octets : bool
        Whether the place holds bytes, perhaps as an array of integers.
    """

    fields: Mapping[str, Shape] = field(default_factory=dict)
    item: Shape | None = None
    words: frozenset[str] = frozenset()
    numbers: bool = False
    times: bool = False
    octets: bool = False

    def under(self, key: str) -> Shape:
        """What is kept under a key."""
        return self.fields.get(key) or self.item or FREE

    def at(self, position: int) -> Shape:
        """What is kept in an element of an array; a struct may be written as one."""
        if self.item is not None:
            return self.item
        return list(self.fields.values())[position] if position < len(self.fields) else FREE


def struct(words: tuple[str, ...] = (), /, **fields: Shape) -> Shape:
    """A map whose keys are the format's own."""
    return Shape(fields=fields, words=frozenset(words))


def several(item: Shape) -> Shape:
    """An array of one kind of things, or a map of them under names."""
    return Shape(item=item)


def one_of(*words: str) -> Shape:
    """A closed set of words, which may be written as their positions."""
    return Shape(words=frozenset(words), numbers=True)


FREE = Shape()
COUNT = Shape(numbers=True)
TIME = Shape(times=True)
OCTETS = Shape(octets=True)

CAUSE = struct(
    type=one_of(
        "turn", "effect", "tool_call", "process", "process_event", "host_event", "session_node"
    ),
    session_id=FREE,
    turn_id=FREE,
    effect_id=FREE,
    call_id=FREE,
    process_id=FREE,
    sequence=COUNT,
    occurrence_id=FREE,
    node_id=FREE,
)
ORIGIN = struct(
    kind=one_of("plugin", "process"),
    plugin_id=FREE,
    transient=FREE,
    process_id=FREE,
    event_type=FREE,
    sequence=COUNT,
    wake_id=FREE,
    caused_by=CAUSE,
)
ATTACHMENT = struct(
    reference=struct(
        id=FREE,
        media_type=struct(kind=one_of("image"), type=one_of("png", "jpeg", "gif", "webp", "bmp")),
        byte_len=COUNT,
        width=COUNT,
        height=COUNT,
        label=FREE,
    )
)
PART = struct(
    id=FREE,
    kind=one_of(*get_args(PartKind)),
    content=FREE,
    attachment=ATTACHMENT,
    tool_call_id=FREE,
    tool_name=FREE,
    tool_replay=struct(item_id=FREE, opaque=FREE),
    prune_state=struct(
        ("Intact", "Cleared"),
        Intact=FREE,
        Cleared=FREE,
        Deleted=struct(breadcrumb=FREE, archive_hash=FREE),
        Summarized=struct(summary=FREE, archive_hash=FREE),
    ),
    reasoning_meta=struct(
        item_id=FREE, encrypted_content=FREE, signature=FREE, redacted=FREE, summary=FREE
    ),
    response_meta=struct(id=FREE, status=one_of("completed", "incomplete", "failed"), phase=FREE),
)
MESSAGE = struct(id=FREE, role=one_of(*get_args(Role)), parts=several(PART), origin=ORIGIN)
STEPS = struct(
    RlmTrajectoryEntry=struct(
        id=FREE,
        protocol_iteration=COUNT,
        code=FREE,
        output=FREE,
        error=FREE,
        final_output=FREE,
        reasoning=FREE,
    ),
    RlmDiagnostic=struct(
        phase=one_of("llm_extraction"),
        payload=struct(
            assistant_text_chars=COUNT,
            code_chars=COUNT,
            decision=one_of("execute_lashlang"),
            found_lashlang_fence=FREE,
            had_extra_fences=FREE,
            reasoning_chars=COUNT,
            finalization_reason=one_of("submit_required"),
            prose_only_ends_turn=FREE,
        ),
    ),
    RlmSeed=struct(globals=FREE),
)
NODE = struct(
    node_id=FREE,
    parent_node_id=FREE,
    caused_by=CAUSE,
    agent_frame_id=FREE,
    timestamp=TIME,
    kind=one_of("event", "plugin"),
    event=struct(Conversation=MESSAGE, Protocol=struct(plugin_id=FREE, payload=STEPS)),
    plugin_type=FREE,
    body=FREE,
)

MODEL = struct(
    id=FREE,
    variant=FREE,
    limits=struct(context_window_tokens=COUNT, output_token_capacity=COUNT),
)
TURN_OPTIONS = struct(
    payload=struct(
        final_answer_format=struct(kind=one_of("markdown", "raw_submit_value")),
        termination=struct(kind=one_of("submit_required"), schema=FREE),
    )
)
AGENT_FRAME = struct(
    frame_id=FREE,
    session_id=FREE,
    previous_frame_id=FREE,
    status=one_of("active", "superseded"),
    reason=one_of("initial"),
    caused_by=CAUSE,
    created_at=TIME,
    assignment=struct(
        policy=struct(
            model=MODEL,
            provider_id=FREE,
            session_id=FREE,
            autonomous=FREE,
            max_turns=COUNT,
            prompt=FREE,
        ),
        plugin_options=FREE,
        plugin_source=one_of("current_session_fork", "current_host_fresh"),
        tool_access=FREE,
        subagent=FREE,
        usage_source=one_of("turn", "compaction", "subagent"),
    ),
    protocol_turn_options=TURN_OPTIONS,
    execution_state_ref=FREE,
    execution_state_snapshot=OCTETS,
)
HEAD = struct(
    session_id=FREE,
    head_revision=COUNT,
    config=struct(provider_id=FREE, model=MODEL),
    agent_frames=several(AGENT_FRAME),
    current_agent_frame_id=FREE,
    checkpoint_ref=FREE,
    leaf_node_id=FREE,
    graph_node_count=COUNT,
    token_ledger=FREE,
)

USAGE = struct(
    input_tokens=COUNT, output_tokens=COUNT, cached_input_tokens=COUNT, reasoning_tokens=COUNT
)
MANIFEST = struct(
    turn_state=struct(
        turn_index=COUNT,
        token_usage=USAGE,
        last_prompt_usage=struct(
            prompt_context_tokens=COUNT,
            input_tokens=COUNT,
            cached_input_tokens=COUNT,
            context_budget_tokens=COUNT,
        ),
        protocol_turn_options=TURN_OPTIONS,
    ),
    tool_state_ref=FREE,
    plugin_snapshot_ref=FREE,
    plugin_snapshot_revision=FREE,
    execution_state_ref=FREE,
)
"""The revision of the plugin snapshot is no count but a digest of the plugins."""

TURN_RESULT = struct(head_revision=COUNT, checkpoint_ref=FREE, manifest=MANIFEST)
RELATION = struct(kind=one_of("root", "child"), parent_session_id=FREE, caused_by=CAUSE)

TOOL_STATE = struct(
    generation=COUNT,
    tools=several(
        struct(
            manifest=struct(
                id=FREE,
                name=FREE,
                description=FREE,
                compact_contract=FREE,
                availability=FREE,
                activation=one_of("always"),
                availability_override=FREE,
                agent_surface=FREE,
                argument_projection=FREE,
                scheduling=FREE,
                retry_policy=FREE,
            )
        )
    ),
)
PLUGIN_SNAPSHOT = struct(
    plugins=several(
        struct(
            meta=struct(plugin_id=FREE, plugin_version=FREE, revision=COUNT, state=FREE),
            artifacts=several(struct(name=FREE, data=OCTETS)),
        )
    )
)
EXECUTION_STATE = struct(engine=one_of("lashlang"), files=FREE, vars=FREE, version=COUNT)
MODULE = struct(
    module_ref=FREE,
    required_surface_ref=FREE,
    required_surface=FREE,
    exports=FREE,
    canonical_ir=FREE,
    dependencies=FREE,
)
BLOB_STATES: Mapping[str, Shape] = {
    "CheckpointManifest": MANIFEST,
    "ToolState": TOOL_STATE,
    "PluginSessionSnapshot": PLUGIN_SNAPSHOT,
    "ExecutionStateSnapshot": OCTETS,
}
"""What the contents of blobs look like that are MessagePack, by kind."""

CONTENT = "content"
ENVELOPE = struct(
    descriptor=struct(kind=one_of(*get_args(BlobKind)), hints=several(one_of(*get_args(Hint)))),
    compression=one_of("None", "Zlib"),
    content=OCTETS,
)

MERGE_KEY = one_of("never")
PAYLOAD = struct(
    type=one_of("turn_input", "session_command"),
    input=struct(items=several(struct(type=one_of("text"), text=FREE)), image_blobs=FREE),
    command=struct(kind=one_of("refresh_tool_surface"), reason=FREE),
)

ALL = (
    *(NODE, HEAD, TURN_RESULT, RELATION, TOOL_STATE, PLUGIN_SNAPSHOT, EXECUTION_STATE, MODULE),
    *(ENVELOPE, MERGE_KEY, PAYLOAD),
)


def names_in(shape: Shape) -> Iterator[str]:
    """Every key and word that a shape keeps."""
    yield from shape.words
    for key, inner in shape.fields.items():
        yield key
        yield from names_in(inner)
    if shape.item is not None:
        yield from names_in(shape.item)
