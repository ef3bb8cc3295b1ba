"""The table of versions as Markdown: ``python -m lashgraph.format.document > docs/versions.md``."""

from __future__ import annotations

from lashgraph.format.dialect import Dialect
from lashgraph.format.dialects import CURRENT, DIALECTS
from lashgraph.format.markdown import table

_INTRODUCTION = f"""\
# Versions

A session file says its schema version in `PRAGMA user_version`, and that is not enough: several
releases of lash write different things under one number, and a newer release that opens such a file
cannot read its head and deletes nearly every blob when it collects garbage. So a file is recognised
here by its tables first, then by its number, then by what stands in it. `sessions()` tells what was
found, in `schema_version` and `releases`.

All of these forms are read: frames, tree, transcripts, reachability, plans, forecasts, checks and
pictures. A folder that mixes them gives one frame. Columns mean the same everywhere; where a form
lacks something they are missing values or no rows.

Sweeping includes `sweep`, `gc_unreachable`, `vacuum` and `compact`. It is offered for a form of
which a store is at hand that a release wrote, with what that release's own collection kept in it;
for others it raises `VersionNotWrittenError`, and the file stays as it was. So does every other
write but for schema version {CURRENT.version}, where what is written is what alpha.39 writes.
A plan of a form that is not swept is made and forecast as any other, and says so in
`plan.refusal`; in a batch its verdict is `refused`. `GcPolicy.runtime()` keeps what the release of
the file keeps; of a form that is not swept, what the releases around it keep.

This page is made from the declared table: `python -m lashgraph.format.document`.
"""

_YES_NO = ("no", "yes")

_TOKENS = """\
## Token counts

Three rules of counting are in use; the column `accounting` names the rule by the schema version
that began with it.

- `v1` (versions 1 to 6): the release's input tokens include what came from a cache, its output
  tokens do not include reasoning. The token ledger drops an entry whose input, output and reasoning
  are all 0, also if something came from a cache.
- `v7` (versions 7 to 12): tokens read from a cache and written to it are counted beside the
  release's input tokens, reasoning within its output tokens. The ledger drops an entry whose input,
  output and cache tokens are all 0, also if there was reasoning.
- `v38` (the catalogue): counted as `v7`; the ledger drops only an entry whose every count is 0.

In frames `input_tokens` always includes `cache_read_tokens` and `cache_write_tokens` (missing under
`v1`, where writes to a cache were not counted). `output_tokens` is as the release counts it: to
have output with reasoning everywhere, add `reasoning_tokens` where `accounting` is `v1`. `usage()`
says of each entry in `in_ledger` whether the ledger counts it.
"""

_CATALOGUE = """\
## The catalogue

`durable-core.db` holds all sessions of a factory. `lashgraph.open(path, session_id=...)` opens one
of them; without the id a `WhichSessionError` lists them. It reads as a store of its own: its nodes
and those of the sessions that it was forked from, its head, its turns, usage and queue. Its
agent frames are nodes of the kind `plugin` and the type `frame_open`, and rows of `agent_frames()`,
too. A fork's parent is the session that it goes on from.

Blobs and artifacts belong to the file: `blobs()`, `refs()` and plans are of all sessions, whichever
of them is open. Checkpoints of the other sessions' heads are roots under `head@SESSION`, those of
pinned nodes under `anchor:NODE`; `keep_turns` counts the turns of each session. `vacuum` is of one
session, as in lash.

`lashgraph.open_corpus(path)` gives all of its sessions. What belongs to the file is told once:
`blobs()`, `refs()`, `checkpoints()` and plans have it under the first session, and in `sessions()`
the bytes stand in the first session's row, so that sums are right. Exports to Parquet hold the same
rows.
"""

_UNKNOWN = """\
## Versions that are not known

`StoreOptions(allow_unknown=True)` opens a file of another version for reading, as far as the known
form reads it whose tables are the most alike. An `UnknownVersionWarning`
says so; tables that are not there read as empty ones, columns as missing values. What such a
version keeps alive is not known: plans are refused, and the file cannot be opened for writing.

## Files of the Turso engine

alpha.25 to alpha.34 wrote with an engine whose files SQLite does not open. They are read through a
copy in memory in which two bytes of the header are set. As long as the engine's own log
(`NAME.db-log`) is not empty, the file lacks the latest commits, and opening it raises
`PendingLogError`.
"""


def markdown() -> str:
    """The whole page."""
    heads = ("version", "releases", "swept", "written", "told by", "differs from version 3")
    forms = table(heads, [_row(dialect) for dialect in DIALECTS])
    proofs = table(
        ("version", "releases", "what shows that a sweep is safe, or why it is refused"),
        [(str(one.version), one.releases, one.proof) for one in DIALECTS],
    )
    parts = (
        _INTRODUCTION,
        f"## Forms\n\n{forms}",
        f"## Proof\n\n{proofs}",
        _TOKENS,
        _CATALOGUE,
        _UNKNOWN,
    )
    return "\n".join(parts)


def _row(dialect: Dialect) -> tuple[str, ...]:
    return (
        str(dialect.version),
        dialect.releases,
        _YES_NO[dialect.sweeps],
        _YES_NO[dialect.writes],
        dialect.how_told,
        dialect.differs,
    )


if __name__ == "__main__":
    print(markdown(), end="")
