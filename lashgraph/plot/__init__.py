"""Pictures: functions that take data, draw on the Axes given or on new ones, and return them.

Without ``ax`` each function makes a figure of its own, which pyplot does not know of: no window, no
``show``, any thread. A notebook shows the Axes returned as the picture; else they are Axes as any:

>>> import lashgraph as lg
>>> with lg.open(":memory:") as store:
...     ax = lg.plot.retention(store.history())
>>> _ = ax.set_title("My title")
>>> ax.figure.savefig("/dev/null", format="svg")

With ``ax`` they draw on the caller's, of a figure by pyplot or not, and return these.
"""

from lashgraph.plot.calls import tool_calls
from lashgraph.plot.families import families
from lashgraph.plot.layers import reachability
from lashgraph.plot.plans import gc_plan
from lashgraph.plot.retention import retention
from lashgraph.plot.roots import retained
from lashgraph.plot.sizes import blob_sizes
from lashgraph.plot.timeline import timeline
from lashgraph.plot.tree import session_tree
from lashgraph.plot.treemap import corpus_bytes

__all__ = [
    "blob_sizes",
    "corpus_bytes",
    "families",
    "gc_plan",
    "reachability",
    "retained",
    "retention",
    "session_tree",
    "timeline",
    "tool_calls",
]
