"""The view of reachability: what keeps what alive, to look at and to ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pandas as pd
import traitlets
from matplotlib.axes import Axes

from lashgraph.errors import InvalidRecordError, LashgraphError, UnknownRefError
from lashgraph.format.arguments import shown
from lashgraph.format.html import Markup, element, visible
from lashgraph.format.sizes import bytes_text, counted
from lashgraph.plot import reachability as draw
from lashgraph.reach import GcPolicy, Reachability
from lashgraph.store import Store
from lashgraph.widgets.base import View, answer, checked
from lashgraph.widgets.reachability_data import NOTHING, STATES, Answers
from lashgraph.widgets.watching import Watch

_FINDINGS = 3
_LIVES = ("hash", "first_turn_id", "last_turn_id", "garbage_turn_id")


class ReachabilityView(View):
    """What keeps what alive in a store, made by `reachability`.

    It reads the store once, and once more by `reload`; it outlives the store.

    Attributes
    ----------
    selection : str
        Hash of the chosen blob, or key of the chosen root; empty if none is. The beginning of a
        hash may be set if no other begins so; what is neither is refused with a TraitError.
    kinds : list of str
        Kinds of blobs that are shown, as in ``store.blobs()``; all if it is empty.
    min_bytes, max_bytes : int or None
        Bounds of the stored bytes of blobs that are shown.
    state : {"", "live", "dangling", "dead", "gone"}
        The state of blobs that are shown, as in ``reach.blobs()``; all if it is empty.
    reach : Reachability
        What is shown.
    """

    scripts: ClassVar[tuple[str, ...]] = (
        "rows.js",
        "units.js",
        "reach_layout.js",
        "reach_canvas.js",
        "reachability.js",
    )
    styles: ClassVar[tuple[str, ...]] = ("rows.css", "reachability.css")

    selection = traitlets.Unicode("").tag(sync=True)
    kinds = traitlets.List(traitlets.Unicode()).tag(sync=True)
    min_bytes = traitlets.Int(None, allow_none=True).tag(sync=True)
    max_bytes = traitlets.Int(None, allow_none=True).tag(sync=True)
    state = traitlets.Enum(("", *STATES), "").tag(sync=True)
    _picture = traitlets.Dict(NOTHING).tag(sync=True)

    def __init__(self, store: Store, policy: GcPolicy | None, changes: Mapping[str, Any]) -> None:
        self._store = store
        self._policy = policy
        self._changes = dict(changes)
        self._watch = Watch(store)
        self._read_last: Answers | None = None
        super().__init__()
        try:
            self.reload()
        except (InvalidRecordError, UnknownRefError):
            raise
        except LashgraphError as error:
            self.tell(error)

    @property
    def _known(self) -> Answers:
        """What was read.

        Raises
        ------
        LashgraphError
            Nothing could be.
        """
        if self._read_last is None:
            raise self.failure or InvalidRecordError("nothing was read")
        return self._read_last

    @property
    def reach(self) -> Reachability:
        """What is shown."""
        return self._known.reach

    def matching(self) -> pd.DataFrame:
        """The blobs that pass the filter, as rows of ``reach.blobs()``.

        Returns
        -------
        DataFrame
            ``lashgraph.schema("reached")`` tells the columns.
        """
        return self._known.matching(self.kinds, self.min_bytes, self.max_bytes, self.state)

    def reload(self) -> None:
        """Read the store again.

        Raises
        ------
        StoreClosedError
            The store was closed.
        """
        self._watch.mark()
        with self._store.snapshot():
            reach = self._store.reachability(self._policy, **self._changes)
            read = Answers(reach, self._store.blobs(columns=_LIVES))
        self._read_last = read
        self.kinds = [kind for kind in self.kinds if kind in read.kinds]
        if not read.knows(self.selection):
            self.selection = ""
        self.notice = _refusal(reach)
        self._picture = read.picture()

    @answer("why")
    def _told_why(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return self._known.told(str(asked.get("key")))

    @traitlets.validate("selection")
    @checked
    def _known_one(self, proposal: Any) -> str:
        return self._known.resolve(proposal["value"]) if proposal["value"] else ""

    @traitlets.validate("kinds")
    @checked
    def _kinds_there(self, proposal: Any) -> list[str]:
        there = self._known.kinds
        for kind in proposal["value"]:
            if kind not in there:
                raise InvalidRecordError(
                    f"no blob is of the kind {shown(kind)}; there are: {', '.join(there) or 'none'}"
                )
        return list(proposal["value"])

    @traitlets.validate("min_bytes", "max_bytes")
    @checked
    def _some_bytes(self, proposal: Any) -> int | None:
        value: int | None = proposal["value"]
        if value is not None and value < 0:
            name = proposal["trait"].name
            raise InvalidRecordError(f"{name} is a number of bytes, not {value}")
        return value

    def _why_stale(self) -> str:
        return self._watch.why_stale()

    def _summary(self) -> str:
        if self._read_last is None:
            return f"reachability of {self._store.path}: {self.error}"
        live, dead = len(self.reach.live), len(self.reach.dead)
        chosen = f"; chosen: {self.selection}" if self.selection else ""
        return (
            f"reachability of {self.reach.path} ({self.reach.policy.name} policy): "
            f"{counted(live, 'blob')} alive, {bytes_text(self.reach.live_bytes)}; {dead:,} dead, "
            f"{bytes_text(self.reach.dead_bytes)}{chosen}"
        )

    def _drawn(self) -> Axes | None:
        return None if self._read_last is None else draw(self.reach)

    def _listed(self) -> list[Markup]:
        """What is told of the chosen one."""
        if not self.selection:
            return []
        told = self._known.told(self.selection)
        facts = [
            *told["facts"],
            *([f"way {n}", line] for n, line in enumerate(told["lines"], 1)),
        ]
        rows = (element("tr", element("th", name), element("td", one)) for name, one in facts)
        title = element("b", f"{told['title']} {told['key']}"), f": {told['verdict']}"
        return [element("div", *title), element("table", *rows)]


def _refusal(reach: Reachability) -> str:
    """Why a collection would be refused, in a sentence."""
    found = reach.findings
    more = f"; and {len(found) - _FINDINGS:,} more" if len(found) > _FINDINGS else ""
    told = visible("; ".join(found[:_FINDINGS]))
    return f"A collection would be refused: {told}{more}" if found else ""


def reachability(store: Store, policy: GcPolicy | None = None, **changes: Any) -> ReachabilityView:
    """Show what keeps what alive: the roots, what they name, and what nothing keeps.

    A blob that is chosen, by click, by keyboard or from Python, tells why it is alive or dead,
    what it retains, and which turns named it first and last.

    Parameters
    ----------
    store : Store
        From `lashgraph.open`.
    policy : GcPolicy, optional
        The options' policy if not given.
    **changes
        Fields of the policy to change, such as ``keep_turns=3``.

    Returns
    -------
    ReachabilityView
        A widget. Its traits ``selection``, ``kinds``, ``min_bytes``, ``max_bytes`` and ``state``
        can be read, set and observed.

    Raises
    ------
    TypeError
        This is no store.
    StoreClosedError
        The store was closed.

    Examples
    --------
    >>> import lashgraph as lg
    >>> with lg.open(":memory:") as store:
    ...     key = store.put_blob(b"nobody names this")
    ...     view = lg.widgets.reachability(store)
    >>> view.selection = key[:4]
    >>> view.selection == key, view.matching()["state"].tolist()
    (True, ['dead'])
    """
    if not isinstance(store, Store):
        raise TypeError(
            f"reachability takes a Store as lashgraph.open gives it, not {shown(store)}"
        )
    return ReachabilityView(store, policy, changes)
