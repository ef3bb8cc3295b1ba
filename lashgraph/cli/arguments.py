"""Arguments that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Argument(metavar="FILE", help="A session store, such as session.db.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
