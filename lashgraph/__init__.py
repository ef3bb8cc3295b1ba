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
    from lashgraph import errors, plot
    from lashgraph.errors import (
        DamagedDataWarning,
        DamagedStoreError,
        LashgraphError,
        OpenError,
        StalePlanError,
    )
    from lashgraph.format import Descriptor, Node, RuntimeCommit, SessionMeta
    from lashgraph.frames import schema
    from lashgraph.gc import GcPlan, GcReport
    from lashgraph.reach import GcPolicy, Reachability
    from lashgraph.store import CommitResult, Store, StoreDirectory, StoreOptions, open
    from lashgraph.tree import LoadedSession, SessionGraph

_HOMES = {
    "CommitResult": "lashgraph.store",
    "DamagedDataWarning": "lashgraph.errors",
    "DamagedStoreError": "lashgraph.errors",
    "Descriptor": "lashgraph.format",
    "GcPlan": "lashgraph.gc",
    "GcPolicy": "lashgraph.reach",
    "GcReport": "lashgraph.gc",
    "LashgraphError": "lashgraph.errors",
    "LoadedSession": "lashgraph.tree",
    "Node": "lashgraph.format",
    "OpenError": "lashgraph.errors",
    "Reachability": "lashgraph.reach",
    "RuntimeCommit": "lashgraph.format",
    "SessionGraph": "lashgraph.tree",
    "SessionMeta": "lashgraph.format",
    "StalePlanError": "lashgraph.errors",
    "Store": "lashgraph.store",
    "StoreDirectory": "lashgraph.store",
    "StoreOptions": "lashgraph.store",
    "open": "lashgraph.store",
    "schema": "lashgraph.frames",
}
_ROOMS = ("errors", "plot")

__all__ = [
    "CommitResult",
    "DamagedDataWarning",
    "DamagedStoreError",
    "Descriptor",
    "GcPlan",
    "GcPolicy",
    "GcReport",
    "LashgraphError",
    "LoadedSession",
    "Node",
    "OpenError",
    "Reachability",
    "RuntimeCommit",
    "SessionGraph",
    "SessionMeta",
    "StalePlanError",
    "Store",
    "StoreDirectory",
    "StoreOptions",
    "__version__",
    "errors",
    "open",
    "plot",
    "schema",
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
