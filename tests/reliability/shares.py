"""How much of the torture the tests run: a little among the plain tests, a share in CI."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

ENVIRONMENT = "LASHGRAPH_TORTURE"
"""Set to ``ci`` for the share that CI runs in an invocation of its own."""


class Share(NamedTuple):
    """Which cases of a trial, and for how long a case of no end of its own goes on."""

    cases: range
    seconds: float = 1.0


_PLAIN: Mapping[str, Share] = {
    "kills": Share(range(0, 40, 13)),
    "faults": Share(range(0, 64, 21)),
    "interrupts": Share(range(0, 15, 3)),
    "concurrency": Share(range(2, 3)),
    "threads": Share(range(1), 2.0),
    "model": Share(range(1)),
    "stores": Share(range(0)),  # tests/test_oracle.py tries as many
    "fuzz": Share(range(6)),
    "decoders": Share(range(3)),
}
_CI: Mapping[str, Share] = {
    "kills": Share(range(40)),
    "faults": Share(range(64)),
    "interrupts": Share(range(60)),
    "concurrency": Share(range(2), 10.0),
    "threads": Share(range(2), 10.0),
    "model": Share(range(10)),
    "stores": Share(range(2)),
    "fuzz": Share(range(150)),
    "decoders": Share(range(40)),
}


def share_of(trial: str) -> Share:
    """The share of a trial in this run; one case of a trial that none is set for."""
    shares = _CI if os.environ.get(ENVIRONMENT) == "ci" else _PLAIN
    return shares.get(trial, Share(range(1)))
