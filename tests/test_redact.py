"""Redacted copies: the same store in all but what it says, and nothing of that."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import stores
from redacted import facts
from typer.testing import CliRunner

import lashgraph as lg
from lashgraph.cli.app import app
from lashgraph.corpus import open_corpus
from lashgraph.errors import LeakError, StoreExistsError, StoreNotFoundError
from lashgraph.format.blob import MODULE, wrap
from lashgraph.redact import redact
from lashgraph.redact.pieces import pieces
from lashgraph.redact.replacer import Replacer
from lashgraph.redact.words import words_in
from lashgraph.testing.builders import SessionBuilder, ToolCall
from lashgraph.testing.damage import DAMAGES, damage

Recorded = Callable[[str], Path]

SEED = 1
"""With it every compressed blob of these stores has its size again, but for those of long-300."""

SESSIONS = [
    "rlm-code-01c638196ebbe841",
    "rlm-frames-1dda3e9e568fca5d",
    "std-tools-366bbb0a4d808158",
    "std-branches-tombstoned-c1f94a557c1e99e9",
    "std-frames-compaction-3bd4a3b413cf2447",
]


def copy_of(source: Path, out: Path, **options: Any) -> Path:
    """The one copy that redacting one store makes."""
    (file,) = redact(source, out, **options).files
    assert file.outcome == "redacted", file.message
    return out / str(file.output)


def said(path: Path) -> set[bytes]:
    """Every word that a store says."""
    with closing(sqlite3.connect(path)) as connection:
        return {word for piece in pieces(connection) for word in words_in(piece.said)}


@pytest.mark.parametrize("name", SESSIONS)
def test_a_copy_of_a_real_session_is_the_same_store(
    name: str, recorded: Recorded, tmp_path: Path
) -> None:
    source = recorded(f"sessions/{name}.db.gz")
    before = source.read_bytes()
    copy = copy_of(source, tmp_path / "shared", seed=SEED)
    assert facts(copy) == facts(source)
    assert source.read_bytes() == before
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_a_copy_of_a_long_session_is_the_same_store(recorded: Recorded, tmp_path: Path) -> None:
    source = recorded("sessions/long-300-c8fddabf35d16add.db.gz")
    report = redact(source, tmp_path / "shared", seed=SEED)
    copy = tmp_path / "shared" / str(report.files[0].output)
    told = {"sizes": False, "frames": ("nodes", "tool_calls", "turns", "blobs")}
    assert facts(copy, **told) == facts(source, **told)
    sizes = [store_sizes(path) for path in (source, copy)]
    larger = [kind for (kind, old), (_, new) in zip(*sizes, strict=True) if new != old]
    assert set(larger) <= {"ToolState"}
    assert len(larger) == report.files[0].n_resized
    assert sum(new for _, new in sizes[1]) < 1.03 * sum(old for _, old in sizes[0])


def store_sizes(path: Path) -> list[tuple[str, int]]:
    with lg.open(path) as store:
        blobs = store.blobs()
    return list(zip(blobs["kind"], blobs["stored_bytes"], strict=True))


@pytest.mark.parametrize("gz", stores.recorded_params("damaged/*.db.gz"))
def test_a_copy_of_a_damaged_store_is_damaged_alike(gz: Path, tmp_path: Path) -> None:
    source = stores.unpack(gz, tmp_path)
    assert facts(copy_of(source, tmp_path / "shared", seed=SEED)) == facts(source)


@pytest.mark.parametrize("kind", DAMAGES)
def test_damage_stays_what_it_is(kind: str, tmp_path: Path) -> None:
    source = tmp_path / "one.db"
    with SessionBuilder(source, "damaged-one") as session:
        for number in range(3):
            session.turn(f"question {number}", "an answer", [ToolCall("look", {"n": 1}, "seen")])
        session.new_agent_frame("again")
        session.archive("kept for later " * 400, "pruned")
        session.turn("the last question", "the last answer")
    damage(source, kind)
    assert facts(copy_of(source, tmp_path / "shared", seed=SEED)) == facts(source)


def test_nothing_that_was_said_is_left(recorded: Recorded, tmp_path: Path) -> None:
    source = recorded("sessions/rlm-code-01c638196ebbe841.db.gz")
    copy = copy_of(source, tmp_path / "shared")
    raw = copy.read_bytes()
    for told in (b"compute something", b"undefined_name", b"mock-model", b"researcher", b"onerror"):
        assert told in source.read_bytes()
        assert told not in raw
    assert not {word for word in said(copy) & said(source) if word.isdigit() and len(word) > 9}
    assert b"rlm-code" not in copy.name.encode() + raw


def test_the_same_text_is_the_same_filler_in_all_files(tmp_path: Path) -> None:
    for name in ("parent", "child", "other"):
        parent = "parent" if name == "child" else None
        with SessionBuilder(tmp_path / f"{name}.db", name, parent_session_id=parent) as session:
            session.turn("what we all ask", f"only {name} answers", [ToolCall("grep", {}, "x")])
    redact(tmp_path, tmp_path / "shared")
    with open_corpus(tmp_path / "shared") as corpus:
        messages, families = corpus.messages(), corpus.families()
        calls = corpus.tool_calls()
        names = corpus.sessions()["session_id"]
    asked = messages.loc[messages["role"] == "User", "text"]
    assert asked.nunique() == 2, "one question of all, one result of all"
    assert calls["tool_name"].nunique() == 1
    assert families["n_descendants"].tolist().count(1) == 1
    assert names.nunique() == 3
    assert not set(names) & {"parent", "child", "other"}


def test_what_blobs_name_is_named_anew(tmp_path: Path) -> None:
    source = tmp_path / "one.db"
    with SessionBuilder(source, "one") as session:
        session.turn("a question", "an answer")
        archive = session.store.put_blob(b"what was pruned, in full")
        text = f"see blob {archive} for more"
        letter = session.store.put_blob(text.encode())
        session.archive("a long result " * 90, "it was long")
    copy = copy_of(source, tmp_path / "shared")
    with lg.open(copy) as store:
        hashes = set(store.blobs()["hash"])
        contents = [store.get_blob(key) for key in hashes]
        assert store.check(level="full")["code"].tolist() == ["runtime-gc-deletes"]
    (made,) = (content for content in contents if content and len(content) == len(text))
    assert [key for key in hashes if key.encode() in made], "it names a blob that is there"
    assert not {archive, letter} & hashes


def test_names_keep_their_parts() -> None:
    replace = Replacer(b"secret")
    path = replace.text("/home/ada/notes.txt")
    assert path.startswith(replace.text("/home/ada/"))
    assert [path.count(mark) for mark in "/."] == [3, 1]
    assert replace.text("abc:frame:initial") == f"{replace.text('abc')}:frame:initial"


@pytest.mark.parametrize(
    "text",
    [
        '{"path":"/etc/passwd","n":[1,2.5,-3e10,true,null]}',
        '{ "spaced" : "\\u00e9\\ud83e\\udd80 \\n" }',
        '[Tool execution failed]\n{"code":17}',
        "Plan:\n\n```python\nprint('x')\n```\nDone.",
        "naïve café — 日本語 🦀 \u202ertl",
        'quoted "text" with \\ and \t tabs\r\n\x01\x7f',
        "   padded\n",
        "aaaaaaaa" * 200,
        "see " + "0123456789abcdef" * 4 + " there",
        "x" * 600,
    ],
)
def test_a_filler_is_as_long_in_every_form(text: str) -> None:
    made = Replacer(b"secret").text(text)
    assert made != text
    assert len(made.encode()) == len(text.encode())
    once, again = json.dumps(text, ensure_ascii=False), json.dumps(made, ensure_ascii=False)
    assert len(once) == len(again)
    assert len(json.dumps(once, ensure_ascii=False)) == len(json.dumps(again, ensure_ascii=False))
    assert is_json(made) == is_json(text)


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def test_short_texts_and_numbers_stay_different() -> None:
    replace = Replacer(b"secret")
    letters = [chr(code) for code in range(0x21, 0x7F) if chr(code) not in ':./"\\0123456789']
    assert len({replace.text(letter) for letter in letters}) == len(letters)
    pairs = [a + b for a in "abcdefgh" for b in "abcdefgh"]
    assert len({replace.text(pair) for pair in pairs}) == len(pairs)
    numbers = [str(number) for number in range(1, 1000)]
    made = [replace.integer(number) for number in numbers]
    assert len(set(made)) == len(numbers)
    assert [len(number) for number in made] == [len(number) for number in numbers]


def test_a_secret_is_drawn_unless_a_seed_is_given(tmp_path: Path) -> None:
    source = tmp_path / "one.db"
    with SessionBuilder(source, "one") as session:
        session.turn("a question that is long enough", "an answer that is, too")
    names = [copy_of(source, tmp_path / f"{n}", seed=seed) for n, seed in enumerate((7, 7, None))]
    first, second, drawn = ([said(path), path.name] for path in names)
    assert first == second != drawn


# The proof


def leaves(kept: str) -> Callable[[Replacer, str], str]:
    """A replacement of texts that forgets one word."""
    complete = Replacer.text

    def text(self: Replacer, text: str) -> str:
        made = complete(self, text)
        at = text.find(kept)
        return made if at < 0 else made[:at] + kept + made[at + len(kept) :]

    return text


def test_a_replacement_that_forgets_a_word_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = tmp_path / "one.db", tmp_path / "shared"
    with SessionBuilder(source, "one") as session:
        session.turn("Who wrote the notes?", "It was Lovelace, in 1843.")
    monkeypatch.setattr(Replacer, "text", leaves("Lovelace"))
    with pytest.raises(LeakError, match=r"one\.db: its copy held 'Lovelace'") as error:
        redact(source, out)
    assert list(out.iterdir()) == []
    assert error.value.details["report"].counts["leak"] == 1
    done = CliRunner().invoke(app, ["redact", str(source), "--out", str(out)])
    assert isinstance(done.exception, LeakError)
    assert list(out.iterdir()) == []


def test_only_the_copy_that_leaks_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second"):
        with SessionBuilder(tmp_path / f"{name}.db", name) as session:
            session.turn("Who wrote the notes?", f"The answer of {name} is Lovelace{name}.")
    monkeypatch.setattr(Replacer, "text", leaves("Lovelacesecond"))
    with pytest.raises(LeakError) as error:
        redact(tmp_path, tmp_path / "shared")
    report = error.value.details["report"]
    assert [file.outcome for file in report.files] == ["redacted", "leak"]
    assert [p.name for p in (tmp_path / "shared").iterdir()] == [report.files[0].output]


HIDDEN = b"Ada Lovelace wrote this"


def in_a_column(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE session_meta SET cwd = ?", (HIDDEN.decode(),))


def in_a_compressed_blob(connection: sqlite3.Connection) -> None:
    stored = wrap(MODULE, HIDDEN + bytes(5000), "balanced")
    assert HIDDEN not in stored
    connection.execute("INSERT INTO blobs VALUES ('compressed', ?)", (stored,))


def in_octets_in_octets(connection: sqlite3.Connection) -> None:
    inside = b"\x81\xa1k\xdc" + len(HIDDEN).to_bytes(2, "big") + HIDDEN
    connection.execute("INSERT INTO blobs VALUES ('odd', ?)", (wrap(MODULE, inside, "balanced"),))


def in_a_free_page(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute("INSERT INTO blobs VALUES ('gone', ?)", (HIDDEN * 1000,))
    connection.commit()
    connection.execute("DELETE FROM blobs WHERE hash = 'gone'")


@pytest.mark.parametrize(
    "hide", [in_a_column, in_a_compressed_blob, in_octets_in_octets, in_a_free_page]
)
def test_the_proof_looks_everywhere(
    hide: Callable[[sqlite3.Connection], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lashgraph.redact import run

    source = tmp_path / "one.db"
    with SessionBuilder(source, "one") as session:
        session.turn("Who wrote this?", f"{HIDDEN.decode()} in Wonderfullylongwordsaswell.")
    complete = run.write_redacted

    def careless(connection: sqlite3.Connection, target: Path, replace: Replacer) -> Any:
        told = complete(connection, target, replace)
        with closing(sqlite3.connect(target)) as copy:
            hide(copy)
            copy.commit()
            copy.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return told

    monkeypatch.setattr(run, "write_redacted", careless)
    with pytest.raises(LeakError):
        redact(source, tmp_path / "shared")
    assert list((tmp_path / "shared").iterdir()) == []


# What cannot be copied


def test_what_is_no_store_is_told_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    with SessionBuilder(folder / "good.db", "good") as session:
        session.turn("a question", "an answer " * 900)
    whole = (folder / "good.db").read_bytes()
    (folder / "cut.db").write_bytes(whole[: len(whole) // 2])
    (folder / "text.db").write_text("no database")
    (folder / "empty.db").touch()
    with closing(sqlite3.connect(folder / "sibling.db")) as connection:
        connection.execute("CREATE TABLE processes (id)")
    report = redact(folder, tmp_path / "shared")
    outcomes = {Path(file.path).name: file.outcome for file in report.files}
    assert outcomes == {
        "good.db": "redacted",
        "cut.db": "failed",
        "text.db": "failed",
        "empty.db": "skipped",
        "sibling.db": "skipped",
    }
    assert len(list((tmp_path / "shared").iterdir())) == 1
    assert not report.complete
    frame = report.frame().dropna(subset=["output"])
    assert frame["n_nodes"].tolist() == [2]
    assert frame["session_id"].tolist() == ["good"]


def test_other_schema_versions_are_refused(tmp_path: Path) -> None:
    for gz in stores.recorded_files("versions/v4-*.db.gz").values():
        report = redact(stores.unpack(gz, tmp_path), tmp_path / "shared")
        assert [(file.outcome, file.error) for file in report.files] == [
            ("failed", "UnsupportedSchemaError")
        ]
    assert not (tmp_path / "shared").exists()


def test_files_that_are_there_are_not_replaced(tmp_path: Path) -> None:
    source, out = tmp_path / "one.db", tmp_path / "shared"
    with SessionBuilder(source, "one") as session:
        session.turn("a question", "an answer")
    copy = copy_of(source, out, seed=1)
    copy.write_bytes(b"mine")
    with pytest.raises(StoreExistsError, match="nothing was written"):
        redact(source, out, seed=1)
    assert copy.read_bytes() == b"mine"
    with pytest.raises(StoreNotFoundError):
        redact(tmp_path / "absent.db", out)


def test_foreign_tables_and_triggers_are_not_copied(tmp_path: Path) -> None:
    source = tmp_path / "one.db"
    with SessionBuilder(source, "one") as session:
        session.turn("a question", "an answer")
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("CREATE TABLE diary (entry)")
        connection.execute("INSERT INTO diary VALUES ('dear diary')")
        connection.execute("CREATE TRIGGER t AFTER DELETE ON blobs BEGIN DELETE FROM diary; END")
        connection.commit()
    copy = copy_of(source, tmp_path / "shared")
    assert b"diary" not in copy.read_bytes()


def test_odd_cells_keep_their_storage_class(tmp_path: Path) -> None:
    source = tmp_path / "one.db"
    with SessionBuilder(source, "one") as session:
        session.turn("a question", "an answer")
        session.garbage(3, 5000)
    image = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("UPDATE session_meta SET cwd = ?", (b"/home/ada",))
        connection.execute("UPDATE session_meta SET model = CAST(? AS TEXT)", (b"caf\xe9 noir",))
        connection.execute("UPDATE usage_deltas SET source = 'ada''s', input_tokens = 'many'")
        connection.execute("INSERT INTO blobs VALUES (?, 'a text')", ("not-a-hash",))
        connection.execute("INSERT INTO blobs VALUES (?, ?)", (b"bytes", image))
        connection.execute("INSERT INTO blobs VALUES ('number', 12345)")
        connection.execute("INSERT INTO artifact_refs VALUES ('a', 'not-a-hash')")
        connection.execute("UPDATE graph_nodes SET node_json = 'x' || node_json WHERE seq = 1")
        connection.commit()
    copy = copy_of(source, tmp_path / "shared")
    assert facts(copy) == facts(source)
    assert base64.b64encode(image)[:40] not in base64.b64encode(copy.read_bytes())


def test_the_command_tells_names_and_counts(tmp_path: Path) -> None:
    with SessionBuilder(tmp_path / "one.db", "one") as session:
        session.turn("a question", "an answer")
    out = tmp_path / "shared"
    done = CliRunner().invoke(app, ["redact", str(tmp_path), "--out", str(out), "--json"])
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["counts"] == {"redacted": 1, "skipped": 0, "failed": 0, "leak": 0}
    (file,) = told["files"]
    assert (out / file["output"]).is_file()
    assert file["n_nodes"] == 2
    (tmp_path / "bad.db").write_text("bad")
    done = CliRunner().invoke(app, ["redact", str(tmp_path), "--out", str(tmp_path / "again")])
    assert done.exit_code == 1
    assert "1 copy, each searched for" in done.stdout
    assert "bad.db: not an SQLite database" in done.stdout
