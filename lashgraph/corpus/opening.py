"""Opening a corpus."""

from __future__ import annotations

from lashgraph.corpus.corpus import Corpus
from lashgraph.corpus.discovery import Paths, list_files
from lashgraph.corpus.ledger import Shared
from lashgraph.corpus.parquet_read import find_export, open_export
from lashgraph.corpus.sessions import CorpusMode
from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import shown
from lashgraph.store import StoreOptions


def open_corpus(
    paths: Paths | None = None,
    *,
    pattern: str = "*.db",
    recursive: bool = False,
    mode: CorpusMode = "r",
    options: StoreOptions | None = None,
) -> Corpus:
    """Open many session files.

    Lists them and reads the first 100 bytes of each; which of them are sessions shows when they
    are first asked for something.

    Parameters
    ----------
    paths : path, pattern or list of them, optional
        Folders, files, or patterns such as ``"runs/2026-*/*.db"``. By default the folder where
        lash keeps its sessions: ``$LASH_HOME/sessions``, else ``~/.lash/sessions``. What a list
        names and is not there is a row of ``errors()``; a path given alone must be there. A folder
        that ``Corpus.to_parquet`` wrote gives the frames that were exported; `pattern`, `recursive`
        and `options` say nothing then.
    pattern : str
        Names of the files to take from folders.
    recursive : bool
        Whether folders inside folders are gone through too; links to folders are not followed.
        In patterns ``**`` then stands for any folders.
    mode : {"r", "rw"}
        ``"rw"`` is needed to sweep; all else only reads.
    options : StoreOptions, optional
        For each of the stores.

    Returns
    -------
    Corpus
        Use it in a ``with`` block, or call ``close()``, if calls start processes.

    Raises
    ------
    StoreNotFoundError
        The path is not there, or a pattern given alone matches nothing.
    OpenError
        The folder cannot be read.
    ExportError
        An export to Parquet cannot be read, or never came to its end.
    ReadOnlyStoreError
        An export was asked for with ``mode="rw"``.
    InvalidRecordError
        An argument is not of its kind.

    Examples
    --------
    >>> import tempfile
    >>> from lashgraph.testing.corpus import build_corpus
    >>> folder = tempfile.mkdtemp()
    >>> _ = build_corpus(folder)
    >>> with open_corpus(folder) as corpus:
    ...     len(corpus.sessions())
    9
    """
    if mode not in ("r", "rw"):
        raise InvalidRecordError(f"mode {shown(mode)}; known: 'r', 'rw'")
    chosen = StoreOptions() if options is None else options
    if not isinstance(chosen, StoreOptions):
        raise InvalidRecordError(f"options is a StoreOptions, not {shown(options)}")
    export = find_export(paths)
    if export is not None:
        return open_export(*export, mode)
    listing = list_files(paths, pattern, recursive=recursive)
    return Corpus(Shared(listing, chosen), mode)
