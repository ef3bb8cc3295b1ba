"""Frames as Arrow tables: how they travel between processes and become one frame again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.types import pandas_dtype

from lashgraph.columns import TIME, Column, series

_TYPES = {
    "str": pa.large_string(),
    "int64": pa.int64(),
    "Int64": pa.int64(),
    "UInt64": pa.uint64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "boolean": pa.bool_(),
    TIME: pa.timestamp("ns", "UTC"),
    "category": pa.dictionary(pa.int16(), pa.large_string()),
}


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of these columns; categories are dictionaries of all that are declared."""
    return pa.schema([pa.field(column.name, _TYPES[column.dtype]) for column in columns])


def to_arrow(columns: Sequence[Column], frame: pd.DataFrame) -> pa.Table:
    """A frame that has these columns, as a table."""
    arrays = [_array(column, frame[column.name]) for column in columns]
    return pa.Table.from_arrays(arrays, schema=arrow_schema(columns))


def _array(column: Column, values: Any) -> Any:
    if column.dtype == "category":
        codes = values.cat.codes.to_numpy().astype(np.int16)
        names = pa.array(column.categories, pa.large_string())
        return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), names)
    if column.dtype == TIME:
        stamps = values.dt.tz_localize(None).to_numpy()
        return pa.array(stamps.view(np.int64), mask=np.isnat(stamps)).cast(_TYPES[TIME])
    if column.dtype in ("int64", "float64", "bool"):
        return pa.array(values.to_numpy())
    return pa.array(values.array, _TYPES[column.dtype])


def to_frame(columns: Sequence[Column], tables: list[pa.Table], rows: int) -> pd.DataFrame:
    """One frame of many tables, with the dtypes that the columns declare.

    Takes the tables out of the list, and one column after the other out of them, so that no more
    than the tables, the frame and one column are in memory at once.

    Parameters
    ----------
    rows : int
        How many rows there are, for a frame without columns.
    """
    names = [column.name for column in columns]
    whole = pa.concat_tables([arrow_schema(columns).empty_table(), *tables])
    tables.clear()
    arrays = dict(zip(names, whole.itercolumns(), strict=True))
    del whole
    made = {column.name: _values(column, arrays.pop(column.name)) for column in columns}
    return pd.DataFrame(made, index=pd.RangeIndex(rows), copy=False)


def _values(column: Column, chunks: Any) -> Any:
    if column.dtype == "category":
        codes = [
            chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in chunks.chunks
        ]
        return series(column, np.concatenate([np.empty(0, np.int16), *codes]))
    whole = chunks.combine_chunks()
    if column.dtype == "str":
        return series(column, whole)
    if column.dtype == TIME:
        stamps = whole.cast(pa.int64()).fill_null(np.iinfo(np.int64).min).to_numpy()
        return pd.Series(pd.DatetimeIndex(stamps.view("datetime64[ns]"), tz="UTC"))
    if column.dtype in ("Int64", "UInt64", "boolean"):
        dtype: Any = pandas_dtype(column.dtype)
        return dtype.__from_arrow__(whole)
    return whole.to_numpy(zero_copy_only=False).astype(column.dtype, copy=True)


class Parcel:
    """A table that is pickled as one Arrow stream, and not at all where no process is crossed."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __reduce__(self) -> tuple[Any, ...]:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.table.schema) as stream:
            stream.write_table(self.table)
        return _unpacked, (sink.getvalue(),)


def _unpacked(stream: pa.Buffer) -> Parcel:
    return Parcel(pa.ipc.open_stream(stream).read_all())
