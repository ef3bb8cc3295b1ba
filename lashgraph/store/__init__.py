"""The store: lash's operations, and frames over them."""

from lashgraph.store.auto_gc import AutoGc
from lashgraph.store.comparing import compare
from lashgraph.store.directory import StoreDirectory
from lashgraph.store.family import session_family
from lashgraph.store.opening import open
from lashgraph.store.options import StoreOptions
from lashgraph.store.store import Store
from lashgraph.store.writing import CommitResult, Compacted

__all__ = [
    "AutoGc",
    "CommitResult",
    "Compacted",
    "Store",
    "StoreDirectory",
    "StoreOptions",
    "compare",
    "open",
    "session_family",
]
