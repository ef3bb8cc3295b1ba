"""From a plan to its sweep: looked at, confirmed by typing, backed up, run, reported."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Any

import traitlets

from lashgraph.errors import StalePlanError
from lashgraph.widgets.base import answer, error_text, told
from lashgraph.widgets.simulate_asked import Plan, SweepOptions
from lashgraph.widgets.simulate_planning import PlanningView

_UNDONE = ("checking", "review", "stale")
"""Steps that end when another plan is asked for."""
_NOTHING = "Nothing was deleted"


class SweepingView(PlanningView):
    """A plan, and its sweep in steps.

    The steps are ``idle``, ``checking`` (is the plan stale?), ``review`` (the word that confirms is
    asked for), ``sweeping``, and then ``done``, ``failed`` or ``stale``.
    """

    accept_unusual = traitlets.Bool(False).tag(sync=True)
    backup = traitlets.Unicode("").tag(sync=True)
    no_backup = traitlets.Bool(False).tag(sync=True)
    compact = traitlets.Bool(False).tag(sync=True)
    report = traitlets.Any(None)
    _sweep = traitlets.Dict({"step": "idle", "why_not": ""}).tag(sync=True)

    def _begin(self) -> int:
        number = super()._begin()
        if self._sweep["step"] in _UNDONE:
            self._step("idle")
        return number

    def _planned(self) -> None:
        self.accept_unusual = False  # no plan inherits it
        self._follow()

    @traitlets.observe("accept_unusual")
    @told
    def _accepted(self, _change: Any) -> None:
        self._follow()

    def _follow(self) -> None:
        """Say anew whether there can be a sweep; one that was being looked at ends."""
        if self._sweep["step"] in _UNDONE:
            self._step("idle")
        else:
            self._sweep = {**self._sweep, "why_not": self._why_not()}

    def _step(self, step: str, **facts: Any) -> None:
        self._sweep = {"step": step, "why_not": self._why_not(), **facts}

    def _why_not(self) -> str:
        """Why there can be no sweep now; empty if there can."""
        if self.is_planning:
            return "the plan is being computed"
        if self._made is None:
            return "there is no plan"
        return self._side.read_only() or self._side.can_run(
            self._made, accept_unusual=self.accept_unusual
        )

    # Look at the plan

    @answer("review")
    def _review(self, _asked: Mapping[str, Any]) -> dict[str, Any]:
        why_not, plan = self._why_not(), self._made
        if why_not or plan is None:
            return {"refused": f"{_NOTHING}: {why_not}"}
        self._step("checking")
        self._work.ask(partial(self._check, self._asked, plan))
        return {}

    def _check(self, number: int, plan: Plan) -> None:
        try:
            stale, problem = self._side.is_stale(plan), None
        except Exception as error:
            stale, problem = "", error
        with self.messages:
            if number != self._asked:
                return
            if problem is not None:
                self._step("failed", message=f"{_NOTHING}: {error_text(problem)}")
            elif stale:
                self._step("stale", message=f"The plan is stale: {stale}. {_NOTHING}.")
            else:
                word = self._side.word(plan, accept_unusual=self.accept_unusual)
                self._step("review", word=word, sentence=self._shown.get("sentence", ""))

    @answer("close")
    def _close(self, _asked: Mapping[str, Any]) -> None:
        if self._sweep["step"] != "sweeping":
            self._step("idle")

    # Run it

    @answer("sweep")
    def _confirm(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        why_not = self._why_not() or self._why_unconfirmed(asked.get("typed"))
        plan = self._made
        if why_not or plan is None:
            return {"refused": f"{_NOTHING}: {why_not}."}
        backup = None if self.no_backup else os.path.expanduser(self.backup)
        options = SweepOptions(backup, self.compact, self.accept_unusual)
        self._step("sweeping")
        self._work.ask(partial(self._run, self._asked, plan, options))
        return {}

    def _why_unconfirmed(self, typed: object) -> str:
        if self._sweep["step"] != "review":
            return "look at the plan first"
        if typed != self._sweep["word"]:
            return f"to confirm, type {self._sweep['word']}"
        if not self.backup and not self.no_backup:
            return "name a folder for the backup, or say that you want none"
        return ""

    def _run(self, number: int, plan: Plan, options: SweepOptions) -> None:
        if number != self._asked:
            self._step("failed", message=f"{_NOTHING}: another plan was asked for meanwhile")
            return
        try:
            report = self._side.sweep(plan, options)
        except StalePlanError as error:
            self._step("stale", message=error_text(error))
            return
        except Exception as error:
            report = getattr(error, "report", None)
            self._ended("failed", report, error_text(error))
        else:
            self._ended("done", report, "")

    def _ended(self, step: str, report: Any, message: str) -> None:
        facts = {} if report is None else self._side.report(report)
        with self.messages:
            self.report = report
            self._step(step, message=message, **facts)
            self.reload()
