"""Which files a corpus has: folders, patterns and lists, looked at without opening a database."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from lashgraph.corpus.header import EMPTY, UNREAD, Header, held_inodes, read_header
from lashgraph.corpus.notes import LISTING, Failure, LeftOut
from lashgraph.errors import InvalidRecordError, NotAFileError, OpenError, StoreNotFoundError
from lashgraph.format.arguments import shown

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]

_SIDECARS = ("-wal", "-shm", "-journal")
_PATTERN = re.compile(r"[*?[]")


class CorpusFile(NamedTuple):
    """A file as it was listed.

    Attributes
    ----------
    path : str
        As it was found; the frames' column ``path``.
    linked : bool
        Whether the path is a symbolic link.
    device, inode : int
        What tells two names of one file.
    size, log_size : int
        Bytes of the file and of its log.
    mtime_ns : int
        When it was last changed, in nanoseconds since 1970.
    header : Header
        What its first bytes say.
    """

    path: str
    linked: bool
    device: int
    inode: int
    size: int
    log_size: int
    mtime_ns: int
    header: Header

    @property
    def weight(self) -> int:
        """Bytes to read."""
        return self.size + self.log_size


class Listing(NamedTuple):
    """What was found: files by path, what is none of them, what could not be listed."""

    files: list[CorpusFile]
    left_out: list[LeftOut]
    failures: list[Failure]


def default_folder() -> str:
    """Where lash keeps its sessions: ``$LASH_HOME/sessions``, else ``~/.lash/sessions``."""
    home = os.environ.get("LASH_HOME") or os.path.join("~", ".lash")
    return os.path.join(os.path.expanduser(home), "sessions")


def list_files(paths: Paths | None, pattern: str, *, recursive: bool) -> Listing:
    """List the files of a corpus and read their first bytes.

    Raises
    ------
    StoreNotFoundError
        The one path given is not there, or matches nothing.
    OpenError
        The one folder given cannot be read.
    """
    finder = _Finder(pattern, recursive=recursive)
    if paths is None:
        folder = default_folder()
        if not os.path.isdir(folder):
            raise StoreNotFoundError(
                f"{folder}: no such folder, and no paths were given: name a folder, or set "
                "LASH_HOME",
                path=folder,
            )
        finder.add(folder, alone=True)
    elif isinstance(paths, (str, os.PathLike)):
        finder.add(_as_path(paths), alone=True)
    else:
        try:
            named = list(paths)
        except TypeError:
            raise InvalidRecordError(
                f"paths is a path, a pattern or a list of them, not {shown(paths)}"
            ) from None
        for path in named:
            finder.add(_as_path(path), alone=False)
    return finder.listing()


def _as_path(value: object) -> str:
    try:
        name = os.fsdecode(value)  # type: ignore[arg-type]
    except TypeError:
        raise InvalidRecordError(f"a path is a text or a path, not {shown(value)}") from None
    if "\0" in name:
        raise InvalidRecordError(f"path {name!r} holds a NUL, which no file name does")
    return os.path.expanduser(name)


class _Finder:
    """Goes through places and gathers what is there."""

    def __init__(self, pattern: str, *, recursive: bool) -> None:
        if not isinstance(pattern, str):
            raise InvalidRecordError(f"pattern is a text, not {shown(pattern)}")
        self._matches: Callable[[str], object] = re.compile(fnmatch.translate(pattern)).match
        self._recursive = recursive
        self._held = held_inodes()
        self._found: dict[str, CorpusFile] = {}
        self._left_out: list[LeftOut] = []
        self._failures: list[Failure] = []

    def add(self, path: str, *, alone: bool) -> None:
        """Add a folder's files, a file, or what a pattern matches."""
        try:
            if os.path.isdir(path):
                self._add_folder(path)
            elif _PATTERN.search(path) and not os.path.lexists(path):
                self._add_matches(path)
            else:
                self._add_file(path)
        except (OpenError, OSError) as error:
            ours = error if isinstance(error, OpenError) else _unlistable(path, error)
            if alone:
                raise ours from None
            self._failures.append(Failure.of(path, LISTING, ours))

    def _add_matches(self, pattern: str) -> None:
        found = sorted(glob.glob(pattern, recursive=self._recursive, include_hidden=True))
        if not found:
            raise StoreNotFoundError(f"{pattern}: no file matches", path=pattern)
        for path in found:
            if os.path.isdir(path):
                self._left_out.append(LeftOut(path, "no-file", "a folder"))
            elif not path.endswith(_SIDECARS):
                self._add_file(path)

    def _add_file(self, path: str) -> None:
        try:
            state = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            raise StoreNotFoundError(f"{path}: no such file", path=path) from None
        self._note(path, state, linked=os.path.islink(path), log_bytes=log_size(path))

    def _add_folder(self, root: str) -> None:
        waiting, first = [root], True
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(folder) as entries:
                    waiting += self._add_entries(folder, entries)
            except OSError as error:
                if first:
                    raise
                self._failures.append(Failure.of(folder, LISTING, _unlistable(folder, error)))
            first = False

    def _add_entries(self, folder: str, entries: Iterable[os.DirEntry[str]]) -> Iterator[str]:
        """Note the files of one folder; gives the folders inside that are to be gone through."""
        chosen: list[os.DirEntry[str]] = []
        sidecars: dict[str, os.DirEntry[str]] = {}
        names = set()
        for entry in entries:
            name = entry.name
            names.add(name)
            if name.endswith(_SIDECARS):
                sidecars[name] = entry
            elif self._matches(name):
                chosen.append(entry)
            elif self._recursive and entry.is_dir(follow_symlinks=False):
                yield entry.path
            elif self._recursive and entry.is_dir():
                self._left_out.append(_linked_folder(entry.path))
        for entry in chosen:
            yield from self._add_entry(entry, sidecars)
        for name in sorted(sidecars):
            owner = name.rpartition("-")[0]
            if owner not in names and self._matches(owner):
                what = f"left over from {owner}, which is not there"
                self._left_out.append(LeftOut(os.path.join(folder, name), "leftover", what))

    def _add_entry(
        self, entry: os.DirEntry[str], sidecars: dict[str, os.DirEntry[str]]
    ) -> Iterator[str]:
        path, linked = entry.path, entry.is_symlink()
        try:
            state = entry.stat()
            if linked:
                log_bytes = log_size(path)
            else:
                log = sidecars.get(entry.name + "-wal")
                log_bytes = log.stat().st_size if log is not None else 0
        except OSError as error:
            self._failures.append(Failure.of(path, LISTING, _unlistable(path, error)))
            return
        if stat.S_ISDIR(state.st_mode) and self._recursive:
            if linked:
                self._left_out.append(_linked_folder(path))
            else:
                yield path
            return
        self._note(path, state, linked=linked, log_bytes=log_bytes)

    def _note(self, path: str, state: os.stat_result, *, linked: bool, log_bytes: int) -> None:
        if not stat.S_ISREG(state.st_mode):
            what = "a folder" if stat.S_ISDIR(state.st_mode) else "no regular file"
            self._left_out.append(LeftOut(path, "no-file", what))
            return
        identity = state.st_dev, state.st_ino
        if not state.st_size:
            header = EMPTY
        elif self._held is None or identity in self._held:
            header = UNREAD
        else:
            header = read_header(path)
        self._found[path] = CorpusFile(
            path, linked, *identity, state.st_size, log_bytes, state.st_mtime_ns, header
        )

    def listing(self) -> Listing:
        """All that was found, by path; of several names of one file only one."""
        files = sorted(self._found.values())
        if len({file[2:4] for file in files}) < len(files):
            files = self._without_duplicates(files)
        return Listing(files, sorted(set(self._left_out)), sorted(self._failures, key=_by_path))

    def _without_duplicates(self, files: Sequence[CorpusFile]) -> list[CorpusFile]:
        kept: dict[tuple[int, int], CorpusFile] = {}
        for file in sorted(files, key=lambda file: (file.linked, file.path)):
            first = kept.setdefault((file.device, file.inode), file)
            if first is not file:
                what = f"another name of {first.path}"
                self._left_out.append(LeftOut(file.path, "duplicate", what))
        return sorted(kept.values())


def _by_path(failure: Failure) -> str:
    return failure.path


def _linked_folder(path: str) -> LeftOut:
    return LeftOut(path, "linked-folder", "a link to a folder: name the folder itself to have it")


def _unlistable(path: str, error: OSError) -> OpenError:
    if isinstance(error, FileNotFoundError):
        return StoreNotFoundError(f"{path}: not there, or a link that leads nowhere", path=path)
    return NotAFileError(f"{path}: cannot be looked at: {error.strerror}", path=path)


def log_size(path: str) -> int:
    """Bytes of the log of a file; 0 without one."""
    try:
        return os.stat(os.path.realpath(path) + "-wal").st_size
    except OSError:
        return 0
