"""A process that has imported all that kernels need, and forks one whenever it is asked to.

A kernel of its own for each test, without the seconds that Python takes to import pandas,
matplotlib and ipywidgets. It starts no thread, so that a fork is a whole process.

Run as ``python rig_nursery.py ADDRESS``; `rig_launcher` asks.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
import threading
from typing import Any

_MOST = 1 << 20


def main(address: str) -> None:
    # matplotlib reads it once, when it is imported, and ipykernel would set it later
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    import anywidget  # noqa: F401
    import ipykernel.debugger
    import ipykernel.kernelapp  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import networkx  # noqa: F401
    import pandas  # noqa: F401

    import lashgraph.cli.app
    import lashgraph.widgets  # noqa: F401

    assert threading.active_count() == 1, threading.enumerate()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who ended is nobody's to wait for
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(f"\0{address}")  # a name without a file: Linux has these
        door.listen()
        print("ready", flush=True)
        while True:
            line, _ = door.accept()
            with line:
                said, files, _, _ = socket.recv_fds(line, _MOST, 3)
                while not said.endswith(b"\n"):
                    said += line.recv(_MOST)
                if os.fork() == 0:
                    door.close()
                    _become_kernel(line, files, json.loads(said))
                for file in files:
                    os.close(file)


def _become_kernel(line: socket.socket, files: list[int], asked: dict[str, Any]) -> None:
    """Be what ``python -m ipykernel_launcher -f FILE`` is, until the launcher is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    backend = os.environ["MPLBACKEND"]
    os.environ.clear()
    os.environ.update(asked["environment"], MPLBACKEND=backend)
    os.environ.pop("JPY_PARENT_PID", None)  # the launcher is Jupyter's child, this is not
    os.chdir(asked["folder"])
    sys.argv = ["ipykernel_launcher", "-f", asked["file"]]
    sys.path[0] = ""  # as for `python -m`, in place of this file's folder
    line.sendall(str(os.getpid()).encode())
    threading.Thread(target=_end_with, args=(line.dup(),), daemon=True).start()
    from ipykernel import kernelapp

    try:
        kernelapp.launch_new_instance()
    finally:
        os._exit(0)


def _end_with(line: socket.socket) -> None:
    line.recv(1)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
