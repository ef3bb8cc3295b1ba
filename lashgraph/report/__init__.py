"""Reports: one page about a session file or many, with figures, tables, findings and the plan.

The page holds all that it shows. It loads nothing and runs nothing, so that it can be attached to a
paper or opened years later; each text of a store is escaped by the package's one helper.
"""

from lashgraph.report.document import Report, Tile
from lashgraph.report.make import report
from lashgraph.report.pieces import Section

__all__ = ["Report", "Section", "Tile", "report"]
