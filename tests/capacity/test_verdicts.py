"""Verdicts: each word with its sign, its place, its meaning and its reason, judged from evidence by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.frames import REASONS, Skipped
from capacity.leadtime import lead_time
from capacity.precedents import Passed
from capacity.verdicts import VERDICTS, Evidence, judge

DAY = pd.Timedelta(1, "D")
CUTOFF = pd.Timestamp("2026-11-01T00:00Z")
CALM = Evidence(
    blocker=None, past=False, probability=0.0, by_lead_time=0.0, order_by=pd.NaT, order_due=False, carried=90 * DAY,
    horizon=90 * DAY, lead=lead_time("21d"), risk=0.1, habit=Passed(0, pd.NaT), history=120 * DAY, zone="UTC",
)  # fmt: skip


def seen(**changed: Any) -> tuple[str, str]:
    return judge(replace(CALM, **changed))


def test_every_verdict_has_a_sign_a_place_and_a_meaning_of_its_own() -> None:
    """Nothing is told by colour alone, and the order of urgency is strict: past first, unknown last."""
    assert list(VERDICTS) == ["past", "order now", "breach", "watch", "fine", "cannot judge"]
    assert [each.rank for each in VERDICTS.values()] == list(range(6))
    for part in ("sign", "meaning"):
        assert len({getattr(each, part) for each in VERDICTS.values()}) == 6


@pytest.mark.parametrize(
    ("changed", "word", "reason"),
    [
        ({}, "fine", "< 1 % within 90d"),
        ({"probability": 0.04}, "fine", "4 % within 90d"),
        ({"probability": 0.05}, "watch", "5 % within 90d"),
        ({"probability": 0.04, "risk": 0.02}, "watch", "4 % within 90d"),
        ({"probability": 0.3, "order_by": CUTOFF + 9 * DAY}, "watch",
         "30 % within 90d; order by 10 Nov 2026 at 10 % risk"),
        ({"probability": 0.5}, "breach", "50 % within 90d"),
        ({"probability": 0.6, "by_lead_time": 0.2, "order_by": CUTOFF - DAY, "order_due": True}, "order now",
         "20 % within the lead time of 21d, above 10 % risk; 60 % within 90d"),
        ({"probability": 0.6, "by_lead_time": 0.1, "order_by": CUTOFF, "order_due": True}, "order now",
         "60 % within 90d; today is the last day to order at 10 % risk, an order takes 21d"),
        ({"past": True}, "past", "past usable capacity at the cutoff"),
        ({"habit": Passed(2, CUTOFF - 9 * DAY)}, "watch",
         "< 1 % within 90d; it passed 2 times in 120d, last on 23 Oct 2026"),
        ({"by_lead_time": float("nan"), "carried": 10 * DAY}, "cannot judge",
         "an order takes 21d, and < 1 % within 10d, as far as the history carries: pull a longer window, or wait for "
         "more"),
        ({"by_lead_time": float("nan"), "horizon": 7 * DAY, "carried": 7 * DAY}, "cannot judge",
         "the horizon (7d) ends before the lead time (21d): < 1 % within 7d; look further ahead"),
    ],
)  # fmt: skip
def test_a_word_and_its_reason_in_figures(changed: dict[str, Any], word: str, reason: str) -> None:
    """What was seen makes one word, and the reason says which figures made it."""
    assert seen(**changed) == (word, reason)


@pytest.mark.parametrize("why", REASONS)
def test_whatever_keeps_from_judging_is_the_reason(why: str) -> None:
    """Too short, too gappy, just changed, loses to naive, no limit: none of them is fine, whatever the figures say."""
    assert seen(blocker=Skipped("x", why, "figures")) == ("cannot judge", f"{why}: figures")
    assert seen(blocker=Skipped("x", why)) == ("cannot judge", why)


def test_what_is_past_is_past_whatever_else_is_unknown() -> None:
    """Nobody needs a forecast to see that."""
    assert seen(past=True, blocker=Skipped("x", "too short"))[0] == "past"


def test_bad_news_needs_less_than_good_news() -> None:
    """A breach within the ten days that are known is told, though the lead time is longer."""
    assert seen(probability=0.9, by_lead_time=float("nan"), carried=10 * DAY)[0] == "breach"


@given(st.floats(0, 1), st.floats(0, 1), st.booleans(), st.integers(0, 5), st.floats(0.01, 0.5))
def test_fine_is_never_the_default(chance: float, lead: float, due: bool, times: int, risk: float) -> None:
    """Fine means: looked past the lead time, hardly a chance, nothing due, and never past in all of the history."""
    last = CUTOFF - DAY if times else pd.NaT
    word, _ = seen(probability=chance, by_lead_time=lead, order_due=due, habit=Passed(times, last), risk=risk)
    if word == "fine":
        assert chance < min(0.05, risk)
        assert (due, times) == (False, 0)
