"""Colours that stay apart for the colour-blind, and in grey by lightness or hatching.

References
----------
Okabe, M., & Ito, K. (2008). Color universal design: how to make figures and presentations that are
friendly to colorblind people. https://jfly.uni-koeln.de/color/
"""

from __future__ import annotations

from typing import NamedTuple

INK = "#222222"
PALE = "#9aa0a8"
PAPER = "#ffffff"

BLACK = "#000000"
CHARCOAL = "#3d3d3d"
ORANGE = "#e69f00"
SKY = "#56b4e9"
GREEN = "#009e73"
YELLOW = "#f0e442"
BLUE = "#0072b2"
VERMILION = "#d55e00"
PURPLE = "#cc79a7"
GREY = "#c3c7cd"


class Look(NamedTuple):
    """How one kind of thing is drawn: a filling, and what tells it from others without colour."""

    colour: str
    hatch: str = ""
    marker: str = "o"


LIVE = Look(BLUE)
DEAD = Look(ORANGE, "////")
REST = Look(GREY, "....")

KINDS = {
    "CheckpointManifest": Look(CHARCOAL),
    "ToolState": Look(BLUE),
    "PluginSessionSnapshot": Look(SKY, "////"),
    "ExecutionStateSnapshot": Look(ORANGE, "...."),
    "LashlangModule": Look(GREEN, "\\\\\\\\"),
    "GenericBlob": Look(PURPLE, "xxxx"),
    "raw": Look(YELLOW),
    "damaged": Look(VERMILION, "||||"),
}
"""Kinds of blobs."""

BYTES = {"live": LIVE, "garbage": DEAD}
"""Whether bytes are reachable."""

AUTHORS = {
    "human": Look(BLUE, marker="o"),
    "model": Look(ORANGE, marker="s"),
    "tool": Look(GREEN, marker="^"),
    "process": Look(PURPLE, marker="v"),
    "system": Look(VERMILION, marker="D"),
    "protocol": Look(SKY, marker="P"),
    "plugin": Look(YELLOW, marker="X"),
}
"""Who made a node of the session tree."""

LINES = (
    (BLACK, "solid"),
    (VERMILION, (0, (5, 2))),
    (GREEN, (0, (1, 1.2))),
    (PURPLE, (0, (6, 2, 1, 2))),
    (SKY, (0, (9, 3))),
    (BLUE, (0, (3, 1, 1, 1, 1, 1))),
)
"""Colours and dashes of lines that are compared."""


def look_of_kind(kind: str) -> Look:
    """How a kind of blobs is drawn, an unknown one too; also how live ones and garbage are."""
    return KINDS.get(kind) or BYTES.get(kind, REST)
