"""Lead times as distributions, and what they do to the day on which to order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity import arrival
from capacity.errors import ParameterError
from capacity.leadtime import LeadTime, lead_time
from capacity.outlook import Outlook, outlook
from tests.support.paths import CUTOFF, known_forecast

DAY = pd.Timedelta(1, "D")


def days(span: pd.Timedelta) -> float:
    return span / DAY


def test_a_number_has_no_doubt() -> None:
    """Three weeks are three weeks at every level."""
    lead = lead_time("21d")
    assert [days(lead.at(level)) for level in (0.05, 0.5, 0.99)] == [21.0] * 3
    assert lead.draws.tolist() == [21 * DAY]
    assert str(lead) == "21d"


def test_two_quantiles_make_a_lognormal() -> None:
    """A median of 20 and a p90 of 40 days: the logarithm's deviation is ln 2 ÷ 1.2816, so that p10 is 10 days."""
    lead = lead_time({"p50": "20d", "p90": "40d"})
    assert days(lead.at(0.1)) == pytest.approx(10, rel=1e-6)
    assert days(lead.at(0.975)) == pytest.approx(20 * np.exp(1.959964 * np.log(2) / 1.2815516), rel=1e-6)
    assert str(lead) == "20d (in one case of ten more than 40d)"


def test_draws_have_the_quantiles() -> None:
    """Forty equally likely lead times: half are below the median, and nine in ten below the p90."""
    lead = lead_time({"p50": "20d", "p90": "40d"})
    assert [(lead.draws <= lead.at(level)).mean() for level in (0.5, 0.9)] == [0.5, 0.9]


def test_more_quantiles_are_each_kept() -> None:
    """Between them the logarithm is straight over normal deviates; each stated one is met."""
    lead = lead_time({"p10": "7d", "p50": "14d", "p90": "60d", "p99": "61d"})
    assert [days(lead.at(level)) for level in (0.1, 0.5, 0.9, 0.99)] == pytest.approx([7, 14, 60, 61])


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"p50": "21d"}, "needs two"),
        ({"p50": "21d", "p90": "20d"}, "have to rise"),
        ({"p50": "21d", "late": "30d"}, "'late' is no quantile"),
        ({"p50": "21d", "p90": "soon"}, "lead_time.p90"),
        ("soon", "lead_time"),
    ],
)
def test_what_is_no_lead_time_is_refused(given_: Any, said: str) -> None:
    """Each is told with what is wrong about it."""
    with pytest.raises(ParameterError, match=said):
        lead_time(given_)


def climbs(lead: Any, *, risk: float = 0.1, days_ahead: int = 90) -> Outlook:
    """Return the outlook of a hundred paths of which one breaches on each of the days 1 to 100."""
    paths = np.zeros((100, days_ahead, 1))
    for day in range(min(100, days_ahead)):
        paths[day, day:] = 9.0
    made = known_forecast(paths, history=np.zeros((3, 1)), step="1D")
    return outlook(made, limit=5.0, lead_time=lead, risk=risk)


def test_the_chance_before_an_order_arrives_is_the_mean_over_its_arrivals() -> None:
    """P(breach by day t) is t %: ordered today it is the mean lead time in per cent, in a month 30 more."""
    spread = lead_time({"p50": "20d", "p90": "30d"})
    found = climbs(spread).table.iloc[0]
    mean = np.floor(spread.draws / DAY).to_numpy().mean() / 100
    assert found["risk_ordered_today"] == pytest.approx(mean)
    assert found["risk_ordered_30d"] == pytest.approx(mean + 0.3)
    fixed = climbs("21d").table.iloc[0]
    assert (fixed["risk_ordered_today"], fixed["risk_ordered_30d"]) == (pytest.approx(0.21), pytest.approx(0.51))


def test_what_a_late_order_would_need_to_know_is_not_told() -> None:
    """Ninety days are known; an order put off by 30 days that may take 70 arrives past them."""
    found = climbs({"p50": "20d", "p90": "70d"}).table.iloc[0]
    assert np.isfinite(found["risk_ordered_today"])
    assert np.isnan(found["risk_ordered_30d"])


def test_order_by_is_the_last_day_at_the_risk_by_trying_each() -> None:
    """Day after day, the mean over arrivals of what is lost by then: the last day at 40 % or below."""
    spread = lead_time({"p50": "20d", "p90": "30d"})

    def lost(day: int) -> float:
        return float(np.mean([np.clip((day * DAY + span) // DAY, 0, 90) / 100 for span in spread.draws]))

    last = max(day for day in range(-60, 60) if lost(day) <= 0.4 + 1e-9)
    found = climbs(spread, risk=0.4).table.iloc[0]
    # The date is the first on which it is too late, as it is for a lead time without doubt.
    assert found["order_by"] == CUTOFF + (last + 1) * DAY


def test_what_is_past_had_to_be_ordered_a_lead_time_ago() -> None:
    """At a risk of 10 % the order would have had to be early enough for nine lead times of ten."""
    made = known_forecast(np.zeros((4, 90, 1)), history=np.full((3, 1), 9.0), step="1D")
    found = outlook(made, limit=5.0, lead_time={"p50": "20d", "p90": "30d"}).table.iloc[0]
    assert CUTOFF - 31 * DAY <= found["order_by"] <= CUTOFF - 29 * DAY
    assert found["risk_ordered_today"] == 1.0


@given(st.integers(5, 40), st.integers(1, 30), st.integers(0, 100), st.floats(0.02, 0.6))
def test_a_longer_or_less_certain_lead_time_never_orders_later(
    median: int, spread: int, more: int, risk: float
) -> None:
    """Every lead time longer by so many per cent: the date moves towards today or past it."""
    short = climbs({"p50": f"{median}d", "p90": f"{median + spread}d"}, risk=risk).table.iloc[0]
    minutes = [round(days * 1440 * (1 + more / 100)) for days in (median, median + spread)]
    long = climbs({"p50": f"{minutes[0]}m", "p90": f"{minutes[1]}m"}, risk=risk).table.iloc[0]
    if pd.isna(short["order_by"]):
        assert pd.isna(long["order_by"])
    else:
        assert long["order_by"] <= short["order_by"]
        assert not long["risk_ordered_today"] < short["risk_ordered_today"]


@given(st.floats(0.01, 0.6), st.integers(1, 60))
def test_hardly_any_doubt_is_none(risk: float, median: int) -> None:
    """A lead time that is certain to the second gives the date that the number gives."""
    sure = LeadTime(((0.5, median * DAY), (0.9, median * DAY + pd.Timedelta(1, "s"))))
    plain, spread = climbs(f"{median}d", risk=risk), climbs(sure, risk=risk)
    one, other = plain.table["order_by"].iloc[0], spread.table["order_by"].iloc[0]
    assert (pd.isna(one) and pd.isna(other)) or abs(one - other) <= DAY


def test_waiting_never_helps() -> None:
    """The later it is ordered, the likelier is a breach before it comes."""
    curve = np.linspace(0.01, 0.9, 90)[:, None]
    spread = lead_time({"p50": "20d", "p90": "30d"})
    past = np.zeros(1, dtype=bool)
    waits = [each * DAY for each in range(0, 60, 5)]
    found = [float(arrival.chance_before(curve, spread, step=DAY, past=past, after=wait)[0]) for wait in waits]
    assert found == sorted(found)
