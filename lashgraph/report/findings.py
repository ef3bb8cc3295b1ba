"""Findings of a check, one row for each kind: how many, where, and what to do."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping

import pandas as pd

from lashgraph.check import CODES, SEVERITIES
from lashgraph.format.html import Markup, element
from lashgraph.format.sizes import counted
from lashgraph.report.pieces import Pieces, note, paragraph
from lashgraph.report.tables import Col, counts, sums, text

_EXAMPLES = 3
_PROBLEMS = sorted(name for name, code in CODES.items() if code.is_problem)


def problems(findings: pd.DataFrame) -> pd.DataFrame:
    """The rows of a check that ``problems()`` lists too."""
    return findings[findings["code"].isin(_PROBLEMS)]


def by_severity(findings: pd.DataFrame) -> dict[str, int]:
    """How many there are, the gravest first, all named."""
    found = findings["severity"].value_counts()
    return {severity: int(found.get(severity, 0)) for severity in SEVERITIES}


def findings_told(findings: pd.DataFrame, pieces: Pieces, *, of_files: bool) -> Iterator[Markup]:
    """What a check found, and of it what cannot be read.

    Parameters
    ----------
    of_files : bool
        Whether they are of many files, which are counted then.
    """
    if not len(findings):
        yield note("good", "A quick check finds nothing wrong or odd.")
        return
    said = ", ".join(counted(count, what) for what, count in by_severity(findings).items() if count)
    yield paragraph(f"A quick check finds {said}.")
    n_problems = len(problems(findings))
    if n_problems:
        said = "cannot be read or name" if n_problems > 1 else "cannot be read or names"
        yield note("bad", f"{counted(n_problems, 'row')} {said} what is not there.")
    columns = [
        Col("severity", "severity", lambda value: element("b", value, class_=f"is-{value}")),
        Col("code", "kind", lambda value: element("code", value)),
        sums("n_findings", "findings"),
        *([counts("n_files", "files")] if of_files else []),
        Col("about", "what it means, and what to do", lambda value: value),
    ]
    caption = "Findings of a quick check by kind, the gravest first."
    found = _by_code(findings, of_files=of_files)
    yield pieces.table(caption, found, columns, unit="kind", most=len(CODES))


def _by_code(findings: pd.DataFrame, *, of_files: bool) -> pd.DataFrame:
    found = []
    for name, code in CODES.items():  # which are declared with the gravest first
        rows = findings[findings["code"] == name]
        if len(rows):
            found.append(
                {
                    "severity": code.severity,
                    "code": name,
                    "n_findings": len(rows),
                    "n_files": rows["path"].nunique(),
                    "about": Markup(
                        element("p", code.meaning)
                        + _examples(rows, of_files=of_files)
                        + element("p", code.advice)
                    ),
                }
            )
    return pd.DataFrame(found, dtype=object)  # as texts, markup would be escaped


def _examples(rows: pd.DataFrame, *, of_files: bool) -> Markup:
    shown = rows.head(_EXAMPLES)
    items = [
        element("li", *_place(row, of_files=of_files), text(row["what"]))
        for row in shown.to_dict("records")
    ]
    if len(rows) > len(shown):
        items.append(element("li", f"… {len(rows) - len(shown):,} more"))
    return element("ul", *items)


def _place(row: Mapping[Hashable, object], *, of_files: bool) -> list[object]:
    place = [row["path"]] if of_files else []
    place += [row["table"], row["key"]]
    told = " ".join(str(one) for one in place if one)
    return [element("code", text(told)), ": "] if told else []
