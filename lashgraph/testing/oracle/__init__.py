"""A second, naive mark and sweep that shares no code with the package, to test it against.

It is written from the description of the format alone: whole tables in memory, plain sets, no care
for speed. It reads with the standard library and ``msgpack`` only.

From the top: ``verdict`` says what a collection should do; ``mark`` has the roots of a policy and
what they reach; ``nodes`` and ``documents`` (head, turns) read JSON, ``envelopes`` MessagePack, all
by the rules in ``shapes``; ``tables`` holds the rows.
"""

from lashgraph.testing.oracle.mark import Refusal
from lashgraph.testing.oracle.verdict import Verdict, judge, kept_by

__all__ = ["Refusal", "Verdict", "judge", "kept_by"]
