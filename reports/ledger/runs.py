"""The runs that were begun, and what came of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports.ledger.store import Store, instant, text

__all__ = ["Ran", "begin", "end", "failures", "interrupted", "last", "last_good"]

KILLED = "the run was ended before it could tell how it went"


@dataclass(frozen=True)
class Ran:
    """A run: for which instant, when it ended (None: it has not), and why it failed (empty: it did not)."""

    schedule: str
    as_of: pd.Timestamp
    started: pd.Timestamp
    ended: pd.Timestamp | None
    state: str
    reason: str
    seconds: float | None
    place: str
    finding: str


def begin(store: Store, schedule: str, *, notebook: str, as_of: pd.Timestamp, now: pd.Timestamp) -> int:
    """Note that a run has begun, and return its number."""
    return store.add(
        "runs", schedule=schedule, notebook=notebook, as_of=text(as_of), started=text(now), state="running"
    )


def end(
    store: Store,
    number: int,
    *,
    now: pd.Timestamp,
    seconds: float,
    reason: str = "",
    place: str = "",
    finding: str = "",
) -> None:
    """Note how a run ended: with a reason it failed."""
    store.do(
        "UPDATE runs SET state = ?, ended = ?, seconds = ?, reason = ?, place = ?, finding = ? WHERE id = ?",
        "failed" if reason else "good", text(now), seconds, reason, place, finding, number,
    )  # fmt: skip


def interrupted(store: Store) -> int:
    """Note as failed what is said to be running: whoever holds the lock knows that nothing is. Returns how many."""
    return store.do("UPDATE runs SET state = 'failed', ended = started, reason = ? WHERE state = 'running'", KILLED)


def last_good(store: Store, schedule: str, *, until: pd.Timestamp) -> pd.Timestamp | None:
    """Return the last instant up to ``until`` that a good run speaks for."""
    query = "SELECT max(as_of) AS as_of FROM runs WHERE schedule = ? AND state = 'good' AND as_of <= ?"
    return instant(store.rows(query, schedule, text(until))[0]["as_of"])


def failures(store: Store, schedule: str, as_of: pd.Timestamp) -> tuple[int, pd.Timestamp | None]:
    """Return how many runs for an instant failed, and when the last of them ended."""
    query = "SELECT count(*) AS n, max(ended) AS last FROM runs WHERE schedule = ? AND as_of = ? AND state = 'failed'"
    (row,) = store.rows(query, schedule, text(as_of))
    return int(row["n"]), instant(row["last"])


def last(store: Store, schedule: str, *, state: str | None = None) -> Ran | None:
    """Return the run that began last, of those in a state if one is given."""
    query = "SELECT * FROM runs WHERE schedule = ? AND (? IS NULL OR state = ?) ORDER BY id DESC LIMIT 1"
    rows = store.rows(query, schedule, state, state)
    return _ran(rows[0]) if rows else None


def _ran(row: dict[str, Any]) -> Ran:
    as_of, started = instant(row["as_of"]), instant(row["started"])
    assert as_of is not None
    assert started is not None
    return Ran(
        schedule=row["schedule"],
        as_of=as_of,
        started=started,
        ended=instant(row["ended"]),
        state=row["state"],
        reason=row["reason"],
        seconds=row["seconds"],
        place=row["place"],
        finding=row["finding"],
    )
