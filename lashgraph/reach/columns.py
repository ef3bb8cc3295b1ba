"""Frames of reachability: their columns, declared as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from lashgraph.columns import Column, FrameSchema, closed, count, flag, maybe, text
from lashgraph.reach.refs import SourceKind
from lashgraph.version import __version__

if TYPE_CHECKING:
    import pandas as pd

KINDS = {
    "manifest": "CheckpointManifest",
    "tool_state": "ToolState",
    "plugin_snapshot": "PluginSessionSnapshot",
    "execution_state": "ExecutionStateSnapshot",
    "module": "LashlangModule",
    "generic": "GenericBlob",
    "other": "",
}
"""What columns call the kinds of blobs; "other" is raw, damaged, or of a newer release."""

STATES = ("live", "dangling", "dead", "gone")

ROOTS = FrameSchema.of(
    "roots",
    "every naming of a blob that counts as a root under the policy",
    text("ref", "key of the root, as every call takes it"),
    closed("source_kind", "what names it", *get_args(SourceKind)),
    text("source_id", "which one of that kind"),
    text("field", "the field that holds the name"),
    text("blob_hash", "the blob named"),
    flag("is_followed", "whether the blob is taken for a manifest, and what it names is kept too"),
    flag("present", "whether the blob is there"),
)

REACHED = FrameSchema.of(
    "reached",
    "every blob, in the order of the table, and what keeps it; those that are named and are not "
    "there come last",
    text("hash", "SHA-256 of the decoded content"),
    text("kind", "kind in the envelope, as in blobs(); missing where the blob is"),
    count("stored_bytes", "bytes as stored; 0 where it is missing"),
    closed(
        "state",
        "live: kept and there; dangling: a root reaches it and it is not there; dead: nothing "
        "reaches it; gone: named only by what is no root, and not there",
        *STATES,
    ),
    count("n_roots", "roots that reach it"),
    text("first_root", "the first of them"),
    text("only_root", "the root that alone reaches it: dropping that one frees it"),
)

RETAINED = FrameSchema.of(
    "retained",
    "what each root holds, and then what each live manifest holds; bytes as stored, of blobs that "
    "are there",
    closed("layer", "a root by its key, or a manifest", "root", "manifest"),
    text("ref", "key of the root; of a manifest the key by which it can be kept"),
    closed("source_kind", "what kind of root it is, or a manifest", *get_args(SourceKind)),
    count("n_blobs", "blobs that it reaches"),
    count("n_retained", "blobs that would be freed if only it went"),
    count("shallow_bytes", "of the blobs that a root names itself; of the manifest alone"),
    count("reached_bytes", "of all blobs that it reaches"),
    count("retained_bytes", "that would be freed if only it went"),
    count("shared_bytes", "that it reaches and something else keeps: reached less retained"),
    count(
        "counted_bytes",
        "that it reaches and no row of its layer above it does; over all roots they add up to the "
        "live total",
    ),
)

_CHANGES = {
    "freed": "that are live and would be dead",
    "added": "that are dead and would be live",
}


def _by_kind(kind: str) -> list[Column]:
    what = KINDS[kind] or "any other kind"
    made = []
    for change, meaning in _CHANGES.items():
        made.append(count(f"n_{change}_{kind}", f"blobs of {what} {meaning}"))
        made.append(count(f"{change}_bytes_{kind}", "their stored bytes"))
    return made


FREED = FrameSchema.of(
    "freed",
    "what dropping and adding each set of refs together would free; bytes as stored",
    count("position", "place of the set among those asked for, from 0"),
    count("n_dropped_refs", "roots that are dropped"),
    count("n_added_refs", "refs that become roots"),
    text("dropped", "keys of the roots that are dropped, a JSON list"),
    text("added", "keys of the refs that become roots, a JSON list"),
    count("n_freed", f"blobs {_CHANGES['freed']}"),
    count("freed_bytes", "their stored bytes"),
    count("n_added", f"blobs {_CHANGES['added']}"),
    count("added_bytes", "their stored bytes"),
    count("live_bytes", "stored bytes of all blobs that would be live"),
    *(column for kind in KINDS for column in _by_kind(kind)),
)

WHY = FrameSchema.of(
    "why",
    "the chains that lead to a blob, a row for each step",
    closed("state", "whether the blob is kept, and whether it is there: as in reached", *STATES),
    count("chain", "which chain, from 0"),
    count("step", "place in the chain, from 0"),
    text("ref", "key of the ref where the chain begins"),
    flag("is_root", "whether that is a root under the policy"),
    text("source", "what names: the ref itself, or the hash of a manifest"),
    text("field", "the field that holds the name"),
    text("blob_hash", "the blob named"),
    maybe("stored_bytes", "its bytes as stored; missing where it is"),
)


def reach_frame(
    schema: FrameSchema, data: Mapping[str, Any], *, rows: int, made_of: Mapping[str, str]
) -> pd.DataFrame:
    """Make a frame of reachability from columns of equal length.

    Parameters
    ----------
    made_of : mapping of str to str
        Path, session_id, policy and fingerprint of what it was computed from.
    """
    frame = schema.build(data, rows, made_of["path"], made_of["session_id"])
    frame.attrs["lashgraph"] = {
        "frame": schema.name,
        "version": __version__,
        "fingerprint": made_of["fingerprint"],
        "policy": made_of["policy"],
    }
    return frame
