"""Families of sessions: who is whose child, and what all of a family hold together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lashgraph.corpus.schemas import FAMILIES, SUMMED
from lashgraph.format.html import visible
from lashgraph.frames.tokens import TOKENS
from lashgraph.tree.forest import ABSENT, ROOT, Forest, measure

if TYPE_CHECKING:
    import networkx as nx

NEEDED = (
    "path",
    "session_id",
    "name",
    "parent_session_id",
    "n_turns",
    "file_bytes",
    "wal_bytes",
    *(column.name for column in TOKENS),
)
"""The columns of sessions() that families are made of."""


def families_frame(sessions: pd.DataFrame) -> pd.DataFrame:
    """The frame of families.

    Parameters
    ----------
    sessions : DataFrame
        The columns `NEEDED` of sessions().

    Returns
    -------
    DataFrame
        A row for each session, in the order given; then one for each parent without a file.
    """
    names = _texts(sessions["session_id"])
    parents = _texts(sessions["parent_session_id"])
    place: dict[str | None, int] = {}
    for position, name in enumerate(names):
        if name:  # a store that was never committed to has no id
            place.setdefault(name, position)
    missing = sorted({name for name in parents if name is not None and name not in place})
    place |= {name: len(names) + position for position, name in enumerate(missing)}
    ids = [*names, *missing]
    rows, added = len(ids), [None] * len(missing)
    links = np.array(
        [ROOT if name is None else place[name] for name in [*parents, *added]], np.int64
    )
    forest = measure(links) if rows else Forest(links, links, np.zeros(0, np.bool_))
    order = _leaves_first(forest)
    own = _own(sessions, len(missing))
    counted = {name: _rolled_up(values, forest, order) for name, values in own.items()}
    roots = _roots(forest)
    data: dict[str, Any] = {
        "path": [*_texts(sessions["path"]), *added],
        "session_id": ids,
        "name": [*_texts(sessions["name"]), *added],
        "parent_session_id": [*parents, *added],
        "root_session_id": [ids[root] if root >= 0 else None for root in roots.tolist()],
        "status": _statuses(forest, place, ids, len(names)),
        "depth": [depth if depth >= 0 else None for depth in forest.depths.tolist()],
        "n_children": np.bincount(links[links >= 0], minlength=rows)[:rows],
        "n_descendants": _rolled_up(np.ones(rows, np.int64), forest, order) - 1,
        **own,
        **{f"total_{name}": values for name, values in counted.items()},
    }
    return FAMILIES.build(data, rows, "", "")


def _texts(values: Any) -> list[str | None]:
    return [value if isinstance(value, str) else None for value in values]


def _own(sessions: pd.DataFrame, n_missing: int) -> dict[str, NDArray[np.int64]]:
    """What each session holds by itself; nothing for those without a file."""
    found = sessions[[*SUMMED, "wal_bytes"]].fillna(0).astype("int64")
    found["file_bytes"] += found["wal_bytes"]
    nothing = np.zeros(n_missing, np.int64)
    return {name: np.concatenate([found[name].to_numpy(), nothing]) for name in SUMMED}


def _leaves_first(forest: Forest) -> list[int]:
    """The nodes on no cycle, each after all that is below it.

    Where a path ends in a cycle the forest has no depths, so nodes are taken off from the leaves.
    """
    waiting = np.bincount(forest.parents[forest.parents >= 0], minlength=len(forest.parents))
    ready = np.flatnonzero(waiting == 0).tolist()
    left, parents = waiting.tolist(), forest.parents.tolist()
    order = []
    while ready:
        node = ready.pop()
        order.append(node)
        parent = parents[node]
        if parent >= 0:
            left[parent] -= 1
            if not left[parent]:
                ready.append(parent)
    return order


def _rolled_up(
    values: NDArray[np.int64], forest: Forest, order: Sequence[int]
) -> NDArray[np.int64]:
    """Of each node the sum over it and all below it; on a cycle all of the cycle is below."""
    totals, parents = values.tolist(), forest.parents.tolist()
    for node in order:
        if parents[node] >= 0:
            totals[parents[node]] += totals[node]
    seen: set[int] = set()
    for start in np.flatnonzero(forest.on_cycle).tolist():
        if start in seen:
            continue
        cycle = [start]
        while parents[cycle[-1]] != start:
            cycle.append(parents[cycle[-1]])
        seen.update(cycle)
        whole = sum(totals[node] for node in cycle)
        for node in cycle:
            totals[node] = whole
    return np.array(totals, np.int64)


def _roots(forest: Forest) -> NDArray[np.int64]:
    """Where the path of each node ends; `ABSENT` if it never does."""
    roots = np.arange(len(forest.parents))
    for node in np.argsort(forest.depths, kind="stable").tolist():
        if forest.depths[node] > 0:
            roots[node] = roots[forest.parents[node]]
    roots[forest.depths < 0] = ABSENT
    return roots


def _statuses(
    forest: Forest, place: dict[str | None, int], ids: Sequence[str | None], n_files: int
) -> list[str]:
    found = []
    for node, parent in enumerate(forest.parents.tolist()):
        if node >= n_files:
            found.append("missing")
        elif forest.on_cycle[node]:
            found.append("cycle")
        elif ids[node] and place[ids[node]] != node:
            found.append("copy")
        elif parent < 0:
            found.append("root")
        else:
            found.append("orphan" if parent >= n_files else "child")
    return found


def family_graph(families: pd.DataFrame) -> nx.DiGraph[str]:
    """A DiGraph of families, with edges from parent to child.

    Parameters
    ----------
    families : DataFrame
        As `families_frame` makes it.

    Returns
    -------
    networkx.DiGraph
        Nodes are session ids; a copy of a session, and one without an id, is called by its path.
    """
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    columns = [name for name in families.columns if name not in ("session_id", "depth")]
    names = [
        str(path if status == "copy" or not session_id else session_id)
        for path, session_id, status in zip(
            families["path"], families["session_id"], families["status"], strict=True
        )
    ]
    plain = families[columns].astype(object)
    for name, row in zip(names, plain.to_dict("records"), strict=True):
        facts = {str(key): _plain(value) for key, value in row.items() if not pd.isna(value)}
        graph.add_node(name, **facts)
    for name, parent in zip(names, families["parent_session_id"], strict=True):
        if isinstance(parent, str):
            graph.add_edge(parent, name)
    return graph


def _plain(value: Any) -> Any:
    return visible(value) if isinstance(value, str) else int(value)
