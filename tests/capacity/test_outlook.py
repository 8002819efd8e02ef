"""The outlook: dates, the order-by date and verdicts, from paths that can be read by eye."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.catalog import Reserve
from capacity.errors import ParameterError
from capacity.frames import Skipped, wide
from capacity.outlook import Outlook, outlook
from tests.support.paths import CUTOFF, known_forecast, walks

DAY = pd.Timedelta(1, "D")


def daily(paths: Sequence[Sequence[float]], *, now: float = 0.0, **fields: Any) -> Any:
    """Return a forecast of one series, a step a day, from paths as lists of daily values."""
    values = np.asarray(paths, dtype=float)[:, :, None]
    return known_forecast(values, history=np.full((3, 1), now), step="1D", **fields)


def row(found: Outlook) -> pd.Series:
    return found.table.iloc[0]


def line(slope: float, *, days: int = 90) -> list[float]:
    return [slope * day for day in range(1, days + 1)]


def test_linear_growth_breaches_on_the_day_that_the_hand_says() -> None:
    """Two a day from 0 are past 51 on day 26, 27 November, on every path; ordering three weeks before is 6 November."""
    found = row(outlook(daily([line(2.0)] * 10), limit=51.0, lead_time="21d"))
    assert found["breach_p10"] == found["breach_p50"] == found["breach_p90"] == CUTOFF + 26 * DAY
    assert found["order_by"] == pd.Timestamp("2026-11-06T00:00Z")
    assert (found["probability"], found["verdict"]) == (1.0, "breach")
    assert (found["now"], found["limit"], found["usable"], found["headroom"]) == (0.0, 51.0, 51.0, 51.0)


def test_dates_are_those_by_which_so_many_paths_have_breached() -> None:
    """Ten paths that breach on days 1 to 10 give day 1 at 10 %, day 5 at 50 % and day 9 at 90 %."""
    paths = [[0.0] * day + [9.0] * (10 - day) for day in range(10)]
    found = row(outlook(daily(paths), limit=5.0, lead_time="1d", risk=0.15))
    assert [found[name] for name in ("breach_p10", "breach_p50", "breach_p90")] == [
        CUTOFF + 1 * DAY,
        CUTOFF + 5 * DAY,
        CUTOFF + 9 * DAY,
    ]


def test_not_within_the_horizon_is_nat_and_a_calm_series_is_fine() -> None:
    """A twentieth of the paths is not enough for a date; none of them at all is fine, with its figures."""
    found = row(outlook(daily([line(0.01)] * 20), limit=5.0))
    assert pd.isna([found[name] for name in ("breach_p10", "breach_p50", "breach_p90", "order_by")]).all()
    assert (found["verdict"], found["reason"]) == ("fine", "< 1 % within 90d")


def test_order_by_is_where_the_curve_first_exceeds_the_risk_less_the_lead_time() -> None:
    """One in ten breaches on day 40 and two in ten on day 50: at a risk of 10 % day 50 counts, at 5 % day 40."""
    paths = [[0.0] * 39 + [9.0] * 51, [0.0] * 49 + [9.0] * 41, *[[0.0] * 90] * 8]
    assert row(outlook(daily(paths), limit=5.0, lead_time="21d", risk=0.1))["order_by"] == CUTOFF + 29 * DAY
    assert row(outlook(daily(paths), limit=5.0, lead_time="21d", risk=0.05))["order_by"] == CUTOFF + 19 * DAY


def test_order_by_is_rounded_down_to_a_day_of_the_regions_calendar() -> None:
    """A breach at 02:00Z on 12 November, a day's lead: 11 November in UTC, still the 10th in New York."""
    values = np.zeros((4, 24 * 20, 1))
    values[:, 24 * 11 + 1 :] = 9.0
    made = known_forecast(values, history=np.zeros((24, 1)), series=[{"region": "us"}])
    assert row(outlook(made, limit=5.0, lead_time="1d"))["breach_p50"] == pd.Timestamp("2026-11-12T02:00Z")
    assert row(outlook(made, limit=5.0, lead_time="1d"))["order_by"] == pd.Timestamp("2026-11-11T00:00Z")
    there = outlook(made, limit=5.0, lead_time="1d", timezones={"us": "America/New_York"})
    assert row(there)["order_by"] == pd.Timestamp("2026-11-10T00:00Z")


