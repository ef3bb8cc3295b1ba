"""A folder of sessions in Parquet, asked by pyarrow, and by DuckDB and polars where they are there.

    python examples/parquet_sql.py [SESSIONS [PARQUET]]

Prints how often each tool was called and how often it failed, and what each session used. SESSIONS
is a folder of session files; without it, a sample is made in a temporary folder. PARQUET is where
the export goes, to be brought up to date by the next run; a temporary folder if not given.
"""

from __future__ import annotations

import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.dataset as ds

import lashgraph as lg
from lashgraph.testing.corpus import build_corpus

FRAMES = ["sessions", "tool_calls", "usage"]

USED = """
    SELECT s.name, s.model, sum(u.input_tokens) AS input_tokens
    FROM read_parquet(?) AS u JOIN read_parquet(?) AS s USING (path, session_id)
    GROUP BY s.path, s.session_id, s.name, s.model ORDER BY input_tokens DESC, s.path LIMIT 5
"""


def pattern(parquet: Path, frame: str) -> str:
    """Where the rows of a frame are."""
    return str(parquet / frame / "*.parquet")


def with_pyarrow(parquet: Path) -> None:
    calls = ds.dataset(parquet / "tool_calls").to_table(columns=["tool_name", "status"])
    failed = pc.cast(pc.equal(calls["status"], "error"), "int64")
    counted = calls.append_column("failed", failed).group_by("tool_name")
    tools = counted.aggregate([("failed", "count"), ("failed", "sum")])
    for row in tools.sort_by(
        [("failed_count", "descending"), ("tool_name", "ascending")]
    ).to_pylist():
        print(f"  {row['tool_name']!r}: {row['failed_count']} calls, {row['failed_sum']} failed")


def with_duckdb(parquet: Path) -> None:
    import duckdb

    where = [pattern(parquet, "usage"), pattern(parquet, "sessions")]
    for name, model, tokens in duckdb.execute(USED, where).fetchall():
        print(f"  {name!r} with {model!r}: {tokens:,} tokens in")


def with_polars(parquet: Path) -> None:
    import polars as pl

    key = ["path", "session_id"]
    turns = pl.scan_parquet(pattern(parquet, "usage")).group_by(key).agg(pl.len().alias("rows"))
    sessions = pl.scan_parquet(pattern(parquet, "sessions")).select(*key, "name", "n_turns")
    joined = sessions.join(turns, on=key).sort("rows", "path", descending=[True, False])
    for name, n_turns, rows in (
        joined.head(5).select("name", "n_turns", "rows").collect().iter_rows()
    ):
        print(f"  {name!r}: {n_turns} turns, {rows} rows of usage")


def main(sessions: Path, parquet: Path) -> None:
    with lg.open_corpus(sessions) as corpus:
        report = corpus.to_parquet(parquet, frames=FRAMES)
    print(f"{report.read} sessions read, {report.kept} kept: {report.parquet_bytes:,} bytes")
    print("pyarrow:")
    with_pyarrow(parquet)
    for name, ask in {"duckdb": with_duckdb, "polars": with_polars}.items():
        print(f"{name}:" if find_spec(name) else f"{name}: not installed")
        if find_spec(name):
            ask(parquet)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        if not sys.argv[1:]:
            build_corpus(place / "sessions")
        source = Path(sys.argv[1]) if sys.argv[1:] else place / "sessions"
        main(source, Path(sys.argv[2]) if sys.argv[2:] else place / "parquet")
