"""What Jupyter starts as a kernel: it asks the nursery for one, stands for it, and ends with it.

Run as a script, without site packages, so that it costs next to nothing:
``python -I -S rig_launcher.py ADDRESS CONNECTION_FILE``.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys


def main(address: str, connection_file: str) -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(f"\0{address}")
        asked = {"file": connection_file, "folder": os.getcwd(), "environment": dict(os.environ)}
        socket.send_fds(line, [json.dumps(asked).encode() + b"\n"], [0, 1, 2])
        kernel = int(line.recv(32))
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda number, _frame: os.kill(kernel, number))
        while line.recv(1):  # nothing is ever said: the kernel's end closes the line
            pass


if __name__ == "__main__":
    main(*sys.argv[1:])
