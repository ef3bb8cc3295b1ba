"""A Jupyter server of the tests' own: on loopback, on nobody's settings, and gone afterwards."""

from __future__ import annotations

import functools
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil

_START_SECONDS = 90.0
_STOP_SECONDS = 15.0
_SETTINGS: dict[str, dict[str, Any]] = {
    # Else cells out of view, and outputs after the fiftieth, are not in the page.
    "notebook-extension/tracker": {"windowingMode": "none", "maxNumberOutputs": 10_000},
    "docmanager-extension/plugin": {"autosave": False},
    "apputils-extension/notification": {
        "checkForUpdates": False,
        "doNotDisturbMode": True,
        "fetchNews": "false",
    },
}
FORKED = "forked"
"""The kernel that is forked from a process that has imported everything."""
_HERE = Path(__file__).parent
_NURSERY = str(_HERE / "rig_nursery.py")
_LAUNCHER = str(_HERE / "rig_launcher.py")
_FOLDERS = {
    "IPYTHONDIR": "ipython",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
}


class JupyterServer:
    """One process that serves Lab, Notebook 7 and Voila; all of its files stand in one folder.

    Parameters
    ----------
    base : path
        An empty folder.

    Raises
    ------
    RuntimeError
        The server ended, or did not answer in time; its log is in the message.
    """

    def __init__(self, base: Path) -> None:
        self.root = base / "root"
        self.token = secrets.token_hex(16)
        self._log = base / "server.log"
        folders = {variable: base / name for variable, name in _FOLDERS.items()}
        for folder in (self.root, *folders.values()):
            folder.mkdir(parents=True)
        _write_settings(folders["JUPYTERLAB_SETTINGS_DIR"])
        address = secrets.token_hex(16)
        _write_kernel(folders["JUPYTER_DATA_DIR"] / "kernels" / FORKED, address)
        environment = {
            **os.environ,
            **{variable: str(folder) for variable, folder in folders.items()},
            "JUPYTER_TOKEN": self.token,
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        }
        environment.pop("MPLBACKEND", None)  # with Agg, a kernel shows no figure
        start = functools.partial(
            subprocess.Popen,
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        nursery = [sys.executable, _NURSERY, address]
        with self._log.open("w") as log:
            self._process = start(_command(self.root), stdout=log, stderr=subprocess.STDOUT)
            self._nursery = start(nursery, stdout=subprocess.PIPE, stderr=log)
        self.url = self._wait_for(folders["JUPYTER_RUNTIME_DIR"])
        if not self._nursery.stdout.readline():  # it says when it is ready
            self.stop()
            raise RuntimeError(f"there are no kernels to fork\n{self.log()}")

    def call(self, path: str, method: str = "GET") -> Any:
        """Ask the server's REST interface; the JSON that it answers, None if it is empty."""
        return _ask(self.url + path, self.token, method)

    def end_kernels(self) -> None:
        """End every kernel, those that no page shows any more too."""
        for kernel in self.call("/api/kernels"):
            self.call(f"/api/kernels/{kernel['id']}", "DELETE")

    def log(self) -> str:
        """The last of what the server said."""
        return self._log.read_text(errors="replace")[-4_000:]

    def stop(self) -> list[str]:
        """End the server; returns the command lines of children that outlived it, then killed."""
        processes = [psutil.Process(one.pid) for one in (self._process, self._nursery)]
        children = [child for one in processes for child in one.children(recursive=True)]
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        _, alive = psutil.wait_procs(children, timeout=5)
        with self._nursery:
            self._nursery.kill()
        left = [" ".join(child.cmdline()) for child in alive]
        for child in alive:
            child.kill()
        return left

    def _wait_for(self, runtime: Path) -> str:
        """The server's address, once it answers."""
        info = runtime / f"jpserver-{self._process.pid}.json"
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise RuntimeError(f"Jupyter ended: {self._process.returncode}\n{self.log()}")
            try:
                url = f"http://127.0.0.1:{json.loads(info.read_text())['port']}"
                _ask(f"{url}/api/status", self.token, "GET")
            except (OSError, ValueError):  # not written, half written, not yet listening
                time.sleep(0.1)
            else:
                return url
        self.stop()
        raise RuntimeError(f"Jupyter did not answer in {_START_SECONDS:.0f} s\n{self.log()}")


def _command(root: Path) -> list[str]:
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0",
        f"--ServerApp.root_dir={root}",
        "--ServerApp.terminals_enabled=False",
        "--LabApp.expose_app_in_browser=True",
        "--JupyterNotebookApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--VoilaConfiguration.show_tracebacks=True",
    ]


def _write_settings(folder: Path) -> None:
    for plugin, settings in _SETTINGS.items():
        path = folder / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))


def _write_kernel(folder: Path, address: str) -> None:
    folder.mkdir(parents=True)
    command = [sys.executable, "-I", "-S", _LAUNCHER, address, "{connection_file}"]
    described = {"argv": command, "display_name": "Python 3 (forked)", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(described))


def _ask(url: str, token: str, method: str) -> Any:
    request = Request(url, headers={"Authorization": f"token {token}"}, method=method)
    with urlopen(request, timeout=10) as response:
        answer = response.read()
    return json.loads(answer) if answer else None
