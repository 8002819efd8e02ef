"""Verdicts: one word on each series, with the reason for it, and never "fine" by default.

A series is fine only when it was looked at for longer than an order takes, as far as its history carries, when its
chance of a breach is small, and when it has never been past usable capacity in all of that history. Whatever keeps us
from saying so (a limit that is missing, samples that have stopped, a history that carries less than the lead time, a
model that loses to the naive one) is "cannot judge", with that as its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import pandas as pd

from capacity import dates
from capacity.frames import Skipped, duration_text
from capacity.leadtime import LeadTime
from capacity.precedents import Passed

__all__ = [
    "BREACH_SHARE",
    "CANNOT_JUDGE",
    "VERDICTS",
    "WATCH_SHARE",
    "Evidence",
    "Verdict",
    "judge",
    "loses_to_naive",
    "percent",
]

# Likelier than not: from here on the median date of the breach lies within the horizon, so it is said to happen.
BREACH_SHARE = 0.5
# Half of the default risk. The share of 1,000 paths tells 5 % from 0 at six standard errors, and from the default risk
# of 10 % at five; a risk below it takes its place.
WATCH_SHARE = 0.05
# A model's error over its folds may exceed the naive model's by this much before it counts as losing: with the
# three to four folds that a history affords, a tenth is within what chance does to equals.
LOSES_BY = 1.1


@dataclass(frozen=True, slots=True)
class Verdict:
    """A word, the sign before it, its place in the order of urgency (0 is the most urgent), and what it means."""

    word: str
    sign: str
    rank: int
    meaning: str


VERDICTS: Mapping[str, Verdict] = MappingProxyType(
    {
        verdict.word: verdict
        for verdict in (
            Verdict("past", "✖", 0, "demand is past usable capacity at the cutoff"),
            Verdict("order now", "!", 1, "a breach before the lead time is over is likelier than the risk put up with"),
            Verdict("breach", "◆", 2, "a breach within the horizon is likelier than not"),
            Verdict("watch", "▲", 3, "a breach within the horizon is unlikely, and not to be ruled out"),
            Verdict("fine", "✔", 4, "looked at as far as the history carries, a breach is very unlikely"),
            Verdict("cannot judge", "?", 5, "there is no answer, and a reason why"),
        )
    }
)
CANNOT_JUDGE = "cannot judge"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one series when it is judged.

    Attributes
    ----------
    blocker : Skipped or None
        Why there is no distribution at all.
    past : bool
        The event is true at the cutoff.
    probability : float
        Of a breach within what the history carries of the horizon.
    by_lead_time : float
        Of a breach before a decision taken at the cutoff would help; NaN where that is past what is carried.
    order_by : Timestamp
        NaT: nothing to order.
    order_due : bool
        The order-by date is the cutoff's own day, or before it.
    carried, horizon : Timedelta
        ``carried`` is what the history carries of the horizon.
    lead : LeadTime
    risk : float
    habit : Passed
        How often the history was past what may be used at the cutoff.
    history : Timedelta
        How long it is.
    zone : str
        Whose calendar dates are read in.
    """

    blocker: Skipped | None
    past: bool
    probability: float
    by_lead_time: float
    order_by: pd.Timestamp
    order_due: bool
    carried: pd.Timedelta
    horizon: pd.Timedelta
    lead: LeadTime
    risk: float
    habit: Passed
    history: pd.Timedelta
    zone: str


def judge(evidence: Evidence) -> tuple[str, str]:
    """Return the verdict's word, and the reason for it in figures.

    Bad news needs less than good news: what a history carries is enough to say that something runs out, while "fine"
    needs a look past the lead time, and a history that never was past usable capacity.
    """
    seen = evidence
    if seen.past:
        return "past", "past usable capacity at the cutoff"
    if seen.blocker is not None:
        return CANNOT_JUDGE, _because(seen.blocker)
    chance = _chance(seen)
    if seen.order_due:
        return "order now", _order_now(seen, chance) + _habit(seen)
    if seen.probability >= BREACH_SHARE:
        return "breach", chance + _order_by(seen) + _habit(seen)
    if pd.isna(seen.by_lead_time):
        return CANNOT_JUDGE, _too_near(seen, chance)
    quiet = seen.probability < min(WATCH_SHARE, seen.risk) and not seen.habit.times
    return ("fine" if quiet else "watch"), chance + _order_by(seen) + _habit(seen)


def _chance(seen: Evidence) -> str:
    span = _whole(seen.carried)
    within = f"{percent(seen.probability)} within {span}"
    return within if seen.carried >= seen.horizon else f"{within}, as far as the history carries"


def _order_now(seen: Evidence, chance: str) -> str:
    lead, risk = str(seen.lead), percent(seen.risk)
    if seen.by_lead_time > seen.risk:
        early = f"{percent(seen.by_lead_time)} within the lead time of {lead}, above {risk} risk"
        return early if seen.lead.late == seen.carried else f"{early}; {chance}"
    return f"{chance}; today is the last day to order at {risk} risk, an order takes {lead}"


def _order_by(seen: Evidence) -> str:
    return "" if pd.isna(seen.order_by) else f"; order by {dates.day(seen.order_by)} at {percent(seen.risk)} risk"


def _habit(seen: Evidence) -> str:
    times = seen.habit.times
    if not times:
        return ""
    often = "once" if times == 1 else f"{times} times"
    return f"; it passed {often} in {_whole(seen.history)}, last on {dates.day(seen.habit.last, zone=seen.zone)}"


def _too_near(seen: Evidence, chance: str) -> str:
    lead = str(seen.lead)
    if seen.carried < seen.horizon:
        return f"an order takes {lead}, and {chance}: pull a longer window, or wait for more"
    return f"the horizon ({_whole(seen.horizon)}) ends before the lead time ({lead}): {chance}; look further ahead"


@lru_cache(maxsize=256)
def _whole(span: pd.Timedelta) -> str:
    """Write a span in whole days from two days on: nobody plans by the hours of a quarter."""
    return duration_text(span.floor("D") if span >= pd.Timedelta(days=2) else span)


def loses_to_naive(score: float, naive: float) -> bool:
    """Whether a model's error over its folds is worse than the naive model's by more than chance explains."""
    return bool(score > LOSES_BY * naive)


def percent(share: float) -> str:
    """Write a probability for a person: ``"12 %"``; NaN is ``"–"``.

    None of a thousand paths is ``"< 1 %"``, all of them ``"> 99 %"``: a sample knows no certainty.
    """
    if pd.isna(share):
        return "–"
    if share < 0.01:
        return "< 1 %"
    if share > 0.99:
        return "> 99 %"
    return f"{100 * share:.0f} %"


def _because(blocker: Skipped) -> str:
    return f"{blocker.reason}: {blocker.detail}" if blocker.detail else blocker.reason
