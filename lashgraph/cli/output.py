"""What the commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from lashgraph.format import Node
from lashgraph.tree import SessionGraph

_WIDEST = 28
_LONGEST_TEXT = 60


class Output:
    """Where a command prints; text from a store is printed as it is, never as markup."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console(soft_wrap=as_json, highlight=False)

    def say(self, text: str = "", style: str | None = None) -> None:
        """A line for people; nothing where JSON is wanted."""
        if not self.as_json:
            self.console.print(Text(visible(text), style=style or ""), soft_wrap=True)

    def heading(self, text: str) -> None:
        """A heading for people."""
        self.say()
        self.say(text, style="bold")

    def json(self, value: Any) -> None:
        """One JSON value, where JSON is wanted."""
        if self.as_json:
            print(json.dumps(value, ensure_ascii=True, indent=2, default=str))

    def frame(self, frame: pd.DataFrame, columns: Sequence[str], rows: int = 5) -> None:
        """The head of a frame as a table."""
        if self.as_json:
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in columns:
            table.add_column(name, justify="right" if _is_number(frame[name]) else "left")
        for record in frame.head(rows)[list(columns)].itertuples(index=False):
            table.add_row(*(Text(_cell(value)) for value in record))
        self.console.print(table)
        if len(frame) > rows:
            self.say(f"… {len(frame):,} rows", style="dim")

    def facts(self, facts: dict[str, str]) -> None:
        """Names and values in two columns."""
        if self.as_json:
            return
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(style="dim")
        table.add_column()
        for name, value in facts.items():
            table.add_row(name, Text(visible(value)))
        self.console.print(table)

    def tree(self, graph: SessionGraph, lines: int = 24) -> None:
        """The session tree, one line for each run of nodes without a fork."""
        if self.as_json:
            return
        active = set(graph.active_path())
        top = Tree(Text(f"{len(graph):,} nodes, {len(active):,} on the active path"))
        children = _children(graph)
        waiting = [(top, root) for root in reversed(children[None])]
        shown = 0
        while waiting:
            branch, start = waiting.pop()
            if shown == lines:
                top.add(Text("… more branches", style="dim"))
                break
            run = _run(children, start)
            on_path = graph.nodes[run[0]].node_id in active
            label = _run_label(graph, run)
            grown = branch.add(Text(label, style="bold" if on_path else ""))
            shown += 1
            waiting += [(grown, child) for child in reversed(children.get(run[-1], []))]
        self.console.print(top)


def _children(graph: SessionGraph) -> dict[int | None, list[int]]:
    children: dict[int | None, list[int]] = {None: []}
    for at, parent in enumerate(graph.parents()):
        children.setdefault(parent if parent >= 0 else None, []).append(at)
    return children


def _run(children: dict[int | None, list[int]], start: int) -> list[int]:
    run = [start]
    while len(following := children.get(run[-1], [])) == 1:
        run.append(following[0])
    return run


def _run_label(graph: SessionGraph, run: list[int]) -> str:
    first = next((text for at in run if (text := node_text(graph.nodes[at]))), "")
    short = first if len(first) <= _LONGEST_TEXT else first[: _LONGEST_TEXT - 1] + "…"
    count = f"{len(run)} nodes" if len(run) > 1 else "1 node"
    return visible(f"{count}  {short}")


def node_text(node: Node) -> str:
    """The first words of a message, on one line."""
    if node.message is None:
        return ""
    texts = [part.content for part in node.message.parts if part.kind in ("Text", "Prose")]
    words = " ".join(" ".join(texts).split())
    return f"{node.message.role}: {words}" if words else ""


def visible(text: str) -> str:
    """A text without control characters, which could move a terminal's cursor."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame's rows as JSON values; what is missing is null, times are ISO text."""
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", date_format="iso"))
    return rows


def _is_number(column: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype) and column.dtype != bool


def _cell(value: Any) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return visible(text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…")
