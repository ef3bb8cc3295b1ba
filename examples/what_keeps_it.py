"""What keeps a session's largest blobs, what its roots hold, and what collecting it would free.

    python examples/what_keeps_it.py [SESSION.db ...]

Nothing is written: the sessions are opened for reading, and the forecast works on a copy in memory.
Without arguments it looks at a sample session that it makes in a temporary folder.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import lashgraph as lg
from lashgraph.testing.corpus import build_corpus

LARGEST = 3
"""Blobs of each state whose story is told."""

LINES = 3
"""Lines of a story that are printed."""

KEEP_TURNS = (0, 1, 5, 25)
"""Numbers of turns to go back to, whose price is told."""


def tell_why(reach: lg.Reachability) -> None:
    """The chains to the largest live blobs, and what superseded the largest dead ones."""
    blobs = reach.blobs().sort_values("stored_bytes", ascending=False, kind="stable")
    for state in ("live", "dead"):
        for key in blobs.loc[blobs["state"] == state, "hash"].head(LARGEST).tolist():
            why = reach.why(key)
            print(f"\n{why.stored_bytes:,} bytes, {why.kind}:")
            lines = why.lines()
            print(*lines[:LINES], sep="\n")
            if len(lines) > LINES:
                print(f"and {len(lines) - LINES} more")


def tell_roots(reach: lg.Reachability) -> None:
    """What roots hold: each alone, and all of a kind together."""
    held = reach.retained().query("layer == 'root'")
    by_kind = held.groupby("source_kind", observed=True)
    kinds = by_kind.agg(roots=("ref", "size"), one_by_one=("retained_bytes", "sum"))
    kinds.loc["any"] = [len(held), held["retained_bytes"].sum()]
    sets = [refs.tolist() for _, refs in by_kind["ref"]]
    together = reach.freed_by([*sets, held["ref"].tolist()])
    kinds["together"] = together["freed_bytes"].to_numpy()
    print("\nbytes freed if these roots went:", kinds.to_string(), sep="\n")


def tell_prices(store: lg.Store) -> None:
    """What the file would be with fewer or more turns to go back to."""
    print()
    for keep_turns in KEEP_TURNS:
        plan = store.plan_gc(keep_turns=keep_turns)
        after = store.forecast(plan)
        print(
            f"keeping {keep_turns:2} turns frees {plan.deleted_bytes:,} bytes of blobs; the file "
            f"of {after.file_bytes:,} becomes {after.file_bytes_after_compact:,}"
        )


def main(path: Path) -> None:
    with lg.open(path) as store, store.snapshot():
        reach = store.reachability()
        print(f"{path.name!r}: {reach.live_bytes:,} bytes live, {reach.dead_bytes:,} dead")
        tell_why(reach)
        tell_roots(store.reachability(keep_turns=max(KEEP_TURNS)))
        try:
            tell_prices(store)
        except lg.DamagedStoreError as error:
            print("no collection:", *error.findings, sep="\n  ")


if __name__ == "__main__":
    if sys.argv[1:]:
        for session in sys.argv[1:]:
            main(Path(session))
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(build_corpus(folder)[0])
