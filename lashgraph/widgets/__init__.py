"""Notebook views of stores and corpora: live where a kernel runs, a static table elsewhere."""

from lashgraph.widgets.explorer import Explorer, explore

__all__ = ["Explorer", "explore"]
