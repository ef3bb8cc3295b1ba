"""A corpus in Parquet: the same frames, what changed is read again, and no crash loses anything."""

# ruff: noqa: F811 - fixtures are taken by their names

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import stores
from corpora import (  # noqa: F401 - fixtures
    built,
    corpus,
    folder,
    recorded_sessions,
)
from pandas.testing import assert_frame_equal
from processes import run_script

import lashgraph as lg
from lashgraph.corpus import Corpus, lock, open_corpus, schema
from lashgraph.corpus.parquet_format import ALL, OF_FILES
from lashgraph.corpus.parquet_manifest import MANIFEST
from lashgraph.errors import (
    CorpusLockedError,
    ExportError,
    InvalidRecordError,
    NotExportedError,
    ReadOnlyStoreError,
    StoreNotFoundError,
    UnknownColumnError,
    UnwritablePathError,
)

FRAMES = (*ALL, "families", "shared_blobs", "files")
SOME = ["sessions", "nodes", "blobs"]
Stamps = dict[str, tuple[int, int]]


@pytest.fixture(scope="session")
def exported(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All frames of the sample sessions."""
    place = tmp_path_factory.mktemp("exported")
    corpus.to_parquet(place)
    return place


def same(found: Corpus, live: Corpus, names: Any = FRAMES) -> None:
    """Every frame of an export is the one of its corpus, whatever it is made of."""
    has(found, {name: getattr(live, name)() for name in names})


def has(found: Corpus, frames: dict[str, pd.DataFrame]) -> None:
    """An export has these frames."""
    for name, wanted in frames.items():
        got = getattr(found, name)()
        assert_frame_equal(got, wanted, obj=name)
        assert got.attrs == wanted.attrs, name


def parts_of(place: Path) -> Stamps:
    """Inode and time of change of every file of an export."""
    return {
        str(path.relative_to(place)): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in place.rglob("*")
        if path.is_file()
    }


def change(path: Path) -> None:
    with lg.open(path, mode="rw") as store:
        store.put_blob(b"more of it")


# The same frames


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_comes_back_as_it_was(corpus: Corpus, exported: Path, name: str) -> None:
    same(open_corpus(exported), corpus, [name])


def test_columns_and_parts_of_a_corpus_are_chosen_as_before(corpus: Corpus, exported: Path) -> None:
    found = open_corpus(exported)
    columns = ["timestamp", "role", "path"]
    assert_frame_equal(found.nodes(columns=columns), corpus.nodes(columns=columns))
    assert found.nodes(columns=[]).shape == corpus.nodes(columns=[]).shape
    for choose in (
        lambda one: one.filter("n_turns > 10"),
        lambda one: one.filter(relation="child"),
        lambda one: one.sample(3, seed=5),
        lambda one: one.filter(lambda sessions: [False] * len(sessions)),
    ):
        same(choose(found), choose(corpus), ["sessions", "messages", "processes", "families"])
    assert found.paths() == corpus.paths()
    assert nodes_of(found) == nodes_of(corpus)
    with found.open(found.paths()[0]) as store:
        assert store.path == found.paths()[0]


def nodes_of(found: Corpus) -> set[str]:
    return set(found.family_graph().nodes)


def test_a_part_of_a_corpus_is_exported_alone(corpus: Corpus, tmp_path: Path) -> None:
    part = corpus.filter(relation="child")
    assert part.to_parquet(tmp_path / "part", frames=SOME).files == 2
    same(open_corpus(tmp_path / "part"), part, SOME)


def test_an_empty_corpus_has_the_same_columns(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    live = open_corpus(tmp_path / "none")
    assert live.to_parquet(tmp_path / "parquet").files == 0
    same(open_corpus(tmp_path / "parquet"), live, ALL)


@pytest.mark.parametrize("kind", ["sessions", "damaged"])
@pytest.mark.filterwarnings("ignore::lashgraph.errors.DamagedDataWarning")
def test_recorded_stores_come_back_with_what_was_wrong(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "stores"
    place.mkdir()
    for packed in stores.recorded_files(f"{kind}/*.db.gz").values():
        content = gzip.decompress(packed.read_bytes())
        (place / packed.name.removesuffix(".gz")).write_bytes(content)
    (place / "no-database.db").write_bytes(b"plain text" * 100)
    with open_corpus(place) as live, open_corpus(place) as other:
        frames = {name: getattr(live, name)() for name in OF_FILES}
        frames |= {name: getattr(live, name)() for name in ALL if name not in frames}
        report = other.to_parquet(tmp_path / "parquet", executor=2)
        assert report.failed == live.errors()["path"].nunique() > 0
        has(open_corpus(tmp_path / "parquet"), frames)
        assert other.to_parquet(tmp_path / "parquet").failed == report.failed
        has(open_corpus(tmp_path / "parquet"), frames)


def test_what_stands_beside_the_sessions_comes_along(
    recorded_sessions: Path, tmp_path: Path
) -> None:
    found = stores.recorded_files("sessions/siblings/*.db.gz")
    if not found:
        pytest.skip(stores.why_missing() or "no sibling databases are among the recorded stores")
    for name, packed in found.items():
        (recorded_sessions / Path(name).stem).write_bytes(gzip.decompress(packed.read_bytes()))
    live = open_corpus(recorded_sessions)
    live.to_parquet(tmp_path / "parquet")
    back = open_corpus(tmp_path / "parquet")
    assert len(live.skipped())
    assert len(live.processes())
    same(back, live, ["processes", "effects", "host_events", "skipped", "errors"])
    chosen = [one.filter(relation="root") for one in (back, live)]
    same(*chosen, ["processes", "effects", "host_events"])
    again = open_corpus(recorded_sessions).to_parquet(tmp_path / "parquet")
    assert (again.read, again.kept) == (0, len(live))


def test_any_executor_writes_the_same(corpus: Corpus, exported: Path, tmp_path: Path) -> None:
    wanted = {name: (exported / name).read_bytes() for name in parts_of(exported)}
    with ThreadPoolExecutor(2) as threads:
        for number, executor in enumerate([2, threads]):
            place = tmp_path / str(number)
            corpus.to_parquet(place, executor=executor)
            assert {name: (place / name).read_bytes() for name in parts_of(place)} == wanted


# What other tools see


@pytest.mark.parametrize("name", ALL)
def test_a_part_says_what_its_columns_are(exported: Path, name: str) -> None:
    declared = schema(ALL[name].name)
    found = open_corpus(exported).parquet_files(name)  # type: ignore[attr-defined]
    for path in found:
        facts = json.loads(pq.read_schema(path).metadata[b"lashgraph"])
        assert facts["frame"] == name
        assert [row[0] for row in facts["columns"]] == declared["column"].tolist()
        assert [row[1] for row in facts["columns"]] == declared["dtype"].tolist()
    assert sorted(found) == sorted(map(str, (exported / name).glob("*.parquet")))
    plain = pd.read_parquet(exported / name)
    assert [str(dtype) for dtype in plain.dtypes] == [
        "str" if dtype == "category" else dtype for dtype in declared["dtype"]
    ]


def test_a_dataset_has_all_rows(corpus: Corpus, exported: Path) -> None:
    for name in ("nodes", "refs", "queued_work"):
        assert ds.dataset(exported / name).count_rows() == len(getattr(corpus, name)())


def test_duckdb_and_polars_count_the_same(corpus: Corpus, exported: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    polars = pytest.importorskip("polars")
    wanted = corpus.messages().groupby("role", observed=True).size().to_dict()
    pattern = str(exported / "messages" / "*.parquet")
    counted = duckdb.sql(f"SELECT role, count(*) FROM '{pattern}' GROUP BY role").fetchall()
    assert dict(counted) == wanted
    grouped = polars.scan_parquet(pattern).group_by("role").len().collect()
    assert dict(grouped.iter_rows()) == wanted


# What changed


def test_only_changed_files_are_read_again(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "parquet"
    open_corpus(folder).to_parquet(place, frames=SOME)
    wanted = open_corpus(place).nodes()
    before = parts_of(place)
    changed, *others = sorted(folder.glob("*.db"))
    change(changed)
    for path in others:  # nobody could read these, but their states say that they did not change
        state = path.stat()
        path.write_bytes(b"\0" * state.st_size)
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    report = open_corpus(folder).to_parquet(place)
    assert (report.files, report.read, report.kept, report.failed) == (9, 1, 8, 0)
    found = open_corpus(place)
    assert_frame_equal(found.nodes(), wanted)
    with lg.open(changed) as store:
        of_it = found.blobs().query("path == @store.path").reset_index(drop=True)
        assert_frame_equal(of_it, store.blobs())
    parts = {name for name in parts_of(place) if "part-" in name}
    assert sum(parts_of(place)[name] == before.get(name) for name in parts) == len(parts) - 3


def test_new_files_come_and_removed_files_leave(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "parquet"
    open_corpus(folder).to_parquet(place, frames=SOME)
    first, second, *_ = sorted(folder.glob("*.db"))
    shutil.copy(first, folder / "a-new-one.db")
    second.unlink()
    live = open_corpus(folder)
    report = live.to_parquet(place)
    assert (report.files, report.read, report.removed) == (9, 1, 1)
    same(open_corpus(place), live, SOME)
    assert ds.dataset(place / "nodes").count_rows() == len(live.nodes())
    for path in folder.glob("*.db"):
        path.unlink()
    assert open_corpus(folder).to_parquet(place).removed == 9
    assert open_corpus(place).nodes().empty
    assert ds.dataset(place / "nodes").count_rows() == 0


def test_a_frame_more_and_a_frame_less(corpus: Corpus, tmp_path: Path) -> None:
    corpus.to_parquet(tmp_path / "p", frames=["nodes"])
    before = parts_of(tmp_path / "p")
    report = corpus.to_parquet(tmp_path / "p", frames=["turns", "nodes"])
    assert report.frames == ("nodes", "turns", "errors", "skipped")
    assert report.read == 9
    kept = [name for name in before if name.startswith("nodes/part-")]
    assert all(parts_of(tmp_path / "p")[name] == before[name] for name in kept)
    assert corpus.to_parquet(tmp_path / "p", frames=["turns"]).read == 0
    assert not (tmp_path / "p" / "nodes").exists()
    same(open_corpus(tmp_path / "p"), corpus, ["turns"])


def test_another_policy_reads_all_again(built: Path, tmp_path: Path) -> None:
    place = tmp_path / "parquet"
    open_corpus(built).to_parquet(place, frames=SOME)
    options = lg.StoreOptions(gc_policy=lg.GcPolicy.runtime())
    live = open_corpus(built, options=options)
    assert live.to_parquet(place).read == 9
    same(open_corpus(place), live, SOME)


@pytest.mark.filterwarnings("ignore::lashgraph.errors.DamagedDataWarning")
def test_a_file_that_failed_is_tried_again(folder: Path, tmp_path: Path) -> None:
    path = min(folder.glob("*.db"))
    whole = path.read_bytes()
    path.write_bytes(b"\0" * 100 + whole[100:])
    place = tmp_path / "parquet"
    live = open_corpus(folder)
    report = live.to_parquet(place, frames=SOME)
    assert (report.files, report.failed) == (8, 1)
    assert open_corpus(place).errors()["path"].tolist() == [str(path)]
    same(open_corpus(place), live, [*SOME, "errors"])
    path.write_bytes(whole)
    report = open_corpus(folder).to_parquet(place)
    assert (report.files, report.read, report.failed) == (9, 1, 0)
    assert open_corpus(place).errors().empty


# Crashes

KILLED = """
import os, signal, sys
import lashgraph as lg
folder, place, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
calls = 0
def deadly(call):
    def called(*arguments):
        global calls
        calls += 1
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments)
    return called
