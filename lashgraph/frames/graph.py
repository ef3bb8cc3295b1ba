"""Scans of the session graph: each row once, with what is needed to find paths afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lashgraph.columns import Column, closed, text
from lashgraph.format.node import Node
from lashgraph.frames.source import RowDamage, Source
from lashgraph.sqlite import heads, nodes
from lashgraph.tree.forest import ABSENT, parent_positions, path_to_root

CAUSES = (
    "turn",
    "effect",
    "tool_call",
    "process",
    "process_event",
    "host_event",
    "trigger_occurrence",
    "session_node",
)
_CAUSE_IDS = ("turn_id", "effect_id", "call_id", "process_id", "occurrence_id", "node_id")


class Scan:
    """Rows of the graph, and their links once all were read.

    Parameters
    ----------
    tombstoned : bool
        Whether tombstoned rows are taken in.
    """

    def __init__(self, source: Source, *, tombstoned: bool) -> None:
        self._source = source
        self._tombstoned = tombstoned
        self.seqs: list[int] = []
        self.ids: list[str] = []
        self.parents: list[str | None] = []
        self.dead: list[int] = []
        self.sizes: list[int] = []
        self.damages: list[RowDamage] = []

    def chunks(self) -> Iterator[tuple[int, list[Node | None]]]:
        """Nodes in load order with the position of the first; None for an unreadable row."""
        with nodes.paused_collector(), Bar(self._source, tombstoned=self._tombstoned) as bar:
            scanned = nodes.scan(self._source.connection, tombstoned=self._tombstoned, keys=True)
            for chunk in scanned:
                start = len(self.ids)
                assert chunk.keys is not None
                self.seqs += chunk.keys.seqs
                self.ids += chunk.keys.ids
                self.dead += chunk.keys.tombstoned
                self.sizes += chunk.keys.sizes
                self.parents += [
                    None if node is None else node.parent_node_id for node in chunk.nodes
                ]
                self.damages += [
                    RowDamage("graph_nodes", key, reason)
                    for key, reason in nodes.damaged_rows(chunk)
                ]
                yield start, chunk.nodes
                bar.update(len(chunk.nodes))

    @cached_property
    def links(self) -> NDArray[np.int64]:
        """Position of each row's parent, as `parent_positions` gives it, dead ones too."""
        return parent_positions(self.ids, self.parents)

    @cached_property
    def is_dead(self) -> NDArray[np.bool_]:
        """Whether a row is tombstoned."""
        return np.array(self.dead, np.bool_)

    @cached_property
    def living_links(self) -> NDArray[np.int64]:
        """The same as `links`, where no path leads into a tombstoned parent."""
        links = self.links.copy()
        inside = np.flatnonzero(links >= 0)
        links[inside[self.is_dead[links[inside]]]] = ABSENT
        return links

    @cached_property
    def active(self) -> NDArray[np.bool_]:
        """Whether the path of the head's leaf passes a row."""
        active = np.zeros(len(self.ids), np.bool_)
        leaf = heads.leaf(self._source.connection)
        if leaf is not None and leaf in self.ids:
            start = self.ids.index(leaf)
            if not self.dead[start]:
                active[path_to_root(self.living_links, start)] = True
        return active


class Bar:
    """A bar over the rows of the graph, or nothing."""

    def __init__(self, source: Source, *, tombstoned: bool) -> None:
        self._bar: Any = None
        if source.progress:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=_count(source.connection, tombstoned=tombstoned), unit="node")

    def update(self, rows: int) -> None:
        """So many more rows were read."""
        if self._bar is not None:
            self._bar.update(rows)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._bar is not None:
            self._bar.close()


def _count(connection: sqlite3.Connection, *, tombstoned: bool) -> int:
    where = "" if tombstoned else "WHERE tombstoned = 0"
    return int(connection.execute(f"SELECT count(*) FROM graph_nodes {where}").fetchone()[0])


def cause_columns(prefix: str = "") -> tuple[Column, ...]:
    """The columns that tell a cause."""
    return (
        closed(f"{prefix}caused_by_type", "what caused it", *CAUSES),
        text(f"{prefix}caused_by_session_id", "session of the cause"),
        text(
            f"{prefix}caused_by_id",
            "id of the cause: of the turn, effect, call, process, event or node",
        ),
    )


class _CauseTexts(NamedTuple):
    kind: str
    session_id: str | None
    id: str


def cause_values(causes: Iterable[Any], prefix: str = "") -> dict[str, list[str | None]]:
    """The values of `cause_columns`."""
    found = [None if cause is None else _cause(cause) for cause in causes]
    return {
        f"{prefix}caused_by_type": [None if one is None else one.kind for one in found],
        f"{prefix}caused_by_session_id": [None if one is None else one.session_id for one in found],
        f"{prefix}caused_by_id": [None if one is None else one.id for one in found],
    }


def _cause(cause: Any) -> _CauseTexts:
    named = [getattr(cause, name, None) for name in _CAUSE_IDS]
    last = [name for name in named if name is not None][-1]
    return _CauseTexts(cause.__struct_config__.tag, getattr(cause, "session_id", None), str(last))


class Picked:
    """Rows that a frame has: where their nodes stand in the scan.

    Parameters
    ----------
    scan : Scan
        The scan that they come from.
    """

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self.places: list[int] = []
        self.timestamps: list[str] = []
        self.agent_frames: list[str | None] = []

    def add(self, place: int, node: Node, times: int = 1) -> None:
        """Take a node for so many rows."""
        self.places += [place] * times
        self.timestamps += [node.timestamp] * times
        self.agent_frames += [node.agent_frame_id] * times

    def columns(self) -> dict[str, Any]:
        """node_id, timestamp, agent_frame_id, on_active_path and tombstoned of each row."""
        scan, places = self._scan, self.places
        return {
            "node_id": lambda: list(map(scan.ids.__getitem__, places)),
            "timestamp": self.timestamps,
            "agent_frame_id": self.agent_frames,
            "on_active_path": lambda: scan.active[np.array(places, np.int64)],
            "tombstoned": lambda: scan.is_dead[np.array(places, np.int64)],
        }
