"""What if: growth, capacity, lead time and risk are changed without fitting or drawing anything anew."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.errors import ParameterError
from capacity.forecast import forecast
from capacity.frames import wide
from capacity.outlook import Outlook, outlook
from capacity.scenario import one_series, scenario

YEAR = pd.Timedelta(days=365.25)


@pytest.fixture(scope="module")
def found() -> Outlook:
    """Two nodes over ten weeks of hours: one that climbs towards its limit of 100, and one that lies far below."""
    rng = np.random.default_rng(5)
    hours = np.arange(70 * 24)
    day = 8 * np.sin(2 * np.pi * hours / 24)
    climbing = 40 + 25 * hours / hours[-1] + day + rng.normal(0, 2, len(hours))
    calm = 20 + day + rng.normal(0, 2, len(hours))
    times = pd.date_range("2026-08-23", periods=len(hours), freq="1h", tz="UTC")
    history = wide(np.column_stack([climbing, calm]), times=times, series=[{"node": "a"}, {"node": "b"}], metric="m")
    return outlook(forecast(history, horizon="60d"), limit=100.0, lead_time="14d")


def test_nothing_changed_is_the_same_answer(found: Outlook) -> None:
    """A scenario without assumptions has the curve, the dates and the verdict that the outlook had."""
    same = scenario(found, "a")
    assert np.allclose(same.curve.iloc[:, 0], found.curve.iloc[:, 0], equal_nan=True)
    columns = ["breach_p10", "breach_p50", "breach_p90", "order_by", "verdict", "usable", "now"]
    assert same.table[columns].iloc[0].equals(found.table[columns].iloc[0])


def test_growth_is_asked_of_every_path(found: Outlook) -> None:
    """The shares of paths that are past the limit, counted on drawn paths times the growth, are those it reads off."""
    law = scenario(found, "a", growth=0.8).forecast.law
    drawn = found.forecast.only(slice(0, 1)).paths(500)[:, :, 0]
    factor = 1.8 ** (np.arange(1, drawn.shape[1] + 1) / (YEAR / pd.Timedelta(hours=1)))
    counted = np.maximum.accumulate(drawn * factor > 100.0, axis=1).mean(axis=0)
    ((_, read),) = law.reached(lambda _: np.full((drawn.shape[1], 1), 100.0), paths=500)
    assert counted[-1] > 0.5
    assert np.allclose(read[:, 0], counted)


def test_what_is_shown_is_the_demand_that_is_asked_about(found: Outlook) -> None:
    """Half as much again in a year is 1.5 ** (60 / 365.25) times the median at 60 days, below the same limit."""
    before, after = found.forecast.quantile(0.5).iloc[-1, 0], scenario(found, "a", growth=0.5)
    assert after.forecast.quantile(0.5).iloc[-1, 0] == pytest.approx(before * 1.5 ** (60 / 365.25))
    assert after.table["limit"].iloc[0] == 100.0
    assert set(after.limit.iloc[:, 0]) == {100.0}


def test_capacity_counts_from_the_day_that_it_is_there(found: Outlook) -> None:
    """Thirty more from day 20 on leaves the limit as it was until then; by default it takes the lead time."""
    when = found.forecast.cutoff + pd.Timedelta(days=20)
    more = scenario(found, "a", added=30.0, added_on=when)
    assert set(more.limit.loc[: when - pd.Timedelta(hours=1)].iloc[:, 0]) == {100.0}
    assert set(more.limit.loc[when:].iloc[:, 0]) == {130.0}
    assert more.table["probability"].iloc[0] < found.table["probability"].iloc[0]
    ordered = scenario(found, "a", added=30.0)
    changed = ordered.limit.iloc[:, 0].idxmax()
    assert changed == found.forecast.cutoff + pd.Timedelta(days=14)


@settings(max_examples=15)
@given(growth=st.floats(-0.5, 3), more=st.floats(0, 2), added=st.floats(0, 50), extra=st.floats(0, 50))
def test_more_growth_is_never_later_and_more_capacity_never_sooner(
    found: Outlook, growth: float, more: float, added: float, extra: float
) -> None:
    """At every instant the chance rises with growth, and falls with capacity that is there at once."""
    now = found.forecast.cutoff
    some = scenario(found, "a", growth=growth, added=added, added_on=now).curve.iloc[:, 0]
    grown = scenario(found, "a", growth=growth + more, added=added, added_on=now).curve.iloc[:, 0]
    built = scenario(found, "a", growth=growth, added=added + extra, added_on=now).curve.iloc[:, 0]
    assert (grown >= some - 1e-9).all()
    assert (built <= some + 1e-9).all()


def test_a_longer_lead_time_never_orders_later(found: Outlook) -> None:
    """Twice the lead time is two weeks earlier to order."""
    early, late = (scenario(found, "a", lead_time=lead).table["order_by"].iloc[0] for lead in ("28d", "14d"))
    assert late - early == pd.Timedelta(days=14)


def test_one_series_has_the_numbers_that_it_had_among_others(found: Outlook) -> None:
    """Alone, the second of two has the quantiles, the paths and the curve that it had beside the first."""
    alone = one_series(found, "b")
    assert alone.forecast.quantile(0.9).equals(found.forecast.quantile(0.9).iloc[:, 1:])
    assert np.array_equal(alone.forecast.paths(20)[:, :, 0], found.forecast.paths(20)[:, :, 1])
    assert alone.curve.equals(found.curve.iloc[:, 1:])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"growth": -1.0}, "leaves nothing"),
        ({"growth": float("nan")}, "leaves nothing"),
        ({"risk": 1.0}, "between 0 and 1"),
        ({"lead_time": "3"}, "lead_time"),
        ({"added_on": "11/12/2026"}, "added_on"),
    ],
)
def test_assumptions_that_make_no_sense_are_refused(found: Outlook, asked: dict[str, object], said: str) -> None:
    """Each is told by its name."""
    with pytest.raises(ParameterError, match=said):
        scenario(found, "a", **asked)  # type: ignore[arg-type]


def test_a_series_that_cannot_be_judged_has_no_scenario(found: Outlook) -> None:
    """Without a limit there is nothing to add to: the reason is told again."""
    without = outlook(found.forecast, limit=pd.Series([100.0], index=pd.Index(["a"], name="node")))
    with pytest.raises(ParameterError, match="limit missing"):
        scenario(without, "b")


def test_an_unknown_series_is_refused(found: Outlook) -> None:
    """The names that there are stand in the message."""
    with pytest.raises(ParameterError, match="no series 'c'"):
        scenario(found, "c")
