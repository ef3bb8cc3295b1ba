"""What stands beside sessions: processes, effects and host events."""

# ruff: noqa: F811 - fixtures are taken by their names

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import stores
from corpora import built, corpus, recorded_sessions  # noqa: F401 - fixtures

import lashgraph as lg
from lashgraph.corpus import open_corpus
from lashgraph.errors import DamagedDataWarning


def test_processes_effects_and_host_events_are_joined_to_sessions(recorded_sessions: Path) -> None:
    packed = stores.recorded_files("sessions/siblings/*.db.gz")
    for name, path in packed.items():
        target = Path(name).stem.replace("__", "-")
        (recorded_sessions / target).write_bytes(gzip.decompress(path.read_bytes()))
    corpus = open_corpus(recorded_sessions)
    processes = corpus.processes()
    assert len(processes) == 13
    assert set(processes["status"]) == {"completed"}
    with closing(sqlite3.connect(recorded_sessions / "processes.db")) as connection:
        grants = dict(
            connection.execute("SELECT process_id, session_id FROM process_handle_grants")
        )
        turns = dict(
            connection.execute("SELECT process_id, count(*) FROM process_events GROUP BY 1")
        )
    rows = processes[processes["path"].str.endswith("/processes.db")].set_index("process_id")
    assert rows["session_id"].to_dict() == grants
    assert rows["n_events"].to_dict() == turns
    spawned = rows.dropna(subset="child_session_id")
    families = corpus.families().set_index("session_id")
    for row in spawned[spawned["session_id"] == "parent"].itertuples():
        assert families.loc[row.child_session_id, "parent_session_id"] == "parent"
    for row in processes.dropna(subset="session_path").itertuples():
        with lg.open(row.session_path) as store:
            assert store.session_id == row.session_id

    effects = corpus.effects()
    assert len(effects) == 519 + 4
    assert effects["session_id"].notna().all()
    turns = corpus.turns().groupby("session_id")["turn_id"].agg(set)
    known = effects[effects["session_id"].isin(["std-tools", "std-fresh", "rlm-code"])]
    for row in known[known["scope_id"].str.contains("turn-")].itertuples():
        assert row.scope_id in turns[row.session_id]
    assert effects["failed"].sum() == 1

    events = corpus.host_events()
    assert events["session_id"].tolist() == ["rebuild-conformance"] * 2
    assert set(events["process_id"]) <= set(processes["process_id"])
    assert json.loads(events["payload"][0])["id"] == "daily-2026-06-01"
    assert set(corpus.filter("session_id == 'rlm-code'").processes()["session_id"]) == {"rlm-code"}


def test_databases_above_the_folder_of_sessions_are_found(
    recorded_sessions: Path, tmp_path: Path
) -> None:
    for kind in ("effects", "host-events", "processes"):
        packed = stores.find(f"sessions/siblings/wake-drained__{kind}.db.gz")
        (tmp_path / f"{kind}.db").write_bytes(gzip.decompress(packed.read_bytes()))
    corpus = open_corpus(recorded_sessions)
    assert corpus.processes()["path"].tolist() == [str(tmp_path / "processes.db")]
    assert len(corpus.effects()) == 4
    assert len(corpus.host_events()) == 1
    (tmp_path / "effects.db").write_bytes(b"no database" * 200)
    with pytest.warns(DamagedDataWarning):
        assert corpus.effects().empty
    assert corpus.errors()[["path", "stage"]].values.tolist() == [
        [str(tmp_path / "effects.db"), "effects"]
    ]
    shutil.copy(tmp_path / "processes.db", tmp_path / "host-events.db")
    with pytest.raises(lg.errors.MissingTableError, match="other releases are not read"):
        corpus.host_events(strict=True)
