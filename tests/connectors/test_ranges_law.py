"""The law of a range on the live server: split, sharded, or rolled up here from raw samples, it is the same frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.errors import QueryRejected
from capacity.provenance import read
from connectors import connect
from connectors.samples import Raw
from connectors.victoriametrics import VictoriaMetrics as VictoriaMetricsSource
from tests.support.servers import Server, VictoriaMetrics

START = pd.Timestamp("2024-10-20T00:00Z")
HOUR = pd.Timedelta(hours=1)
HOURS = 30
PLAIN = ("last", "min", "max", "mean", "sum", "count")


def text(name: str, *, series: int, seed: int) -> str:
    """Series that are scraped every 60 s: some with jitter, holes, a late start, infinities, a stale end."""
    rng = np.random.default_rng(seed)
    written = []
    for number in range(series):
        stamps = int(START.timestamp() * 1000) + np.arange(0, HOURS * 3_600_000, 60_000)
        values = np.round(np.cumsum(rng.normal(size=len(stamps))), 4)
        if number % 4 == 1:
            stamps = stamps + rng.integers(-20_000, 20_000, len(stamps))
        if number % 4 == 2:
            kept = np.flatnonzero((rng.random(len(stamps)) < 0.8) & (np.arange(len(stamps)) > 300))
            stamps, values = stamps[kept], values[kept]
            values[[100, 200, -1]] = np.inf, -np.inf, np.nan
        labels = f'n="{number}",zone="z.{number % 3}"' + (',odd="a\\"|\\\\b"' if number % 5 else "")
        samples = zip(values.tolist(), stamps.tolist(), strict=True)
        written += [f"{name}{{{labels}}} {value} {at}\n" for value, at in samples]
    return "".join(written)


@pytest.fixture(scope="module")
def server(victoriametrics: VictoriaMetrics) -> VictoriaMetrics:
    victoriametrics.import_text(text("ranges_law", series=24, seed=3))
    return victoriametrics


def eager(server: Server, *, raw: bool, **options: Any) -> VictoriaMetricsSource:
    """Return a source that takes the ways of large answers for small ones, too; with or without raw samples."""
    source = VictoriaMetricsSource(server.url, **options)
    source.large.few_instants, source.large.few_values = 3, 1
    if not raw:
        source.large.raw = None
    return source


def notes(frame: pd.DataFrame) -> str:
    return " ".join(read(frame).metrics[0].notes)


@settings(max_examples=40)
@given(
    hours=st.tuples(st.integers(0, HOURS - 7), st.integers(1, 6)),
    step=st.sampled_from(["1m", "2m", "97s", "30s"]),
    aggregate=st.sampled_from(PLAIN),
    fits=st.integers(1, 30),
    points=st.integers(40, 400),
)
def test_it_does_not_depend_on_the_way(
    server: VictoriaMetrics,
    hours: tuple[int, int],
    step: str,
    aggregate: str,
    fits: int,
    points: int,
) -> None:
    """Any window, step and plain roll-up; any budget; any cut: within 1e-12 of what one request gives."""
    start = START + hours[0] * HOUR
    asked: Any = {"start": start, "end": start + hours[1] * HOUR, "step": step, "aggregate": aggregate}
    budget = fits * 8 * int(hours[1] * HOUR / pd.Timedelta(step))
    with connect(server.url) as one, eager(server, raw=True, max_bytes=budget) as raw:
        expected, from_raw = one.range("ranges_law", **asked), raw.range("ranges_law", **asked)
    with eager(server, raw=False, max_bytes=budget, max_points=points) as cut:
        sharded = cut.range("ranges_law", **asked)
    assert "rolled up here" not in notes(expected)
    assert "rolled up here" in notes(from_raw)
    pd.testing.assert_frame_equal(from_raw, expected, rtol=1e-12, atol=1e-12)
    pd.testing.assert_frame_equal(sharded, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("aggregate", [None, "p95"])
def test_other_ways_of_a_selector_are_sharded_too(server: VictoriaMetrics, aggregate: str | None) -> None:
    """As it is written, and as a quantile: shards of two series each give what one request gives."""
    asked: Any = {"start": START, "end": START + 6 * HOUR, "step": "2m", "aggregate": aggregate}
    with connect(server.url) as one, eager(server, raw=True, max_bytes=2 * 8 * 180) as cut:
        expected, sharded = one.range('ranges_law{n!="3"}', **asked), cut.range('ranges_law{n!="3"}', **asked)
    pd.testing.assert_frame_equal(sharded, expected, rtol=1e-12)


def test_a_server_that_counts_otherwise_is_asked_itself(server: VictoriaMetrics) -> None:
    """Where its windows hold fewer samples than its export, as with deduplication on reading, its answer counts."""
    asked: Any = {"start": START, "end": START + 6 * HOUR, "step": "4m", "aggregate": "sum"}
    with connect(server.url) as one, eager(server, raw=True) as source:
        whole = source.large.raw

        def thinner(selector: str, first: pd.Timestamp, last: pd.Timestamp) -> Raw:
            assert whole is not None
            series = [(key, times[::2], values[::2]) for key, times, values in whole(selector, first, last)]
            values = np.concatenate([values for *_, values in series])
            return Raw([key for key, *_ in series], [times for _, times, _ in series], values)

        source.large.raw = thinner
        expected, frame = one.range("ranges_law", **asked), source.range("ranges_law", **asked)
    assert "rolled up here" not in notes(frame)
    pd.testing.assert_frame_equal(frame, expected, rtol=1e-12)


def test_a_deduplicating_server_gives_the_same_either_way(
    start_victoriametrics: Callable[..., VictoriaMetrics],
) -> None:
    """It leaves out every second sample, and its export now and then one less: it says so, and is asked itself."""
    server = start_victoriametrics("-dedup.minScrapeInterval=2m")
    server.import_text(text("deduplicated", series=4, seed=4))
    asked: Any = {"start": START, "end": START + 28 * HOUR, "step": "4m", "aggregate": "sum"}
    with connect(server.url) as one, eager(server, raw=True) as raw:
        expected, frame = one.range("deduplicated", **asked), raw.range("deduplicated", **asked)
    assert "rolled up here" not in notes(frame)
    pd.testing.assert_frame_equal(frame, expected, rtol=1e-12)


def test_doubles_are_left_to_the_server(victoriametrics: VictoriaMetrics) -> None:
    """Two samples at one instant: both count in the server's roll-up, so it is asked."""
    for _ in range(2):
        victoriametrics.import_text(text("doubled", series=4, seed=5))
    asked: Any = {"start": START, "end": START + 6 * HOUR, "step": "2m", "aggregate": "count"}
    with connect(victoriametrics.url) as one, eager(victoriametrics, raw=True) as raw:
        expected, frame = one.range("doubled", **asked), raw.range("doubled", **asked)
    pd.testing.assert_frame_equal(frame, expected, rtol=1e-12)
    assert frame.iloc[5, 0] == 4


