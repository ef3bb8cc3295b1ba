"""All that the package shows of a hostile store: values, documents, figures."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

import lashgraph as lg
from lashgraph import widgets
from lashgraph.redact import redact
from lashgraph.report import report
from lashgraph.testing.hostile import TEXTS, build_hostile

FRAMES = (
    "agent_frames",
    "attachments",
    "blobs",
    "check",
    "checkpoints",
    "events",
    "history",
    "messages",
    "nodes",
    "parts",
    "pending_inputs",
    "problems",
    "queued_work",
    "refs",
    "retention",
    "sessions",
    "simulate_gc",
    "steps",
    "tool_calls",
    "turns",
    "usage",
)
"""What a store gives as frames, without being told anything."""


def hostile_folder(folder: Path) -> list[Path]:
    """A store of all texts, and a small one for some, each the child of nobody that is there."""
    folder.mkdir()
    some = ("script", "mathtext", "terminal", "direction")
    return [
        build_hostile(folder / "all.db"),
        *(build_hostile(folder / f"{name}.db", [TEXTS[name]]) for name in some),
    ]


def values(paths: list[Path], spare: Path) -> Iterator[tuple[str, Any]]:
    """Values that show themselves, each with a name.

    Parameters
    ----------
    spare : Path
        A folder for copies that are collected.
    """
    with warnings.catch_warnings(), lg.open(paths[0]) as store:
        warnings.simplefilter("ignore", lg.errors.LashgraphWarning)
        yield "store", store
        yield from ((name, getattr(store, name)()) for name in FRAMES)
        tree = store.tree()
        yield "tree", tree
        yield "branches", tree.branches()
        yield "message_tree", tree.message_tree()
        yield "transcript", tree.transcript()
        yield "transcript of every frame", tree.transcript(every_frame=True)
        reach = store.reachability(keep_turns=3)
        yield "reachability", reach
        yield "reach.blobs", reach.blobs()
        yield "reach.roots", reach.roots()
        yield "retained", reach.retained()
        yield "freed_by", reach.freed_by([[ref] for ref in reach.roots()["ref"][:5]])
        for blob in reach.blobs()["hash"]:
            yield f"why {blob[:8]}", reach.why(blob)
        plan = store.plan_gc(keep_turns=2)
        yield "plan", plan
        yield "plan.frame", plan.doomed()
        yield "plan.kept", plan.kept()
        yield "forecast", plan.forecast()
        yield "head", store.load_head()
        yield "meta", store.load_meta()
        yield "picker", store.picker_info()
        yield "queue", store.list_queued_work()
        yield "family", lg.session_family(paths[0])
        yield "page", report(store)
    yield from _after_writing(paths, spare)
    with warnings.catch_warnings(), lg.open_corpus(paths[0].parent) as corpus:
        warnings.simplefilter("ignore", lg.errors.LashgraphWarning)
        yield "corpus", corpus
        for name in ("sessions", "families", "shared_blobs", "errors", "skipped", "check"):
            yield f"corpus.{name}", getattr(corpus, name)()
        yield "corpus.search", corpus.search(regex="img|script|2J")
        yield "corpus.plan", corpus.plan_gc()
        yield "corpus.plan.frame", corpus.plan_gc().frame()
        yield "corpus.page", report(corpus)
        yield "redaction", redact(paths[0].parent, spare / "redacted")


def _after_writing(paths: list[Path], spare: Path) -> Iterator[tuple[str, Any]]:
    folder = spare / "written"
    folder.mkdir()
    for path in paths:
        (folder / path.name).write_bytes(path.read_bytes())
    first, second = folder / paths[0].name, folder / paths[1].name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lg.errors.LashgraphWarning)
        with lg.open(first, "rw") as store:
            report = store.sweep(store.plan_gc(), backup=spare / "backup", accept_unusual=True)
        yield "report", report
        yield "compare", lg.compare(paths[0], first)
        yield "compare two", lg.compare(paths[0], second)
        assert report.backup is not None
        yield "restored", lg.restore(report.backup)
        with lg.open_corpus(folder, mode="rw") as corpus:
            swept = corpus.plan_gc().sweep(accept_unusual=True)
        yield "corpus.report", swept
        yield "corpus.report.frame", swept.frame()


def still_views(paths: list[Path]) -> dict[str, dict[str, Any]]:
    """What each widget shows where no kernel runs, by media type."""
    with (
        warnings.catch_warnings(),
        lg.open(paths[0]) as store,
        lg.open_corpus(paths[0].parent) as corpus,
    ):
        warnings.simplefilter("ignore", lg.errors.LashgraphWarning)
        views = {
            "explore": widgets.explore(store),
            "reachability": widgets.reachability(store),
            "simulate": widgets.simulate(store),
            "simulate a corpus": widgets.simulate(corpus),
            "corpus": widgets.corpus(corpus),
        }
        shown = {name: view._repr_mimebundle_()[0] for name, view in views.items()}
        for view in views.values():
            view.close()
    return shown


def documents(path: Path) -> dict[str, str]:
    """Whole documents that are made of a store, by file name."""
    with warnings.catch_warnings(), lg.open(path) as store:
        warnings.simplefilter("ignore", lg.errors.LashgraphWarning)
        tree, family = store.tree(), lg.session_family(path)
    made = {}
    for name, transcript in (
        ("transcript", tree.transcript()),
        ("whole", tree.transcript(every_frame=True)),
        ("family", family),
    ):
        made[f"{name}.html"] = transcript.html()
        made[f"{name}.md"] = transcript.markdown()
    return made


def figures(paths: list[Path]) -> dict[str, Axes]:
    """Every figure, drawn of the first store or of all of them."""
    with warnings.catch_warnings(), lg.open(paths[0]) as store:
        warnings.simplefilter("ignore", lg.errors.LashgraphWarning)
        reach = store.reachability(keep_turns=30)
        drawn = {
            "session_tree": lg.plot.session_tree(store.tree()),
            "reachability": lg.plot.reachability(reach),
            "retention": lg.plot.retention(store.history()),
            "blob_sizes": lg.plot.blob_sizes(store.blobs()),
            "retained": lg.plot.retained(reach.retained()),
            "gc_plan": lg.plot.gc_plan(store.plan_gc()),
            "timeline": lg.plot.timeline(store.turns(), store.tool_calls(), store.usage()),
            "tool_calls": lg.plot.tool_calls(store.tool_calls()),
        }
    with warnings.catch_warnings(), lg.open_corpus(paths[0].parent) as corpus:
        warnings.simplefilter("ignore", lg.errors.LashgraphWarning)
        drawn["corpus_bytes"] = lg.plot.corpus_bytes(corpus.blobs())
        drawn["families"] = lg.plot.families(corpus.sessions())
    return drawn
