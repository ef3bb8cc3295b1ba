"""The frames and their columns, declared as data."""

from __future__ import annotations

import pandas as pd

from lashgraph.check import CODES, SEVERITIES
from lashgraph.errors import UnknownColumnError
from lashgraph.frames.schema import TIME, Column, FrameSchema


def _schema(name: str, about: str, *columns: Column) -> FrameSchema:
    first = (
        Column("path", "str", "the file"),
        Column("session_id", "str", "the session that the row belongs to"),
    )
    return FrameSchema(name, about, (*first, *columns))


def _text(name: str, meaning: str) -> Column:
    return Column(name, "str", meaning)


def _count(name: str, meaning: str) -> Column:
    return Column(name, "int64", meaning)


def _maybe(name: str, meaning: str) -> Column:
    return Column(name, "Int64", meaning)


def _flag(name: str, meaning: str) -> Column:
    return Column(name, "bool", meaning)


def _time(name: str, meaning: str) -> Column:
    return Column(name, TIME, meaning)


def _closed(name: str, meaning: str, *categories: str) -> Column:
    return Column(name, "category", meaning, categories)


_TOKENS = (
    _count("input_tokens", "tokens sent, the cached included"),
    _count("output_tokens", "tokens received, reasoning not included"),
    _count("cached_input_tokens", "tokens of the input that came from a cache"),
    _count("reasoning_tokens", "tokens of reasoning"),
)

NODES = _schema(
    "nodes",
    "every row of the session graph, in load order, tombstoned and unreadable ones too",
    _text("node_id", "the row's id"),
    _count("seq", "load order"),
    _text("parent_node_id", "the parent that the node names"),
    _closed(
        "parent_status",
        "what that parent is",
        "root",
        "present",
        "tombstoned",
        "missing",
        "cycle",
        "unreadable",
    ),
    _maybe("depth", "steps to where the path upwards ends; missing where it runs in a circle"),
    _count("n_children", "nodes that name this one as parent and are not tombstoned"),
    _flag("on_active_path", "whether the path of the head's leaf passes here"),
    _flag("is_leaf", "whether no living node names it as parent"),
    _text("agent_frame_id", "the agent frame it belongs to"),
    _time("timestamp", "when it was made"),
    _closed("kind", "what it is", "message", "protocol", "plugin", "unreadable"),
    _closed("role", "role of a message", "User", "Assistant", "System", "Event"),
    _text("plugin_type", "type of a plugin node"),
    _closed(
        "caused_by_type",
        "what caused it",
        "turn",
        "effect",
        "tool_call",
        "process",
        "process_event",
        "host_event",
        "session_node",
    ),
    _text("caused_by_session_id", "session of the cause"),
    _text("caused_by_id", "id of the cause: of the turn, effect, call, process, event or node"),
    _flag("tombstoned", "whether it waits for vacuum"),
    _count("json_bytes", "bytes of its JSON"),
)

BLOBS = _schema(
    "blobs",
    "every blob, in the order of the table",
    _text("hash", "SHA-256 of the decoded content"),
    _text("kind", "kind in the envelope; 'raw' without one, 'damaged' where it is unreadable"),
    _text("compression", "'None' or 'Zlib'; empty without a readable envelope"),
    _count("stored_bytes", "bytes as stored"),
    _maybe("content_bytes", "bytes of the decoded content; missing unless asked for"),
    _flag("reachable_safe", "whether the safe policy keeps it"),
    _flag("reachable_runtime", "whether the runtime's collection keeps it"),
    _count("n_refs", "how many refs name it"),
)

REFS = _schema(
    "refs",
    "every place that names a blob",
    _text("ref", "key of the source, as every call takes it"),
    _closed(
        "source_kind",
        "what names it",
        "head",
        "agent_frame",
        "artifact",
        "manifest",
        "turn_commit",
        "archive",
        "unreadable_node",
    ),
    _text("source_id", "which one of that kind"),
    _text("field", "the field that holds the name"),
    _text("blob_hash", "the blob named"),
    _flag("is_root_safe", "whether the safe policy starts from it"),
    _flag("is_root_runtime", "whether the runtime's collection starts from it"),
    _flag("target_present", "whether the blob is there"),
    _flag("dangling", "whether the blob is not there"),
)

