"""Cells that may hold anything."""

from __future__ import annotations

_LATEST_MS = (1 << 63) // 1_000_000


def time_of(value: object) -> int | None:
    """Milliseconds since 1970 that a nanosecond count of 64 bits holds; None for anything else."""
    return value if type(value) is int and abs(value) < _LATEST_MS else None