def test_a_breach_before_the_lead_time_is_over_says_order_now() -> None:
    """Past on day 10 with three weeks to wait: the order-by date lies in the past, and the verdict says so."""
    found = row(outlook(daily([line(1.0)] * 10), limit=9.5, lead_time="21d"))
    assert (found["verdict"], found["order_by"]) == ("order now", CUTOFF - 11 * DAY)
    assert found["reason"] == "> 99 % within the lead time of 21d, above 10 % risk; > 99 % within 90d"


def test_the_last_day_to_order_is_an_order_now() -> None:
    """A breach on day 21 and a lead time of three weeks: today is the day, and tomorrow is too late."""
    found = row(outlook(daily([line(1.0)] * 10), limit=20.5, lead_time="21d"))
    assert (found["verdict"], found["order_by"]) == ("order now", CUTOFF)


def test_already_past_is_its_own_state() -> None:
    """What is true at the cutoff is certain, dated at the cutoff and never before it, whatever the paths do."""
    found = outlook(daily([[0.0] * 90] * 4, now=7.0), limit=5.0, lead_time="21d")
    assert (row(found)["verdict"], row(found)["probability"]) == ("past", 1.0)
    assert row(found)["breach_p10"] == row(found)["breach_p90"] == CUTOFF
    assert (found.curve.to_numpy() == 1.0).all()
    assert row(found)["order_by"] == CUTOFF - 21 * DAY
    assert (row(found)["headroom"], row(found)["utilisation"]) == (-2.0, 1.4)


def test_a_gap_at_the_cutoff_holds_the_value_before_it() -> None:
    """The newest sample is missing: the one before it says where demand stands."""
    made = known_forecast(np.zeros((4, 90, 1)), history=[[7.0], [np.nan]], step="1D")
    assert row(outlook(made, limit=5.0))["verdict"] == "past"


def test_a_floor_is_breached_from_above() -> None:
    """Free space that falls by one a day from 50 is below 10 on day 41."""
    made = daily([[50.0 - day for day in range(1, 91)]] * 4, now=50.0)
    found = row(outlook(made, limit=10.0, direction="below"))
    assert (found["breach_p50"], found["headroom"]) == (CUTOFF + 41 * DAY, 40.0)


def test_a_limit_that_grows_in_time_saves_what_would_have_breached() -> None:
    """One a day is past 50 on day 51, unless the limit is 100 from day 40 on."""
    schedule = [(CUTOFF - DAY, 50.0), (CUTOFF + 40 * DAY, 100.0)]
    assert row(outlook(daily([line(1.0)] * 4), limit=50.0))["breach_p50"] == CUTOFF + 51 * DAY
    found = outlook(daily([line(1.0)] * 4), limit=schedule)
    assert (row(found)["verdict"], row(found)["probability"]) == ("fine", 0.0)
    assert (found.limit.iloc[-1, 0], found.usable.loc[CUTOFF].iloc[0]) == (100.0, 50.0)


def test_reserve_and_buffer_bring_the_date_forward() -> None:
    """Of 100, one of four domains reserved and then a fifth kept free, 60 may be used: day 61 instead of none."""
    found = row(outlook(daily([line(1.0)] * 4), limit=100.0, reserve=Reserve(4, 1), buffer=0.2))
    assert (found["usable"], found["breach_p50"]) == (60.0, CUTOFF + 61 * DAY)


