"""Known events: what they take off a history, and what they add to a horizon."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity.calendar import holidays_of, wall_clock
from capacity.catalog import Catalog, Event, EventKind
from capacity.catalog_load import parse_catalog
from capacity.errors import CatalogError, ParameterError
from capacity.events import known
from capacity.forecast import Forecast, forecast
from capacity.frames import wide
from capacity.orders import with_orders

START = pd.Timestamp("2026-03-02T00:00Z")  # a Monday
WEEKS = 8
CUTOFF = START + pd.Timedelta(weeks=WEEKS)


def frame(values: np.ndarray, step: str = "1h", region: str = "eu") -> pd.DataFrame:
    times = pd.date_range(START + pd.Timedelta(step), periods=len(values), freq=step, unit="us")
    values = np.asarray(values, dtype=float).reshape(len(values), -1)
    series = [{"region": region, "node": f"n{place}"} for place in range(values.shape[1])]
    return wide(values, times=times, series=series, metric="load")


def wave(rows: int = 168 * WEEKS, series: int = 2) -> np.ndarray:
    random = np.random.default_rng(2)
    return (100 + 10 * np.sin(2 * np.pi * np.arange(rows) / 24))[:, None] + random.normal(0, 1, (rows, series))


def middle(made: Forecast, column: int = 0) -> np.ndarray:
    return made.quantile(0.5).to_numpy()[:, column]


def day(number: float) -> pd.Timestamp:
    """Midnight so many days before (−) or after the cutoff."""
    return CUTOFF + pd.Timedelta(hours=round(24 * number))


def test_a_launch_to_come_adds_its_effect_from_its_start_to_the_series_that_it_names() -> None:
    """+50 on n0 from day 3 of 7: before it and on n1 nothing changes; from it on the median is 50 higher."""
    history = frame(wave())
    plain = forecast(history, horizon="7d")
    told = forecast(history, horizon="7d", events=[Event("launch", "x", day(3), where={"node": "n0"}, effect=50.0)])
    moved = told.quantile(0.5).to_numpy() - plain.quantile(0.5).to_numpy()
    assert moved[:72, 0] == pytest.approx(np.zeros(72))
    assert moved[72:, 0] == pytest.approx(np.full(96, 50.0), abs=0.6)
    assert moved[:, 1] == pytest.approx(np.zeros(168))
    paths = told.paths(100)
    assert paths[:, 80:, 0].mean() - paths[:, 80:, 1].mean() == pytest.approx(50, abs=3)


def test_an_announcement_is_doubted_by_a_fifth() -> None:
    """With noise of 1 and 100 announced, the 80 % band after the start is tens wide, and was a few before it."""
    told = forecast(frame(wave()), horizon="7d", events=[Event("launch", "x", day(3), effect=100.0)])
    width = (told.quantile(0.9) - told.quantile(0.1)).to_numpy()[:, 0]
    assert width[:48].mean() < 6
    assert 25 < width[96:].mean() < 90


@pytest.mark.parametrize("stated", [None, 60.0])
def test_a_declared_shift_restarts_the_level_and_keeps_the_season(stated: float | None) -> None:
    """A shift of +60 one day before the cutoff: next week is about 160, with the day's wave of ±10."""
    values = wave()
    values[-24:] += 60
    made = forecast(frame(values), horizon="7d", events=[Event("level_shift", "move", day(-1), effect=stated)])
    assert middle(made).mean() == pytest.approx(160, abs=3)
    assert np.ptp(middle(made)) == pytest.approx(20, abs=5)
    assert made.since is not None
    assert made.since.iloc[0] == day(-1) + pd.Timedelta(hours=1)
    assert "level shift move" in made.explain(0)


def test_growth_across_a_launch_is_not_taken_for_it() -> None:
    """2 a day throughout and a launch that added nothing: no lift, and the growth goes on."""
    values = 100 + 2 * np.arange(168 * WEEKS) / 24 + np.random.default_rng(0).normal(0, 0.5, 168 * WEEKS)
    made = forecast(frame(values), horizon="10d", events=[Event("launch", "x", day(-20))])
    assert middle(made)[-1] == pytest.approx(100 + 2 * 66, rel=0.03)


def test_a_campaign_is_taken_off_and_the_next_one_is_expected_to_be_like_it() -> None:
    """+40 for three days last week; the same kind announced without a size adds about 40, and only then."""
    values = wave(series=1)
    values[-24 * 6 : -24 * 3] += 40
    events = [Event("campaign", "spring", day(-6), day(-3)), Event("campaign", "summer", day(2), day(4))]
    made = forecast(frame(values), horizon="7d", events=events)
    quiet = np.r_[middle(made)[:48], middle(made)[96:]]
    assert quiet.mean() == pytest.approx(100, abs=3)
    assert middle(made)[48:96].mean() == pytest.approx(140, abs=4)