with lg.open_corpus(folder) as corpus:
    os.fsync, os.replace, os.unlink = map(deadly, (os.fsync, os.replace, os.unlink))
    corpus.to_parquet(place, frames=["sessions", "nodes", "blobs"])
print(calls)
"""


@pytest.fixture
def changed(folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Sessions of which three changed, and one is gone, since they were exported."""
    place = tmp_path / "before"
    open_corpus(folder).to_parquet(place, frames=SOME)
    first, *others = sorted(folder.glob("*.db"))
    first.unlink()
    for path in others[:3]:
        change(path)
    return folder, place


def test_an_export_killed_anywhere_is_the_one_before_or_the_one_after(
    changed: tuple[Path, Path], tmp_path: Path
) -> None:
    folder, before = changed
    old, live = open_corpus(before), open_corpus(folder)
    whole = tmp_path / "whole"
    shutil.copytree(before, whole)
    steps = int(run_script(KILLED, str(folder), str(whole), "0").stdout)
    assert steps > 25
    wanted = set(parts_of(whole))
    frames = {
        is_old: {name: getattr(one, name)() for name in SOME}
        for is_old, one in ((True, old), (False, live))
    }
    seen = set()
    for step in [1, 2, *range(7, steps, max(steps // 7, 1)), steps - 3, steps]:
        place = Path(shutil.copytree(before, tmp_path / str(step)))
        killed = run_script(KILLED, str(folder), str(place), str(step))
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        found = open_corpus(place)
        is_old = found.paths() == old.paths()
        has(found, frames[is_old])
        seen.add(is_old)
        live.to_parquet(place)
        has(open_corpus(place), frames[False])
        assert set(parts_of(place)) == wanted
        shutil.rmtree(place)
    assert seen == {True, False}


def test_a_first_export_that_was_killed_says_so_and_is_completed(
    corpus: Corpus, built: Path, tmp_path: Path
) -> None:
    place = tmp_path / "parquet"
    assert run_script(KILLED, str(built), str(place), "20").returncode == -signal.SIGKILL
    with pytest.raises(ExportError, match="broken off before anything was in it"):
        open_corpus(place)
    assert corpus.to_parquet(place, frames=SOME).read == 9
    same(open_corpus(place), corpus, SOME)
    assert not list(place.rglob("*.tmp"))


FULL = """
import resource, sys
import lashgraph as lg
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, resource.RLIM_INFINITY))
try:
    lg.open_corpus(sys.argv[1]).to_parquet(sys.argv[2])
except lg.LashgraphError as error:
    print(type(error).__name__, error)
"""


def test_a_full_disk_is_an_error_and_loses_nothing(changed: tuple[Path, Path]) -> None:
    folder, place = changed
    old = open_corpus(place)
    wanted = {name: getattr(old, name)() for name in SOME}
    told = run_script(FULL, str(folder), str(place))
    assert told.stdout.startswith(f"UnwritablePathError {place}"), told.stderr
    assert "the export before is as it was" in told.stdout
    for name, frame in wanted.items():
        assert_frame_equal(getattr(open_corpus(place), name)(), frame)
    live = open_corpus(folder)
    live.to_parquet(place)
    same(open_corpus(place), live, SOME)


def test_two_exports_to_one_folder_at_once(corpus: Corpus, tmp_path: Path) -> None:
    corpus.to_parquet(tmp_path / "p", frames=["nodes"])
    before = parts_of(tmp_path / "p")
    with lock.locked(str(tmp_path / "p"), 0), pytest.raises(CorpusLockedError, match="nothing was"):
        corpus.to_parquet(tmp_path / "p")
    assert parts_of(tmp_path / "p") == before


def test_an_export_that_moved_on_says_so(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "parquet"
    open_corpus(folder).to_parquet(place, frames=["nodes"])
    found = open_corpus(place)
    for path in folder.glob("*.db"):
        change(path)
    open_corpus(folder).to_parquet(place)
    with pytest.raises(ExportError, match="made anew since it was opened"):
        found.nodes()
    assert len(open_corpus(place).nodes())


def test_parts_that_were_taken_out_are_made_again(corpus: Corpus, tmp_path: Path) -> None:
    place = tmp_path / "p"
    corpus.to_parquet(place, frames=SOME)
    before = parts_of(place)
    taken = min((place / "nodes").glob("part-*"))
    taken.unlink()
    with pytest.raises(ExportError, match="export again"):
        open_corpus(place).nodes()
    assert corpus.to_parquet(place).read == 1
    same(open_corpus(place), corpus, SOME)
    changed = {str(taken.relative_to(place)), MANIFEST}
    assert {name for name, state in parts_of(place).items() if before[name] != state} == changed


# Bad input


def test_what_is_not_there_is_named(corpus: Corpus, tmp_path: Path) -> None:
    corpus.to_parquet(tmp_path / "p", frames=["messages", "blobs"])
    found = open_corpus(tmp_path / "p")
    with pytest.raises(NotExportedError, match="has: messages, blobs, errors, skipped") as caught:
        found.nodes()
    assert caught.value.frame == "nodes"
    assert caught.value.exported == ("messages", "blobs", "errors", "skipped")
    for call in (
        found.sessions,
        found.families,
        found.processes,
        found.plan_gc,
        lambda: found.search("x"),
        lambda: len(found.filter("n_turns > 1")),
    ):
        with pytest.raises(NotExportedError, match=r"an export without \w+\(\)"):
            call()
    with pytest.raises(NotExportedError, match="exported with tombstoned=False"):
        found.messages(tombstoned=True)
    with pytest.raises(NotExportedError, match="exported with verify=False"):
        found.blobs(verify=True)
    with pytest.raises(UnknownColumnError, match="did you mean 'role'"):
        found.messages(columns=["roles"])
    with pytest.raises(InvalidRecordError, match="an export already"):
        found.to_parquet(tmp_path / "q")
    with pytest.raises(ReadOnlyStoreError, match="only read"):
        open_corpus(tmp_path / "p", mode="rw")
    with pytest.raises(StoreNotFoundError):
        found.open("no such session")


def test_folders_that_hold_something_else_are_left_alone(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ExportError, match=r"thesis\.tex"):
        corpus.to_parquet(tmp_path)
    with pytest.raises(ExportError, match="no folder"):
        corpus.to_parquet(tmp_path / "thesis.tex")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    corpus.to_parquet(tmp_path / "p", frames=["usage"])
    (tmp_path / "p" / "usage" / "mine.parquet").write_bytes(b"mine")
    corpus.to_parquet(tmp_path / "p")
    assert (tmp_path / "p" / "usage" / "mine.parquet").read_bytes() == b"mine"


@pytest.mark.parametrize("frames", ["nodes", ["nodez"], [3], 3])
def test_frames_that_there_are_not(corpus: Corpus, tmp_path: Path, frames: Any) -> None:
    with pytest.raises((UnknownColumnError, InvalidRecordError)):
        corpus.to_parquet(tmp_path / "p", frames=frames)
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b'{"format": 1}', b'{"format": 2, "files": 3}', b"\xff", b"[" * 9999],
)
def test_a_manifest_that_cannot_be_read(corpus: Corpus, tmp_path: Path, content: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(content)
    for call in (open_corpus, corpus.to_parquet):
        with pytest.raises(ExportError, match="manifest of an export cannot be read"):
            call(tmp_path)
    assert (tmp_path / MANIFEST).read_bytes() == content


def test_a_manifest_leads_nowhere_else(corpus: Corpus, tmp_path: Path) -> None:
    corpus.to_parquet(tmp_path / "p", frames=["usage"])
    path = tmp_path / "p" / MANIFEST
    told = json.loads(path.read_text())
    told["files"][0]["parts"]["usage"]["file"] = "../../elsewhere.parquet"
    path.write_text(json.dumps(told))
    with pytest.raises(ExportError, match="elsewhere"):
        open_corpus(tmp_path / "p").usage()
    told["files"][0]["listed"] = []
    path.write_text(json.dumps(told))
    with pytest.raises(ExportError, match="export again"):
        open_corpus(tmp_path / "p")


def test_damaged_parts(corpus: Corpus, tmp_path: Path) -> None:
    place = tmp_path / "p"
    corpus.to_parquet(place, frames=["usage"])
    path = next((place / "usage").glob("part-*"))
    table = pq.read_table(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ExportError, match="cannot be read"):
        open_corpus(place).usage()
    pq.write_table(table.replace_schema_metadata({}), path)
    with pytest.raises(ExportError, match="other columns"):
        open_corpus(place).usage()


def test_unwritable_folders(corpus: Corpus, tmp_path: Path) -> None:
    corpus.to_parquet(tmp_path / "p", frames=["usage"])
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere")
    os.chmod(tmp_path / "p", 0o500)
    try:
        with pytest.raises(UnwritablePathError, match="cannot be written"):
            corpus.to_parquet(tmp_path / "p")
    finally:
        os.chmod(tmp_path / "p", 0o700)


def test_what_is_documented_runs(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("duckdb")
    pytest.importorskip("polars")
    shutil.copytree(built, tmp_path / "sessions")
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).resolve().parents[1] / "docs" / "corpora.md").read_text()
    section = text[text.index("\n## Parquet\n") + 1 :].partition("\n## ")[0]
    blocks = [part.partition("```")[0] for part in section.split("```python\n")[1:]]
    assert len(blocks) == 3
    names: dict[str, Any] = {"lg": lg}
    for block in blocks:
        exec(block.replace("executor=8", "executor=None"), names)
    assert names["report"].read == 9
    counted = names["duckdb"].sql("SELECT count(*) FROM 'parquet/usage/*.parquet'").fetchall()
    assert counted == [(len(names["exported"].usage()),)]