def test_a_calm_series_is_fine_as_far_as_its_history_carries() -> None:
    """A history that carries 30 days says nothing of day 31: it is judged by the 30, and the reason says so."""
    found = outlook(daily([line(0.01)] * 10, carried="30D"), limit=5.0)
    assert found.curve.notna().sum().to_list() == [30]
    assert (row(found)["probability"], row(found)["carried"]) == (0.0, 30 * DAY)
    assert (row(found)["verdict"], row(found)["reason"]) == ("fine", "< 1 % within 30d, as far as the history carries")
    assert np.isnan(found.probability("60d").iloc[0])
    assert row(outlook(daily([line(0.01)] * 10), limit=5.0))["carried"] == 90 * DAY


def test_a_history_shorter_than_the_lead_time_cannot_clear_anything() -> None:
    """Ten days that are carried tell nothing of the eleven that an order takes beyond them; it says what would help."""
    found = row(outlook(daily([line(0.01)] * 10, carried="10D"), limit=5.0, lead_time="21d"))
    assert found["verdict"] == "cannot judge"
    chance = "< 1 % within 10d, as far as the history carries"
    assert found["reason"] == f"an order takes 21d, and {chance}: pull a longer window, or wait for more"


def test_bad_news_needs_less_than_the_whole_horizon() -> None:
    """A breach on day 26 is within the 30 days that are carried: it is told, for those 30."""
    found = row(outlook(daily([line(2.0)] * 10, carried="30D"), limit=51.0))
    assert (found["verdict"], found["breach_p50"]) == ("breach", CUTOFF + 26 * DAY)
    assert found["reason"].startswith("> 99 % within 30d, as far as the history carries; order by 6 Nov 2026")


def test_a_series_that_passed_before_is_never_plainly_fine() -> None:
    """Calm paths, and two bursts in eight days of history: watched, with how often and when it last was."""
    history = np.zeros((8, 1))
    history[[1, 4]] = 95.0
    made = known_forecast(np.zeros((10, 90, 1)), history=history, step="1D")
    found = row(outlook(made, limit=100.0, buffer=0.1))
    assert found["verdict"] == "watch"
    assert found["reason"] == "< 1 % within 90d; it passed 2 times in 8d, last on 29 Oct 2026"
    assert row(outlook(made, limit=120.0, buffer=0.1))["verdict"] == "fine"


def stopped(days_ago: int, *, now: float = 0.0) -> Any:
    """Return a forecast of hourly history whose last sample is so many days old."""
    history = np.full((24 * 40, 1), now)
    history[len(history) - 24 * days_ago :] = np.nan
    return known_forecast(np.zeros((4, 24 * 30, 1)), history=history)


def test_a_series_that_has_stopped_cannot_be_judged() -> None:
    """Twenty days without a sample: not fine, and not past either, whatever the last one was; it says since when."""
    for now in (0.0, 7.0):
        found = outlook(stopped(20, now=now), limit=5.0)
        assert (row(found)["verdict"], row(found)["reason"]) == (
            "cannot judge",
            "no recent data: none since 12 Oct 2026",
        )
        assert [each.reason for each in found.skipped] == ["no recent data"]
    assert row(outlook(stopped(1), limit=5.0))["verdict"] == "fine"
    assert row(outlook(stopped(0), limit=5.0, as_of=CUTOFF + 5 * DAY))["verdict"] == "cannot judge"


def test_a_pause_that_a_series_makes_every_week_is_no_end() -> None:
    """Working days only: on a Sunday the last sample is two days old, as on every Sunday."""
    history = np.zeros((24 * 42, 1))
    for week in range(6):
        history[len(history) - 24 * (2 + 7 * week) : len(history) - 24 * 7 * week] = np.nan
    made = known_forecast(np.zeros((4, 24 * 30, 1)), history=history)
    assert row(outlook(made, limit=5.0))["verdict"] == "fine"


