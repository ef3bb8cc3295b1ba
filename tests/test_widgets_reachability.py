"""reachability() without a browser: what it sends and answers is what the store's own calls say."""

from __future__ import annotations

import re
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import traitlets
from widget_pages import Page, wired

import lashgraph as lg
from lashgraph import errors
from lashgraph.testing.corpus import build_corpus
from lashgraph.testing.damage import DAMAGES, damage
from lashgraph.testing.large import build_large_blobs
from lashgraph.widgets import ReachabilityView, reachability

assert wired
Recorded = Callable[[str], Path]

LONG = "sessions/long-300-c8fddabf35d16add.db.gz"
CODE = "sessions/rlm-code-01c638196ebbe841.db.gz"
FRAMES = "sessions/rlm-frames-gc-1007d3fa542c3a1c.db.gz"
HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session of many turns; nobody writes to it."""
    return build_corpus(tmp_path_factory.mktemp("corpus"))[0]


@pytest.fixture(params=[LONG, CODE, FRAMES, "built"])
def store(request: pytest.FixtureRequest, recorded: Recorded, built: Path) -> Iterator[lg.Store]:
    with lg.open(built if request.param == "built" else recorded(request.param)) as opened:
        yield opened


@pytest.fixture
def code(recorded: Recorded) -> Iterator[lg.Store]:
    with lg.open(recorded(CODE)) as opened:
        yield opened


def array(view: ReachabilityView, name: str, dtype: str) -> Any:
    return np.frombuffer(view._picture[name], dtype)


def exact(told: str) -> int:
    """The bytes of a text such as ``2.1 kB (2,057 bytes): itself``."""
    found = re.search(r"([\d,]+) bytes", told)
    assert found is not None, told
    return int(found[1].replace(",", ""))


def test_the_picture_is_the_frame_of_blobs_and_the_graph(store: lg.Store) -> None:
    view = reachability(store)
    reach = store.reachability()
    blobs, graph = reach.blobs(), reach.to_networkx()
    hashes = [row.tobytes().hex() for row in array(view, "hashes", "u1").reshape(-1, 32)]
    assert hashes == blobs["hash"].tolist()
    assert array(view, "sizes", "<f8").tolist() == blobs["stored_bytes"].tolist()
    names = ["live", "dangling", "dead", "gone"]
    assert [names[at] for at in array(view, "states", "u1")] == blobs["state"].tolist()
    kinds = [view._picture["kind_names"][at] for at in array(view, "kinds", "u1")]
    assert kinds == blobs["kind"].fillna("not there").tolist()
    roots = [root["key"] for root in view._picture["roots"]]
    places = roots + hashes
    named = {(places[a], hashes[b]) for a, b in array(view, "namings", "<i4").reshape(-1, 2)}
    assert named == set(graph.edges)
    followed = {key for key, one in graph.nodes(data=True) if one["layer"] == "manifest"}
    of_kind = set(blobs.loc[blobs["kind"] == "CheckpointManifest", "hash"])
    drawn = array(view, "manifests", "u1").astype(bool)
    assert set(blobs.loc[drawn, "hash"]) == followed | of_kind


def test_the_answer_is_that_of_why(store: lg.Store, wired: type[Page]) -> None:
    page = wired(reachability(store))
    reach = store.reachability()
    blobs = reach.blobs()
    held = reach.retained().set_index("ref")
    lives = store.blobs().set_index("hash")
    for row in [*blobs.head(20).itertuples(), *blobs.tail(20).itertuples()]:
        told, why = page.ask("why", key=row.hash), reach.why(row.hash)
        assert (told["key"], told["state"], told["lines"]) == (row.hash, why.state, why.lines())
        more = [line for line in reach.why(row.hash, all=True).lines() if line not in told["lines"]]
        assert told["more"] == more
        facts = dict(told["facts"])
        if why.state == "live":
            ref = f"manifest:{row.hash}"
            is_held = ref in held.index
            retained = held.loc[ref, "retained_bytes"] if is_held else row.stored_bytes
            assert exact(facts["retained"]) == retained
        if row.hash in lives.index and isinstance(lives.loc[row.hash, "last_turn_id"], str):
            assert facts["first named by"] == lives.loc[row.hash, "first_turn_id"]
            assert facts["last named by"] == lives.loc[row.hash, "last_turn_id"]


def test_a_root_tells_what_it_holds(store: lg.Store, wired: type[Page]) -> None:
    view = reachability(store)
    page = wired(view)
    for row in store.reachability().retained().query("layer == 'root'").itertuples():
        page.set(selection=row.ref)
        assert view.selection == row.ref
        facts = dict(page.ask("why", key=row.ref)["facts"])
        assert facts["reaches"].startswith(f"{row.n_blobs:,} blob")
        assert exact(facts["retains alone"]) == row.retained_bytes


def test_a_manifest_that_is_kept_by_name_is_a_root_too(code: lg.Store, wired: type[Page]) -> None:
    key = code.reachability().blobs().query("kind == 'CheckpointManifest'")["hash"].iloc[0]
    ref = f"manifest:{key}"
    page = wired(reachability(code, keep=[ref]))
    held = code.reachability(keep=[ref]).retained().set_index(["layer", "ref"])
    facts = dict(page.ask("why", key=ref)["facts"])
    assert exact(facts["retains alone"]) == held.loc[("root", ref), "retained_bytes"]
    facts = dict(page.ask("why", key=key)["facts"])
    assert exact(facts["retained"]) == held.loc[("manifest", ref), "retained_bytes"]


def test_a_selection_goes_both_ways(code: lg.Store, wired: type[Page]) -> None:
    view = reachability(code)
    page = wired(view)
    first, second = code.blobs()["hash"].head(2)
    view.selection = first[:10]
    assert (view.selection, page.state["selection"]) == (first, first)
    seen: list[str] = []
    view.observe(lambda change: seen.append(change["new"]), "selection")
    page.set(selection=second)
    assert (seen, view.selection) == ([second], second)
    with pytest.raises(traitlets.TraitError, match="no blob's hash begins with"):
        view.selection = "ffff" * 16
    page.set(selection="ffff" * 16)
    assert "no blob's hash begins with" in page.state["error"]
    assert page.state["selection"] == view.selection == second
    page.set(selection="")
    assert page.state["error"] == ""


def test_a_filter_goes_both_ways(store: lg.Store, wired: type[Page]) -> None:
    view = reachability(store)
    page = wired(view)
    blobs = store.reachability().blobs()
    kind = blobs["kind"].mode()[0]
    middle = int(blobs["stored_bytes"].median())
    page.set(kinds=[kind], min_bytes=middle, state="dead")
    wanted = blobs[
        (blobs["kind"] == kind) & (blobs["stored_bytes"] >= middle) & (blobs["state"] == "dead")
    ]
    assert view.matching()["hash"].tolist() == wanted["hash"].tolist()
    view.kinds, view.min_bytes, view.max_bytes, view.state = [], None, middle, "live"
    names = ("kinds", "min_bytes", "max_bytes", "state")
    assert [page.state[name] for name in names] == [[], None, middle, "live"]
    wanted = blobs[(blobs["stored_bytes"] <= middle) & (blobs["state"] == "live")]
    assert view.matching()["hash"].tolist() == wanted["hash"].tolist()


@pytest.mark.parametrize(
    ("name", "value"),
    [("kinds", ["Nothing"]), ("min_bytes", -1), ("max_bytes", -5), ("state", "asleep")],
)
def test_a_filter_that_is_none_is_refused(
    name: str, value: Any, code: lg.Store, wired: type[Page]
) -> None:
    view = reachability(code)
    page = wired(view)
    before = getattr(view, name)
    with pytest.raises(traitlets.TraitError):
        setattr(view, name, value)
    page.set(**{name: value})
    assert page.state["error"]
    assert page.state[name] == getattr(view, name) == before


def test_ten_thousand_blobs_are_sent_once_and_filtered_without_them(
    tmp_path: Path, wired: type[Page]
) -> None:
    path = tmp_path / "large.db"
    build_large_blobs(path, blobs=10_000, live=1_000, total_bytes=2_000_000)
    with lg.open(path) as opened:
        page = wired(reachability(opened))
    first = page.bytes
    assert first < 2_000_000
    page.set(min_bytes=200, state="dead")
    page.ask("why", key=page.widget.matching()["hash"].iloc[0])
    assert page.bytes - first < 5_000


def test_what_changed_is_told_and_read_again(recorded: Recorded, wired: type[Page]) -> None:
    path = recorded(CODE)
    with lg.open(path) as opened:
        view = reachability(opened)
        page = wired(view)
        doomed = sorted(view.reach.dead)[0]
        page.set(selection=doomed)
        with lg.open(path, "rw") as writer:
            writer.sweep(writer.plan_gc())
            added = writer.put_blob(b"new")
        page.ask("look")
        assert "the file changed" in page.state["stale"]
        assert doomed in view.reach.dead
        page.ask("reload")
        assert page.state["stale"] == ""
        assert view.reach.dead == {added}
        assert page.ask("why", key=page.state["selection"])["state"] == "gone"
        page.set(selection=added)
        with lg.open(path, "rw") as writer:
            writer.gc_unreachable()
        view.reload()
        assert page.state["selection"] == ""


def test_it_outlives_its_store(code: lg.Store, wired: type[Page]) -> None:
    view = reachability(code)
    page = wired(view)
    reach = code.reachability()
    code.close()
    key = sorted(reach.dead)[0]
    assert page.ask("why", key=key)["lines"] == reach.why(key).lines()
    assert "the store was closed" in page.state["stale"]
    assert "the store was closed" in page.ask("reload")["error"]
    assert view.reach.dead == reach.dead


def test_a_closed_store_is_told(code: lg.Store, wired: type[Page]) -> None:
    code.close()
    view = reachability(code)
    page = wired(view)
    assert "the store was closed" in page.state["error"]
    assert "the store was closed" in repr(view)
    assert "the store was closed" in view._repr_mimebundle_()[0]["text/html"]
    assert "the store was closed" in page.ask("why", key="0" * 64)["error"]
    with pytest.raises(errors.StoreClosedError):
        view.matching()


def test_an_empty_store_has_nothing_to_choose(wired: type[Page]) -> None:
    with lg.open(":memory:") as empty:
        view = reachability(empty)
    page = wired(view)
    assert (len(view.matching()), view._picture["roots"], page.state["error"]) == (0, [], "")
    assert "0 blobs alive" in view._repr_mimebundle_()[0]["text/plain"]


@pytest.mark.parametrize("kind", DAMAGES)
def test_damage_is_told(kind: str, built: Path, tmp_path: Path, wired: type[Page]) -> None:
    path = Path(shutil.copy(built, tmp_path))
    damage(path, kind)
    with lg.open(path) as opened:
        view = reachability(opened)
        reach = opened.reachability()
    page = wired(view)
    assert bool(page.state["notice"]) == bool(reach.findings)
    for finding in reach.findings[:3]:
        assert finding in page.state["notice"]
    for key in sorted(reach.dangling) + sorted(reach.dead)[:3]:
        assert page.ask("why", key=key)["state"] == reach.why(key).state


def test_keys_that_are_no_hashes_are_shown_as_texts(recorded: Recorded, wired: type[Page]) -> None:
    path = recorded(CODE)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO blobs (hash, content) VALUES (?, x'00')", (HOSTILE + "\u202e",)
        )
        connection.commit()
    with lg.open(path) as opened:
        view = reachability(opened)
    page = wired(view)
    ((at, shown),) = view._picture["odd"].items()
    assert shown == HOSTILE + "\ufffd"
    assert view.reach.blobs()["hash"].iloc[int(at)] == HOSTILE + "\u202e"
    page.set(selection=shown)
    assert (view.selection, page.ask("why", key=shown)["state"]) == (shown, "dead")
    html = view._repr_mimebundle_()[0]["text/html"]
    assert "&lt;img src=x" in html
    assert "<img src=x" not in html


def test_without_a_kernel_there_is_a_picture_and_the_answer(code: lg.Store) -> None:
    view = reachability(code)
    key = sorted(view.reach.live)[0]
    view.selection = key
    data = view._repr_mimebundle_()[0]
    assert key in data["text/plain"]
    assert "\n" not in data["text/plain"]
    assert 'src="data:image/png;base64,iVBOR' in data["text/html"]
    assert key in data["text/html"]


@pytest.mark.parametrize("value", [None, "session.db", 3, lg.open_corpus([])])
def test_what_is_no_store_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=r"reachability takes a Store as lashgraph\.open gives it"):
        reachability(value)


def test_what_a_policy_does_not_have_is_refused(code: lg.Store) -> None:
    with pytest.raises(errors.InvalidRecordError, match="a policy has no keep_turn"):
        reachability(code, keep_turn=3)
    with pytest.raises(errors.UnknownRefError):
        reachability(code, keep=["turn:none"])
    assert reachability(code, keep_turns=3).reach.policy.keep_turns == 3


def test_any_thread_may_choose(code: lg.Store, wired: type[Page]) -> None:
    view = reachability(code)
    page = wired(view)
    keys = code.blobs()["hash"].tolist()
    failed: list[BaseException] = []

    def choose(mine: list[str]) -> None:
        try:
            for key in mine:
                page.set(selection=key)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=choose, args=(keys[at::4],)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert page.state["error"] == ""
    assert view.selection in keys
