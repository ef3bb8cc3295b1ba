"""How much is read of a file that may come from anywhere."""

from __future__ import annotations

from dataclasses import dataclass

from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import shown

MAX_VALUE_BYTES = 1_000_000_000
"""The longest text or blob that SQLite itself stores, as it is usually built."""

MAX_CONTAINERS = 1 << 22
"""Lists and maps in one record: above them it takes memory out of proportion to its bytes."""

MAX_SCALARS = 1 << 24
"""Elements in one JSON record, for the same reason."""


@dataclass(frozen=True)
class ReadLimits:
    """How much is read of a file. A frozen value.

    What is beyond a limit is never dropped: a value of a row brings a `TooLargeError`, a blob's
    content counts as damaged. A sweep that would need either is refused.

    Attributes
    ----------
    value_bytes : int
        Bytes of the longest text or blob that is read from a row, and of the longest that is
        written. 128 MiB by default, at most 1,000,000,000. Sizes and kinds are told of longer ones
        too, and they are deleted like any other.
    content_bytes : int
        Bytes of the longest content that a blob is inflated to. 256 MiB by default.

    Notes
    -----
    Depth is bounded by the format: 127 levels of JSON, as in the runtime, and 511 of MessagePack. A
    record with more than 4,194,304 lists and maps, or a JSON record with more than 16,777,216
    elements, counts as unreadable.

    Raises
    ------
    InvalidRecordError
        A limit is no whole number of bytes, or out of its range.

    Examples
    --------
    >>> ReadLimits(value_bytes=1_000_000).content_bytes
    268435456
    """

    value_bytes: int = 1 << 27
    content_bytes: int = 1 << 28

    def __post_init__(self) -> None:
        for name, most in (("value_bytes", MAX_VALUE_BYTES), ("content_bytes", 1 << 40)):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= most:
                raise InvalidRecordError(
                    f"{name} is a whole number of bytes from 1 to {most:,}, not {shown(value)}"
                )
