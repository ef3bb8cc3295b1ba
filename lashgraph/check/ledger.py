"""The token ledger and the queue."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from lashgraph.check.finding import CheckFinding
from lashgraph.format import jsontext
from lashgraph.format.checkpoint import Manifest
from lashgraph.format.usage import TokenCounts, TokenUsage
from lashgraph.reach.refs import TurnRefs
from lashgraph.sqlite import heads, integrity, usage


def usage_findings(
    connection: sqlite3.Connection, live: Iterable[Manifest], turns: Sequence[TurnRefs]
) -> Iterator[CheckFinding]:
    """Entries that are no counts, and a ledger below what the live checkpoint says.

    A checkpoint holds the usage of the latest turn that used any, which is also an entry of the
    ledger; so its counts never exceed the ledger's sums. A session that goes on from another starts
    with the other's checkpoint, whose turn is in the other's ledger: it is let be without entries
    of its own, and as long as its checkpoint says what its first turn said.

    Parameters
    ----------
    live : iterable of Manifest
        The checkpoint that the head names.
    turns : sequence of TurnRefs
        The turns of the session, latest last; unreadable ones first.
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
        spent = manifest.turn_state.token_usage if manifest.turn_state else None
        if spent is None:
            continue
        lacking = [
            (name, f"the ledger's sum is {total:,}, the latest turn alone used {latest:,}")
            for (name, total), latest in zip(sums._asdict().items(), spent.counts, strict=True)
            if latest is not None and total is not None and latest > total
        ]
        if lacking and not _may_be_of_another(connection, spent, turns):
            for name, what in lacking:
                yield CheckFinding("usage-below-checkpoint", "usage_deltas", name, what)


def _may_be_of_another(
    connection: sqlite3.Connection, spent: TokenUsage, turns: Sequence[TurnRefs]
) -> bool:
    """Whether a checkpoint's usage may be that of the session which this one goes on from.

    A turn that uses none repeats what the checkpoint before it says.
    """
    meta = heads.load_meta(connection)
    if meta is None or meta.relation.kind == "root":
        return False
    first = turns[0].result if turns else None
    state = first.manifest.turn_state if first else None
    return state is None or state.token_usage == spent


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
