"""Numbers of bytes and of things as people read them."""

from __future__ import annotations

_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def bytes_text(count: int) -> str:
    """A number of bytes, short.

    Examples
    --------
    >>> [bytes_text(n) for n in (0, 999, 1_500, 2_000_000)]
    ['0 bytes', '999 bytes', '1.5 kB', '2.0 MB']
    """
    for size, unit in _UNITS:
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def counted(count: int, unit: str, units: str | None = None) -> str:
    """A number with its unit.

    Examples
    --------
    >>> counted(1, "branch", "branches"), counted(1200, "node")
    ('1 branch', '1,200 nodes')
    """
    return f"{count:,} {unit if count == 1 else units or unit + 's'}"
