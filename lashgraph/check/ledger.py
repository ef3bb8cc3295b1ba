"""The token ledger and the queue."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from lashgraph.check.finding import CheckFinding
from lashgraph.format import jsontext
from lashgraph.format.checkpoint import Manifest
from lashgraph.format.usage import TokenCounts
from lashgraph.sqlite import integrity, usage


def usage_findings(
    connection: sqlite3.Connection, live: Iterable[Manifest]
) -> Iterator[CheckFinding]:
    """Entries that are no counts, and a ledger below what the live checkpoint says.

    A checkpoint holds the usage of the latest turn, which is also an entry of the ledger; so its
    counts never exceed the ledger's sums. A session without entries is let be: a fork starts with
    the checkpoint of another.

    Parameters
    ----------
    live : iterable of Manifest
        The checkpoint that the head names.
    """
    sums = TokenCounts()
    entries = 0
    rows = usage.read_rows(connection)
    for key, wrong in rows.odd:
        yield CheckFinding("usage-odd", "usage_deltas", key, wrong)
    for seq, entry in rows.entries:
        stored = {name: getattr(entry.usage, name) for name in entry.usage.__struct_fields__}
        below = [f"{name} {value}" for name, value in stored.items() if value < 0]
        if below:
            what = f"no count: {', '.join(below)}"
            yield CheckFinding("usage-odd", "usage_deltas", str(seq), what)
            continue
        entries += 1
        counts = entry.usage.counts
        sums = sums.plus(counts)
        if counts.cache_read_tokens > counts.input_tokens:
            what = f"{counts.cache_read_tokens:,} of {counts.input_tokens:,} were cached"
            yield CheckFinding("usage-cached-above-input", "usage_deltas", str(seq), what)
    for manifest in live if entries else ():
        if manifest.turn_state is None:
            continue
        spent = manifest.turn_state.token_usage.counts._asdict()
        for name, total in sums._asdict().items():
            latest = spent[name]
            if latest is not None and total is not None and latest > total:
                what = f"the ledger's sum is {total:,}, the latest turn alone used {latest:,}"
                yield CheckFinding("usage-below-checkpoint", "usage_deltas", name, what)


def queue_findings(connection: sqlite3.Connection) -> Iterator[CheckFinding]:
    """Items without a batch, and JSON that cannot be read."""
    for batch, index in integrity.orphaned_items(connection):
        key, what = f"{batch}:{index}", f"its batch {batch!r} is not there"
        yield CheckFinding("queue-item-without-batch", "queued_work_items", key, what)
    for table, key, text in integrity.queue_texts(connection):
        try:
            jsontext.parse(text, dict)
        except jsontext.JsonError as error:
            yield CheckFinding("queue-unreadable", table, key, f"cannot be read: {error}")
