"""What differs between schema versions and releases: the shape of one entry of the table.

The table itself is in `lashgraph.format.dialects`; nothing else in the package asks for a version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, get_type_hints

from lashgraph.format import jsontext
from lashgraph.format.checkpoint import Manifest, decode_execution_state
from lashgraph.format.commit import TurnResult
from lashgraph.format.head import Head
from lashgraph.format.node import Node
from lashgraph.format.session import Relation
from lashgraph.format.usage import TokenUsage, UsageDelta

Columns = Mapping[str, tuple[str, ...]]

SWEEPING = frozenset({"sweep", "gc_unreachable", "vacuum", "compact", "wal_checkpoint"})
"""Writes that add nothing: they delete what is dead, or fold and shrink the file."""


@dataclass(frozen=True)
class Records:
    """The records of a release: how the JSON and MessagePack in its file is read.

    Attributes
    ----------
    node, head, manifest, result, relation : type
        Of the session graph, the head, checkpoints, recorded turns, and the metadata's relation.
    delta : type
        Of usage, entry by entry.
    execution_state : callable
        Gives the bytes of an execution state by the content of its blob.
    """

    node: type[Node] = Node
    head: type[Head] = Head
    manifest: type[Manifest] = Manifest
    result: type[TurnResult] = TurnResult
    relation: type[Relation] = Relation
    delta: type[UsageDelta] = UsageDelta
    execution_state: Callable[[bytes], bytes] = decode_execution_state

    @cached_property
    def usage(self) -> type[TokenUsage]:
        """The record of token counts; its fields are the columns of the table."""
        made: type[TokenUsage] = get_type_hints(self.delta)["usage"]
        return made


class Evidence:
    """What a file shows, by which releases with the same version are told apart.

    Parameters
    ----------
    tables : iterable of str
        Names of its tables.
    head, result : callable
        Give the JSON of the head, and of the latest recorded turn; None where there is none.
    """

    def __init__(
        self,
        tables: frozenset[str],
        head: Callable[[], str | bytes | None],
        result: Callable[[], str | bytes | None],
    ) -> None:
        self.tables = tables
        self._head = head
        self._result = result

    @cached_property
    def head(self) -> dict[str, Any] | None:
        """The head, if it is a JSON object."""
        return _object(self._head())

    @cached_property
    def result(self) -> dict[str, Any] | None:
        """What the latest recorded turn answered, if it is a JSON object."""
        return _object(self._result())

    def in_head(self, *keys: str) -> Any:
        """What stands in the head under a path of keys; None where the path ends early."""
        return jsontext.inside(self.head, *keys)


def _object(text: str | bytes | None) -> dict[str, Any] | None:
    found = jsontext.lenient(text)
    return found if isinstance(found, dict) else None


def always_told(_evidence: Evidence) -> bool:
    """Tells the last form of a version: what no other took."""
    return True


@dataclass(frozen=True, eq=False)
class Dialect:
    """What the releases of one form write: tables, columns, JSON, and what may be done with it.

    Attributes
    ----------
    version : int
        ``PRAGMA user_version``.
    releases : str
        The releases of lash that write this form.
    tables : mapping of str to tuple of str
        The columns that each table must have.
    differs : str
        What differs from schema version 3 as of alpha.39, for the documentation.
    told_by : callable
        Whether a file of this version is of this form; the first that says so is taken.
    how_told : str
        The same in words.
    records : Records
        How its JSON and MessagePack is read.
    views : mapping of str to str
        SELECT statements that give a table of schema version 3 its columns, where this form keeps
        them otherwise. A table that the form does not have reads as an empty one.
    dead_nodes : str
        The statement by which `vacuum` deletes tombstoned nodes.
    dead_rows : tuple of str
        Statements by which `vacuum` deletes more than tombstoned nodes.
    ddl : tuple of str
        Statements that make a new file, or what is missing of one; none where none is made.
    sweeps : bool
        Whether `SWEEPING` is offered: a store of this form must be at hand, and what its release
        kept in it.
    writes : bool
        Whether all other writes are offered.
    proof : str
        What shows that sweeping is safe, or why it is refused.
    is_known : bool
        Whether a release is known that writes this version; of another the nearest form is taken.
    sessions : str
        A statement that lists the sessions of a file that holds many; empty where it holds one.
        Views of such a dialect say ``{session}`` where the one that is read stands.
    other_roots : str
        A statement that gives key, kind, id and hash of the manifests that keep blobs of the other
        sessions of the file alive.
    every_node : str
        The table or view of the nodes of all sessions.
    """

    version: int
    releases: str
    tables: Columns
    differs: str = ""
    told_by: Callable[[Evidence], bool] = always_told
    how_told: str = ""
    records: Records = field(default_factory=Records)
    views: Mapping[str, str] = field(default_factory=dict)
    dead_nodes: str = "DELETE FROM graph_nodes WHERE tombstoned = 1"
    dead_rows: tuple[str, ...] = ()
    ddl: tuple[str, ...] = ()
    sweeps: bool = True
    writes: bool = False
    proof: str = ""
    is_known: bool = True
    sessions: str = ""
    other_roots: str = ""
    every_node: str = "graph_nodes"

    def refused(self, operation: str) -> str:
        """Why an operation that writes is refused for files of this form; empty if it is not."""
        if operation in SWEEPING:
            return self.refusal
        offered = "; sweep, gc_unreachable, vacuum and compact are offered" if self.sweeps else ""
        return "" if self.writes else f"{self.name} is not written{offered}"

    @property
    def refusal(self) -> str:
        """Why a file of this form is not swept; empty if it is."""
        return "" if self.sweeps else f"{self.name} is not swept: {self.proof}"

    def of_session(self, session_id: str) -> Dialect:
        """The dialect as it reads one of many sessions."""
        quoted = "'" + session_id.replace("'", "''") + "'"

        def of_it(statement: str) -> str:
            return statement.replace("{session}", quoted)

        return replace(
            self,
            views={table: of_it(select) for table, select in self.views.items()},
            other_roots=of_it(self.other_roots),
            dead_nodes=of_it(self.dead_nodes),
        )

    @property
    def name(self) -> str:
        """Version and releases, for a message."""
        return f"schema version {self.version} ({self.releases})"
