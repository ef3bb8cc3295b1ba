"""The table of codes as Markdown: ``python -m lashgraph.check.document > docs/checks.md``."""

from __future__ import annotations

from collections.abc import Iterable

from lashgraph.check.codes import SEVERITIES, Code, Severity
from lashgraph.check.declared import CODES
from lashgraph.format.markdown import table

_HEADINGS: dict[Severity, str] = {
    "error": "Errors: something is lost or cannot be read",
    "warning": "Warnings: something does not fit",
    "note": "Notes: good to know",
}

_INTRODUCTION = """\
# Checks

`store.check()` looks a store over and gives one row for each finding;
`lashgraph check FILE` prints them and ends with 1 if one of them is an error.
Neither writes anything. `store.check(level="full")` also reads and hashes the
content of every blob and checks SQLite's indexes.

A finding has a severity, a code, the table and key of its row, what is wrong
with it, and an advice. What a garbage collection by lash leaves behind (old
turns and superseded agent frames that name blobs which are gone) is a note, as
is all that lash itself does in the ordinary course of a session.

`store.problems()` lists those findings of a quick check that are marked below:
something cannot be read, or names what is not there.

This page is made from the declared codes: `python -m lashgraph.check.document`.
"""


def markdown() -> str:
    """The whole page."""
    sections = [_section(severity) for severity in SEVERITIES]
    return "\n".join([_INTRODUCTION, *sections])


def _section(severity: Severity) -> str:
    codes = [code for code in CODES.values() if code.severity == severity]
    return f"## {_HEADINGS[severity]}\n\n{_table(codes)}"


def _table(codes: Iterable[Code]) -> str:
    return table(
        ("code", "level", "in problems()", "what it means", "advice"),
        (
            (
                f"`{code.name}`",
                code.level,
                "yes" if code.is_problem else "",
                code.meaning,
                code.advice,
            )
            for code in codes
        ),
    )


if __name__ == "__main__":
    print(markdown(), end="")
