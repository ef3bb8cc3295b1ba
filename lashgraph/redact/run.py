"""Redaction of a file or a folder: learn what was said, replace it, prove that it is gone."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TypeVar

from lashgraph.check.reading import session_id
from lashgraph.corpus.discovery import list_files
from lashgraph.errors import (
    EmptyFileError,
    LashgraphError,
    LeakError,
    NotASessionStoreError,
    StoreChangedError,
    StoreExistsError,
    UnsupportedSchemaError,
    UnwritablePathError,
)
from lashgraph.redact.keys import in_order, matches, names_in, new_key
from lashgraph.redact.pieces import pieces
from lashgraph.redact.proof import Leak, Words, leaks
from lashgraph.redact.replacer import Replacer
from lashgraph.redact.report import Redacted, RedactionReport
from lashgraph.redact.tables import VERSION
from lashgraph.redact.writing import Written, write_redacted
from lashgraph.sqlite import place
from lashgraph.sqlite.connect import connect, raw_text
from lashgraph.sqlite.database import Database
from lashgraph.store import StoreDirectory

T = TypeVar("T")

_BUSY_TIMEOUT = 5.0
_TOLD = 5
_LOADED = 8
_NO_SESSION = (NotASessionStoreError, EmptyFileError)


def redact(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    pattern: str = "*.db",
    recursive: bool = False,
    seed: int | None = None,
) -> RedactionReport:
    """Make copies of session stores that say nothing of what was said, and can be shared.

    A copy has the graph, the sizes, the times and the counts of its store. Texts, arguments, names,
    paths and ids are replaced, the same text by the same filler in all files of a run; blobs have
    the hashes of their new contents. Each copy is searched for every word of every input before it
    gets its name; ``docs/redacting.md`` says what is kept and what that may still tell.

    Parameters
    ----------
    source : path
        A store, or a folder of stores. Nothing is changed in it.
    out : path
        The folder for the copies; it is made when it is absent. Copies are named after their new
        session ids; none replaces a file that is there.
    pattern : str
        Which files of a folder.
    recursive : bool
        Whether folders inside it are gone through, too.
    seed : int, optional
        Makes the copies repeatable, **and lets whoever knows it check guesses** of what was said.
        By default a secret is drawn and forgotten.

    Returns
    -------
    RedactionReport
        ``.frame()`` has a row for each file: the name of its copy, or why there is none.

    Raises
    ------
    StoreNotFoundError
        There is no `source`.
    StoreExistsError
        A copy would replace a file; nothing was written.
    LeakError
        A word of an input was found in a copy, which was deleted.

    Examples
    --------
    >>> from lashgraph.redact import redact
    >>> from lashgraph.testing.builders import SessionBuilder
    >>> import lashgraph as lg, pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> with SessionBuilder(folder / "one.db", "secret-project") as session:
    ...     _ = session.turn("Who pays?", "Ada Lovelace does.")
    >>> report = redact(folder / "one.db", folder / "shared")
    >>> report.counts["redacted"]
    1
    >>> with lg.open(folder / "shared" / report.files[0].output) as copy:
    ...     copy.messages()["role"].tolist()
    ['User', 'Assistant']
    """
    folder = Path(os.path.expanduser(os.fsdecode(out)))
    listing = list_files(source, pattern, recursive=recursive)
    inputs = [Input(file.path) for file in listing.files]
    words = Words()
    for one in inputs:
        one.learn(words)
    secret = (
        secrets.token_bytes(32)
        if seed is None
        else hashlib.sha256(b"seed" + str(seed).encode()).digest()
    )
    replace = Replacer(secret, words.found)
    _find_keys(inputs, replace)
    _name(inputs, replace)
    made = _write(inputs, folder, replace, words)
    made += [Redacted(f.path, None, None, "failed", f.error, f.message) for f in listing.failures]
    report = RedactionReport(str(folder), tuple(sorted(made)), len(words.found))
    found = [one for one in inputs if one.leaks]
    if found:
        told = tuple(map(str, found[0].leaks))
        raise LeakError(
            f"{found[0].path}: its copy held {', '.join(told)}; the copy was deleted; please "
            "report what kind of text it was found in",
            path=found[0].path,
            leaks=told,
            report=report,
        )
    return report


class Input:
    """A file that is to be redacted."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.session_id = ""
        self.output = ""
        self.error: LashgraphError | None = None
        self.leaks: list[Leak] = []
        self.blobs: dict[str, int] = {}
        self._fingerprint = ""
        self._database: Database | None = None

    def learn(self, words: Words) -> None:
        """Take the file's words, and which of its blobs match their keys."""
        try:
            with _opened(self.path) as database:
                self._fingerprint = database.fingerprint()
                database.read(lambda connection: self._learn(connection, words))
        except LashgraphError as error:
            self.error = error

    def _learn(self, connection: sqlite3.Connection, words: Words) -> None:
        words.add(pieces(connection))
        self.session_id = session_id(connection)
        self.blobs = {}
        with raw_text(connection):
            found = connection.execute(
                "SELECT rowid, hash, content FROM blobs "
                "WHERE typeof(hash) = 'text' AND typeof(content) = 'blob'"
            )
            for rowid, key, stored in found:
                name = key.decode("utf-8", "replace")
                self.blobs[name] = rowid if matches(name, stored) else -1

    @contextmanager
    def held(self) -> Iterator[Database]:
        """Keep the file open for what is read of it inside the block."""
        if self._database is not None:
            yield self._database
            return
        with _opened(self.path) as database:
            self._database = database
            try:
                yield database
            finally:
                self._database = None

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function on the file as it was when its words were taken.

        Raises
        ------
        StoreChangedError
            It is another by now.
        """
        with self.held() as database:
            result = database.read(work)
            if database.fingerprint() != self._fingerprint:
                raise StoreChangedError(
                    f"{self.path}: the file changed after its words were taken; redact a copy, or "
                    "wait for the writer",
                    path=self.path,
                )
            return result

    def load(self, key: str) -> bytes:
        """The stored bytes of a blob."""

        def stored(connection: sqlite3.Connection) -> bytes:
            found = connection.execute(
                "SELECT content FROM blobs WHERE rowid = ?", (self.blobs[key],)
            )
            return bytes(found.fetchone()[0])

        return self.read(stored)

    def outcome(self, output: str | None, written: Written | None, size: int | None) -> Redacted:
        """The row of the report."""
        known = self.session_id or None
        if written is not None:
            return Redacted(
                self.path,
                known,
                output,
                "redacted",
                n_nodes=written.rows["graph_nodes"],
                n_blobs=written.rows["blobs"],
                n_unreadable_nodes=written.unreadable_nodes,
                n_unreadable_blobs=written.unreadable_blobs,
                n_resized=written.resized,
                file_bytes=size,
            )
        if self.leaks:
            told = "; ".join(map(str, self.leaks))
            return Redacted(self.path, known, None, "leak", "LeakError", told)
        kind = "skipped" if isinstance(self.error, _NO_SESSION) else "failed"
        return Redacted(self.path, known, None, kind, type(self.error).__name__, str(self.error))


def _opened(path: str) -> closing[Database]:
    database = Database(path, "r", _BUSY_TIMEOUT)
    if database.dialect.version != VERSION:
        database.close()
        raise UnsupportedSchemaError(
            f"{path}: session schema version {database.dialect.version}; only version {VERSION} is "
            "redacted",
            path=path,
            version=database.dialect.version,
        )
    return closing(database)


def _find_keys(inputs: list[Input], replace: Replacer) -> None:
    """Give each blob its new key; one that does not match its own gets one that does not, too."""
    places: dict[str, Input] = {}
    for one in inputs:
        for key, rowid in one.blobs.items():
            if rowid >= 0:
                places.setdefault(key, one)
    for one in inputs:
        for key in one.blobs:
            if key not in places and len(key) == 64:
                replace.new_keys[key] = replace.text(key)

    held = ExitStack()
    last: Input | None = None

    @lru_cache(maxsize=_LOADED)
    def load(key: str) -> bytes:
        nonlocal last
        if places[key] is not last:
            held.close()
            last = places[key]
            held.enter_context(last.held())
        return last.load(key)

    with held:
        for key in in_order(places, lambda key: names_in(load(key), places)):
            replace.new_keys[key] = new_key(key, load(key), replace)
            if replace.new_keys[key] == key:
                replace.kept.add(key)


def _name(inputs: list[Input], replace: Replacer) -> None:
    """Name the copies as lash names files: after the new ids, which tell nothing of the old."""
    taken: set[str] = set()
    for one in inputs:
        if one.error is not None:
            continue
        name = "store.db"
        if one.session_id:
            name = StoreDirectory("").path_for_session(replace.text(one.session_id)).name
        stem = name.removesuffix(".db")
        number = 2
        while name in taken:
            name, number = f"{stem}-{number}.db", number + 1
        taken.add(name)
        one.output = name


def _write(inputs: list[Input], folder: Path, replace: Replacer, words: Words) -> list[Redacted]:
    """Write, search and name the copy of each file that could be read."""
    wanted = [one for one in inputs if one.error is None]
    for one in wanted:
        if (folder / one.output).exists():
            raise StoreExistsError(
                f"{folder / one.output}: is there already; nothing was written (name another "
                "folder, or remove the file)",
                path=str(folder / one.output),
            )
    if not wanted:
        return [one.outcome(None, None, None) for one in inputs]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".lashgraph-redact-", dir=folder))
    except OSError as error:
        raise UnwritablePathError(
            f"{folder}: copies cannot be written there: {error.strerror}", path=str(folder)
        ) from error
    try:
        return [_write_one(one, folder, work, replace, words) for one in inputs]
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write_one(one: Input, folder: Path, work: Path, replace: Replacer, words: Words) -> Redacted:
    written, size = None, None
    if one.error is None:
        draft = work / one.output
        try:
            written = one.read(lambda source: write_redacted(source, draft, replace))
            one.leaks = list(islice(_search(draft, words, replace), _TOLD))
            size = draft.stat().st_size
            if not one.leaks:
                _put(draft, folder / one.output)
        except LashgraphError as error:
            one.error = error
        except (OSError, sqlite3.Error) as error:
            one.error = UnwritablePathError(
                f"{folder / one.output}: the copy cannot be written: {error}",
                path=str(folder / one.output),
            )
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    made = written if one.error is None and not one.leaks else None
    return one.outcome(one.output, made, size)


def _put(draft: Path, target: Path) -> None:
    """Give a copy its name, but not over a file that has come there meanwhile."""
    try:
        os.link(draft, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if target.exists():
            raise
        os.rename(draft, target)


def _search(draft: Path, words: Words, replace: Replacer) -> Iterator[Leak]:
    uri = place.uri(str(draft), mode="ro", immutable=True)
    with closing(connect(uri, busy_timeout=0)) as connection:
        yield from leaks(connection, draft, words.found, replace.kept)
