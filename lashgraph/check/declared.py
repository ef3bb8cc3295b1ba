"""Every kind of finding, declared as data, the gravest first."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lashgraph.check.codes import Code

_RESTORE = "Restore the file from a backup."
_KEEP = "Do not let lash collect garbage in this file before it is repaired: keep a copy."
_NOTHING = "Nothing needs to be done."

_CODES = (
    # Errors
    Code(
        "sqlite-damage",
        "error",
        "SQLite's own check finds the file damaged.",
        "Restore the file from a backup, or let `sqlite3 FILE .recover` save what can be read.",
    ),
    Code(
        "sqlite-unreadable",
        "error",
        "SQLite fails to read a table or a row, so it could not be checked.",
        "Restore the file from a backup, or let `sqlite3 FILE .recover` save what can be read.",
        is_problem=True,
    ),
    Code(
        "foreign-key",
        "error",
        "A row names a row of another table that is not there.",
        "Delete the row, or restore the one that it names.",
        is_problem=True,
    ),
    Code(
        "head-lost",
        "error",
        "There is no head row, yet there are nodes or recorded turns.",
        f"{_RESTORE} The latest row of turns() names the last checkpoint. {_KEEP}",
        is_problem=True,
    ),
    Code(
        "head-unreadable",
        "error",
        "The head cannot be read at all; lash's collection would delete every blob.",
        f"{_RESTORE} The latest row of turns() names the last checkpoint. {_KEEP}",
        is_problem=True,
    ),
    Code(
        "head-refused",
        "error",
        "lash as of this schema version refuses the head and takes the session for a new one.",
        f"Open the file with the lash that wrote it. {_KEEP}",
        is_problem=True,
    ),
    Code(
        "head-checkpoint-lost",
        "error",
        "The head names no checkpoint, yet turns recorded some; no commit writes that.",
        f"{_RESTORE} The latest row of turns() names the last checkpoint. {_KEEP}",
        is_problem=True,
    ),
    Code(
        "leaf-missing",
        "error",
        "The head's leaf is not in the graph, so that the active path is empty.",
        "Choose a leaf: tree(leaf=...) reads any path; a commit sets the head's.",
        is_problem=True,
    ),
    Code(
        "active-path-cut",
        "error",
        "The active path ends at a node whose parent is missing: what stood before is not read.",
        f"{_RESTORE} A vacuum after its stem was tombstoned leaves the same trace.",
        is_problem=True,
    ),
    Code(
        "node-unreadable",
        "error",
        "A row of the graph cannot be read; lash drops it without a word.",
        "Repair the row's JSON, or restore it from a backup.",
        is_problem=True,
    ),
    Code(
        "node-key-differs",
        "error",
        "A row's node_id is not the one in its JSON: lash finds it by one and links it by the "
        "other.",
        "Make the two agree; children and leaf tell which is right.",
        is_problem=True,
    ),
    Code(
        "node-cycle",
        "error",
        "A node is its own ancestor: lash's active path never ends.",
        "Set the right parent in one node of the circle, or restore the file.",
        is_problem=True,
    ),
    Code(
        "manifest-missing",
        "error",
        "The checkpoint that the head names is not there; what it named cannot be known.",
        f"{_RESTORE} {_KEEP}",
        is_problem=True,
    ),
    Code(
        "manifest-unreadable",
        "error",
        "A live checkpoint manifest cannot be read; lash may take it for an empty one.",
        f"{_RESTORE} {_KEEP}",
        is_problem=True,
    ),
    Code(
        "manifest-altered",
        "error",
        "A live checkpoint manifest does not match its key: it was altered.",
        f"{_RESTORE} {_KEEP}",
        is_problem=True,
    ),
    Code(
        "state-missing",
        "error",
        "A state of the live checkpoint is not there; lash loads the session without it.",
        "Restore the blob from a backup: its key is the SHA-256 of its content.",
        is_problem=True,
    ),
    Code(
        "state-unreadable",
        "error",
        "A state of the live checkpoint is not of its type; lash loads the session without it.",
        "Restore the blob from a backup: its key is the SHA-256 of its content.",
        level="full",
    ),
    Code(
        "artifact-missing",
        "error",
        "An artifact ref leads to a blob that is not there.",
        "Store the artifact again, or restore the blob from a backup.",
        is_problem=True,
    ),
    Code(
        "turn-unreadable",
        "error",
        "The record of a turn cannot be read: its checkpoint is not known, and committing the "
        "turn again fails.",
        "Repair the row's JSON, or restore it from a backup.",
        is_problem=True,
    ),
    Code(
        "blob-damaged",
        "error",
        "A blob's envelope cannot be read; lash answers with the stored bytes instead.",
        "Restore the blob from a backup: its key is the SHA-256 of its content.",
        is_problem=True,
    ),
    Code(
        "blob-altered",
        "error",
        "A blob's content does not match its key: it was altered.",
        "Restore the blob from a backup: its key is the SHA-256 of its content.",
        level="full",
    ),
    Code(
        "blob-not-bytes",
        "error",
        "A blob's content is not stored as bytes.",
        "Restore the blob from a backup: its key is the SHA-256 of its content.",
        is_problem=True,
    ),
    Code(
        "queue-item-without-batch",
        "error",
        "A queued item belongs to a batch that is not there; it is never delivered.",
        "Queue its payload again, then delete the row.",
        is_problem=True,
    ),
    # Warnings
    Code(
        "schema-acts",
        "warning",
        "The schema acts or compares by itself (triggers, views, collations ...); lash's does not.",
        "Find out who made it; mode='rw' refuses the file as long as it is there.",
    ),
    Code(
        "node-unknown-kind",
        "warning",
        "A row of the graph is of a kind that this release does not know; it is not read.",
        "Open the file with the lash that wrote it.",
        is_problem=True,
    ),
    Code(
        "manifest-newer",
        "warning",
        "A live checkpoint manifest holds a field that a newer lash wrote; it may name blobs.",
        "Collect garbage with the lash that wrote it; the safe policy refuses.",
        is_problem=True,
    ),
    Code(
        "head-column-differs",
        "warning",
        "A column of the head differs from its JSON. The column's revision and the JSON's session "
        "count.",
        "Find out who wrote the row: lash writes both alike.",
    ),
    Code(
        "head-behind-turns",
        "warning",
        "A recorded turn has a higher head revision than the head: the head was set back.",
        "Compare with the latest row of turns(); restore the head if it is stale.",
    ),
    Code(
        "agent-frame-unknown",
        "warning",
        "The head's current agent frame is not among those that it lists.",
        "The transcript may be empty; choose the agent frame by hand.",
    ),
    Code(
        "session-id-differs",
        "warning",
        "Metadata or a turn belong to another session than the head.",
        "Find out whether files were mixed; the head's session counts.",
    ),
    Code(
        "meta-unreadable",
        "warning",
        "The session's relation cannot be read; lash takes the session for a root.",
        "Repair the row's JSON to have the parent again.",
        is_problem=True,
    ),
    Code(
        "leaf-tombstoned",
        "warning",
        "The head's leaf is tombstoned, so that the active path is empty.",
        "Choose another leaf before a vacuum; tree(tombstoned=True) still shows it.",
    ),
    Code(
        "parent-missing",
        "warning",
        "A node names a parent that is not there: paths end at it. A vacuum of tombstoned nodes "
        "leaves that behind.",
        "Restore the parent from a backup if no vacuum explains it.",
        is_problem=True,
    ),
    Code(
        "time-unreadable",
        "warning",
        "A node's timestamp is no time.",
        "Frames leave the time out; repair it to order by time.",
    ),
    Code(
        "time-backwards",
        "warning",
        "A node is older than its parent.",
        "Do not measure durations across this link; a clock was set back, or a node was moved.",
    ),
    Code(
        "message-id-conflict",
        "warning",
        "Two messages with the same id say different things; on one path only the first is shown.",
        "Ask for nodes, not messages, to see both.",
    ),
    Code(
        "artifact-names-manifest",
        "warning",
        "An artifact ref names a checkpoint manifest, whose states lash's collection then deletes.",
        "Collect with lashgraph, which follows it, or name the states themselves.",
    ),
    Code(
        "blob-key-odd",
        "warning",
        "A blob's key is no SHA-256 in hex: no ref of lash's own leads to it.",
        "Find out who wrote the row; put_blob stores content under its right key.",
        is_problem=True,
    ),
    Code(
        "blob-unknown-kind",
        "warning",
        "A blob's envelope has a kind or a compression that this release does not know.",
        "Open the file with the lash that wrote it.",
        is_problem=True,
    ),
    Code(
        "usage-odd",
        "warning",
        "A usage entry holds what is no count of tokens, or no name; the ledger's sums are wrong.",
        "Repair the row, or leave it out of sums.",
        is_problem=True,
    ),
    Code(
        "usage-below-checkpoint",
        "warning",
        "The ledger holds fewer tokens than the checkpoint says of the latest turn alone, and that "
        "turn is not one of the session that this one goes on from: entries were lost.",
        "Take totals from turns(), not from usage().",
    ),
    Code(
        "queue-unreadable",
        "warning",
        "The JSON of queued work cannot be read.",
        "Queue the work again, then delete the row.",
        is_problem=True,
    ),
    # Notes
    Code(
        "head-newer",
        "note",
        "The head holds a field that this release does not know; it is not read.",
        "Open the file with the lash that wrote it to see all of it.",
    ),
    Code(
        "head-count-differs",
        "note",
        "The head's count of nodes is not the number of living nodes: some were tombstoned, "
        "vacuumed, added or lost since its commit.",
        "The next commit counts again; look for lost nodes if nobody changed the graph.",
    ),
    Code(
        "parent-tombstoned",
        "note",
        "A node's parent is tombstoned: that is how lash cuts off a branch.",
        _NOTHING,
    ),
    Code(
        "message-id-repeated",
        "note",
        "A message stands in several nodes, as a compaction leaves it; transcripts show it once.",
        "Count messages by their id.",
    ),
    Code(
        "agent-frame-dangling",
        "note",
        "An agent frame names an execution state that is gone, as lash's collection leaves it.",
        "Nobody can go back to this agent frame; keep copies to be able to.",
    ),
    Code(
        "turn-dangling",
        "note",
        "An old turn names blobs that are gone, as a collection leaves it.",
        "Its checkpoint cannot be looked at any more; keep_turns=N keeps the latest.",
    ),
    Code(
        "archive-dangling",
        "note",
        "A pruned part names an archive that is gone, as lash's collection leaves it.",
        "What was pruned cannot be read any more; the safe policy keeps archives.",
        level="full",
    ),
    Code(
        "runtime-gc-deletes",
        "note",
        "Something alive names this blob, and lash's collection deletes it all the same.",
        "Collect with the safe policy to keep it.",
        level="full",
    ),
    Code(
        "usage-cached-above-input",
        "note",
        "A usage entry counts more cached tokens than tokens sent, though the sent include them.",
        "Take shares of cached tokens with care.",
    ),
)

CODES: Mapping[str, Code] = MappingProxyType({code.name: code for code in _CODES})
"""Every code by its name, the gravest first."""
