"""OpenSLO v1: read into the catalogue's own objectives, written back, and refused where it cannot be judged."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity import load_catalog
from capacity.catalog import CALENDARS, Objective
from capacity.errors import CatalogError
from capacity.measured import questions
from capacity.slo import read_openslo, write_openslo
from tests.support.objectives import objective

RATIO = """
apiVersion: openslo/v1
kind: SLO
metadata: {name: foo-slo, displayName: Foo SLO}
spec:
  service: foo
  indicatorRef: foo-errors
  timeWindow: [{duration: 4w, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{displayName: Foo, targetPercent: 99.5}]
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: foo-errors}
spec:
  ratioMetric:
    counter: true
    good: {metricSource: {type: Prometheus, spec: {query: 'http_requests_total{code!~"5.."}'}}}
    total: {metricSource: {type: Prometheus, spec: {query: http_requests_total}}}
---
apiVersion: openslo/v1
kind: Service
metadata: {name: foo}
spec: {description: A service}
"""

LATENCY = """
apiVersion: openslo/v1
kind: SLO
metadata: {name: slow}
spec:
  service: foo
  indicator:
    metadata: {name: p99}
    spec:
      thresholdMetric: {metricSource: {spec: {query: 'quantile(0.99, latency_ms)', unit: ms}}}
  timeWindow:
  - {duration: 1M, calendar: {startTime: 2026-01-01 00:00:00, timeZone: Europe/Berlin}, isRolling: false}
  budgetingMethod: Timeslices
  objectives: [{op: lte, value: 250, target: 0.99, timeSliceTarget: 1.0, timeSliceWindow: 10m}]
"""


def test_what_is_written_is_read_back_whole() -> None:
    """All eleven objectives of the built-in catalogue, quantiles, ratios, means and gauges."""
    stated = load_catalog("dwcp").objectives
    assert dict(read_openslo(write_openslo(stated.values())).objectives) == dict(stated)


def test_a_ratio_of_counters_is_read() -> None:
    """The indicator is found by its name, 99.5 % is 0.995, four weeks are 28 days; what is no SLO is told."""
    found = read_openslo(RATIO)
    one = found.objectives["foo_slo"]
    assert (one.indicator, one.good, one.total) == ("ratio", 'http_requests_total{code!~"5.."}', "http_requests_total")
    assert (one.objective, one.target, one.comparison) == (0.995, 0.995, ">")
    assert (one.window, one.calendar, one.service) == (pd.Timedelta(days=28), "", "foo")
    assert found.ignored == ("Service foo",)


def test_a_threshold_over_a_calendars_month_is_read() -> None:
    """250 ms are 0.25 s, at most; slices of ten minutes; the month is Berlin's."""
    one = read_openslo(LATENCY).objectives["slow"]
    assert (one.target, one.comparison, one.base) == (0.25, "<=", "seconds")
    assert (one.calendar, one.timezone, one.slice) == ("month", "Europe/Berlin", pd.Timedelta(minutes=10))


def test_several_thresholds_are_several_objectives() -> None:
    """An SLO of two thresholds is two objectives, numbered."""
    text = RATIO.replace("[{displayName: Foo, targetPercent: 99.5}]", "[{target: 0.99}, {target: 0.999}]")
    assert [one.objective for one in read_openslo(text).objectives.values()] == [0.99, 0.999]
    assert list(read_openslo(text).objectives) == ["foo_slo_1", "foo_slo_2"]


@pytest.mark.parametrize(
    ("change", "to", "said"),
    [
        ("openslo/v1", "openslo/v2alpha", "apiVersion"),
        ("indicatorRef: foo-errors", "indicatorRef: bar", "'bar' is no SLI"),
        ("targetPercent: 99.5", "targetPercent: 0", "above 0"),
        ("budgetingMethod: Occurrences", "budgetingMethod: Timeslices", "Occurrences"),
        ("duration: 4w", "duration: 1M", "rolling"),
        ("{query: http_requests_total}", "{sql: select}", "sql"),
        ("metadata: {name: foo-slo, displayName: Foo SLO}", "metadata: {}", "metadata.name"),
        ("  good:", "  ugly:", "good or bad"),
        ("kind: Service", "kind: [", "no YAML"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_the_reason(change: str, to: str, said: str) -> None:
    """The message names the SLO and what is wrong with it."""
    assert change in RATIO
    with pytest.raises(CatalogError, match=said):
        read_openslo(RATIO.replace(change, to))


def test_a_calendar_that_begins_within_a_month_is_refused() -> None:
    """A month from the 15th is none that can be told here."""
    with pytest.raises(CatalogError, match="first midnight"):
        read_openslo(LATENCY.replace("2026-01-01 00", "2026-01-15 00"))


def test_a_file_of_openslo_is_a_catalogue_of_objectives(tmp_path: Path) -> None:
    """What takes a catalogue takes it: by its path, named as the file is."""
    (tmp_path / "promises.yaml").write_text(RATIO)
    catalog = load_catalog(tmp_path / "promises.yaml")
    assert (catalog.name, list(catalog.objectives)) == ("promises", ["foo_slo"])
    asked = [(one.role, one.query) for one in questions(catalog.objectives["foo_slo"], catalog)]
    assert ("good", 'sum (increase(http_requests_total{code!~"5.."}[5m]))') in asked


names = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True).filter(lambda name: "__" not in name)


@given(
    name=names,
    share=st.floats(0.5, 1.0, exclude_max=False),
    calendar=st.sampled_from(["", *CALENDARS]),
    indicator=st.sampled_from(["ratio", "gauge", "quantile"]),
    comparison=st.sampled_from(["<", "<=", ">", ">="]),
    by=st.lists(names, max_size=2).map(tuple),
)
def test_any_objective_survives_the_round_trip(
    name: str, share: float, calendar: str, indicator: str, comparison: str, by: tuple[str, ...]
) -> None:
    """Whatever its kind, window and promise, it comes back equal."""
    more = {"quantile": {"histogram": "h", "quantile": 0.9}, "ratio": {"bad": "b", "total": "t"}}.get(indicator, {})
    window = {"window": CALENDARS[calendar], "calendar": calendar} if calendar else {}
    one: Objective = objective(
        name=name, objective=share, indicator=indicator, comparison=comparison, by=by, unit="ms", **window, **more
    )
    assert read_openslo(write_openslo([one])).objectives[name] == one
