"""Frames as Parquet: which there are, and parts that know their columns."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import cache
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lashgraph.columns import Column, FrameSchema
from lashgraph.corpus.parquet_place import UNFINISHED, writing
from lashgraph.corpus.schemas import EFFECTS, ERRORS, HOST_EVENTS, PROCESSES, SKIPPED
from lashgraph.corpus.transport import arrow_schema, to_arrow, to_frame
from lashgraph.errors import ExportError, LashgraphError
from lashgraph.frames import SCHEMAS
from lashgraph.version import __version__

OF_FILES: dict[str, FrameSchema] = {
    name: SCHEMAS["findings" if name == "check" else name]
    for name in (
        "sessions",
        "nodes",
        "messages",
        "parts",
        "tool_calls",
        "events",
        "steps",
        "agent_frames",
        "blobs",
        "refs",
        "checkpoints",
        "turns",
        "history",
        "usage",
        "attachments",
        "queued_work",
        "pending_inputs",
        "problems",
        "check",
    )
}
"""Frames with a part for each session file, by the method that gives them."""

BESIDE: dict[str, FrameSchema] = {
    schema.name: schema for schema in (PROCESSES, EFFECTS, HOST_EVENTS)
}
"""Frames of what stands beside the sessions, in one part."""

ALWAYS: dict[str, FrameSchema] = {schema.name: schema for schema in (ERRORS, SKIPPED)}
"""What every export tells about itself, in one part."""

ALL = {**OF_FILES, **BESIDE, **ALWAYS}

_KEY = b"lashgraph"


@cache
def described(name: str) -> bytes:
    """A frame's declaration, as each of its parts holds it."""
    found = [[column.name, column.dtype, list(column.categories)] for column in ALL[name].columns]
    return json.dumps({"frame": name, "columns": found}, separators=(",", ":")).encode()


@cache
def _stored_schema(name: str) -> Any:
    """Columns as Parquet has them: categories as texts, which every reader of Parquet knows."""
    columns = ALL[name].columns
    fields = [
        pa.field(field.name, pa.large_string()) if pa.types.is_dictionary(field.type) else field
        for field in arrow_schema(columns)
    ]
    plain = [
        Column(column.name, "str" if column.dtype == "category" else column.dtype, "")
        for column in columns
    ]
    for_pandas = pa.Schema.from_pandas(to_frame(plain, [], 0), preserve_index=False).metadata
    facts = {_KEY: described(name), b"lashgraph.version": __version__.encode()}
    return pa.schema(fields, {**facts, b"pandas": for_pandas[b"pandas"]})


def write_part(path: str, name: str, frame: pd.DataFrame) -> None:
    """Write a frame under a name that no reader takes for a part yet, and make it last."""
    write_table(path, name, to_arrow(ALL[name].columns, frame))


def write_table(path: str, name: str, table: pa.Table) -> None:
    """Write the rows of a frame, as they travel."""
    stored = _stored_schema(name)
    arrays = [
        array.cast(field.type) for array, field in zip(table.itercolumns(), stored, strict=True)
    ]
    unfinished = path + UNFINISHED
    with writing(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(unfinished, "wb") as file:
            pq.write_table(pa.Table.from_arrays(arrays, schema=stored), file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())


def read_part(path: str, name: str, columns: Sequence[Column]) -> Any:
    """Columns of a part, as a table of the types that travel.

    Raises
    ------
    ExportError
        It is not there, cannot be read, or has other columns than this release declares.
    """
    try:
        with pq.ParquetFile(path) as file:
            if (file.metadata.metadata or {}).get(_KEY) != described(name):
                raise ExportError(
                    f"{path}: a part of {name}() with other columns than lashgraph {__version__} "
                    "gives it; to_parquet() again makes it anew",
                    path=path,
                )
            table = file.read(columns=[column.name for column in columns])
        wanted = arrow_schema(columns)
        arrays = [_travelling(column, table[column.name]) for column in columns]
        return pa.Table.from_arrays(arrays, schema=wanted) if columns else wanted.empty_table()
    except FileNotFoundError:
        raise ExportError(
            f"{path}: a part that is not there: the export was made anew since it was opened, or "
            "files were taken out of it; open it again, or export again",
            path=path,
        ) from None
    except LashgraphError:
        raise
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise ExportError(
            f"{path}: a part that cannot be read: {error}; remove the folder and export again",
            path=path,
        ) from error


def _travelling(column: Column, values: Any) -> Any:
    if column.dtype != "category":
        return values.cast(arrow_schema([column]).field(0).type)
    names = pa.array(column.categories, pa.large_string())
    codes = pc.index_in(values.combine_chunks(), names).cast(pa.int16())
    return pa.DictionaryArray.from_arrays(codes, names)
