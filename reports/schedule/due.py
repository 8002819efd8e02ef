"""When a schedule is due, and when it was.

Cron's fields are read on the clock on the wall of the schedule's zone, as Debian's cron does: a fixed time that a
change of clocks skips is due right after it, and one that comes twice is due once. Instants are UTC everywhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
from cronsim import CronSim

from reports.settings import Schedule

__all__ = ["Attempts", "Due", "backoff", "due", "following", "previous"]

FIRST_WAIT = pd.Timedelta(minutes=5)
LONGEST_WAIT = pd.Timedelta(hours=1)
FOLD = timedelta(hours=3)
"""More than any change of clocks, so that a search that goes back begins before one."""


@dataclass(frozen=True)
class Attempts:
    """What is known of a schedule's runs for one instant: how many failed, and when the last one ended."""

    failed: int = 0
    last: pd.Timestamp | None = None


@dataclass(frozen=True)
class Due:
    """What is to be run: a schedule, for the instant that it speaks for."""

    schedule: Schedule
    as_of: pd.Timestamp


def following(schedule: Schedule, now: pd.Timestamp) -> pd.Timestamp:
    """Return the first instant after ``now`` at which a schedule is due."""
    return next(instant for instant in _instants(schedule, now) if instant > now)


def previous(schedule: Schedule, now: pd.Timestamp) -> pd.Timestamp:
    """Return the last instant up to ``now`` at which a schedule was due."""
    found = None
    for instant in _instants(schedule, now):
        if instant > now:
            break
        found = instant
    assert found is not None, f"{schedule.cron} was due before {now}"
    return found


def _instants(schedule: Schedule, now: pd.Timestamp) -> Iterator[pd.Timestamp]:
    """Yield the instants at which a schedule is due, in order, from before the last one up to ``now``."""
    start = _before(schedule, now).to_pydatetime(warn=False).astimezone(ZoneInfo(schedule.timezone))
    for found in CronSim(schedule.cron, start):
        yield pd.Timestamp(found).tz_convert("UTC").as_unit("us")


def _before(schedule: Schedule, now: pd.Timestamp) -> pd.Timestamp:
    """Return an instant before the last one that was due: counted back, and further by more than a change of clocks.

    What counts back does not know which of two equal times on the wall it is at; what counts forward does.
    """
    wall: datetime = now.to_pydatetime(warn=False).astimezone(ZoneInfo(schedule.timezone))
    back = CronSim(schedule.cron, wall - FOLD, reverse=True)
    return pd.Timestamp(next(back)).tz_convert("UTC").as_unit("us") - pd.Timedelta(FOLD)


def backoff(failed: int) -> pd.Timedelta:
    """Return how long to wait after so many failures: 5 min, and twice as long each time, up to an hour."""
    doubled: int = 2 ** max(0, min(failed, 10) - 1)
    return min(FIRST_WAIT * doubled, LONGEST_WAIT)


def due(
    schedule: Schedule, *, now: pd.Timestamp, good: pd.Timestamp | None, attempts: Attempts | None = None
) -> Due | None:
    """Return what is due of a schedule; None: nothing is, or not yet again.

    However many instants were missed, the last one alone is made up for.

    Parameters
    ----------
    now : Timestamp
    good : Timestamp or None
        The last instant up to the one after ``now`` that a good report speaks for: the clock may have been set back
        since. One further ahead is from when a clock was wrong, and counts for nothing.
    attempts : Attempts, optional
        Of the instant that is due.
    """
    instant = previous(schedule, now)
    if good is not None and good >= instant:
        return None
    tried = attempts or Attempts()
    if tried.failed > schedule.retries:
        return None
    if tried.last is not None and instant <= tried.last <= now and now < tried.last + backoff(tried.failed):
        return None
    return Due(schedule, instant)
