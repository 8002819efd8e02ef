"""A real Prometheus: the same verbs, and what differs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from capacity.errors import NoData, QueryRejected, Unsupported
from capacity.provenance import read
from connectors import connect
from tests.support.servers import Server

DAY = pd.Timestamp("2024-11-22T00:00Z")
HOUR = pd.Timedelta(hours=1)


def openmetrics(hours: int) -> str:
    """Return one gauge with the values 0, 1, 2 … every minute from `DAY`, in two regions, the second twice as high."""
    first = int(DAY.timestamp())
    lines = ["# HELP load How much is asked for", "# TYPE load gauge"]
    for factor, region in ((1, "eu"), (2, "us")):
        lines += [f'load{{region="{region}"}} {factor * i} {first + 60 * i}' for i in range(hours * 60 + 1)]
    return "\n".join([*lines, "# EOF", ""])


def test_prometheus_answers_the_same_verbs(prometheus: Callable[..., Server]) -> None:
    """Roll-ups, expressions, raw samples, lists; kind, version and retention are told."""
    url = prometheus(openmetrics(3)).url
    with connect(f"prometheus+{url}") as source:
        window = {"start": DAY, "end": DAY + 3 * HOUR}
        frame = source.range("load", aggregate="max", **window)
        assert frame.to_numpy().tolist() == [[60, 120], [120, 240], [180, 360]]
        assert frame.columns.tolist() == [("load", "eu"), ("load", "us")]
        assert source.range("sum(load)", aggregate="max", **window).iloc[:, 0].tolist() == [180, 360, 540]
        assert source.range('load{region="eu"}', aggregate="p50", **window).iloc[0, 0] == 30.0
        assert "both ends" in " ".join(read(frame)["load"].notes)
        samples = source.samples('load{region="eu"}', start=DAY, end=DAY + pd.Timedelta(minutes=3))
        assert samples["value"].tolist() == [1, 2, 3]
        assert source.series("load") == [{"__name__": "load", "region": r} for r in ("eu", "us")]
        assert source.label_values("region") == ["eu", "us"]
        assert source.labels() == ["__name__", "region"]
        assert source.instant('load{region="us"}', at=DAY + HOUR).to_numpy().tolist() == [[120.0]]
        told = source.info()
        assert (told.kind, told.version[:2]) == ("Prometheus", "2.")
        assert told.retention == 100 * 365 * pd.Timedelta(days=1)
        assert told.oldest == DAY
        with pytest.raises(NoData):
            source.range("no_such_metric", **window)
        with pytest.raises(QueryRejected, match="parse error"):
            source.range("sum(", **window)


def test_a_range_above_prometheus_own_limit_is_split(prometheus: Callable[..., Server]) -> None:
    """10,800 and 14,400 instants: the first in one request, the second in two; no seam is seen."""
    url = prometheus(openmetrics(4)).url
    with connect(f"prometheus+{url}") as source:
        for hours, windows in ((3, 1), (4, 2)):
            seen: list[int] = []
            frame = source.range(
                'load{region="eu"}',
                start=DAY,
                end=DAY + hours * HOUR,
                step="1s",
                progress=lambda _done, total, _what, seen=seen: seen.append(total),
            )
            assert seen == [windows] * windows
            assert len(frame) == hours * 3600
            assert np.array_equal(frame.iloc[59::60, 0], np.arange(1, hours * 60 + 1))


def test_a_prometheus_behind_a_plain_url_is_recognised(prometheus: Callable[..., Server]) -> None:
    """Connected to as http:// it works, and its name is told; its lower limit is met by halves."""
    with connect(prometheus(openmetrics(4)).url) as source:
        frame = source.range('load{region="eu"}', start=DAY, end=DAY + 4 * HOUR, step="1s")
        assert len(frame) == 14_400
        assert read(frame)["load"].server.startswith("Prometheus 2.")
        window = {"start": DAY, "end": DAY + pd.Timedelta(minutes=3)}
        assert source.samples('load{region="eu"}', **window)["value"].tolist() == [1, 2, 3]
        with pytest.raises(Unsupported, match="stale markers"):
            source.samples("load", stale=True, **window)


def test_what_prometheus_does_otherwise_is_told_whatever_it_was_connected_as(prometheus: Callable[..., Server]) -> None:
    """Behind a plain URL too: both ends of a window, extrapolation; and its own limits, read off its flags."""
    with connect(prometheus(openmetrics(2)).url) as source:
        frame = source.range("load", start=DAY, end=DAY + HOUR, step="1m", aggregate="max")
        told = " ".join(read(frame)["load"].notes)
        assert "both ends" in told
        assert "extrapolates" in told
        limits = source.info().limits
        assert limits["query.max-samples"] == "50000000"
        assert limits["query.lookback-delta"] == "5m"
        kept = source.retention("load")
        assert (kept.oldest, kept.newest, kept.weekly) == (DAY, DAY, False)
        assert source.retention("no_such_metric").oldest is None
