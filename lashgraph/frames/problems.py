"""The frames of what a check finds: all findings, and of them the problems."""

from __future__ import annotations

import sqlite3

import pandas as pd

from lashgraph.check import Level, check, find_problems
from lashgraph.frames.declared import FINDINGS, PROBLEMS


def findings_frame(
    connection: sqlite3.Connection, path: str, session_id: str, *, level: Level = "quick"
) -> pd.DataFrame:
    """One row for each finding of a check, the gravest first."""
    found = check(connection, level)
    data = {
        "severity": [finding.about.severity for finding in found],
        "code": [finding.code for finding in found],
        "table": [finding.table for finding in found],
        "key": [finding.key for finding in found],
        "what": [finding.what for finding in found],
        "advice": [finding.about.advice for finding in found],
    }
    return FINDINGS.build(data, len(found), path, session_id)


def problems_frame(connection: sqlite3.Connection, path: str, session_id: str) -> pd.DataFrame:
    """Of the findings of a quick check those that cannot be read or name what is not there."""
    found = find_problems(connection)
    data = {
        "table": [finding.table for finding in found],
        "key": [finding.key for finding in found],
        "what": [finding.what for finding in found],
    }
    return PROBLEMS.build(data, len(found), path, session_id)
