"""Trials that need Hypothesis: random stores, and random lives of a store."""

from __future__ import annotations

from lashgraph.testing.torture.trial import Case, NotHere, Trial

_SESSIONS = 8
_LIVES = 3


def _try_stores(case: Case) -> None:
    try:
        from lashgraph.testing.torture.random_stores import try_stores
    except ImportError as error:
        raise NotHere(f"needs Hypothesis (pip install 'lashgraph[dev]'): {error}") from None
    try_stores(
        case.chance.randrange(1 << 32),
        _SESSIONS,
        lambda: case.count("random stores: dry run, sweep and oracle agree"),
    )


def _try_lives(case: Case) -> None:
    try:
        from lashgraph.testing.torture.model import live_lives
    except ImportError as error:
        raise NotHere(f"needs Hypothesis (pip install 'lashgraph[dev]'): {error}") from None
    live_lives(case.chance.randrange(1 << 32), _LIVES, case)


RANDOM_STORES = Trial(
    "stores",
    "random stores, damaged twice: dry run, sweep and the oracle agree on every blob",
    6,
    _try_stores,
)
MODEL = Trial(
    "model",
    "random lives of a store: commits, collections, crashes, restores; it does as its model does",
    4,
    _try_lives,
)
