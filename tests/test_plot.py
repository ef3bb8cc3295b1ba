"""What holds for every figure: where it is drawn, of what, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

import lashgraph as lg
from lashgraph.errors import InvalidRecordError, UnknownColumnError
from lashgraph.testing.corpus import build_corpus
from lashgraph.tree import sketch

Draw = Callable[..., Axes]

OF_A_STORE: dict[str, Callable[[lg.Store], tuple[Any, ...]]] = {
    "session_tree": lambda store: (store.tree(),),
    "reachability": lambda store: (store.reachability(),),
    "retention": lambda store: (store.history(),),
    "blob_sizes": lambda store: (store.blobs(),),
    "retained": lambda store: (store.reachability().retained(),),
    "gc_plan": lambda store: (store.plan_gc(),),
    "corpus_bytes": lambda store: (store.blobs(),),
    "timeline": lambda store: (store.turns(), store.tool_calls(), store.usage()),
    "tool_calls": lambda store: (store.tool_calls(),),
    "families": lambda store: (store.sessions(),),
}
HOSTILE = "$\\frac{$ <img src=x> \x1b[31m\x00\u202e\ud800 日本語🦀 \\input{/etc/passwd}"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> lg.Store:
    return lg.open(build_corpus(tmp_path_factory.mktemp("corpus"))[0])


@pytest.fixture(params=OF_A_STORE)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def draw(name: str, store: lg.Store, **options: Any) -> Axes:
    return drawer(name)(*OF_A_STORE[name](store), **options)


def drawer(name: str) -> Draw:
    found: Draw = getattr(lg.plot, name)
    return found


def pixels(axes: Axes) -> np.ndarray[Any, Any]:
    buffer = BytesIO()
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.savefig(buffer, format="png")
    return np.asarray(Image.open(buffer).convert("L"))


def written(axes: Axes) -> Iterator[str]:
    """Every text of a figure."""
    for text in axes.findobj(mpl.text.Text):
        yield text.get_text()  # type: ignore[attr-defined]


def hostile(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The frame with a text in these columns that no session should hold."""
    made = pd.Series([HOSTILE] * len(frame), dtype=object)
    return frame.assign(**dict.fromkeys(columns, made))


def test_the_list_of_figures_is_whole() -> None:
    assert sorted(OF_A_STORE) == lg.plot.__all__


def test_a_figure_of_its_own_has_ink_title_and_size(name: str, store: lg.Store) -> None:
    axes = draw(name, store)
    seen = pixels(axes)
    assert seen.min() < 80
    assert (seen < 250).mean() > 0.005
    assert axes.get_title(loc="left")
    assert isinstance(axes, Axes)


def test_a_notebook_shows_the_axes_as_the_picture(name: str, store: lg.Store) -> None:
    axes = draw(name, store)
    png, size = axes._repr_png_()  # type: ignore[attr-defined]
    image = Image.open(BytesIO(png))
    assert image.size == (2 * size["width"], 2 * size["height"])
    figure = axes.get_figure(root=True)
    assert figure is not None
    assert figure._repr_png_()[0].startswith(b"\x89PNG")  # type: ignore[attr-defined]


def test_the_callers_axes_are_drawn_on_and_returned(name: str, store: lg.Store) -> None:
    figure = Figure(figsize=(12, 5))
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    assert draw(name, store, ax=right) is right
    assert not left.has_data()
    assert left.get_title(loc="left") == ""
    assert right.get_title(loc="left")
    figure.canvas.draw()


def test_a_given_title_stands_letter_by_letter(name: str, store: lg.Store) -> None:
    axes = draw(name, store, title="cost $5 to $6")
    assert axes.get_title(loc="left") == "cost $5 to $6"
    assert not axes.title.get_usetex()
    pixels(axes)


def test_a_store_without_anything_gives_an_empty_and_labelled_figure(name: str) -> None:
    with lg.open(":memory:") as store:
        axes = draw(name, store)
    assert any(digit in axes.get_title(loc="left") for digit in "01")
    assert (pixels(axes) < 200).any()


def test_frames_without_rows_are_drawn(store: lg.Store) -> None:
    for name, arguments in OF_A_STORE.items():
        given = arguments(store)
        if all(isinstance(one, pd.DataFrame) for one in given):
            axes = drawer(name)(*(one.iloc[:0] for one in given))
            assert "0 " in axes.get_title(loc="left"), name
            pixels(axes)


