"""Numbers of bytes and seconds on axes: units that are short to read."""

from __future__ import annotations

import math
from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

_BYTES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
_SECONDS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
_MOST_DECADES = 8


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
    """Let the x axis measure bytes by their logarithm."""
    _log(axes, low, high, bytes_short)


def log_seconds(axes: Axes, low: float, high: float) -> None:
    """Let the x axis measure spans of time by their logarithm."""
    _log(axes, low, high, seconds_short)


def _log(axes: Axes, low: float, high: float, shown: Callable[[float], str]) -> None:
    """Ticks at powers of ten, over whole decades round the values."""
    start = math.floor(math.log10(low) + 1e-9)
    end = max(math.ceil(math.log10(high) - 1e-9), start + 1)
    step = math.ceil((end - start) / _MOST_DECADES)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(base=10.0**step, numticks=12))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(10.0**start, 10.0**end)
