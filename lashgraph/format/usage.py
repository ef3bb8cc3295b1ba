"""Token usage: deltas as they were recorded, and the ledger that sums them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, NamedTuple, Self

import msgspec

from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import as_list
from lashgraph.format.strict import Record, always

Accounting = Literal["v1", "v7", "v38"]
"""Rules of counting, each named by the schema version that began with it.

``v1``: the input includes what came from a cache, reasoning stands beside the output, and the
ledger drops an entry whose input, output and reasoning are 0. ``v7``: tokens read from a cache and
written to it stand beside the input, reasoning is part of the output, and the ledger drops an entry
whose input, output and cache tokens are 0. ``v38``: counted as ``v7``, and only an entry whose
every count is 0 is dropped.
"""


class TokenCounts(NamedTuple):
    """Tokens under names that say the same of every release.

    Attributes
    ----------
    input_tokens : int
        Sent, those read from a cache or written to it included.
    cache_read_tokens : int
        Of these, read from a cache.
    cache_write_tokens : int or None
        Of these, written to a cache; None where releases did not count them.
    output_tokens : int
        Received: with the reasoning by the accounting ``v7`` and later, without it by ``v1``.
    reasoning_tokens : int
        Of reasoning.
    """

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int | None = None
    output_tokens: int = 0
    reasoning_tokens: int = 0

    def plus(self, other: TokenCounts) -> TokenCounts:
        """Both together; what neither counts stays unknown."""
        written = [n for n in (self.cache_write_tokens, other.cache_write_tokens) if n is not None]
        return TokenCounts(
            self.input_tokens + other.input_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            sum(written) if written else None,
            self.output_tokens + other.output_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )


class Usage(Record, frozen=True):
    """Tokens of one or more calls, under the names of the release that counted them."""

    accounting: ClassVar[Accounting]

    @property
    def total(self) -> int:
        """What the ledger goes by: an entry whose total is 0 is dropped."""
        raise NotImplementedError

    @property
    def counts(self) -> TokenCounts:
        """The same under the names that hold for every release."""
        raise NotImplementedError

    def __add__(self, other: Self) -> Self:
        names = self.__struct_fields__
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in names})


class TokenUsage(Usage, frozen=True):
    """Tokens as schema versions 1 to 6 count them; the input includes the cached."""

    accounting: ClassVar[Accounting] = "v1"

    input_tokens: int = always(0)
    output_tokens: int = always(0)
    cached_input_tokens: int = always(0)
    reasoning_tokens: int = always(0)

    @property
    def total(self) -> int:
        """What the ledger goes by: input, output and reasoning."""
        return self.input_tokens + self.output_tokens + self.reasoning_tokens

    @property
    def counts(self) -> TokenCounts:
        """The same under the names that hold for every release."""
        return TokenCounts(
            self.input_tokens,
            self.cached_input_tokens,
            None,
            self.output_tokens,
            self.reasoning_tokens,
        )


class CacheTokenUsage(Usage, frozen=True):
    """Tokens as schema versions from 7 on count them; those of the cache stand beside the input."""

    accounting: ClassVar[Accounting] = "v7"

    input_tokens: int = always(0)
    output_tokens: int = always(0)
    cache_read_input_tokens: int = always(0)
    cache_write_input_tokens: int = always(0)
    reasoning_output_tokens: int = always(0)

    @property
    def total(self) -> int:
        """What the ledger goes by: input, output and both of the cache."""
        return self.counts.input_tokens + self.output_tokens

    @property
    def counts(self) -> TokenCounts:
        """The same under the names that hold for every release."""
        read, written = self.cache_read_input_tokens, self.cache_write_input_tokens
        return TokenCounts(
            self.input_tokens + read + written,
            read,
            written,
            self.output_tokens,
            self.reasoning_output_tokens,
        )


class UsageDelta(Record, frozen=True):
    """Token usage of one source and model."""

    source: str
    model: str
    usage: TokenUsage


class CacheUsageDelta(UsageDelta, frozen=True):
    """Token usage of one source and model, as schema versions from 7 on count it."""

    usage: CacheTokenUsage  # type: ignore[assignment]  # read like the other, by `Usage`


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
    sums: dict[tuple[str, str], UsageDelta] = {}
    for delta in deltas:
        if delta.usage.total == 0:
            continue
        key = (delta.source, delta.model)
        known = sums.get(key)
        sums[key] = (
            delta
            if known is None
            else msgspec.structs.replace(known, usage=known.usage + delta.usage)
        )
    return list(sums.values())