@pytest.mark.parametrize("wrong", [None, 3, "text", {"a": 1}, object()])
def test_what_is_no_data_is_refused(name: str, wrong: object) -> None:
    with pytest.raises(InvalidRecordError):
        drawer(name)(wrong)


def test_a_frame_of_other_columns_is_refused_by_its_lack(name: str, store: lg.Store) -> None:
    if isinstance(OF_A_STORE[name](store)[0], pd.DataFrame):
        with pytest.raises(UnknownColumnError, match="lacks the columns"):
            drawer(name)(pd.DataFrame({"a": [1]}))


@pytest.mark.parametrize("ax", [3, "ax", Figure()])
def test_what_is_no_axes_is_refused(name: str, store: lg.Store, ax: object) -> None:
    with pytest.raises(InvalidRecordError, match="ax is"):
        draw(name, store, ax=ax)


def test_figures_can_be_written_as_vectors(name: str, store: lg.Store, tmp_path: Path) -> None:
    figure = draw(name, store).get_figure(root=True)
    assert figure is not None
    for form in ("svg", "pdf"):
        figure.savefig(tmp_path / f"one.{form}")
        assert (tmp_path / f"one.{form}").stat().st_size > 3_000


def test_figures_are_the_same_whatever_style_the_user_has_set(store: lg.Store) -> None:
    plain = pixels(lg.plot.session_tree(store.tree()))
    with mpl.rc_context():
        mpl.rcParams.update({"axes.facecolor": "black", "figure.facecolor": "black"})
        mpl.rcParams.update({"text.color": "white", "axes.labelcolor": "white"})
        mpl.rcParams.update({"xtick.color": "white", "axes.edgecolor": "white"})
        assert np.array_equal(pixels(lg.plot.session_tree(store.tree())), plain)


def test_drawing_on_dark_axes_uses_their_ink(store: lg.Store) -> None:
    figure = Figure(facecolor="black")
    axes = figure.add_subplot(facecolor="black")
    axes.xaxis.label.set_color("white")
    lg.plot.gc_plan(store.plan_gc(), ax=axes)
    legend = axes.get_legend()
    assert legend is not None
    assert {mpl.colors.to_hex(text.get_color()) for text in legend.get_texts()} == {"#ffffff"}
    assert axes._left_title.get_color() == "white"  # type: ignore[attr-defined]


def test_pyplot_is_neither_loaded_nor_told() -> None:
    code = (
        "import sys, lashgraph as lg\n"
        "with lg.open(':memory:') as store:\n"
        "    lg.plot.session_tree(store.tree()); lg.plot.retention(store.history())\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_figures_are_drawn_on_any_thread(name: str, store: lg.Store) -> None:
    found: list[int] = []

    def work() -> None:
        found.append(int(pixels(draw(name, store)).sum()))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1


def test_hostile_names_are_drawn_and_run_nothing(store: lg.Store) -> None:
    calls = hostile(store.tool_calls(), "tool_name")
    blobs = hostile(store.blobs(), "kind", "session_id")
    sessions = hostile(store.sessions(), "name", "session_id")
    held = hostile(store.reachability().retained(), "ref")
    usage = hostile(store.usage(), "source")
    history = store.history()
    drawn = [
        lg.plot.tool_calls(calls),
        lg.plot.corpus_bytes(blobs),
        lg.plot.blob_sizes(blobs),
        lg.plot.families(sessions),
        lg.plot.retained(held),
        lg.plot.timeline(store.turns(), calls, usage),
        lg.plot.retention(history, what_if={HOSTILE: history}),
        lg.plot.session_tree(sketch({"a": None}), title=HOSTILE),
    ]
    with mpl.rc_context({"text.usetex": False}):
        for axes in drawn:
            pixels(axes)
            shown = "".join(written(axes))
            assert "$" in shown
            assert not any(one in shown for one in "\x1b\x00\u202e\ud800")


def test_names_from_stores_are_never_given_to_tex(store: lg.Store) -> None:
    with mpl.rc_context({"text.usetex": True}):
        axes = lg.plot.tool_calls(hostile(store.tool_calls(), "tool_name"))
        assert not any(label.get_usetex() for label in axes.get_yticklabels())
        assert not axes._left_title.get_usetex()  # type: ignore[attr-defined]
