"""The columns of token counts, which several frames have: the same of every release."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from lashgraph.columns import closed, count, flag, maybe
from lashgraph.format.usage import Accounting, TokenCounts, Usage

TOKENS = (
    count("input_tokens", "tokens sent, those read from a cache or written to it included"),
    maybe("cache_read_tokens", "tokens of the input that came from a cache"),
    maybe(
        "cache_write_tokens",
        "tokens of the input that were written to a cache; missing where the release did not count "
        "them",
    ),
    count(
        "output_tokens",
        "tokens received, reasoning included by the accountings v7 and v38, not included by v1",
    ),
    count("reasoning_tokens", "tokens of reasoning"),
)

ACCOUNTING = closed(
    "accounting",
    "how the release counts: v1: reasoning beside the output; v7: reasoning within the output, "
    "cache writes counted; v38: as v7 (docs/versions.md tells what the ledger drops)",
    *get_args(Accounting),
)

IN_LEDGER = flag("in_ledger", "whether the token ledger counts it; it drops what it takes for zero")


def token_columns(counts: Sequence[TokenCounts | None]) -> dict[str, list[Any]]:
    """The columns `TOKENS`; missing where nothing is known."""
    return {
        column.name: [None if one is None else getattr(one, column.name) for one in counts]
        for column in TOKENS
    }


def usage_columns(usages: Sequence[Usage | None]) -> dict[str, list[Any]]:
    """The columns `TOKENS` and `ACCOUNTING`; missing where no usage is known."""
    counts = [None if one is None else one.counts for one in usages]
    accountings = [None if one is None else one.accounting for one in usages]
    return {**token_columns(counts), ACCOUNTING.name: accountings}
