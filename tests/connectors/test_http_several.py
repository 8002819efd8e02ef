"""Several servers as one source."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from capacity.errors import NoData, ParameterError, SourceUnavailable
from capacity.frames import check
from capacity.provenance import read
from connectors import connect
from tests.support.servers import VictoriaMetrics

DAY = pd.Timestamp("2024-11-22T00:00Z")
WINDOW = {"start": DAY, "end": DAY + pd.Timedelta(hours=2)}


def load(server: VictoriaMetrics, metric: str, **labels: str) -> None:
    stamps = [int((DAY + pd.Timedelta(hours=hour)).timestamp() * 1000) for hour in (1, 2)]
    series = {"metric": {"__name__": metric, **labels}, "values": [1, 2], "timestamps": stamps}
    server.import_lines(json.dumps(series).encode())


def test_each_series_says_which_source_it_is_from(
    victoriametrics: VictoriaMetrics, fresh_victoriametrics: VictoriaMetrics
) -> None:
    """The label is the key of a mapping; labels that one lacks are ''; provenance names both."""
    load(victoriametrics, "several", node="a")
    load(fresh_victoriametrics, "several")
    with connect({"eu": victoriametrics.url, "us": fresh_victoriametrics.url}) as both:
        frame = both.range("several", **WINDOW)
        assert [dict(zip(frame.columns.names, key, strict=True)) for key in frame.columns] == [
            {"metric": "several", "source": "eu", "node": "a"},
            {"metric": "several", "source": "us", "node": ""},
        ]
        assert np.array_equal(frame.to_numpy(), [[1, 1], [2, 2]])
        check(frame)
        told = read(frame)["several"]
        assert told.source == f"{victoriametrics.url}, {fresh_victoriametrics.url}"
        assert told.series == 2


def test_a_source_without_the_metric_is_told_and_none_with_it_is_no_data(
    victoriametrics: VictoriaMetrics, fresh_victoriametrics: VictoriaMetrics
) -> None:
    """One region without the metric is a note in provenance; no region with it is NoData."""
    load(victoriametrics, "in_one_region")
    with connect({"eu": victoriametrics.url, "us": fresh_victoriametrics.url}) as both:
        frame = both.range("in_one_region", **WINDOW)
        assert frame.columns.get_level_values("source").tolist() == ["eu"]
        assert "us has no such series" in read(frame)["in_one_region"].notes
        with pytest.raises(NoData):
            both.range("in_no_region", **WINDOW)


def test_a_source_that_is_away_fails_the_whole(victoriametrics: VictoriaMetrics) -> None:
    """A region must not vanish from a plan because its server is down."""
    load(victoriametrics, "one_away")
    away = connect("http://127.0.0.1:9", attempts=1)
    with connect([victoriametrics.url, away]) as both, pytest.raises(SourceUnavailable, match=":9"):
        both.range("one_away", **WINDOW)


def test_sources_need_names_of_their_own() -> None:
    """None, or the same one twice: refused, with how to write it."""
    for urls in ([], ["http://h:1", "http://h:1"]):
        with pytest.raises(ParameterError, match="connect"):
            connect(urls)