TURNS = _schema(
    "turns",
    "every recorded turn, in the order of its head revision",
    _text("ref", "key of the turn, as every call takes it"),
    _text("turn_id", "id of the turn"),
    _count("position", "place in the order, from 0"),
    _time("committed_at", "when it was committed"),
    _maybe("head_revision", "revision of the head it made"),
    _text("checkpoint_ref", "its manifest"),
    _text("tool_state_ref", "tool state that the manifest names"),
    _text("plugin_snapshot_ref", "plugin snapshot that the manifest names"),
    _text("execution_state_ref", "execution state that the manifest names"),
    _maybe("turn_index", "number of the turn by the session's own count"),
    *(Column(column.name, "Int64", column.meaning + ", since the start") for column in _TOKENS),
    _flag("checkpoint_present", "whether the manifest is still there"),
)

USAGE = _schema(
    "usage",
    "every recorded usage of tokens, in order",
    _count("seq", "order of recording"),
    _text("source", "what used them"),
    _text("model", "on which model"),
    *_TOKENS,
)

SESSIONS = _schema(
    "sessions",
    "one row for the session",
    _text("name", "name of the session"),
    _time("created_at", "when it was created"),
    _text("model", "model in use"),
    _text("provider_id", "provider of the model"),
    _text("cwd", "working directory"),
    _closed("relation", "root or child of another session", "root", "child"),
    _text("parent_session_id", "the parent of a child"),
    _maybe("head_revision", "revision of the head"),
    _text("leaf_node_id", "where the active path ends"),
    _count("n_nodes", "nodes, tombstoned ones too"),
    _count("n_tombstoned", "nodes that wait for vacuum"),
    _count("n_turns", "recorded turns"),
    _count("n_agent_frames", "agent frames that the head lists"),
    *(Column(column.name, "int64", column.meaning + ", of the ledger") for column in _TOKENS),
    _count("n_blobs", "blobs"),
    _count("blob_bytes", "stored bytes of all blobs"),
    _count("reclaimable_bytes", "stored bytes of blobs that the safe policy does not keep"),
    _count("file_bytes", "size of the database file"),
    _count("wal_bytes", "size of its log"),
    _count("freelist_bytes", "free pages inside the file"),
    _count("schema_version", "schema version of the file"),
)

PROBLEMS = _schema(
    "problems",
    "what cannot be read or names what is not there",
    _text("table", "table of the row"),
    _text("key", "key of the row"),
    _text("what", "what is wrong with it"),
)

FINDINGS = _schema(
    "findings",
    "what a check finds, the gravest first",
    _closed("severity", "how grave it is", *SEVERITIES),
    _closed("code", "what kind of finding it is", *CODES),
    _text("table", "table of the row"),
    _text("key", "key of the row; empty where the table or the file is meant"),
    _text("what", "what is wrong with it"),
    _text("advice", "what to do about it"),
)

HISTORY = _schema(
    "history",
    "the bytes that turns name, as each turn left them; blobs that are gone do not count",
    _text("ref", "key of the turn, as every call takes it"),
    _text("turn_id", "id of the turn"),
    _count("position", "place in the order, from 0"),
    _time("committed_at", "when it was committed"),
    _count("new_bytes", "stored bytes of blobs that no earlier turn named"),
    _count("live_bytes", "stored bytes of blobs that this turn's checkpoint names"),
    _count("garbage_bytes", "stored bytes of blobs that only earlier turns named"),
    _count("n_live", "blobs that this turn's checkpoint names"),
    _count("n_garbage", "blobs that only earlier turns named"),
)

SCHEMAS: dict[str, FrameSchema] = {
    made.name: made
    for made in (NODES, BLOBS, REFS, TURNS, HISTORY, USAGE, SESSIONS, PROBLEMS, FINDINGS)
}


def schema(name: str) -> pd.DataFrame:
    """The columns of a frame.

    Parameters
    ----------
    name : str
        Name of a frame, such as ``"nodes"``.

    Returns
    -------
    DataFrame
        Columns column, dtype, meaning.

    Raises
    ------
    UnknownColumnError
        There is no such frame.

    Examples
    --------
    >>> import lashgraph as lg
    >>> lg.schema("usage")["column"].tolist()[:4]
    ['path', 'session_id', 'seq', 'source']
    """
    if name not in SCHEMAS:
        raise UnknownColumnError(f"no frame {name!r}; frames: {', '.join(SCHEMAS)}")
    columns = SCHEMAS[name].columns
    return pd.DataFrame(
        {
            "column": pd.array([c.name for c in columns], dtype="str"),
            "dtype": pd.array([c.dtype for c in columns], dtype="str"),
            "meaning": pd.array([c.meaning for c in columns], dtype="str"),
        }
    )
