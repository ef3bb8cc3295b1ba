"""The manifest of an export: what belongs to it, and what each file of the corpus gave.

Each frame has a folder, and in it a part for each session file that has rows. A file that changed
replaces its own parts and no others, and nothing of a file that did not change is read or written
again; parts that several files shared would have to be made anew whenever one of them changed.
"""

from __future__ import annotations

import json
import os
from typing import Any

import msgspec

from lashgraph.corpus.parquet_place import UNFINISHED, sync_folder, writing
from lashgraph.errors import ExportError
from lashgraph.version import __version__

MANIFEST = "lashgraph-parquet.json"
"""Name of the file that makes a folder an export, and says what belongs to it."""

COLUMNS_FILE = "0-columns.parquet"
"""A part without rows in each frame's folder, so that a pattern always finds its columns."""

_FORMAT = 2


class Part(msgspec.Struct, frozen=True):
    """Rows of a frame: how many, and the file that has them; no file where there are none."""

    rows: int
    file: str = ""


class Entry(msgspec.Struct, frozen=True):
    """A file of the corpus.

    Attributes
    ----------
    listed : list
        The fields of its `CorpusFile`.
    fingerprint : str
        Digest of its state when it was read.
    session_ids : list of str
        Its session; of a file that holds many, each; none if it holds none.
    left_out : list of str or None
        The fields of its `LeftOut`, if it is none.
    parts : dict of str to Part
        What it gave, by frame; nothing for a frame that it failed at.
    """

    listed: list[Any]
    fingerprint: str
    session_ids: list[str] = []
    left_out: list[str] | None = None
    parts: dict[str, Part] = {}

    @property
    def path(self) -> str:
        """Where it was."""
        return str(self.listed[0])


class Manifest(msgspec.Struct, frozen=True):
    """What belongs to an export.

    Attributes
    ----------
    complete : bool
        Whether an export ever came to its end.
    made_with : str
        Digest of all that rows depend on besides their file.
    policy : str
        Name of the policy that blobs were judged by.
    frames : list of str
        The frames that were asked for.
    files : list of Entry
        By path.
    whole : dict of str to Part
        Frames in one part.
    failures : list
        The first six fields of each `Failure`.
    left_out : list
        The fields of each `LeftOut` that was found when the files were listed.
    """

    complete: bool = False
    made_with: str = ""
    policy: str = "safe"
    frames: list[str] = []
    files: list[Entry] = []
    whole: dict[str, Part] = {}
    failures: list[tuple[str, str, str, str, bool, str | None]] = []
    left_out: list[list[str]] = []
    format: int = _FORMAT
    lashgraph: str = __version__

    def parts(self) -> set[str]:
        """All files that belong to it, below its folder."""
        found = {
            os.path.join(name, part.file)
            for entry in self.files
            for name, part in entry.parts.items()
            if part.file
        }
        found |= {os.path.join(name, part.file) for name, part in self.whole.items()}
        return found | {os.path.join(name, COLUMNS_FILE) for name in self.frames}


def read_manifest(folder: str) -> Manifest | None:
    """The manifest of a folder; None where there is none.

    Raises
    ------
    ExportError
        It cannot be read.
    """
    path = os.path.join(folder, MANIFEST)
    try:
        with open(path, encoding="ascii") as file:
            found = json.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, error) from error
    if isinstance(found, dict) and found.get("format") != _FORMAT:
        raise _unreadable(path, f"format {found.get('format')!r}, where {_FORMAT} is known")
    try:
        return msgspec.convert(found, Manifest)
    except msgspec.ValidationError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, why: object) -> ExportError:
    return ExportError(
        f"{path}: the manifest of an export cannot be read: {why}; export to another folder, or "
        "remove this one",
        path=path,
    )


def write_manifest(folder: str, manifest: Manifest) -> None:
    """Put a manifest in the place of the one before, in one step."""
    path = os.path.join(folder, MANIFEST)
    # file names that are no UTF-8 stay what they are in ASCII with escapes
    text = json.dumps(msgspec.to_builtins(manifest), separators=(",", ":"))
    with writing(path):
        with open(path + UNFINISHED, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(path + UNFINISHED, path)
        sync_folder(folder)
