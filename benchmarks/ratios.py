"""Ratios of two measurements that alternate in one run, and the table of them."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

MARK_BEGIN = "<!-- table: begin -->"
MARK_END = "<!-- table: end -->"
LEAST_SCALE = 0.1
"""Below this share of the full size one round shows that a benchmark runs, and no more."""


@dataclass
class Row:
    """One line of the table."""

    what: str
    yardstick: str
    ratio: float
    target: str
    ours: str


@dataclass
class Ratios:
    """Measures and collects rows."""

    scale: float
    rows: list[Row] = field(default_factory=list)

    def compare(
        self,
        benchmark: Any,
        what: str,
        ours: Callable[..., object],
        yardstick: tuple[str, Callable[..., object]],
        *,
        target: str,
        rounds: int = 5,
        prepare: Callable[[], tuple[Any, ...]] = tuple,
    ) -> float:
        """Time ours and the yardstick in turn; the row has the ratio of the fastest rounds."""
        name, measured = yardstick
        times: list[float] = []

        def setup() -> tuple[tuple[Any, ...], dict[str, Any]]:
            arguments = prepare()
            gc.collect()
            started = perf_counter()
            result = measured(*arguments)
            times.append(perf_counter() - started)
            del result
            gc.collect()
            return prepare(), {}

        is_measured = self.scale >= LEAST_SCALE
        benchmark.pedantic(ours, setup=setup, rounds=rounds if is_measured else 1)
        fastest = benchmark.stats.stats.min
        ratio = float(fastest / min(times))
        benchmark.extra_info["ratio"] = round(ratio, 2)
        self.rows.append(Row(what, name, ratio, target, f"{fastest * 1000:,.0f} ms"))
        return ratio

    def note(self, what: str, yardstick: str, ratio: float, target: str, ours: str) -> None:
        """A row that is no time."""
        self.rows.append(Row(what, yardstick, ratio, target, ours))

    def table(self) -> str:
        """The rows in Markdown."""
        lines = [
            "| what | against | ratio | to reach | ours here |",
            "|---|---|---:|---|---:|",
        ]
        lines += [
            f"| {row.what} | {row.yardstick} | {row.ratio:.2f} | {row.target} | {row.ours} |"
            for row in self.rows
        ]
        return "\n".join(lines)
