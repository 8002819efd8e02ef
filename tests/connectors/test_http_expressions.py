"""What is read off a query's text, and how a roll-up is written."""

from __future__ import annotations

import pandas as pd
import pytest

from capacity.errors import ParameterError
from connectors.expressions import is_selector, metric_of, resolution_of, rolled_up, whole_window_part

HOUR = pd.Timedelta(hours=1)


@pytest.mark.parametrize(
    ("query", "metric"),
    [
        ("m", "m"),
        (" ns:m_total.x ", "ns:m_total.x"),
        ('m{a="b"}', "m"),
        ('m {a="}", b=~"x{2}"} # and so on', "m"),
        ('{__name__="m"}', None),
        ("m{}", "m"),
    ],
)
def test_a_plain_selector_is_seen_as_one(query: str, metric: str | None) -> None:
    """A name, braces, or both; what stands in a label's value does not count."""
    assert is_selector(query)
    assert metric_of(query) == metric


@pytest.mark.parametrize(
    "query", ["", "1", "inf", "NaN", "sum(m)", "m[5m]", "m offset 1d", "a + b", "-m", '"m"', "m{a} + 1"]
)
def test_an_expression_is_not_taken_for_a_selector(query: str) -> None:
    """Numbers, functions, windows and operators are expressions."""
    assert not is_selector(query)
    assert metric_of(query) is None


@pytest.mark.parametrize(
    ("query", "aggregate", "written"),
    [
        ("m", None, "m"),
        ("m", "max", "max_over_time(m[1h])"),
        ('m{a="b"}', "mean", 'avg_over_time(m{a="b"}[1h])'),
        ("m", "p95", "quantile_over_time(0.95, m[1h])"),
        ("m", "p99.9", "quantile_over_time(0.999, m[1h])"),
        ("sum(m)", "min", "min_over_time((sum(m))[1h:1m])"),
        ("a + b # both", "last", "last_over_time((a + b # both\n)[1h:1m])"),
    ],
)
def test_roll_ups_are_written_as_the_server_reads_them(query: str, aggregate: str | None, written: str) -> None:
    """Of a selector's samples; of an expression's values every minute; a comment at the end hides nothing."""
    assert rolled_up(query, aggregate, step=HOUR) == written


def test_the_resolution_is_as_told_and_never_above_the_step() -> None:
    """Told: taken. Not told: a minute, or the step where that is shorter. Longer than the step: refused."""
    assert rolled_up("a+b", "max", step=HOUR, resolution=pd.Timedelta(minutes=5)) == "max_over_time((a+b)[1h:5m])"
    assert resolution_of(pd.Timedelta(seconds=10), None) == pd.Timedelta(seconds=10)
    with pytest.raises(ParameterError, match="longer than the step"):
        rolled_up("a+b", "max", step=HOUR, resolution=pd.Timedelta(hours=2))


def test_an_unknown_aggregate_is_refused_with_what_there_is() -> None:
    """A typing error gets the nearest name."""
    with pytest.raises(ParameterError, match="Did you mean 'mean'"):
        rolled_up("m", "maen", step=HOUR)


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("range_max(m)", "range_max(…)"),
        ("sum(Running_Sum (m))", "Running_Sum(…)"),
        ("smooth_exponential(m, 0.1)", "smooth_exponential(…)"),
        ("m @ end()", "end(…)"),
        ("m @ start ()", "start(…)"),
        ("ttf(m)", "ttf(…)"),
        ("topk_avg(3, m)", "topk_avg(…)"),
        ("keep_last_value(m)", "keep_last_value(…)"),
    ],
)
def test_what_depends_on_the_whole_range_is_found(query: str, part: str) -> None:
    """These would give another answer in each window; the part is named."""
    assert whole_window_part(query) == part


@pytest.mark.parametrize(
    "query",
    ['m{fn="range_max(x)"}', "m{fn='end()'}", "my_range_max", "m # end()", "topk(3, m)", "append(m)", 'm{end="1"}'],
)
def test_what_only_looks_like_it_is_left_alone(query: str) -> None:
    """Label values, comments, other functions and names that contain one of these."""
    assert whole_window_part(query) is None
