"""The user's facade: many session files."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from lashgraph.corpus import shown
from lashgraph.corpus.families import NEEDED as FAMILY_COLUMNS
from lashgraph.corpus.families import families_frame, family_graph
from lashgraph.corpus.lanes import Workers
from lashgraph.corpus.parquet_export import ExportingCorpus
from lashgraph.corpus.reader import Reader
from lashgraph.corpus.running import Columns
from lashgraph.corpus.schemas import FAMILIES, HITS, SHARED_BLOBS
from lashgraph.corpus.search import hits_table, wanted
from lashgraph.corpus.shared import NEEDED as SHARED_COLUMNS
from lashgraph.corpus.shared import shared_frame

if TYPE_CHECKING:
    import networkx as nx


class Corpus(ExportingCorpus):
    """Many session files, as one store is: the same frames, over all of them.

    Made by `open_corpus`. One bad file never ends a run: it is a row of ``errors()``. Files are
    read as a `Store` opened with ``mode="r"`` reads them, which leaves no trace.

    Examples
    --------
    >>> import lashgraph.corpus, tempfile
    >>> from lashgraph.testing.corpus import build_corpus
    >>> folder = tempfile.mkdtemp()
    >>> _ = build_corpus(folder)
    >>> with lashgraph.corpus.open_corpus(folder) as corpus:
    ...     len(corpus), corpus.messages()["session_id"].nunique(), len(corpus.errors())
    (9, 9, 0)
    """

    def __repr__(self) -> str:
        return shown.as_text(self._shared, self._mode, chosen=self._choose is not None)

    def _repr_html_(self) -> str:
        return shown.as_html(self._shared, self._mode, chosen=self._choose is not None)

    def families(
        self, *, columns: Columns = None, executor: Workers = None, progress: bool = False
    ) -> pd.DataFrame:
        """Parents and children, and what they hold by themselves and with all below them.

        Sessions are joined by parent_session_id. A parent that has no file here has a row at the
        end, with the status ``"missing"``; its children are ``"orphan"``.

        Parameters
        ----------
        columns : sequence of str, optional
            Only these columns, in this order.
        executor : int or Executor, optional
            Who reads; this process if not given.
        progress : bool
            Show a bar.

        Returns
        -------
        DataFrame
            ``schema("families")`` tells the columns.

        Examples
        --------
        >>> import lashgraph.corpus, tempfile
        >>> from lashgraph.testing.corpus import build_corpus
        >>> folder = tempfile.mkdtemp()
        >>> _ = build_corpus(folder)
        >>> found = lashgraph.corpus.open_corpus(folder).families()
        >>> parents = found[found["n_children"] > 0]
        >>> parents[["session_id", "n_turns", "total_n_turns"]].values.tolist()
        [['survey-parent', 2, 4]]
        """
        chosen = [column.name for column in FAMILIES.chosen(columns)]
        sessions = self.sessions(columns=FAMILY_COLUMNS, executor=executor, progress=progress)
        found = families_frame(sessions)[chosen]
        found.attrs["lashgraph"] = {**sessions.attrs["lashgraph"], "frame": "families"}
        return found

    def family_graph(self, *, executor: Workers = None, progress: bool = False) -> nx.DiGraph[str]:
        """The families as a graph, with edges from parent to child.

        Parameters
        ----------
        executor : int or Executor, optional
            Who reads; this process if not given.
        progress : bool
            Show a bar.

        Returns
        -------
        networkx.DiGraph
            Nodes are session ids, with the columns of families() as attributes, absent where they
            are missing.
        """
        return family_graph(self.families(executor=executor, progress=progress))

    def shared_blobs(
        self, *, columns: Columns = None, executor: Workers = None, progress: bool = False
    ) -> pd.DataFrame:
        """Content that stands in several files.

        Parameters
        ----------
        columns : sequence of str, optional
            Only these columns, in this order.
        executor : int or Executor, optional
            Who reads; this process if not given.
        progress : bool
            Show a bar.

        Returns
        -------
        DataFrame
            ``schema("shared_blobs")`` tells the columns. ``df.attrs["lashgraph"]`` has blob_bytes,
            the stored bytes of all blobs of the corpus, and deduplicated_bytes, what they would
            be if each content stood there once, in its smallest form.

        Examples
        --------
        >>> import lashgraph.corpus, tempfile
        >>> from lashgraph.testing.corpus import build_corpus
        >>> folder = tempfile.mkdtemp()
        >>> _ = build_corpus(folder)
        >>> found = lashgraph.corpus.open_corpus(folder).shared_blobs()
        >>> sums = found.attrs["lashgraph"]
        >>> sums["blob_bytes"] - sums["deduplicated_bytes"] == found["extra_bytes"].sum()
        np.True_
        """
        chosen = [column.name for column in SHARED_BLOBS.chosen(columns)]
        blobs = self.blobs(columns=SHARED_COLUMNS, executor=executor, progress=progress)
        found, sums = shared_frame(blobs)
        found = found[chosen]
        facts = {**blobs.attrs["lashgraph"], "frame": "shared_blobs"}
        found.attrs["lashgraph"] = facts | sums._asdict()
        return found

    def search(
        self,
        text: str | None = None,
        *,
        regex: str | re.Pattern[str] | None = None,
        role: str | None = None,
        tool: str | None = None,
        tombstoned: bool = False,
        columns: Columns = None,
        strict: bool = False,
        executor: Workers = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Find what sessions say: in parts of messages, protocol events and plugin entries.

        Parameters
        ----------
        text : str, optional
            What a text holds, letter by letter; this or `regex`.
        regex : str or re.Pattern, optional
            What is found in a text; ``(?i)`` at its begin finds capitals and small letters alike.
        role : str, optional
            Only messages of this role. Results of tools are stored with the role User.
        tool : str, optional
            Only calls of this tool and their results.
        tombstoned : bool
            Whether nodes that wait for vacuum are searched.
        columns : sequence of str, optional
            Only these columns, in this order.
        strict : bool
            Raise the first error of a file that cannot be read or only in part.
        executor : int or Executor, optional
            Who reads; this process if not given.
        progress : bool
            Show a bar.

        Returns
        -------
        DataFrame
            One row for each text with a match; ``schema("hits")`` tells the columns.

        Raises
        ------
        InvalidRecordError
            There is not one of text and regex, or an argument is not of its kind.

        Examples
        --------
        >>> import lashgraph.corpus, tempfile
        >>> from lashgraph.testing.corpus import build_corpus
        >>> folder = tempfile.mkdtemp()
        >>> _ = build_corpus(folder)
        >>> found = lashgraph.corpus.open_corpus(folder).search("share one lock")
        >>> found[["session_id", "snippet"]].values.tolist()
        [['research-agent', 'The queue, the import and the cache share one lock.']]
        """
        asked = wanted(text, regex, role, tool)
        build = partial(hits_table, asked=asked, tombstoned=tombstoned)
        ask: Any = partial(Reader.build, schema=HITS, build=build, columns=columns)
        return self._frame(HITS, ask, columns, strict=strict, executor=executor, progress=progress)
