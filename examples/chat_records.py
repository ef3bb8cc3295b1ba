"""A session and its children as chat records, for a language model that judges them.

    python examples/chat_records.py [SESSION.db]

Prints one line of JSON for each session: its id, its parent's, and ``messages`` with role, content
and tool_calls. Without an argument it takes a sample session that it makes in a temporary folder.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from lashgraph.store import session_family
from lashgraph.testing.corpus import build_corpus

LONGEST = 2_000
"""Characters of a tool's result that the judge is given."""


def shortened(message: dict[str, Any]) -> dict[str, Any]:
    """A message whose tool result is cut to what a judge needs of it."""
    content = message["content"]
    if message["role"] != "tool" or len(content) <= LONGEST:
        return message
    cut = f"{content[:LONGEST]}\n[{len(content) - LONGEST} more characters]"
    return {**message, "content": cut}


def main(path: Path) -> None:
    for session in session_family(path, every_frame=True).chat():
        record = {
            "session_id": session.get("session_id"),
            "parent_session_id": session.get("parent_session_id"),
            "messages": list(map(shortened, session["messages"])),
        }
        print(json.dumps(record))


if __name__ == "__main__":
    if sys.argv[1:]:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            made = build_corpus(folder)
            main(next(path for path in made if path.name.startswith("survey-parent")))
