"""Hashes by their first digits, as git takes and shows them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from lashgraph.errors import AmbiguousHashError, UnknownBlobError
from lashgraph.format.arguments import as_text, shown

_SHORTEST = 4
_LISTED = 10


class Hashes:
    """All hashes of a store: of its blobs, and of blobs that something names.

    Parameters
    ----------
    present : iterable of str
        Hashes of the blobs that are there.
    named : iterable of str
        Hashes that something names.
    path : str
        The store, for messages.
    """

    def __init__(self, present: Iterable[str], named: Iterable[str], path: str) -> None:
        self._present = sorted(present)
        self._known = {*self._present, *named}
        self._all = sorted(self._known)
        self._path = path

    def resolve(self, prefix: str) -> str:
        """The one hash that begins so; of several the one that is in the store.

        Raises
        ------
        UnknownBlobError
            None begins so.
        AmbiguousHashError
            Several do.
        """
        as_text(prefix, "a hash")
        for text in dict.fromkeys([prefix, prefix.lower()]):
            found = _beginning(self._present, text) or _beginning(self._all, text)
            if text in self._known:
                return text
            if len(found) == 1:
                return found[0]
            if found:
                raise self._ambiguous(prefix, found)
        raise UnknownBlobError(
            f"{self._path}: no blob's hash begins with {shown(prefix)}, and nothing names one; "
            "store.blobs() lists those that are there",
            path=self._path,
            blob=prefix,
        )

    def _ambiguous(self, prefix: str, found: list[str]) -> AmbiguousHashError:
        listed = ", ".join(found[:_LISTED])
        more = f" and {len(found) - _LISTED:,} more" if len(found) > _LISTED else ""
        return AmbiguousHashError(
            f"{self._path}: {len(found):,} hashes begin with {shown(prefix)}; give more digits of "
            f"one of {listed}{more}",
            path=self._path,
            prefix=prefix,
            candidates=tuple(found),
        )

    def short(self, key: str) -> str:
        """As many first digits as tell a hash from all others, and an ellipsis."""
        at = bisect_left(self._all, key)
        length = _SHORTEST
        for other in self._all[max(at - 1, 0) : at] + self._all[at + 1 : at + 2]:
            same = next(
                (n for n, pair in enumerate(zip(key, other, strict=False)) if pair[0] != pair[1]),
                min(len(key), len(other)),
            )
            length = max(length, same + 1)
        return key if length >= len(key) else f"{key[:length]}…"


def _beginning(ordered: list[str], prefix: str) -> list[str]:
    """Those of a sorted list that begin so."""
    start = end = bisect_left(ordered, prefix)
    while end < len(ordered) and ordered[end].startswith(prefix):
        end += 1
    return ordered[start:end]
