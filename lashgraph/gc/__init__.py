"""Garbage collection: plan, forecast, back up, sweep exactly the plan, verify, restore."""

from lashgraph.gc.alarm import alarms
from lashgraph.gc.backup import as_path
from lashgraph.gc.forecast import MEMORY_LIMIT, Forecast, make_forecast
from lashgraph.gc.plan import GcPlan, make_plan
from lashgraph.gc.report import REPORTS, AutoGcOutcome, GcReport, reports_frame
from lashgraph.gc.restore import Restored, restore
from lashgraph.gc.run import run_plan, run_policy

__all__ = [
    "MEMORY_LIMIT",
    "REPORTS",
    "AutoGcOutcome",
    "Forecast",
    "GcPlan",
    "GcReport",
    "Restored",
    "alarms",
    "as_path",
    "make_forecast",
    "make_plan",
    "reports_frame",
    "restore",
    "run_plan",
    "run_policy",
]
