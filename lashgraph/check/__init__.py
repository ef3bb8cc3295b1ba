"""Integrity of a store: findings, each of a declared code."""

from lashgraph.check.codes import LEVELS, SEVERITIES, Code, Level, Severity
from lashgraph.check.declared import CODES
from lashgraph.check.finding import CheckFinding
from lashgraph.check.graph import GraphRows
from lashgraph.check.reading import session_id as known_session_id
from lashgraph.check.run import check, find_problems

__all__ = [
    "CODES",
    "LEVELS",
    "SEVERITIES",
    "CheckFinding",
    "Code",
    "GraphRows",
    "Level",
    "Severity",
    "check",
    "find_problems",
    "known_session_id",
]
