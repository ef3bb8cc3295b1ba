"""Exporting a corpus to Parquet: what is new is read, what is old is kept, what is gone leaves."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lashgraph.corpus import lock
from lashgraph.corpus.collecting import CollectingCorpus
from lashgraph.corpus.discovery import CorpusFile
from lashgraph.corpus.lanes import How, Workers
from lashgraph.corpus.ledger import state_of
from lashgraph.corpus.notes import LISTING, OPENING, Failure, LeftOut, Read
from lashgraph.corpus.parquet_folder import begun, check_folder, parts_there, publish
from lashgraph.corpus.parquet_format import ALL, ALWAYS, BESIDE, OF_FILES, described, write_part
from lashgraph.corpus.parquet_manifest import COLUMNS_FILE, Entry, Manifest, Part
from lashgraph.corpus.parquet_place import digest, writing
from lashgraph.corpus.parquet_write import STAGE, WRITTEN, Write, Written, written_rows
from lashgraph.corpus.running import warn_of
from lashgraph.corpus.tasks import Job
from lashgraph.corpus.transport import to_frame
from lashgraph.errors import (
    CorpusLockedError,
    UnknownColumnError,
    UnwritablePathError,
)
from lashgraph.format.arguments import as_list, shown
from lashgraph.sqlite.place import PlaceState
from lashgraph.version import __version__


@dataclass(frozen=True)
class ParquetReport:
    """What an export did.

    Attributes
    ----------
    folder : str
        Where it is.
    frames : tuple of str
        The frames that it has.
    files : int
        Session files in it; a catalogue is one of them.
    read : int
        Session files that were read, because they were new or had changed, or lacked a frame.
    kept : int
        Session files whose parts were kept as they are.
    removed : int
        Files of the export before that are no files of the corpus any more.
    failed : int
        Files that failed, or that were read in part only; errors() lists them.
    parts, parquet_bytes : int
        Parquet files that belong to the export, and their bytes.
    """

    folder: str
    frames: tuple[str, ...]
    files: int
    read: int
    kept: int
    removed: int
    failed: int
    parts: int
    parquet_bytes: int


class ExportingCorpus(CollectingCorpus):
    """Export to Parquet."""

    def to_parquet(
        self,
        folder: str | os.PathLike[str],
        *,
        frames: Sequence[str] | None = None,
        executor: Workers = None,
        progress: bool = False,
    ) -> ParquetReport:
        """Write frames as Parquet, to be read by `open_corpus` and by any other tool.

        Each frame has a folder of its own, and in it a part for each session file with rows. Into
        an export that is there, only session files that changed since are read; files that are no
        more in the corpus leave it. New parts are written first, then the manifest takes the place
        of the old one, so that an export that is broken off leaves the one before as it was.

        Parameters
        ----------
        folder : str or path
            A new folder, an empty one, or an earlier export.
        frames : sequence of str, optional
            Which frames; those that the export has already, or all in a new one. ``errors`` and
            ``skipped`` are always there.
        executor : int or Executor, optional
            Who reads and writes; this process if not given.
        progress : bool
            Show a bar.

        Returns
        -------
        ParquetReport

        Raises
        ------
        UnknownColumnError
            There is no such frame.
        ExportError
            The folder holds something else, or an export that cannot be read.
        UnwritablePathError
            A file cannot be written; the export before is as it was.
        CorpusLockedError
            Another process exports to this folder.

        Examples
        --------
        >>> import lashgraph.corpus, tempfile
        >>> from lashgraph.testing.corpus import build_corpus
        >>> folder, parquet = tempfile.mkdtemp(), tempfile.mkdtemp()
        >>> _ = build_corpus(folder)
        >>> with lashgraph.corpus.open_corpus(folder) as corpus:
        ...     first = corpus.to_parquet(parquet, frames=["sessions", "usage"])
        ...     again = corpus.to_parquet(parquet)
        >>> first.read, again.read, again.kept
        (9, 0, 9)
        >>> len(lashgraph.corpus.open_corpus(parquet).sessions())
        9
        """
        path = os.path.abspath(os.path.expanduser(os.fsdecode(folder)))
        asked = None if frames is None else _known(frames)
        now = self._shared.options.clock()
        check_folder(path)
        with self._shared.lock:
            try:
                with writing(path), lock.locked(path, now):
                    before = begun(path)
                    if asked is None:
                        asked = list(before.frames if before.complete else ALL)
                    return self._exported(path, before, asked, How(executor, progress))
            except CorpusLockedError as error:
                raise CorpusLockedError(
                    f"{path}: another process writes to this folder (its lock is {error.path}); "
                    "nothing was written; wait for it",
                    path=error.path,
                    owner=error.owner,
                ) from None

    def _exported(
        self, folder: str, before: Manifest, frames: Sequence[str], how: How
    ) -> ParquetReport:
        files = self._shared.files if self._choose is None else self._files(how)
        made_with = self._made_with()
        usable = before.files if before.made_with == made_with else []
        there = parts_there(folder, [name for name in frames if name in OF_FILES])
        entries = self._known_entries(files, usable, there)
        self._failures.add(
            failure
            for failure in (Failure(*row) for row in before.failures)
            if failure.partly and failure.path in entries and entries[failure.path].parts
        )
        todo: dict[tuple[str, ...], list[CorpusFile]] = {}
        for file in files:
            entry = entries[file.path]
            missing = tuple(name for name in frames if name in OF_FILES and name not in entry.parts)
            if entry.left_out is None and (missing or not entry.session_ids):
                todo.setdefault(missing, []).append(file)
        for missing, some in todo.items():
            self._write(some, Write(folder, missing, made_with), entries, how)
        whole = self._write_whole(
            folder, frames, made_with, how, again=before.made_with != made_with
        )
        told = self._told(frames)
        after = Manifest(
            complete=True,
            made_with=made_with,
            policy=self._shared.options.gc_policy.name,
            frames=list(frames),
            files=[entries[file.path] for file in files],
            whole=whole,
            failures=[failure[:6] for failure in told],
            left_out=[list(note) for note in self._shared.known_left_out()],
        )
        publish(folder, after)
        if told:
            warn_of(told, STAGE)
        sessions = {entry.path for entry in after.files if entry.session_ids}
        read = sessions & {file.path for some in todo.values() for file in some}
        parts = [os.path.join(folder, part) for part in after.parts()]
        return ParquetReport(
            folder,
            tuple(frames),
            files=len(sessions),
            read=len(read),
            kept=len(sessions) - len(read),
            removed=len({entry.path for entry in before.files} - set(entries)),
            failed=len({failure.path for failure in told}),
            parts=len(parts),
            parquet_bytes=sum(os.stat(part).st_size for part in parts),
        )

    def _known_entries(
        self, files: Sequence[CorpusFile], before: Sequence[Entry], there: Mapping[str, set[str]]
    ) -> dict[str, Entry]:
        """What is known of the files as they are now, so that it need not be read."""
        known = {entry.path: entry for entry in before}
        found = {}
        for file in files:
            state = state_of(file)
            entry = Entry(list(file), _fingerprint(state))
            earlier = known.get(file.path)
            verdict = self._shared.verdict(file)
            if earlier is not None and state and earlier.fingerprint == entry.fingerprint:
                parts = {
                    name: part
                    for name, part in earlier.parts.items()
                    if name in there and (not part.file or part.file in there[name])
                }
                entry = Entry(
                    entry.listed, entry.fingerprint, earlier.session_ids, earlier.left_out, parts
                )
                if entry.left_out is not None:
                    self._shared.learn(file, state, LeftOut(*entry.left_out))
                elif entry.session_ids:
                    note = Read(file.path, tuple(entry.session_ids), 0, entry.fingerprint)
                    self._shared.learn(file, state, note)
            elif verdict is not None and verdict.left_out is not None:
                entry = Entry(entry.listed, entry.fingerprint, left_out=list(verdict.left_out))
            found[file.path] = entry
        return found

    def _made_with(self) -> str:
        """Digest of what rows depend on besides their file: this release, columns, the policy."""
        columns = [described(name).decode() for name in ALL]
        return digest(__version__, repr(self._shared.options.gc_policy), *columns)

    def _write(
        self, files: Sequence[CorpusFile], write: Write, entries: dict[str, Entry], how: How
    ) -> None:
        """Read files and write their parts, and say so in the entries."""
        job = Job(STAGE, write, WRITTEN.columns, self._shared.sent)
        outcome = self._run_over(files, job, how)
        for failure in outcome.failures:
            if isinstance(failure.cause, UnwritablePathError):
                raise failure.cause
        rows: dict[str, list[Written]] = {}
        count = sum(note.rows for note in outcome.read)
        for row in written_rows(to_frame(WRITTEN.columns, outcome.tables, count)):
            rows.setdefault(row.path, []).append(row)
        for note in outcome.read:
            self._note(note, rows.get(note.path, []), entries, write.frames)
        for file in files:
            verdict = self._shared.verdict(file)
            if verdict is not None and verdict.left_out is not None:
                before = entries[file.path]
                entries[file.path] = Entry(
                    before.listed, before.fingerprint, left_out=list(verdict.left_out)
                )

    def _note(
        self, note: Read, rows: Sequence[Written], entries: dict[str, Entry], frames: Sequence[str]
    ) -> None:
        before = entries[note.path]
        parts = {row.frame: Part(row.rows, row.file or "") for row in rows if row.exported}
        if before.fingerprint == note.fingerprint:
            parts = {**before.parts, **parts}
        elif not set(before.parts) <= set(frames):
            message = f"{note.path}: changed while it was exported; to_parquet() again reads it"
            self._failures.add([Failure(note.path, STAGE, "StoreChangedError", message)])
        entries[note.path] = Entry(
            before.listed, note.fingerprint, list(note.session_ids), parts=parts
        )
        for row in rows:
            self._failures.forget(row.path, OF_FILES[row.frame].name)
        self._failures.add(row.failure for row in rows if row.failure is not None)

    def _write_whole(
        self, folder: str, frames: Sequence[str], made_with: str, how: How, *, again: bool
    ) -> dict[str, Part]:
        """Write what does not come from one session file each, if it is not there already."""
        made: dict[str, pd.DataFrame] = {}
        for name in frames:
            if name in BESIDE:
                made[name] = self._beside(name, None, how, strict=False)
        made["skipped"] = self.skipped()
        errors = ALWAYS["errors"]
        told = self._told(frames)
        data: dict[str, Any] = {
            name: [getattr(failure, name) for failure in told] for name in errors.names
        }
        made["errors"] = errors.build(data, len(told), "", "")
        found = {}
        for name, frame in made.items():
            content = frame.to_json(orient="split", date_format="iso", date_unit="ns")
            file = f"all-{digest(content, made_with)}.parquet"
            path = os.path.join(folder, name, file)
            if not os.path.exists(path):
                write_part(path, name, frame)
            found[name] = Part(len(frame), file)
        for name in frames:
            path = os.path.join(folder, name, COLUMNS_FILE)
            if again or not os.path.exists(path):
                write_part(path, name, to_frame(ALL[name].columns, [], 0))
        return found

    def _told(self, frames: Sequence[str]) -> list[Failure]:
        """What went wrong with that which is exported."""
        stages = {LISTING, OPENING, STAGE} | {ALL[name].name for name in frames}
        return [failure for failure in self._failures.rows() if failure.stage in stages]


def _known(frames: Sequence[str]) -> list[str]:
    chosen = list(dict.fromkeys(as_list(frames, "frames", "names")))
    for name in chosen:
        if name not in ALL:
            raise UnknownColumnError(f"no frame {shown(name)}; to_parquet has: {', '.join(ALL)}")
    return [name for name in ALL if name in chosen or name in ALWAYS]


def _fingerprint(state: PlaceState | None) -> str:
    """That of a file's state, as its store tells it; none where there is no state."""
    return "" if state is None else hashlib.sha256(repr(state).encode()).hexdigest()[:16]
