"""Drives a widget as a browser does, without one: the other end of its comm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import count
from typing import Any

import comm
import ipywidgets
import pytest
from comm.base_comm import BaseComm

HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script> javascript:alert(3) $x^2$ \u202e'
"""A text that would run, were it taken for anything but a text."""


def tags_of(html: str) -> set[str]:
    """The elements of a page; none but a picture that the page holds may have an attribute."""
    found: set[str] = set()

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.add(tag)
            if tag == "img":
                source = dict(attrs)["src"] or ""
                assert source.startswith("data:image/png;base64,")
                assert {name for name, _ in attrs} == {"src", "alt", "width"}
            else:
                assert not attrs

    Tags().feed(html)
    return found


class Wire(BaseComm):
    """A comm that keeps what Python sends over it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.sent: list[dict[str, Any]] = []
        super().__init__(*arguments, **options)

    def publish_msg(self, msg_type: str, data: Any = None, *_: Any, **more: Any) -> None:
        text = json.dumps(data, allow_nan=False)  # as it crosses the wire
        text.encode()
        buffers = more.get("buffers") or ()
        size = len(text.encode()) + sum(memoryview(one).nbytes for one in buffers)
        self.sent.append({"type": msg_type, "data": json.loads(text), "bytes": size})


class Page:
    """What a browser knows of one widget, and what its user can do.

    ``page.state`` is the model as the browser has it; ``page.set(...)`` sets values there;
    ``page.ask(...)`` asks as the script of the widget does, and gives the reply; ``page.events``
    are messages that Python sent by itself; ``page.bytes`` is the size of all that was sent.
    """

    def __init__(self, widget: Any) -> None:
        self.widget = widget
        self._wire = widget.comm
        assert isinstance(self._wire, Wire), "make the widget after asking for the fixture `wired`"
        self._ids = count(1)

    @property
    def sent(self) -> list[dict[str, Any]]:
        """Every message, in order."""
        return self._wire.sent

    @property
    def bytes(self) -> int:
        """Bytes of all messages so far, as JSON."""
        return sum(one["bytes"] for one in self.sent)

    @property
    def state(self) -> dict[str, Any]:
        """The model as the browser has it now."""
        state = dict(self.sent[0]["data"]["state"])
        for one in self.sent[1:]:
            if one["data"].get("method") in ("update", "echo_update"):
                state |= one["data"]["state"]
        return state

    @property
    def events(self) -> list[dict[str, Any]]:
        """Messages that answer nothing."""
        return [one for one in self._custom() if "answer" not in one]

    def _custom(self) -> list[dict[str, Any]]:
        return [
            one["data"]["content"] for one in self.sent if one["data"].get("method") == "custom"
        ]

    def set(self, **values: Any) -> None:
        """Set values in the browser."""
        self._receive({"method": "update", "state": values, "buffer_paths": []})

    def ask(self, name: Any, **facts: Any) -> dict[str, Any]:
        """Ask, and take the one reply."""
        number = f"test:{next(self._ids)}"
        content = {**facts, "ask": name, "id": number}
        self._receive({"method": "custom", "content": content})
        (reply,) = [one for one in self._custom() if one.get("answer") == number]
        return reply

    def _receive(self, data: dict[str, Any]) -> None:
        data = json.loads(json.dumps(data))
        self._wire.handle_msg({"content": {"data": data}, "buffers": []})


@pytest.fixture
def wired(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Page]]:
    """`Page`, with a wire under every widget that the test makes; they are closed after it."""
    before = set(ipywidgets.widgets.widget._instances)
    monkeypatch.setattr(comm, "create_comm", Wire)
    yield Page
    for key in set(ipywidgets.widgets.widget._instances) - before:
        ipywidgets.widgets.widget._instances[key].close()