def test_an_end_takes_away_whatever_its_sign() -> None:
    """A decommissioning of 30, written 30 or −30: 30 less from its start."""
    for effect in (30.0, -30.0):
        made = forecast(frame(wave()), horizon="2d", events=[Event("decommission", "x", day(1), effect=effect)])
        assert middle(made)[:24].mean() - middle(made)[24:].mean() == pytest.approx(30, abs=2)


def test_bounds_hold_with_events_on_top() -> None:
    """+0.5 announced on a ratio of 0.8: no path passes 1."""
    values = 0.8 + np.random.default_rng(1).normal(0, 0.02, (168 * WEEKS, 1))
    made = forecast(frame(values), horizon="2d", bounds=(0.0, 1.0), events=[Event("launch", "x", day(0.5), effect=0.5)])
    assert made.paths(100).max() <= 1
    assert middle(made)[-1] > 0.95


def test_events_after_the_cutoff_are_not_learnt_from_later_samples() -> None:
    """With ``as_of`` before a shift's samples, changing them changes no byte."""
    values = wave()
    event = [Event("level_shift", "x", day(-10)), Event("campaign", "y", day(-5), day(-4))]
    changed = values.copy()
    changed[-24 * 7 :] *= 3
    made = [forecast(frame(v), horizon="3d", as_of=day(-7), events=event).paths(5) for v in (values, changed)]
    assert made[0].tobytes() == made[1].tobytes()


