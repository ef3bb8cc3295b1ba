"""Node ids as people type them: a unique beginning will do."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from lashgraph.errors import InvalidRecordError, UnknownNodeError

_FEWEST = 8
_NAMED = 8


class NodeNames:
    """The ids of a store's nodes, found by their beginnings.

    Examples
    --------
    >>> names = NodeNames(["m0123456789", "m0123456799", "plugin:00ff00ff00"])
    >>> names.short("m0123456789"), names.short("plugin:00ff00ff00")
    ('m012345678', 'plugin:00ff00ff')
    >>> names.find("plu")
    'plugin:00ff00ff00'
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = sorted(set(ids))

    def find(self, given: str) -> str:
        """The node that is meant: the one of this id, else the only one that begins so.

        Raises
        ------
        UnknownNodeError
            None begins so.
        InvalidRecordError
            Several do; the message lists them.
        """
        found = list(self._beginning_with(given))
        if found and (len(found) == 1 or found[0] == given):
            return found[0]
        if not found:
            raise UnknownNodeError(
                f"none of {len(self._ids):,} node ids begins with {given!r}; lashgraph tree and "
                "store.nodes() name them",
                node_id=given,
            )
        more = ", …" if len(found) > _NAMED else ""
        raise InvalidRecordError(
            f"{len(found):,} node ids begin with {given!r}: "
            f"{', '.join(map(self.short, found[:_NAMED]))}{more}"
        )

    def _beginning_with(self, given: str) -> Iterator[str]:
        for at in range(bisect_left(self._ids, given), len(self._ids)):
            if not self._ids[at].startswith(given):
                break
            yield self._ids[at]

    def short(self, node_id: str) -> str:
        """The shortest beginning, of eight characters or more, that finds this node alone."""
        at = bisect_left(self._ids, node_id)
        beside = self._ids[max(at - 1, 0) : at + 2]
        shared = max((_shared(node_id, other) for other in beside if other != node_id), default=0)
        kind = node_id.find(":") + 1
        return node_id[: max(shared + 1, kind + _FEWEST)]


def _shared(a: str, b: str) -> int:
    """Number of characters that both begin with."""
    for at, (one, other) in enumerate(zip(a, b, strict=False)):
        if one != other:
            return at
    return min(len(a), len(b))
