"""The columns of frames as Markdown: ``python -m lashgraph.frames.document > docs/frames.md``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lashgraph.columns import Column, FrameSchema
from lashgraph.format.markdown import table
from lashgraph.frames.catalogue import SCHEMAS

CALLS: Mapping[str, str] = MappingProxyType(
    {
        "simulation": "store.simulate_gc()",
        "findings": "store.check()",
        "gc_reports": "store.sweep(plan).frame()",
        "comparison": "compare(store, other).frame()",
        "branches": "store.tree().branches()",
        "message_tree": "store.tree().message_tree()",
        "roots": "store.reachability().roots()",
        "reached": "store.reachability().blobs()",
        "retained": "store.reachability().retained()",
        "freed": "store.reachability().freed_by(...)",
        "why": "store.reachability().why(blob).frame()",
    }
)
"""How a frame is had that is no method of Store by its own name."""

_MOST = 12

_INTRODUCTION = """\
# Frames

Each frame is a pandas DataFrame with the columns below, in this order and of
these dtypes, be there rows or not. All begin with `path`, the file, and
`session_id`, the session that the row belongs to; these two are left out of the
tables. `lashgraph.schema("nodes")` gives the same as a DataFrame.

`str`, `Int64`, `UInt64` and `boolean` columns have missing values where there is
none; times are in UTC and have nine digits; a `category` has the values listed,
in that order, so that frames of several stores can be concatenated. Tokens and
bytes are counts.

`columns=[...]` gives only these columns, and does not read what only others
need. `tombstoned=True` takes in nodes that wait for vacuum. Rows that cannot be
read are told by a `DamagedDataWarning` and listed in `store.problems()`;
`strict=True` raises a `DamagedDataError` instead. `progress=True` shows a bar.

A path leads from a node to its parent, and so on; it ends at a root, at a
parent that is missing or tombstoned, and where it would meet a node again. The
active path is that of the leaf which the head names.

This page is made from the declared columns: `python -m lashgraph.frames.document`.
"""


def markdown() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, *map(_section, SCHEMAS.values())])


def call(name: str) -> str:
    """How a frame is had."""
    return CALLS.get(name, f"store.{name}()")


def _section(schema: FrameSchema) -> str:
    about = schema.about[0].upper() + schema.about[1:]
    rows = [(f"`{c.name}`", c.dtype, _meaning(c)) for c in schema.columns[2:]]
    columns = table(("column", "dtype", "meaning"), rows)
    return f"## {schema.name}\n\n`{call(schema.name)}`: {about}.\n\n{columns}"


def _meaning(column: Column) -> str:
    """The meaning, and the values of a closed set unless it tells them itself."""
    values = [f"`{value}`" for value in column.categories]
    if not values:
        return column.meaning
    listed = ", ".join(values[:_MOST]) + (", …" if len(values) > _MOST else "")
    return f"{column.meaning}. One of {listed}"


if __name__ == "__main__":
    print(markdown(), end="")
