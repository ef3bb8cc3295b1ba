"""One notebook in one front end, opened and run as a user does."""

from __future__ import annotations

import ast
import json
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
from playwright.sync_api import ConsoleMessage, Error, Page, Request, WebSocket
from rig_messages import kernel_message
from rig_server import FORKED, JupyterServer

ADDRESSES = {
    "lab": "/doc/tree/{}?reset&token={}",
    "notebook": "/notebooks/{}?token={}",
    "voila": "/voila/render/{}?token={}",
}
SECONDS = 60.0
"""How long a page may take for one thing."""

_CONNECTED = """() =>
  window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.connectionStatus
  === 'connected'"""
_READY = """async () => {
  await jupyterapp.restored;
  const notebook = jupyterapp.shell.currentWidget;
  await notebook.context.ready;
  await notebook.sessionContext.ready;
}"""
_RUN_ALL = """() => {
  window.__run = null;
  jupyterapp.commands.execute('notebook:run-all-cells').then(
    () => { window.__run = 'done'; }, error => { window.__run = String(error); });
}"""
_BEGIN = """async source => {
  const notebook = jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = notebook.widgets.length - 1;
  await jupyterapp.commands.execute('notebook:insert-cell-below');
  notebook.activeCell.model.sharedModel.setSource(source);
  window.__run = null;
  jupyterapp.commands.execute('notebook:run-cell').then(
    () => { window.__run = 'done'; }, error => { window.__run = String(error); });
}"""
_CELLS = """() => Array.from(jupyterapp.shell.currentWidget.content.model.cells)
  .filter(cell => cell.type === 'code')
  .map(cell => ({count: cell.executionCount, outputs: cell.outputs.toJSON()}))"""
_EVALUATE = """async code => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const asked = {code: '', silent: true, store_history: false, user_expressions: {value: code}};
  return (await kernel.requestExecute(asked).done).content.user_expressions.value;
}"""
_RESTART = """async () => {
  await jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart();
}"""


@dataclass
class Faults:
    """What went wrong, as far as the page or the kernel told; empty is good."""

    kernel: list[str] = field(default_factory=list)
    """Errors of cells and of widget callbacks, which Lab hides in its log."""
    stderr: list[str] = field(default_factory=list)
    """What kernels wrote to stderr: warnings, tracebacks of threads."""
    page: list[str] = field(default_factory=list)
    """Exceptions of scripts, and the console's errors."""
    requests: list[str] = field(default_factory=list)
    """Addresses outside of this machine that were asked for."""

    def all(self) -> dict[str, list[str]]:
        """Those of each kind that occurred."""
        return {kind: told for kind, told in vars(self).items() if told}


