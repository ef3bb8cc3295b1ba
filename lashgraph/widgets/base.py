"""What all widgets share: assets, questions from the browser, errors that are told, a static form.

A widget keeps what it read in memory. The browser holds only what it shows and asks for the rest
by messages ``{"ask": name, "id": …, …}``; a method marked with `answer` gives the reply. Callbacks
may come on any thread. `messages` makes them wait for each other; a lock of a widget's own is never
held while a store is asked, since the code of a running cell may hold the store.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, ClassVar, TypeVar, cast

import anywidget
import traitlets
from matplotlib.axes import Axes

from lashgraph.errors import LashgraphError
from lashgraph.format.arguments import shown
from lashgraph.format.html import Markup, element, visible
from lashgraph.widgets.still import Still, no_still, still

Answer = Callable[[Any, Mapping[str, Any]], Mapping[str, Any] | None]
Method = TypeVar("Method", bound=Callable[..., Any])

_ASSETS = "lashgraph.widgets.assets"


def answer(name: str) -> Callable[[Method], Method]:
    """Mark a method as the answer to a question of the browser.

    It takes the message and returns the reply, a dict of JSON values, or None for an empty one.
    """

    def mark(method: Method) -> Method:
        cast("Any", method).answers = name
        return method

    return mark


def told(method: Callable[..., None]) -> Callable[..., None]:
    """Let a widget show the errors of one of its methods, such as an observer."""

    @functools.wraps(method)
    def telling(self: View, *arguments: Any) -> None:
        try:
            method(self, *arguments)
        except Exception as error:
            self.tell(error)

    return telling


def checked(method: Callable[[Any, dict[str, Any]], Any]) -> Callable[[Any, dict[str, Any]], Any]:
    """Let a validator refuse a value by our errors: only a TraitError takes the value back."""

    @functools.wraps(method)
    def checking(self: View, proposal: dict[str, Any]) -> Any:
        try:
            return method(self, proposal)
        except LashgraphError as error:
            raise traitlets.TraitError(str(error)) from error

    return checking


def error_text(error: BaseException) -> str:
    """An error as one text: ours say themselves what to do, others also need their type."""
    text = str(error)
    if not isinstance(error, (LashgraphError, traitlets.TraitError)):
        text = f"{type(error).__name__}: {text}"
    return visible(text)


def _answers_of(kind: type) -> dict[str, Answer]:
    """The methods of a class that are marked with `answer`, by what they answer."""
    methods = [method for one in reversed(kind.__mro__) for method in vars(one).values()]
    return {method.answers: method for method in methods if hasattr(method, "answers")}


@functools.cache
def asset(name: str) -> str:
    """The text of a file that belongs to the widgets."""
    return files(_ASSETS).joinpath(name).read_text(encoding="utf-8")


class View(anywidget.AnyWidget):
    """Base of all widgets.

    A subclass names its files in `scripts` and `styles` (they follow the common ones), describes
    itself in `_summary`, `_drawn` and `_listed`, marks methods with `answer`, and says in
    `_why_stale` whether what it shows is still what the files hold.

    Attributes
    ----------
    error : str
        The last error of a callback, as it is shown; empty if there is none.
    notice : str
        What the widget has to say otherwise.
    stale : str
        Why what is shown may not be what the files hold now; empty if nothing is known to differ.
    failure : Exception or None
        The last error itself, with its traceback.
    """

    scripts: ClassVar[tuple[str, ...]] = ()
    styles: ClassVar[tuple[str, ...]] = ()

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)
    error = traitlets.Unicode("").tag(sync=True)
    notice = traitlets.Unicode("").tag(sync=True)
    stale = traitlets.Unicode("").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        self.messages = threading.RLock()
        self.failure: Exception | None = None
        self._answers = _answers_of(type(self))
        super().__init__(**traits)

    @traitlets.default("_esm")
    def _script(self) -> str:
        return "\n".join(map(asset, ("base.js", *self.scripts)))

    @traitlets.default("_css")
    def _style(self) -> str:
        return "\n".join(map(asset, ("base.css", *self.styles)))

    # What the browser sends

    def open(self) -> None:
        """Open the channel to the browser, such that it is heard while a cell runs."""
        super().open()
        # ipykernel 7.4 hands what the browser says to the thread that last spoke for the widget,
        # which may be the one that runs the cell, instead of the one that the browser names.
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = None

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take values that were set in the browser; what is wrong with them is told there."""
        with self.messages:
            if "error" not in sync_data:
                self.error = ""
            try:
                super().set_state(sync_data)
            except Exception as error:
                self.tell(error)
                self.send_state([name for name in sync_data if name in self.keys])
            self.look()

    def _handle_custom_msg(self, content: Any, buffers: Any) -> None:
        if not isinstance(content, dict) or "ask" not in content:
            super()._handle_custom_msg(content, buffers)
            return
        with self.messages:
            self.send({"answer": content.get("id"), **self._reply(content)})
            self.look()

    def _reply(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            method = self._answers.get(asked["ask"])
            if method is None:
                raise TypeError(f"no answer to {shown(asked['ask'])}")
            return method(self, asked) or {}
        except Exception as error:
            self.tell(error)
            return {"error": self.error}

    @answer("look")
    def _looked(self, _asked: Mapping[str, Any]) -> None:
        """Answer by what follows every message: `look`."""

    @answer("reload")
    def _reloaded(self, _asked: Mapping[str, Any]) -> None:
        self.reload()

    # What is told

    def tell(self, error: Exception) -> None:
        """Show an error in the widget and keep it."""
        self.failure = error
        self.error = error_text(error)

    def look(self) -> None:
        """Find out whether what is shown is still what the files hold."""
        try:
            self.stale = self._why_stale()
        except Exception as error:
            self.stale = error_text(error)

    def reload(self) -> None:
        """Read the files again."""
        raise NotImplementedError

    def _why_stale(self) -> str:
        return ""

    # Without a browser

    def _summary(self) -> str:
        """What is shown, in one line."""
        raise NotImplementedError

    def _drawn(self) -> Axes | None:
        """What is shown, as a picture; None where there is nothing to draw. It is asked first."""
        raise NotImplementedError

    def _listed(self) -> list[Markup]:
        """What is shown, as texts and tables below the picture."""
        raise NotImplementedError

    def _still(self) -> Still:
        """The picture; where it cannot be drawn, why."""
        try:
            axes = self._drawn()
            return no_still() if axes is None else still(axes, self._summary())
        except Exception as error:
            return no_still(error_text(error))

    def _page(self, picture: Still) -> Markup:
        summary = self._summary()
        more = [text for text in (self.error, self.notice) if text and text not in summary]
        said = [element("p", text) for text in (summary, *more)]
        return element("div", *said, picture.markup, *self._listed())

    def _static(self) -> Markup:
        """What is shown, as HTML that runs nothing."""
        return self._page(self._still())

    def __repr__(self) -> str:
        return f"<{visible(self._summary())}>"

    def _repr_mimebundle_(self, **_options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live widget, and what stands for it where no kernel runs: a text and a picture."""
        live = super()._repr_mimebundle_()
        assert live is not None, "a widget without a view"
        data, metadata = live
        picture = self._still()
        page = self._page(picture)
        return {
            **data,
            **picture.data,
            "text/plain": repr(self),
            "text/html": str(page),
        }, {**metadata, **picture.metadata}
