"""The folder of an export: begun, cleaned of what does not belong, published in one step."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from lashgraph.corpus import lock
from lashgraph.corpus.parquet_format import ALL
from lashgraph.corpus.parquet_manifest import MANIFEST, Manifest, read_manifest, write_manifest
from lashgraph.corpus.parquet_place import UNFINISHED, sync_folder
from lashgraph.errors import ExportError
from lashgraph.format.arguments import shown

_OURS = re.compile(r"((part|all)-[0-9a-f]{32}\.parquet|0-columns\.parquet)(\.tmp)?")


def check_folder(folder: str) -> None:
    """See that a folder holds an export or nothing, and make it if it is not there.

    Raises
    ------
    ExportError
        It holds something else.
    """
    if read_manifest(folder) is not None:
        return
    try:
        os.makedirs(folder, exist_ok=True)
        names = os.listdir(folder)
    except OSError as error:
        raise ExportError(
            f"{folder}: no folder that can hold an export: {error.strerror}", path=folder
        ) from error
    others = sorted(set(names) - {lock.NAME, MANIFEST, MANIFEST + UNFINISHED})
    if others:
        raise ExportError(
            f"{folder}: holds {shown(others[0])} and no export; name a new or an empty folder",
            path=folder,
        )


def begun(folder: str) -> Manifest:
    """The manifest of an export that is there; a new one has it before it has anything else."""
    found = read_manifest(folder)
    if found is None:
        found = Manifest()
        write_manifest(folder, found)
    clean(folder, found)
    return found


def clean(folder: str, manifest: Manifest) -> None:
    """Remove parts of ours that do not belong: old ones, and those of an interrupted export."""
    belongs = manifest.parts()
    for name in ALL:
        place = os.path.join(folder, name)
        if not os.path.isdir(place):
            continue
        for file in os.listdir(place):
            if _OURS.fullmatch(file) and os.path.join(name, file) not in belongs:
                os.unlink(os.path.join(place, file))
        if not os.listdir(place):
            os.rmdir(place)


def parts_there(folder: str, frames: Iterable[str]) -> dict[str, set[str]]:
    """The files in the folders of these frames."""
    found = {}
    for name in frames:
        place = os.path.join(folder, name)
        found[name] = set(os.listdir(place)) if os.path.isdir(place) else set()
    return found


def publish(folder: str, after: Manifest) -> None:
    """Let parts have their names, then the manifest, and only then remove the old ones."""
    for part in sorted(after.parts()):
        path = os.path.join(folder, part)
        if os.path.exists(path + UNFINISHED):
            os.replace(path + UNFINISHED, path)
    for name in after.frames:
        sync_folder(os.path.join(folder, name))
    write_manifest(folder, after)
    clean(folder, after)
