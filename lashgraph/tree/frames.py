"""Agent frames as the head lists them: which nodes of a path belong to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from lashgraph.format import jsontext
from lashgraph.format.node import Node


@dataclass(frozen=True)
class AgentFrames:
    """The agent frames of a session, and the one that is current.

    Attributes
    ----------
    current : str
        Id of the current agent frame.
    listed : tuple of (str, str or None)
        Id of each frame that the head lists, and of the frame before it.
    """

    current: str
    listed: tuple[tuple[str, str | None], ...] = ()

    @classmethod
    def of_head(cls, head_json: str | bytes | None) -> Self:
        """What a head's JSON says of agent frames, also where the runtime refuses the head.

        Parameters
        ----------
        head_json : str or bytes or None
            As stored; None or unreadable is a head that lists no frame. Where it names no current
            one, that is the initial one of its session (``root`` if it names none).

        Examples
        --------
        >>> AgentFrames.of_head('{"session_id": "s", "agent_frames": []}').current
        's:frame:initial'
        """
        head = jsontext.lenient(head_json)
        head = head if isinstance(head, dict) else {}
        current = head.get("current_agent_frame_id")
        frames = head.get("agent_frames")
        listed: dict[str, str | None] = {}
        for frame in frames if isinstance(frames, list) else []:
            if isinstance(frame, dict) and isinstance(frame.get("frame_id"), str):
                before = frame.get("previous_frame_id")
                listed.setdefault(frame["frame_id"], before if isinstance(before, str) else None)
        if not isinstance(current, str) or not current:
            session_id = head.get("session_id")
            named = session_id if isinstance(session_id, str) else "root"
            current = f"{named}:frame:initial"
        return cls(current, tuple(listed.items()))


def of_frame(nodes: Sequence[Node], frame_id: str, frames: AgentFrames | None) -> list[Node]:
    """The nodes of an agent frame.

    Nodes without a frame belong to one that follows no other, or that the head does not list.
    """
    takes_unframed = dict(frames.listed if frames else ()).get(frame_id) is None
    wanted = {frame_id, None} if takes_unframed else {frame_id}
    return [node for node in nodes if node.agent_frame_id in wanted]
