"""Quantiles read off buckets: by hand, against a plain loop, and exactly what the server's own function answers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.errors import FrameError
from capacity.slo import histogram_quantile, past_target
from connectors import connect
from tests.support.objectives import frame
from tests.support.servers import VictoriaMetrics

BOUNDS = (0.1, 0.5, 1.0, math.inf)
LES = ["0.1", "0.5", "1", "+Inf"]


def buckets(counts: Any, les: list[str] = LES) -> pd.DataFrame:
    """Return one instant's cumulative counts as a frame."""
    return frame([counts], labels=[{"le": le} for le in les], name="b")


def slowly(level: float, counts: list[float]) -> float:
    """Read a quantile off buckets one by one, as the documentation of ``histogram_quantile`` tells it."""
    total = counts[-1]
    if total == 0:
        return math.nan
    before, lower = 0.0, 0.0
    for upper, count in zip(BOUNDS, counts, strict=True):
        if count > 0 and count >= level * total:
            if math.isinf(upper):
                return lower
            return lower + (upper - lower) * (level * total - before) / (count - before)
        before, lower = count, upper
    raise AssertionError("the last bucket holds everything")


def test_a_quantile_by_hand() -> None:
    """Of 10, 4 lie up to 0.1 and 9 up to 0.5: the 6.5th lies at 0.1 + 0.4 × 2.5 / 5 = 0.3, somewhere in 0.1 … 0.5."""
    found = histogram_quantile(0.65, buckets([4, 9, 10, 10]))
    assert found.value.iloc[0, 0] == pytest.approx(0.3)
    assert (found.lower.iloc[0, 0], found.upper.iloc[0, 0]) == (0.1, 0.5)


def test_above_the_last_bound_nothing_is_known_but_that() -> None:
    """The answer is the highest finite bound, and the bucket's upper bound says how little that means."""
    found = histogram_quantile(0.99, buckets([0, 0, 1, 100]))
    assert found.value.iloc[0, 0] == 1.0
    assert math.isinf(found.upper.iloc[0, 0])


@pytest.mark.parametrize("counts", [[0, 0, 0, 0], [math.nan] * 4])
def test_no_observation_is_no_number(counts: list[float]) -> None:
    """Without an observation, and without a sample, there is no quantile: neither 0 nor −1."""
    assert math.isnan(histogram_quantile(0.5, buckets(counts)).value.iloc[0, 0])


def test_without_the_last_bucket_there_is_no_answer() -> None:
    """Where ``+Inf`` is missing nobody knows how many observations there were."""
    assert math.isnan(histogram_quantile(0.5, buckets([4, 9, 10], LES[:3])).value.iloc[0, 0])


def test_a_frame_without_bounds_is_refused() -> None:
    """The message says which label is missing and what to ask for."""
    with pytest.raises(FrameError, match="'le'"):
        histogram_quantile(0.5, frame([1, 2]))


@given(
    st.lists(st.integers(0, 50), min_size=4, max_size=4),
    st.sampled_from([0.0, 0.25, 0.5, 0.9, 0.99, 1.0]),
)
def test_it_is_the_plain_loop(grown: list[int], level: float) -> None:
    """All instants at once give what reading bucket after bucket gives."""
    counts = [float(one) for one in np.cumsum(grown)]
    assert histogram_quantile(level, buckets(counts)).value.iloc[0, 0] == pytest.approx(
        slowly(level, counts), nan_ok=True
    )


def test_what_lies_past_a_bound_is_exact() -> None:
    """Of 10, 9 lie up to 0.5: one is past it, and that is sure."""
    found = past_target(buckets([4, 9, 10, 10]), 0.5)
    assert [one.iloc[0, 0] for one in (found.value, found.lower, found.upper)] == [1, 1, 1]


def test_what_lies_past_a_target_inside_a_bucket_has_bounds() -> None:
    """Of the 5 between 0.1 and 0.5 half are taken to lie past 0.3; between 1 and 6 of all are past it for sure."""
    found = past_target(buckets([4, 9, 10, 10]), 0.3)
    assert [one.iloc[0, 0] for one in (found.value, found.lower, found.upper)] == [pytest.approx(3.5), 1, 6]


def test_it_is_what_the_server_answers(victoriametrics: VictoriaMetrics) -> None:
    """For histograms of two regions with quiet times and a reset, every value is ``histogram_quantile``'s own."""
    random = np.random.default_rng(6)
    times = pd.date_range("2026-10-01T00:00Z", periods=240, freq="1min", unit="us")
    lines = []
    for region, pace in (("a", 3.0), ("b", 0.05)):
        grown = random.poisson(pace, size=(len(times), 4))
        counts = np.cumsum(np.cumsum(grown, axis=1), axis=0)
        counts[120:] -= counts[119]  # the process began anew
        for place, le in enumerate(LES):
            labels = f'__name__="slo_h_bucket",test="slo_buckets",region="{region}",le="{le}"'
            stamps = ",".join(str(int(t.timestamp() * 1000)) for t in times)
            values = ",".join(str(value) for value in counts[:, place])
            metric = "{" + ",".join(f'"{k}":{v}' for k, v in (p.split("=", 1) for p in labels.split(","))) + "}"
            lines.append(f'{{"metric":{metric},"values":[{values}],"timestamps":[{stamps}]}}')
    victoriametrics.import_lines("\n".join(lines).encode())
    grown = 'sum by (region, le) (increase(slo_h_bucket{test="slo_buckets"}[5m]))'
    when = {"start": "2026-10-01T00:10Z", "end": "2026-10-01T03:50Z", "step": "5m"}
    with connect(victoriametrics.url) as source:
        counted = source.range(grown, **when)
        for level in (0.0, 0.5, 0.95, 0.999, 1.0):
            asked = source.range(f"histogram_quantile({level}, {grown})", **when, name="q")
            ours = histogram_quantile(level, counted, name="q").value[asked.columns]
            assert asked.notna().to_numpy().sum() > 60
            np.testing.assert_allclose(ours.to_numpy(), asked.to_numpy(), rtol=1e-12, equal_nan=True)
