"""Token usage: deltas as they were recorded, and the ledger that sums them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import as_list
from lashgraph.format.strict import Record, always


class TokenUsage(Record, frozen=True):
    """Tokens of one or more calls; the input includes the cached."""

    input_tokens: int = always(0)
    output_tokens: int = always(0)
    cached_input_tokens: int = always(0)
    reasoning_tokens: int = always(0)

    @property
    def total(self) -> int:
        """What the ledger counts: input, output and reasoning."""
        return self.input_tokens + self.output_tokens + self.reasoning_tokens

    def __add__(self, other: TokenUsage) -> TokenUsage:
        return TokenUsage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_input_tokens=self.cached_input_tokens + other.cached_input_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
        )


class UsageDelta(Record, frozen=True):
    """Token usage of one source and model."""

    source: str
    model: str
    usage: TokenUsage


def as_deltas(entries: Iterable[UsageDelta | Mapping[str, Any]]) -> list[UsageDelta]:
    """Take usage entries, or mappings of the same shape."""
    try:
        return [
            entry if isinstance(entry, UsageDelta) else msgspec.convert(entry, UsageDelta)
            for entry in as_list(entries, "entries", "usage entries")
        ]
    except ValueError as error:
        raise InvalidRecordError(f"no usage entry: {error}") from None


def merge(deltas: Iterable[UsageDelta]) -> list[UsageDelta]:
    """The ledger: entries without tokens dropped, the rest summed by source and model."""
    sums: dict[tuple[str, str], TokenUsage] = {}
    for delta in deltas:
        if delta.usage.total == 0:
            continue
        key = (delta.source, delta.model)
        sums[key] = sums[key] + delta.usage if key in sums else delta.usage
    return [
        UsageDelta(source=source, model=model, usage=usage)
        for (source, model), usage in sums.items()
    ]
