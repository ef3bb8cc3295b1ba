"""The command line: ``lashgraph demo``, ``lashgraph info``, ``lashgraph gc``."""

from lashgraph.cli.app import main

__all__ = ["main"]
