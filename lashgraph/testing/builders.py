"""Builders of session stores: realistic turns, made by the package's own commits.

The same seed makes the same session, table by table: ids, texts and times all come from it.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self

from lashgraph.errors import UnknownNodeError
from lashgraph.format.checkpoint import encode_execution_state
from lashgraph.store import CommitResult, Store, StoreOptions
from lashgraph.store import open as open_store

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_LIMITS = {"limits": {"context_window_tokens": 200_000}}
_PROTOCOL = "rlm_protocol"


class ToolCall(NamedTuple):
    """A tool call and what came back."""

    name: str
    args: dict[str, Any]
    result: str


class Step(NamedTuple):
    """One step of a code-executing turn."""

    code: str
    output: Sequence[str] = ()
    final_output: Any = None
    error: str | None = None


class SessionBuilder:
    """Build one session, turn by turn.

    Each turn is one commit: its nodes, a checkpoint with tools, plugins and perhaps an execution
    state, token usage, and the record of the turn. What a checkpoint no longer names is garbage.

    Parameters
    ----------
    path : path
        Where the store is made; it must not exist.
    session_id : str
        Id of the session.
    seed : int
        Another seed makes other ids and random bytes.
    model : str
        Name of the model.
    parent_session_id : str, optional
        Makes the session a child.

    Examples
    --------
    >>> import lashgraph as lg, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "one.db"
    >>> with SessionBuilder(path, "demo") as session:
    ...     _ = session.turn("What is a blob?", "Bytes under their own hash.")
    >>> with lg.open(path) as store:
    ...     store.nodes()["role"].tolist()
    ['User', 'Assistant']
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        session_id: str,
        *,
        seed: int = 0,
        model: str = "sample-model",
        parent_session_id: str | None = None,
    ) -> None:
        self.session_id = session_id
        self.model = model
        self.leaf: str | None = None
        self._random = random.Random(f"{seed}:{session_id}")
        self._now = START + timedelta(minutes=self._random.randrange(60 * 24 * 60))
        self._agent_frames = [self._agent_frame(f"{session_id}:frame:initial", None, "initial")]
        self._turns = 0
        self._tools: dict[str, str] = {}
        self._memory = b""
        self.store: Store = open_store(path, "create", StoreOptions(clock=self._clock))
        relation: dict[str, Any] = {"kind": "root"}
        if parent_session_id is not None:
            relation = {"kind": "child", "parent_session_id": parent_session_id}
        self.store.save_meta(
            {
                "session_id": session_id,
                "session_name": session_id.replace("-", " "),
                "created_at": f"unix:{int(self._now.timestamp())}",
                "model": model,
                "cwd": "/home/researcher/project",
                "relation": relation,
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store; its log is folded into the file."""
        self.store.close()

    # Turns

    def turn(
        self, question: str, answer: str, tools: Sequence[ToolCall] = (), *, reasoning: str = ""
    ) -> CommitResult:
        """A question, perhaps tool calls with their results, and the answer."""
        nodes = [self._message("User", [("Text", question, {})])]
        if tools:
            calls: list[tuple[str, str, dict[str, Any]]] = []
            if reasoning:
                calls.append(("Reasoning", reasoning, {}))
            results = []
            for tool in tools:
                named = {"tool_call_id": f"call_{self._hex(4)}", "tool_name": tool.name}
                self._tools.setdefault(tool.name, f"Runs {tool.name} for the agent.")
                calls.append(("ToolCall", json.dumps(tool.args, sort_keys=True), named))
                results.append(("ToolResult", tool.result, named))
            nodes.append(self._message("Assistant", calls))
            nodes.append(self._message("User", results))
        nodes.append(self._message("Assistant", [("Prose", answer, {})]))
        return self._commit(nodes)

    def code_turn(self, question: str, steps: Sequence[Step]) -> CommitResult:
        """A question that the session answers by running code; the state it leaves is kept."""
        nodes = [self._message("User", [("Text", question, {})])]
        for number, step in enumerate(steps):
            entry = {
                "id": f"rlm_step_{number}",
                "protocol_iteration": number,
                "code": step.code,
                "output": list(step.output),
                "reasoning": f"Step {number + 1}.\n\n```lashlang\n{step.code}\n```",
            }
            if step.error is not None:
                entry["error"] = step.error
            if step.final_output is not None:
                entry["final_output"] = step.final_output
            nodes.append(self._protocol({"RlmTrajectoryEntry": entry}))
        variables = {"step": self._turns, "notes": [step.code for step in steps]}
        state = {"engine": "lashlang", "files": {}, "vars": json.dumps(variables), "version": 1}
        self._memory = json.dumps(state, sort_keys=True).encode()
        return self._commit(nodes)

    def note(self, plugin_type: str, body: Any) -> CommitResult:
        """A node that a plugin leaves in the tree."""
        node = self._node(f"plugin:{self._hex(16)}")
        return self._commit([{**node, "kind": "plugin", "plugin_type": plugin_type, "body": body}])

    def archive(self, text: str, breadcrumb: str) -> CommitResult:
        """A message whose long content was pruned: the blob keeps it, the node names the blob."""
        key = self.store.put_artifact_blob(
            {"kind": "GenericBlob", "hints": ["Compressible"]}, text.encode()
        )
        pruned = {"Deleted": {"breadcrumb": breadcrumb, "archive_hash": key}}
        part = ("ToolResult", "", {"prune_state": pruned, "tool_call_id": f"call_{self._hex(4)}"})
        return self._commit([self._message("User", [part])])

    # The tree

    def branch_from(self, node_id: str | None) -> None:
        """Let the next turn follow another node; None starts a new root."""
        if node_id is not None and self.store.load_node(node_id) is None:
            raise UnknownNodeError(f"no node {node_id!r} to branch from", node_id=node_id)
        self.leaf = node_id

    def tombstone(self, node_ids: Sequence[str]) -> None:
        """Mark nodes dead."""
        self.store.tombstone_nodes(node_ids)

    def new_agent_frame(self, reason: str) -> None:
        """Supersede the current agent frame; it keeps the execution state it had."""
        last = self._agent_frames[-1]
        last["status"] = "superseded"
        if self._memory:
            last["execution_state_ref"] = self.store.put_artifact_blob(
                {"kind": "ExecutionStateSnapshot", "hints": ["Compressible", "LargePayload"]},
                encode_execution_state(self._memory),
            )
        frame_id = self._hex(16)
        self._agent_frames.append(self._agent_frame(frame_id, last["frame_id"], reason))
        self._memory = b""

    # Blobs

    def module(self, source: str) -> str:
        """A named module; returns its ref."""
        digest = hashlib.sha256(source.encode()).hexdigest()
        name = f"lashlang:v1:sha256:{digest}"
        content = json.dumps(
            {
                "module_ref": name,
                "required_surface_ref": self._hex(32),
                "required_surface": {},
                "exports": [],
                "canonical_ir": source,
            },
            separators=(",", ":"),
        )
        self.store.put_module_artifact(name, content.encode())
        return name

    def remember(self, size: int) -> None:
        """Let the execution state of the coming checkpoints hold so many random bytes."""
        self._memory = self._random.randbytes(size)

    def garbage(self, count: int, size: int) -> None:
        """Blobs that nothing names."""
        for _ in range(count):
            self.store.put_blob(self._random.randbytes(size))

    # Records

    def _commit(self, nodes: list[dict[str, Any]]) -> CommitResult:
        self._turns += 1
        self.leaf = nodes[-1]["node_id"]
        spent = {
            "input_tokens": 400 + 90 * self._turns + self._random.randrange(200),
            "output_tokens": 40 + self._random.randrange(200),
            "cached_input_tokens": 80 * self._turns,
            "reasoning_tokens": self._random.randrange(60),
        }
        turn_id = f"{self.session_id}:turn-{self._turns:03d}"
        return self.store.commit_runtime_state(
            {
                "session_id": self.session_id,
                "config": self._config(),
                "agent_frames": self._agent_frames,
                "current_agent_frame_id": self._agent_frames[-1]["frame_id"],
                "graph": {"Append": {"nodes": nodes, "leaf_node_id": self.leaf}},
                "checkpoint": self._checkpoint(spent),
                "usage_deltas": [{"source": "turn", "model": self.model, "usage": spent}],
                "turn_commit": {
                    "session_id": self.session_id,
                    "turn_id": turn_id,
                    "turn_commit_hash": hashlib.sha256(turn_id.encode()).hexdigest(),
                },
            }
        )

    def _checkpoint(self, spent: dict[str, int]) -> dict[str, Any]:
        tools = {
            name: {"manifest": {"id": name, "name": name, "description": about}}
            for name, about in self._tools.items()
        }
        plugin = {
            "plugin_id": "notes",
            "plugin_version": "1",
            "revision": self._turns,
            "state": {"turns": self._turns},
        }
        checkpoint: dict[str, Any] = {
            "turn_state": {"turn_index": self._turns, "token_usage": spent},
            "tool_state": {"generation": len(tools), "tools": tools},
            "plugin_snapshot": {"plugins": {"notes": {"meta": plugin, "artifacts": []}}},
        }
        if self._memory:
            checkpoint["execution_state"] = list(self._memory)
        return checkpoint

    def _config(self) -> dict[str, Any]:
        return {"provider_id": "sample", "model": {"id": self.model, **_LIMITS}}

    def _agent_frame(self, frame_id: str, previous: str | None, reason: str) -> dict[str, Any]:
        frame = {
            "frame_id": frame_id,
            "session_id": self.session_id,
            "status": "active",
            "reason": reason,
            "created_at": self._time(),
            "assignment": {"policy": {**self._config(), "session_id": self.session_id}},
        }
        return frame if previous is None else {**frame, "previous_frame_id": previous}

    def _message(
        self, role: str, parts: Sequence[tuple[str, str, dict[str, Any]]]
    ) -> dict[str, Any]:
        node = self._node(f"m{self._hex(16)}")
        made = [
            {
                "id": f"{node['node_id']}.p{index}",
                "kind": kind,
                "content": content,
                "prune_state": "Intact",
                **more,
            }
            for index, (kind, content, more) in enumerate(parts)
        ]
        message = {"id": node["node_id"], "role": role, "parts": made}
        return {**node, "kind": "event", "event": {"Conversation": message}}

    def _protocol(self, payload: dict[str, Any]) -> dict[str, Any]:
        event = {"Protocol": {"plugin_id": _PROTOCOL, "payload": payload}}
        return {**self._node(f"protocol:{self._hex(16)}"), "kind": "event", "event": event}

    def _node(self, node_id: str) -> dict[str, Any]:
        node = {
            "node_id": node_id,
            "agent_frame_id": self._agent_frames[-1]["frame_id"],
            "timestamp": self._time(),
        }
        if self.leaf is not None:
            node["parent_node_id"] = self.leaf
        self.leaf = node_id
        return node

    def _clock(self) -> float:
        return self._now.timestamp()

    def _time(self) -> str:
        self._now += timedelta(seconds=self._random.randrange(2, 40), microseconds=123_456)
        return self._now.strftime("%Y-%m-%dT%H:%M:%S.%f789+00:00")

    def _hex(self, size: int) -> str:
        return self._random.randbytes(size).hex()
