"""Numbers of bytes and seconds on axes: units that are short to read."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

_BYTES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
_SECONDS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
_SPANS = (
    *(10.0**power for power in range(-6, 2)),
    *(60.0, 600.0, 3600.0, 36_000.0),
    *(86_400.0 * 10**power for power in range(5)),
)
_MOST_TICKS = 9


def byte_scale(largest: float) -> tuple[float, str]:
    """Divisor and unit that make numbers of bytes short to read.

    Examples
    --------
    >>> byte_scale(2_500_000)
    (1000000.0, 'MB')
    """
    return next(((size, unit) for size, unit in _BYTES if largest >= size), (1.0, "bytes"))


def bytes_short(count: float) -> str:
    """A number of bytes with no more digits than it has.

    Examples
    --------
    >>> [bytes_short(n) for n in (0, 1, 100, 1_000, 2_500_000, 12_345_678)]
    ['0 bytes', '1 byte', '100 bytes', '1 kB', '2.5 MB', '12 MB']
    """
    if count < 1e3:
        return f"{count:.3g} {'byte' if count == 1 else 'bytes'}"
    size, unit = byte_scale(count)
    value = count / size
    return f"{value:.0f} {unit}" if value >= 10 else f"{value:.2g} {unit}"


def seconds_short(seconds: float) -> str:
    """A span of time.

    Examples
    --------
    >>> [seconds_short(s) for s in (0.0000031, 0.25, 12, 90, 7200)]
    ['3.1 µs', '250 ms', '12 s', '1.5 min', '2 h']
    """
    for size, unit in _SECONDS:
        if seconds >= size:
            value = seconds / size
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.2g} {unit}"
    return f"{seconds * 1e6:.1g} µs"


def log_bytes(axes: Axes, low: float, high: float) -> None:
    """Let the x axis measure bytes by their logarithm, with ticks at powers of ten."""
    start, end = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    _log(axes, [10.0**power for power in range(start, max(end, start + 1) + 1)], bytes_short)


def log_seconds(axes: Axes, low: float, high: float) -> None:
    """Let the x axis measure spans of time by their logarithm, with ticks at common spans."""
    start = bisect_right(_SPANS, low * (1 + 1e-9)) - 1
    end = max(bisect_left(_SPANS, high * (1 - 1e-9)), start + 1)
    _log(axes, list(_SPANS[max(start, 0) : end + 1]), seconds_short)


def _log(axes: Axes, ticks: list[float], shown: Callable[[float], str]) -> None:
    """Ticks, and the axis from the first to the last of them; of many some are left out."""
    axes.set_xscale("log")
    drawn = ticks[:: math.ceil(len(ticks) / _MOST_TICKS)]
    axes.xaxis.set_major_locator(FixedLocator(drawn))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value)))
    axes.xaxis.set_minor_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(ticks[0], ticks[-1])
