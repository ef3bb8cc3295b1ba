"""A small corpus of varied sample stores, and large stores to measure with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from lashgraph.store import StoreDirectory
from lashgraph.testing.builders import SessionBuilder, Step, ToolCall
from lashgraph.testing.texts import TOPICS, log_excerpt, outcome


def build_corpus(folder: str | os.PathLike[str], seed: int = 0) -> list[Path]:
    """Make sample stores, varied enough to show what the package is for.

    Branches, tombstones, several agent frames, tool calls, code-executing sessions with modules,
    a parent with its children, archives of pruned messages, and garbage.

    Parameters
    ----------
    folder : path
        Is made if it is absent; holds one file per session, named as lash names them.
    seed : int
        The same seed makes the same sessions.

    Returns
    -------
    list of Path
        The richest session first.

    Examples
    --------
    >>> import tempfile
    >>> len(build_corpus(tempfile.mkdtemp()))
    9
    """
    place = StoreDirectory(folder)
    place.folder.mkdir(parents=True, exist_ok=True)
    made = []
    for session_id, build in _SESSIONS.items():
        path = place.path_for_session(session_id)
        parent = "survey-parent" if session_id.startswith("survey-child") else None
        with SessionBuilder(path, session_id, seed=seed, parent_session_id=parent) as session:
            build(session)
        made.append(path)
    return made


def _research_agent(session: SessionBuilder) -> None:
    """Tools, branches, dead ends, three agent frames, modules, an archive, much garbage."""
    forks = []
    for number in range(34):
        topic = TOPICS[number % len(TOPICS)]
        session.remember(6_000 + 900 * (number % 7))
        search = ToolCall("search_logs", {"query": topic, "limit": 5}, log_excerpt(number))
        run = ToolCall("run_test", {"name": f"test_{number}"}, outcome(number))
        tools = {0: (search,), 3: (search, run)}.get(number % 4, ())
        session.turn(
            f"Look into {topic}.",
            f"After {number + 1} readings: {topic} depends on what the log says at {number}:00.",
            tools,
            reasoning="The log should show it." if number % 8 == 0 else "",
        )
        if number in (6, 13, 21):
            forks.append(session.leaf)
        if number in (11, 24):
            session.new_agent_frame("continue_as")
    main_line = session.leaf
    for number, fork in enumerate(forks):
        session.branch_from(fork)
        for step in range(2 + 2 * number):
            session.turn(f"And if we tried variant {step}?", "It would end where we began.")
    dead_end = session.leaf
    session.branch_from(forks[0])
    session.turn("Forget this one.", "Gone.")
    session.tombstone([leaf for leaf in (session.leaf,) if leaf is not None])
    session.module("export let score = (log) => count(log, 'error')")
    session.garbage(12, 9_000)
    session.branch_from(main_line or dead_end)
    session.archive("\n".join(map(log_excerpt, range(60))), "60 log excerpts were pruned")
    session.turn("Sum up.", "The queue, the import and the cache share one lock.")


def _code_runner(session: SessionBuilder) -> None:
    for number in range(12):
        code = f"rows = await tools.load({{ part: {number} }})?\nsubmit {{ n: len(rows) }}"
        steps = [
            Step(f"print({number})", [str(number)]),
            Step(code, final_output={"n": 40 + number}),
        ]
        if number % 5 == 4:
            steps.insert(0, Step("submit rows", error="unknown name `rows`"))
        session.code_turn(f"Count the rows of part {number}.", steps)
        if number % 4 == 3:
            session.module(f"export let part_{number} = (xs) => len(xs)")
        if number == 7:
            session.new_agent_frame("continue_as")


def _chat(session: SessionBuilder) -> None:
    for number in range(60):
        session.turn(f"Question {number}: {TOPICS[number % 5]}?", f"Answer {number}, in short.")


def _branches(session: SessionBuilder) -> None:
    session.turn("Start.", "Ready.")
    start = session.leaf
    for branch in range(5):
        session.branch_from(start)
        for step in range(branch + 1):
            session.turn(f"Branch {branch}, step {step}.", "Noted.")
    session.note("review.mark", {"chosen": 4})


def _parent(session: SessionBuilder) -> None:
    session.turn("Survey the two services.", "I ask one agent for each.")
    session.turn("What did they find?", "Both wait for the same lock.")


def _child(session: SessionBuilder) -> None:
    session.turn("Read the service's log.", "It waits.", [ToolCall("read_log", {}, log_excerpt(1))])


def _wasteful(session: SessionBuilder) -> None:
    for number in range(15):
        session.remember(40_000)
        session.turn(f"Keep going ({number}).", "Going on.")


def _fresh(session: SessionBuilder) -> None:
    session.turn("Hello.", "Hello. What shall we look into?")


_SESSIONS: dict[str, Callable[[SessionBuilder], None]] = {
    "research-agent": _research_agent,
    "code-runner": _code_runner,
    "long-chat": _chat,
    "branches": _branches,
    "survey-parent": _parent,
    "survey-child-a": _child,
    "survey-child-b": _child,
    "wasteful": _wasteful,
    "fresh": _fresh,
}
