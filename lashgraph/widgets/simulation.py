"""The simulation of a collection: turn what is kept, see what is freed, and then sweep it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from matplotlib.axes import Axes

from lashgraph.corpus import Corpus
from lashgraph.format.arguments import shown
from lashgraph.format.html import Markup, element
from lashgraph.store import Store
from lashgraph.widgets.simulate_corpus import CorpusSide
from lashgraph.widgets.simulate_store import StoreSide
from lashgraph.widgets.simulate_sweep import SweepingView
from lashgraph.widgets.watching import Watch

_ROWS = 20


class Simulation(SweepingView):
    """What a garbage collection would do, and its sweep; made by `simulate`.

    Plans are computed on a thread of their own, the newest request first, so that neither a cell
    nor a control waits for them; `wait` does.

    Attributes
    ----------
    policy : {"safe", "runtime"}
        Name of the policy.
    keep_turns : int
        How many of the latest turns keep their checkpoints; with a budget the least.
    free_bytes : int or None
        A budget: stored bytes of blobs to free.
    max_file_bytes : int or None
        A budget: bytes of the file after the sweep and ``compact()``; of a store only.
    keep, drop : list of str
        Keys of refs to keep beside the roots, and of roots to drop.
    plan : GcPlan, CorpusGcPlan or None
        The plan for what the controls say; None while it is computed, and where it is refused. A
        plan that is set is shown and swept as it is, and the controls follow it.
    accept_unusual : bool
        Whether a plan with alarms may be swept; no other plan inherits it.
    backup : str
        A folder for the backup of a sweep.
    no_backup : bool
        Whether a sweep without a backup is wanted.
    compact : bool
        Whether files are written anew after a sweep.
    report : GcReport, CorpusGcReport or None
        What the last sweep did.
    """

    scripts: ClassVar[tuple[str, ...]] = (
        "units.js",
        "simulate_parts.js",
        "simulate_sweep.js",
        "simulate.js",
    )
    styles: ClassVar[tuple[str, ...]] = ("simulate.css",)

    def _summary(self) -> str:
        what = f"simulation of a collection of {self._side.title}"
        shown = self._shown
        if shown.get("state") == "refused":
            return f"{what}: {shown['message']}"
        return f"{what}: {shown.get('sentence', 'the plan is being computed')}"

    def _drawn(self) -> Axes | None:
        """The plan, once it is there."""
        self._work.wait(self.first_seconds)
        plan = self._made
        return None if plan is None else self._side.draw(plan)

    def _listed(self) -> list[Markup]:
        """What the plan comes to and what it would delete, below what the last sweep did."""
        shown = self._shown
        parts = self._swept()
        parts += [element("p", text) for text in shown.get("alarms", shown.get("findings", ()))]
        figures = [(one["name"], one["text"]) for one in shown.get("figures", ())]
        parts += [_table([], figures)] if figures else []
        rows = shown.get("rows", [])
        if rows:
            left = len(rows) - _ROWS
            more = f"and {left:,} more" if left > 0 else shown.get("left_out", "")
            parts += [_table(list(self._side.columns), rows[:_ROWS]), element("div", more)]
        return parts

    def _swept(self) -> list[Markup]:
        """What became of the last sweep, as long as the widget shows it."""
        sweep: dict[str, Any] = self._sweep
        said = {"sweeping": "sweeping", "done": "swept"}.get(sweep["step"], sweep.get("message"))
        parts = [element("p", element("b", said))] if said else []
        facts = sweep.get("facts")
        return [*parts, _table([], facts)] if facts else parts


def _table(head: list[str], rows: Sequence[Sequence[str]]) -> Markup:
    made = [element("tr", *(element("td", element("bdi", cell)) for cell in row)) for row in rows]
    if head:
        made.insert(0, element("tr", *(element("th", name) for name in head)))
    return element("table", *made)


def simulate(store: Store | Corpus) -> Simulation:
    """Show what a collection would free, and run it: turn a control, and all figures follow.

    A sweep is asked for in steps: the plan is shown, what it says must be typed, a folder for the
    backup must be named or declined; then exactly this plan is swept, verified and reported.
    Nothing can be swept in a store or corpus that was opened for reading.

    Parameters
    ----------
    store : Store or Corpus
        From `lashgraph.open` or `lashgraph.open_corpus`.

    Returns
    -------
    Simulation
        A widget. Its controls, ``plan`` and ``report`` are traits: they can be read, set and
        observed.

    Raises
    ------
    TypeError
        This is neither.

    Examples
    --------
    >>> import lashgraph as lg
    >>> with lg.open(":memory:") as store:
    ...     _ = store.put_blob(b"nobody names this")
    ...     view = lg.widgets.simulate(store)
    ...     view.policy = "runtime"
    ...     plan = view.wait()
    >>> plan.policy.name, plan.deleted_bytes
    ('runtime', 17)
    """
    if isinstance(store, Store):
        return Simulation(StoreSide(store), Watch(store))
    if isinstance(store, Corpus):
        return Simulation(CorpusSide(store), None)
    raise TypeError(
        "simulate takes a Store as lashgraph.open gives it, or a Corpus as lashgraph.open_corpus "
        f"gives it, not {shown(store)}"
    )
