"""The frame of tool calls: each call beside the result that answers it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from lashgraph.columns import FrameSchema, closed, flag, maybe_flag, number, text, time, times
from lashgraph.format.node import Part
from lashgraph.format.texts import plain_texts
from lashgraph.frames.graph import Scan
from lashgraph.frames.source import Source, Table
from lashgraph.tree.forest import measure, without_cycles
from lashgraph.tree.tour import Tour, tour

FAILED = "[Tool execution failed]"
"""How the runtime begins the result of a call that failed."""

TOOL_CALLS = FrameSchema.of(
    "tool_calls",
    "every tool call with its result, in load order of the calls; then results without a call",
    text("call_id", "id of the call"),
    text("tool_name", "the tool"),
    text("call_node_id", "the node that makes the call; missing for an orphan result"),
    text("result_node_id", "the node that answers it"),
    closed(
        "status",
        "ok; error: the runtime says that it failed; no_result; duplicate_result: several on one "
        "path, the first is shown; orphan_result: no call above it",
        "ok",
        "error",
        "no_result",
        "duplicate_result",
        "orphan_result",
    ),
    time("called_at", "when the call was made"),
    time("result_at", "when the result was stored"),
    number("seconds", "from one to the other"),
    flag("on_active_path", "whether the path of the head's leaf passes the call (or the orphan)"),
    maybe_flag("args_valid_json", "whether the arguments are JSON; missing without a call"),
    text("args", "the arguments, as the model wrote them"),
    text("result", "the content of the result"),
)


class _Parts:
    """Parts of one kind: where each stands, and what it says."""

    def __init__(self) -> None:
        self.places: list[int] = []
        self.call_ids: list[str | None] = []
        self.tools: list[str | None] = []
        self.stamps: list[str] = []
        self.contents: list[str] = []

    def add(self, place: int, stamp: str, part: Part) -> None:
        self.places.append(place)
        self.call_ids.append(part.tool_call_id)
        self.tools.append(part.tool_name)
        self.stamps.append(stamp)


def tool_calls_table(source: Source, wanted: frozenset[str], *, tombstoned: bool = False) -> Table:
    """Every tool call, paired along the path: the same call id may stand on two branches."""
    scan = Scan(source, tombstoned=tombstoned)
    calls, results = _Parts(), _Parts()
    for start, found in scan.chunks():
        raws: dict[str, list[Any]] = {"ToolCall": [], "ToolResult": []}
        for place, node in enumerate(found, start):
            message = node.message if node is not None else None
            if node is None or message is None:
                continue
            for part in message.parts:
                if part.kind in raws:
                    kept = calls if part.kind == "ToolCall" else results
                    kept.add(place, node.timestamp, part)
                    raws[part.kind].append(part.content_json)
        if wanted & {"args", "args_valid_json"}:
            calls.contents += plain_texts(raws["ToolCall"])
        if wanted & {"result", "status"}:
            results.contents += plain_texts(raws["ToolResult"])
    pairs = _pair(calls, results, _Above(scan), scan)
    return Table(_columns(scan, calls, results, pairs), len(pairs.call), scan.damages)


class _Pairs(NamedTuple):
    """Rows of the frame: index of the call and of the result, -1 for none."""

    call: list[int]
    result: list[int]
    duplicate: list[bool]


class _Above:
    """Whether a row stands on the path from the root to another, or is that other."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan

    def __call__(self, upper: int, lower: int) -> bool:
        links = self._scan.living_links
        if upper == lower or links[lower] == upper:
            return True
        place, sizes = self._tour.place, self._tour.sizes
        return bool(place[upper] <= place[lower] < place[upper] + sizes[upper])

    @cached_property
    def _tour(self) -> Tour:
        return tour(without_cycles(measure(self._scan.living_links)))


