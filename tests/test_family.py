"""A session with its children: which files are taken, and how they stand in one document."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import stores
from recorded import folder_state

import lashgraph as lg
from lashgraph.errors import DamagedDataWarning, StoreNotFoundError
from lashgraph.store import session_family
from lashgraph.testing.builders import SessionBuilder

CHILDREN = ("46005315-", "ccd7e3a1-", "host-child-")


def made(folder: Path, session_id: str, parent: str | None = None, turns: int = 1) -> Path:
    path = folder / f"{session_id}.db"
    with SessionBuilder(path, session_id, parent_session_id=parent) as session:
        for number in range(turns):
            session.turn(f"{session_id} asks {number}", "Yes.")
    return path


def names(path: Path, **options: object) -> list[str]:
    return [each.session_id for each in session_family(path, **options).sessions]  # type: ignore[arg-type]


@pytest.fixture
def recorded_family(tmp_path: Path) -> Path:
    """A parent made by the real runtime, with its three children and sessions of others."""
    wanted = ("parent-cli", *CHILDREN, "std-tools", "std-frames-compaction")
    found = [
        path
        for name, path in stores.recorded_files("sessions/*.db.gz").items()
        if name.removeprefix("sessions/").startswith(wanted)
    ]
    if len(found) != len(wanted):
        pytest.skip(stores.why_missing() or "not among the recorded stores")
    for path in found:
        stores.unpack(path, tmp_path)
    return tmp_path / "parent-cli.db"


def test_the_runtimes_children_are_found_in_the_order_of_their_beginnings(
    recorded_family: Path,
) -> None:
    before = folder_state(recorded_family.parent)
    family = session_family(recorded_family)
    for each, beginning in zip(family.sessions[1:], CHILDREN, strict=True):
        assert each.file.startswith(beginning)
    assert [each.parent for each in family.sessions] == [None, 0, 0, 0]
    causes = [each.caused_by for each in family.sessions]
    assert [getattr(cause, "session_id", None) for cause in causes] == [None, *["parent"] * 2, None]
    assert folder_state(recorded_family.parent) == before
    assert len(session_family(recorded_family, children=False)) == 1


def test_every_session_says_what_its_own_transcript_says(recorded_family: Path) -> None:
    family = session_family(recorded_family)
    document = json.loads(family.json())["sessions"]
    chats = family.chat()
    for each, whole, chat in zip(family.sessions, document, chats, strict=True):
        with lg.open(each.path) as store:
            alone = store.tree().transcript()
        assert whole["transcript"] == json.loads(alone.json())
        assert chat["messages"] == alone.chat()
        entries = alone.markdown().partition("## 1. ")[2]
        assert re.sub(r"\n## (\d+\. )", r"\n### \1", entries) in family.markdown()
    assert [each.get("parent_session_id") for each in chats] == [None, "parent", "parent", "parent"]


def test_a_family_goes_down_and_ends_at_a_circle(tmp_path: Path) -> None:
    one = made(tmp_path, "one", parent="three")
    made(tmp_path, "two", parent="one")
    made(tmp_path, "three", parent="two")
    made(tmp_path, "other")
    assert names(one) == ["one", "two", "three"]
    own = made(tmp_path, "own", parent="own")
    assert names(own) == ["own"]


def test_a_grandchild_stands_below_its_parent(tmp_path: Path) -> None:
    top = made(tmp_path, "top")
    for name, parent in (("a", "top"), ("a1", "a"), ("b", "top"), ("b1", "b"), ("a2", "a1")):
        made(tmp_path, name, parent)
    family = session_family(top)
    place = {each.session_id: at for at, each in enumerate(family.sessions)}
    for name, parent in (("a", "top"), ("a1", "a"), ("b", "top"), ("b1", "b"), ("a2", "a1")):
        assert family.sessions[place[name]].parent == place[parent]
    assert place["a1"] == place["a"] + 1


def test_children_may_be_in_another_folder(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    top = made(tmp_path, "top")
    made(tmp_path, "near", "top")
    made(tmp_path / "there", "far", "top")
    assert names(top) == ["top", "near"]
    assert names(top, children_in=tmp_path / "there") == ["top", "far"]
    with pytest.raises(StoreNotFoundError, match="no such folder"):
        session_family(top, children_in=tmp_path / "nowhere")


def test_a_copy_of_a_child_is_a_file_of_its_own(tmp_path: Path) -> None:
    top = made(tmp_path, "top")
    child = made(tmp_path, "child", "top")
    shutil.copyfile(child, tmp_path / "copy.db")
    (tmp_path / "link.db").symlink_to(child)
    assert len(session_family(top)) == 3


def test_what_cannot_be_looked_at_is_told(tmp_path: Path) -> None:
    top = made(tmp_path, "top")
    (tmp_path / "folder.db").mkdir()
    (tmp_path / "empty.db").touch()
    with closing(sqlite3.connect(tmp_path / "shop.db")) as shop:
        shop.execute("CREATE TABLE goods (name)")
    assert names(top) == ["top"]
    (tmp_path / "torn.db").write_bytes(b"no database " * 90)
    with pytest.warns(DamagedDataWarning, match=r"1 files could not .*torn\.db"):
        assert names(top) == ["top"]
    assert names(top, children=False) == ["top"]


def test_unreadable_nodes_are_counted(recorded: Callable[[str], Path]) -> None:
    path = recorded("damaged/node-not-json.db.gz")
    with pytest.warns(DamagedDataWarning):
        family = session_family(path)
    assert family.sessions[0].n_unreadable == 1
    assert "nodes left out, unreadable: `1`" in family.markdown()
    assert json.loads(family.json())["sessions"][0]["n_unreadable"] == 1


def test_every_frame_is_taken_when_asked(recorded: Callable[[str], Path]) -> None:
    path = recorded("sessions/std-frames-354909eb8f44e964.db.gz")
    current, every = (session_family(path, every_frame=wanted) for wanted in (False, True))
    assert len(every.sessions[0].transcript) > len(current.sessions[0].transcript)
