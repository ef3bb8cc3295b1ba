"""What a redacted copy must have in common with its store, as facts that can be compared."""

from __future__ import annotations

import sqlite3
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd

import lashgraph as lg
from lashgraph.errors import LashgraphError, LashgraphWarning
from lashgraph.redact.tables import TABLES

FRAMES = ("nodes", "parts", "tool_calls", "steps", "events", "agent_frames", "turns", "usage")
FRAMES += ("refs", "blobs", "attachments", "queued_work")
SIZES = ("stored_bytes", "new_blob_bytes")
"""Columns with the sizes of blobs, of which a compressed one may become larger."""


def facts(path: Path, *, sizes: bool = True, frames: Sequence[str] = FRAMES) -> dict[str, Any]:
    """Everything about a store but what is said in it: what must be the same of its copy."""
    with lg.open(path) as store, warnings.catch_warnings():
        warnings.simplefilter("ignore", LashgraphWarning)
        found: dict[str, Any] = {"check": sorted(codes(store.check(level="full")))}
        for name in frames:
            found |= told(name, in_order(name, getattr(store, name)()), sizes=sizes)
        tree = store.tree()
        places = {node: place for place, node in enumerate(store.nodes()["node_id"])}
        found["active path"] = [places[node] for node in tree.active_path()]
        found["chat"] = [spoken(record) for record in tree.transcript().chat()]
        found["plans"] = {policy: planned(store, policy) for policy in ("safe", "runtime")}
    found["cells"] = cells(path, sizes=sizes)
    return found


def told(name: str, frame: pd.DataFrame, *, sizes: bool) -> dict[str, Any]:
    """The columns of a frame: of texts only which are the same, of all others the values."""
    found = {}
    for column in frame.columns.drop(["path", "session_id"]):
        if frame[column].dtype == "str":
            found[f"{name}.{column}"] = partition(frame[column])
        elif sizes or column not in SIZES:
            found[f"{name}.{column}"] = frame[column].astype(str).tolist()
    return found


def in_order(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """A frame in an order that does not come from names: artifacts are listed by theirs."""
    return frame[frame["source_kind"] != "artifact"] if name == "refs" else frame


def codes(findings: pd.DataFrame) -> Iterable[tuple[str, str]]:
    """What a check found, without the keys."""
    return zip(findings["code"], findings["table"], strict=True)


def partition(column: pd.Series[Any]) -> list[int]:
    """Which values of a column are the same: numbers in order of their first place."""
    return [int(code) for code in pd.factorize(column)[0]]


def spoken(record: dict[str, Any]) -> Any:
    """The shape of a record of a chat: its keys, the role, and how long each text is."""
    shape: dict[str, Any] = {}
    for key, value in record.items():
        if key in ("role", "type"):
            shape[key] = value
        elif isinstance(value, list):
            shape[key] = [spoken(item) for item in value]
        elif isinstance(value, dict):
            shape[key] = spoken(value)
        else:
            shape[key] = len(value.encode()) if isinstance(value, str) else value
    return shape


def planned(store: lg.Store, policy: str) -> Any:
    """What a plan deletes and keeps by kind, or that it is refused."""
    chosen = lg.GcPolicy.safe() if policy == "safe" else lg.GcPolicy.runtime()
    try:
        plan = store.plan_gc(policy=chosen)
    except LashgraphError as error:
        return type(error).__name__
    reasons = (plan.doomed()["reason"], plan.kept()["reason"])
    return plan.root_count, *(
        Counter(reason.partition(":")[0] for reason in each) for each in reasons
    )


def cells(path: Path, *, sizes: bool) -> dict[str, list[Any]]:
    """Storage class and bytes of every cell."""
    found = {}
    with closing(sqlite3.connect(path)) as connection:
        for table in TABLES:
            if table.name != "blobs" or sizes:
                chosen = ", ".join(f"typeof({c}), length(CAST({c} AS BLOB))" for c in table.columns)
                sql = f"SELECT rowid, {chosen} FROM {table.name} ORDER BY rowid"
                found[table.name] = connection.execute(sql).fetchall()
    return found