def _pair(calls: _Parts, results: _Parts, above: _Above, scan: Scan) -> _Pairs:
    """Give each result to the nearest call of its id above it, then each call its result."""
    by_id: defaultdict[str | None, list[int]] = defaultdict(list)
    for index, call_id in enumerate(calls.call_ids):
        by_id[call_id].append(index)
    answers: list[list[int]] = [[] for _ in calls.places]
    orphans: list[int] = []
    for result, (call_id, place) in enumerate(zip(results.call_ids, results.places, strict=True)):
        candidates = by_id.get(call_id, []) if call_id is not None else []
        over = [call for call in candidates if above(calls.places[call], place)]
        if over:
            answers[_lowest(over, calls.places, above)].append(result)
        else:
            orphans.append(result)
    chosen, duplicate = [], []
    for found in answers:
        first, several = _first_answer(found, results.places, above, scan)
        chosen.append(first)
        duplicate.append(several)
    none = [-1] * len(orphans)
    return _Pairs(
        [*range(len(answers)), *none],
        chosen + orphans,
        duplicate + [False] * len(orphans),
    )


def _lowest(calls: Sequence[int], places: list[int], above: _Above) -> int:
    """Of calls on one path the lowest; in one message the last."""
    lowest = calls[0]
    for call in calls[1:]:
        if above(places[lowest], places[call]):
            lowest = call
    return lowest


def _first_answer(
    found: list[int], places: list[int], above: _Above, scan: Scan
) -> tuple[int, bool]:
    """The result to show, and whether the path to it or below it holds another.

    Of results on several branches the one on the active path counts, else the first loaded.
    """
    if len(found) < 2:
        return (found[0] if found else -1), False
    shown = next((result for result in found if scan.active[places[result]]), found[0])
    related = [
        other
        for other in found
        if above(places[other], places[shown]) or above(places[shown], places[other])
    ]
    for other in related:
        if (
            other != shown
            and above(places[other], places[shown])
            and (places[other] != places[shown] or other < shown)
        ):
            shown = other
    return shown, len(related) > 1


def _columns(scan: Scan, calls: _Parts, results: _Parts, pairs: _Pairs) -> dict[str, Any]:
    def of(indexes: list[int], values: Sequence[Any]) -> list[Any]:
        return [None if index < 0 else values[index] for index in indexes]

    def either(from_calls: Sequence[Any], from_results: Sequence[Any]) -> list[Any]:
        return [
            from_results[result] if call < 0 else from_calls[call]
            for call, result in zip(pairs.call, pairs.result, strict=True)
        ]

    def node_ids(indexes: list[int], places: list[int]) -> list[str | None]:
        return [None if index < 0 else scan.ids[places[index]] for index in indexes]

    return {
        "call_id": lambda: either(calls.call_ids, results.call_ids),
        "tool_name": lambda: either(calls.tools, results.tools),
        "call_node_id": lambda: node_ids(pairs.call, calls.places),
        "result_node_id": lambda: node_ids(pairs.result, results.places),
        "status": lambda: _statuses(pairs, results.contents),
        "called_at": lambda: of(pairs.call, calls.stamps),
        "result_at": lambda: of(pairs.result, results.stamps),
        "seconds": lambda: _seconds(of(pairs.call, calls.stamps), of(pairs.result, results.stamps)),
        "on_active_path": lambda: scan.active[
            np.array(either(calls.places, results.places), np.int64)
        ],
        "args_valid_json": lambda: of(pairs.call, list(map(_is_json, calls.contents))),
        "args": lambda: of(pairs.call, calls.contents),
        "result": lambda: of(pairs.result, results.contents),
    }


def _statuses(pairs: _Pairs, contents: list[str]) -> list[str]:
    return [
        "orphan_result"
        if call < 0
        else "no_result"
        if result < 0
        else "duplicate_result"
        if duplicate
        else "error"
        if contents[result].startswith(FAILED)
        else "ok"
        for call, result, duplicate in zip(*pairs, strict=True)
    ]


def _seconds(called: list[str | None], answered: list[str | None]) -> NDArray[np.float64]:
    span = times(answered) - times(called)
    return span.total_seconds().to_numpy(np.float64)


def _is_json(content: str) -> bool:
    try:
        msgspec.json.decode(content, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