def work_week(rows: int) -> np.ndarray:
    """100 by night and at weekends, 200 from 8 to 18 UTC on weekdays."""
    hours = np.arange(rows)
    busy = (hours // 24 % 7 < 5) & (hours % 24 >= 8) & (hours % 24 < 18)
    return np.where(busy, 200.0, 100.0) + np.random.default_rng(0).normal(0, 1, rows)


def test_holidays_come_from_the_calendar_of_the_region_and_look_like_those_before() -> None:
    """German holidays of spring 2026: Good Friday and Easter Monday were quiet, so 1 May is; the others are not."""
    values = work_week(168 * WEEKS)
    for holiday in ("2026-04-03", "2026-04-06"):
        first = int((pd.Timestamp(holiday, tz="UTC") - START) / pd.Timedelta(hours=1))
        values[first : first + 24] = 100.0
    catalog = Catalog("c", "C", holidays={"eu": "DE"})
    made = forecast(frame(values), horizon="7d", events=catalog)
    table = made.quantile(0.5).iloc[:, 0]
    noon = {f"{when:%m-%d}": value for when, value in table.items() if when.hour == 13}
    assert noon["05-01"] == pytest.approx(100, abs=12)
    assert noon["04-30"] == pytest.approx(200, abs=8)
    plain = forecast(frame(values), horizon="7d").quantile(0.5).iloc[:, 0]
    assert plain[plain.index.hour == 13].loc["2026-05-01"].iloc[0] > 170
    assert "2 holidays" in made.explain(0)


def test_a_holiday_is_a_day_of_its_time_zone() -> None:
    """1 May in Germany begins at 22:00 UTC of the day before, and 4 July is none there."""
    catalog = Catalog("c", "C", timezones={"eu": "Europe/Berlin"}, holidays={"eu": "DE", "us": "US"})
    found = holidays_of(catalog, start=pd.Timestamp("2026-04-30T00:00Z"), end=pd.Timestamp("2026-07-05T00:00Z"))
    labour = [one for one in found if one.start == pd.Timestamp("2026-04-30T22:00Z")]
    assert [one.where for one in labour] == [{"region": "eu"}]
    assert {one.where["region"] for one in found if "Independence" in one.name} == {"us"}


def test_a_country_that_is_not_known_says_how_to_write_one() -> None:
    """``XX`` is no country; ``germany`` is refused when the catalogue is read."""
    with pytest.raises(ParameterError, match="'XX'"):
        holidays_of(Catalog("c", "C", holidays={"eu": "XX"}), start=START, end=CUTOFF)
    with pytest.raises(CatalogError, match="DE-BY"):
        parse_catalog('name = "c"\n[holidays]\neu = "germany"\n')
    assert parse_catalog('name = "c"\n[holidays]\neu = "DE-BY"\n').holidays == {"eu": "DE-BY"}


def test_a_season_is_one_of_the_clock_on_the_wall() -> None:
    """Work begins at 8 in Berlin, clocks went forward on 29 March: late in April it begins at 6 UTC, not at 7."""
    times = pd.date_range(START + pd.Timedelta("1h"), periods=168 * 6, freq="1h", unit="us")
    local = (times - pd.Timedelta("1h")).tz_convert("Europe/Berlin")
    values = np.where((local.hour >= 8) & (local.hour < 18), 200.0, 100.0)
    made = forecast(frame(values[: 168 * 4 + 48]), horizon="7d", timezones={"eu": "Europe/Berlin"}, bounds=(None, None))
    came = values[168 * 4 + 48 :][:168]
    wrong = np.abs(middle(made) - came).mean()
    blind = np.abs(middle(forecast(frame(values[: 168 * 4 + 48]), horizon="7d")) - came).mean()
    assert wrong < 1.0
    assert blind > 5 * wrong


def test_clocks_that_go_back_within_the_horizon_are_read() -> None:
    """Berlin sets its clocks back on 25 October 2026 at 01:00 UTC: from then on the season comes an hour later."""
    times = pd.date_range("2026-10-01T01:00Z", periods=20 * 24, freq="1h", unit="us")
    ahead = pd.date_range(times[-1] + pd.Timedelta("1h"), periods=8 * 24, freq="1h", unit="us")
    clock = wall_clock(times, ahead, pd.Timedelta("1h"), ["Europe/Berlin", "Asia/Kolkata"])
    assert clock is not None
    read = clock.read(np.column_stack([np.arange(192.0)] * 2))
    change = int((pd.Timestamp("2026-10-25T01:00Z") - times[-1]) / pd.Timedelta("1h"))
    assert read[change - 1, 0] == change - 1
    assert read[change, 0] == change - 1
    assert read[-1, 0] == 190
    assert read[:, 1].tolist() == list(range(192))
    assert wall_clock(times, ahead, pd.Timedelta("1h"), ["UTC", "Asia/Kolkata"]) is None


def test_a_frame_of_events_is_read_and_a_mistyped_kind_is_asked_about() -> None:
    """Columns that are no field are labels; ``lanch`` is asked about ``launch``."""
    table = pd.DataFrame(
        {"kind": ["launch", "holiday"], "start": ["2026-05-01", "2026-05-02"], "effect": [5.0, None], "node": ["a", ""]}
    )
    first, second = (one.event for one in known(table))
    assert (first.effect, first.where, first.start) == (5.0, {"node": "a"}, pd.Timestamp("2026-05-01T00:00Z"))
    assert (second.effect, second.where) == (None, {})
    with pytest.raises(ParameterError, match="launch"):
        known([Event("lanch", "x", START)])
    with pytest.raises(ParameterError, match="'kind'"):
        known(table.drop(columns="kind"))


def test_a_kind_of_ones_own_is_read_by_what_it_moves() -> None:
    """A catalogue's kind that moves history leaves a window out, and restarts the level where it has no end."""
    kinds = {"test": EventKind("test", "A test", "history"), "purchase": EventKind("purchase", "Bought", "limit")}
    events = (
        Event("test", "t", START, CUTOFF),
        Event("test", "u", START),
        Event("purchase", "p", START, effect=1.0),
    )
    found = known(Catalog("c", "C", event_kinds=kinds, events=events))
    assert [one.action for one in found] == ["unfit", "arrive", "limit"]


def test_orders_raise_a_limit_when_they_land_and_never_what_landed_before() -> None:
    """A limit of 10: +5 on n0 in 3 days, +2 for everybody for a day; an order of last week is in the 10 already."""
    columns = frame(wave()).columns
    assert isinstance(columns, pd.MultiIndex)
    orders = [
        Event("order", "a", day(3), where={"node": "n0"}, effect=5.0),
        Event("order", "b", day(1), day(2), effect=2.0),
        Event("order", "c", day(-7), effect=9.0),
    ]
    raised = with_orders(10.0, orders, columns=columns, cutoff=CUTOFF)
    assert isinstance(raised, pd.DataFrame)
    assert raised.iloc[:, 0].tolist() == [10, 12, 10, 15]
    assert raised.iloc[:, 1].tolist() == [10, 12, 10, 10]
    assert with_orders(10.0, orders[2:], columns=columns, cutoff=CUTOFF) == 10.0


@pytest.mark.parametrize("model", ["naive", "theta", "linear"])
def test_every_model_is_given_the_same_history(model: str) -> None:
    """What a catalogue knows helps every model: after a declared shift the level is new."""
    values = wave()
    values[-36:] += 60
    told = forecast(frame(values), horizon="2d", model=model, events=[Event("level_shift", "m", day(-1.5))])
    assert middle(told).mean() == pytest.approx(160, abs=4)
