"""The file that everything between runs is kept in. Times are ISO 8601 text in UTC, so that they sort as they are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd

from capacity.errors import ReportError

__all__ = ["FILE", "STATE", "Store", "instant", "text"]

STATE = ".capacity"
"""The folder, below that of the reports, that holds the ledger and the lock."""

FILE = "ledger.sqlite"
VERSION = 1
BUSY_S = 30.0

SCHEMA = """
CREATE TABLE runs (
  id INTEGER PRIMARY KEY, schedule TEXT NOT NULL, notebook TEXT NOT NULL, as_of TEXT NOT NULL, started TEXT NOT NULL,
  ended TEXT, state TEXT NOT NULL CHECK (state IN ('running', 'good', 'failed')), reason TEXT NOT NULL DEFAULT '',
  seconds REAL, place TEXT NOT NULL DEFAULT '', finding TEXT NOT NULL DEFAULT ''
);
CREATE INDEX runs_by_instant ON runs (schedule, as_of);
CREATE TABLE claims (
  id INTEGER PRIMARY KEY, schedule TEXT NOT NULL, as_of TEXT NOT NULL, resource TEXT NOT NULL, labels TEXT NOT NULL,
  series TEXT NOT NULL, model TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('breach', 'quantile')),
  within TEXT NOT NULL, due TEXT NOT NULL, level REAL NOT NULL DEFAULT 0, value REAL NOT NULL, usable REAL,
  outcome REAL, scored TEXT,
  UNIQUE (schedule, as_of, resource, labels, kind, within, level)
);
CREATE INDEX claims_open ON claims (scored, due);
CREATE TRIGGER claims_are_frozen BEFORE UPDATE OF
  schedule, as_of, resource, labels, series, model, kind, within, due, level, value, usable ON claims
  BEGIN SELECT RAISE(ABORT, 'a claim is not changed after it was made'); END;
CREATE TRIGGER scores_are_final BEFORE UPDATE OF outcome ON claims WHEN OLD.scored IS NOT NULL
  BEGIN SELECT RAISE(ABORT, 'a claim is scored once'); END;
CREATE TABLE findings (
  key TEXT NOT NULL, schedule TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('open', 'closed')),
  severity TEXT NOT NULL, opened TEXT NOT NULL, changed TEXT NOT NULL, row TEXT NOT NULL, PRIMARY KEY (schedule, key)
);
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY, delivery TEXT NOT NULL, event TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL,
  severity TEXT NOT NULL, body TEXT NOT NULL, made TEXT NOT NULL, not_before TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'unsure', 'dropped')),
  said TEXT NOT NULL DEFAULT '', UNIQUE (delivery, event)
);
CREATE INDEX outbox_waiting ON outbox (state, not_before);
"""


class Store:
    """The open ledger; a context manager. What is done in a `transaction` is done whole or not at all."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open the ledger, made where there is none.

        Raises
        ------
        ReportError
            It cannot be opened, or a later version of the workbench wrote it.
        """
        path = Path(path)
        with _told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
            connection.row_factory = sqlite3.Row
            store = cls(connection, path)
            store._prepare()
        return store

    def _prepare(self) -> None:
        with self.transaction():
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise ReportError(f"{self.path} was written by a later version of the workbench.")
            if version == 0:
                for statement in _statements(SCHEMA):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep everything that is done inside, or, where an error leaves the block, nothing."""
        with _told(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def do(self, statement: str, *values: object) -> int:
        """Run one statement and return how many rows it touched."""
        with _told(self.path):
            return self._connection.execute(statement, values).rowcount

    def add(self, table: str, **row: object) -> int:
        """Insert a row; one that is there already stays, and 0 is returned for it, else the new row's number."""
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        with _told(self.path):
            done = self._connection.execute(
                f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})",
                tuple(row.values()),
            )
        return int(done.lastrowid or 0) if done.rowcount else 0

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Return what a query finds."""
        with _told(self.path):
            return [dict(row) for row in self._connection.execute(query, values)]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def text(when: pd.Timestamp) -> str:
    """Write an instant as the ledger does."""
    return when.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(value: str | None) -> pd.Timestamp | None:
    """Read an instant as the ledger writes it."""
    return None if value is None else pd.Timestamp(value).as_unit("us")


def _statements(script: str) -> list[str]:
    """Return a script's statements: a trigger's own end in ``END;``."""
    found, held = [], ""
    for line in script.splitlines():
        held += line + "\n"
        if sqlite3.complete_statement(held):
            found.append(held)
            held = ""
    return found


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tell what goes wrong with the file as an error of ours."""
    try:
        yield
    except (sqlite3.OperationalError, sqlite3.DatabaseError) as error:
        if isinstance(error, sqlite3.IntegrityError):
            raise
        raise ReportError(
            f"{path} cannot be used: {error}.", hint="Look at the disk, and at who may write it."
        ) from error
    except OSError as error:
        raise ReportError(f"{path} cannot be used: {error.strerror}.") from error