def test_without_names_two_metrics_would_be_one_column(server: VictoriaMetrics) -> None:
    """A count has no metric's name: two metrics of the same labels are refused, whichever way is taken."""
    server.import_text(text("ranges_law_too", series=24, seed=9))
    asked: Any = {"start": START, "end": START + 6 * HOUR, "step": "2m"}
    selector = '{__name__=~"ranges_law|ranges_law_too"}'
    with eager(server, raw=True) as raw:
        assert raw.range(selector, aggregate="max", **asked).shape == (180, 48)
        with pytest.raises(QueryRejected):
            raw.range(selector, aggregate="count", **asked)


def test_few_samples_a_step_are_what_makes_raw_samples_shorter(server: VictoriaMetrics) -> None:
    """Sixty samples a step: the server rolls up; one: we do."""
    with eager(server, raw=True) as source:
        hourly = source.range("ranges_law", start=START, end=START + 24 * HOUR, step="1h", aggregate="max")
        fine = source.range("ranges_law", start=START, end=START + 24 * HOUR, step="1m", aggregate="max")
    assert "rolled up here" not in notes(hourly)
    assert "rolled up here" in notes(fine)


def test_a_step_below_the_scrape_interval_is_told(server: VictoriaMetrics) -> None:
    """Every 10 s of samples every minute: a note, in an expression too; every minute: none."""
    asked: Any = {"start": START + 2 * HOUR, "end": START + 3 * HOUR}
    with connect(server.url) as source:
        for query in ('ranges_law{n="0"}', 'sum(rate(ranges_law{n="0"}[5m])) by (zone)'):
            assert "from samples every 1m" in notes(source.range(query, step="10s", **asked))
            assert "from samples" not in notes(source.range(query, step="1m", **asked))


def test_the_limit_of_prometheus_is_learnt_once(prometheus: Callable[..., Server]) -> None:
    """Asked as if it were VictoriaMetrics, it refuses 12,000 points and names its 11,000, which are kept to."""
    stamps = range(int(START.timestamp()), int(START.timestamp()) + 3600, 60)
    samples = "".join(f'learnt{{n="1"}} {at % 7} {at}\n' for at in stamps)
    server = prometheus(f"# TYPE learnt gauge\n{samples}# EOF\n")
    with VictoriaMetricsSource(server.url) as source:
        for _ in range(2):
            frame = source.range("learnt", start=START, end=START + pd.Timedelta(seconds=12_000), step="1s")
            assert len(frame) == 12_000
        assert source.large.points == 11_000
        assert source.large.limit_known
