"""What can be said of a file after a sweep without doing it: intervals of pages.

A row of a table keeps what does not fit into its page on overflow pages of its own, by a formula
of the file format (https://www.sqlite.org/fileformat2.html, section 1.6). Those pages are free once
the row is gone. How many pages of the trees go with them depends on where the rows stand: between
none and all that the rows can fill.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lashgraph.sqlite.blobs import BlobRow
from lashgraph.sqlite.pages import Pages, node_bytes, trees

_INDEX_ENTRY = 65
"""Bytes of an index entry at least: 64 of the hash, and its header."""

_LARGEST_INDEX_ENTRY = 90
"""Bytes at most: the number of the row, links and the place in the page too."""


class Figures(NamedTuple):
    """What a forecast tells of a file: pages and bytes."""

    pages_freed: int
    freelist_after_sweep: int
    file_bytes_after_sweep: int
    file_bytes_after_compact: int


class _Stored(NamedTuple):
    """Where rows of blobs lie: pages of their own, and bytes within the pages of the table."""

    overflow: int
    local_bytes: int


def bounds(
    connection: sqlite3.Connection, pages: Pages, doomed: Iterable[BlobRow], kept: Iterable[BlobRow]
) -> tuple[Figures, Figures]:
    """The least and the most of each figure, of the same store before the sweep.

    Only sizes are read, and of nodes how long they are.
    """
    sizes_kept, sizes_doomed = _sizes(kept), _sizes(doomed)
    stays, goes = _stored(sizes_kept, pages.page_size), _stored(sizes_doomed, pages.page_size)
    rows = len(sizes_kept) + len(sizes_doomed)
    all_trees, of_nodes = trees(connection), node_bytes(connection) // pages.page_size
    if not len(sizes_doomed):
        least = most = 0
        pages = pages._replace(auto_vacuum=0)  # nothing is written, so that nothing shrinks
    else:
        others = all_trees - 2 + of_nodes
        in_trees = min(4 * rows + 2, pages.in_use - goes.overflow - stays.overflow - others)
        least = goes.overflow
        most = min(goes.overflow + max(in_trees, 0) + _map_pages(pages), pages.in_use - 1)
    left = stays.local_bytes + len(sizes_kept) * _INDEX_ENTRY
    packed = stays.overflow + _packed(stays.local_bytes, len(sizes_kept), pages.page_size)
    before = goes.overflow + stays.overflow
    before += (goes.local_bytes + stays.local_bytes + rows * _INDEX_ENTRY) // pages.page_size
    used = min(pages.in_use - least, max(pages.in_use - before, 0) + packed)
    anew_most = used + used // 50 + all_trees + 2
    anew_least = min(max(stays.overflow + left // pages.page_size + of_nodes, 1), anew_most)
    return (
        _figures(pages, least, most, anew_least),
        _figures(pages, most, least, anew_most),
    )


def _packed(local_bytes: int, rows: int, usable: int) -> int:
    """Pages of table and index at most, when rows are written in order.

    Two pages that follow each other then hold more than one alone could.
    """
    leaves = 2 * local_bytes // usable + 2 * rows * _LARGEST_INDEX_ENTRY // usable + 2
    return leaves + leaves // 20


def _figures(pages: Pages, freed: int, freed_for_file: int, anew: int) -> Figures:
    """Figures for pages freed; the file is the smaller the more are freed, if it shrinks at all."""
    shrinks = pages.auto_vacuum == 1
    after = pages.in_use - freed_for_file if shrinks else pages.page_count
    return Figures(
        pages_freed=freed,
        freelist_after_sweep=0 if shrinks else pages.freelist_count + freed,
        file_bytes_after_sweep=after * pages.page_size,
        file_bytes_after_compact=anew * pages.page_size,
    )


def _sizes(rows: Iterable[BlobRow]) -> NDArray[np.int64]:
    return np.fromiter((row.stored_bytes or 0 for row in rows), np.int64)


def _stored(sizes: NDArray[np.int64], usable: int) -> _Stored:
    payload = sizes + 64 + 3 + _length_of_varint(12 + 2 * sizes)
    most = usable - 35
    least = (usable - 12) * 32 // 255 - 23
    first = least + (payload - least) % (usable - 4)
    local = np.where(payload <= most, payload, np.where(first <= most, first, least))
    overflow = -((local - payload) // (usable - 4))
    return _Stored(int(overflow.sum()), int(local.sum()))


def _length_of_varint(values: NDArray[np.int64]) -> NDArray[np.int64]:
    lengths = np.ones(len(values), np.int64)
    for bits in range(7, 57, 7):
        lengths += values >= 1 << bits
    return lengths


def _map_pages(pages: Pages) -> int:
    """The pages that tell owners of pages, at most: with auto_vacuum they go as the file does."""
    return pages.page_count // (pages.page_size // 5) + 2 if pages.auto_vacuum else 0
