"""What weighs most: frames summed up by family, kind of blob and tool."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

CALLS_NEEDED = ("tool_name", "status", "seconds", "args", "result")
"""The columns of tool_calls() that `by_tool` takes."""


def largest(frame: pd.DataFrame, size: str, name: str) -> pd.DataFrame:
    """The rows with the largest first, those of one size by name."""
    return frame.sort_values([size, name], ascending=[False, True], ignore_index=True)


def by_family(families: pd.DataFrame) -> pd.DataFrame:
    """What all sessions of a family hold; on a cycle nobody is the first of the family.

    Returns
    -------
    DataFrame
        Columns root_session_id, n_sessions, n_turns, file_bytes, input_tokens, output_tokens.
    """
    there = families[families["status"] != "missing"]
    found = there.groupby("root_session_id", sort=False).agg(
        n_sessions=("session_id", "size"),
        n_turns=("n_turns", "sum"),
        file_bytes=("file_bytes", "sum"),
        input_tokens=("input_tokens", "sum"),
        output_tokens=("output_tokens", "sum"),
    )
    return largest(found.reset_index(), "file_bytes", "root_session_id")


def by_kind(blobs: pd.DataFrame, live: pd.Series[bool]) -> pd.DataFrame:
    """Blobs of each kind, in stored bytes.

    Parameters
    ----------
    blobs : DataFrame
        The columns hash, kind and stored_bytes of blobs().
    live : Series of bool
        Which of them a policy keeps.

    Returns
    -------
    DataFrame
        Columns kind, n_blobs, stored_bytes, garbage_bytes.
    """
    kinds = blobs.assign(garbage_bytes=blobs["stored_bytes"].where(~live, 0))
    found = kinds.groupby("kind", dropna=False).agg(
        n_blobs=("hash", "size"),
        stored_bytes=("stored_bytes", "sum"),
        garbage_bytes=("garbage_bytes", "sum"),
    )
    return largest(found.reset_index(), "stored_bytes", "kind")


def by_tool(calls: pd.DataFrame) -> pd.DataFrame:
    """Calls of each tool, and the bytes of what was asked and answered.

    Returns
    -------
    DataFrame
        Columns tool_name, n_calls, n_failed, arg_bytes, result_bytes, median_seconds, total_bytes.
    """
    told = calls.assign(
        is_call=calls["status"] != "orphan_result",
        failed=calls["status"] == "error",
        arg_bytes=_utf8(calls["args"]),
        result_bytes=_utf8(calls["result"]),
    )
    found = told.groupby("tool_name", dropna=False).agg(
        n_calls=("is_call", "sum"),
        n_failed=("failed", "sum"),
        arg_bytes=("arg_bytes", "sum"),
        result_bytes=("result_bytes", "sum"),
        median_seconds=("seconds", "median"),
    )
    found["total_bytes"] = found["arg_bytes"] + found["result_bytes"]
    some = (found["n_calls"] > 0) | (found["total_bytes"] > 0)  # pruned results hold nothing
    return largest(found[some].reset_index(), "total_bytes", "tool_name")


def _utf8(texts: pd.Series[Any]) -> list[int]:
    sizes = pc.binary_length(pa.array(texts, pa.large_string(), from_pandas=True))
    return [size or 0 for size in sizes.to_pylist()]