class NotebookPage:
    """A notebook in a browser, with all that goes wrong in it noted in `faults`.

    Parameters
    ----------
    page : Page
        The browser's page.
    server : JupyterServer
        What serves the notebook.
    shots : path
        The beginning of the paths of screenshots.

    Attributes
    ----------
    folder : Path
        The notebook's own folder, and its kernel's working directory: put stores there.
    received : int
        How much the page got through websockets: bytes, and characters of texts.
    """

    def __init__(self, page: Page, server: JupyterServer, shots: Path) -> None:
        self.page = page
        self.faults = Faults()
        self.frontend = ""
        self.received = 0
        self.folder = server.root / secrets.token_hex(4)
        self.folder.mkdir()
        self._server = server
        self._shots = shots
        self._listeners = {
            "pageerror": self._note_exception,
            "console": self._note_console,
            "request": self._note_request,
            "websocket": self._listen,
        }
        for event, listener in self._listeners.items():
            page.on(event, listener)  # type: ignore[call-overload]

    # What a user does

    def run(
        self, source: Sequence[str] | Path, frontend: str = "lab", *, seconds: float = SECONDS
    ) -> Page:
        """Open a notebook and run all of it.

        Parameters
        ----------
        source : sequence of str or Path
            Code cells, or a notebook, of which a copy is run.
        frontend : str
            ``"lab"``, ``"notebook"`` (7) or ``"voila"``.
        seconds : float
            How long that may take.

        Raises
        ------
        AssertionError
            A cell raised an error, or was not run.
        """
        self.open(source, frontend, seconds=seconds)
        if frontend == "voila":
            return self.page
        self.page.evaluate(_RUN_ALL)
        self.finish(seconds=seconds)
        counts = [cell["count"] for cell in self.cells()]
        assert all(counts), f"cells were not run: {counts}"
        return self.page

    def open(
        self, source: Sequence[str] | Path, frontend: str = "lab", *, seconds: float = SECONDS
    ) -> Page:
        """Open a notebook and wait for its kernel; only Voila runs it at once."""
        self.frontend = frontend
        path = self.folder / f"{self.folder.name}.ipynb"
        nbformat.write(_notebook(source), path)
        place = path.relative_to(self._server.root).as_posix()
        address = ADDRESSES[frontend].format(place, self._server.token)
        limit = seconds * 1000
        self.page.goto(self._server.url + address, wait_until="commit", timeout=limit)
        if frontend == "voila":
            self.page.locator("#rendered_cells").wait_for(timeout=limit)
            told = self.page.locator("[data-mime-type='application/vnd.jupyter.stderr']")
            assert told.count() == 0, told.all_inner_texts()
        else:
            self.page.wait_for_function(_CONNECTED, timeout=limit)
            self.page.evaluate(_READY)
        return self.page

    def begin(self, source: str) -> None:
        """Add a cell at the end and run it, without waiting for it; not in Voila."""
        self.page.evaluate(_BEGIN, source)

    def finish(self, *, seconds: float = SECONDS) -> None:
        """Wait for what runs; raises AssertionError if a cell of the notebook shows an error."""
        self.page.wait_for_function("() => window.__run !== null", timeout=seconds * 1000)
        told = self.page.evaluate("() => window.__run")
        outputs = [output for cell in self.cells() for output in cell["outputs"]]
        raised = [
            f"{output['ename']}: {output['evalue']}"
            for output in outputs
            if output["output_type"] == "error"
        ]
        assert not raised, raised
        assert told == "done", told

    def restart(self) -> None:
        """Restart the kernel; its widgets stay on the page; not in Voila."""
        self.page.evaluate(_RESTART)

    # What a test asks

    def value(self, expression: str) -> Any:
        """What a Python expression is in the kernel, by way of JSON; not in Voila.

        It waits in the kernel's queue behind the cell that runs.
        """
        told = self.page.evaluate(_EVALUATE, f"__import__('json').dumps({expression})")
        assert told["status"] == "ok", f"{told.get('ename')}: {told.get('evalue')}"
        return json.loads(ast.literal_eval(told["data"]["text/plain"]))

    def cells(self) -> list[dict[str, Any]]:
        """Count and outputs of each code cell, as the notebook has them; not in Voila."""
        found: list[dict[str, Any]] = self.page.evaluate(_CELLS)
        return found

    def until(self, holds: Callable[[], object], *, seconds: float = 20.0) -> None:
        """Wait until something holds; raises AssertionError if it does not in time."""
        for _ in range(int(seconds * 20)):
            if holds():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"not within {seconds} s: {holds}; faults: {self.faults.all()}")

    def shot(self, name: str) -> Path:
        """Keep a screenshot; returns its path."""
        path = self._shots.with_name(f"{self._shots.name}-{name}.png")
        self.page.screenshot(path=path)
        return path

    def close(self) -> None:
        """Leave the notebook, as a user does, and end its kernel; the page stays, and is empty."""
        self.page.mouse.move(0, 0)
        self.page.goto("about:blank")  # what the notebook had still to say is heard
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)
        self._server.end_kernels()

    # What is listened to

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._note_frame)

    def _note_frame(self, frame: str | bytes) -> None:
        self.received += len(frame)
        message = kernel_message(frame)
        if message is None:
            return
        if message.kind == "error":
            self.faults.kernel.append(f"{message.content['ename']}: {message.content['evalue']}")
        elif message.kind == "stream" and message.content.get("name") == "stderr":
            told = _NO_COMM.sub("", message.content["text"])
            if told.strip():
                self.faults.stderr.append(told)

    def _note_exception(self, error: Error) -> None:
        if not self._is_known(str(error)):
            self.faults.page.append(str(error))

    def _note_console(self, message: ConsoleMessage) -> None:
        told = f"{message.text} ({message.location.get('url', '')})"
        if message.type == "error" and not self._is_known(told):
            self.faults.page.append(told)

    def _note_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        outside = address.scheme in {"http", "https"} and address.hostname != "127.0.0.1"
        if outside and not self._is_known(request.url):
            self.faults.requests.append(request.url)

    def _is_known(self, told: str) -> bool:
        return any(known in told for known in _KNOWN[self.frontend])


_NO_COMM = re.compile(r"^No such comm( target registered)?: .*$", re.MULTILINE)
"""A front end asks for the widgets of a kernel before there are any."""
_KNOWN = {
    "lab": ("Could not restore the debugger state: Canceled future",),
    "notebook": (
        "Could not restore the debugger state: Canceled future",
        "Cannot read properties of undefined (reading 'schema')",
        "Command 'filebrowser:open-path' not registered.",
    ),
    "voila": (
        "https://cdn.jsdelivr.net/npm/@fortawesome/",
        "https://cdnjs.cloudflare.com/ajax/libs/mathjax/",
        "The getter for the shared module is not a function.",
    ),
}
"""What the front ends themselves complain of or ask for, whatever notebook is shown."""


def _notebook(source: Sequence[str] | Path) -> nbformat.NotebookNode:
    """Cells in a forked kernel; a notebook in the one that it names, as a user runs it."""
    if isinstance(source, Path):
        return nbformat.read(source, as_version=4)
    cells = [nbformat.v4.new_code_cell(text) for text in source]
    kernel = {"name": FORKED, "display_name": FORKED, "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
