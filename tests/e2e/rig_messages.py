"""What kernels say to a page, read from the frames of its websockets."""

from __future__ import annotations

import json
import struct
from typing import Any, NamedTuple


class KernelMessage(NamedTuple):
    """The kind of a message, and what it says."""

    kind: str
    content: dict[str, Any]


def kernel_message(frame: str | bytes) -> KernelMessage | None:
    """A frame as a message; None if it is no kernel's.

    Kernels speak JSON, or the binary protocol ``v1.kernel.websocket.jupyter.org``: a count, so many
    offsets, and between them channel, header, parent, metadata, content, buffers.
    """
    try:
        if isinstance(frame, str):
            whole = json.loads(frame)
            return KernelMessage(whole["header"]["msg_type"], whole["content"])
        (count,) = struct.unpack_from("<Q", frame)
        offsets = struct.unpack_from(f"<{count}Q", frame, 8)
        header, content = (json.loads(frame[offsets[n] : offsets[n + 1]]) for n in (1, 4))
        return KernelMessage(header["msg_type"], content)
    except (ValueError, KeyError, TypeError, IndexError, struct.error):
        return None
