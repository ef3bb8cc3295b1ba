"""Trees as text: what goes on stands below at the same place, what branches off is set in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

ON_PATH, OFF_PATH = "●", "○"


@dataclass(frozen=True)
class Item:
    """One line of a tree.

    Attributes
    ----------
    parent : int
        Place of the item it hangs from, which stands before it; -1 for none.
    weight : int
        How much it stands for: of several that follow, the heaviest goes straight on.
    on_path : bool
        Whether the active path passes it; then it goes straight on, whatever its weight.
    """

    parent: int
    weight: int
    on_path: bool


class Drawn(NamedTuple):
    """A line: place of its item, and what stands before its text."""

    at: int
    lines: str


def draw(items: Sequence[Item]) -> Iterator[Drawn]:
    """The lines of a forest, from the roots down.

    Below an item stand, set in, all that branch off from it, and then what goes straight on: so a
    tree is set in no deeper than the logarithm of its size, save where the active path says so.

    Examples
    --------
    >>> items = [Item(-1, 1, True), Item(0, 1, False), Item(0, 1, True), Item(2, 1, True)]
    >>> for at, lines in draw(items):
    ...     print(f"{lines} {at}")
    ● 0
    ├─○ 1
    ● 2
    ● 3
    """
    children: list[list[int]] = [[] for _ in items]
    roots: list[int] = []
    sizes = [item.weight for item in items]
    for at, item in enumerate(items):
        (roots if item.parent < 0 else children[item.parent]).append(at)
    for at in range(len(items) - 1, -1, -1):
        if items[at].parent >= 0:
            sizes[items[at].parent] += sizes[at]
    # Each entry: an item, what stands before it, and what stands before all that is below it.
    waiting = [(at, "", "") for at in reversed(roots)]
    while waiting:
        at, own, below = waiting.pop()
        yield Drawn(at, own + (ON_PATH if items[at].on_path else OFF_PATH))
        if not children[at]:
            continue
        straight = max(children[at], key=lambda child: (items[child].on_path, sizes[child]))
        waiting.append((straight, below, below))
        branches = [child for child in children[at] if child != straight]
        waiting += [(child, f"{below}├─", f"{below}│ ") for child in reversed(branches)]
