"""Verdicts: one word on each series, with the reason for it, and never "fine" by default.

A series is fine only when it was looked at over the whole horizon and its chance of a breach is small. Whatever keeps
us from saying so (a limit that is missing, a history that carries less than the horizon, a model that loses to the
naive one) is "cannot judge", with that as its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd

from capacity.frames import Skipped, duration_text

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
            Verdict("fine", "✔", 4, "looked at over the whole horizon, a breach is very unlikely"),
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
        Of a breach within the horizon; NaN where the history does not carry that far.
    known : float
        Of a breach within what the history carries.
    by_lead_time : float
        Of a breach before a decision taken at the cutoff would help; NaN where that is past the horizon.
    order_due : bool
        The order-by date is the cutoff's own day, or before it.
    carried, horizon, lead_time : Timedelta
    risk : float
    """

    blocker: Skipped | None
    past: bool
    probability: float
    known: float
    by_lead_time: float
    order_due: bool
    carried: pd.Timedelta
    horizon: pd.Timedelta
    lead_time: pd.Timedelta
    risk: float


def judge(evidence: Evidence) -> tuple[str, str]:
    """Return the verdict's word, and the reason for it in figures.

    Bad news needs less than good news: what a history carries is enough to say that something runs out, while "fine"
    needs the whole horizon and the whole lead time.
    """
    seen = evidence
    if seen.past:
        return "past", "past usable capacity at the cutoff"
    if seen.blocker is not None:
        return CANNOT_JUDGE, _because(seen.blocker)
    whole = not pd.isna(seen.probability)
    span = duration_text(seen.horizon if whole else seen.carried)
    chance = f"{percent(seen.known)} within {span}"
    if seen.order_due:
        return "order now", _order_now(seen, chance)
    if seen.known >= BREACH_SHARE:
        return "breach", chance
    if not whole:
        return CANNOT_JUDGE, f"the history carries {span} of {duration_text(seen.horizon)} ({chance})"
    if pd.isna(seen.by_lead_time):
        return (
            CANNOT_JUDGE,
            f"the horizon ({span}) ends before the lead time ({duration_text(seen.lead_time)}): {chance}",
        )
    return ("watch" if seen.known >= min(WATCH_SHARE, seen.risk) else "fine"), chance


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


def _order_now(seen: Evidence, chance: str) -> str:
    lead = duration_text(seen.lead_time)
    if seen.by_lead_time > seen.risk:
        return f"{percent(seen.by_lead_time)} within the lead time of {lead}, {chance}"
    return f"{chance}, and an order takes {lead}"


def _because(blocker: Skipped) -> str:
    return f"{blocker.reason}: {blocker.detail}" if blocker.detail else blocker.reason
