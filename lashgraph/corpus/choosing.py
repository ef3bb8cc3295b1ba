"""Parts of a corpus, chosen when they are first asked for."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from lashgraph.corpus.conditions import Condition, Time, Where, conditions, needed
from lashgraph.corpus.discovery import CorpusFile
from lashgraph.corpus.lanes import How
from lashgraph.corpus.running import warn_of
from lashgraph.corpus.sessions import Choice, SessionsCorpus
from lashgraph.corpus.tasks import Job
from lashgraph.corpus.transport import to_frame
from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import shown
from lashgraph.frames import SCHEMAS
from lashgraph.store import Store


class ChoosingCorpus(SessionsCorpus):
    """Parts of a corpus, each a corpus again."""

    def filter(
        self,
        where: Where | None = None,
        *,
        model: str | Sequence[str] | None = None,
        cwd: str | None = None,
        relation: Literal["root", "child", "handoff", "fork"] | None = None,
        min_bytes: int | None = None,
        max_bytes: int | None = None,
        since: Time | None = None,
        until: Time | None = None,
    ) -> Self:
        """The sessions that meet all of these conditions, as a corpus.

        Nothing is read before it is asked for; then the sessions are chosen once. A catalogue of
        many sessions is one file, and is chosen or left as a whole.

        Parameters
        ----------
        where : str or callable, optional
            A query of pandas over ``sessions()``, such as ``"n_turns > 10 and model == 'm'"``, or
            a function that takes this frame and gives true or false for each row.
        model : str or list of str, optional
            Names of models; ``*`` and ``?`` stand for other characters.
        cwd : str, optional
            The working directory, or a folder above it.
        relation : {"root", "child", "handoff", "fork"}, optional
            Sessions of their own, or what they are to others.
        min_bytes, max_bytes : int, optional
            Bytes of the file and its log.
        since, until : str, datetime or pandas Timestamp, optional
            Sessions with a node made at or after, at or before this time; UTC without an offset.

        Returns
        -------
        Corpus
            It shares files and processes with this one.

        Raises
        ------
        InvalidRecordError
            A condition is not of its kind. What is wrong with `where` shows when it is used, and
            so does a catalogue of which some sessions meet the conditions, and some do not.

        Examples
        --------
        >>> import lashgraph.corpus, tempfile
        >>> from lashgraph.testing.corpus import build_corpus
        >>> folder = tempfile.mkdtemp()
        >>> _ = build_corpus(folder)
        >>> corpus = lashgraph.corpus.open_corpus(folder)
        >>> len(corpus.filter(relation="child")), len(corpus.filter("n_turns >= 30"))
        (2, 2)
        """
        made = conditions(
            where,
            model=model,
            cwd=cwd,
            relation=relation,
            min_bytes=min_bytes,
            max_bytes=max_bytes,
            since=since,
            until=until,
        )
        whole = self

        def choose(part: SessionsCorpus, how: How) -> list[CorpusFile]:
            return _meeting(part, made, whole._files(how), how)

        return self._part(choose)

    def sample(self, n: int, seed: int = 0) -> Self:
        """Some sessions drawn at random, as a corpus; the same seed draws the same.

        Parameters
        ----------
        n : int
            How many; all of them if there are fewer. A catalogue counts as one.
        seed : int
            Seed of the draw.

        Returns
        -------
        Corpus
            It shares files and processes with this one.

        Raises
        ------
        InvalidRecordError
            `n` is no number of sessions.
        """
        if isinstance(n, bool) or not isinstance(n, int) or n < 0:
            raise InvalidRecordError(f"n is a number of sessions, not {shown(n)}")
        whole = self

        def choose(_part: SessionsCorpus, how: How) -> list[CorpusFile]:
            found = whole._sessions(how)
            return sorted(random.Random(seed).sample(found, min(n, len(found))))

        return self._part(choose)

    def _part(self, choose: Choice) -> Self:
        part = type(self)(self._shared, self._mode)
        part._whole, part._choose = self, choose
        return part


def _meeting(
    part: SessionsCorpus, made: Sequence[Condition], files: Sequence[CorpusFile], how: How
) -> list[CorpusFile]:
    """The sessions that meet the conditions; what cannot be judged is noted in the part."""
    columns = SCHEMAS["sessions"].chosen(needed(made))
    names = [column.name for column in columns]
    ask = partial(Store.sessions, columns=names)
    outcome = part._run_over(files, Job("sessions", ask, columns, part._shared.sent), how)
    if outcome.failures:
        warn_of(outcome.failures, "filter")
    frame = to_frame(columns, outcome.tables, sum(note.rows for note in outcome.read))
    met = np.ones(len(frame), np.bool_)
    for condition in made:
        met &= condition.met(frame)
    by_path = {file.path: file for file in files}
    ends = np.cumsum([note.rows for note in outcome.read], dtype=np.int64)
    sessions = np.split(met, ends[:-1])
    return [
        by_path[note.path]
        for note, are_met in zip(outcome.read, sessions, strict=False)
        if _is_chosen(note.path, are_met)
    ]


def _is_chosen(path: str, are_met: NDArray[np.bool_]) -> bool:
    """Whether the sessions of a file meet the conditions, which all or none of them must."""
    n_met = int(are_met.sum())
    if 0 < n_met < len(are_met):
        raise InvalidRecordError(
            f"{path}: {n_met} of the {len(are_met)} sessions in this catalogue meet the "
            "conditions, and filter() takes a file whole; open one session by "
            "lashgraph.open(path, session_id=...), or choose rows of the frames",
            path=path,
        )
    return n_met > 0
