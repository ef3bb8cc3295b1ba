"""What the browser tests need, and how to get what is absent."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec

CHROMIUM = "LASHGRAPH_CHROMIUM"
"""The variable that names a browser other than the `chromium` on the path."""

_EXTRA = "pip install -e '.[dev,e2e]'"
FRONT_ENDS = {"lab": "jupyterlab", "notebook": "notebook", "voila": "voila"}
"""The packages that serve the front ends."""


def chromium() -> str | None:
    """The browser's program, if there is one."""
    return shutil.which(os.environ.get(CHROMIUM) or "chromium")


def absent(*packages: str) -> str | None:
    """Why tests that need these packages cannot run, and what to do; None if they can."""
    missing = [name for name in packages if find_spec(name) is None]
    return f"{', '.join(missing)} not installed: {_EXTRA}" if missing else None


def no_browser() -> str | None:
    """Why no browser test can run, and what to do; None if they can."""
    if chromium() is None:
        return f"no chromium: apt-get install chromium, or name a browser in {CHROMIUM}"
    return absent("playwright", "pytest_playwright")


def no_front_end(name: str) -> str | None:
    """Why no test in this front end can run; every one of them is driven by Lab's server."""
    return absent("jupyterlab", FRONT_ENDS[name])
