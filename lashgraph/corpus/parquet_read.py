"""A corpus that was exported to Parquet, with the frames of the one that it was made of."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import pandas as pd

from lashgraph.corpus.corpus import Corpus
from lashgraph.corpus.discovery import CorpusFile, Listing
from lashgraph.corpus.header import Header
from lashgraph.corpus.lanes import How, Workers, check_workers
from lashgraph.corpus.ledger import Shared, Verdict
from lashgraph.corpus.notes import OPENING, Failure, LeftOut, Read
from lashgraph.corpus.parquet_export import ParquetReport
from lashgraph.corpus.parquet_format import ALL, read_part
from lashgraph.corpus.parquet_manifest import MANIFEST, Manifest, read_manifest
from lashgraph.corpus.parquet_write import STAGE
from lashgraph.corpus.running import Columns, Outcome
from lashgraph.corpus.tasks import Job
from lashgraph.corpus.transport import to_frame
from lashgraph.errors import ExportError, InvalidRecordError, NotExportedError, ReadOnlyStoreError
from lashgraph.format.arguments import shown
from lashgraph.reach import GcPolicy
from lashgraph.store import StoreOptions

_AS_EXPORTED = {"tombstoned": False, "content_bytes": False, "verify": False, "level": "quick"}
_BY_STAGE = {schema.name: name for name, schema in ALL.items()}


class Exported(Shared):
    """What the manifest tells of the files; none of them is looked at.

    Parameters
    ----------
    folder : str
        The export.
    manifest : Manifest
        Its manifest.
    """

    def __init__(self, folder: str, manifest: Manifest) -> None:
        files = []
        for entry in manifest.files:
            *fields, header = entry.listed
            files.append(CorpusFile._make([*fields, Header._make(header)]))
        failures = [Failure(*row) for row in manifest.failures]
        left_out = [LeftOut(*note) for note in manifest.left_out]
        policy = GcPolicy.runtime() if manifest.policy == "runtime" else GcPolicy.safe()
        super().__init__(Listing(files, left_out, failures), StoreOptions(gc_policy=policy))
        self.folder = folder
        self.manifest = manifest
        self.entries = {entry.path: entry for entry in manifest.files}

    def verdict(self, file: CorpusFile) -> Verdict | None:
        """What a file was when it was exported; none if it could not be opened then."""
        entry = self.entries[file.path]
        if entry.left_out is not None:
            return Verdict(None, LeftOut(*entry.left_out))
        return Verdict(None, None, tuple(entry.session_ids)) if entry.session_ids else None

    def known_left_out(self) -> list[LeftOut]:
        """What was no session."""
        return sorted(self.left_out)

    def part(self, name: str, file: str) -> str:
        """Where a part is.

        Raises
        ------
        ExportError
            The manifest names a file that is not in the frame's folder.
        """
        if os.path.basename(file) != file:
            raise ExportError(
                f"{self.folder}: the manifest names {shown(file)}, which is no part of {name}()",
                path=self.folder,
            )
        return os.path.join(self.folder, name, file)


class ParquetCorpus(Corpus):
    """A corpus read from its export.

    Made by `open_corpus` for a folder that `Corpus.to_parquet` wrote. Frames are those of the
    session files as they were then, with the columns and dtypes that they have; what was not
    exported raises `NotExportedError`. Arguments for workers are taken and not needed.

    Examples
    --------
    >>> import lashgraph.corpus, tempfile
    >>> from lashgraph.testing.corpus import build_corpus
    >>> folder, parquet = tempfile.mkdtemp(), tempfile.mkdtemp()
    >>> _ = build_corpus(folder)
    >>> corpus = lashgraph.corpus.open_corpus(folder)
    >>> report = corpus.to_parquet(parquet, frames=["sessions", "usage"])
    >>> found = lashgraph.corpus.open_corpus(parquet)
    >>> found.usage().equals(corpus.usage())
    True
    >>> found.exported_frames
    ('sessions', 'usage', 'errors', 'skipped')
    """

    _shared: Exported

    @property
    def exported_frames(self) -> tuple[str, ...]:
        """The frames that are there."""
        return tuple(self._shared.manifest.frames)

    def parquet_files(self, frame: str) -> list[str]:
        """The parts of a frame, for other tools: what a pattern matches once no export runs.

        Parameters
        ----------
        frame : str
            One of `exported_frames`.

        Returns
        -------
        list of str
            At least one: a part without rows has the columns.

        Raises
        ------
        NotExportedError
            The frame was not exported.
        """
        self._check(frame)
        found = self._shared.manifest.parts()
        return sorted(
            os.path.join(self._shared.folder, part)
            for part in found
            if os.path.dirname(part) == frame
        )

    def to_parquet(
        self,
        folder: str | os.PathLike[str],  # noqa: ARG002 - what it takes of a corpus
        *,
        frames: Sequence[str] | None = None,  # noqa: ARG002
        executor: Workers = None,  # noqa: ARG002
        progress: bool = False,  # noqa: ARG002
    ) -> ParquetReport:
        """Not of an export: copy its folder, or open the session files and export those.

        Raises
        ------
        InvalidRecordError
            Always.
        """
        raise InvalidRecordError(
            f"{self._shared.folder}: an export already; copy the folder, or open the session files "
            "and export those"
        )

    def _check(self, name: str) -> None:
        if name not in self._shared.manifest.frames:
            there = self.exported_frames
            add = ", or export again with it among frames=" if name in ALL else ""
            raise NotExportedError(
                f"{self._shared.folder}: an export without {name}(); it has: {', '.join(there)}; "
                f"open the session files for all else{add}",
                frame=name,
                exported=there,
            )

    def _run_over(self, files: Sequence[CorpusFile], job: Job, how: How) -> Outcome:
        check_workers(how.executor)
        if job.stage == OPENING:
            return Outcome([], [], [])  # whatever can be opened was
        name = _BY_STAGE.get(job.stage, "search" if job.stage == "hits" else job.stage)
        self._check(name)
        self._check_arguments(name, job)
        tables: list[Any] = []
        read: list[Read] = []
        for file in files:
            entry = self._shared.entries[file.path]
            part = entry.parts.get(name)
            if part is None or not entry.session_ids:
                continue
            if part.file:
                where = self._shared.part(name, part.file)
                tables.append(read_part(where, name, job.columns))
            read.append(Read(file.path, tuple(entry.session_ids), part.rows, entry.fingerprint))
        paths = {file.path for file in files}
        stages = {job.stage, OPENING, STAGE}
        stored = self._shared.failures
        failures = [one for one in stored if one.path in paths and one.stage in stages]
        self._failures.add(failures)
        return Outcome(tables, read, failures)

    def _check_arguments(self, name: str, job: Job) -> None:
        given = job.ask.keywords if isinstance(job.ask, partial) else {}
        for argument, value in _AS_EXPORTED.items():
            if argument in given and given[argument] != value:
                raise NotExportedError(
                    f"{self._shared.folder}: {name}() was exported with {argument}={value!r}; open "
                    f"the session files for {argument}={given[argument]!r}",
                    frame=name,
                    exported=self.exported_frames,
                )

    def _beside(self, name: str, columns: Columns, how: How, *, strict: bool) -> pd.DataFrame:
        schema = ALL[name]
        chosen = schema.chosen(columns)
        check_workers(how.executor)
        self._check(name)
        part = self._shared.manifest.whole[name]
        table = read_part(self._shared.part(name, part.file), name, schema.columns)
        frame = to_frame(schema.columns, [table], part.rows)
        if self._choose is not None:
            frame = _of_sessions(frame, self._paths_by_session(how))
        failures = [one for one in self._shared.failures if one.stage == name]
        if strict and failures:
            raise failures[0].raised()
        frame = frame[[column.name for column in chosen]]
        self._finish(frame, name, Outcome([], [], failures))
        return frame


def _of_sessions(frame: pd.DataFrame, paths: dict[str | None, str]) -> pd.DataFrame:
    """The rows of these sessions, with the paths of their files."""
    found = frame[frame["session_id"].isin([name for name in paths if name])]
    session_paths = pd.array([paths[name] for name in found["session_id"]], dtype="str")
    return found.reset_index(drop=True).assign(session_path=session_paths)


def find_export(paths: object) -> tuple[str, Manifest] | None:
    """The export that a path is, if it is one.

    Raises
    ------
    ExportError
        Its manifest cannot be read, or the export never came to its end.
    """
    if not isinstance(paths, (str, os.PathLike)):
        return None
    folder = os.path.expanduser(os.fsdecode(paths))
    if not os.path.isfile(os.path.join(folder, MANIFEST)):
        return None  # whatever else is wrong with the path shows when its files are listed
    manifest = read_manifest(folder)
    if manifest is None:
        return None
    if not manifest.complete:
        raise ExportError(
            f"{folder}: an export that was broken off before anything was in it; to_parquet() to "
            "this folder again completes it",
            path=folder,
        )
    return folder, manifest


def open_export(folder: str, manifest: Manifest, mode: str) -> ParquetCorpus:
    """A corpus of an export.

    Raises
    ------
    ReadOnlyStoreError
        It was asked for with a mode to write.
    ExportError
        The manifest names what this release does not know.
    """
    if mode != "r":
        raise ReadOnlyStoreError(
            f"{folder}: an export to Parquet is only read; open the session files with mode='rw'",
            operation="open",
        )
    _check_manifest(folder, manifest.frames)
    try:
        return ParquetCorpus(Exported(folder, manifest), "r")
    except (TypeError, ValueError) as error:
        raise ExportError(
            f"{folder}: the manifest names files in a way that is not known: {error}; export again",
            path=folder,
        ) from error


def _check_manifest(folder: str, frames: Iterable[str]) -> None:
    unknown = [name for name in frames if name not in ALL]
    if unknown:
        raise ExportError(
            f"{folder}: the manifest names a frame {shown(unknown[0])} that this release does not "
            "know; export again",
            path=folder,
        )
