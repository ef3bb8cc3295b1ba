"""Where the recorded stores are, and how a test gets a copy of one.

Two roots hold them in the same layout (``transcripts/``, ``damaged/``, ``sessions/``): the full
recording, which stands beside the repository, and the subset in ``tests/data`` that comes with it.
A file that both hold is taken from the full recording.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pytest

ENVIRONMENT = "LASHGRAPH_STORES"
SUBSET = Path(__file__).resolve().parent / "data"
BESIDE = Path(__file__).resolve().parents[2] / "shared" / "stores"


def full_recording() -> Path:
    """The folder of the full recording, be it there or not."""
    named = os.environ.get(ENVIRONMENT)
    return Path(named).expanduser() if named else BESIDE


def why_missing() -> str | None:
    """Why only the subset runs, and how to run all; None if the full recording is there."""
    folder = full_recording()
    if folder.is_dir():
        return None
    return (
        f"no full recording at {folder}, so only the subset in tests/data runs: put it there, or "
        f"set {ENVIRONMENT} to the folder that has transcripts/, damaged/ and sessions/"
    )


def store_roots() -> list[Path]:
    """The folders that hold recorded stores, the full recording first; absent ones left out."""
    return [root for root in (full_recording(), SUBSET) if root.is_dir()]


def recorded_files(pattern: str) -> dict[str, Path]:
    """Files that match a pattern such as ``sessions/*.db.gz``, by their path below a root."""
    found: dict[str, Path] = {}
    for root in store_roots():
        for path in root.glob(pattern):
            found.setdefault(path.relative_to(root).as_posix(), path)
    return dict(sorted(found.items()))


def stem(path: Path) -> str:
    """The name without its endings: ``healthy`` of ``healthy.db.gz``."""
    return path.name.split(".", 1)[0]


def recorded_params(pattern: str) -> list[Any]:
    """Parameters for ``pytest.mark.parametrize``: one path for each recorded file.

    If the full recording is absent, a skipped parameter says so and how to get it.
    """
    params = [pytest.param(path, id=stem(path)) for path in recorded_files(pattern).values()]
    return params + missing_params()


def missing_params(width: int = 1) -> list[Any]:
    """The skipped parameter that stands for an absent full recording, else nothing."""
    reason = why_missing()
    if reason is None:
        return []
    skip = pytest.mark.skip(reason=reason)
    return [pytest.param(*[None] * width, id="full-recording", marks=skip)]


def find(name: str) -> Path:
    """One recorded file, such as ``damaged/healthy.db.gz``; skips the test if it is not there."""
    for root in store_roots():
        if (root / name).is_file():
            return root / name
    pytest.skip(f"{name}: {why_missing() or 'not among the recorded stores'}")


def unpack(gz: Path, tmp_path: Path) -> Path:
    """Unpack a recorded file into a folder of the test's own."""
    target = tmp_path / gz.name.removesuffix(".gz")
    target.write_bytes(gzip.decompress(gz.read_bytes()))
    return target
