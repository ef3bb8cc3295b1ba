"""What must hold after a sweep; it is looked at before the sweep's transaction ends."""

from __future__ import annotations

import sqlite3

from lashgraph.comparison import Contents, compare_contents, read_contents
from lashgraph.errors import VerificationError
from lashgraph.gc.sweep import Doomed
from lashgraph.sqlite import blobs
from lashgraph.sqlite.integrity import own_check

_SHOWN = 5


def verify_sweep(
    connection: sqlite3.Connection,
    doomed: Doomed,
    path: str,
    *,
    backup: str | None = None,
    before: Contents | None = None,
) -> None:
    """See that a sweep deleted the doomed and nothing else, inside its open transaction.

    Parameters
    ----------
    backup : str, optional
        The file that holds the state before.
    before : Contents, optional
        All that the store held; everything is then compared, not only what blobs are there.

    Raises
    ------
    VerificationError
        Something else is gone, or SQLite finds the file damaged.
    """
    findings = [f"SQLite's integrity check: {line}" for line in own_check(connection, full=True)]
    left = set(blobs.keys(connection))
    there = {row.hash for row in doomed.now.present}
    kept = there - doomed.keys
    findings += [f"blob {key} is gone, which was to stay" for key in sorted(kept - left)]
    findings += [
        f"blob {key} is gone, which {doomed.now.live[key]} keeps"
        for key in sorted((doomed.now.live.keys() & there) - left - kept)
    ]
    findings += [f"blob {key} is still there" for key in sorted(left & doomed.keys)]
    if before is not None:
        found = compare_contents(before, read_contents(connection, path))
        other = [one for one in found.differences if (one.entity, one.change) != ("blob", "lost")]
        findings += [f"{one.entity} {one.key} was {one.change}" for one in other]
        if set(found.lost("blob")) != doomed.keys:
            findings.append("the blobs lost are not those of the plan")
    refuse(
        findings, path, backup, "the sweep was undone and nothing was deleted; see store.check()"
    )


def verify_file(connection: sqlite3.Connection, path: str, backup: str | None) -> None:
    """See that SQLite finds nothing wrong with a file that was written anew.

    Raises
    ------
    VerificationError
        It does.
    """
    findings = [f"SQLite's integrity check: {line}" for line in own_check(connection, full=True)]
    refuse(findings, path, backup, "the file was compacted already; restore it")


def refuse(findings: list[str], path: str, backup: str | None, what_now: str) -> None:
    """Raise what was found wrong."""
    if not findings:
        return
    more = "" if len(findings) <= _SHOWN else f"; and {len(findings) - _SHOWN} more"
    kept = f"; the state before is in {backup}" if backup else ""
    raise VerificationError(
        f"{path}: verification failed: {'; '.join(findings[:_SHOWN])}{more}; {what_now}{kept}",
        path=path,
        backup=backup,
        findings=tuple(findings),
    )
