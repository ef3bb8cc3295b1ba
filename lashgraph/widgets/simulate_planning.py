"""From controls to a plan: asked for at once, computed on a thread, the newest first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import traitlets

from lashgraph.errors import InvalidRecordError, LashgraphError
from lashgraph.format.arguments import as_count, shown
from lashgraph.format.html import visible
from lashgraph.widgets.base import View, answer, checked, error_text, told
from lashgraph.widgets.simulate_asked import Asked, Plan, Side
from lashgraph.widgets.simulate_worker import Newest
from lashgraph.widgets.watching import Watch

_CONTROLS = ("policy", "keep_turns", "free_bytes", "max_file_bytes", "keep", "drop")
_TITLES = {
    "DamagedStoreError": "A collection is refused",
    "BudgetError": "No choice meets the budget",
    "UnknownRefError": "There is no such ref",
}


class PlanningView(View):
    """Controls, and the plan for what they say.

    Attributes
    ----------
    first_seconds : float
        How long a new simulation, and one that is shown, waits for a plan.
    """

    first_seconds = 5.0

    policy = traitlets.Enum(("safe", "runtime"), "safe").tag(sync=True)
    keep_turns = traitlets.Int(0).tag(sync=True)
    free_bytes = traitlets.Int(None, allow_none=True).tag(sync=True)
    max_file_bytes = traitlets.Int(None, allow_none=True).tag(sync=True)
    keep = traitlets.List(traitlets.Unicode()).tag(sync=True)
    drop = traitlets.List(traitlets.Unicode()).tag(sync=True)
    plan = traitlets.Any(None)
    _offered = traitlets.Dict().tag(sync=True)
    _shown = traitlets.Dict().tag(sync=True)
    _later = traitlets.Dict().tag(sync=True)

    def __init__(self, side: Side, watch: Watch | None) -> None:
        self._side = side
        self._watch = watch
        self._base = side.policy
        self._work = Newest()
        self._asked = self._answered = 0
        self._made: Plan | None = None
        self._refusal: Exception | None = None
        self._thread = threading.local()
        offered: dict[str, Any] = {"title": visible(side.title), "columns": list(side.columns)}
        with self._adopting():
            super().__init__(
                policy=self._base.name,
                keep_turns=self._base.keep_turns,
                keep=list(self._base.keep),
                drop=list(self._base.drop),
                _offered=offered,
            )
        try:
            self._offered = {**offered, **side.choices()}
        except LashgraphError as error:
            self.tell(error)
        self._plan_anew()
        self._work.wait(self.first_seconds)

    # What is asked

    @property
    def is_planning(self) -> bool:
        """Whether the plan for what the controls say is still being computed."""
        return self._answered != self._asked

    def wait(self, timeout: float | None = None) -> Plan:
        """Wait until the plan for what the controls say is there, and a sweep has ended.

        Parameters
        ----------
        timeout : float, optional
            Seconds; as long as it takes if not given.

        Returns
        -------
        GcPlan or CorpusGcPlan

        Raises
        ------
        TimeoutError
            It takes longer.
        LashgraphError
            There is no plan, for whatever reason ``plan_gc`` gives.
        """
        if not self._work.wait(timeout):
            raise TimeoutError(f"no plan within {timeout} s; it is still being computed")
        if self._refusal is not None:
            raise self._refusal
        assert self._made is not None, "neither a plan nor a refusal"
        return self._made

    def reload(self) -> None:
        """Read the files again and plan anew."""
        self._side.forget()
        if self._watch is not None:
            self._watch.mark()
        self._plan_anew()

    @traitlets.observe(*_CONTROLS)
    @told
    def _turned(self, _change: Any) -> None:
        if not self._is_adopting:
            self._plan_anew()

    @answer("again")
    def _again(self, _asked: Any) -> None:
        self.reload()

    def _plan_anew(self) -> None:
        """Ask for the plan of what the controls say now."""
        number = self._begin()
        self._made = self.plan = None
        asked = Asked(
            self.policy,
            self.keep_turns,
            self.free_bytes,
            self.max_file_bytes,
            tuple(self.keep),
            tuple(self.drop),
        )
        self._work.ask(partial(self._compute, number, asked))

    @traitlets.observe("plan")
    @told
    def _given(self, change: Any) -> None:
        """Show a plan that was made elsewhere, and let the controls follow it."""
        plan = change["new"]
        if plan is self._made:
            return
        if plan is None:
            self._plan_anew()
            return
        number = self._begin()
        self._made, self._base = plan, plan.policy
        with self._adopting():
            self.policy, self.keep_turns = plan.policy.name, plan.policy.keep_turns
            self.keep, self.drop = list(plan.policy.keep), list(plan.policy.drop)
            self.free_bytes, self.max_file_bytes = getattr(plan, "free_bytes", None), None
        self._work.ask(partial(self._publish, number, plan))

    def _begin(self) -> int:
        """Something else is to be shown from now on; the number of the request."""
        self._asked += 1
        self._refusal = None
        self._shown = {"state": "planning"}
        return self._asked

    @contextmanager
    def _adopting(self) -> Iterator[None]:
        """Set controls in this thread without asking for a plan."""
        self._thread.adopts = True
        try:
            yield
        finally:
            self._thread.adopts = False

    @property
    def _is_adopting(self) -> bool:
        return getattr(self._thread, "adopts", False)

    # What is computed, on the thread of `_work`

    def _compute(self, number: int, asked: Asked) -> None:
        try:
            plan = self._side.plan(asked, asked.changed(self._base))
        except Exception as error:
            self._refuse(number, error)
        else:
            self._publish(number, plan)

    def _publish(self, number: int, plan: Plan) -> None:
        try:
            figures = self._side.figures(plan)
        except Exception as error:
            self._refuse(number, error)
            return
        with self.messages:
            if number != self._asked:
                return
            self._made = self.plan = plan
            self._answered = number
            self._later = {}
            self._shown = {"state": "ready", **figures}
            self._planned()
        try:
            for piece in self._side.later(plan):
                if number != self._asked:
                    return
                self._later = {**self._later, **piece}
        except Exception as error:
            if number == self._asked:
                self._later = {**self._later, "problem": error_text(error)}

    def _refuse(self, number: int, error: Exception) -> None:
        with self.messages:
            if number != self._asked:
                return
            self._refusal, self._answered = error, number
            self._later = {}
            self._shown = {
                "state": "refused",
                "title": _TITLES.get(type(error).__name__, "There is no plan"),
                "message": error_text(error),
                "findings": [visible(one) for one in getattr(error, "findings", ())],
            }
            self._planned()

    def _planned(self) -> None:
        """A plan is there, or the reason why there is none."""
        raise NotImplementedError

    # What may be set

    @traitlets.validate("keep_turns", "free_bytes", "max_file_bytes")
    @checked
    def _some(self, proposal: Any) -> int | None:
        name, value = proposal["trait"].name, proposal["value"]
        if value is None:
            return None
        if name == "max_file_bytes" and not self._side.has_file_budget:
            raise InvalidRecordError(
                "max_file_bytes is a budget of one store; a corpus has free_bytes"
            )
        return as_count(value, name)

    @traitlets.validate("plan")
    @checked
    def _a_plan(self, proposal: Any) -> Plan | None:
        plan, kind = proposal["value"], self._side.plan_type
        if plan is None or isinstance(plan, kind):
            return plan
        raise InvalidRecordError(
            f"plan is a {kind.__name__} as plan_gc() makes it, not {shown(plan)}"
        )

    def _why_stale(self) -> str:
        return self._watch.why_stale() if self._watch is not None else ""
