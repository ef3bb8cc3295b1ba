"""Arguments that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Argument(metavar="FILE", help="A session store, such as session.db.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Folder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="A folder of session stores, or one store.")
]
Recursive = Annotated[bool, typer.Option("--recursive", help="Go through folders inside it too.")]
Workers = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="So many processes; else none but this.")
]
