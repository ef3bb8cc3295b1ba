"""Torture: stores are broken off, crowded and filled up, and nothing may be lost.

``python -m lashgraph.testing.torture --minutes 10`` runs every trial on stores of its own making.
"""

from lashgraph.testing.torture.concurrency import CONCURRENCY
from lashgraph.testing.torture.decoders import DECODERS
from lashgraph.testing.torture.faults import FAULTS
from lashgraph.testing.torture.fuzz import FUZZ
from lashgraph.testing.torture.interrupts import INTERRUPTS
from lashgraph.testing.torture.kills import KILLS
from lashgraph.testing.torture.stores import MODEL, RANDOM_STORES
from lashgraph.testing.torture.threads import THREADS
from lashgraph.testing.torture.trial import Trial

TRIALS: tuple[Trial, ...] = (
    KILLS,
    FAULTS,
    INTERRUPTS,
    CONCURRENCY,
    THREADS,
    MODEL,
    RANDOM_STORES,
    FUZZ,
    DECODERS,
)
"""Every trial, in the order in which they run."""

__all__ = ["TRIALS"]