def test_bursts_of_the_past_count_when_no_path_has_one() -> None:
    """A series at 10 that is at 95 in 1 % of its hours has met 90 within a week in nearly every week so far."""
    rng = np.random.default_rng(0)
    history = np.where(rng.random((24 * 80, 1)) < 0.01, 95.0, 10.0)
    history[-1] = 10.0
    made = known_forecast(np.full((10, 24 * 60, 1), 10.0), history=history)
    found = row(outlook(made, limit=100.0, buffer=0.1))
    assert found["verdict"] == "order now"
    assert found["probability"] > 0.4
    assert f"it passed {int((np.diff(history[:, 0]) > 0).sum())} times in 80d" in found["reason"]


@pytest.mark.parametrize("limit", [0.0, -1.0])
def test_a_limit_of_nothing_is_none(limit: float) -> None:
    """Exporters write 0 or −1 for "unlimited": demand above that is not past anything."""
    found = row(outlook(daily([[0.0] * 90] * 4, now=7.0), limit=limit))
    assert (found["verdict"], found["reason"]) == ("cannot judge", f"limit missing: the limit is {limit:g}")
    assert pd.isna(found["breach_p50"])


def test_one_limit_of_a_summed_query_for_many_series_is_told() -> None:
    """Two nodes, and a capacity that was summed over both: each is held against it, and the reason says so."""
    made = known_forecast(np.zeros((4, 90, 2)), history=np.zeros((3, 2)), step="1D")
    summed = wide([[5.0]], times=pd.DatetimeIndex([CUTOFF]), series=[{}], metric="capacity")
    assert outlook(made, limit=summed).table["reason"].to_list() == ["< 1 % within 90d; 1 limit for 2 series"] * 2
    assert outlook(made, limit=5.0).table["reason"].to_list() == ["< 1 % within 90d"] * 2


def test_below_five_per_cent_is_not_watched() -> None:
    """Forty-nine paths of a thousand round to 5 % and are fine; fifty are watched."""
    paths = np.zeros((1000, 90, 1))
    paths[:49, 60:] = 9.0
    assert row(outlook(known_forecast(paths, history=np.zeros((3, 1)), step="1D"), limit=5.0))["verdict"] == "fine"
    paths[49, 60:] = 9.0
    assert row(outlook(known_forecast(paths, history=np.zeros((3, 1)), step="1D"), limit=5.0))["verdict"] == "watch"


def test_a_horizon_that_ends_before_the_lead_time_cannot_clear_anything() -> None:
    """Within a week nothing happens, and an order takes three: that is no "fine"."""
    found = row(outlook(daily([[0.0] * 7] * 4), limit=5.0, lead_time="21d"))
    assert found["verdict"] == "cannot judge"
    assert "ends before the lead time" in found["reason"]


def test_a_small_chance_is_watched() -> None:
    """One path in ten breaches: not likelier than the risk, and not to be ruled out."""
    found = row(outlook(daily([line(1.0), *[[0.0] * 90] * 9]), limit=50.0))
    assert (found["verdict"], found["probability"]) == ("watch", 0.1)


def test_a_missing_limit_is_a_row_and_is_skipped() -> None:
    """It stands in the table as "cannot judge", and among the skipped with its reason; nothing is drawn for it."""
    limit = pd.Series([5.0], index=pd.Index(["other"], name="node"))
    found = outlook(daily([line(1.0)] * 4, skipped=(Skipped("x", "too short"),)), limit=limit)
    assert (row(found)["verdict"], row(found)["reason"]) == ("cannot judge", "limit missing: no limit has its labels")
    assert [each.reason for each in found.skipped] == ["too short", "limit missing"]
    assert found.curve.isna().all(axis=None)


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        ({"mase": 1.3, "naive_mase": 1.0, "coverage80": 0.8, "folds": 4}, "unforecastable"),
        ({"mase": np.nan, "naive_mase": np.nan, "coverage80": np.nan, "folds": 0}, "too short"),
        ({"mase": 0.5, "naive_mase": 1.0, "coverage80": 0.8, "folds": 1}, "too short"),
    ],
)
def test_a_forecast_that_was_not_tested_or_lost_is_not_believed(score: dict[str, float], reason: str) -> None:
    """A model that loses to the naive one, or has fewer than two folds, gives no date: it cannot judge."""
    made = daily([line(2.0)] * 10)
    made = daily([line(2.0)] * 10, scores=pd.DataFrame(score, index=made.columns))
    found = outlook(made, limit=51.0)
    assert row(found)["verdict"] == "cannot judge"
    assert row(found)["reason"].startswith(reason)
    assert pd.isna(row(found)["breach_p50"])
    assert [each.reason for each in found.skipped] == [reason]


