"""How each schedule stands: when it is due next, and when it last went well and badly."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from reports.config import Config
from reports.ledger import runs
from reports.ledger.store import Store
from reports.schedule.due import following, previous
from reports.schedule.tick import ledger_of, pending

__all__ = ["Status", "status"]


@dataclass(frozen=True)
class Status:
    """One schedule. ``failure`` is of the last run, if that failed; ``due``: a tick would run it now."""

    schedule: str
    notebook: str
    cron: str
    timezone: str
    next: pd.Timestamp
    due: bool
    good: pd.Timestamp | None
    seconds: float | None
    failure: str
    failed: pd.Timestamp | None


def status(config: Config, *, now: pd.Timestamp) -> list[Status]:
    """Return how each schedule stands at ``now``."""
    if not config.schedules:
        return []
    with Store.open(ledger_of(config)) as store:
        waiting = {each.schedule.name for each in pending(list(config.schedules.values()), store, now=now)}
        found = []
        for name, schedule in config.schedules.items():
            last, failed = runs.last(store, name), runs.last(store, name, state="failed")
            bad = last is not None and last.state == "failed"
            good = runs.last(store, name, state="good")
            found.append(
                Status(
                    schedule=name,
                    notebook=schedule.notebook,
                    cron=schedule.cron,
                    timezone=schedule.timezone,
                    next=previous(schedule, now) if name in waiting else following(schedule, now),
                    due=name in waiting,
                    good=runs.last_good(store, name, until=now),
                    seconds=good.seconds if good else None,
                    failure=last.reason if bad and last else "",
                    failed=failed.started if failed else None,
                )
            )
        return found
