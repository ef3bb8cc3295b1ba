"""A store as a corpus reads it: whether it is a session, and damage gathered instead of told."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable

import pandas as pd

from lashgraph.columns import FrameSchema
from lashgraph.corpus.notes import Failure
from lashgraph.errors import DamagedDataError
from lashgraph.frames import Builder, RowDamage, Source, make
from lashgraph.frames.source import Made
from lashgraph.sqlite import heads
from lashgraph.sqlite.database import Database
from lashgraph.store import Store, StoreOptions

_HOLDS_A_SESSION = """
    SELECT EXISTS (SELECT 1 FROM session_head) OR EXISTS (SELECT 1 FROM session_meta)
        OR EXISTS (SELECT 1 FROM graph_nodes) OR EXISTS (SELECT 1 FROM runtime_turn_commits),
        EXISTS (SELECT 1 FROM artifact_refs)"""


class Reader(Store):
    """A store opened for reading, whose damages are gathered.

    Parameters
    ----------
    path : str
        A session file.
    options : StoreOptions
        Policy and waiting time.
    session_id : str, optional
        Which session of a file that holds many.

    Attributes
    ----------
    damages : list of RowDamage
        Rows that the calls so far could not read.
    """

    def __init__(self, path: str, options: StoreOptions, session_id: str | None = None) -> None:
        database = Database(
            path,
            "r",
            options.busy_timeout,
            allow_unknown=options.allow_unknown,
            limits=options.read_limits,
            session_id=session_id,
        )
        super().__init__(database, options)
        self.damages: list[RowDamage] = []
        if not database.dialect.is_known:
            self.damages.append(RowDamage("sqlite_master", "", database.dialect.name))

    @property
    def fingerprint(self) -> str:
        """Digest of the file's state and its log's."""
        return self._database.fingerprint()

    def keeps_artifacts_only(self) -> bool:
        """Whether this is lash's artifact database: the tables of a session, and modules alone."""
        with_session, with_artifacts = self._database.read(_contents)
        named_so = os.path.basename(self.path).endswith("artifacts.db")
        return not with_session and (with_artifacts or named_so)

    def build(
        self, schema: FrameSchema, build: Builder, columns: Iterable[str] | None
    ) -> pd.DataFrame:
        """A frame that stores do not have."""

        def read(connection: sqlite3.Connection) -> Made:
            source = Source(connection, self.path, heads.session_id(connection))
            return make(schema, build, source, columns)

        made = self._database.read(read)
        self._tell_damages(made.damages, strict=False)
        return made.frame

    def damage(self, stage: str) -> Failure | None:
        """What could not be read, as one note."""
        if not self.damages:
            return None
        table, key, reason = self.damages[0]
        more = f", and {len(self.damages) - 1} more" if len(self.damages) > 1 else ""
        message = f"{self.path}: {table} {key}: {reason}{more}; problems() lists such rows"
        try:
            super()._tell_damages(self.damages, strict=True)
        except DamagedDataError as error:
            made = Failure.of(self.path, stage, error)
            return made._replace(message=message, partly=True, session_id=self.session_id)
        return None

    def _tell_damages(self, damages: list[RowDamage], *, strict: bool) -> None:
        if strict:
            super()._tell_damages(damages, strict=True)
        self.damages += damages


def _contents(connection: sqlite3.Connection) -> tuple[bool, bool]:
    with_session, with_artifacts = connection.execute(_HOLDS_A_SESSION).fetchone()
    return bool(with_session), bool(with_artifacts)