def test_what_is_past_already_needs_no_forecast() -> None:
    """A series too short to forecast whose demand is past its limit is past, and not unknown."""
    score = {"mase": np.nan, "naive_mase": np.nan, "coverage80": np.nan, "folds": 0}
    made = daily([[0.0] * 90] * 4, now=7.0)
    made = daily([[0.0] * 90] * 4, now=7.0, scores=pd.DataFrame(score, index=made.columns))
    assert row(outlook(made, limit=5.0))["verdict"] == "past"


def test_probability_is_read_at_its_date_and_not_past_the_horizon() -> None:
    """Paths that breach on days 1 to 10: by day 3 it is 30 %; day 11 was not asked for."""
    paths = [[0.0] * day + [9.0] * (10 - day) for day in range(10)]
    found = outlook(daily(paths), limit=5.0, lead_time="1d")
    assert found.probability("3d").to_list() == [0.3]
    assert found.probability("1h").to_list() == [0.0]
    with pytest.raises(ParameterError, match="past the horizon of 10d"):
        found.probability("11d")


@pytest.mark.parametrize(
    "wrong",
    [{"risk": 0.0}, {"risk": 1.0}, {"buffer": 1.0}, {"reserve": (2, 2)}, {"direction": "up"}, {"aggregate": "mode"},
     {"sustained": "0h"}, {"lead_time": "soon"}, {"limit": "ten"}, {"paths": 0}],
)  # fmt: skip
def test_bad_arguments_are_refused_in_one_line(wrong: dict[str, Any]) -> None:
    """Each is a ParameterError before any path is drawn."""
    with pytest.raises(ParameterError):
        outlook(daily([line(1.0)] * 2), **{"limit": 5.0, **wrong})


def test_progress_is_told() -> None:
    """Long work says how far it is."""
    told: list[tuple[int, int, str]] = []
    outlook(daily([line(1.0)] * 2), limit=5.0, progress=lambda *said: told.append(said))
    assert told == [(1, 1, "outlook")]


AMOUNTS = st.floats(0.5, 12)
SEEDS = st.integers(0, 50)


def drawn(seed: int, *, scale: float = 1.0) -> Any:
    paths = walks(count=40, steps=60, drift=0.05, deviation=0.6, seed=seed)
    return known_forecast(scale * paths, history=np.zeros((4, 1)), step="1D")


def not_sooner(first: pd.Series, second: pd.Series) -> bool:
    """Whether every date of ``second`` is at or after that of ``first``; NaT is after everything."""
    late = pd.Timestamp.max.tz_localize("UTC")
    names = ("breach_p10", "breach_p50", "breach_p90", "order_by")
    return all((first[name] if pd.notna(first[name]) else late) <= (second[name] if pd.notna(second[name]) else late)
               for name in names)  # fmt: skip


@given(SEEDS, AMOUNTS, st.floats(0, 5))
def test_a_higher_limit_is_never_reached_sooner(seed: int, limit: float, more: float) -> None:
    """No date moves forward, and no probability rises, when there is more."""
    low, high = (outlook(drawn(seed), limit=each, sustained="2d", lead_time="5d") for each in (limit, limit + more))
    assert not_sooner(row(low), row(high))
    assert (high.curve.to_numpy() <= low.curve.to_numpy()).all()


@given(SEEDS, AMOUNTS, st.integers(0, 2))
def test_more_reserve_never_brings_a_later_date(seed: int, limit: float, k: int) -> None:
    """Planning for one more lost domain of four moves no date back."""
    less, more = (outlook(drawn(seed), limit=limit, reserve=(4, each), lead_time="5d") for each in (k, k + 1))
    assert not_sooner(row(more), row(less))


