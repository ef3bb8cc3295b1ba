"""What a redaction did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from lashgraph.columns import FrameSchema, closed, maybe, text

OUTCOMES = ("redacted", "skipped", "failed", "leak")

REDACTED = FrameSchema.of(
    "redaction",
    "what became of each file, by path",
    text("output", "name of the copy in the folder; missing where there is none"),
    closed(
        "outcome",
        "redacted: the copy was searched and is there; skipped: no session store; failed: it "
        "could not be read; leak: a word of an input was found in the copy, which was deleted",
        *OUTCOMES,
    ),
    text("error", "type of the error; missing where there is none"),
    text("message", "why there is no copy"),
    maybe("n_nodes", "nodes of the copy, tombstoned ones too"),
    maybe("n_blobs", "its blobs"),
    maybe("n_unreadable_nodes", "those that could not be read: filler stands for them"),
    maybe("n_unreadable_blobs", "likewise of the blobs"),
    maybe("n_resized", "cells that take another number of bytes than before"),
    maybe("file_bytes", "bytes of the copy"),
)


class Redacted(NamedTuple):
    """What became of one file; the fields are the frame's columns."""

    path: str
    session_id: str | None
    output: str | None
    outcome: str
    error: str | None = None
    message: str | None = None
    n_nodes: int | None = None
    n_blobs: int | None = None
    n_unreadable_nodes: int | None = None
    n_unreadable_blobs: int | None = None
    n_resized: int | None = None
    file_bytes: int | None = None


@dataclass(frozen=True, eq=False)
class RedactionReport:
    """What a redaction did. It names the files that were redacted: do not share it with them.

    Attributes
    ----------
    folder : str
        Where the copies are.
    files : tuple of Redacted
        What became of each file, by path.
    n_words : int
        How many words of the inputs were searched for in each copy.
    """

    folder: str
    files: tuple[Redacted, ...]
    n_words: int

    @property
    def counts(self) -> dict[str, int]:
        """Number of files by outcome, all outcomes named."""
        found = Counter(file.outcome for file in self.files)
        return {outcome: found[outcome] for outcome in OUTCOMES}

    @property
    def complete(self) -> bool:
        """Whether every session store has its copy."""
        return not (self.counts["failed"] or self.counts["leak"])

    def frame(self) -> pd.DataFrame:
        """One row for each file, by path; `session_id` is the one of the original."""
        columns = {name: [getattr(file, name) for file in self.files] for name in Redacted._fields}
        return REDACTED.build(columns, len(self.files), "", "")

    def __repr__(self) -> str:
        told = ", ".join(f"{count:,} {name}" for name, count in self.counts.items() if count)
        return (
            f"<RedactionReport: {told or 'no files'}; {self.n_words:,} words searched for; "
            f".frame() has a row for each file>"
        )
