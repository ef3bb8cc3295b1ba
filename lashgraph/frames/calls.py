"""The frame of tool calls: each call beside the result that answers it."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from msgspec import Raw
from numpy.typing import NDArray

from lashgraph.columns import FrameSchema, closed, flag, maybe_flag, number, text, time, times
from lashgraph.format import jsontext
from lashgraph.format.invocation import ToolRecord
from lashgraph.format.node import Part
from lashgraph.format.texts import plain_texts
from lashgraph.frames.graph import Scan
from lashgraph.frames.source import Source, Table
from lashgraph.frames.texts import is_json
from lashgraph.tree.forest import measure, without_cycles
from lashgraph.tree.tour import Tour, tour

FAILED = "[Tool execution failed]"
"""How the runtime begins the result of a call that failed."""

TOOL_CALLS = FrameSchema.of(
    "tool_calls",
    "every tool call with its result, in load order of the calls; then results without a call",
    text("call_id", "id of the call; ids are reused, so that several rows may have the same"),
    text("tool_name", "the tool"),
    text("call_node_id", "the node that makes the call; missing for an orphan result"),
    text(
        "result_node_id",
        "the node that answers it: a result belongs to the nearest call of its id on the path "
        "above it (a cycle of parents is no path); of results on several branches one on the "
        "active path is shown, else the first",
    ),
    closed(
        "status",
        "ok; error: the result begins as the runtime begins that of a call which failed; "
        "no_result; duplicate_result: several on one path, the uppermost is shown; orphan_result: "
        "no call above it",
        "ok",
        "error",
        "no_result",
        "duplicate_result",
        "orphan_result",
    ),
    time("called_at", "when the call was made"),
    time("result_at", "when the result was stored"),
    number("seconds", "seconds from one to the other"),
    flag("on_active_path", "whether the path of the head's leaf passes the call (or the orphan)"),
    maybe_flag("args_valid_json", "whether args is JSON; missing without a call"),
    text("args", "the arguments, as the model wrote them"),
    text("result", "the content of the result"),
)


class _Parts:
    """Parts of one kind: where each stands, and what it says."""

    def __init__(self) -> None:
        self.places: list[int] = []
        self.indexes: list[int] = []
        self.call_ids: list[str | None] = []
        self.tools: list[str | None] = []
        self.stamps: list[str] = []
        self.contents: list[str] = []

    def add(self, place: int, index: int, stamp: str, part: Part) -> None:
        """Take a part: the row of its message, its number in that, the row's time."""
        self.places.append(place)
        self.indexes.append(index)
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
                if node is not None and node.invocation is not None:
                    answer = _as_result(node.invocation)
                    results.add(place, 0, node.timestamp, answer)
                    raws["ToolResult"].append(answer.content_json)
                continue
            for index, part in enumerate(message.parts):
                if part.kind in raws:
                    kept = calls if part.kind == "ToolCall" else results
                    kept.add(place, index, node.timestamp, part)
                    raws[part.kind].append(part.content_json)
        if wanted & {"args", "args_valid_json"}:
            calls.contents += plain_texts(raws["ToolCall"])
        if wanted & {"result", "status"}:
            results.contents += plain_texts(raws["ToolResult"])
    pairs = _Pairing(calls, results, scan).rows()
    return Table(_columns(scan, calls, results, pairs), len(pairs.call), scan.damages)


def _as_result(invocation: ToolRecord) -> Part:
    """A tool's event as the part that answers the call; a failed one begins as the runtime's do."""
    payload = invocation.payload
    words = payload if isinstance(payload, str) else jsontext.encode(payload).decode()
    if invocation.status == "failure":
        words = f"{FAILED} {words}"
    return Part(
        id="",
        kind="ToolResult",
        content_json=Raw(jsontext.encode(words)),
        tool_call_id=invocation.call_id,
        tool_name=invocation.tool,
        prune_state="Intact",
    )


class _Pairs(NamedTuple):
    """Rows of the frame: index of the call and of the result, -1 for none."""

    call: list[int]
    result: list[int]
    duplicate: list[bool]


