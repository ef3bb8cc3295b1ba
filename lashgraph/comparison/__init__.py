"""What two stores differ in: a backup and its original, a copy before and after."""

from lashgraph.comparison.compare import COMPARISON, Comparison, Difference, compare_contents
from lashgraph.comparison.contents import Contents, read_contents

__all__ = [
    "COMPARISON",
    "Comparison",
    "Contents",
    "Difference",
    "compare_contents",
    "read_contents",
]
