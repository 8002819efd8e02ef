"""The law of windows: however a range is cut, the frame is the same."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.errors import QueryRejected
from connectors import connect
from connectors.base import window
from connectors.windows import halves, points_allowed, refuse_to_split, split
from tests.support.servers import VictoriaMetrics

START = pd.Timestamp("2024-11-20T00:00Z")
HOURS = 36
STEPS = ("1m", "5m", "17m", "1h")


@pytest.fixture(scope="module")
def server(victoriametrics: VictoriaMetrics) -> VictoriaMetrics:
    """Load six series: two steady, one with holes, one that begins late, one that ends early, one quite irregular."""
    rng = np.random.default_rng(5)
    lines = []
    for number in range(6):
        seconds = np.arange(0, HOURS * 3600, 60 if number else 15)
        if number == 2:
            seconds = seconds[rng.random(len(seconds)) < 0.9]
        if number == 3:
            seconds = seconds[seconds > 20 * 3600]
        if number == 4:
            seconds = seconds[seconds < 9 * 3600]
        name = "steady" if number in (0, 1) else "unsteady"
        if number == 5:
            seconds = np.unique(rng.integers(0, HOURS * 3600, 900))
        stamps = int(START.timestamp() * 1000) + seconds * 1000
        values = np.round(np.cumsum(rng.normal(size=len(seconds))), 3)
        metric = {"__name__": f"law_{name}", "n": str(number)}
        lines.append(json.dumps({"metric": metric, "values": values.tolist(), "timestamps": stamps.tolist()}))
    victoriametrics.import_lines("\n".join(lines).encode())
    return victoriametrics


@settings(max_examples=25)
@given(
    hours=st.tuples(st.integers(0, HOURS - 1), st.integers(1, 12)),
    step=st.sampled_from(STEPS),
    aggregate=st.sampled_from(["max", "min", "mean", "p95", "last", "count"]),
    points=st.integers(5, 60),
)
def test_a_roll_up_does_not_depend_on_how_its_window_was_cut(
    server: VictoriaMetrics, hours: tuple[int, int], step: str, aggregate: str, points: int
) -> None:
    """Any samples, however irregular; series that begin or end between windows; any window, step and cut."""
    start = START + pd.Timedelta(hours=hours[0], minutes=7)
    asked = {"start": start, "end": start + pd.Timedelta(hours=hours[1]), "step": step, "aggregate": aggregate}
    with connect(server.url) as whole, connect(server.url, max_points=points) as cut:
        expected = whole.range('{__name__=~"law_.*"}', **asked)
        frame = cut.range('{__name__=~"law_.*"}', **asked)
    pd.testing.assert_frame_equal(frame, expected, rtol=1e-12)


@settings(max_examples=15)
@given(
    query=st.sampled_from(["sum(law_steady)", "rate(law_steady[5m])", "law_steady", "max(law_steady) by (n) * 2"]),
    step=st.sampled_from(STEPS),
    aggregate=st.sampled_from([None, "max", "mean"]),
    points=st.integers(40, 100),
)
def test_an_expression_over_steady_scrapes_does_not_depend_on_it_either(
    server: VictoriaMetrics, query: str, step: str, aggregate: str | None, points: int
) -> None:
    """Where the scrape interval is steady the server's own look-back is the same in every window."""
    asked = {"start": START + pd.Timedelta(hours=2), "end": START + pd.Timedelta(hours=30), "step": step}
    with connect(server.url) as whole, connect(server.url, max_points=points) as cut:
        expected = whole.range(query, aggregate=aggregate, **asked)
        frame = cut.range(query, aggregate=aggregate, **asked)
    pd.testing.assert_frame_equal(frame, expected, rtol=1e-12)


@given(
    start=st.integers(0, 10**9),
    length=st.integers(1, 10**6),
    step=st.sampled_from([1, 7, 60, 3600]),
    points=st.integers(1, 500),
)
def test_every_instant_is_in_one_run(start: int, length: int, step: int, points: int) -> None:
    """The runs, put together, are the grid; none is longer than allowed, and none is empty."""
    first = pd.Timestamp(start, unit="s", tz="UTC")
    asked = window(first, first + pd.Timedelta(seconds=min(length, 2000 * step) + step), pd.Timedelta(seconds=step))
    runs = split(asked, points)
    assert [time for run in runs for time in run] == list(asked.times)
    assert all(1 <= len(run) <= points for run in runs)


def test_the_grid_is_after_the_start_and_up_to_the_end() -> None:
    """Hours after 00:00 up to 03:00 are 01:00, 02:00, 03:00, though 00:00 is a whole hour too."""
    asked = window("2024-11-22T00:00Z", "2024-11-22T03:30Z", "1h")
    assert [time.hour for time in asked.times] == [1, 2, 3]
    assert [time.hour for time in asked.until(pd.Timestamp("2024-11-22T02:00Z")).times] == [1, 2]


def test_halves_are_the_whole() -> None:
    """Five instants are two and three; one cannot be cut."""
    times = window("2024-11-22T00:00Z", "2024-11-22T05:00Z", "1h").times
    assert [len(half) for half in halves(times)] == [2, 3]
    assert [len(half) for half in halves(times[:1])] == [1]


def test_a_subquery_leaves_fewer_instants() -> None:
    """30,000 values of a subquery at one a minute are 500 hours, less two that its window reaches back."""
    hour, minute = pd.Timedelta(hours=1), pd.Timedelta(minutes=1)
    assert points_allowed(hour, minute, points=30_000, subquery_points=30_000) == 498
    assert points_allowed(hour, None, points=30_000, subquery_points=30_000) == 30_000
    assert points_allowed(pd.Timedelta(days=60), minute, points=30_000, subquery_points=30_000) == 1


def test_what_may_not_be_split_is_refused_with_a_step_that_fits() -> None:
    """10 days at 1 s are 864,000 instants: 29 s would do, written as the next whole minute."""
    asked = window("2024-11-01T00:00Z", "2024-11-11T00:00Z", "1s")
    with pytest.raises(QueryRejected, match=r"864000 instants.*range_avg\(…\).*step of 1m"):
        refuse_to_split("range_avg(m)", asked, points=30_000, source="s")
    refuse_to_split("avg(m)", asked, points=30_000, source="s")
