"""What a collection would free in every session of a folder, and where it would refuse.

    python examples/batch_dry_run.py [FOLDER]

Nothing is written: the sessions are opened for reading, and a plan is only a plan. Without an
argument it looks at sample sessions in a temporary folder, one of which it damages.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pandas as pd

import lashgraph as lg
from lashgraph.testing.corpus import build_corpus
from lashgraph.testing.damage import damage

KEEP_TURNS = 3
"""Checkpoints of the latest turns that stay, so that one can go back to them."""


def plan(path: Path) -> dict[str, object]:
    """What a collection would do with one session; why not, where it would refuse."""
    found: dict[str, object] = {"file": path.name}
    try:
        with lg.open(path) as store, store.snapshot():
            made = store.plan_gc(keep_turns=KEEP_TURNS)
            refs = store.refs(columns=["ref", "is_root_safe", "dangling"])
    except lg.DamagedStoreError as error:
        return {**found, "refused": "; ".join(error.findings)}
    except lg.LashgraphError as error:
        return {**found, "refused": str(error)}
    lost = refs[refs["is_root_safe"] & refs["dangling"]]
    return {
        **found,
        "deleted_blobs": made.deleted_blob_count,
        "deleted_bytes": made.deleted_bytes,
        "kept_bytes": made.kept_bytes,
        # A root that dangles already is no reason to refuse, but one to look before deleting.
        "roots_dangling": len(lost),
    }


def main(folder: Path) -> None:
    sessions = lg.StoreDirectory(folder).list()
    plans = pd.DataFrame([plan(path) for path in sessions.values()])
    plans = plans.reindex(
        columns=[
            "file",
            "deleted_blobs",
            "deleted_bytes",
            "kept_bytes",
            "roots_dangling",
            "refused",
        ]
    )
    done = plans[plans["refused"].isna()].drop(columns="refused")
    counts = done.columns.drop("file")
    done = done.astype(dict.fromkeys(counts, "int64")).sort_values("deleted_bytes")
    if len(done):
        print(done.to_string(index=False), end="\n\n")
    print(f"{len(done)} sessions: {done['deleted_bytes'].sum():,} bytes of blobs to free")
    for refusal in plans[plans["refused"].notna()].itertuples():
        print(f"refused: {refusal.file!r}: {refusal.refused!r}")


if __name__ == "__main__":
    if sys.argv[1:]:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as made:
            damage(build_corpus(made)[2], "manifest-absent")
            main(Path(made))
