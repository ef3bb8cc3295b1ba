"""Tool calls that failed, over all sessions of a folder.

    python examples/failing_tools.py [SESSION.db or FOLDER ...]

Without arguments it looks at sample sessions that it makes in a temporary folder. The sessions are
only read.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pandas as pd

import lashgraph as lg
from lashgraph.testing.corpus import build_corpus

COLUMNS = ["session_id", "tool_name", "status", "called_at", "seconds", "args", "result"]


def session_files(places: list[Path]) -> list[Path]:
    """The files named, and the session files in the folders named."""
    found: list[Path] = []
    for place in places:
        found += lg.StoreDirectory(place).list().values() if place.is_dir() else [place]
    return found


def tool_calls(path: Path) -> pd.DataFrame:
    with lg.open(path) as store:
        return store.tool_calls(columns=COLUMNS)


def main(places: list[Path]) -> None:
    files = session_files(places)
    if not files:
        sys.exit("no sessions there")
    calls = pd.concat(list(map(tool_calls, files)), ignore_index=True)
    calls["failed"] = calls["status"].isin(["error", "no_result"])
    by_tool = calls.groupby("tool_name").agg(
        calls=("failed", "size"),
        failed=("failed", "sum"),
        share=("failed", "mean"),
        median_seconds=("seconds", "median"),
    )
    print(by_tool.sort_values("share", ascending=False).round(2).to_string())
    for call in calls[calls["failed"]].itertuples():
        # Texts come from whoever wrote the session; repr() keeps them from acting on the terminal.
        print(f"\n{call.session_id!r}: {call.tool_name!r} with {call.args!r} at {call.called_at}")
        print(f"  {call.status}: {call.result!r:.100}")


if __name__ == "__main__":
    if sys.argv[1:]:
        main(list(map(Path, sys.argv[1:])))
    else:
        with tempfile.TemporaryDirectory() as folder:
            build_corpus(folder)
            main([Path(folder)])
