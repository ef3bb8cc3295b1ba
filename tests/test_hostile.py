"""A store whose every text is an attack: nothing that shows it takes a text for anything else."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
import pytest
from commands import run
from hostile_views import documents, figures, hostile_folder, still_views, values
from PIL import Image

import lashgraph as lg
from lashgraph.format.html import visible
from lashgraph.testing.hostile import BEACON, MARK, TEXTS, build_hostile

ACTIVE = {"applet", "base", "embed", "form", "frame", "iframe", "input", "link", "math", "object"}
"""Elements that load or run something, or make a part of a page act."""
ACTIVE |= {"audio", "img", "script", "svg", "template", "textarea", "video"}
PICTURES = {"img", "svg"}
"""Those of them that the package makes itself."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return hostile_folder(tmp_path_factory.mktemp("hostile") / "sessions")


@pytest.fixture(scope="module")
def shown(folder: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return dict(values(folder, tmp_path_factory.mktemp("spare")))


class Page(HTMLParser):
    """What a document is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.styles: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        (self.styles if self.cdata_elem == "style" else self.texts).append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def assert_inert(name: str, html: str) -> Page:
    """Nothing in the document loads or runs anything."""
    page = Page(html)
    assert not page.tags & ACTIVE - PICTURES, (name, page.tags & ACTIVE)
    for style in page.styles:
        assert MARK not in style, name
        assert "hostile" not in style, name
    for attribute, value in page.attributes:
        assert not attribute.startswith("on"), (name, attribute)
        if attribute in {"href", "src", "style", "action", "srcset", "srcdoc", "data"}:
            assert MARK not in value, (name, attribute, value)
            assert "hostile" not in value, (name, attribute, value)
        if attribute == "src":
            assert value.startswith("data:image/png;base64,"), (name, value)
    return page


def acting(text: str) -> set[str]:
    """The characters of a text that a terminal would obey, or that turn its order."""
    return {
        one
        for one in text
        if not (one.isprintable() or one in "\n\u200c\u200d") and unicodedata.category(one) != "Zs"
    }


def with_html(shown: dict[str, Any]) -> dict[str, str]:
    return {
        name: value._repr_html_() for name, value in shown.items() if hasattr(value, "_repr_html_")
    }


# What values show


def test_html_of_values_runs_and_loads_nothing(shown: dict[str, Any]) -> None:
    made = with_html(shown)
    assert len(made) > 100
    for name, html in made.items():
        assert_inert(name, html)


def test_html_still_tells_the_texts(shown: dict[str, Any]) -> None:
    whole = " ".join(Page(html).text for html in with_html(shown).values())
    for name, text in TEXTS.items():
        assert visible(text)[:24] in whole, name


def test_html_of_own_values_holds_nothing_that_acts(shown: dict[str, Any]) -> None:
    for name, html in with_html(shown).items():
        if not isinstance(shown[name], pd.DataFrame):  # pandas shows what a frame holds
            assert not acting(html) - {"\t"}, name


def test_reprs_hold_nothing_that_acts(shown: dict[str, Any]) -> None:
    for name, value in shown.items():
        if not isinstance(value, pd.DataFrame):
            assert not acting(repr(value)), name
            assert not acting(str(value)), name


def test_frames_hold_the_texts_as_they_are(shown: dict[str, Any]) -> None:
    assert set(TEXTS.values()) <= set(shown["messages"]["text"])
    assert set(TEXTS.values()) == set(shown["tool_calls"]["tool_name"])
    assert set(TEXTS.values()) == set(shown["usage"]["source"])
    assert shown["sessions"]["cwd"].tolist() == [" ".join(TEXTS.values())]


def test_documents_run_and_load_nothing(folder: list[Path]) -> None:
    made = documents(folder[0])
    assert set(made) >= {"transcript.html", "family.html"}
    for name, document in made.items():
        assert not acting(document) - {"\t"}, name
        if name.endswith(".html"):
            page = assert_inert(name, document)
            assert TEXTS["script"] in page.text, name
            assert TEXTS["style"] in page.text, name


def test_widgets_without_a_kernel_run_and_load_nothing(folder: list[Path]) -> None:
    for name, shown in still_views(folder).items():
        assert_inert(name, shown["text/html"])
        assert not acting(shown["text/html"]) - {"\t"}, name
        assert not acting(shown["text/plain"]), name


# What stands in errors and warnings


def test_errors_and_warnings_hold_nothing_that_acts(folder: list[Path]) -> None:
    unknown = "none " + "".join(TEXTS.values())
    told: list[str] = []
    for path in folder:
        with warnings.catch_warnings(record=True) as caught, lg.open(path) as store:
            warnings.simplefilter("always")
            tree, reach = store.tree(), store.reachability()
            asks: list[Callable[[], object]] = [
                lambda store=store: store.nodes(strict=True),
                lambda store=store: store.plan_gc(keep=[unknown]),
                lambda store=store: store.nodes(columns=[unknown]),
                lambda tree=tree: tree.path("no", unknown),
                lambda tree=tree: tree[unknown],
                lambda tree=tree: tree.transcript(agent_frame=unknown),
                lambda reach=reach: reach.why(unknown),
                lambda reach=reach: reach.freed_by([unknown]),
            ]
            for ask in asks:
                with pytest.raises(lg.LashgraphError) as refused:
                    ask()
                told.append(str(refused.value))
        told += [str(warning.message) for warning in caught]
    assert len(told) > len(asks) * len(folder)
    for text in told:
        assert not acting(text), text


# The command line

STORE_COMMANDS: list[tuple[str, ...]] = [
    ("info",),
    ("check", "--level", "full"),
    ("tree",),
    ("tree", "--messages"),
    ("transcript",),
    ("transcript", "--every-frame", "--full"),
    ("gc",),
    ("gc", "--policy", "runtime", "--keep-turns", "3"),
]


@pytest.mark.parametrize("command", STORE_COMMANDS, ids=" ".join)
def test_commands_print_nothing_that_acts(folder: list[Path], command: tuple[str, ...]) -> None:
    for path in folder:
        for more in ((), ("--json",)):
            done = run(command[0], path, *command[1:], *more)
            assert done.returncode in {0, 1}, done.stderr
            assert done.stdout
            assert not acting(done.stdout + done.stderr), (path, more)


def test_on_a_terminal_only_the_own_styles_act(folder: list[Path]) -> None:
    for command in STORE_COMMANDS:
        done = run(command[0], folder[0], *command[1:], FORCE_COLOR="1", TERM="xterm-256color")
        plain = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
        assert not acting(plain), command
        assert "hostile.invalid" not in re.sub(r"[^\x1b]*(\x1b\][^\x1b]*)?", r"\1", done.stdout)


def test_commands_that_take_a_node_or_a_blob(folder: list[Path]) -> None:
    with lg.open(folder[0]) as store, warnings.catch_warnings():
        warnings.simplefilter("ignore", lg.errors.LashgraphWarning)
        nodes = store.nodes()["node_id"].tolist()
        blobs = store.blobs()["hash"].tolist()
    asked = [("show", node) for node in nodes[::19]] + [("why", blob) for blob in blobs[::29]]
    asked += [("why", next(blob for blob in blobs if "<" in blob)), ("why", TEXTS["terminal"])]
    for command, key in asked:
        if "\x00" in key:  # no argument of a command has it
            continue
        for more in ((), ("--json",)):
            done = run(command, *more, folder[0], "--", key)
            assert done.returncode in {0, 1, 2}, done.stderr
            assert not acting(done.stdout + done.stderr), (command, key)


def test_commands_for_folders(folder: list[Path], tmp_path: Path) -> None:
    where = folder[0].parent
    asked: Iterable[tuple[str | Path, ...]] = [
        ("corpus", "show", where),
        ("corpus", "gc", where),
        ("corpus", "export", where, "--to", tmp_path / "parquet"),
        ("search", where, "script"),
        ("search", where, "2J"),
        ("compare", folder[0], folder[1]),
        ("report", folder[0], "--force", "-o", tmp_path / "report.html"),
        ("report", where, "--force", "-o", tmp_path / "reports.html"),
        ("redact", where, "--out", tmp_path / "redacted"),
    ]
    for command in asked:
        for more in ((),) if command[0] == "report" else ((), ("--json",)):
            done = run(*command, *more)
            assert done.returncode in {0, 1}, done.stderr
            assert not acting(done.stdout + done.stderr), (command, more)


# Figures


def test_figures_take_no_text_for_mathematics(folder: list[Path]) -> None:
    drawn = figures(folder)
    assert set(drawn) >= set(lg.plot.__all__)
    for name, axes in drawn.items():
        figure = axes.get_figure(root=True)
        assert figure is not None
        png, svg = BytesIO(), BytesIO()
        figure.savefig(png, format="png", dpi=50)
        assert Image.open(png).convert("L").getextrema()[0] < 80, name
        figure.savefig(svg, format="svg")
        assert_drawing(name, svg.getvalue().decode())
        for text in figure.findobj(mpl.text.Text):
            assert not text.get_usetex(), name  # type: ignore[attr-defined]
            told = text.get_text()  # type: ignore[attr-defined]
            assert not acting(told), (name, told)
            if "$" in told:
                assert not text.get_parse_math(), (name, told)  # type: ignore[attr-defined]


def assert_drawing(name: str, svg: str) -> None:
    page = Page(svg)
    assert not page.tags & (ACTIVE - {"svg"}), name
    assert not [attribute for attribute, _ in page.attributes if attribute.startswith("on")], name
    links = [value for attribute, value in page.attributes if attribute.endswith("href")]
    assert all(value.startswith("#") for value in links), (name, links)


# The builder itself


def test_every_text_is_in_every_place(tmp_path: Path) -> None:
    path = build_hostile(tmp_path / "one.db", ["<b>"])
    with lg.open(path) as store, warnings.catch_warnings():
        warnings.simplefilter("ignore", lg.errors.LashgraphWarning)
        held = {
            f"{name}.{column}"
            for name in ("sessions", "messages", "tool_calls", "steps", "agent_frames", "usage")
            for column, values in getattr(store, name)().items()
            if values.astype(str).str.contains("<b>", regex=False).any()
        }
    for place in (
        "sessions.session_id",
        "sessions.name",
        "sessions.cwd",
        "sessions.model",
        "sessions.parent_session_id",
        "messages.node_id",
        "messages.text",
        "tool_calls.tool_name",
        "tool_calls.args",
        "tool_calls.result",
        "steps.code",
        "steps.output",
        "agent_frames.reason",
        "usage.source",
    ):
        assert place in held, place


def test_texts_would_act_where_they_are_not_escaped() -> None:
    loose = Page("".join(TEXTS.values()))
    assert loose.tags & ACTIVE
    assert [name for name, _ in loose.attributes if name.startswith("on")]
    assert BEACON in [value for _, value in loose.attributes]
    assert acting("".join(TEXTS.values())) >= {"\x1b", "\x9b", "\u202e", "\u2066", "\u2028"}
