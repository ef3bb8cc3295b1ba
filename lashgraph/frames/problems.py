"""The frames of what a check finds: all findings, and of them the problems."""

from __future__ import annotations

from typing import Any

from lashgraph.check import CODES, SEVERITIES, Level, check, find_problems
from lashgraph.columns import FrameSchema, closed, text
from lashgraph.frames.source import Source, Table

PROBLEMS = FrameSchema.of(
    "problems",
    "what cannot be read or names what is not there",
    text("table", "table of the row"),
    text("key", "key of the row"),
    text("what", "what is wrong with it"),
)

FINDINGS = FrameSchema.of(
    "findings",
    "what a check finds, the gravest first",
    closed("severity", "how grave it is", *SEVERITIES),
    closed("code", "what kind of finding it is", *CODES),
    text("table", "table of the row"),
    text("key", "key of the row; empty where the table or the file is meant"),
    text("what", "what is wrong with it"),
    text("advice", "what to do about it"),
)


def findings_table(source: Source, _wanted: frozenset[str], *, level: Level = "quick") -> Table:
    """One row for each finding of a check, the gravest first."""
    found = check(source.connection, level)
    columns: dict[str, Any] = {
        "severity": [finding.about.severity for finding in found],
        "code": [finding.code for finding in found],
        "table": [finding.table for finding in found],
        "key": [finding.key for finding in found],
        "what": [finding.what for finding in found],
        "advice": [finding.about.advice for finding in found],
    }
    return Table(columns, len(found), [])


def problems_table(source: Source, _wanted: frozenset[str]) -> Table:
    """Of the findings of a quick check those that cannot be read or name what is not there."""
    found = find_problems(source.connection)
    columns: dict[str, Any] = {
        name: [getattr(finding, name) for finding in found] for name in ("table", "key", "what")
    }
    return Table(columns, len(found), [])
