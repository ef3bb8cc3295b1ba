"""``lashgraph check``: what is wrong with a store."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lashgraph.check import SEVERITIES, Level
from lashgraph.cli.output import Output, records
from lashgraph.store import open as open_store

SOUND = 0
UNSOUND = 1
_SHOWN = 50
_STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def run_check(path: Path, level: Level, out: Output) -> int:
    """Print the findings of a check; 1 if one of them is an error."""
    with open_store(path) as store:
        name, findings = store.path, store.check(level)
    counts = {word: int((findings["severity"] == word).sum()) for word in SEVERITIES}
    told = ", ".join(
        f"{count:,} {word}{'' if count == 1 else 's'}" for word, count in counts.items()
    )
    out.say(f"{name}: {told} ({level} check)", style="bold")
    for severity in SEVERITIES:
        _show(findings[findings["severity"] == severity], _STYLES[severity], out)
    out.json(
        {
            "path": name,
            "level": level,
            "counts": counts,
            "findings": records(findings.drop(columns=["path", "session_id"])),
        }
    )
    return UNSOUND if counts["error"] else SOUND


def _show(findings: pd.DataFrame, style: str, out: Output) -> None:
    """The findings of one severity, by code; the advice of a code stands below its rows."""
    for code, found in findings.groupby("code", observed=True, sort=False):
        out.say()
        out.say(f"{found['severity'].iloc[0]} {code}", style=style)
        shown = found.head(_SHOWN)
        for place, what in zip(shown["table"] + " " + shown["key"], shown["what"], strict=True):
            out.say(f"  {place.strip()}: {what}" if place.strip() else f"  {what}")
        if len(found) > _SHOWN:
            out.say(f"  … {len(found):,} in all; --json lists them", style="dim")
        out.say(f"  {found['advice'].iloc[0]}", style="italic")
