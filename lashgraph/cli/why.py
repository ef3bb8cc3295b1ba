"""``lashgraph why``: what keeps a blob, or why nothing does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lashgraph.cli.output import Output, records
from lashgraph.errors import AmbiguousHashError
from lashgraph.format.sizes import bytes_text
from lashgraph.reach import GcPolicy, Why
from lashgraph.store import open as open_store

ANSWERED = 0
LOST = 1
USAGE = 2


def run_why(path: Path, blob: str, policy: GcPolicy, out: Output, *, every: bool) -> int:
    """Print the chains that lead to a blob; 1 if roots lead to one that is not there."""
    with open_store(path) as store:
        reach = store.reachability(policy)
    try:
        why = reach.why(blob, all=every)
    except AmbiguousHashError as error:
        if not out.as_json:
            raise
        out.json({"path": reach.path, "prefix": blob, "candidates": list(error.candidates)})
        return USAGE
    size = "not in the store" if why.stored_bytes is None else bytes_text(why.stored_bytes)
    about = f"{why.kind}, {size}" if why.kind else size
    out.say(f"{why.blob_hash}  {about}: {why.state} ({policy.name} policy)", style="bold")
    for line in why.lines():
        out.say(line)
    if (more := why.n_chains - len(why.chains)) > 0:
        out.say(f"… and {more:,} more {'chain' if more == 1 else 'chains'}; --all prints them")
    out.json(_facts(why, reach.path))
    return LOST if why.state == "dangling" else ANSWERED


def _facts(why: Why, path: str) -> dict[str, Any]:
    found = why.superseding
    return {
        "path": path,
        "policy": why.policy,
        "blob_hash": why.blob_hash,
        "kind": why.kind,
        "stored_bytes": why.stored_bytes,
        "state": why.state,
        "n_chains": why.n_chains,
        "steps": records(why.frame().drop(columns=["path", "session_id", "state"])),
        "superseding": None
        if found is None
        else {
            "last_ref": found.last.ref,
            "field": found.last.steps[-1].field,
            "ref": found.ref,
            "checkpoint": found.checkpoint,
            "blob_hash": found.blob_hash,
        },
        "lines": why.lines(),
    }
