"""Look into, simulate and collect the session stores of the lash agent runtime.

One file per session: ``lashgraph.open("session.db")`` reads it without leaving a trace, as frames,
as a session graph, as roots and what they keep alive; ``plan_gc`` says what a garbage collection
would free, and ``sweep`` does exactly that.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lashgraph.version import __version__

if TYPE_CHECKING:
    from lashgraph import errors, plot, report, widgets
    from lashgraph.corpus import Corpus, open_corpus, schema
    from lashgraph.errors import DamagedStoreError, LashgraphError, StalePlanError
    from lashgraph.format import Descriptor, Node, RuntimeCommit, SessionMeta
    from lashgraph.format.limits import ReadLimits
    from lashgraph.gc import Forecast, GcPlan, GcReport, restore
    from lashgraph.reach import GcPolicy, Reachability
    from lashgraph.store import (
        CommitResult,
        Store,
        StoreDirectory,
        StoreOptions,
        compare,
        open,
        session_family,
    )
    from lashgraph.tree import SessionGraph, Transcript

_HOMES = {
    "CommitResult": "lashgraph.store",
    "Corpus": "lashgraph.corpus",
    "DamagedStoreError": "lashgraph.errors",
    "Descriptor": "lashgraph.format",
    "Forecast": "lashgraph.gc",
    "GcPlan": "lashgraph.gc",
    "GcPolicy": "lashgraph.reach",
    "GcReport": "lashgraph.gc",
    "LashgraphError": "lashgraph.errors",
    "Node": "lashgraph.format",
    "Reachability": "lashgraph.reach",
    "ReadLimits": "lashgraph.format.limits",
    "RuntimeCommit": "lashgraph.format",
    "SessionGraph": "lashgraph.tree",
    "SessionMeta": "lashgraph.format",
    "StalePlanError": "lashgraph.errors",
    "Store": "lashgraph.store",
    "StoreDirectory": "lashgraph.store",
    "StoreOptions": "lashgraph.store",
    "Transcript": "lashgraph.tree",
    "compare": "lashgraph.store",
    "open": "lashgraph.store",
    "open_corpus": "lashgraph.corpus",
    "restore": "lashgraph.gc",
    "schema": "lashgraph.corpus",
    "session_family": "lashgraph.store",
}
_ROOMS = ("errors", "plot", "report", "widgets")

__all__ = [
    "CommitResult",
    "Corpus",
    "DamagedStoreError",
    "Descriptor",
    "Forecast",
    "GcPlan",
    "GcPolicy",
    "GcReport",
    "LashgraphError",
    "Node",
    "Reachability",
    "ReadLimits",
    "RuntimeCommit",
    "SessionGraph",
    "SessionMeta",
    "StalePlanError",
    "Store",
    "StoreDirectory",
    "StoreOptions",
    "Transcript",
    "__version__",
    "compare",
    "errors",
    "open",
    "open_corpus",
    "plot",
    "report",
    "restore",
    "schema",
    "session_family",
    "widgets",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for."""
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    if name in _ROOMS:
        return import_module(f"lashgraph.{name}")
    raise AttributeError(f"module 'lashgraph' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
