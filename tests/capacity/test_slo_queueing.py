"""Queueing laws against published numbers, sums that can be done by hand, and simulated services with a known knee."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.errors import HistoryTooShort, ParameterError
from capacity.simulate import saturating
from capacity.slo import Usl, erlang_c, sli, usl
from capacity.slo.congestion import GRID, binned, choose, fitted
from capacity.slo.knees import saturate, saturation
from tests.support.objectives import HOUR, frame, objective

# SPEC SDM91 on a 16-processor machine, as the R package usl ships it (Gunther 2007, table 5.1): load, throughput.
SPECSDM91 = ([1, 18, 36, 72, 108, 144, 216], [64.9, 995.9, 1652.4, 1853.2, 1828.9, 1775.0, 1702.2])


def slowly(servers: int, offered: float) -> float:
    """Return Erlang C by its definition, a sum of factorials."""
    last = offered**servers / math.factorial(servers) * servers / (servers - offered)
    return last / (sum(offered**k / math.factorial(k) for k in range(servers)) + last)


def test_the_scalability_law_of_specsdm91() -> None:
    """The figures that the R package prints: α .0277, β .000104, γ 90.0, peak 1884 at 96.5, limit 3246, 1542 at 36."""
    law = usl(*SPECSDM91)
    assert (law.alpha, law.beta, law.gamma) == (
        pytest.approx(0.0277, abs=5e-5),
        pytest.approx(0.000104, abs=5e-7),
        pytest.approx(90.0, abs=0.05),
    )
    assert law.peak == (pytest.approx(96.5, abs=0.05), pytest.approx(1884, abs=0.5))
    assert law.limit == pytest.approx(3246, abs=0.5)
    assert law.optimum == (pytest.approx(36, abs=0.1), pytest.approx(1542, abs=0.5))


def test_a_law_without_coherency_has_no_peak() -> None:
    """Contention alone approaches its limit and never falls; without contention there is no limit either."""
    assert Usl(0.05, 0.0, 10.0).peak == (math.inf, 200.0)
    assert Usl(0.0, 0.0, 10.0).limit == math.inf


@given(st.floats(0.001, 0.2), st.floats(1e-6, 1e-3), st.floats(1.0, 1e4))
def test_a_law_is_found_again(alpha: float, beta: float, gamma: float) -> None:
    """Throughputs that follow a law give that law back."""
    loads = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256])
    found = usl(loads, Usl(alpha, beta, gamma).throughput(loads))
    np.testing.assert_allclose(found.throughput(loads), Usl(alpha, beta, gamma).throughput(loads), rtol=1e-3)


def test_three_loads_are_too_few() -> None:
    """A law of three parameters fits any three points."""
    with pytest.raises(HistoryTooShort, match="3 different"):
        usl([1, 2, 3], [1, 2, 3])


@pytest.mark.parametrize(("servers", "offered", "waits"), [(1, 0.5, 0.5), (2, 1.0, 1 / 3), (3, 2.0, 4 / 9)])
def test_erlang_c_by_hand(servers: int, offered: float, waits: float) -> None:
    """One server half busy: every second waits; two with one erlang: every third; three with two: four of nine."""
    assert erlang_c(servers, offered) == pytest.approx(waits)


@given(st.integers(1, 60), st.floats(0.01, 0.99))
def test_erlang_c_is_its_definition(servers: int, busy: float) -> None:
    """The recurrence gives what the sum of factorials gives, and stays finite where the sum would not."""
    assert float(erlang_c(servers, servers * busy)) == pytest.approx(slowly(servers, servers * busy), rel=1e-9)


def test_a_queue_that_cannot_keep_up_waits_for_sure() -> None:
    """At and above its capacity every arrival waits; a thousand servers overflow nothing."""
    np.testing.assert_array_equal(erlang_c(4, [4.0, 9.0]), [1.0, 1.0])
    assert 0 < float(erlang_c(1000, 950.0)) < 1
    with pytest.raises(ParameterError):
        erlang_c(0, 1.0)


def one_server(hours: int = 1000, *, noise: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    """Return load up to 70 % of 100/s and the latency of one server that takes 10 ms: 0.01 / (1 − ρ)."""
    random = np.random.default_rng(1)
    load = random.uniform(10, 70, hours)
    return load, 0.01 / (1 - load / 100) * np.exp(noise * random.standard_normal(hours))


def test_the_curve_of_one_server_is_found() -> None:
    """At 50 ms one server of 10 ms is at 80 of 100 a second; its power is highest at half of its capacity."""
    load, latency = one_server()
    families, errors = choose(load, latency)
    assert families[0] != "monotone"
    assert errors[families[0]] < errors["monotone"]
    curves = fitted(binned(load, latency), families, draws=200)
    low, middle, high = np.quantile(curves.usable(0.05), [0.1, 0.5, 0.9])
    assert low < 80 < high
    assert middle == pytest.approx(80, rel=0.05)
    assert np.median(curves.knee()) == pytest.approx(50, rel=0.12)


def test_curves_never_fall_and_end_in_the_sky() -> None:
    """More load never means less latency; past capacity there is no steady state."""
    load, latency = one_server()
    curves = fitted(binned(load, latency), ("queue", "usl"), draws=50)
    assert (np.diff(curves.latency, axis=1) >= 0).all()
    assert curves.at(0, np.array([curves.capacity[0] * 1.01])) == math.inf
    assert curves.latency.shape == (50, len(GRID))


def test_what_no_law_fits_is_told_by_monotone_regression_alone() -> None:
    """A step from 10 to 30 ms at half load is no queue; beyond the highest load nothing is known."""
    random = np.random.default_rng(2)
    load = np.sort(random.uniform(10, 70, 2000))[random.permutation(2000)]
    latency = np.where(load < 40, 0.01, 0.03) * np.exp(0.005 * random.standard_normal(2000))
    families, _ = choose(load, latency)
    assert families == ("monotone",)
    curves = fitted(binned(load, latency), families, draws=20)
    assert np.isinf(curves.usable(0.05)).all()
    assert curves.usable(0.02) == pytest.approx(np.full(20, 40.0), abs=2.0)


def test_an_incident_does_not_bend_the_curve() -> None:
    """Twenty hours at ten times the latency leave the usable load where it is."""
    load, latency = one_server()
    struck = latency.copy()
    struck[::50] *= 10
    plain, hit = (np.median(fitted(binned(load, one), ("queue",), draws=100).usable(0.05)) for one in (latency, struck))
    assert hit == pytest.approx(plain, rel=0.03)


@pytest.fixture(scope="module")
def service() -> tuple[Any, Any]:
    """Return a simulated service and what is foretold of it."""
    drawn = saturating(10)
    history = drawn.load.loc[: drawn.as_of], drawn.latency.loc[: drawn.as_of]
    return drawn, saturate(*history, target=drawn.target, paths=300)


def test_a_knee_that_is_known_is_found(service: tuple[Any, Any]) -> None:
    """The usable load, the knee and the date of the breach lie within their P10 to P90."""
    drawn, found = service
    row = found.table.iloc[0]
    assert row["usable_p10"] < drawn.usable < row["usable_p90"]
    assert row["knee_p10"] < drawn.knee < row["knee_p90"]
    assert row["breach_p10"] < drawn.breach < row["breach_p90"]
    assert row["load"] < row["usable_p10"]
    assert row["seen"]


def test_the_chance_never_falls_and_follows_the_target(service: tuple[Any, Any]) -> None:
    """P(breach by t) rises; a promise that is easier to keep is broken later."""
    drawn, found = service
    assert (found.curve.diff().dropna() >= 0).all().all()
    history = drawn.load.loc[: drawn.as_of], drawn.latency.loc[: drawn.as_of]
    easier = saturate(*history, target=2 * drawn.target, paths=300)
    assert (easier.curve <= found.curve + 1e-12).all().all()


def test_the_future_is_not_looked_at(service: tuple[Any, Any]) -> None:
    """With the continuation in the frames, and ``as_of`` given, the answer is the same to the last bit."""
    drawn, found = service
    again = saturate(drawn.load, drawn.latency, target=drawn.target, as_of=drawn.as_of, paths=300)
    pd.testing.assert_frame_equal(again.curve, found.curve)


def test_too_few_hours_are_skipped_with_the_reason() -> None:
    """A week of both tells no curve; the message says how much it takes."""
    short = frame(np.linspace(10, 20, 168), name="load")
    with pytest.raises(HistoryTooShort, match="two weeks"):
        saturate(short, short, target=30.0)


def test_an_objective_without_a_load_is_refused() -> None:
    """What drives the latency has to be named; a rate that has to stay above its target has no knee."""
    value = {"value": frame([1.0] * 48)}
    with pytest.raises(ParameterError, match="no load"):
        saturation(sli(objective(indicator="gauge", comparison="<", target=2.0), value))
    with pytest.raises(ParameterError, match="no latency"):
        saturation(sli(objective(indicator="gauge", target=0.5, load="q"), {**value, "load": frame([1.0] * 48)}))


def test_an_objective_is_judged_by_its_own_load() -> None:
    """The gauge and the load that the objective names give what the two frames give by themselves."""
    drawn = saturating(10)
    load, latency = (one.loc[drawn.as_of - 30 * 24 * HOUR : drawn.as_of] for one in (drawn.load, drawn.latency))
    given = sli(
        objective(indicator="gauge", comparison="<", target=drawn.target, load="q"), {"value": latency, "load": load}
    )
    found = saturation(given, horizon="20d", paths=100)
    assert found.table.iloc[0]["usable_p50"] == pytest.approx(
        saturate(load, latency, target=drawn.target, horizon="20d", paths=100).table.iloc[0]["usable_p50"]
    )
