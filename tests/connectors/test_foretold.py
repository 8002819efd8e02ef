"""Forecasts in the server: where dashboards and alerts can see them, at the times that they speak for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity import frames
from capacity.errors import ParameterError, Unsupported
from connectors import connect
from connectors.foretold import foretell
from tests.connectors.test_http_write import flushing
from tests.support.servers import VictoriaMetrics

NOW = pd.Timestamp("2026-11-01T00:30Z")
HOUR, DAY = pd.Timedelta(hours=1), pd.Timedelta(days=1)


def quantiles(start: pd.Timestamp, *, days: int) -> dict[float, pd.DataFrame]:
    """Return hours ahead, 1, 2, 3 …, as the median of two nodes, and half as much as the lower decile."""
    times = frames.grid(start, start + days * DAY, HOUR)
    hours = np.arange(1.0, len(times) + 1)[:, None] * [1.0, 10.0]
    series = [{"node": "a"}, {"node": "b"}]
    return {q: frames.wide(hours * q * 2, times=times, series=series, metric="disk") for q in (0.1, 0.5)}


def test_what_the_server_takes_goes_to_its_own_time_and_the_rest_to_the_present() -> None:
    """Ten days, of which two are taken: 48 h ahead; in a day and in a week as gauges, in a month not."""
    ready = foretell(quantiles(NOW.floor("h"), days=10), now=NOW, reach=2 * DAY)
    assert ready.ahead is not None
    assert ready.gauges is not None
    assert (ready.ahead.index[0], ready.ahead.index[-1]) == (NOW.floor("h") + HOUR, NOW.floor("h") + 48 * HOUR)
    assert frames.series_labels(ready.ahead)[0] == {"node": "a", "quantile": "0.1", "as_of": "2026-11-01T00:00Z"}
    assert set(ready.ahead.columns.get_level_values("metric")) == {"disk_forecast"}
    assert ready.gauges.index.tolist() == [NOW]
    at = {(key[0], key[-1], key[1]): value for key, value in ready.gauges.iloc[0].items()}
    # in 7 days from 00:30 it is 00:30: the step that ends at 01:00, hour 169, speaks for it
    assert at["disk_forecast_in_7d", "0.5", "a"] == 169.0
    assert at["disk_forecast_in_1d", "0.5", "b"] == 250.0
    assert {name for name, _, _ in at} == {"disk_forecast_in_1d", "disk_forecast_in_7d"}


def test_a_forecast_that_is_taken_whole_needs_no_gauges() -> None:
    """With -futureRetention as long as the forecast, all of it is at its own time."""
    ready = foretell(quantiles(NOW.floor("h"), days=10), now=NOW, reach=30 * DAY)
    assert ready.gauges is None
    assert ready.ahead is not None
    assert len(ready.ahead) == 240


def test_one_frame_with_the_quantiles_as_labels_is_the_same() -> None:
    """A wide frame whose series say their quantile, and frames by level, make the same."""
    by_level = foretell(quantiles(NOW.floor("h"), days=1), now=NOW, reach=30 * DAY).ahead
    assert by_level is not None
    columns = by_level.columns.to_frame(index=False).drop(columns="as_of").assign(metric="disk")
    one = by_level.copy()
    one.columns = pd.MultiIndex.from_frame(columns)
    again = foretell(one, now=NOW, reach=30 * DAY).ahead
    assert again is not None
    pd.testing.assert_frame_equal(again, by_level)


def test_what_is_no_forecast_is_refused() -> None:
    """Without quantiles, with levels that are none, over already, too far ahead for every gauge: each is told."""
    future = quantiles(NOW.floor("h"), days=10)
    for wrong in (future[0.5], {}, {50: future[0.5]}, quantiles(NOW - 30 * DAY, days=10)):
        with pytest.raises(ParameterError):
            foretell(wrong, now=NOW, reach=2 * DAY)
    with pytest.raises(ParameterError, match="shorter horizon"):
        foretell(future, now=NOW, reach=2 * DAY, horizons=("30d",))


def test_a_forecast_is_read_back_from_a_real_server(victoriametrics: VictoriaMetrics) -> None:
    """Two days ahead at their own times, a week ahead as a gauge at the present; verified, and seen by queries."""
    with connect(victoriametrics.url) as source, flushing(victoriametrics):
        start = source.now().floor("h")
        written = source.write_forecast(quantiles(start, days=10))
        assert written.gauges == ("disk_forecast_in_1d", "disk_forecast_in_7d")
        assert written.until is not None
        assert pd.Timedelta(days=1.9) < written.until - start <= 2 * DAY
        assert written.samples == 4 * ((written.until - start) // HOUR) + 8
        ahead = source.instant('disk_forecast{node="a",quantile="0.5"}', at=start + 24 * HOUR)
        assert ahead.iloc[0, 0] == 24.0
        gauge = source.instant('disk_forecast_in_7d{node="a",quantile="0.5"}', at=source.now())
        assert gauge.iloc[0, 0] in (168.0, 169.0)


def test_who_cannot_be_written_to_says_so() -> None:
    """Prometheus has no import: Unsupported, nothing sent."""
    with connect("prometheus+http://127.0.0.1:9") as source, pytest.raises(Unsupported, match="written"):
        source.write_forecast(quantiles(NOW, days=1))
