"""The comparison of two stores: what was added, lost and changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal, NamedTuple

import pandas as pd

from lashgraph.columns import FrameSchema, closed, text
from lashgraph.comparison.contents import ENTITIES, HEAD_TEXT, Contents, Entity, Row
from lashgraph.format.html import element

Change = Literal["added", "lost", "changed"]
_CHANGES: tuple[Change, ...] = ("added", "lost", "changed")
_LONGEST = 200

COMPARISON = FrameSchema.of(
    "comparison",
    "what one store has more, less or otherwise than another, one row for each thing",
    text("other_path", "the file compared with; added is what only it holds"),
    closed("entity", "what differs", *ENTITIES),
    closed("change", "how it differs, from the first file to the other", *_CHANGES),
    text("key", "node id, hash of a blob, ref, field of the head, or key of a row"),
    text("columns", "the columns that differ, of a thing that both hold"),
    text("before", "what the first file says, of refs and fields of the head"),
    text("after", "what the other file says, of refs and fields of the head"),
)


class Difference(NamedTuple):
    """One thing that two stores do not have alike."""

    entity: Entity
    change: Change
    key: str
    columns: tuple[str, ...] = ()
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True)
class Comparison:
    """What one store has more, less or otherwise than another. A frozen value.

    Attributes
    ----------
    path, other_path : str
        The two stores; what only the other holds was added.
    session_id, other_session_id : str
        Their sessions.
    differences : tuple of Difference
        In the order of entities, then of keys.

    Examples
    --------
    >>> import lashgraph as lg
    >>> from lashgraph.store.comparing import compare
    >>> with lg.open(":memory:") as a, lg.open(":memory:") as b:
    ...     key = b.put_blob(b"only here")
    ...     compare(a, b).added("blob") == (key,)
    True
    """

    path: str
    other_path: str
    session_id: str
    other_session_id: str
    differences: tuple[Difference, ...]

    @property
    def is_same(self) -> bool:
        """Whether both hold the same, whatever their pages look like."""
        return not self.differences

    def added(self, entity: Entity | None = None) -> tuple[str, ...]:
        """Keys of what only the other store holds, of one entity or of all."""
        return self._keys("added", entity)

    def lost(self, entity: Entity | None = None) -> tuple[str, ...]:
        """Keys of what only the first store holds, of one entity or of all."""
        return self._keys("lost", entity)

    def changed(self, entity: Entity | None = None) -> tuple[str, ...]:
        """Keys of what both hold and not alike, of one entity or of all."""
        return self._keys("changed", entity)

    def frame(self) -> pd.DataFrame:
        """One row for each difference.

        Returns
        -------
        DataFrame
            ``lashgraph.schema("comparison")`` tells the columns; no rows if both are the same.
        """
        found = self.differences
        data = {
            "other_path": [self.other_path] * len(found),
            "entity": [one.entity for one in found],
            "change": [one.change for one in found],
            "key": [one.key for one in found],
            "columns": [", ".join(one.columns) or None for one in found],
            "before": [one.before for one in found],
            "after": [one.after for one in found],
        }
        return COMPARISON.build(data, len(found), self.path, self.session_id)

    def summary(self) -> str:
        """The counts in one line, such as ``3 blobs lost; head changed: leaf_node_id``."""
        if self.is_same:
            return "the same"
        counts = Counter((one.entity, one.change) for one in self.differences)
        parts = [
            f"{counts[entity, change]:,} {entity}{'s' if counts[entity, change] > 1 else ''} "
            f"{change}"
            for entity in ENTITIES
            for change in _CHANGES
            if counts[entity, change] and entity != "head"
        ]
        head = [one.key for one in self.differences if one.entity == "head"]
        if head:
            parts.append(f"head changed: {', '.join(head)}")
        return "; ".join(parts)

    def _keys(self, change: Change, entity: Entity | None) -> tuple[str, ...]:
        return tuple(
            one.key
            for one in self.differences
            if one.change == change and entity in (None, one.entity)
        )

    def __repr__(self) -> str:
        more = "" if self.is_same else "; .frame() lists all"
        return f"<Comparison of {self.path!r} with {self.other_path!r}: {self.summary()}{more}>"

    def _repr_html_(self) -> str:
        files = element("code", self.path), " with ", element("code", self.other_path)
        parts = [element("li", part) for part in self.summary().split("; ")]
        return element(
            "div",
            element("div", element("b", "Comparison of "), *files),
            element("ul", *parts),
            element("div", "next: ", element("code", ".frame()"), " lists all"),
        )


def compare_contents(first: Contents, other: Contents) -> Comparison:
    """Compare what two stores hold."""
    found: list[Difference] = []
    for entity in ENTITIES:
        before, after = first.rows[entity], other.rows[entity]
        told = entity in ("ref", "head")
        for key in sorted(before.keys() | after.keys()):
            old, new = before.get(key), after.get(key)
            if old == new:
                continue
            change, columns = _change(old, new)
            if told:
                found.append(Difference(entity, change, key, (), _told(old), _told(new)))
            else:
                found.append(Difference(entity, change, key, columns))
    heads = [one for one in found if one.entity == "head"]
    if len(heads) > 1:  # the text as a whole differs too, which says nothing more
        found = [one for one in found if (one.entity, one.key) != ("head", HEAD_TEXT)]
    return Comparison(first.path, other.path, first.session_id, other.session_id, tuple(found))


def _change(old: Row | None, new: Row | None) -> tuple[Change, tuple[str, ...]]:
    if old is None or new is None:
        return ("added" if old is None else "lost"), ()
    return "changed", tuple(name for name in old if old[name] != new.get(name))


def _told(row: Row | None) -> str | None:
    if row is None:
        return None
    value = str(row["value"])
    return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
