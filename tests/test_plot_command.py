"""``lashgraph plot``: the file it writes, and what it refuses."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

import commands
import pytest
from commands import Argument, Done
from PIL import Image

from lashgraph.testing.corpus import build_corpus

NAMES = (
    "session-tree",
    "reachability",
    "retention",
    "blob-sizes",
    "retained",
    "gc-plan",
    "timeline",
    "tool-calls",
    "corpus-bytes",
    "families",
)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_corpus(tmp_path_factory.mktemp("corpus"))[0]


def run(*arguments: Argument, cwd: Path) -> Done:
    return commands.run("plot", *arguments, cwd=cwd, COLUMNS="200")


@pytest.mark.parametrize("name", NAMES)
def test_each_figure_is_written(name: str, session: Path, tmp_path: Path) -> None:
    before = hashlib.sha256(session.read_bytes()).digest()
    done = run(session, name, "-o", "one.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    darkest, lightest = Image.open(tmp_path / "one.png").convert("L").getextrema()
    assert darkest < 80
    assert lightest == 255
    assert name in done.stdout
    assert hashlib.sha256(session.read_bytes()).digest() == before


@pytest.mark.parametrize(
    ("ending", "magic"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("PNG", b"\x89")]
)
def test_the_ending_says_the_form(ending: str, magic: bytes, session: Path, tmp_path: Path) -> None:
    assert run(session, "retention", "-o", f"one.{ending}", cwd=tmp_path).returncode == 0
    assert (tmp_path / f"one.{ending}").read_bytes().startswith(magic)


def test_names_are_those_of_the_functions_too(session: Path, tmp_path: Path) -> None:
    assert run(session, "gc_plan", cwd=tmp_path).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == [f"{session.stem}-gc-plan.png"]


def test_standard_output_takes_a_png_alone(session: Path, tmp_path: Path) -> None:
    done = run(session, "retention", "-o", "-", "--dpi", "50", cwd=tmp_path)
    assert Image.open(BytesIO(done.written)).size == (500, 190)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["corpus-bytes", "families"])
def test_a_folder_is_drawn_by_figures_of_many(name: str, session: Path, tmp_path: Path) -> None:
    done = run(session.parent, name, "-o", "many.svg", "--title", "Mine", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Mine" in (tmp_path / "many.svg").read_text()


@pytest.mark.parametrize(
    ("asked", "code", "told"),
    [
        (("nosuch", "-o", "one.png"), 2, "session-tree"),
        (("retention", "-o", "one.txt"), 2, ".svg"),
        (("retention", "-o", "there.png"), 1, "--force"),
        (("retention", "-o", "no/such/folder.png"), 1, "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said(
    asked: tuple[str, ...], code: int, told: str, session: Path, tmp_path: Path
) -> None:
    (tmp_path / "there.png").write_bytes(b"mine")
    done = run(session, *asked, cwd=tmp_path)
    assert done.returncode == code
    assert told in done.stderr
    assert (tmp_path / "there.png").read_bytes() == b"mine"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_has_no_single_tree(session: Path, tmp_path: Path) -> None:
    done = run(session.parent, "session-tree", cwd=tmp_path)
    assert done.returncode == 2
    assert "folder" in done.stderr


def test_a_session_is_never_written_over(session: Path, tmp_path: Path) -> None:
    copy = tmp_path / "session.png"
    copy.write_bytes(session.read_bytes())
    done = run(session, "retention", "-o", copy, "--force", cwd=tmp_path)
    assert done.returncode == 1
    assert copy.read_bytes() == session.read_bytes()