@given(SEEDS, AMOUNTS, st.sampled_from([2.0**-20, 0.25, 8.0, 2.0**30]))
def test_scaling_demand_and_limit_together_changes_nothing(seed: int, limit: float, scale: float) -> None:
    """In bytes or in gibibytes: the same curve, the same dates, the same verdict."""
    plain = outlook(drawn(seed), limit=limit, buffer=0.125, lead_time="5d", sustained="3d")
    scaled = outlook(drawn(seed, scale=scale), limit=limit * scale, buffer=0.125, lead_time="5d", sustained="3d")
    assert plain.curve.to_numpy().tolist() == scaled.curve.to_numpy().tolist()
    same = ["utilisation", "probability", "breach_p10", "breach_p50", "breach_p90", "order_by", "verdict", "reason"]
    assert plain.table[same].equals(scaled.table[same])


@given(SEEDS, AMOUNTS, st.integers(1, 40), st.integers(0, 20))
def test_a_longer_lead_time_never_orders_later(seed: int, limit: float, days: int, more: int) -> None:
    """The order-by date moves towards today, or past it, by exactly as much."""
    short = row(outlook(drawn(seed), limit=limit, lead_time=days * DAY))["order_by"]
    long = row(outlook(drawn(seed), limit=limit, lead_time=(days + more) * DAY))["order_by"]
    assert (pd.isna(short) and pd.isna(long)) or short - long == more * DAY


@given(SEEDS, AMOUNTS, st.floats(0.01, 0.5), st.floats(0.01, 0.4))
def test_who_puts_up_with_more_risk_never_orders_sooner(seed: int, limit: float, risk: float, more: float) -> None:
    """A higher risk moves the order-by date back, or away."""
    careful, bold = (row(outlook(drawn(seed), limit=limit, risk=each, lead_time="5d")) for each in (risk, risk + more))
    assert pd.isna(bold["order_by"]) or careful["order_by"] <= bold["order_by"]


@given(SEEDS, AMOUNTS, st.floats(0, 4), st.sampled_from(["mean", "max", "p90"]))
def test_chances_never_fall_and_fall_with_the_limit(seed: int, limit: float, more: float, aggregate: str) -> None:
    """Paths and a history of bursts as one: in [0, 1], never falling along the horizon, never higher for more room."""
    rng = np.random.default_rng(seed)
    history = np.where(rng.random((120, 1)) < 0.05, 8.0, 0.0) + rng.normal(0, 0.3, (120, 1))
    history[-2:] = 0.0
    paths = walks(count=40, steps=60, drift=0.05, deviation=0.6, seed=seed)
    made = known_forecast(paths, history=history, step="1D")
    low, high = (outlook(made, limit=each, sustained="2d", aggregate=aggregate).curve.to_numpy()
                 for each in (limit, limit + more))  # fmt: skip
    for curve in (low, high):
        assert ((curve >= 0) & (curve <= 1)).all()
        assert (np.diff(curve, axis=0) >= 0).all()
    assert (high <= low + 1e-12).all()


def test_a_limit_that_demand_cannot_pass_is_no_limit() -> None:
    """CPU cannot be past 100 %: a limit of 1 would make every series fine for ever, and is told instead."""
    made = daily([[0.9] * 90] * 4, now=0.9)
    assert row(outlook(made, limit=1.0, bounds=(0.0, 0.99)))["verdict"] == "cannot judge"
    assert "physical bound" in row(outlook(made, limit=1.0, bounds=(0.0, 1.0)))["reason"]
    assert row(outlook(made, limit=0.95, bounds=(0.0, 1.0)))["verdict"] == "fine"
    floor = row(outlook(made, limit=0.0, bounds=(0.0, 1.0), direction="below"))
    assert floor["verdict"] == "cannot judge"
