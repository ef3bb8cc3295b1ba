"""The commands that read a session: its tree, a node, what was said, and all that as a document."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lashgraph.cli.arguments import AsJson, File
from lashgraph.cli.export import Format, run_export
from lashgraph.cli.output import Output
from lashgraph.cli.show import run_show
from lashgraph.cli.transcript import run_transcript
from lashgraph.cli.tree import run_tree

reading = typer.Typer()

Leaf = Annotated[
    str | None,
    typer.Option(
        metavar="NODE", help="Where the path ends: a node id or its beginning; the head's leaf."
    ),
]
EveryFrame = Annotated[
    bool, typer.Option("--every-frame", help="All agent frames, not the current one alone.")
]


@reading.command()
def tree(
    file: File,
    *,
    leaf: Leaf = None,
    messages: Annotated[
        bool, typer.Option("--messages", help="A line for each message, not for each branch.")
    ] = False,
    lines: Annotated[
        int, typer.Option(min=0, metavar="N", help="Draw at most so many lines; 0 draws all.")
    ] = 200,
    as_json: AsJson = False,
) -> None:
    """Draw the session tree: a line for each branch, the active path bold and marked."""
    raise typer.Exit(run_tree(file, leaf, Output(as_json=as_json), messages=messages, lines=lines))


@reading.command()
def show(
    file: File,
    node: Annotated[
        str, typer.Argument(metavar="NODE", help="A node id, or a beginning that only it has.")
    ],
    as_json: AsJson = False,
) -> None:
    """Show one node: who made it when, what it holds, its tool calls with their results."""
    raise typer.Exit(run_show(file, node, Output(as_json=as_json)))


@reading.command()
def transcript(
    file: File,
    *,
    leaf: Leaf = None,
    agent_frame: Annotated[
        str | None, typer.Option(metavar="ID", help="Take the nodes of this agent frame.")
    ] = None,
    every_frame: EveryFrame = False,
    full: Annotated[
        bool, typer.Option("--full", help="Long results and reasoning in full.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print what was said along a path, as the runtime reads it, and the steps that were run."""
    raise typer.Exit(
        run_transcript(
            file,
            Output(as_json=as_json),
            leaf=leaf,
            agent_frame=agent_frame,
            every_frame=every_frame,
            full=full,
        )
    )


@reading.command()
def export(
    file: File,
    *,
    form: Annotated[
        Format, typer.Option("--format", help="chat is a line of JSON for each session.")
    ] = Format.HTML,
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="OUT",
            help="Where to write, - for standard output; else the name of FILE with another "
            "ending, in the working folder.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a document that is there.")
    ] = False,
    children: Annotated[
        bool, typer.Option("--children/--no-children", help="Take in the session's children.")
    ] = True,
    children_in: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The folder of the children, if not that of FILE."),
    ] = None,
    every_frame: EveryFrame = False,
) -> None:
    """Write a session and its children as one document that stands by itself."""
    raise typer.Exit(
        run_export(
            file,
            form,
            out,
            children=children,
            children_in=children_in,
            every_frame=every_frame,
            force=force,
        )
    )
