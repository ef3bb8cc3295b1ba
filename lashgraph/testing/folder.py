"""A folder of many small sample stores, some of them damaged."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

from lashgraph.errors import InvalidRecordError
from lashgraph.format.arguments import as_count
from lashgraph.store import StoreDirectory
from lashgraph.testing.builders import SessionBuilder, Step, ToolCall
from lashgraph.testing.damage import DAMAGES, damage
from lashgraph.testing.texts import TOPICS, log_excerpt, outcome

_AT_ONCE = 8
_MODELS = ("sample-model", "sample-model", "sample-model-large", "sample-model-mini")
_DAMAGED_FIRST = ("manifest-absent", "node-not-json", "head-not-json")
_HANDBOOK = "\n".join(
    f"{line:04d} {random.Random(line).randbytes(40).hex()}" for line in range(600)
)
"""What many sessions read: the same content in many files."""


class _Planned(NamedTuple):
    """A session to be made."""

    session_id: str
    parent: str | None
    build: Callable[[SessionBuilder, random.Random], None]


def build_folder(
    folder: str | os.PathLike[str], files: int = 60, *, damaged: int = 3, seed: int = 0
) -> list[Path]:
    """Make a folder of many small stores, as a research group's agents would leave it.

    Families of three generations, children whose parent has no file, code-executing sessions that
    share modules, chats, several models, much garbage, and a few stores that are damaged.

    Parameters
    ----------
    folder : path
        Is made if it is absent; holds one file per session, named as lash names them.
    files : int
        How many stores.
    damaged : int
        How many of them are damaged, each in another of the ways of `DAMAGES` as long as there
        are any.
    seed : int
        The same arguments make the same sessions.

    Returns
    -------
    list of Path
        In the order in which they were made: parents before their children.

    Raises
    ------
    InvalidRecordError
        A number is not a count, or more stores are to be damaged than made.

    Examples
    --------
    >>> import tempfile
    >>> len(build_folder(tempfile.mkdtemp(), files=4, damaged=1))
    4
    """
    as_count(files, "files")
    as_count(damaged, "damaged")
    if damaged > files:
        raise InvalidRecordError(f"damaged={damaged} is more than files={files}")
    place = StoreDirectory(folder)
    place.folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(_AT_ONCE) as pool:  # most of the time is waiting for the disk
        made = list(pool.map(partial(_make, place, seed), range(files), _planned()))
    kinds = sorted(DAMAGES, key=lambda kind: kind not in _DAMAGED_FIRST)
    chosen = random.Random(f"{seed}:damaged").sample(made, damaged)
    for number, path in enumerate(chosen):
        damage(path, kinds[number % len(kinds)])
    return made


def _make(place: StoreDirectory, seed: int, number: int, planned: _Planned) -> Path:
    path = place.path_for_session(planned.session_id)
    with SessionBuilder(
        path,
        planned.session_id,
        seed=seed,
        model=_MODELS[number % len(_MODELS)],
        parent_session_id=planned.parent,
    ) as session:
        planned.build(session, random.Random(f"{seed}:{number}"))
    return path


def _planned() -> Iterator[_Planned]:
    """Sessions without end, in rounds of twelve."""
    number = 0
    while True:
        number += 1
        lead, scout = f"lead-{number:02d}", f"scout-{number:02d}"
        yield _Planned(lead, None, _lead)
        yield _Planned(f"{scout}-a", lead, _scout)
        yield _Planned(f"{scout}-b", lead, _scout)
        yield _Planned(f"reader-{number:02d}", f"{scout}-b", _reader)
        yield _Planned(f"coder-{number:02d}", None, _coder)
        yield _Planned(f"chat-{number:02d}-a", None, _small_talk)
        yield _Planned(f"hoarder-{number:02d}", None, _hoarder)
        yield _Planned(f"stray-{number:02d}", f"away-{number:02d}", _scout)
        yield _Planned(f"chat-{number:02d}-b", None, _small_talk)
        yield _Planned(f"helper-{number:02d}", lead, _coder)
        yield _Planned(f"chat-{number:02d}-c", None, _small_talk)
        yield _Planned(f"forks-{number:02d}", None, _forks)


def _lead(session: SessionBuilder, chance: random.Random) -> None:
    topic = chance.choice(TOPICS)
    session.remember(chance.randrange(20_000, 90_000))
    session.turn(f"Find out {topic}.", "I send two scouts.")
    session.remember(chance.randrange(20_000, 90_000))
    session.turn("What did they find?", f"It has one reason. That is {topic}.", [_search(chance)])


def _scout(session: SessionBuilder, chance: random.Random) -> None:
    session.remember(chance.randrange(2_000, 30_000))
    run = ToolCall("run_test", {"name": "test_load"}, outcome(chance.choice((1, 3))))
    session.turn(
        f"Look into {chance.choice(TOPICS)}.",
        "The worker waits for a lock that nobody holds.",
        [_search(chance), run],
        reasoning="The log should show it.",
    )


def _reader(session: SessionBuilder, chance: random.Random) -> None:
    log = ToolCall("read_log", {}, log_excerpt(chance.randrange(24)))
    session.turn("Read the log and the handbook.", "It waits.", [log])
    session.archive(_HANDBOOK, "the handbook was pruned")


def _coder(session: SessionBuilder, chance: random.Random) -> None:
    part = chance.randrange(9)
    code = f"rows = await tools.load({{ part: {part} }})?\nsubmit {{ n: len(rows) }}"
    steps = [Step("print(1)", ["1"]), Step(code, final_output={"n": 40 + part})]
    session.code_turn(f"Count the rows of part {part}.", steps)
    session.module("export let score = (log) => count(log, 'error')")
    session.archive(_HANDBOOK, "the handbook was pruned")
    session.new_agent_frame("continue_as")
    session.code_turn("And the next part?", [Step("submit rows", error="unknown name `rows`")])


def _small_talk(session: SessionBuilder, chance: random.Random) -> None:
    for number in range(chance.randrange(2, 6)):
        session.turn(f"Question {number}: {chance.choice(TOPICS)}?", f"Answer {number}, in short.")


def _hoarder(session: SessionBuilder, chance: random.Random) -> None:
    for number in range(3):
        session.remember(chance.randrange(40_000, 200_000))
        session.turn(f"Keep going ({number}).", "Going on.", [_search(chance)])
    session.garbage(chance.randrange(2, 9), 9_000)


def _forks(session: SessionBuilder, _chance: random.Random) -> None:
    session.turn("Start.", "Ready.")
    start = session.leaf
    session.turn("Try the cache.", "It holds nothing.")
    session.tombstone([leaf for leaf in (session.leaf,) if leaf is not None])
    session.branch_from(start)
    session.turn("Try the queue instead.", "It is the queue.")


def _search(chance: random.Random) -> ToolCall:
    query = {"query": chance.choice(TOPICS), "limit": 5}
    return ToolCall("search_logs", query, log_excerpt(chance.randrange(24)))
