"""Fixtures of the browser tests: ``python -m pytest tests/e2e``, never among the plain tests.

Playwright leaves an event loop running in its process, so these tests have a run of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rig_needs import chromium, no_browser, no_front_end

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext
    from rig_page import NotebookPage
    from rig_server import JupyterServer

SCREENSHOTS = Path(__file__).parent / "screenshots"
NETWORK = "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"
"""No name resolves: what is not on this machine cannot be reached."""


def pytest_configure(config: pytest.Config) -> None:
    told = "ignore:Session-scoped fixtures defined as instance methods"  # pytest-base-url's own
    config.addinivalue_line("filterwarnings", told)


class _WithoutBrowser(pytest.Module):
    """A module that is skipped before it is imported, for it imports playwright."""

    def collect(self) -> Iterator[Any]:
        pytest.skip(str(no_browser()), allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Any:
    if no_browser() is not None:
        return _WithoutBrowser.from_parent(parent, path=module_path)
    return None


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    quiet = ("--disable-background-networking", "--disable-component-update", "--disable-sync")
    return {
        **browser_type_launch_args,
        "executable_path": chromium(),
        "args": ["--no-sandbox", "--disable-gpu", f"--host-resolver-rules={NETWORK}", *quiet],
    }


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 1280, "height": 900}}


@pytest.fixture(scope="session")
def jupyter_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """One server for all tests; it fails the last of them if a process outlives it."""
    reason = no_front_end("lab")
    if reason is not None:
        pytest.skip(reason)
    from rig_server import JupyterServer

    server = JupyterServer(tmp_path_factory.mktemp("jupyter"))
    yield server
    left = server.stop()
    assert not left, f"these outlived the server: {left}"


@pytest.fixture(scope="session")
def jupyter_context(
    browser: Browser, browser_context_args: dict[str, Any]
) -> Iterator[BrowserContext]:
    """One context for all notebooks, so that Jupyter's scripts are fetched once."""
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)  # milliseconds: a machine may be busy
    context = browser.new_context(**browser_context_args)
    yield context
    context.close()


@pytest.fixture(params=["lab", "notebook", "voila"])
def frontend(request: pytest.FixtureRequest) -> str:
    """Each front end in turn, for a test that shall hold in all of them."""
    reason = no_front_end(request.param)
    if reason is not None:
        pytest.skip(reason)
    return str(request.param)


@pytest.fixture
def nb(
    jupyter_context: BrowserContext,
    jupyter_server: JupyterServer,
    request: pytest.FixtureRequest,
) -> Iterator[NotebookPage]:
    """A notebook to open; any fault that the test did not take out of `faults` fails it."""
    from rig_page import NotebookPage

    name = re.sub(r"\W+", "-", request.node.name).strip("-")
    # One page for all notebooks: its process keeps Jupyter's scripts compiled, nothing else.
    page = next(iter(jupyter_context.pages), None) or jupyter_context.new_page()
    notebook = NotebookPage(page, jupyter_server, SCREENSHOTS / name)
    yield notebook
    try:
        notebook.shot("end")
        notebook.close()
    except BaseException:
        page.close()  # whatever is wrong with it is not the next test's
        raise
    assert not notebook.faults.all(), notebook.faults.all()
