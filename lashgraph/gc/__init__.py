"""Garbage collection: plan, then sweep exactly the plan."""

from lashgraph.gc.plan import GcPlan, make_plan
from lashgraph.gc.report import AutoGcOutcome, GcReport
from lashgraph.gc.sweep import collect, sweep

__all__ = ["AutoGcOutcome", "GcPlan", "GcReport", "collect", "make_plan", "sweep"]
