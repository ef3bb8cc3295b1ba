"""The commands over a folder of stores; each stands in a module of its own and is added here."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from lashgraph.cli.corpus_export import corpus_export
from lashgraph.cli.corpus_gc import corpus_gc
from lashgraph.cli.corpus_show import corpus_show

SUMMARY = "show"
"""The command that is meant where a folder is named and no command."""


class _FolderGroup(TyperGroup):
    """Commands, or a folder: ``corpus FOLDER`` is ``corpus show FOLDER``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put in the command where it was left out."""
        named = not args or args[0] in self.commands or args[0] == "--help"
        if not named and SUMMARY in self.commands:
            args = [SUMMARY, *args]
        return super().parse_args(ctx, args)


corpus = typer.Typer(
    cls=_FolderGroup, no_args_is_help=True, help="Look into and collect a folder of stores."
)
corpus.add_typer(corpus_show)
corpus.add_typer(corpus_gc)
corpus.add_typer(corpus_export)
