"""The command line as tests run it: in this process, or in one of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lashgraph.cli import main

Argument = str | bytes | Path


class Done(NamedTuple):
    """How a command ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str
    written: bytes = b""
    """Standard output as it was written, be it text or not."""


def run(*arguments: Argument, cwd: Path | None = None, **environment: str) -> Done:
    """Run a command in this process: as it runs in one of its own, save for the time it takes."""
    printed = [io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2)]
    code: object = 0
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.chdir(cwd or "."),
        contextlib.redirect_stdout(printed[0]),
        contextlib.redirect_stderr(printed[1]),
    ):
        patch.setattr(sys, "argv", ["lashgraph", *map(os.fsdecode, arguments)])
        for name in ("FORCE_COLOR", "NO_COLOR", "COLUMNS"):
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    assert isinstance(code, int)
    return _done(code, *(stream.buffer.getvalue() for stream in printed))  # type: ignore[attr-defined]


def run_alone(*command: Argument, cwd: Path | None = None) -> Done:
    """Run a command line in a process of its own, as a shell does."""
    environment = {**os.environ, "NO_COLOR": "1"}
    environment.pop("COLUMNS", None)
    done = subprocess.run(command, capture_output=True, cwd=cwd, check=False, env=environment)
    return _done(done.returncode, done.stdout, done.stderr)


def _done(code: int, out: bytes, err: bytes) -> Done:
    return Done(code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"), out)


def printed_json(*arguments: Argument) -> tuple[int, Any]:
    """How a command ended, and the JSON that it printed."""
    done = run(*arguments, "--json")
    return done.returncode, json.loads(done.stdout)
