"""How much to add: by hand, by trying, and by what costs least."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.catalog import Cost
from capacity.errors import ParameterError
from capacity.frames import wide
from capacity.outlook import Outlook, outlook
from capacity.sizing import FINE
from tests.support.paths import known_forecast, walks


def hundred(*, now: float = 0.0, sign: float = 1.0, **asked: Any) -> Outlook:
    """Return the outlook of a hundred flat paths at 1, 2 … 100."""
    values = sign * np.broadcast_to(np.arange(1.0, 101.0)[:, None, None], (100, 30, 1))
    made = known_forecast(values, history=np.full((3, 1), now), step="1D")
    return outlook(made, **{"limit": 50.0, "lead_time": "7d", **asked})


def size(found: Outlook, **asked: Any) -> pd.Series:
    return found.size([0], **asked).iloc[0]


def test_the_least_addition_that_keeps_the_risk() -> None:
    """Half of the paths are past 50; at 90 it is one in ten: 40 more."""
    found = size(hundred())
    assert found["add"] == pytest.approx(40, abs=2 * FINE * 50)
    assert found["add_share"] == pytest.approx(0.8, abs=2 * FINE)
    assert size(hundred(), risk=0.3)["add"] == pytest.approx(20, abs=2 * FINE * 50)


def test_what_is_enough_needs_nothing() -> None:
    """At 95 one in twenty is past: nothing to add at a risk of a tenth."""
    assert size(hundred(limit=95.0))["add"] == 0.0


def test_reserve_and_buffer_take_their_part_of_what_is_added() -> None:
    """Of a limit of 125, a half is reserved and a fifth of the rest kept free: 50. For 40 more, 100 are bought."""
    assert size(hundred(limit=125.0, reserve=(2, 1), buffer=0.2))["add"] == pytest.approx(100, abs=2 * FINE * 125)


def test_whole_units_are_bought() -> None:
    """Forty more in boxes of 15 are three boxes, 45; in boxes of 20 two, and not three."""
    found = size(hundred(unit_size=15.0))
    assert (found["units"], found["add"]) == (3.0, 45.0)
    assert size(hundred(unit_size=20.0))["units"] in (2.0, 3.0)
    assert size(hundred(limit=95.0, unit_size=15.0))["units"] == 0.0


def test_less_free_space_than_the_floor_needs_more_of_it() -> None:
    """Paths at −1 … −100 and a floor of −50: forty more free keep nine in ten above it."""
    found = hundred(sign=-1.0, limit=-50.0, direction="below", now=0.0)
    assert size(found)["add"] == pytest.approx(40, abs=2 * FINE * 50)


def test_what_is_past_needs_at_least_to_be_past_no_more() -> None:
    """Demand is 120 now, whatever the paths do: 70 more at the least."""
    assert size(hundred(now=120.0))["add"] == pytest.approx(70, abs=2 * FINE * 50)


@pytest.mark.parametrize(("cost", "least"), [(Cost(9, 1), 40.0), (Cost(1, 1), 0.0), ((1.0, 3.0), -25.0)])
def test_the_least_regret_is_the_newsvendors(cost: Any, least: float) -> None:
    """Short costs nine times idle: the 90 % quantile of the highest demand; three times less: the 25 % quantile."""
    assert size(hundred(cost=cost))["least_regret"] == pytest.approx(least, abs=2 * FINE * 50)


def test_no_other_choice_costs_less() -> None:
    """Of all additions tried, none has a lower expected cost than what is regretted least."""
    highest = walks(count=400, steps=40, drift=0.1, deviation=1.0, seed=3).max(axis=1)[:, 0]
    made = known_forecast(
        walks(count=400, steps=40, drift=0.1, deviation=1.0, seed=3), history=np.zeros((3, 1)), step="1D"
    )
    short, idle = 5.0, 1.0
    found = outlook(made, limit=6.0, lead_time="7d", cost=(short, idle)).size([0]).iloc[0]["least_regret"]

    def expected(room: float) -> float:
        return float(np.mean(short * np.maximum(highest - room, 0) + idle * np.maximum(room - highest, 0)))

    tried = [expected(room) for room in np.linspace(0, 40, 801)]
    assert expected(6.0 + found) <= min(tried) * 1.01


@given(st.integers(0, 30), st.floats(0.5, 12), st.floats(0.02, 0.5), st.floats(0, 0.5))
def test_with_the_addition_the_risk_is_kept_and_with_less_it_is_not(
    seed: int, limit: float, risk: float, buffer: float
) -> None:
    """Asked again with so much more limit, the chance is at or below the risk; a little less is too little."""
    made = known_forecast(
        walks(count=60, steps=40, drift=0.05, deviation=0.8, seed=seed), history=np.zeros((3, 1)), step="1D"
    )
    asked: dict[str, Any] = {"lead_time": "7d", "risk": risk, "buffer": buffer}
    add = outlook(made, limit=limit, **asked).size([0]).iloc[0]["add"]
    chance = outlook(made, limit=limit + add, **asked).table["probability"].iloc[0]
    assert chance <= risk + 1e-6
    if add > 0:
        less = outlook(made, limit=limit + add - 2 * FINE * limit, **asked).table["probability"].iloc[0]
        assert less > risk


@given(st.integers(0, 30), st.floats(0.5, 12), st.floats(0.02, 0.5), st.floats(0, 0.4))
def test_who_puts_up_with_more_risk_buys_no_more(seed: int, limit: float, risk: float, more: float) -> None:
    """A higher risk never needs a larger addition."""
    made = known_forecast(
        walks(count=60, steps=40, drift=0.05, deviation=0.8, seed=seed), history=np.zeros((3, 1)), step="1D"
    )
    found = outlook(made, limit=limit, lead_time="7d")
    careful, bold = (found.size([0], risk=each).iloc[0]["add"] for each in (risk, risk + more))
    assert bold <= careful + FINE * limit


def test_only_those_at_risk_are_sized_and_the_most_urgent_first() -> None:
    """Of three series one is past, one is likely to be, and one is calm: two rows, in that order."""
    values = np.zeros((20, 30, 3))
    values[:, 20:, 0] = 9.0
    made = known_forecast(values, history=np.array([[0.0, 7.0, 0.0]] * 3), step="1D")
    found = outlook(made, limit=5.0, lead_time="7d")
    assert found.at_risk == [1, 0]
    assert found.sizes.index.get_level_values("node").tolist() == ["n1", "n0"]
    assert found.sizes["add"].to_numpy() == pytest.approx([2.0, 4.0], abs=2 * FINE * 5)


def test_what_cannot_be_judged_has_no_size() -> None:
    """No limit, no addition."""
    limit = wide([[5.0]], times=pd.DatetimeIndex(["2026-11-01T00:00Z"]), series=[{"node": "other"}], metric="size")
    assert np.isnan(size(hundred(limit=limit))["add"])


@pytest.mark.parametrize("wrong", [{"unit_size": 0.0}, {"cost": (0.0, 1.0)}, {"cost": (1.0, -1.0)}])
def test_costs_and_units_of_nothing_are_refused(wrong: dict[str, Any]) -> None:
    """Nobody sells units of nothing, and a shortage that costs nothing needs no plan."""
    with pytest.raises(ParameterError, match="above 0"):
        hundred(**wrong)


def test_the_decision_in_one_sentence() -> None:
    """Every figure that the decision hangs on, from the table and the sizes."""
    told = hundred(buffer=0.5, limit=100.0, unit_size=15.0, cost=(9.0, 1.0), lead_time={"p50": "7d", "p90": "10d"})
    assert told.explain("n0").split("; ") == [
        "n0: 0 now of 50 usable (100 less 50 buffer)",
        "50 % likely to run out within 30d, 10 % by 2 Nov 2026, 50 % by 2 Nov 2026",
        "order by 25 Oct 2026 at 10 % risk and a lead time of 7d (in one case of ten more than 10d)",
        "the risk is 50 % before an order of today arrives",
        "90 more (6 × 15) would keep the risk within it at 10 %",
        "90 more is regretted least at costs of 9 : 1 for short and idle.",
    ]


def test_what_cannot_be_judged_says_why() -> None:
    """The reason stands where the decision would."""
    assert hundred(limit=None).explain(0) == "n0: 0 now, without a limit; limit missing: no limit is given."
