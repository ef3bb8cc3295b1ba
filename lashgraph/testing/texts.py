"""What sample sessions are about, and what their tools give back."""

from __future__ import annotations

TOPICS = (
    "how the retry queue behaves under load",
    "why the nightly import slowed down",
    "which tests flake on the second core",
    "what the cache keeps after a restart",
    "where the memory of the worker goes",
)


def outcome(number: int) -> str:
    """What a test gave: every second one fails, told as the runtime tells it."""
    if number % 8 == 3:
        return "[Tool execution failed]\n1 of 14 assertions failed"
    return "14 assertions passed"


def log_excerpt(number: int) -> str:
    """A few lines of a log, another for each number."""
    return "\n".join(
        f"{number:02d}:{line:02d} worker-{line % 3} wrote {line * 37}" for line in range(9)
    )
