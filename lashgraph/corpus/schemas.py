"""The frames that only a corpus has."""

from __future__ import annotations

import pandas as pd

from lashgraph import frames
from lashgraph.columns import Column, FrameSchema, closed, count, flag, maybe, text, time
from lashgraph.corpus.gcrows import GC_PLAN, GC_REPORT
from lashgraph.errors import UnknownColumnError
from lashgraph.frames.messages import PART_KINDS
from lashgraph.frames.nodes import ROLES
from lashgraph.frames.tokens import TOKENS

SKIP_REASONS = (
    "sibling",
    "artifacts",
    "other-database",
    "empty",
    "leftover",
    "duplicate",
    "linked-folder",
    "no-file",
)

FILES = FrameSchema.of(
    "files",
    "every file that was listed, as it was then",
    closed(
        "kind",
        "what its first bytes say; turso: written by lash alpha.25 to alpha.34, read through a "
        "copy in memory; unread: they could not be read, or this process has it open",
        "sqlite",
        "turso",
        "other",
        "empty",
        "unread",
    ),
    maybe("schema_version", "schema version, as of the file without its log"),
    count("file_bytes", "size of the file"),
    count("wal_bytes", "size of its log"),
    time("modified_at", "when the file was last changed"),
)

ERRORS = FrameSchema.of(
    "errors",
    "one row for each file that failed or was read in part only, by stage",
    text("stage", "list, open, or the frame that was asked for"),
    text("error", "type of the error"),
    text("message", "what went wrong"),
    flag("partly", "whether the rest of the file was read"),
)

SKIPPED = FrameSchema.of(
    "skipped",
    "what stands among the sessions and is none",
    closed("reason", "why it belongs to no frame", *SKIP_REASONS),
    text("what", "what it is"),
)

_SUMMED = (
    count("n_turns", "recorded turns"),
    count("file_bytes", "bytes of the file and its log"),
    *(Column(column.name, "int64", column.meaning) for column in TOKENS),
)

SUMMED = tuple(column.name for column in _SUMMED)
"""What families() sums up."""

FAMILIES = FrameSchema.of(
    "families",
    "every session and its place among parents and children; then parents without a file",
    text("name", "name of the session"),
    text("parent_session_id", "the parent of a child"),
    text("root_session_id", "where the family begins; missing on and below a cycle"),
    closed(
        "status",
        "root; child; orphan: its parent has no file; missing: no file, but children name it; "
        "cycle: it is its own ancestor; copy: another file has the same session, and the children",
        "root",
        "child",
        "orphan",
        "missing",
        "cycle",
        "copy",
    ),
    maybe("depth", "steps to where the family begins; missing on and below a cycle"),
    count("n_children", "sessions that name it as parent"),
    count("n_descendants", "sessions below it"),
    *_SUMMED,
    *(Column(f"total_{c.name}", "int64", f"{c.meaning}, with all below it") for c in _SUMMED),
)

SHARED_BLOBS = FrameSchema.of(
    "shared_blobs",
    "every content that stands in several files, the most wasteful first; path is the first file",
    text("hash", "SHA-256 of the decoded content"),
    text("kind", "kind in the envelope of the first file"),
    count("n_files", "files that hold it"),
    count("stored_bytes", "bytes as stored in the first file"),
    count("total_bytes", "bytes as stored in all files"),
    count("extra_bytes", "bytes that one smallest copy for all files would save"),
)

HITS = FrameSchema.of(
    "hits",
    "every text that was searched for and found, in load order",
    text("node_id", "the node that says it"),
    maybe("part_index", "place of the part in its message; missing for events"),
    closed("kind", "kind of the part, or of the event", *PART_KINDS, "protocol", "plugin", "tool"),
    closed("role", "role of the message", *ROLES),
    text("tool_name", "the tool of the part"),
    time("timestamp", "when its node was made"),
    flag("on_active_path", "whether the path of the head's leaf passes here"),
    flag("tombstoned", "whether its node waits for vacuum"),
    count("n_matches", "how often it was found in this text"),
    count("start", "character of the text where the first match begins"),
    text("snippet", "the first match and what stands around it, in one line"),
)

_SESSION_PATH = text("session_path", "the session's file, where it is in the corpus")

PROCESSES = FrameSchema.of(
    "processes",
    "every process of lash's registries, by its owner's session; path is the registry",
    _SESSION_PATH,
    text("process_id", "id of the process"),
    text("status", "state it is in"),
    text("name", "what runs, as its record or its handle calls it"),
    text("input_type", "type of its input"),
    text("agent_frame_id", "agent frame that owns it"),
    text("child_session_id", "the session that it runs, if it runs one"),
    text("host_profile_id", "profile of the host"),
    text("module_ref", "the module it runs"),
    *frames.SCHEMAS["sessions"].chosen(["caused_by_type", "caused_by_session_id", "caused_by_id"]),
    time("created_at", "when it was registered"),
    time("updated_at", "when it last changed"),
    count("n_events", "its events"),
    text("last_event_type", "type of the last of them"),
    count("n_wake_acks", "wakes that were acknowledged"),
    flag("leased", "whether an owner holds its lease"),
    text("record", "its whole record as JSON"),
)

EFFECTS = FrameSchema.of(
    "effects",
    "every effect kept for replay, by its session; path is the database",
    _SESSION_PATH,
    text("scope_id", "the turn or process that it belongs to"),
    text("replay_key", "key within the scope"),
    text("type", "type of its outcome"),
    text("status", "state it is in"),
    flag("failed", "whether an error was recorded, or its outcome is one"),
    time("created_at", "when it began"),
    time("updated_at", "when it last changed"),
    time("due_at", "when it is due"),
    text("outcome", "its outcome as JSON"),
    text("error", "its error as JSON"),
)

HOST_EVENTS = FrameSchema.of(
    "host_events",
    "every delivery of a host event, then occurrences that reached nobody; path is the database",
    _SESSION_PATH,
    text("occurrence_id", "the event"),
    text("source_type", "type of its source"),
    text("source_key", "key of its source"),
    text("idempotency_key", "key that makes it happen once"),
    time("occurred_at", "when it happened"),
    text("subscription_id", "the subscription that it was delivered to"),
    text("handle", "handle of the subscription"),
    text("process_id", "the process that it started"),
    time("delivered_at", "when it was delivered"),
    text("payload", "what it brought, as JSON"),
)

SCHEMAS: dict[str, FrameSchema] = {
    made.name: made
    for made in (
        FILES,
        ERRORS,
        SKIPPED,
        FAMILIES,
        SHARED_BLOBS,
        HITS,
        PROCESSES,
        EFFECTS,
        HOST_EVENTS,
        GC_PLAN,
        GC_REPORT,
    )
}


def schema(name: str) -> pd.DataFrame:
    """The columns of a frame, of a store or of a corpus.

    Parameters
    ----------
    name : str
        Name of a frame, such as ``"nodes"`` or ``"families"``.

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
    known = {**frames.SCHEMAS, **SCHEMAS}
    if name not in known:
        raise UnknownColumnError(f"no frame {name!r}; frames: {', '.join(known)}")
    return known[name].described()