class _Pairing:
    """Which result answers which call: each the nearest call of its id on the path above it.

    The path goes through the rows that the frame is made from, and through the parts of a message
    in their order. A cycle of parents is no path: each row on one is taken for a root.
    """

    def __init__(self, calls: _Parts, results: _Parts, scan: Scan) -> None:
        self._calls = calls
        self._results = results
        self._scan = scan
        self._forest = without_cycles(measure(scan.links))

    @cached_property
    def _tour(self) -> Tour:
        return tour(self._forest)

    def rows(self) -> _Pairs:
        """Each call with its result, then the results without a call."""
        answers: list[list[int]] = [[] for _ in self._calls.places]
        orphans: list[int] = []
        for result, call in enumerate(self._nearest()):
            (orphans if call is None else answers[call]).append(result)
        shown = [self._shown(found) for found in answers]
        return _Pairs(
            [*range(len(answers)), *[-1] * len(orphans)],
            [result for result, _ in shown] + orphans,
            [several for _, several in shown] + [False] * len(orphans),
        )

    def _nearest(self) -> list[int | None]:
        """The call of each result. Most stand one row above; others are found by a walk."""
        calls, results = self._calls, self._results
        at: defaultdict[tuple[str | None, int], list[int]] = defaultdict(list)
        for call, key in enumerate(zip(calls.call_ids, calls.places, strict=True)):
            at[key].append(call)
        parents = self._forest.parents[np.array(results.places, np.int64)].tolist()
        found: list[int | None] = []
        far: list[int] = []
        for result, (call_id, place, parent) in enumerate(
            zip(results.call_ids, results.places, parents, strict=True)
        ):
            if call_id is None:
                found.append(None)
                continue
            here = at.get((call_id, place), [])
            before = bisect_left(here, results.indexes[result], key=calls.indexes.__getitem__)
            over = here[:before] or at.get((call_id, parent))
            found.append(over[-1] if over else None)
            if not over:
                far.append(result)
        for result, call in self._walk(far):
            found[result] = call
        return found

    def _walk(self, far: list[int]) -> Iterator[tuple[int, int]]:
        """Results and the nearest call above each, by one pass for each id in depth-first order."""
        calls, results = self._calls, self._results
        waiting: defaultdict[str | None, list[int]] = defaultdict(list)
        for result in far:
            waiting[results.call_ids[result]].append(result)
        by_id: defaultdict[str | None, list[int]] = defaultdict(list)
        for call, call_id in enumerate(calls.call_ids):
            if call_id in waiting:
                by_id[call_id].append(call)
        for call_id, making in by_id.items():
            met = [(*self._position(calls, call), True, call) for call in making]
            met += [(*self._position(results, one), False, one) for one in waiting[call_id]]
            open_calls: list[tuple[int, int]] = []
            for position, _, is_call, part in sorted(met):
                while open_calls and open_calls[-1][0] <= position:
                    open_calls.pop()
                if is_call:
                    size = int(self._tour.sizes[calls.places[part]])
                    open_calls.append((position + size, part))
                elif open_calls:
                    yield part, open_calls[-1][1]

    def _position(self, parts: _Parts, part: int) -> tuple[int, int]:
        """Where a part stands in depth-first order: its row, then its number in the message."""
        return int(self._tour.place[parts.places[part]]), parts.indexes[part]

    def _shown(self, found: list[int]) -> tuple[int, bool]:
        """The result to show, and whether the path to it or below it holds another.

        Of results on several branches one on the active path counts, else the first loaded; of
        several on one path the uppermost.
        """
        if len(found) < 2:
            return (found[0] if found else -1), False
        places = self._results.places
        chosen = next((result for result in found if self._scan.active[places[result]]), found[0])
        above = [result for result in found if self._is_above(result, chosen)]
        below = [result for result in found if self._is_above(chosen, result)]
        uppermost = min([chosen, *above], key=lambda result: self._position(self._results, result))
        return uppermost, bool(above or below)

    def _is_above(self, upper: int, lower: int) -> bool:
        """Whether a result stands on the path to another, before it."""
        start, index = self._position(self._results, upper)
        position, other = self._position(self._results, lower)
        if position == start:
            return index < other
        return start < position < start + int(self._tour.sizes[self._results.places[upper]])


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
        "args_valid_json": lambda: of(pairs.call, list(map(is_json, calls.contents))),
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
