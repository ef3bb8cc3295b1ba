"""Make every picture of the gallery: ``python docs/gallery/make.py [FOLDER]``.

The stores are made by `lashgraph.testing`, the same ones each time.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from PIL import Image

import lashgraph as lg
from lashgraph.corpus import open_corpus
from lashgraph.plot.figure import figure_of
from lashgraph.testing.builders import SessionBuilder, ToolCall
from lashgraph.testing.corpus import build_corpus
from lashgraph.testing.large import build_large_graph

HERE = Path(__file__).parent
DPI = 100
COLOURS = 128
_TOOLS = ("search_logs", "read_file", "run_test", "edit_file", "query_metrics")


def figures(folder: Path) -> Iterator[tuple[str, Axes]]:
    """Each picture of the gallery, and the name of its file."""
    paths = {path.name.rsplit("-", 1)[0]: path for path in build_corpus(folder / "corpus")}
    with lg.open(paths["research-agent"]) as store:
        yield "session_tree", lg.plot.session_tree(store.tree())
        yield "reachability", lg.plot.reachability(store.reachability(keep_turns=2), top=10)
        yield "retention", lg.plot.retention(store.history(), what_if=_collected(store.history()))
        yield "blob_sizes", lg.plot.blob_sizes(store.blobs())
        yield "retained", lg.plot.retained(store.reachability(keep_turns=4).retained())
        yield "gc_plan", lg.plot.gc_plan(store.plan_gc(keep_turns=3))
    with lg.open(_large(folder)) as store:
        yield "session_tree_large", lg.plot.session_tree(store.tree())
    with lg.open(_busy(folder)) as store:
        calls = store.tool_calls()
        yield "timeline", lg.plot.timeline(store.turns(), calls, store.usage())
        yield "tool_calls", lg.plot.tool_calls(calls)
    _families(folder / "corpus")
    with open_corpus(folder / "corpus") as corpus:
        yield "corpus_bytes", lg.plot.corpus_bytes(corpus.blobs(), corpus.families())
        yield "families", lg.plot.families(corpus.families())


def _collected(history: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The history with what was garbage every so many turns taken out of all that follows."""
    found = {}
    for every in (5, 20):
        due = (history["position"] + 1) % every == 0
        freed = history["garbage_bytes"].where(due).ffill().fillna(0)
        name = f"collected every {every} turns"
        found[name] = history.assign(garbage_bytes=history["garbage_bytes"] - freed)
    return found


def _large(folder: Path) -> Path:
    path = folder / "large.db"
    build_large_graph(path, nodes=4_000, text_bytes=60, seed=3)
    return path


def _busy(folder: Path) -> Path:
    """A session of many tool calls, some of which fail."""
    rng = random.Random(7)
    path = folder / "busy.db"
    with SessionBuilder(path, "busy-day", seed=7) as session:
        for number in range(120):
            tools = [
                ToolCall(
                    rng.choices(_TOOLS, (5, 4, 3, 2, 1))[0],
                    {"n": number},
                    "[Tool execution failed]\nit timed out" if rng.random() < 0.1 else "done",
                )
                for _ in range(rng.randrange(4))
            ]
            session.turn(f"Step {number}.", "Done.", tools)
    return path


def _families(folder: Path) -> None:
    """Sessions that ask others, which ask others."""
    rng = random.Random(11)
    for family in range(4):
        known = [f"study-{family}"]
        for number in range(rng.randrange(3, 8)):
            parent = rng.choice(known) if number else None
            name = f"{known[0]}-agent-{number}" if number else known[0]
            with SessionBuilder(folder / f"{name}.db", name, parent_session_id=parent) as session:
                session.remember(rng.randrange(2_000, 60_000))
                for turn in range(rng.randrange(1, 9)):
                    session.turn(f"Question {turn}?", "Answer.")
            known.append(name)


def make(folder: Path) -> list[Path]:
    """Write every picture into a folder; gives their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    with tempfile.TemporaryDirectory() as stores:
        for name, axes in figures(Path(stores)):
            buffer = BytesIO()
            figure_of(axes).savefig(buffer, format="png", dpi=DPI)
            few = Image.open(buffer).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
            path = folder / f"{name}.png"
            few.save(path, optimize=True)
            made.append(path)
    return made


if __name__ == "__main__":
    for each in make(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE):
        print(f"{each}  {each.stat().st_size / 1000:.0f} kB")
