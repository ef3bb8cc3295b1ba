"""Checkpoints: the manifest of a turn and the states it names."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from lashgraph.errors import InvalidRecordError
from lashgraph.format import jsontext, packed
from lashgraph.format.strict import Invalid, Natural, Pairs, Record, always, build
from lashgraph.format.usage import TokenUsage

T = TypeVar("T")

CHILD_FIELDS = ("tool_state_ref", "plugin_snapshot_ref", "execution_state_ref")
"""The fields of a manifest that name other blobs; nothing else is followed from one."""


class PromptUsage(Record, frozen=True):
    """Token usage of the latest prompt."""

    prompt_context_tokens: Natural = always(0)
    input_tokens: Natural = always(0)
    cached_input_tokens: Natural = always(0)
    context_budget_tokens: Natural = always(0)


class TurnOptions(Record, frozen=True):
    """Options of the protocol for a turn: free-form JSON."""

    payload: Any = always(None)


class TurnState(Record, frozen=True):
    """Where a session stands after a turn."""

    turn_index: Natural
    token_usage: TokenUsage = always(TokenUsage())
    last_prompt_usage: PromptUsage | None = None
    protocol_turn_options: TurnOptions = always(TurnOptions(payload={}))


class Manifest(Record, frozen=True):
    """A checkpoint as it is stored: the turn's state and the hashes of the larger states."""

    turn_state: TurnState | None = None
    tool_state_ref: str | None = None
    plugin_snapshot_ref: str | None = None
    plugin_snapshot_revision: Natural | None = None
    execution_state_ref: str | None = None

    def children(self) -> list[tuple[str, str]]:
        """Field and hash of each blob that the manifest names."""
        named = [(field, getattr(self, field)) for field in CHILD_FIELDS]
        return [(field, ref) for field, ref in named if ref is not None]


class ToolManifest(Record, frozen=True):
    """What a session knows of a tool."""

    id: str
    name: str
    description: str = ""
    compact_contract: Any = None
    availability: Any = None
    activation: Any = "always"
    availability_override: Any = None
    agent_surface: Any = None
    argument_projection: Any = None
    scheduling: Any = None
    retry_policy: Any = None


class ToolEntry(Record, frozen=True):
    """A tool of a session."""

    manifest: ToolManifest


class ToolState(Record, frozen=True):
    """The tools of a session at a turn."""

    generation: Natural
    tools: dict[str, ToolEntry] = always({})


class PluginMeta(Record, frozen=True):
    """A plugin's version and its free-form state."""

    plugin_id: str
    plugin_version: str
    revision: Natural
    state: Any = None


class PluginArtifact(Record, frozen=True):
    """Bytes that a plugin keeps."""

    name: str
    data: bytes = always(b"")


class PluginEntry(Record, frozen=True):
    """A plugin of a session."""

    meta: PluginMeta
    artifacts: list[PluginArtifact] = always([])


class PluginSnapshot(Record, frozen=True):
    """The plugins of a session at a turn."""

    plugins: dict[str, PluginEntry] = always({})


class Checkpoint(Record, frozen=True):
    """A checkpoint with its states, as given to a commit and as loaded.

    Each state may be given itself or by the hash of its blob; a given state wins.
    """

    turn_state: TurnState | None = None
    tool_state_ref: str | None = None
    tool_state: ToolState | None = None
    plugin_snapshot_ref: str | None = None
    plugin_snapshot: PluginSnapshot | None = None
    plugin_snapshot_revision: Natural | None = None
    execution_state_ref: str | None = None
    execution_state: bytes | None = None

    def to_json(self) -> dict[str, Any]:
        """The checkpoint as the runtime shows it in JSON: bytes as arrays of integers."""
        shown: dict[str, Any] = json_form(self)
        return shown


class StoredCheckpoint(Record, frozen=True):
    """What storing a checkpoint gave."""

    checkpoint_ref: str
    manifest: Manifest


def json_form(record: Any) -> Any:
    """A record as JSON-like Python values, bytes as lists of integers."""
    return _lists(msgspec.to_builtins(record, builtin_types=(bytes,)))


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_lists(item) for item in value]
    return list(value) if isinstance(value, bytes) else value


def as_checkpoint(checkpoint: Checkpoint | Mapping[str, Any]) -> Checkpoint:
    """Take a checkpoint, or a mapping of the same shape."""
    return (
        checkpoint if isinstance(checkpoint, Checkpoint) else from_mapping(checkpoint, Checkpoint)
    )


def from_mapping(value: Any, record: type[T]) -> T:
    """Build a record from JSON-like Python values.

    Raises
    ------
    InvalidRecordError
        The value has not the record's shape.
    """
    try:
        return build(_tree(value), record)
    except (Invalid, RecursionError) as error:
        raise InvalidRecordError(f"no {record.__name__}: {error}") from None


_PLAIN = {int, str}


def _tree(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Pairs((key, _tree(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        if set(map(type, value)) <= _PLAIN:  # as bytes are, which may be many
            return list(value)
        return [_tree(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise Invalid(f"{value} has no JSON form")
    return value


def encode_manifest(manifest: Manifest) -> bytes:
    """The bytes of a manifest; its hash is the checkpoint ref."""
    return packed.pack(_sorted_payload(msgspec.to_builtins(manifest)))


def _sorted_payload(manifest: dict[str, Any]) -> dict[str, Any]:
    options = manifest.get("turn_state", {}).get("protocol_turn_options")
    if options is not None:
        options["payload"] = _sorted(options["payload"])
    return manifest


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        keys = sorted(value, key=jsontext.key_bytes)
        return {key: _sorted(value[key]) for key in keys}
    if isinstance(value, (list, tuple)):
        return [_sorted(item) for item in value]
    return value


def encode_tool_state(state: ToolState) -> bytes:
    """The bytes of a tool state: tools by name."""
    shown = msgspec.to_builtins(state)
    tools = shown["tools"]
    shown["tools"] = {name: tools[name] for name in sorted(tools, key=jsontext.key_bytes)}
    return packed.pack(shown)


def encode_plugin_snapshot(snapshot: PluginSnapshot) -> bytes:
    """The bytes of a plugin snapshot: plugins by id, free-form states sorted."""
    shown = msgspec.to_builtins(snapshot, builtin_types=(bytes,))
    plugins = shown["plugins"]
    for plugin in plugins.values():
        if "state" in plugin["meta"]:
            plugin["meta"]["state"] = _sorted(plugin["meta"]["state"])
    shown["plugins"] = {name: plugins[name] for name in sorted(plugins, key=jsontext.key_bytes)}
    return packed.pack(shown)


encode_execution_state: Callable[[bytes], bytes] = packed.pack_octets
"""The bytes of an execution state: an array of integers."""


def decode(content: bytes, record: type[T], unknown: list[str] | None = None) -> T:
    """Read a stored state.

    Raises
    ------
    Invalid
        The runtime could not read it; the text says why.
    """
    try:
        return build(packed.unpack(content), record, unknown, packed=True)
    except packed.PackedError as error:
        raise Invalid(str(error)) from None


def decode_execution_state(content: bytes) -> bytes:
    """Read a stored execution state."""
    if content:
        quick = packed.octets_at(content, 0)
        if quick is not None:
            return quick
    return decode(content, bytes)
