"""Objectives and what was measured of them, small enough to work out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from capacity.catalog import Objective
from capacity.frames import duration, wide
from capacity.slo import Sli, sli

START = pd.Timestamp("2026-09-01T00:00Z").as_unit("us")
HOUR = pd.Timedelta(hours=1)


def objective(**given: Any) -> Objective:
    """Return a ratio of good and bad events over 30 rolling days, 99 % of which have to be good, in slices of 1 h."""
    usual: dict[str, Any] = {
        "name": "o", "title": "O", "indicator": "ratio", "query": "q", "unit": "ratio", "target": 0.99,
        "comparison": ">", "objective": 0.99, "window": duration("30d"), "slice": HOUR,
    }  # fmt: skip
    if given.get("indicator", "ratio") == "ratio":
        usual |= {"bad": "bad_total", "total": "all_total"}
    return Objective(**{**usual, **given})


def frame(
    values: Any,
    *,
    labels: Sequence[Mapping[str, str]] = ({},),
    step: pd.Timedelta = HOUR,
    name: str = "o",
    start: pd.Timestamp = START,
) -> pd.DataFrame:
    """Return a frame of the contract; a list is one series."""
    table = np.asarray(values, dtype=float)
    table = table[:, None] if table.ndim == 1 else table
    times = pd.date_range(start + step, periods=len(table), freq=step, unit="us")
    return wide(table, times=times, series=list(labels), metric=name)


def ratio(bad: Any, total: Any, *, labels: Sequence[Mapping[str, str]] = ({},), **given: Any) -> Sli:
    """Return the indicator of bad of all events, slice by slice."""
    one = objective(**given)
    return sli(
        one, {"bad": frame(bad, labels=labels, step=one.slice), "total": frame(total, labels=labels, step=one.slice)}
    )


def gauge(values: Any, *, labels: Sequence[Mapping[str, str]] = ({},), **given: Any) -> Sli:
    """Return the indicator of a gauge that has to stay below 1."""
    one = objective(**{"indicator": "gauge", "comparison": "<", "target": 1.0, **given})
    return sli(one, {"value": frame(values, labels=labels, step=one.slice)})
